"""Training on perturbed images: what a batch holds, what is refused, what it achieves."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fooljax.data import from_arrays
from fooljax.models import build
from fooljax.training import fit, perturbed_minibatches, with_perturbations

SHAPE = (2, 2, 1)


@pytest.fixture(scope="module")
def samples():
    """Eight grey levels, and two perturbations that tell which one was added."""
    levels = (np.arange(8) * 20).astype(np.uint8)
    images = levels[:, None, None, None] * np.ones(SHAPE, np.uint8)
    pool = np.stack([np.full(SHAPE, 0.3), np.full(SHAPE, -0.7)])
    return with_perturbations(from_arrays(images, np.arange(8) % 2), pool)


def test_half_of_the_samples_carry_one_of_the_pool(key, samples):
    images, labels = jax.jit(perturbed_minibatches(20_000))(key, None, samples)
    pixel = np.asarray(images)[:, 0, 0, 0]
    np.testing.assert_array_equal(np.ptp(np.asarray(images).reshape(20_000, -1), axis=1), 0.0)
    bright, dark = np.round(pixel * 255) > 140, pixel == 0.0  # the brightest level is 140
    levels = np.round(pixel * 255)
    plain = np.isin(levels, np.arange(8) * 20) & ~dark
    # of eight levels one is 0 itself, and -0.7 turns all into 0
    assert np.mean(dark) == pytest.approx(0.25 + 0.5 / 8, abs=0.015)
    assert np.mean(plain) == pytest.approx(0.5 * 7 / 8, abs=0.015)
    raised = ~dark & ~plain
    assert np.mean(raised) == pytest.approx(0.25, abs=0.015) and bright[raised].any()
    level = np.where(raised, levels - np.round(0.3 * 255), levels)
    shown = np.round(level[~dark] / 20).astype(int)
    np.testing.assert_array_equal(np.asarray(labels)[~dark], shown % 2)


def test_no_share_and_all(key, samples):
    none, _ = perturbed_minibatches(100, 0.0)(jax.random.clone(key), None, samples)
    assert np.isin(np.round(np.asarray(none) * 255), np.arange(8) * 20).all()
    everything, _ = perturbed_minibatches(100, 1.0)(key, None, samples)
    pixel = np.asarray(everything)[:, 0, 0, 0]
    assert np.all((pixel == 0.0) | (pixel >= 0.3 - 1e-6))


def test_another_pool_compiles_nothing(key, samples):
    traces = []

    def sampler(key, classifier, samples):
        traces.append(None)
        return perturbed_minibatches(4)(key, classifier, samples)

    start, optimizer = build("softmax", key, SHAPE, 2), optax.sgd(0.1)
    for size in (0.1, 0.2):
        with_pool = with_perturbations(samples.dataset, np.full((2, *SHAPE), size))
        fit(key, start, with_pool, optimizer=optimizer, sampler=sampler, steps=2)
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("pool", "sentence"),
    [
        (np.zeros((0, *SHAPE)), "at least one, got"),
        (np.zeros((1, 3, 3, 1)), r"\(2, 2, 1\) and at least one, got \(1, 3, 3, 1\)"),
        (np.full((1, *SHAPE), np.nan), "finite numbers"),
    ],
)
def test_bad_pools_are_refused(samples, pool, sentence):
    with pytest.raises(ValueError, match=sentence):
        with_perturbations(samples.dataset, pool)


def test_impossible_settings():
    assert perturbed_minibatches(4) is perturbed_minibatches(4)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        perturbed_minibatches(0)
    with pytest.raises(ValueError, match=r"share must be in \[0, 1\], got 2"):
        perturbed_minibatches(4, 2)
    with pytest.raises(ValueError, match=r"share must be in \[0, 1\], got nan"):
        perturbed_minibatches(4, jnp.nan)
