import numpy as np
import pytest
import scipy.stats

from fooljax import metrics


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (10, 10), (3, 10), (990, 1000)])
def test_clopper_pearson_from_the_beta_distribution(successes, trials):
    found = metrics.clopper_pearson(successes, trials, 0.9)
    low = scipy.stats.beta.ppf(0.05, successes, trials - successes + 1) if successes else 0.0
    high = 1.0
    if successes < trials:
        high = scipy.stats.beta.ppf(0.95, successes + 1, trials - successes)
    assert found.mean == successes / trials
    np.testing.assert_allclose((found.low, found.high), (low, high), rtol=1e-9)


def test_bootstrap_of_a_mean_is_near_the_normal_interval():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    found = metrics.bootstrap(values)
    half = 1.96 * values.std() / 20.0
    assert found.mean == pytest.approx(values.mean())
    np.testing.assert_allclose(
        (found.low, found.high), values.mean() + half * np.array([-1, 1]), atol=0.03
    )
    assert found == metrics.bootstrap(values) != metrics.bootstrap(values, seed=1)


def test_bootstrap_of_a_median_and_of_equal_values():
    values = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
    found = metrics.bootstrap(values, np.median)
    assert found.mean == 3.0 and found.low in values and found.high in values
    assert tuple(metrics.bootstrap([2.0, 2.0, 2.0])) == (2.0, 2.0, 2.0)
    alone = metrics.bootstrap([2.0])
    assert alone.mean == 2.0 and np.isnan(alone.low) and np.isnan(alone.high)


def test_mann_whitney_counts_pairs():
    first, second = np.array([1.0, 3.0, 3.0, 8.0]), np.array([2.0, 3.0, 0.0])
    pairs = sum((a > b) + 0.5 * (a == b) for a in first for b in second)
    found = metrics.mann_whitney(first, second)
    assert found.statistic == pairs
    assert metrics.superiority(first, second) == (pairs / 12, found.p_value)
    # of the 20 orders of 3 + 3 different values, one has all of the first above all others
    assert metrics.mann_whitney([4, 5, 6], [1, 2, 3], "greater").p_value == pytest.approx(1 / 20)
    assert metrics.mann_whitney([4, 5, 6], [1, 2, 3]).p_value == pytest.approx(2 / 20)


def test_spearman_from_ranks():
    first, second = np.array([3.0, 1.0, 4.0, 1.5, 9.0]), np.array([0.2, 0.1, 0.4, 0.3, 0.25])
    apart = scipy.stats.rankdata(first) - scipy.stats.rankdata(second)
    found = metrics.spearman(first, second)
    assert found.rho == pytest.approx(1 - 6 * np.sum(apart**2) / (5 * 24))  # without ties
    assert metrics.spearman(first, -second).rho == pytest.approx(-found.rho)
    t = found.rho * np.sqrt(3 / (1 - found.rho**2))
    assert found.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(t), 3))


def test_evaluations_to_reach():
    history = [[0.1, 0.99, np.nan, 0.1], [0.99, 0.5, 0.98, 0.2], [1.0, 0.2, np.nan, 0.98]]
    found = metrics.evaluations_to_reach(history, [100, 200, 300])
    np.testing.assert_array_equal(found, [200, 100, np.inf, np.inf])
    assert metrics.evaluations_to_reach([0.1, 0.6], [5, 9], 0.5) == 9


WRONG = {
    "trials": (lambda: metrics.clopper_pearson(0, 0), "trials must be at least 1"),
    "successes": (lambda: metrics.clopper_pearson(5, 4), "got 5 of 4"),
    "level": (lambda: metrics.clopper_pearson(1, 4, 1.0), r"level must be in \(0, 1\), got 1.0"),
    "no values": (lambda: metrics.bootstrap([]), "values must be a row"),
    "pairs": (lambda: metrics.spearman([1, 2, 3], [1, 2]), "at least 3, got 3 and 2"),
    "few": (lambda: metrics.spearman([1, 2], [1, 2]), "at least 3, got 2 and 2"),
    "equal": (lambda: metrics.spearman([1, 2, 3], [5, 5, 5]), "second must vary"),
    "NaN": (lambda: metrics.mann_whitney([1.0], [np.nan]), "second must not be NaN"),
    "resamples": (lambda: metrics.bootstrap([1.0], resamples=0), "resamples"),
    "history": (lambda: metrics.evaluations_to_reach([0.1], [1, 2]), r"evaluations \(2,\)"),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
