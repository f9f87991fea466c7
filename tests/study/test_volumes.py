"""What defenses leave of a volume, by hand."""

import math

import pytest
from scipy import stats

from fooljax import study


def record(defense, label, repeat, log10_p, measure="uniform"):
    about = {"measure": measure, "defense": defense, "class": label, "repeat": repeat}
    return about | {"log10_p": log10_p}


RECORDS = [
    *(record("plain", "a", 0, -3.0), record("plain", "a", 1, -4.0), record("plain", "b", 0, -1.0)),
    *(
        record("plain", "b", 1, -1.0),
        record("blur 1", "a", 0, -5.0),
        record("blur 1", "b", 0, -2.0),
    ),
    *(record("blur 1", "a", 1, -9.0), record("blur 1", "b", 1, None)),
]


def test_powers_of_ten_are_compared_class_by_class():
    table = study.shrinkage(RECORDS, ("measure", "defense"), "plain")
    (row,) = table.rows
    assert row.keys == {"measure": "uniform", "defense": "blur 1"}
    found = row.values["decades_smaller"]
    repeats = [(2.0 + 1.0) / 2, 5.0]  # in the second one class was not found
    half = stats.t.ppf(0.975, 1) * abs(repeats[1] - repeats[0]) / 2
    assert found.mean == pytest.approx(3.25) and found.low == pytest.approx(3.25 - half)
    text = study.table_of_shrinkage(table, ("Images", "Defense"), 0.99).markup
    assert "blur 1" in text and "3.25 (" in text


def test_nothing_is_said_without_records():
    assert list(study.left_of_volume([], "plain")) == []


@pytest.mark.slow
def test_networks_are_compared_without_an_attacker(tmp_path, key):
    """A network of half the slope is sure of a share that is known to be smaller."""
    import jax.numpy as jnp

    from fooljax.types import Classifier

    apply = lambda weights, images: jnp.stack(
        [weights * (images[:, 0] - 0.5), jnp.zeros(len(images))], axis=1
    )
    steep, flat = (Classifier(jnp.float32(w), apply, (2,), 2) for w in (20.0, 10.0))

    class Flags:
        seed = 0

    class Config:
        run = Flags

    run = study.Run("experiments.volume", Config, tmp_path)
    networks = {("plain", "one"): steep, ("half", "one"): flat}
    assert study.compare_volumes(study.measure_volumes(run, networks, 0)) == []
    measured = study.measure_volumes(run, networks, 400)
    records = study.compare_volumes(measured)
    assert measured.seconds > 0.0
    assert [r["defense"] for r in records] == ["plain", "plain", "half", "half"]
    for found in records:
        slope = 20.0 if found["defense"] == "plain" else 10.0
        truth = 0.5 - math.log(99.0) / slope
        assert found["log10_p"] == pytest.approx(math.log10(truth), abs=0.15)
