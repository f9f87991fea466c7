"""Distances from the nearest of many images, pair by pair."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from fooljax import metrics


def test_nearest_distances_pair_by_pair():
    draw = np.random.default_rng(0)
    images, known = draw.random((7, 3, 4, 2), np.float32), draw.random((11, 3, 4, 2), np.float32)
    expected = cdist(images.reshape(7, -1), known.reshape(11, -1)).min(axis=1)
    np.testing.assert_allclose(metrics.nearest_distances(images, known), expected, rtol=1e-5)
    copies = metrics.nearest_distances(known[3:5], known)
    np.testing.assert_array_equal(copies, 0.0)


def test_a_hair_is_a_hair_in_large_images():
    """Squares of a picture sum up to thousands, of which float32 keeps no change so small."""
    known = np.random.default_rng(0).random((2, 64, 64, 3), np.float32)
    moved = known.copy()
    moved[:, 0, 0, 0] = 1.0 - known[:, 0, 0, 0]
    far = np.abs(1.0 - 2.0 * known[:, 0, 0, 0])
    np.testing.assert_allclose(metrics.nearest_distances(moved, known), far, rtol=1e-5)


def test_bytes_are_shares_of_255():
    black, white = np.zeros((1, 2, 2, 1), np.uint8), np.full((1, 2, 2, 1), 255, np.uint8)
    assert metrics.nearest_distances(white, black).tolist() == [2.0]
    assert metrics.nearest_distances(white, np.zeros((1, 2, 2, 1), np.float32)).tolist() == [2.0]


@pytest.mark.parametrize("known", [np.zeros((0, 2, 2, 1)), np.zeros((3, 2, 3, 1))])
def test_images_that_cannot_be_compared(known):
    with pytest.raises(ValueError, match="known"):
        metrics.nearest_distances(np.zeros((1, 2, 2, 1)), known)
