import jax
import numpy as np

from fooljax import metrics

high_frequency_share = jax.jit(metrics.high_frequency_share)
total_variation = jax.jit(metrics.total_variation)


def waves(size, across, down):
    y, x = np.mgrid[:size, :size] * 2.0 * np.pi / size
    return np.float32(0.5 + 0.5 * np.cos(across * x + down * y))[None, ..., None]


def test_total_variation_of_known_images(key):
    y, x = np.mgrid[:4, :6]
    chessboard = np.float32((x + y) % 2)[None, ..., None]
    ramp = np.float32(0.1 * x)[None, ..., None]
    np.testing.assert_allclose(total_variation(chessboard), 1.0)
    # of 18 + 20 neighbors, 20 differ by 0.1
    np.testing.assert_allclose(total_variation(ramp), 0.1 * 20 / 38, rtol=1e-5)
    np.testing.assert_array_equal(total_variation(np.full((2, 5, 5, 3), 0.3)), 0.0)
    np.testing.assert_array_equal(total_variation(np.full((2, 1, 1, 3), 0.3)), 0.0)
    noise = jax.random.uniform(key, (1, 200, 200, 3))
    np.testing.assert_allclose(total_variation(noise), 1 / 3, rtol=0.01)


def test_high_frequencies_of_waves(key):
    """Of 16 pixels the highest frequency has 8 waves; 5 are above half of it, 3 below."""
    for across, down, share in ((5, 0, 1.0), (3, 3, 0.0), (2, 7, 1.0), (4, 4, 0.0)):
        found = high_frequency_share(waves(16, across, down))
        np.testing.assert_allclose(found, share, atol=1e-5)
    mixed = np.concatenate([waves(16, 3, 0), waves(16, 6, 0)], axis=3)
    np.testing.assert_allclose(high_frequency_share(mixed), 0.5, atol=1e-5)
    np.testing.assert_array_equal(metrics.high_frequency_share(np.full((2, 5, 5, 3), 0.25)), 0.0)
    noise = jax.random.uniform(key, (1, 128, 128, 1))
    np.testing.assert_allclose(high_frequency_share(noise), 0.75, atol=0.02)
