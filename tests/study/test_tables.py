"""Records to tables: means within repeats first, intervals over repeats, nothing invented."""

import csv
import io
import math

import numpy as np
import pytest
import scipy.stats

from fooljax.study import join, medians, span, spell, summarize, where, within
from fooljax.study.tables import to_csv

RECORDS = [
    {"maker": maker, "network": network, "repeat": repeat, "fooled": share, "odds": 10 * share}
    for repeat, shares in enumerate([(0.2, 0.4, 0.9), (0.4, 0.8, 0.7), (0.6, 0.0, 0.8)])
    for (maker, network), share in zip(
        [("pgd", "a"), ("pgd", "b"), ("noise", "a")], shares, strict=True
    )
]


def test_means_and_intervals_are_those_of_scipy():
    table = summarize(RECORDS, ["maker"], ["fooled"])
    assert table.names("maker") == ["pgd", "noise"]
    found = table.value("fooled", maker="pgd")
    repeats = np.array([0.3, 0.6, 0.3])
    low, high = scipy.stats.t.interval(0.95, 2, repeats.mean(), scipy.stats.sem(repeats))
    assert found.mean == pytest.approx(0.4)
    assert low < 0.0 and found.low == 0.0
    assert found.high == pytest.approx(high)


def test_bounds_are_the_callers():
    of = lambda over: summarize(RECORDS, ["maker"], ["odds"], over=over).value("odds", maker="pgd")
    found, of_shares = (
        of(within()),
        summarize(RECORDS, ["maker"], ["fooled"]).rows[0].values["fooled"],
    )
    assert found.low < 0.0 and found.high > 4.0
    assert found.high - found.mean == pytest.approx(found.mean - found.low)
    assert of(within(0.0, 4.5)) == (found.mean, 0.0, 4.5)
    both = summarize(RECORDS, ["maker"], ["fooled"], unbounded=["odds"])
    assert both.value("odds", maker="pgd") == found
    assert both.value("fooled", maker="pgd") == of_shares
    lowest_to_highest = summarize(RECORDS, ["maker"], ["odds"], over=span)
    assert lowest_to_highest.value("odds", maker="pgd") == pytest.approx((3.0, 3.0, 6.0))


def test_tables_side_by_side():
    fooled, odds = (summarize(RECORDS, ["maker"], [name], over=span) for name in ("fooled", "odds"))
    both = join(fooled, odds)
    assert both.names("maker") == ["pgd", "noise"]
    for row, one, other in zip(both.rows, fooled.rows, odds.rows, strict=True):
        assert row.values == {"fooled": one.values["fooled"], "odds": other.values["odds"]}
    with pytest.raises(ValueError, match="must have the same rows"):
        join(fooled, summarize(RECORDS, ["network"], ["odds"]))
    with pytest.raises(ValueError, match="shorter"):
        join(fooled, odds.where(maker="pgd"))


def test_what_was_not_measured_is_not_there():
    table = summarize(RECORDS, ["maker", "network"], ["fooled"])
    assert math.isnan(table.value("fooled", maker="noise", network="b").mean)
    assert list(table.column("network", "fooled", maker="noise")) == ["a"]
    with pytest.raises(KeyError, match="2 rows"):
        table.value("fooled", maker="pgd")
    missing = [*RECORDS, {"maker": "x", "network": "a", "repeat": 0, "fooled": None}]
    assert math.isnan(summarize(missing, ["maker"], ["fooled"]).value("fooled", maker="x").mean)
    assert summarize([], ["maker"], ["fooled"]).rows == ()


def test_one_repeat_has_no_interval():
    table = summarize(where(RECORDS, repeat=0), ["maker"], ["fooled"])
    mean, low, high = table.value("fooled", maker="noise")
    assert mean == 0.9 and math.isnan(low) and math.isnan(high)
    assert spell(table.value("fooled", maker="noise")) == "90 %"


def test_a_file_of_records_can_be_read_back():
    odd = {"maker": 'a "quoted", name\nof two lines', "fooled": np.float64(0.1), "more": 1}
    text = to_csv([*RECORDS, odd]).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["maker"] for row in rows] == [*(one["maker"] for one in RECORDS), odd["maker"]]
    assert float(rows[-1]["fooled"]) == 0.1 and rows[-1]["repeat"] == "" == rows[0]["more"]
    assert float(rows[0]["fooled"]) == RECORDS[0]["fooled"]


def test_medians_are_of_all_records_and_redraw_whole_repeats():
    """Two repeats can be redrawn in three ways only, of known medians and odds."""
    numbers = [(0.0, 0.0, 1.0), (0.2, 0.9, 1.0)]
    records = [
        {"maker": "pgd", "repeat": repeat, "odds": one}
        for repeat, some in enumerate(numbers)
        for one in some
    ]
    found = medians(records, ["maker"], "odds").value("odds", maker="pgd")
    assert found.mean == np.median(numbers) == pytest.approx(0.55)
    assert (found.low, found.high) == (0.0, 0.9)  # the same repeat twice: a quarter each
    one = medians(records[:3], ["maker"], "odds").value("odds", maker="pgd")
    assert one.mean == 0.0 and np.isnan([one.low, one.high]).all()
