"""Every loss against numpy, every batch of outliers against what it should hold."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from scipy.ndimage import gaussian_filter

from fooljax import training
from fooljax.data import Dataset, as_float, load
from fooljax.models import build
from fooljax.training import fit, losses, minibatches_and_changed, minibatches_with_noise
from fooljax.types import Classifier, Tokens

K = 3
LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0], [4.0, 4.0, -2.0], [0.3, 0.1, -0.7]])
LABELS = np.array([0, 1, 3, 3])  # the last two are outliers
LOG_P = scipy.special.log_softmax(LOGITS, axis=1)
KNOWN = -(LOG_P[0, 0] + LOG_P[1, 1]) / 2
ENERGY = -scipy.special.logsumexp(LOGITS, axis=1)
INSIDE = np.maximum(ENERGY[:2] + 4.0, 0.0) ** 2
OUTSIDE = np.maximum(-3.0 - ENERGY[2:], 0.0) ** 2
P = np.exp(LOG_P)
APART = [scipy.special.rel_entr(P[i], P[2 + i]).sum() for i in (0, 1)]

CASES = {
    "outlier_exposure": (
        losses.outlier_exposure(0.5),
        KNOWN - 0.5 * LOG_P[2:].mean(axis=1).mean(),
    ),
    "energy_bounded": (
        losses.energy_bounded(0.1, -4.0, -3.0),
        KNOWN + 0.1 * (INSIDE.mean() + OUTSIDE.mean()),
    ),
    "low_confidence": (losses.low_confidence(2.0), KNOWN + 2.0 * LOG_P[2:].max(axis=1).mean()),
    "trades": (losses.trades(6.0), KNOWN + 6.0 * np.mean(APART)),
}


@pytest.mark.parametrize("name", CASES)
def test_by_numpy(name):
    loss, expected = CASES[name]
    assert INSIDE.any() and OUTSIDE.any() and not OUTSIDE.all()  # both sides of both bounds
    found = jax.jit(loss, static_argnums=2)(np.float32(LOGITS), LABELS, K)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_without_outliers_only_the_labels_count(name):
    """Twice the same images: nothing is changed, and nothing is an outlier."""
    logits, labels = jnp.asarray(LOGITS[[0, 1, 0, 1]], jnp.float32), jnp.array([0, 1, 0, 1])
    if name == "energy_bounded":
        logits = logits + 30.0  # so certain that no bound matters; the cross-entropy is the same
    found = jax.jit(CASES[name][0], static_argnums=2)(logits, labels, K)
    np.testing.assert_allclose(found, KNOWN, rtol=1e-4)


def test_a_rejecting_column_may_be_labeled():
    """Four columns, three classes: cross-entropy and TRADES train the last column."""
    logits = jnp.asarray(np.pad(LOGITS, ((0, 0), (0, 1))), jnp.float32)
    p = scipy.special.log_softmax(np.asarray(logits, np.float64), axis=1)
    expected = -np.mean(p[np.arange(4), LABELS])
    np.testing.assert_allclose(
        losses.cross_entropy(logits, jnp.asarray(LABELS), K), expected, rtol=1e-5
    )
    twice = jnp.concatenate([logits, logits])
    found = losses.trades(1.0)(twice, jnp.tile(jnp.asarray(LABELS), 2), K)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_equal_settings_are_one_function():
    for factory in (losses.outlier_exposure, losses.energy_bounded, losses.low_confidence):
        assert factory(0.3) is factory(0.3) is not factory(0.4)
        with pytest.raises(ValueError, match="the weight must be positive, got 0"):
            factory(0.0)
    with pytest.raises(ValueError, match=r"low must be below high, got -1\.0 and -2\.0"):
        losses.energy_bounded(0.1, -1, -2)
    assert minibatches_with_noise(4, 0.1, 2) is minibatches_with_noise(4, 0.1, 2)
    for sampler in (minibatches_with_noise, minibatches_and_changed):
        with pytest.raises(ValueError, match="epsilon must not be negative, got -1"):
            sampler(4, -1.0, 2)
        with pytest.raises(ValueError, match="attack_steps must be at least 0, got -2"):
            sampler(4, 0.1, -2)


@pytest.fixture(scope="module")
def pictures():
    """Eight pictures of one brightness each, and a linear network that sees them."""
    bright = np.linspace(0.2, 0.8, 8, dtype=np.float32)
    images = jnp.asarray(np.broadcast_to(bright[:, None, None, None], (8, 6, 6, 1)))
    network = build("softmax", jax.random.key(7), (6, 6, 1), 2)
    slope = np.where(np.arange(36) % 2, 1.0, -1.0).astype(np.float32)
    params = {"fc": {"kernel": jnp.stack([slope, -slope], axis=1), "bias": jnp.array([0.1, 0.0])}}
    network = dataclasses.replace(network, params=params)
    return Dataset(images, jnp.arange(8) % 2, ("a", "b")), network


def drawn(sampler, key, network, dataset):
    draw = jax.jit(lambda key, network: sampler(key, network, dataset))
    return jax.device_get(draw(key, network))


def test_noise_is_blurred_uniform_and_shuffled_noise(key):
    """Even rows as scipy blurs uniform noise, odd ones made of the images' own pixels."""
    images = jnp.zeros((40, 28, 28, 1)).at[:, 10, 10].set(1.0)
    noise = np.asarray(jax.jit(training.noise_like)(key, images))[..., 0]
    assert noise.shape == (40, 28, 28) and noise.min() == 0.0 and noise.max() == 1.0
    np.testing.assert_allclose(noise.max(axis=(1, 2)), 1.0, atol=1e-6)
    sharp = np.random.default_rng(0).random((200, 28, 28))
    roughness = lambda rows: np.abs(np.diff(rows, axis=1)).mean() / rows.std()
    blurred = [roughness(gaussian_filter(sharp, (0, s, s), mode="constant")) for s in (1.0, 2.5)]
    assert blurred[1] < roughness(noise[::2]) < blurred[0]
    # a single bright pixel has become a single bell, somewhere
    bell = noise[1]
    assert (bell > 0.5).sum() < 60 and bell[bell > 0.5].size and np.median(bell) < 0.01
    places = {tuple(np.argwhere(one == one.max())[0]) for one in noise[1::2]}
    assert len(places) > 15


def test_noise_climbs_to_where_a_linear_network_is_surest(key, pictures):
    dataset, network = pictures
    calm = drawn(minibatches_with_noise(16), jax.random.clone(key), network, dataset)
    images, labels = drawn(minibatches_with_noise(16, 0.05, 3), key, network, dataset)
    np.testing.assert_array_equal(images[:16], calm[0][:16])
    np.testing.assert_array_equal(labels[16:], 2)
    np.testing.assert_array_equal(labels[:16], calm[1][:16])
    kernel = np.asarray(network.params["fc"]["kernel"]).reshape(6, 6, 1, 2)
    top = np.argmax(np.asarray(network(calm[0][16:])), axis=1)
    toward = np.sign(
        np.where(top[:, None, None, None] == 0, 1, -1) * (kernel[..., 0] - kernel[..., 1])
    )
    expected = np.clip(np.asarray(calm[0][16:]) + 0.05 * toward, 0.0, 1.0)
    np.testing.assert_allclose(images[16:], expected, atol=1e-6)


def test_changed_images_are_the_ones_answered_most_differently(key, pictures):
    """The divergence grows along the weights in both directions: a corner of the ball."""
    dataset, network = pictures
    images, labels = drawn(minibatches_and_changed(16, 0.1, 4), key, network, dataset)
    originals, changed = np.asarray(images[:16]), np.asarray(images[16:])
    np.testing.assert_array_equal(labels[:16], labels[16:])
    np.testing.assert_allclose(np.abs(changed - originals), 0.1, atol=1e-5)
    sides = np.sign(changed - originals).reshape(16, -1) * np.where(np.arange(36) % 2, 1, -1)
    assert (np.abs(sides.sum(axis=1)) == 36).all()


def surest(network, images):
    return float(np.mean(np.max(jax.nn.softmax(network(images)), axis=1)))


@pytest.fixture(scope="module")
def usual():
    """A perceptron trained as usual, and what it began from."""
    digits = load("digits")
    start = build("mlp", jax.random.key(0), digits.train.input_shape, 10)
    recipe = training.quick(steps=100)
    return digits, start, fit(jax.random.key(1), start, digits.train, **recipe._asdict())[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["outlier_exposure", "energy_bounded", "acet"])
def test_training_makes_noise_unsure(name, usual):
    digits, start, before = usual
    recipe = training.RECIPES[name](steps=100)
    after, _ = fit(jax.random.key(1), start, digits.train, **recipe._asdict())
    noise = training.noise_like(jax.random.key(5), as_float(digits.test.images[:200]))
    if name == "energy_bounded":
        energy = lambda network: -jax.nn.logsumexp(network(noise), axis=1).mean()
        assert energy(after) > energy(before) + 1.0
    else:
        assert surest(after, noise) < 0.3 < surest(before, noise) - 0.2
    assert training.evaluate(after, digits.test) > 0.8


def test_outliers_of_ones_own(usual):
    """Rows labeled with the number of classes: no column for them, but uniform answers."""
    digits, start, before = usual
    white = np.full((300, 28, 28, 1), 255, np.uint8)
    enlarged = training.with_fooling_class(digits.train, white)
    recipe = training.outlier_exposure(steps=100, noise=False)
    network, _ = fit(jax.random.key(1), start, enlarged, **recipe._asdict())
    one = as_float(white[:1])
    assert surest(network, one) < 0.2 < surest(before, one) - 0.2
    with pytest.raises(ValueError, match=r"labels must be in \[0, 9\]"):
        fit(jax.random.key(1), start, enlarged, **training.quick(steps=5)._asdict())


def test_what_noise_cannot_be_made_of_is_said(key):
    with pytest.raises(ValueError, match=r"made of pictures .*, got images \(2, 16, 1\)"):
        training.noise_like(key, jnp.zeros((2, 16, 1)))
    reader = Classifier(jnp.ones((5, 2)), lambda w, ids: w[ids].sum(axis=1), (3,), 2, Tokens(5))
    with pytest.raises(ValueError, match="TRADES changes numbers"):
        minibatches_and_changed(2, 0.1, 1)(key, reader, None)
