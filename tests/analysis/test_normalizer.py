"""Normalizers against closed forms: a normal score, and one uniform in an interval."""

import jax
import numpy as np
import pytest
from scipy import stats

from fooljax.analysis import log_density, log_normalizer, measures, score_curves, whole_curve
from fooljax.types import Classifier

TILTS = np.array([0.0, 1.0, 3.0, 10.0])


@pytest.mark.parametrize("width", [0.3, 1.0, 2.0])
def test_of_a_linear_logit(width):
    """A score of N(0, |w|^2) has log Z = tilt^2 |w|^2 / 2 and a mean of tilt |w|^2."""
    levels = width * np.linspace(-5.0, 25.0, 600)
    found = log_normalizer(levels, stats.norm.logsf(levels / width), TILTS)
    np.testing.assert_allclose(found.log_z, 0.5 * (TILTS * width) ** 2, atol=2e-3)
    np.testing.assert_allclose(found.mean, TILTS * width**2, atol=2e-3)
    assert found.beyond.max() < 1e-3


def test_levels_of_splitting_suffice():
    """After plain draws each level may halve what is left: the error stays small."""
    shares = [*np.linspace(0.999, 0.5, 50), *0.5 ** np.arange(2.0, 90.0)]
    log_p = np.log(shares)
    levels = stats.norm.isf(shares)
    found = log_normalizer(levels, log_p, [1.0, 3.0, 7.0])
    np.testing.assert_allclose(found.log_z, [0.5, 4.5, 24.5], atol=0.05)


def test_draws_and_levels_are_joined():
    draws = np.random.default_rng(0).normal(size=4000)
    shares = 0.5 ** np.arange(1.0, 60.0)
    levels = np.append(stats.norm.isf(shares), np.nan)
    joined = whole_curve(draws, levels, np.append(np.log(shares), np.nan))
    found = log_normalizer(*joined, [0.0, 1.0, 4.0])
    np.testing.assert_allclose(found.log_z, [0.0, 0.5, 8.0], atol=0.06)
    assert len(joined[0]) > 3600 and found.beyond.max() < 1e-3


def test_a_curve_that_ends_too_early_is_said():
    levels = np.linspace(-5.0, 3.0, 100)
    found = log_normalizer(levels, stats.norm.logsf(levels), TILTS)
    assert found.beyond[1] < 0.1 and found.beyond[3] > 0.5
    assert found.log_z[3] < 50.0 and found.mean[3] == pytest.approx(3.0, abs=0.1)


def test_of_an_exponential_tail_and_of_extreme_tilts():
    """Z of exp(-2 s) is 2 / (2 - t), also where the tilt cancels the slope; nothing overflows."""
    levels = np.linspace(0.0, 400.0, 50)
    found = log_normalizer(levels, -2.0 * levels, [0.0, 1.0, 1.9, 2.0, 1000.0])
    np.testing.assert_allclose(found.log_z[:3], np.log([1.0, 2.0, 20.0]), atol=1e-9)
    np.testing.assert_allclose(found.mean[:3], [0.5, 1.0, 10.0], atol=1e-9)
    assert found.log_z[3] == pytest.approx(np.log(801.0)) and np.isfinite(found.log_z[4])


def test_densities_integrate_to_one():
    """Averaged over images of the measure, the density of the mixture is 1."""
    draws = np.random.default_rng(0).normal(size=(200_000, 2)) * [0.5, 0.8]
    log_z = 0.5 * np.array([0.5, 0.8]) ** 2
    found = np.exp(log_density(draws, 1.0, log_z))
    assert found.mean() == pytest.approx(1.0, abs=4 * found.std() / np.sqrt(len(found)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: log_normalizer([0, 1], [0.0], [1]), "as many, at least 2, got 2 and 1"),
        (lambda: log_normalizer([1, 0], [0, -1], [1]), "levels must ascend"),
        (lambda: log_normalizer([0, 1], [-1, 0], [1]), "log_p descend"),
        (lambda: log_normalizer([0, 1], [0, -1], []), "tilts must be a row"),
        (lambda: whole_curve([1.0], [2.0], [-1.0]), "draws must be 2 or more"),
        (
            lambda: log_density(np.ones((3, 2)), 1.0, np.zeros(3)),
            r"scores must be numbers \[n, 3\]",
        ),
    ],
)
def test_impossible_curves(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_curves_go_as_deep_as_asked():
    """However slowly scores grow out there: no goal is in sight, so none is out of reach."""
    network = Classifier(
        jax.numpy.eye(4), lambda params, images: images.reshape(-1, 4) @ params, (2, 2, 1), 4
    )
    found = score_curves(
        jax.random.key(0),
        network,
        measures.gaussian((2, 2, 1), sigma=0.01),
        classes=[1],
        depth=30.0,
        particles=20,
        draws=20,
        moves=2,
    )
    assert np.nanmin(found.log_p) <= -30.0


@pytest.mark.slow
def test_curves_of_a_linear_network():
    """Classes keep their places; in the bulk and far out the normalizer is the closed form."""
    weights = np.float32([[4.0, 0.0, -2.0], [0.0, 3.0, 2.0]])
    affine = lambda params, images: images.reshape(len(images), 2) @ params
    network = Classifier(jax.numpy.asarray(weights), affine, (1, 2, 1), 3)
    sigma, tilts = 0.1, np.array([1.0, 3.0, 5.0])
    measure, size = measures.gaussian((1, 2, 1), sigma=sigma), {"particles": 200, "draws": 2000}
    found = score_curves(jax.random.key(0), network, measure, classes=[2, 0], depth=60.0, **size)
    assert found.draws.shape == (2000, 2) and found.evaluations > 0
    for label, one in zip((2, 0), found.normalizers(tilts), strict=True):
        mean, spread = 0.5 * weights[:, label].sum(), sigma * np.linalg.norm(weights[:, label])
        wanted = tilts * mean + 0.5 * (tilts * spread) ** 2
        np.testing.assert_allclose(one.log_z, wanted, rtol=0.05, atol=0.1)
        assert one.beyond.max() < 0.05
    with pytest.raises(ValueError, match="score must be"):
        score_curves(jax.random.key(0), network, measure, score="odds")
