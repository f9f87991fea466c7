"""The problems are what they are said to be; every search runs on them."""

import importlib.util
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import diversity
from benchmarks.diversity import Config
from fooljax.evolution import place

TINY = Config(generations=4, genes=6, cells=4, looks=3, train_steps=2, seeds=1)


@pytest.fixture(autouse=True, scope="module")
def measuring():
    """The same call is measured again and again, with the same keys."""
    with jax.debug_key_reuse(False):
        yield


def test_the_sphere_in_closed_form():
    """Best where all are 0.4 of the largest, worst in the far corner; two sums are looks."""
    problem = diversity.sphere(6, 4)
    genes = np.array([[0.7] * 6, [0.0] * 6, [1.0] * 3 + [0.0] * 3], np.float32)
    objective, measures = diversity.scorer(problem)(jnp.asarray(genes))
    np.testing.assert_allclose(objective, [100.0, 0.0, 50 * (1 - 0.36 / 1.96)], atol=1e-4)
    np.testing.assert_allclose(measures, [[0.7, 0.7], [0, 0], [1, 0]], atol=1e-6)
    images = jnp.asarray(genes).reshape(3, *problem.shape)
    cells = place(problem.grid, problem.classifier, images)
    np.testing.assert_array_equal(cells, [2 * 4 + 2, 0, 3 * 4])
    np.testing.assert_array_equal(problem.dims, [4, 4])
    assert diversity.sums(problem, np.array([50.0, 30.0])) == {
        "qd_score": 5.0,
        "coverage": 2 / 16,
        "best": 50.0,
    }


def test_slopes_of_the_sphere():
    problem = diversity.sphere(4, 4)
    found = diversity.slopes(problem)(jnp.full((1, 4), 0.6))
    # the objective grows toward 0.7, each projection along its own half
    apart = 2 * (0.7 - 0.6) * (2 * 5.12) ** 2 / (4 * (1.4 * 5.12) ** 2) * 100
    np.testing.assert_allclose(found[0, 0], [apart] * 4, rtol=1e-4)
    np.testing.assert_allclose(found[0, 1:], [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]], atol=1e-6)


@pytest.mark.slow
def test_every_search_runs():
    pytest.importorskip("ribs")
    pytest.importorskip("qdax.core.map_elites")
    document = json.loads(json.dumps(diversity.measure(TINY)))
    assert document["evaluations"] == 1000 and not document["missing"]
    assert len(document["sphere"]) == 5 + 3 + 2 and len(document["fooling"]) == 6 + 3 + 1
    for name in ("sphere", "fooling"):
        for row in document[name].values():
            assert 0.0 < row["coverage"][0] <= 1.0
    assert diversity.summarize(document).count("qd_score") == 20


@pytest.mark.slow
def test_without_peers_it_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    document = diversity.measure(Config(**vars(TINY) | {"problems": ("sphere",)}))
    assert set(document["missing"]) == {"qdax", "ribs"} and len(document["sphere"]) == 5
