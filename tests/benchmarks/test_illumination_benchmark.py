"""The benchmark runs, and archives of the same children are the same; no time is asserted."""

import importlib.util
import json

import jax
import pytest

from benchmarks import illumination
from benchmarks.illumination import Config

TINY = Config(cells=3, children=10, generations=2, rounds=1)


@pytest.fixture(autouse=True, scope="module")
def measuring():
    """The same call is measured again and again, with the same keys."""
    with jax.debug_key_reuse(False):
        yield


@pytest.mark.slow
def test_the_same_children_fill_the_same_niches():
    pytest.importorskip("ribs")
    document = json.loads(json.dumps(illumination.measure(TINY)))
    replayed = document["replayed"]
    assert replayed["evaluations"] == 30
    assert replayed["fooljax"]["coverage"] == pytest.approx(replayed["pyribs"]["coverage"])
    assert replayed["fooljax"]["qd_score"] == pytest.approx(replayed["pyribs"]["qd_score"])
    assert set(document["searched"]) == {"evaluations", "fooljax, all", "fooljax, own", "pyribs"}
    assert illumination.summarize(document).count("QD score") == 5


def test_without_pyribs_it_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    document = illumination.measure(TINY)
    assert "not installed" in document["missing"]["ribs"]
    assert "not installed" in illumination.summarize(document)
