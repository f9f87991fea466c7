"""The benchmark of rare shares: its arithmetic by hand, and every method on a small problem."""

import math

import pytest

from benchmarks import volume
from benchmarks.timing import Cost
from benchmarks.volume_peers import Outcome


def test_costs_for_a_tenth_of_a_power_of_ten():
    runs = [(Outcome(-11.8, 1000), Cost(1.0, 2.0)), (Outcome(-12.4, 3000), Cost(1.0, 4.0))]
    row = volume.sum_up(runs, -12.0)
    assert row["log10_p"] == pytest.approx(-12.1) and row["bias"] == pytest.approx(-0.1)
    square = (0.2**2 + 0.4**2) / 2
    assert row["rmse"] == pytest.approx(math.sqrt(square))
    assert row["images_for_a_tenth"] == pytest.approx(2000 * square / 0.01)
    assert row["cpu_s_for_a_tenth"] == pytest.approx(3.0 * square / 0.01)


@pytest.mark.slow
def test_every_method_finds_a_share_that_is_known():
    config = volume.Config(
        dimensions=8, log10_p=-3.0, runs=4, particles=100, webb_moves=50, slices=20
    )
    document = volume.measure_all(config)
    assert {"fooljax", "webb"} <= set(document["methods"])
    for name, row in document["methods"].items():
        assert abs(row["bias"]) < 0.5, name
        assert row["images"] > 1000 and row["cpu_s"] > 0.0
    assert "images_for_a_tenth" in volume.summarize(document)
