"""Maps drawn over images."""

import numpy as np
import pytest

from fooljax import reporting


def test_red_speaks_for_and_blue_against():
    images = np.full((2, 2, 2, 1), 0.5)
    maps = np.zeros((2, 2, 2))
    maps[0, 0, 0], maps[0, 1, 1] = 4.0, -2.0
    drawn = reporting.overlay(images, maps)
    assert drawn.shape == (2, 2, 2, 3) and drawn.min() >= 0.0 and drawn.max() <= 1.0
    red, _, blue = drawn[0, 0, 0]
    assert red > 0.7 and blue < 0.1  # the largest of its map: full color
    red, _, blue = drawn[0, 1, 1]
    assert 0.5 < blue < 0.8 and red < blue  # half as large
    assert np.ptp(drawn[1]) < 1e-6 and np.ptp(drawn[0, 0, 1]) < 1e-6


def test_maps_of_another_size_are_refused():
    with pytest.raises(ValueError, match="maps must be"):
        reporting.overlay(np.zeros((1, 4, 4, 3)), np.zeros((1, 4, 5)))
