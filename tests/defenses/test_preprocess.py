"""Input transforms against scipy, numpy and Pillow; their gradients; what is refused."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
from PIL import Image

from fooljax.defenses import gaussian_blur, jpeg, median_filter, quantize
from fooljax.defenses.preprocess import luminance_table
from fooljax.types import Classifier

SHAPE = (11, 14, 2)
IMAGES = np.random.default_rng(0).uniform(size=(3, *SHAPE)).astype(np.float32)


def look(params, images):
    """A network that says what it sees."""
    return params * images.reshape(len(images), -1)


def eye(shape=SHAPE):
    return Classifier(jnp.float32(1.0), look, shape, int(np.prod(shape)))


def seen(defend, images=IMAGES):
    defended = defend(eye(images.shape[1:]))
    return np.asarray(jax.jit(lambda c, x: c(x))(defended, images)).reshape(images.shape)


def slope(defend, weights, images=IMAGES):
    """Gradient of the weighted sum of what is seen."""
    defended = defend(eye(images.shape[1:]))
    flat = weights.reshape(len(weights), -1)
    return np.asarray(jax.jit(jax.grad(lambda x: jnp.sum(flat * defended(x))))(images))


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.5])
def test_blur_is_scipys(sigma):
    wanted = scipy.ndimage.gaussian_filter(IMAGES, (0, sigma, sigma, 0))
    np.testing.assert_allclose(
        seen(lambda network: gaussian_blur(network, sigma)), wanted, atol=1e-6
    )


@pytest.mark.parametrize("size", [3, 5, 7])
def test_median_is_scipys(size):
    for images in (IMAGES, np.round(IMAGES * 3) / 3):  # with ties
        wanted = scipy.ndimage.median_filter(images, (1, size, size, 1))
        np.testing.assert_array_equal(
            seen(lambda network: median_filter(network, size), images), wanted
        )


def test_the_gradient_of_the_median_goes_to_the_middle():
    weights = np.random.default_rng(1).normal(size=IMAGES.shape).astype(np.float32)
    defend = lambda network: median_filter(network, 3)
    wanted = np.zeros_like(IMAGES)
    height, width, channels = SHAPE
    mirror = lambda place, size: -1 - place if place < 0 else min(place, 2 * size - 1 - place)
    for b, i, j, c in np.ndindex(len(IMAGES), height, width, channels):
        window = [
            (mirror(i + k, height), mirror(j + m, width)) for k in (-1, 0, 1) for m in (-1, 0, 1)
        ]
        middle = sorted(window, key=lambda place: IMAGES[b, place[0], place[1], c])[4]
        same = [p for p in window if IMAGES[b, p[0], p[1], c] == IMAGES[b, *middle, c]]
        for place in same:
            wanted[b, *place, c] += weights[b, i, j, c] / len(same)
    np.testing.assert_allclose(slope(defend, weights), wanted, atol=1e-5)
    # all equal: shared by the whole window
    plain = np.zeros((1, 5, 5, 1), np.float32)
    one = plain.copy()
    one[0, 2, 2, 0] = 9.0
    inside = np.pad(np.ones((3, 3)), 1)[None, :, :, None]
    np.testing.assert_allclose(slope(defend, one, plain), inside, atol=1e-6)


def test_levels_are_numpys_and_pass_the_gradient():
    weights = np.random.default_rng(2).normal(size=IMAGES.shape).astype(np.float32)
    for levels in (2, 5, 256):
        defend = lambda network, levels=levels: quantize(network, levels)
        wanted = np.round(IMAGES.astype(np.float64) * (levels - 1)) / (levels - 1)
        np.testing.assert_allclose(seen(defend), wanted, atol=1e-7)
        assert len(np.unique(seen(defend))) <= levels
        np.testing.assert_allclose(slope(defend, weights), weights, atol=1e-6)


@pytest.mark.parametrize("quality", [5, 50, 90])
def test_jpeg_is_scipys_transform_and_the_standards_table(quality):
    padded = np.pad(IMAGES, ((0, 0), (0, 5), (0, 2), (0, 0)), mode="edge").astype(np.float64)
    table = luminance_table(quality)
    for i in range(0, 16, 8):
        for j in range(0, 16, 8):
            block = 255.0 * padded[:, i : i + 8, j : j + 8] - 128.0
            waves = scipy.fft.dctn(block, axes=(1, 2), norm="ortho")
            waves = np.round(waves / table[None, :, :, None]) * table[None, :, :, None]
            block = scipy.fft.idctn(waves, axes=(1, 2), norm="ortho")
            padded[:, i : i + 8, j : j + 8] = np.clip((block + 128.0) / 255.0, 0.0, 1.0)
    defend = lambda network: jpeg(network, quality)
    np.testing.assert_allclose(seen(defend), padded[:, :11, :14], atol=2e-5)
    weights = np.random.default_rng(3).normal(size=IMAGES.shape).astype(np.float32)
    np.testing.assert_allclose(slope(defend, weights), weights, atol=1e-6)


@pytest.mark.parametrize("quality", [10, 50, 75, 95])
def test_jpeg_is_nearly_pillows(quality):
    """Which rounds to whole levels, and computes in whole numbers."""
    pixels = np.random.default_rng(4).integers(0, 256, (16, 24)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "jpeg", quality=quality)
    wanted = np.asarray(Image.open(file), np.float64)
    images = (pixels / np.float32(255))[None, :, :, None]
    found = 255.0 * seen(lambda network: jpeg(network, quality), images)[0, :, :, 0]
    assert np.abs(found - wanted).mean() < 1.0
    assert np.abs(found - wanted).mean() < 0.2 * np.abs(wanted - pixels).mean() + 0.5


def test_another_strength_compiles_nothing():
    for defend, one, other in (
        (gaussian_blur, 1.0, 2.0),
        (quantize, 2, 8),
        (jpeg, 50, 7.5),
    ):
        network = eye()
        assert jax.tree.structure(defend(network, one)) == jax.tree.structure(
            defend(network, other)
        )


WRONG = {
    "blur of 0": (gaussian_blur, 0.0, "sigma must be positive, got 0.0"),
    "blur of nan": (gaussian_blur, float("nan"), "sigma must be positive, got nan"),
    "even window": (median_filter, 4, "size must be odd, at least 3 and at most 11, got 4"),
    "no window": (median_filter, 1, "size must be odd"),
    "window larger than the image": (median_filter, 13, "at most 11, got 13"),
    "one level": (quantize, 1, "levels must be at least 2, got 1"),
    "quality 0": (jpeg, 0, r"quality must be in \[1, 100\], got 0"),
    "quality 101": (jpeg, 101, r"quality must be in \[1, 100\], got 101"),
}


@pytest.mark.parametrize(("defend", "strength", "message"), WRONG.values(), ids=WRONG.keys())
def test_says_what_is_impossible(defend, strength, message):
    with pytest.raises(ValueError, match=message):
        defend(eye(), strength)
