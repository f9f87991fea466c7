"""Tables side by side, and as records."""

import math

import pytest

from fooljax import study
from fooljax.metrics import Interval


def table(**measures):
    """Two rows, whose numbers of each measure are given."""
    rows = [
        study.Row({"network": name}, {one: Interval(*numbers[i]) for one, numbers in found})
        for i, name in enumerate(("a", "b"))
        for found in [measures.items()]
    ]
    return study.Table(tuple(rows))


MEANS = ((0.5, 0.25, 0.75), (1.0, math.nan, math.nan))
COSTS = ((3.0, 2.0, 4.0), (math.inf, 7.0, math.inf))


def test_measures_stand_side_by_side():
    both = study.join(table(share=MEANS), table(cost=COSTS))
    assert both.value("share", network="a") == Interval(*MEANS[0])
    assert both.value("cost", network="b") == Interval(*COSTS[1])
    assert both.names("network") == ["a", "b"]
    again = study.join(both, table(share=COSTS))
    assert again.value("share", network="a") == Interval(*COSTS[0])
    other = study.Table(table(cost=COSTS).rows[::-1])
    with pytest.raises(ValueError, match="same rows"):
        study.join(both, other)
    with pytest.raises(ValueError, match="shorter"):
        study.join(both, both.where(network="a"))


def test_intervals_as_columns():
    first, second = study.wide(table(share=MEANS, cost=COSTS))
    assert first == {
        **{"network": "a", "share_mean": "0.5", "share_low": "0.25", "share_high": "0.75"},
        **{"cost_mean": "3", "cost_low": "2", "cost_high": "4"},
    }
    assert (second["share_low"], second["cost_mean"]) == ("", "inf")


def test_one_below_the_other():
    found = study.stack("kind", {"made": table(share=MEANS), "drawn": table(share=COSTS)})
    assert found.names("kind") == ["made", "drawn"] and len(found.rows) == 4
    assert found.value("share", kind="drawn", network="a") == Interval(*COSTS[0])
    assert list(found.rows[0].keys) == ["kind", "network"]
