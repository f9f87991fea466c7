"""HopSkipJump where the nearest boundary is known, and what it may know of the network."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine

from fooljax.attacks import confident, hop_skip_jump, leave, run
from fooljax.types import Classifier

COUNT = 4
TWO = make_affine(3, columns=2)
SHORT = hop_skip_jump(4, directions=12, together=8)


def telling(params, images):
    """The logits, or only the label: one program, so that the rest is computed alike to the bit."""
    weights, labels_only = params
    logits = TWO.apply(weights, images)
    return jnp.where(labels_only, jax.nn.one_hot(jnp.argmax(logits, axis=1), 2), logits)


OPEN, HARD = (
    Classifier((TWO.params, jnp.array(hard)), telling, SHAPE, 2) for hard in (False, True)
)


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(8), (COUNT, *SHAPE), minval=0.4, maxval=0.6)


@pytest.fixture(scope="module")
def labels(images):
    return jnp.argmax(TWO(images), axis=1)


@pytest.fixture(scope="module")
def starts(images, labels):
    """Black or white, whichever the network takes for the other class."""
    starts = jnp.broadcast_to((1.0 - labels)[:, None, None, None], images.shape)
    np.testing.assert_array_equal(jnp.argmax(TWO(starts), axis=1), 1 - labels)
    return starts


@pytest.mark.parametrize(("norm", "dual", "worse"), [("l2", 2, 1.1), ("linf", 1, 1.35)])
def test_comes_close_to_the_boundary_of_a_linear_network(norm, dual, worse, images, labels, key):
    weights = np.float64(TWO.params[0])
    behind = abs(np.diff(np.float64(TWO(images)), axis=1)[:, 0])
    nearest = behind / np.linalg.norm(weights[:, 1] - weights[:, 0], ord=dual)
    attack = hop_skip_jump(16, norm=norm, directions=60, together=8)
    result = run(attack, key, HARD, images, leave(labels))
    assert jnp.all(result.success)
    found = np.asarray(getattr(result, norm))
    assert np.all(found >= nearest * (1.0 - 1e-4))
    assert np.all(found <= nearest * worse), found / nearest
    assert not jnp.any(result.gradients)


def test_knows_nothing_but_whether_the_goal_is_reached(images, labels, key):
    """The labels alone give the same images, to the bit."""
    one, two = (run(SHORT, key, network, images, leave(labels)) for network in (OPEN, HARD))
    assert jnp.all(one.success)
    np.testing.assert_array_equal(one.images, two.images)
    np.testing.assert_array_equal(one.forwards, two.forwards)


def test_starts_where_it_is_told(images, labels, starts, key):
    """The first step goes straight from there to the boundary."""
    attack = dataclasses.replace(SHORT, steps=1)
    result = run(attack, key, OPEN, images, leave(labels), start=starts)
    assert jnp.all(result.success)
    way = np.float64(starts - images).reshape(COUNT, -1)
    gone = np.float64(result.images - images).reshape(COUNT, -1)
    share = (gone * way).sum(axis=1) / (way**2).sum(axis=1)
    np.testing.assert_allclose(gone, share[:, None] * way, atol=1e-6)
    assert np.all(share < 1.0)
    a_bit_nearer = images + ((share - 0.01)[:, None] * way).reshape(images.shape)
    assert jnp.all(jnp.argmax(TWO(jnp.float32(a_bit_nearer)), axis=1) == labels)


def test_an_unlucky_sample_fails(images, labels, key):
    """No noise is ever so certain: nothing moves, and every try is counted."""
    result = run(SHORT, key, OPEN, images, confident(leave(labels), 1.0 - 1e-6))
    assert not jnp.any(result.success)
    np.testing.assert_array_equal(result.images, images)
    np.testing.assert_array_equal(result.forwards, 4 * (1 + 8) + 2)


def test_what_is_reached_stays(images, labels, key):
    result = run(SHORT, key, OPEN, images, leave(1 - labels))
    np.testing.assert_array_equal(result.images, images)
    np.testing.assert_array_equal(result.forwards, 4 + 2)


def test_counts_every_look(images, labels, starts, key):
    """Alone and one at a time, the network is shown as many images as the result says.

    In company and several at a time it is the same path.
    """
    shown = []

    def watched(params, images):
        jax.debug.callback(lambda: shown.append(len(images)))
        return TWO.apply(params, images)

    network = Classifier(TWO.params, watched, SHAPE, 2)
    attack = hop_skip_jump(4, directions=12, together=1)
    result = run(attack, key, network, images[:1], leave(labels[:1]), start=starts[:1])
    jax.effects_barrier()
    assert result.success[0]
    assert result.forwards[0] == sum(shown)
    assert result.forwards[0] > 12 + 16 + 20  # 12 sqrt(t) probes in iteration t
    company = run(SHORT, key, OPEN, images, leave(labels), start=starts)
    assert company.forwards[0] == result.forwards[0]
    np.testing.assert_allclose(company.images[0], result.images[0], atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"directions": 0}, "directions"),
        ({"most": 0}, "most"),
        ({"together": 0}, "together"),
        ({"gamma": 0.0}, "gamma"),
        ({"norm": "l1"}, "norm"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        hop_skip_jump(**arguments)
