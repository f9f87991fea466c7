"""Brendel and Bethge's attack where the nearest boundary is known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine

from fooljax.attacks import brendel_bethge, leave, run
from fooljax.types import Classifier

COUNT = 4
TWO = make_affine(3, columns=2)
ATTACKS = {norm: brendel_bethge(16, norm=norm, rate=0.02, halvings=8) for norm in ("l2", "linf")}


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(8), (COUNT, *SHAPE), minval=0.4, maxval=0.6)


@pytest.fixture(scope="module")
def labels(images):
    return jnp.argmax(TWO(images), axis=1)


def nearest(network, images, norm):
    """How far the boundary of two linear logits is, where [0, 1] is wide enough."""
    weights = np.float64(network.params[0])
    behind = abs(np.diff(np.float64(network(images)), axis=1)[:, 0])
    return behind / np.linalg.norm(weights[:, 1] - weights[:, 0], ord={"l2": 2, "linf": 1}[norm])


@pytest.mark.parametrize("norm", ["l2", pytest.param("linf", marks=pytest.mark.slow)])
def test_finds_the_nearest_place_of_a_plane(norm, images, labels, key):
    result = run(ATTACKS[norm], key, TWO, images, leave(labels))
    best = nearest(TWO, images, norm)
    found = np.asarray(getattr(result, norm))
    assert jnp.all(result.success)
    assert np.all(found >= best * (1.0 - 1e-4))
    assert np.all(found <= best * 1.01), found / best
    np.testing.assert_array_equal(result.gradients, 16)


def test_where_no_noise_succeeds_it_begins_at_the_image(images, key):
    """The second class is so far from all noise that the first step finds none of it."""
    weights, bias = TWO.params
    bias = bias.at[0].add(4.0)
    network = Classifier((weights, bias), TWO.apply, SHAPE, 2)
    noise = jax.random.uniform(key, (200, *SHAPE))
    assert not jnp.any(jnp.argmax(network(noise), axis=1))
    result = run(ATTACKS["l2"], key, network, images, leave(jnp.zeros(COUNT, jnp.int32)))
    assert jnp.all(result.success)
    np.testing.assert_array_equal(result.forwards, 16 + 20 + 2)
    assert np.all(np.asarray(result.l2) <= 1.02 * nearest(network, images, "l2"))


def test_the_first_step_comes_straight_from_the_start(images, labels, key):
    starts = jnp.broadcast_to((1.0 - labels)[:, None, None, None], images.shape)
    assert jnp.all(jnp.argmax(TWO(starts), axis=1) != labels)
    attack = dataclasses.replace(ATTACKS["l2"], steps=1)
    result = run(attack, key, TWO, images, leave(labels), start=starts)
    assert jnp.all(result.success)
    way = np.float64(starts - images).reshape(COUNT, -1)
    gone = np.float64(result.images - images).reshape(COUNT, -1)
    share = (gone * way).sum(axis=1) / (way**2).sum(axis=1)
    np.testing.assert_allclose(gone, share[:, None] * way, atol=1e-6)
    nearer = images + ((share - 2e-3)[:, None] * way).reshape(images.shape)
    assert jnp.all(jnp.argmax(TWO(jnp.float32(nearer)), axis=1) == labels)


@pytest.mark.slow
def test_without_a_gradient_it_begins_at_noise_after_all(images, labels, key):
    """It then stays on the boundary where the way from the noise meets it."""
    apply = lambda params, given: jax.lax.stop_gradient(TWO.apply(params, given))
    network = dataclasses.replace(TWO, apply=apply)
    attack = brendel_bethge(3, from_noise=False)
    result = run(attack, key, network, images, leave(labels))
    assert jnp.all(result.success)
    assert np.all(np.asarray(result.l2) >= nearest(TWO, images, "l2"))
    seen = run(attack, key, TWO, images, leave(labels))
    assert np.all(np.asarray(seen.forwards) == 3 + 2)  # no noise where there is a gradient


def test_what_is_reached_stays(images, labels, key):
    result = run(ATTACKS["l2"], key, TWO, images, leave(1 - labels))
    np.testing.assert_array_equal(result.images, images)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"norm": "l1"}, "norm must be l2 or linf, got 'l1'"),
        ({"rate": 0.0}, "rate"),
        ({"halvings": -1}, "halvings"),
        ({"overshoot": 0.9}, "overshoot"),
        ({"momentum": 1.0}, "momentum"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        brendel_bethge(**arguments)
