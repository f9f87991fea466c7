"""How many children a device shows at a time, and what a memory plan is made for."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import pytest

from fooljax import evolution, study
from fooljax.encodings import direct
from fooljax.study import memory, spreading
from fooljax.types import Classifier


@pytest.mark.parametrize(
    ("shape", "children", "devices", "most", "expected"),
    [
        ((8, 8, 1), 200, 1, None, None),
        ((8, 8, 1), 200, 3, None, None),  # 67 each, all of them at once
        ((8, 8, 1), 200, 3, 67, None),
        ((8, 8, 1), 200, 3, 66, 66),
        ((100, 100, 3), 200, 1, None, 25),  # large pictures, on a CPU
        ((100, 100, 3), 200, 1, 10, 10),
        ((100, 99, 3), 200, 1, None, None),
        ((100, 100, 3), 100, 4, None, None),  # no more than 25 each anyway
        ((16_000, 1), 200, 1, None, None),  # a sound
    ],
)
def test_children_at_a_time(shape, children, devices, most, expected, monkeypatch):
    monkeypatch.setattr(spreading.backend, "on_cpu", lambda: True)
    over = SimpleNamespace(size=devices)
    assert study.at_once(shape, children, over, most) == expected
    assert study.at_once(shape, children, over, most, deterministic=True) == study.MICRO_BATCH == 25


def test_large_pictures_are_no_matter_for_an_accelerator(monkeypatch):
    monkeypatch.setattr(spreading.backend, "on_cpu", lambda: False)
    assert study.at_once((224, 224, 3), 200, SimpleNamespace(size=1)) is None


@pytest.mark.parametrize(("looks", "cells"), [((), 1), (("brightness", "contrast"), 9)])
def test_a_plan_counts_the_finished_images_of_all_niches(looks, cells, monkeypatch, tmp_path):
    """Of two repeats and three classes; the search itself is measured elsewhere."""
    network = Classifier(jnp.ones((16, 3)), lambda w, x: x.reshape(len(x), -1) @ w, (4, 4, 1), 3)
    grid = study.cells_of(study.Looks(looks, grid=3), 3) if looks else None
    build = lambda count: evolution.repeat(
        evolution.map_elites(direct((4, 4, 1)), 10, grid=grid, micro_batch=count)
    )
    asked = []
    monkeypatch.setattr(memory, "plan_once", lambda *given: asked.append(given))
    keys = jax.random.split(jax.random.key(0), 2)
    over = SimpleNamespace(size=4)
    study.plan_search(tmp_path, 1.5, keys, build, network, 10, over)
    ((folder, limit, most, _, numbers),) = asked
    assert (folder, limit, most) == (tmp_path, 1.5, 3)
    assert numbers == 2 * 3 * cells * 16
