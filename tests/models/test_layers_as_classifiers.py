"""Layers as classifiers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import fooljax as fj
from fooljax.models import Layer, layers, units
from fooljax.types import Classifier

SHAPE = (16, 16, 1)


@pytest.fixture(scope="module")
def lenet():
    return fj.models.build("lenet", jax.random.key(1), SHAPE, 10)


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(2), (3, *SHAPE))


def plain(params, images):
    """Two layers and no names."""
    kernel = params["kernel"]
    x = jax.lax.conv_general_dilated(
        images, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    x = jnp.maximum(x, 0.0)
    return x.reshape(len(x), -1) @ params["dense"]


@pytest.fixture(scope="module")
def unnamed():
    rows = jax.random.normal(jax.random.key(3), (3 * 3 * 2 + 14 * 14 * 2 * 4,))
    params = {"kernel": rows[:18].reshape(3, 3, 1, 2), "dense": rows[18:].reshape(-1, 4)}
    return Classifier(params, plain, SHAPE, 4)


def test_lists_layers_by_name(lenet):
    assert layers(lenet) == (
        Layer("conv1", (12, 12, 20)),
        Layer("conv2", (2, 2, 50)),
        Layer("ip1", (500,)),
        Layer("relu1", (500,)),
        Layer("ip2", (10,)),
    )


def test_lists_layers_without_names(unnamed):
    assert layers(unnamed) == (
        Layer("conv1", (14, 14, 2)),
        Layer("relu1", (14, 14, 2)),
        Layer("dense1", (4,)),
    )


class Methodical(nn.Module):
    @nn.compact
    def __call__(self, x):
        return self.twice(nn.relu(nn.Dense(3, name="low")(x)))

    def twice(self, x):
        return nn.Dense(2, name="block.high")(x) * 2.0


def test_methods_of_a_network_do_not_count_as_layers(key):
    network = fj.models.init_flax(key, Methodical(), (4,), 2)
    assert [layer.name for layer in layers(network)] == ["low", "relu1", "block.high"]


def test_units_are_the_layer(unnamed, images):
    """Against numpy's own sliding windows."""
    windows = np.lib.stride_tricks.sliding_window_view(np.float64(images)[..., 0], (3, 3), (1, 2))
    kernel = np.float64(unnamed.params["kernel"])[:, :, 0]
    layer = np.maximum(np.einsum("bhwij,ijc->bhwc", windows, kernel), 0)
    ask = jax.jit(lambda classifier, images: classifier(images))
    expected = {"mean": layer.mean((1, 2)), "center": layer[:, 7, 7], (3, 12): layer[:, 3, 12]}
    for pool, value in expected.items():
        found = ask(units(unnamed, "relu1", pool), images)
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(ask(units(unnamed, "dense1"), images), ask(unnamed, images))


def test_other_weights_are_the_same_program(lenet, images):
    counted = []

    @jax.jit
    def ask(classifier, images):
        counted.append(1)
        return classifier(images)

    halved = jax.tree.map(lambda leaf: leaf / 2, lenet)
    one, other = (ask(units(each, "conv1"), images) for each in (lenet, halved))
    assert len(counted) == 1 and one.shape == (3, 20)
    np.testing.assert_allclose(other, one / 2, rtol=1e-5, atol=1e-6)


def test_evolves_an_image_for_each_unit(lenet, key):
    """One niche a unit; what fires a unit is kept, whatever the others do."""
    network = units(lenet, "conv2")
    search = fj.evolution.map_elites(fj.encodings.direct(SHAPE), 20, fitness="logit")
    state, _ = fj.evolution.start(key, search, network)
    before = np.asarray(state.archive.fitness)
    state, _ = fj.evolution.advance(key, search, network, state, 3)
    painted = fj.evolution.express_elites(fj.encodings.direct(SHAPE), state.archive)
    activation = np.diagonal(jax.jit(lambda c, x: c(x))(network, painted))
    np.testing.assert_allclose(state.archive.fitness, activation, rtol=1e-4, atol=1e-5)
    assert np.all(state.archive.fitness >= before) and np.any(state.archive.fitness > before)


WRONG = {
    "layer 'conv7' is unknown; there are conv1": ("conv7", "mean"),
    "pool must be one of|pool": ("conv1", "max"),
    r"a place in \(12, 12\), got \(12, 0\)": ("conv1", (12, 0)),
    r"a place in \(\), got \(1,\)": ("ip1", (1,)),
}


@pytest.mark.parametrize(("message", "given"), WRONG.items(), ids=WRONG.keys())
def test_impossible_layers_and_places(lenet, message, given):
    with pytest.raises(ValueError, match=message):
        units(lenet, *given)


RECTIFIERS = {
    "relu": jax.nn.relu,
    "maximum": lambda x: jnp.maximum(x, 0.0),
    "of zeros": lambda x: jnp.maximum(jnp.zeros_like(x), x),
}


@pytest.mark.parametrize("rectify", RECTIFIERS.values(), ids=RECTIFIERS)
def test_a_unit_that_is_off_leaks(rectify, images):
    weights = jax.random.normal(jax.random.key(4), (256, 5))
    biases = jnp.array([[-90.0, -30.0, 0.0, 30.0, 90.0]])  # the first is off, the last on
    apply = lambda params, x: rectify(x.reshape(len(x), -1) @ params + biases)
    network = Classifier(weights, apply, SHAPE, 5)
    x = np.asarray(images).reshape(3, -1) @ np.asarray(weights) + np.asarray(biases)
    found = units(network, "relu1", leak=0.25)(images)
    np.testing.assert_allclose(found, np.where(x > 0, x, 0.25 * x), rtol=1e-4, atol=1e-4)
    slope = lambda leak: jax.grad(lambda y: units(network, "relu1", leak=leak)(y)[:, 0].sum())
    assert not np.any(slope(0.0)(images)) and np.all(slope(0.25)(images))


def test_what_is_not_rectified_has_no_leak(unnamed, images):
    for name in ("conv1", "dense1"):
        leaking = units(unnamed, name, leak=0.5)(images)
        np.testing.assert_array_equal(leaking, units(unnamed, name)(images))


@pytest.mark.parametrize("leak", [-0.1, 1.5, float("nan"), "much"])
def test_a_leak_is_a_share(unnamed, leak):
    with pytest.raises(ValueError, match="leak must be"):
        units(unnamed, "relu1", leak=leak)
