"""Distances are those of the norms, failures are infinitely far, starts are of another class."""

import jax
import numpy as np
import pytest

import fooljax as fj
from benchmarks import held_out


@pytest.fixture
def victim():
    """Four pixels, two classes; three images."""
    network = fj.models.build("softmax", jax.random.key(0), (2, 2, 1), 2)
    images = np.full((3, 2, 2, 1), 0.5, np.float32)
    return held_out.Victim(network, images, np.array([1, 1, 0], np.int32))


@pytest.mark.parametrize(
    ("norm", "far"), [("l0", 2.0), ("l1", 0.7), ("l2", 0.5), ("linf", 0.4), ("elastic", 0.257)]
)
def test_a_median_counts_failures_as_infinitely_far(victim, norm, far):
    change = np.array([[0.3, -0.4], [0.0, 0.0]], np.float32)[None, :, :, None]
    found = victim.images + change
    told = held_out._judged(victim, found, norm, np.array([True, True, False]))
    assert told["success"] == pytest.approx(2 / 3)
    assert told[f"median {norm}"] == pytest.approx(far, rel=1e-5)
    told = held_out._judged(victim, found, norm, np.array([True, False, False]))
    assert told[f"median {norm}"] == np.inf


def test_starts_are_the_first_image_of_another_class(victim):
    images = victim.images + np.arange(3, dtype=np.float32)[:, None, None, None] / 10
    starts = victim._replace(images=images).starts
    np.testing.assert_allclose(starts[:, 0, 0, 0], [0.7, 0.7, 0.5])


def test_it_asks_for_the_data(monkeypatch):
    monkeypatch.delenv("FOOLJAX_DATA_DIR", raising=False)
    with pytest.raises(ValueError, match="set FOOLJAX_DATA_DIR to the folder with the data sets"):
        held_out.measure(held_out.Config(only=("alone",)))
