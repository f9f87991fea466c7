"""Every defense of the catalog is one of the contract's table, and takes a strength."""

import jax
import numpy as np
import pytest
from defense_cases import CASES, CLASSES, STRENGTHS, network

from fooljax.defenses import CATALOG

IN_TABLE = {"resize": "resize and pad"}


@pytest.mark.parametrize("name", CATALOG)
def test_each_defends_by_its_strength(name):
    assert IN_TABLE.get(name, name) in CASES
    entry, case = CATALOG[name], CASES[IN_TABLE.get(name, name)]
    bare, images = case.network(0), case.images
    assert entry.words and "(" in entry.about
    answers = [
        np.asarray(entry.defend(jax.random.key(seed), bare, STRENGTHS[name], draws=2)(images))
        for seed in (0, 1)
    ]
    assert answers[0].shape == (len(images), CLASSES)
    assert not np.allclose(answers[0], bare(images))
    assert np.array_equal(*answers) != entry.random
    once = entry.draw(jax.random.key(0), bare, STRENGTHS[name])(images)
    assert entry.random or np.array_equal(once, answers[0])


@pytest.mark.parametrize("name", CATALOG)
def test_an_impossible_strength_is_refused(name):
    with pytest.raises(ValueError):
        CATALOG[name].draw(jax.random.key(0), network(0), -1.0)
