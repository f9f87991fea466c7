"""Shares of image space against closed forms, brute force, and other numbers of devices."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType
from scipy import stats
from scipy.ndimage import gaussian_filter

from fooljax.analysis import (
    Measure,
    agrees_with_count,
    crowds,
    draw_scores,
    estimate,
    ideal_sd,
    log10_ball,
    log10_count,
    measures,
    volume,
)
from fooljax.metrics import Interval
from fooljax.types import Classifier

RUNS, PARTICLES, DIMENSIONS = 8, 100, 10
TRUTHS = {
    "half-space": 1e-20,
    "half-space, near": 1e-6,
    "slab": 1e-9,
    "two balls": 1e-8,
    "sum of uniform numbers": 1e-9,  # Irwin and Hall's distribution
    "score in steps": float(stats.norm.sf(3.25)),
}
GOALS = {
    "half-space": stats.norm.isf(1e-20),
    "half-space, near": stats.norm.isf(1e-6),
    "slab": stats.norm.isf(1e-9 / 2),
    "two balls": -stats.ncx2.ppf(1e-8 / 2, DIMENSIONS, 4.0),
    "sum of uniform numbers": DIMENSIONS - stats.irwinhall.ppf(1e-9, DIMENSIONS),
    "score in steps": 3.25,
    "always the same": 1.0,
    "no number": 1.0,
    "far beyond": 30.0,
}
CASES = list(GOALS)


def same(latent):
    return latent


def own(logits):
    return logits


def each_case(goals, images):
    """A column for each case; it is 0 where the case has reached its goal."""
    first, center = images[:, 0], 2.0 * jnp.eye(DIMENSIONS)[:1]
    distance = lambda center: jnp.sum((images - center) ** 2, axis=1)
    columns = {
        "half-space": first,
        "half-space, near": first,
        "slab": jnp.abs(first),
        "two balls": -jnp.minimum(distance(center), distance(-center)),
        "sum of uniform numbers": jnp.sum(jax.scipy.stats.norm.cdf(images), axis=1),
        "score in steps": jnp.floor(4.0 * first) / 4.0,
        "always the same": jnp.zeros_like(first),
        "no number": jnp.full_like(first, jnp.nan),
        "far beyond": first,
    }
    return jnp.stack([columns[case] for case in CASES], axis=1) - goals


def climb(key, cases, **changes):
    """Images that are the normal latents themselves: with these the truth is known."""
    goals = jnp.array([list(GOALS.values())], jnp.float32)
    classifier = Classifier(goals, each_case, (DIMENSIONS,), len(CASES))
    return volume(
        key,
        classifier,
        Measure("normal", (DIMENSIONS,), same),
        **{"goals": [0.0], "score": own, "classes": [CASES.index(case) for case in cases]}
        | {"runs": RUNS, "particles": PARTICLES, "batch_size": 2400, "images": 50}
        | changes,
    )


def error(log10, truth, particles=PARTICLES):
    """By how many standard errors the estimate is off, as scattered runs or ideal ones are."""
    ratio = np.log10(np.mean(10.0 ** (log10 - math.log10(truth))))
    sd = max(np.std(log10, ddof=1), ideal_sd(math.log10(truth), particles))
    return ratio / (sd / math.sqrt(len(log10)))


@pytest.fixture(scope="module")
def found():
    return climb(jax.random.key(0), CASES, least_log10=-21.0)


@pytest.mark.parametrize("case", TRUTHS)
def test_closed_forms(case, found):
    log10, truth = found.log10_p[0, :, CASES.index(case)], TRUTHS[case]
    assert abs(error(log10, truth)) < 3.0
    one = estimate(log10, PARTICLES)
    assert not one.scattered and one.low < one.log10 < one.high
    spent = found.evaluations[0, :, CASES.index(case)]
    assert spent.max() < 5 * PARTICLES * (2.0 - 1.3 * math.log2(truth))


def test_curves_fall(found):
    for scores, shares in zip(
        found.curve_score.reshape(-1, found.curve_score.shape[-1]),
        found.curve_log10_p.reshape(-1, found.curve_score.shape[-1]),
        strict=True,
    ):
        known = ~np.isnan(scores)
        assert (np.diff(scores[known]) > 0).all() and (np.diff(shares[known]) < 0).all()


def test_without_the_true_count_ties_are_wrong(monkeypatch):
    """The textbook's factor, one half a level, is the wrong twin; it is right without ties."""
    true = crowds.select

    def half(settings, *rest):
        found = true(settings, *rest)
        return found._replace(alive=jnp.where(found.alive > 0, settings.particles // 2, 0))

    monkeypatch.setattr(crowds, "select", half)
    case = "score in steps"
    found = climb(jax.random.key(0), CASES, least_log10=-5.0)
    assert error(found.log10_p[0, :, CASES.index(case)], TRUTHS[case]) > 4.0
    # and the half-space, whose goal could be reached at its pace, ends at the least share
    place = CASES.index("half-space, near")
    last = np.nanmin(found.curve_log10_p[:, place], axis=1)
    assert found.stuck[:, place].all() and (last < -5.0).all() and (last > -5.7).all()
    assert math.isinf(estimate(found.log10_p[0, :, place], PARTICLES).log10)


def test_draws_lie_in_the_region(found):
    """They are draws of the region: as deep in it as a normal tail is."""
    place, goal = CASES.index("half-space, near"), GOALS["half-space, near"]
    assert (found.held[0, :, place] == 50).all()
    drawn = found.images[0, :, place]
    assert drawn[..., 0].min() >= goal - 1e-5
    assert abs(drawn[..., 0].mean() - stats.truncnorm.mean(goal, np.inf)) < 0.05
    assert np.abs(drawn[..., 1:].std(axis=(0, 1)) - 1.0).max() < 0.25


def test_what_cannot_be_reached_ends(found):
    """Equal scores leave nobody alive; what climbs too slowly for the least share is given up."""
    for case in ("always the same", "no number", "far beyond"):
        place = CASES.index(case)
        assert found.stuck[:, place].all() and np.isneginf(found.log10_p[0, :, place]).all()
        assert not found.held[0, :, place].any()
        last = np.nanmin(found.curve_log10_p[:, place], axis=1, initial=np.inf)
        far = case == "far beyond"
        assert (((last < -6.0) & (last > -8.0)) if far else np.isinf(last)).all()
        spent = found.evaluations[0, :, place]
        assert ((spent >= 101 * PARTICLES) if far else (spent == PARTICLES)).all()
        assert spent.max() < 130 * PARTICLES


@pytest.mark.slow
def test_as_rare_as_floats_are(key, monkeypatch):
    monkeypatch.setitem(GOALS, "half-space", stats.norm.isf(1e-300))
    monkeypatch.setitem(GOALS, "half-space, near", stats.norm.isf(1e-100))
    found = climb(key, CASES[:2], runs=4, particles=200, batch_size=1600)
    for place, truth in enumerate([1e-300, 1e-100]):
        assert abs(error(found.log10_p[0, :, place], truth, 200)) < 3.0


SHAPE, CLOUDS = (4, 3, 1), measures.smooth((4, 3, 1), 0.7)
SMALL = {"runs": 4, "particles": 60, "batch_size": 60}


def hidden(params, images):
    return jnp.maximum(images.reshape(len(images), -1) @ params[0] - 0.5, 0.0) @ params[1]


@pytest.fixture(scope="module")
def three():
    """Three classes of small clouds and a column that rejects, by a network with a layer."""
    one, two = np.random.default_rng(2).standard_normal((2, 12, 12)).astype(np.float32)
    return Classifier((jnp.asarray(one), jnp.asarray(1.5 * two[:, :4])), hidden, SHAPE, 3)


@pytest.fixture(scope="module")
def alone(three):
    return volume(jax.random.key(4), three, CLOUDS, (0.9, 0.99), **SMALL)


def test_classes_and_confidences_by_brute_force(three, alone):
    """Every class is counted by itself, what is rejected for none; clouds made by scipy."""
    np.testing.assert_allclose(alone.goals, np.log([9.0, 99.0]))
    noise = np.random.default_rng(5).standard_normal((200_000, 4, 3))
    clouds = gaussian_filter(noise, 0.7, axes=(1, 2))
    pixels = stats.norm.cdf(clouds / clouds.std(axis=0)).reshape(len(noise), -1)
    logits = np.maximum(pixels @ np.asarray(three.params[0]) - 0.5, 0.0) @ three.params[1]
    shares = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))[:, :3]
    for level, log10 in zip((0.9, 0.99), alone.log10_p, strict=True):
        truth = (shares >= level).mean(axis=0)
        assert truth.min() > 20 / len(shares), truth
        runs = 10.0**log10
        sd = np.maximum(np.std(runs, axis=0, ddof=1), 0.3 * truth) / math.sqrt(len(runs))
        assert (np.abs(runs.mean(axis=0) - truth) < 3.0 * sd).all()
    control = draw_scores(jax.random.key(1), three, CLOUDS, 1500)
    truth = (shares >= 0.9).mean(axis=0)
    assert control.shape == (1500, 3)
    assert (np.abs((control >= math.log(9.0)).mean(0) - truth) < 4 * np.sqrt(truth / 1500)).all()


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2, 4])
def test_any_number_of_devices_gives_the_same_bits(devices, three, alone):
    mesh = jax.make_mesh((devices,), ("children",), axis_types=(AxisType.Auto,))
    found = volume(jax.random.key(4), three, CLOUDS, (0.9, 0.99), mesh=mesh, **SMALL)
    for left, right in zip(arrays_of(found), arrays_of(alone), strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_class_does_not_depend_on_the_others_nor_on_devices(three, alone):
    mesh = jax.make_mesh((4,), ("children",), axis_types=(AxisType.Auto,))
    settings = SMALL | {"classes": [2], "mesh": mesh}
    found = volume(jax.random.key(4), three, CLOUDS, (0.9, 0.99), **settings)
    np.testing.assert_array_equal(found.log10_p[..., 0], alone.log10_p[..., 2])
    np.testing.assert_array_equal(found.images[:, :, 0], alone.images[:, :, 2])


def arrays_of(found):
    return [leaf for leaf in found if isinstance(leaf, np.ndarray)]


def test_one_program_of_all_moves_is_the_same(three, alone, accelerator):
    """What an accelerator is sent; rounding may differ, and then lets a few go other ways."""
    found = volume(jax.random.key(4), three, CLOUDS, (0.9, 0.99), **SMALL)
    np.testing.assert_allclose(found.log10_p, alone.log10_p, atol=0.3)
    assert np.mean(np.abs(found.log10_p - alone.log10_p) < 1e-6) > 0.5


def test_new_weights_do_not_recompile(three, alone):
    before = crowds.move._cache_size(), crowds.draw._cache_size()
    other = Classifier((three.params[0] * 0.9, three.params[1]), hidden, SHAPE, 3)
    found = volume(jax.random.key(4), other, CLOUDS, (0.9, 0.99), **SMALL)
    assert (crowds.move._cache_size(), crowds.draw._cache_size()) == before
    assert (found.log10_p != alone.log10_p).any()


def test_estimates_from_runs():
    one = estimate([-10.0, -10.5, -9.5], 200)
    shares = 10.0 ** np.array([-10.0, -10.5, -9.5])
    assert one.log10 == pytest.approx(np.log10(shares.mean()))
    half = stats.t.ppf(0.975, 2) * 0.5 / math.sqrt(3)
    assert (one.low, one.high) == pytest.approx((one.log10 - half, one.log10 + half))
    assert one.sd == pytest.approx(0.5) and one.scattered
    assert one.ideal_sd == pytest.approx(math.sqrt(-one.log10 / math.log10(2) / 200) / 2.3026, 0.01)
    assert math.isnan(estimate([-3.0], 200).low)
    some = estimate([-3.0, -np.inf], 200)
    assert some.log10 == pytest.approx(-3.0 - math.log10(2)) and math.isnan(some.low)
    assert math.isnan(ideal_sd(-math.inf, 100))


def test_counting_says_the_same_in_logarithms():
    found = log10_count(20, 1000)
    exact = stats.binomtest(20, 1000).proportion_ci(0.95, "exact")
    assert tuple(found) == pytest.approx(
        (np.log10(0.02), np.log10(exact.low), np.log10(exact.high))
    )
    assert log10_count(0, 10).mean == log10_count(0, 10).low == -math.inf


def test_splitting_and_counting_agree_within_both_errors():
    """One of the two is exact, so the other alone decides; then both by Pythagoras."""
    exactly = lambda log10: Interval(log10, log10, log10)
    split = estimate([-2.2, -2.0, -1.8], 200)
    half = split.log10 - split.low
    assert half > 1.96 * split.ideal_sd / math.sqrt(3)  # so Student's interval is what counts
    for apart, agree in ((0.99 * half, True), (1.01 * half, False)):
        assert agrees_with_count(split, exactly(split.log10 + apart), 3) is agree
        assert agrees_with_count(split, exactly(split.log10 - apart), 3) is agree
    alone = estimate([-2.0], 200)
    half = 1.96 * alone.ideal_sd
    counted = lambda apart: Interval(-2.0 + apart, -2.0 + apart - half, -2.0 + apart + half)
    assert agrees_with_count(alone, counted(1.41 * half), 1)
    assert not agrees_with_count(alone, counted(1.42 * half), 1)
    with pytest.raises(ValueError, match="runs must be at least 1"):
        agrees_with_count(alone, counted(0.0), 0)


def test_the_volume_of_balls():
    assert log10_ball(2, 3.0) == pytest.approx(math.log10(math.pi * 9))
    assert log10_ball(3, 0.5) == pytest.approx(math.log10(math.pi / 6))
    whole = log10_ball(784, 2.0) + math.log10(60_000)
    assert round(whole) == -412


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"confidences": 1.0}, r"confidences must be in \(0, 1\), got 1.0"),
        ({"particles": 1}, "particles must be at least 2, got 1"),
        ({"keep": 0.001}, "keep: of 200 particles some must live"),
        ({"classes": [3]}, r"classes must be in \[0, 3\), got 3"),
        ({"classes": [1, 1]}, "classes must be a row of different labels"),
        ({"measure": measures.uniform((3, 4, 1))}, r"measure paints images \(3, 4, 1\)"),
        ({"measure": measures.uniform}, "measure must be a Measure, got the function uniform"),
    ],
)
def test_impossible_arguments(three, changes, message):
    given = {"measure": CLOUDS} | changes
    with pytest.raises(ValueError, match=message):
        volume(jax.random.key(0), three, **given)
