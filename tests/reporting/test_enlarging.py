"""Faint changes from grey made visible."""

import numpy as np
import pytest

from fooljax import reporting


def test_faint_changes_are_enlarged():
    """By a factor that fits 99 % of the change into the range."""
    ramp = np.linspace(-0.01, 0.01, 201).reshape(1, 201, 1, 1)
    images, factors = reporting.enlarge(0.5 + np.concatenate([ramp, 10.0 * ramp]))
    np.testing.assert_allclose(factors, [0.5 / 0.0099, 0.5 / 0.099], rtol=1e-2)
    np.testing.assert_allclose(images[0], images[1], atol=1e-6)
    assert images.min() == 0.0 and images.max() == 1.0


def test_a_plain_image_stays_plain():
    images, factors = reporting.enlarge(np.full((1, 4, 4, 3), 0.5))
    assert (images == 0.5).all() and factors.tolist() == [500.0]


def test_a_single_number_is_no_image():
    with pytest.raises(ValueError, match="must have an axis of their own"):
        reporting.enlarge(np.zeros(3))
