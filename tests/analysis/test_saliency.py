"""Maps that are gradients, averaged and added up; and whether they depend on the network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import fooljax as fj
from fooljax.analysis import (
    integrated_gradients,
    map_agreement,
    saliency,
    shuffle_top,
    smooth_saliency,
)
from fooljax.types import Classifier

TARGETS = jnp.array([1, 0, 2], jnp.int32)


def draw(key, *shape):
    return jax.random.uniform(key, shape)


@pytest.fixture(scope="module")
def linear():
    weights = jax.random.normal(jax.random.key(1), (12, 3))
    return Classifier(weights, lambda w, x: x.reshape(len(x), -1) @ w, (2, 3, 2), 3)


@pytest.fixture(scope="module")
def curved():
    weights = jax.random.normal(jax.random.key(2), (12, 3))
    return Classifier(weights, lambda w, x: jnp.tanh(x.reshape(len(x), -1) @ w) ** 2, (2, 3, 2), 3)


@pytest.fixture(scope="module")
def images():
    return draw(jax.random.key(3), 3, 2, 3, 2)


def test_a_linear_network_is_its_weights(linear, images, key):
    rows = np.asarray(linear.params).T[np.asarray(TARGETS)].reshape(3, 2, 3, 2)
    np.testing.assert_allclose(saliency(linear, images, TARGETS), rows, rtol=1e-5)
    found = smooth_saliency(key, linear, images, TARGETS, samples=3)
    np.testing.assert_allclose(found, rows, rtol=1e-5)
    found = integrated_gradients(linear, images, TARGETS, steps=2)
    np.testing.assert_allclose(found, rows * np.asarray(images), rtol=1e-5)


@pytest.mark.parametrize("baseline", [0.0, 0.5, "image", "images"])
def test_integrated_gradients_are_complete(curved, images, baseline, key):
    """Their sum is the change of the logit, to the error of the midpoint rule."""
    start = {"image": images[0] / 2, "images": draw(key, 3, 2, 3, 2)}.get(baseline, baseline)
    found = integrated_gradients(curved, images, TARGETS, start, steps=200)
    logit = lambda x: np.asarray(curved(jnp.broadcast_to(x, images.shape)))[np.arange(3), TARGETS]
    flat = jnp.broadcast_to(jnp.asarray(start, jnp.float32), images.shape)
    np.testing.assert_allclose(
        np.float64(found).sum((1, 2, 3)), logit(images) - logit(flat), atol=2e-4
    )
    # the wrong twin: gradient times way, which no path adds up
    twin = np.asarray(saliency(curved, images, TARGETS) * (images - flat)).sum((1, 2, 3))
    assert np.abs(twin - (logit(images) - logit(flat))).max() > 0.05


def test_noise_of_an_image_does_not_depend_on_its_batch(curved, images, key):
    every = smooth_saliency(key, curved, images, TARGETS, samples=4)
    first = smooth_saliency(key, curved, images[:1], TARGETS[:1], samples=4)
    np.testing.assert_allclose(every[:1], first, rtol=1e-5, atol=1e-6)
    bare = saliency(curved, images, TARGETS)
    assert not np.allclose(every, bare, atol=1e-3)
    still = smooth_saliency(key, curved, images, TARGETS, sigma=0.0, samples=4)
    np.testing.assert_allclose(still, bare, rtol=1e-5, atol=1e-6)


def test_shuffles_from_the_answer_to_the_image(key):
    """Each array keeps its numbers; layers below keep their places too."""
    network = fj.models.build("mlp", key, (4, 4, 1), 3)
    names, networks = zip(*shuffle_top(key, network), strict=True)
    assert names == ("fc3", "fc2", "fc1")
    for done, shuffled in enumerate(networks, 1):
        for name in ("fc1", "fc2", "fc3"):
            before, after = network.params[name]["kernel"], shuffled.params[name]["kernel"]
            assert np.array_equal(before, after) == (name not in names[:done])
            np.testing.assert_array_equal(np.sort(before, None), np.sort(after, None))
    assert shuffle_top(key, fj.models.units(network, "fc2"))[0][0] == "fc2"


def test_agreement_is_spearmans(key):
    keys = jax.random.split(key)
    one, other = draw(keys[0], 2, 4, 4, 3) - 0.5, draw(keys[1], 2, 4, 4, 3) - 0.5
    one = np.round(np.asarray(one), 1)  # with ties
    expected = [
        stats.spearmanr(np.abs(a).sum(-1).ravel(), np.abs(b).sum(-1).ravel()).statistic
        for a, b in zip(one, np.asarray(other), strict=True)
    ]
    np.testing.assert_allclose(map_agreement(one, other), expected)
    np.testing.assert_allclose(map_agreement(one, -2 * one), 1.0)
    assert np.isnan(map_agreement(one, np.zeros_like(one))).all()


WRONG = {
    r"baseline must be a number.* got \(2, 3\)": lambda c, x: integrated_gradients(
        c, x, TARGETS, jnp.zeros((2, 3))
    ),
    "steps must be at least 1": lambda c, x: integrated_gradients(c, x, TARGETS, steps=0),
    "labels must be in": lambda c, x: saliency(c, x, jnp.array([0, 1, 3], jnp.int32)),
}


@pytest.mark.parametrize(("message", "call"), WRONG.items(), ids=WRONG.keys())
def test_impossible_arguments(linear, images, message, call):
    with pytest.raises(ValueError, match=message):
        call(linear, images)
