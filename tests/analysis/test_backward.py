"""Backward rules, against Captum's published numbers and against sums by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from fooljax import backend
from fooljax.analysis import backward, saliency
from fooljax.models.interpreter import interpret
from fooljax.models.layers import max_pool, max_pool3
from fooljax.types import Classifier

# Captum's BasicModel_ConvNet_One_Conv on the numbers 0 .. 15, and what its tests expect
RAMP = jnp.arange(16.0).reshape(1, 4, 4, 1)
CAPTUM = {
    "deconvnet": [[2, 3, 3, 1], [3, 5, 5, 2], [3, 5, 5, 2], [1, 2, 2, 1]],
    "guided": [[0, 1, 1, 1], [1, 3, 3, 2], [1, 3, 3, 2], [1, 2, 2, 1]],
}


def toy(rectify, params, images):
    x = jax.lax.conv_general_dilated(
        images, params["kernel"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    x = rectify(x + params["bias"][None, None, None, :])
    return rectify(x.transpose(0, 3, 1, 2).reshape(len(x), 8) @ params["dense"])


TOY = {
    "kernel": jnp.ones((3, 3, 1, 2)),
    "bias": jnp.array([-50.0, -75.0]),
    "dense": jnp.where(jnp.arange(8)[:, None] < 5, 1.0, -1.0) * jnp.ones((1, 4)),
}
WAYS = {
    "relu": jax.nn.relu,
    "maximum": lambda x: jnp.maximum(x, 0.0),
    "remat": jax.checkpoint(jax.nn.relu),
    "jit": jax.jit(lambda x: jnp.maximum(0.0, x)),
}


def two(weights):
    """Two logits, the second of which nobody asks for."""
    return jnp.stack([weights, 0.0 * weights], axis=1)


def slope(classifier, images, target=0):
    return jax.grad(lambda images: jnp.sum(classifier(images)[:, target]))(images)


@pytest.mark.parametrize("rule", CAPTUM)
@pytest.mark.parametrize("rectify", WAYS.values(), ids=WAYS.keys())
def test_captums_toy_numbers(rule, rectify):
    """Images outside [0, 1] are for this test alone, so the door is left out."""
    network = Classifier(TOY, functools.partial(toy, rectify), (4, 4, 1), 4)
    found = slope(backward(network, rule), RAMP)
    np.testing.assert_array_equal(found[0, ..., 0], CAPTUM[rule])


def test_answers_are_the_same(key):
    network = fj.models.build("lenet", key, (13, 13, 1), 5)
    images = jax.random.uniform(jax.random.fold_in(key, 1), (2, 13, 13, 1))
    ask = jax.jit(lambda classifier, images: classifier(images))
    for rule in CAPTUM:
        np.testing.assert_array_equal(ask(backward(network, rule), images), ask(network, images))


SIX = jnp.array([[-1.0, 0.5, 5.9, 6.5]])


@pytest.mark.parametrize("rectify", [jax.nn.relu6, lambda x: jnp.clip(x, 0.0, 6.0)])
@pytest.mark.parametrize(
    ("rule", "passes"), [("guided", [0, 3, 0, 0]), ("deconvnet", [2, 3, 0, 5])]
)
def test_relu6_has_a_window(rectify, rule, passes):
    """Signals 2, 3, -4 and 5 come back to inputs below, in, in and above the window."""
    signal = jnp.array([2.0, 3.0, -4.0, 5.0])
    network = Classifier(signal, lambda signal, x: rectify(x) @ two(signal), (4,), 2)
    np.testing.assert_array_equal(slope(backward(network, rule), SIX), [passes])


# The first maximum of each window is marked; all others of its size are ties.
TIES = jnp.array(
    [[0.0, 0.0, 0.3, 0.1], [0.0, 0.0, 0.3, 0.3], [0.2, 0.7, 0.7, 0.0], [0.7, 0.7, 0.0, 0.5]]
)[None, :, :, None]
FIRST2 = [[1, 0, 2, 0], [0, 0, 0, 0], [0, 3, 4, 0], [0, 0, 0, 0]]
FIRST3 = [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def pooled(pool, weights, images):
    return pool(images).reshape(len(images), -1) @ two(weights)


@pytest.mark.parametrize("rule", ["gradient", *CAPTUM])
@pytest.mark.parametrize(
    ("pool", "count", "expected"), [(max_pool, 4, FIRST2), (max_pool3, 1, FIRST3)]
)
def test_pooling_sends_the_signal_to_the_first_maximum(rule, pool, count, expected):
    weights = jnp.arange(1.0, count + 1)
    network = Classifier(weights, functools.partial(pooled, pool), (4, 4, 1), 2)
    np.testing.assert_array_equal(slope(backward(network, rule), TIES)[0, ..., 0], expected)
    if pool is max_pool3 and not backend.on_cpu():
        return  # there pooling itself sends the signal to the first one
    # the wrong twin: rectifiers replaced and pooling left as it is, which shares among ties
    twin = {"rectifier": jax.nn.relu}
    shared = jax.grad(lambda x: jnp.sum(interpret(network.apply, weights, x, twin)[:, 0]))(TIES)
    assert not np.array_equal(shared[0, ..., 0], expected)


def test_pooling_on_an_accelerator_does_the_same(accelerator):
    """There the maximum is taken by ``reduce_window``."""
    network = Classifier(jnp.ones(1), functools.partial(pooled, max_pool3), (4, 4, 1), 2)
    np.testing.assert_array_equal(slope(backward(network, "guided"), TIES)[0, ..., 0], FIRST3)


def test_rules_by_hand(key):
    """A rectifier between two matrices; numpy does what each rule says."""
    keys = jax.random.split(key, 3)
    first, second = jax.random.normal(keys[0], (6, 5)), jax.random.normal(keys[1], (5, 3))
    images = jax.random.uniform(keys[2], (4, 6))
    network = Classifier(
        (first, second), lambda params, x: jax.nn.relu(x @ params[0]) @ params[1], (6,), 3
    )
    targets = np.array([0, 2, 1, 2])
    signal = np.float64(second)[:, targets].T
    on = np.float64(images) @ np.float64(first) > 0
    expected = {
        "gradient": signal * on,
        "guided": np.maximum(signal, 0) * on,
        "deconvnet": np.maximum(signal, 0),
    }
    for rule, back in expected.items():
        found = saliency(network, images, jnp.asarray(targets, jnp.int32), rule)
        np.testing.assert_allclose(found, back @ np.float64(first).T, rtol=1e-4, atol=1e-5)


def test_unknown_rule(key):
    with pytest.raises(ValueError, match=r"rule .*gradient"):
        backward(fj.models.build("softmax", key, (4, 4, 1), 3), "guide")


def test_limits_that_are_one_learned_number(key):
    """``jnp.clip`` and ``jnp.maximum`` leave a single number as it is, beside an array."""

    def apply(params, images):
        hidden = images.reshape(len(images), -1) @ params["in"]
        return jnp.clip(jnp.maximum(hidden, params["low"]), params["mid"], params["high"])

    params = {"in": jax.random.normal(key, (8, 3))}
    params |= {name: jnp.float32(at) for name, at in (("low", -2.0), ("mid", -1.0), ("high", 1.0))}
    network = Classifier(params, apply, (2, 2, 2), 3)
    images = jax.random.uniform(jax.random.fold_in(key, 1), (4, 2, 2, 2))
    labels = jnp.array([0, 1, 2, 0])
    slope = jax.grad(lambda images: network(images)[jnp.arange(4), labels].sum())(images)
    for rule in ("gradient", "guided", "deconvnet"):
        found = fj.analysis.saliency(network, images, labels, rule)
        np.testing.assert_allclose(found, slope, atol=1e-6)
