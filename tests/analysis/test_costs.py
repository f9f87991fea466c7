"""Growth and ratios of costs: by hand, and against scipy's regression and intervals."""

import math

import numpy as np
import pytest
import scipy.stats

from fooljax import analysis

SIZES = (1, 2, 4)
SQUARES = np.array([[1.0, 4.0, 16.0], [3.0, 12.0, 48.0]])


def interval(logs):
    """Student's t by scipy, of logarithms to base 2."""
    low, high = scipy.stats.t.interval(0.95, len(logs) - 1, np.mean(logs), scipy.stats.sem(logs))
    return tuple(2.0 ** np.array([np.mean(logs), low, high]))


def test_a_power_law_is_found_whatever_the_level_of_a_repeat():
    """A cost of ``3 * n ** 2`` quadruples at every doubling."""
    grown = analysis.cost_growth(SIZES, SQUARES)
    assert grown.per_doubling == pytest.approx((4.0, 4.0, 4.0))
    assert grown.whole_range.mean == pytest.approx(16.0)
    assert grown.verdict == "dearer" and grown.censored == 0
    assert analysis.cost_growth(SIZES, 1.0 / SQUARES).verdict == "cheaper"


def test_growth_is_the_regression_of_every_repeat_by_scipy():
    sizes = (1, 2, 3, 5, 8)
    costs = np.random.default_rng(0).lognormal(size=(4, 5)) * np.array(sizes) ** 0.7
    grown = analysis.cost_growth(sizes, costs)
    slopes = [scipy.stats.linregress(np.log2(sizes), np.log2(row)).slope for row in costs]
    assert grown.per_doubling == pytest.approx(interval(slopes))
    ends = np.log2(costs[:, -1]) - np.log2(costs[:, 0])
    assert grown.whole_range == pytest.approx(interval(ends))


def test_the_verdict_needs_more_than_chance():
    both_ways = [[1.0, 2.0, 4.0], [4.0, 2.0, 1.0]]
    assert analysis.cost_growth(SIZES, both_ways).verdict == "unclear"
    alone = analysis.cost_growth(SIZES, SQUARES[:1])
    assert alone.verdict == "unclear" and math.isnan(alone.per_doubling.low)


def test_what_was_never_paid_counts_as_what_was_spent_in_vain():
    missed = np.where(SQUARES > 15.0, np.inf, SQUARES)
    grown = analysis.cost_growth(SIZES, missed, 16.0)
    assert grown.censored == 2
    assert grown == analysis.cost_growth(SIZES, np.minimum(SQUARES, 16.0))._replace(censored=2)
    never = analysis.cost_growth(SIZES, np.full((2, 3), np.inf), 0.3)
    assert never.verdict == "unmeasured" and never.censored == 6  # a budget does not grow
    assert math.isnan(never.per_doubling.mean) and math.isnan(never.whole_range.mean)
    unknown = analysis.cost_growth(SIZES, missed)
    assert unknown.verdict == "unmeasured" and math.isnan(unknown.per_doubling.mean)


def test_a_ratio_is_a_geometric_mean():
    """Two repeats; a cost that was never paid counts as 64."""
    ratio = analysis.cost_ratio([8.0, np.inf], [4.0, 16.0], 64.0)
    assert ratio.times == pytest.approx(interval([1.0, 2.0])) and ratio.censored == 1
    assert analysis.cost_ratio([4.0, 16.0], [4.0, 16.0]).times == (1.0, 1.0, 1.0)


def test_a_ratio_to_what_is_not_known_is_not_known():
    ratio = analysis.cost_ratio([8.0, np.inf], [4.0, np.inf], 64.0)
    assert np.isnan(ratio.times).all() and ratio.censored == 1
    assert math.isnan(analysis.cost_ratio([np.inf, 2.0], [4.0, 4.0]).times.mean)


WRONG = {
    "sizes must be two or more that ascend": lambda: analysis.cost_growth([2], [[1.0]]),
    "sizes must be two or more that ascend, got a": lambda: analysis.cost_growth(
        [2, 1], [[1.0, 2.0]]
    ),
    "sizes must be positive": lambda: analysis.cost_growth([0, 1], [[1.0, 2.0]]),
    r"costs must be \[repeats, 3\], got \(2, 2\)": lambda: analysis.cost_growth(
        SIZES, SQUARES[:, :2]
    ),
    "costs must be positive": lambda: analysis.cost_growth(SIZES, 0.0 * SQUARES),
    r"costs must be a row as others \(1,\) are, got \(2,\)": lambda: analysis.cost_ratio(
        [1.0, 2.0], [1.0]
    ),
}


@pytest.mark.parametrize(("message", "call"), WRONG.items(), ids=WRONG.keys())
def test_wrong_arguments_are_named(message, call):
    with pytest.raises(ValueError, match=message):
        call()
