"""DeepFool where the nearest boundary is known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine

import fooljax as fj
from fooljax.attacks import confident, deepfool, leave, reach
from fooljax.types import Classifier

COUNT, CLASSES, OVERSHOOT = 5, 4, 0.02
NETWORK = make_affine(7, columns=CLASSES)


def images():
    return jax.random.uniform(jax.random.key(8), (COUNT, *SHAPE), minval=0.4, maxval=0.6)


def labels():
    return jnp.argmax(NETWORK(images()), axis=1)


def nearest_boundaries(order, table, weights, least=0.0):
    """Distance of each image to the nearest hyperplane between its label and a rival."""
    found = []
    for row in np.float64(table):
        own = row.argmax()
        far = [
            (row[own] - row[c] + least) / np.linalg.norm(weights[:, c] - weights[:, own], order)
            for c in range(len(row))
            if c != own
        ]
        found.append(min(far))
    return np.array(found)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_exact_in_one_step_on_an_affine_network(norm, key):
    result = fj.attacks.run(deepfool(norm=norm), key, NETWORK, images(), leave(labels()))
    weights = np.float64(NETWORK.params[0])
    far = nearest_boundaries({"l2": 2, "linf": 1}[norm], NETWORK(images()), weights)
    assert jnp.all(result.success)
    np.testing.assert_allclose(getattr(result, norm), (1.0 + OVERSHOOT) * far, rtol=2e-4, atol=2e-6)
    np.testing.assert_array_equal(result.gradients, CLASSES - 1)
    np.testing.assert_array_equal(result.forwards, 3)  # look, look again, score


def test_a_larger_overshoot_goes_farther(key):
    one, two = (
        fj.attacks.run(deepfool(overshoot=o), key, NETWORK, images(), leave(labels()))
        for o in (0.02, 0.5)
    )
    np.testing.assert_allclose(two.l2 / one.l2, 1.5 / 1.02, rtol=1e-3)


def test_few_candidates_look_at_the_likeliest_only(key):
    result = fj.attacks.run(deepfool(candidates=1), key, NETWORK, images(), leave(labels()))
    second = np.argsort(np.asarray(NETWORK(images())), axis=1)[:, -2]
    np.testing.assert_array_equal(jnp.argmax(NETWORK(result.images), axis=1), second)
    np.testing.assert_array_equal(result.gradients, 1)


def test_a_confident_goal_has_a_farther_boundary(key):
    """Two classes: the log-odds are the lead, so the boundary is known."""
    weights, bias = make_affine(9, columns=2).params
    out_of_reach = jnp.pad(bias, (0, 2), constant_values=-1e3)  # so it is no other program
    two = dataclasses.replace(NETWORK, params=(jnp.pad(weights, ((0, 0), (0, 2))), out_of_reach))
    label = jnp.argmax(two(images()), axis=1)
    goal = confident(leave(label), 0.9)
    result = fj.attacks.run(deepfool(), key, two, images(), goal)
    far = nearest_boundaries(2, two(images())[:, :2], np.float64(weights), np.log(9.0))
    np.testing.assert_allclose(result.l2, (1.0 + OVERSHOOT) * far, rtol=2e-4)
    assert jnp.all(result.confidence > 0.9)


def test_a_rejected_image_walks_on_to_a_class(key):
    """Column 2 rejects and leads: the label is far behind, and not what stands in the way."""
    three = make_affine(9, columns=3)
    network = Classifier(
        three.params, lambda p, x: three.apply(p, x) + jnp.array([[0.0, 0.0, 0.5]]), SHAPE, 2
    )
    label = jnp.zeros(COUNT, int)
    result = fj.attacks.run(deepfool(), key, network, images(), leave(label))
    assert jnp.all(result.success)
    np.testing.assert_array_equal(jnp.argmax(network(result.images), axis=1), 1)


def test_images_that_are_done_stay(key):
    """What already has another label is its own nearest image, and costs two looks."""
    wrong = (labels() + 1) % CLASSES
    result = fj.attacks.run(deepfool(), key, NETWORK, images(), leave(wrong))
    np.testing.assert_array_equal(result.images, images())
    np.testing.assert_array_equal(result.forwards, 2)
    np.testing.assert_array_equal(result.gradients, 0)


def test_stops_when_every_image_is_done(key):
    sent = []
    fj.attacks.run(deepfool(50), key, NETWORK, images(), leave(labels()), on_step=sent.append)
    assert len(sent) <= 4  # one step, one look, and a step that was already under way


def test_a_flat_network_moves_nothing(key):
    flat = dataclasses.replace(NETWORK, params=jax.tree.map(jnp.zeros_like, NETWORK.params))
    result = fj.attacks.run(deepfool(3), key, flat, images(), leave(jnp.zeros(COUNT, int)))
    np.testing.assert_array_equal(result.images, images())
    assert not jnp.any(result.success)


@pytest.mark.parametrize("inside", [False, True])
def test_targets_are_refused(key, inside):
    attack = deepfool()
    call = jax.jit(attack) if inside else lambda *given: fj.attacks.run(attack, *given)
    with pytest.raises(ValueError, match="leave goal"):
        call(key, NETWORK, images(), reach(labels()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"candidates": 0}, "candidates"),
        ({"overshoot": -0.1}, "overshoot"),
        ({"norm": "l1"}, "norm"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        deepfool(**arguments)
