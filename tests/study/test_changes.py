"""Changes made visible, and their sizes in words."""

import numpy as np

from fooljax import study
from fooljax.media import Pictures, Sounds


def test_the_largest_part_of_each_change_is_black_or_white():
    changes = np.zeros((3, 2, 2, 1))
    changes[0, 0, 0], changes[0, 1, 1] = -0.2, 0.1
    changes[1, 0, 1] = 1e-4
    shown = study.stretch(changes)
    assert shown.shape == changes.shape
    np.testing.assert_allclose(shown[0, ..., 0], [[0.0, 0.5], [0.5, 0.75]])
    np.testing.assert_allclose(shown[1, ..., 0], [[0.5, 1.0], [0.5, 0.5]])
    np.testing.assert_array_equal(shown[2], 0.5)  # no change at all


def test_sizes_are_told_in_the_norm_of_the_attack():
    changes = np.zeros((2, 4, 1))
    changes[0, :2, 0] = (0.3, -0.4)
    changes[1, 3, 0] = -0.25
    spell = lambda norm, medium: study.spell_sizes(changes, norm, study.words_for(medium))
    for norm in ("linf", "l2"):
        assert spell(norm, Pictures()) == ["±0.4\nL2 0.5", "±0.25\nL2 0.25"]
    assert spell("l1", Pictures()) == ["±0.4\nL1 0.7", "±0.25\nL1 0.25"]
    assert spell("l0", Pictures()) == ["±0.4\n2 pixels", "±0.25\n1 pixel"]
    assert spell("l0", Sounds())[1] == "±0.25\n1 sample"
