"""Numbers about what an attack did, counted again by hand."""

import numpy as np
import pytest
from scipy.stats import beta

from fooljax import attacks
from fooljax.attacks import summary

LENGTHS = ("l0", "l1", "l2", "linf")


def found(count=41, seed=4):
    """Numbers of made-up images, by the names of an ``AttackResult``."""
    random = np.random.default_rng(seed)
    numbers = {name: random.random(count).astype(np.float32) for name in ("confidence", *LENGTHS)}
    return numbers | {"success": random.random(count) < 0.6}


@pytest.mark.parametrize("norm", LENGTHS)
def test_numbers_are_those_counted_by_hand(norm):
    one, size = found(), 64
    epsilon = 30.5 if norm == "l0" else 0.5  # in L0 how many of 64 numbers change
    told = attacks.summarize(one, norm, epsilon, size)
    rows = [i for i in range(41) if one["success"][i]]
    right, factor = len(rows), size if norm == "l0" else 1
    assert told["images"] == 41 and told["success"] == right / 41
    low = beta.ppf(0.025, right, 42 - right)  # Clopper and Pearson
    high = beta.ppf(0.975, right + 1, 41 - right)
    assert (told["success_low"], told["success_high"]) == pytest.approx((low, high))
    near = sum(factor * one[norm][i] <= epsilon for i in rows)
    assert told["success_within_epsilon"] == near / 41 and 0 < near < right
    assert told["confidence"] == pytest.approx(sum(one["confidence"][i] for i in rows) / right)
    for name in LENGTHS:
        middle = sorted(one[name][i] for i in rows)[right // 2]
        assert right % 2 == 1 and told[f"{name}_median"] == pytest.approx(middle)
        assert told[f"{name}_q25"] < middle < told[f"{name}_q75"]
    assert told["distance_median"] == pytest.approx(factor * told[f"{norm}_median"])


def test_without_a_success_nothing_is_said_of_successes():
    told = attacks.summarize(found() | {"success": np.zeros(41, bool)}, "l2", 0.5, 64)
    assert told["success"] == told["success_low"] == told["success_within_epsilon"] == 0.0
    said = {name for name, value in told.items() if value is None}
    parts = [
        f"{name}_{part}" for name in ("distance", *LENGTHS) for part in ("q25", "median", "q75")
    ]
    assert said == {"confidence", *parts}


def test_the_surface_of_a_ball_is_in_it():
    distance = np.array([0.1, 0.1 * (1.0 + 5e-6), 0.1 * (1.0 + 2e-5), 0.05])
    inside = summary.within(np.array([True, True, True, False]), distance, 0.1)
    assert inside.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    "changes",
    [{"l2": np.zeros(3)}, {"success": np.zeros((41, 1), bool)}],
    ids=["of other images", "of another rank"],
)
def test_numbers_of_other_images_are_refused(changes):
    with pytest.raises(ValueError, match=r"found: success, confidence and distances must be \[n\]"):
        attacks.summarize(found() | changes, "l2", 0.5, 64)
    with pytest.raises(ValueError, match="norm must be l0, l1, l2 or linf, got 'l3'"):
        attacks.summarize(found(), "l3", 0.5, 64)


def test_what_an_attack_returns_can_be_summed_up():
    """Every distance and the rest has the name that a result gives it."""
    assert {"success", "confidence", *LENGTHS} <= set(attacks.AttackResult._fields)
