import numpy as np
import pytest

from fooljax.attacks import CATALOG, contradictions


def test_contradictions_are_noticed():
    """Success that falls with epsilon, and squares that beat every gradient."""
    names = ("pgd", "square", "deepfool", "noise", "noise-l2")
    entries = {name: CATALOG[name] for name in names}
    sizes = {name: (0.1, 0.2) if one.curve else (0.1,) for name, one in entries.items()}
    success = {name: np.zeros((len(sizes[name]), 100), bool) for name in names}
    find = lambda: list(contradictions(entries, sizes, success, dict.fromkeys(names, 0)))
    assert find() == []
    success["deepfool"][:] = True  # has no ball to compare in
    success["square"][:, :30] = True
    success["pgd"][0, 50:60] = True
    assert {one.name: one.share for one in find()} == {
        "pgd: success falls with epsilon": pytest.approx(0.1),
        "square: gradient-free attack wins": pytest.approx(0.3),
    }


def test_attacks_that_see_no_gradient_are_marked():
    blind = {name for name, one in CATALOG.items() if one.blind}
    scores = {"square", "evolution", "nes", "spsa", "simba", "simba-dct", "one-pixel"}
    answers = {"hop-skip-jump", "spatial", "spatial-random"}
    changes = {"contrast", "brightness", "blur", "salt-and-pepper"}
    assert blind == scores | answers | changes | {"noise", "noise-l2"}
