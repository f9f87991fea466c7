"""What is left of a gain: the rule by hand, its words and its numbers."""

import numpy as np
import pytest

from fooljax import study


def records(naive, adaptive, defense="blur 1", against="direct"):
    return [
        {"defense": defense, "against": against, "network": i, "naive_gain": a, "adaptive_gain": b}
        for i, (a, b) in enumerate(zip(naive, adaptive, strict=True))
    ]


@pytest.mark.parametrize(
    ("naive", "adaptive", "verdict"),
    [
        ([0.5, 0.52, 0.48], [0.05, 0.1, 0.0], "vanishes"),
        ([0.5, 0.52, 0.48], [-0.1, -0.2, -0.1], "vanishes"),
        ([0.5, 0.52, 0.48], [0.25, 0.3, 0.2], "shrinks"),
        ([0.5, 0.52, 0.48], [0.5, 0.5, 0.45], "stays"),
        ([0.5, -0.4, 0.1], [0.0, 0.0, 0.0], "none"),  # the interval holds 0
        ([0.01, 0.01, 0.01], [0.0, 0.0, 0.0], "none"),
        ([0.5], [0.05], "vanishes"),
        ([0.01], [0.0], "none"),
    ],
)
def test_the_rule_by_hand(naive, adaptive, verdict):
    bare = records([0.0] * len(naive), [0.0] * len(naive), "bare")
    (found,) = study.gains([*bare, *records(naive, adaptive)])
    assert (found.defense, found.against, found.verdict) == ("blur 1", "direct", verdict)
    assert found.naive.mean == pytest.approx(np.mean(naive))
    assert found.adaptive.mean == pytest.approx(np.mean(adaptive))
    left = None if verdict == "none" else pytest.approx(np.mean(adaptive) / np.mean(naive))
    assert found.left == left


def test_intervals_of_differences_are_cut_off_at_minus_one():
    (found,) = study.gains(records([0.5, 0.5], [-0.99, 0.9]))
    assert found.adaptive.low == -1.0 and found.adaptive.high == 1.0


def test_words_and_numbers():
    found = study.gains(
        records([0.5, 0.52], [0.5, 0.5])
        + records([0.0, 0.0], [0.0, 0.0], "median 3")
        + records([0.5, 0.5], [-0.01, -0.01], against="cppn")
    )
    number = study.counts(found)
    assert number == {"none": 1, "vanishes": 1, "shrinks": 0, "stays": 1, "seen": 2}
    assert study.verdicts(found, "direct") == (
        "No sure gain even at first: median 3; most of the gain is left: blur 1."
    )
    assert study.sum_up(found).startswith("Of 3 comparisons 2 show a gain")
    table = str(study.table_of_gains(found, "points"))
    assert "+50.0" in table and "\N{MINUS SIGN}1.0" in table and "0&nbsp;%" in table


def test_what_is_kept_out():
    found = study.kept_out(0.9, 0.3, 0.75)
    assert (found["naive"], found["adaptive"]) == (0.3, 0.75)
    assert (found["naive_gain"], found["adaptive_gain"]) == pytest.approx((0.6, 0.15))


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        ({"none": 3}, "none"),
        ({"stays": 2, "none": 1}, "all"),
        ({"vanishes": 1, "shrinks": 1}, "nothing"),
        ({"stays": 1, "vanishes": 1}, "some"),
    ],
)
def test_what_is_left_in_a_word(verdicts, word):
    gains = [
        study.Gain("", "", None, None, None, one) for one in verdicts for _ in range(verdicts[one])
    ]
    assert study.outcome(study.counts(gains)) == word


def test_gains_compare_with_the_plain_network():
    """By hand, from shares accepted of one kind of images in two networks."""
    shares = {
        ("plain", "naive"): (0.9, 1.0),
        ("plain", "adaptive"): (0.9, 1.0),
        ("blur 1", "naive"): (0.2, 0.5),
        ("blur 1", "adaptive"): (0.8, 1.0),
    }
    records = [
        {"defense": one, "adversary": who, "kind": "ascent", "network": at, "accepted_95": share}
        for (one, who), both in shares.items()
        for at, share in zip("ab", both, strict=True)
    ]
    first, _, _, other = study.compare_accepted(records, "plain", "kind")
    assert (first["naive_gain"], first["adaptive_gain"]) == (0.0, 0.0)
    assert (other["defense"], other["against"], other["network"]) == ("blur 1", "ascent", "b")
    assert (other["naive_gain"], other["adaptive_gain"]) == (0.5, 0.0)
    (gain,) = study.gains([first, other], "plain")
    assert (gain.naive.mean, gain.verdict) == (0.5, "vanishes")
