"""Rates, answers and random controls of universal perturbations, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, affine

from fooljax import attacks
from fooljax.attacks import fooling_rate, perturbed_answers, random_perturbation
from fooljax.types import Classifier


@pytest.mark.parametrize(("norm", "radius"), [("linf", 0.1), ("l2", 0.4)])
def test_random_perturbations_lie_on_the_sphere(norm, radius, key):
    shape = (40, 50, 3)
    one = random_perturbation(key, shape, radius, norm)
    exact = np.asarray(one, np.float64).ravel()
    size = np.linalg.norm(exact, ord=np.inf if norm == "linf" else 2)
    assert 0.99999 * np.float32(radius) < size <= np.float32(radius)
    if norm == "linf":
        assert set(np.abs(exact)) == {float(np.float32(radius))}
    assert abs(exact.sum()) < 5 * np.linalg.norm(exact)  # no side is preferred
    other = random_perturbation(jax.random.key(1), shape, radius, norm)
    assert abs(np.vdot(one, other)) < 0.1 * np.vdot(one, one)


def test_rates_and_answers_by_hand(key):
    """Against numpy; two columns reject, and one image has no answer."""
    weights = np.random.default_rng(4).normal(size=(36, 5)).astype(np.float32)
    scale = lambda params, images: jnp.where(
        images[:, 0, 0, :] == 1.0, jnp.nan, affine(params, images)
    )
    classifier = Classifier((jnp.asarray(weights), jnp.zeros(5)), scale, SHAPE, 3)
    images = np.random.default_rng(5).integers(40, 200, (53, *SHAPE)).astype(np.uint8)
    images[7, 0, 0] = 255
    perturbation = random_perturbation(key, SHAPE, 0.3, "linf").at[0, 0].set(0.0)
    real = images / np.float32(255)
    answer = lambda pixels: np.argmax(pixels.reshape(53, -1) @ weights, axis=1)
    before, after = answer(real), answer(np.clip(real + np.asarray(perturbation), 0, 1))
    before[7] = after[7] = -1
    np.testing.assert_array_equal(perturbed_answers(classifier, images, None, 10), before)
    np.testing.assert_array_equal(perturbed_answers(classifier, images, perturbation), after)
    moved = (before != after) & (after < 3)
    rejected = (before != after) & (after >= 3)
    assert moved.any() and rejected.any()
    for size in (7, 53, 500):
        rate = fooling_rate(classifier, images, perturbation, batch_size=size)
        assert rate == pytest.approx(moved.mean())
    targets = np.arange(53) % 3
    rate = fooling_rate(classifier, real, perturbation, attacks.reach(jnp.asarray(targets)))
    assert rate == pytest.approx(np.mean(after == targets))
