"""The problems are what they are said to be; every search runs on them."""

import importlib.util
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import diversity, diversity_problems
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
    problem = diversity_problems.sphere(6, 4)
    genes = np.array([[0.7] * 6, [0.0] * 6, [1.0] * 3 + [0.0] * 3], np.float32)
    objective, measures = diversity_problems.scorer(problem)(jnp.asarray(genes))
    np.testing.assert_allclose(objective, [100.0, 0.0, 50 * (1 - 0.36 / 1.96)], atol=1e-4)
    np.testing.assert_allclose(measures, [[0.7, 0.7], [0, 0], [1, 0]], atol=1e-6)
    images = jnp.asarray(genes).reshape(3, *problem.shape)
    cells = place(problem.grid, problem.classifier, images)
    np.testing.assert_array_equal(cells, [2 * 4 + 2, 0, 3 * 4])
    np.testing.assert_array_equal(problem.dims, [4, 4])
    assert diversity_problems.sums(problem, np.array([50.0, 30.0])) == {
        "qd_score": 5.0,
        "coverage": 2 / 16,
        "best": 50.0,
    }


def test_slopes_of_the_sphere():
    problem = diversity_problems.sphere(4, 4)
    found = diversity_problems.slopes(problem)(jnp.full((1, 4), 0.6))
    # the objective grows toward 0.7, each projection along its own half
    apart = 2 * (0.7 - 0.6) * (2 * 5.12) ** 2 / (4 * (1.4 * 5.12) ** 2) * 100
    np.testing.assert_allclose(found[0, 0], [apart] * 4, rtol=1e-4)
    np.testing.assert_allclose(found[0, 1:], [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]], atol=1e-6)


def test_the_arm_in_closed_form():
    """Straight ahead, straight back, and a quarter of a circle around the middle."""
    problem = diversity_problems.arm(4, 4)
    genes = np.array([[0.5] * 4, [0.0] + [0.5] * 3, [0.75] * 4, [1.0, 1.0, 0.0, 0.0]], np.float32)
    objective, tip = diversity_problems.scorer(problem)(jnp.asarray(genes))
    np.testing.assert_allclose(objective, [100.0, 81.25, 100.0, 0.0], atol=1e-3)
    # at right angles the four parts close a square; half turns go forth and back
    np.testing.assert_allclose(tip, [[1, 0.5], [0, 0.5], [0.5, 0.5], [0.5, 0.5]], atol=1e-6)


def test_the_arm_is_that_of_qdax():
    arm = pytest.importorskip("qdax.tasks.arm").arm
    genes = np.random.default_rng(0).uniform(-0.2, 1.2, size=(20, 7)).astype(np.float32)
    objective, tip = diversity_problems.scorer(diversity_problems.arm(7, 4))(jnp.asarray(genes))
    with jax.numpy_rank_promotion("allow"):
        spread, theirs = jax.vmap(arm)(jnp.asarray(genes))
    np.testing.assert_allclose(tip, theirs, atol=1e-5)
    np.testing.assert_allclose(objective, 100.0 * (1.0 - 4.0 * np.square(spread)), atol=1e-3)


def test_intervals_are_those_of_student():
    """Of three numbers: 4.303 standard errors of the mean, which is one here."""
    half = 4.302653 * np.sqrt(3.0) / np.sqrt(3.0)
    runs = [{"qd_score": 10.0 + np.sqrt(3.0) * one} for one in (-1.0, 0.0, 1.0)]
    np.testing.assert_allclose(
        diversity._spread(runs)["qd_score"], [10.0, 10.0 - half, 10.0 + half], rtol=1e-6
    )
    assert np.isnan(diversity._spread(runs[:1])["qd_score"][1:]).all()  # one says nothing


def test_only_the_searches_that_are_asked_for_run(monkeypatch):
    asked = []

    def run(problem, search, config, seed):
        asked.append(seed)
        return {"qd_score": float(seed)}

    monkeypatch.setattr(diversity, "run", run)
    config = {"problems": ("sphere",), "peers": (), "only": ("OMG",), "seeds": 2, "first_seed": 7}
    document = diversity.measure(Config(**vars(TINY) | config))
    assert asked == [7, 8] and list(document["sphere"]) == ["fooljax OMG-MEGA"]
    assert document["sphere"]["fooljax OMG-MEGA"]["qd_score"][0] == 7.5


@pytest.mark.slow
def test_every_search_runs():
    pytest.importorskip("ribs")
    pytest.importorskip("qdax.core.map_elites")
    document = json.loads(json.dumps(diversity.measure(TINY)))
    assert document["evaluations"] == 1000 and not document["missing"]
    assert len(document["sphere"]) == len(document["arm"]) == 5 + 3 + 2
    assert len(document["fooling"]) == 6 + 3 + 1
    for name in ("sphere", "arm", "fooling"):
        for row in document[name].values():
            assert 0.0 < row["coverage"][0] <= 1.0
    assert diversity.summarize(document).count("qd_score") == 30


@pytest.mark.slow
def test_without_peers_it_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    document = diversity.measure(Config(**vars(TINY) | {"problems": ("sphere",)}))
    assert set(document["missing"]) == {"qdax", "ribs"} and len(document["sphere"]) == 5
