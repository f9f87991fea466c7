"""Widened networks: old logits bit by bit, what the new column says, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import training
from fooljax.data import from_arrays
from fooljax.models import build, center_crop, from_function, load_published, widen

SHAPE, CLASSES = (20, 20, 3), 7
NAMES = ("softmax", "mlp", "squeezenet1_1", pytest.param("mobilenet_v1", marks=pytest.mark.slow))


@pytest.fixture(scope="module", params=NAMES)
def both(request):
    shape = (32, 32, 3) if request.param == "mobilenet_v1" else SHAPE
    network = build(request.param, jax.random.key(0), shape, CLASSES)
    images = jax.random.uniform(jax.random.key(1), (6, *shape))
    wide = widen(network, 2)
    return network, wide, np.asarray(network(images)), np.asarray(wide(images))


def test_old_logits_are_unchanged_and_new_ones_are_at_most_their_mean(both):
    """Their mean after a linear layer; less where a ReLU follows (convexity)."""
    network, wide, before, after = both
    assert (wide.num_classes, wide.input_shape) == (CLASSES, network.input_shape)
    assert after.shape == (len(before), CLASSES + 2)
    np.testing.assert_allclose(after[:, :CLASSES], before, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))
    mean = before.mean(axis=1)
    assert np.all(after[:, CLASSES:] <= mean[:, None] + 1e-5)
    if type(network.apply.module).__name__ != "SqueezeNet":
        np.testing.assert_allclose(after[:, CLASSES], mean, rtol=1e-4, atol=1e-5)


def test_a_new_column_takes_no_more_than_its_part_of_the_probability(both):
    *_, after = both
    shares = np.exp(after - after.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    assert np.all(shares[:, CLASSES:] <= 1.0 / (CLASSES + 2) + 1e-6)


def test_equal_networks_are_compiled_once():
    traces = []

    @jax.jit
    def ask(network, images):
        traces.append(None)
        return network(images)

    images = jnp.zeros((1, *SHAPE))
    for seed in range(2):
        ask(widen(build("softmax", jax.random.key(seed), SHAPE, CLASSES)), images)
    ask(build("softmax", jax.random.key(2), SHAPE, CLASSES, rejecting=1), images)
    assert len(traces) == 1


def test_the_new_column_learns_and_the_answers_stay():
    """Bright images join as a further class; dark ones keep their two."""
    half = np.zeros((40, 4, 4, 1), np.float32)
    half[::2, :2], half[1::2, 2:] = 0.3, 0.3
    dark = from_arrays(half, np.arange(40) % 2)
    start = build("softmax", jax.random.key(0), (4, 4, 1), 2)
    first, _ = training.fit(jax.random.key(1), start, dark, **training.quick(100)._asdict())
    assert training.evaluate(first, dark) == 1.0
    bright = np.ones((40, 4, 4, 1), np.float32)
    enlarged = training.with_fooling_class(dark, bright)
    recipe = training.fine_tune(steps=60, learning_rate=0.05)
    tuned, _ = training.fit(jax.random.key(2), widen(first), enlarged, **recipe._asdict())
    assert training.evaluate(tuned, dark) == 1.0
    np.testing.assert_array_equal(training.predict(tuned, bright), 2)
    np.testing.assert_array_equal(training.predict(widen(first), bright) < 2, True)


def test_what_has_no_such_layer_is_refused():
    network = build("softmax", jax.random.key(0), SHAPE, CLASSES)
    with pytest.raises(ValueError, match=r"attribute outputs.*widen it before crops"):
        widen(center_crop(network, 24))
    with pytest.raises(ValueError, match="attribute outputs"):
        widen(from_function(lambda images: np.zeros((len(images), 3)), (4, 4, 1), 3))
    with pytest.raises(ValueError, match="rejecting must be at least 1, got 0"):
        widen(network, 0)


@pytest.mark.slow
def test_a_published_network_keeps_its_answers(data_dir):
    """Of noise and flat grounds at 64 pixels: SqueezeNet's logits, its new one below their mean."""
    network = load_published("squeezenet1_1", f"{data_dir}/models", 64)
    noise = jax.random.uniform(jax.random.key(0), (4, 64, 64, 3))
    images = jnp.concatenate([noise, jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 64, 64, 3))])
    before, after = np.asarray(network(images)), np.asarray(widen(network)(images))
    np.testing.assert_allclose(after[:, :1000], before, rtol=1e-4, atol=1e-4)
    assert np.all(after[:, 1000] <= before.mean(axis=1) + 1e-4)
    assert np.all(after[:4, 1000] > 0.0)  # the ReLU before the mean lets its gradient through
