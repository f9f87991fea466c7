"""Chains draw from the density that they say: closed forms, a grid, detailed balance, twins."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from fooljax import models
from fooljax.analysis import Measure, langevin, measures, sample, sampling
from fooljax.types import Classifier

WEIGHTS = np.array([[0.5, -1.0], [0.2, 0.3], [-0.7, 0.4]], np.float32)
GAUSSIAN = Measure("gaussian", (3,), lambda latent: latent)
UNIT = measures.uniform((2,))


def linear(params, images):
    return images @ params


def bumpy(params, images):
    """Two logits on a square that no Gaussian resembles."""
    x, y = images[:, 0], images[:, 1]
    return params * jnp.stack([4.0 * jnp.sin(6.0 * x) * y, 3.0 * jnp.cos(2.5 * y + 1.5 * x)], 1)


LINEAR = Classifier(jnp.asarray(WEIGHTS), linear, (3,), 2)
BUMPY = Classifier(jnp.float32(1.0), bumpy, (2,), 2)


def test_a_linear_logit_is_a_shifted_normal(key):
    """Of f = w.z at a tilt t it is N(t w, I), and every step of any size is accepted."""
    found = sample(key, LINEAR, GAUSSIAN, 1.5, chains=500, steps=24, burn_in=2, step_size=0.6)
    assert float(found.acceptance.min()) > 0.9999
    latents = np.asarray(found.latents)
    error = 4.0 / np.sqrt(500)
    np.testing.assert_allclose(latents.mean(axis=1), 1.5 * WEIGHTS.T, atol=error)
    np.testing.assert_allclose(latents.var(axis=1), 1.0, atol=np.sqrt(2.0) * error)
    np.testing.assert_allclose(found.scores[..., -1], np.sum(latents * WEIGHTS.T[:, None], 2), 1e-4)
    truth = jax.nn.softmax(found.images.reshape(-1, 3) @ WEIGHTS)[:, 0].reshape(2, 500)[0]
    np.testing.assert_allclose(found.confidence[0], truth, rtol=1e-5)


def on_a_grid(tilt, side=300):
    """Means of what `numbers` reads, by brute force: ``[2, 4]``."""
    places = (np.arange(side) + 0.5) / side
    grid = np.stack(np.meshgrid(places, places, indexing="ij"), -1).reshape(-1, 2)
    logits = np.asarray(bumpy(1.0, grid), np.float64)
    weight = np.exp(tilt * logits)
    each = np.stack([*grid.T, grid[:, 0] * grid[:, 1]])
    means = [
        np.concatenate([each @ w, [w @ f]]) / w.sum()
        for w, f in zip(weight.T, logits.T, strict=True)
    ]
    return np.array(means)


def numbers(found):
    """Both pixels, their product and the logit at the end of each chain: ``[2, m, 4]``."""
    images, logit = np.asarray(found.images, np.float64), np.asarray(found.scores)[..., -1:]
    return np.concatenate([images, images.prod(-1, keepdims=True), logit], axis=-1)


def off_the_grid(key):
    """How many standard errors chains end away from the truth, at most."""
    found = numbers(sample(key, BUMPY, UNIT, 1.0, chains=1000, steps=60, burn_in=0, step_size=0.5))
    error = found.std(axis=1) / np.sqrt(found.shape[1])
    return float(np.abs((found.mean(axis=1) - on_a_grid(1.0)) / error).max())


def test_brute_force_on_a_grid_agrees(key):
    assert off_the_grid(key) < 4.0


PROGRAMS = (langevin.advance, langevin.advance_all)  # one of them runs, by the device
TWINS = {
    "without acceptance": lambda step, here, there, gained, slope, new: jnp.float32(0.0),
    "as if proposals were symmetric": lambda step, here, there, gained, slope, new: gained,
    "without the slope of the new place": lambda step, here, there, gained, slope, new: (
        langevin.LOG_RATIO(step, here, there, gained, slope, slope)
    ),
}


@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS.keys())
def test_wrong_twins_are_caught(key, twin, monkeypatch):
    monkeypatch.setattr(langevin, "LOG_RATIO", langevin.log_ratio, raising=False)
    monkeypatch.setattr(langevin, "log_ratio", twin)
    for program in PROGRAMS:
        program.clear_cache()
    far = off_the_grid(key)
    for program in PROGRAMS:
        program.clear_cache()
    assert far > 6.0


def test_detailed_balance_on_a_quadratic():
    """The ratio is that of plain normal densities, target times proposal, in float64."""
    rng = np.random.default_rng(0)
    curved, push = np.array([[1.5, 0.6], [0.6, -0.4]]), np.array([0.3, -0.8])
    height = lambda z: push @ z - 0.5 * z @ curved @ z
    slope = lambda z: push - curved @ z
    for step in (0.05, 0.7, 2.0):
        here, there = rng.normal(size=(2, 2))

        def jump(start, end, step=step):
            center = ((2 - step) * start + 2 * step * slope(start)) / (2 + step)
            return stats.norm.logpdf(end, center, np.sqrt(8 * step) / (2 + step)).sum()

        target = lambda z: stats.norm.logpdf(z).sum() + height(z)
        truth = target(there) + jump(there, here) - target(here) - jump(here, there)
        gained = height(there) - height(here)
        given = (np.float32(one) for one in (here, there, gained, slope(here), slope(there)))
        assert langevin.log_ratio(step, *given) == pytest.approx(truth, abs=1e-5)


def test_chains_know_nothing_of_each_other(key):
    """Other chains, classes and batches beside them change nothing."""
    settings = {"steps": 12, "step_size": 0.5}
    every = sample(key, BUMPY, UNIT, 1.0, chains=3, **settings)
    other = sample(key, BUMPY, UNIT, 1.0, chains=4, classes=[1], **settings)
    parts = sample(key, BUMPY, UNIT, 1.0, chains=3, batch_size=4, **settings)
    for whole, one, part in zip(every[:-1], other[:-1], parts[:-1], strict=True):
        np.testing.assert_allclose(whole[1:], one[:, :3], rtol=1e-5)
        np.testing.assert_allclose(whole, part, rtol=1e-5)
    assert every.burn_in == 6 and np.unique(np.asarray(every.step_size)).size == 6


def test_a_compiled_loop_takes_the_same_steps(key, accelerator):
    settings = {"chains": 2, "steps": 12, "step_size": 0.5}
    looped = sample(key, BUMPY, UNIT, 1.0, **settings)
    density = langevin.Density(UNIT, sampling.SCORES["logit"])
    rows = sampling._rows(key, jnp.arange(2), 2)
    chains = langevin.begin(density, BUMPY, rows, 1.0, 0.5, 12)
    for index in range(12):
        chains = langevin.advance(density, BUMPY, rows, 1.0, 6, index, chains)
    np.testing.assert_allclose(looped.scores.reshape(4, 12).T, chains.trace, rtol=1e-5)


def test_step_sizes_settle_and_log_odds_are_a_choice(key):
    """A step is accepted about as often as is best; new weights do not recompile."""
    network = models.build("softmax", key, (6, 10, 1), 4)
    sharp = Classifier(
        jax.tree.map(lambda leaf: 40.0 * leaf, network.params), network.apply, (6, 10, 1), 4
    )
    settings = {"classes": [2], "chains": 20, "steps": 60, "step_size": 2.0}
    measure = measures.uniform((6, 10, 1))
    compiled = lambda: sum(program._cache_size() for program in PROGRAMS)
    before = compiled()
    for one in (network, sharp):
        found = sample(key, one, measure, 3.0, score="log_odds", **settings)
    assert compiled() == before + 1
    assert 0.4 < float(found.acceptance.mean()) < 0.9 and float(found.step_size.max()) < 2.0
    shares = jax.nn.sigmoid(found.scores[..., -1])
    np.testing.assert_allclose(shares, found.confidence, rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tilt": -1.0}, "tilt must not be negative, got -1.0"),
        ({"steps": 1}, "steps must be at least 2, got 1"),
        ({"chains": 0}, "chains must be at least 1, got 0"),
        ({"burn_in": 9}, "burn_in must be less than steps, 9, got 9"),
        ({"step_size": 2.5}, r"step_size must be in \(0, 2\], got 2.5"),
        ({"classes": [0, 2]}, r"classes must be in \[0, 2\), got 2 at index 1"),
        ({"classes": [1, 1]}, "classes must be a row of different labels, got a list of 2"),
        ({"score": "odds"}, "score must be logit or log_odds, got 'odds'"),
        ({"measure": GAUSSIAN}, r"measure must paint images \(2,\), .* got \(3,\)"),
        ({"measure": measures.uniform}, "measure must be a Measure, got the function uniform"),
    ],
)
def test_impossible_settings(key, changes, message):
    given = {"measure": UNIT, "tilt": 1.0, "steps": 9} | changes
    with pytest.raises(ValueError, match=message):
        sample(key, BUMPY, **given)
