"""Randomized smoothing against closed forms: a linear network's votes are a normal probability."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from fooljax.defenses import (
    ABSTAIN,
    certify,
    count_votes,
    decide,
    least_probability,
    predict_smoothed,
    radius_of,
)
from fooljax.types import Classifier

SHAPE = (3, 3, 1)


def key():
    return jax.random.key(8)


def halves(params, images):
    """Class 1 where the sum of the pixels exceeds a bar."""
    lead = jnp.sum(images, axis=(1, 2, 3)) - params
    return jnp.stack([-lead, lead, jnp.full_like(lead, -1e9)], axis=1)


NETWORK = Classifier(jnp.float32(4.5), halves, SHAPE, 3)
# by how much the sum of the pixels is above the bar
LEADS = np.array([1.5, -0.9, 0.3, 0.0, -3.0])
IMAGES = np.broadcast_to(0.5 + LEADS[:, None, None, None] / 9, (5, *SHAPE)).astype(np.float32)
SIGMA = 0.4


def test_the_published_bound_and_radii():
    assert least_probability(990, 1000, 0.001) == pytest.approx(0.976036, abs=1e-6)
    assert radius_of(least_probability(990, 1000, 0.001), 1.0) == pytest.approx(1.9780, abs=1e-4)
    many = radius_of(least_probability(99_000, 100_000, 0.001), 1.0)
    assert many == pytest.approx(2.2900, abs=1e-4)
    assert decide(np.array([[530, 470]]), 0.001) == ABSTAIN
    assert least_probability(530, 1000, 0.001) < 0.5
    assert radius_of(least_probability(530, 1000, 0.001), 1.0) == 0.0
    assert least_probability(1000, 1000, 0.001) == pytest.approx(0.001 ** (1 / 1000))


def test_the_bound_is_that_of_a_binomial_test():
    counts = np.array([0, 1, 7, 50, 99, 100])
    for alpha in (0.001, 0.05):
        wanted = [
            scipy.stats.binomtest(int(k), 100, alternative="greater")
            .proportion_ci(1 - alpha, method="exact")
            .low
            for k in counts
        ]
        np.testing.assert_allclose(least_probability(counts, 100, alpha), wanted, atol=1e-12)


def test_decides_by_a_two_sided_test():
    votes = np.array([[5, 0, 0], [60, 40, 900], [0, 0, 0], [64, 36, 0], [70, 30, 0], [2, 1, 0]])
    np.testing.assert_array_equal(decide(votes, 0.01), [-1, 2, -1, 0, 0, -1])
    assert scipy.stats.binomtest(64, 100).pvalue == pytest.approx(0.0066, abs=1e-4)
    assert decide(votes, 0.005)[3] == -1


def test_votes_have_the_probability_they_should():
    samples = 4000
    votes = count_votes(key(), NETWORK, IMAGES, SIGMA, samples, batch_size=999)
    chance = scipy.stats.norm.cdf(LEADS / (3 * SIGMA))  # the sum of nine noises has 3 sigma
    assert (votes.sum(axis=1) == samples).all() and (votes[:, 2] == 0).all()
    spread = np.sqrt(chance * (1 - chance) / samples)
    assert (np.abs(votes[:, 1] / samples - chance) < 4 * spread).all()


def test_votes_depend_on_the_images_number_only():
    together = count_votes(key(), NETWORK, IMAGES, SIGMA, 50, batch_size=64)
    again = count_votes(key(), NETWORK, IMAGES, SIGMA, 50, batch_size=7)
    np.testing.assert_array_equal(together, again)
    some = count_votes(key(), NETWORK, IMAGES[[3, 1]], SIGMA, 50, numbers=[3, 1], batch_size=7)
    np.testing.assert_array_equal(some, together[[3, 1]])
    other = count_votes(key(), NETWORK, IMAGES[[3, 1]], SIGMA, 50, numbers=[13, 11], batch_size=7)
    assert (other != some).any()


def test_the_certificate_of_a_linear_network():
    """Its true radius is the distance to the boundary; certificates stay just below."""
    found = certify(key(), NETWORK, IMAGES, SIGMA, samples=2000, alpha=0.001)
    np.testing.assert_array_equal(found.answers[[0, 1, 4]], [1, 0, 0])
    assert found.answers[3] == ABSTAIN and found.radii[3] == 0.0
    true = np.abs(LEADS) / 3
    assert (found.radii <= true).all()
    assert (found.radii[[0, 1, 4]] > 0.75 * true[[0, 1, 4]]).all()
    answers = predict_smoothed(key(), NETWORK, IMAGES, SIGMA, samples=2000)
    np.testing.assert_array_equal(answers, [1, 0, 1, ABSTAIN, 0])


def test_an_answer_that_is_not_a_number_is_no_vote():
    broken = Classifier(None, lambda _, images: jnp.log(images.sum((1, 2)) - 99.0), SHAPE, 1)
    two = Classifier(None, lambda _, images: jnp.tile(broken(images), (1, 2)), SHAPE, 2)
    assert count_votes(key(), two, IMAGES, SIGMA, 10).sum() == 0
    assert (certify(key(), two, IMAGES, SIGMA, selection=10, samples=10).answers == ABSTAIN).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 0.0}, r"alpha must be in \(0, 1\), got 0.0"),
        ({"samples": 0}, "samples must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"numbers": [1, 2]}, "one for each of 5 images"),
    ],
)
def test_says_what_is_impossible_of_votes(changes, message):
    for ask in (certify, predict_smoothed):
        with pytest.raises(ValueError, match=message):
            ask(key(), NETWORK, IMAGES, SIGMA, **changes)


@pytest.mark.parametrize("sigma", [0.0, -0.5, float("nan")])
def test_says_that_there_is_no_such_noise(sigma):
    with pytest.raises(ValueError, match="sigma must be positive"):
        certify(key(), NETWORK, IMAGES, sigma)
