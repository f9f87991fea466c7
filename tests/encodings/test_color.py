import colorsys
import io

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest

from fooljax.encodings import cppn, direct, hls_to_rgb, hsv_to_rgb
from fooljax.encodings.color import paint

ULP = 1.2e-7  # XLA may divide by 255 through the reciprocal
LEVELS = np.array([0, 1, 60, 127, 128, 200, 254, 255])
BYTES = np.stack(np.meshgrid(np.arange(256), LEVELS, LEVELS, indexing="ij"), -1).reshape(256, 64, 3)


def painted_bytes(color):
    """Paint genes in the middle of each level; also that pixels are exact levels."""
    genes = jnp.float32(np.minimum((BYTES + 0.5) / 255, 1.0))
    image = jax.jit(paint, static_argnums=(1, 2))(genes, color, 256)
    image = np.asarray(image, np.float64) * 255
    np.testing.assert_allclose(image, np.round(image), atol=1e-4)
    return np.round(image).astype(int)


def through_colorsys(convert, hues, second, third):
    pixels = [convert(*pixel) for pixel in zip(hues, second, third, strict=True)]
    return 255 * np.array(pixels).reshape(256, 64, 3)


def test_hls_as_released():
    """A full turn is 180 hue bytes, so bytes from 180 on start a second turn."""
    hue, lightness, saturation = (channel.ravel() for channel in np.moveaxis(BYTES, -1, 0))
    exact = through_colorsys(
        colorsys.hls_to_rgb, (hue % 180) / 180, lightness / 255, saturation / 255
    )
    found = painted_bytes("hls")
    assert np.abs(found - exact).max() <= 0.5 + 1e-3
    np.testing.assert_array_equal(found[180:], found[:76])


def test_hsv():
    hue, saturation, value = (channel.ravel() for channel in np.moveaxis(BYTES, -1, 0))
    exact = through_colorsys(colorsys.hsv_to_rgb, hue / 255, saturation / 255, value / 255)
    assert np.abs(painted_bytes("hsv") - exact).max() <= 0.5 + 1e-3


@pytest.mark.parametrize(
    "ours, theirs", [(hls_to_rgb, colorsys.hls_to_rgb), (hsv_to_rgb, colorsys.hsv_to_rgb)]
)
def test_continuous_conversions(ours, theirs):
    rng = np.random.default_rng(0)
    turns, second, third = rng.random((3, 500)).astype(np.float32)
    expected = [theirs(*pixel) for pixel in zip(turns, second, third, strict=True)]
    np.testing.assert_allclose(ours(turns, second, third), expected, atol=3e-6)
    np.testing.assert_allclose(ours(turns + 2.0, second, third), expected, atol=3e-6)
    np.testing.assert_allclose(ours(turns - 1.0, second, third), expected, atol=3e-6)


@pytest.mark.parametrize("levels", [2, 16, 256])
def test_levels_truncate(levels):
    genes = np.random.default_rng(0).random((40, 50, 1)).astype(np.float32)
    genes[0, :3, 0] = 0.0, 1.0, np.float32(1.0) - np.float32(2**-24)
    top = levels - 1
    expected = np.trunc(genes * np.float32(top)) / np.float32(top)
    found = paint(jnp.asarray(genes), "hls", levels)
    np.testing.assert_allclose(found, expected, rtol=ULP)
    np.testing.assert_array_equal(paint(jnp.asarray(genes), "hls", None), genes)


@pytest.mark.parametrize("encoding", [direct((8, 9, 3)), direct((8, 9, 1)), cppn((8, 9, 3))])
def test_a_saved_picture_is_the_image(encoding, key):
    image = np.asarray(jax.jit(lambda key: encoding.express(encoding.init(key)))(key))
    assert image.dtype == np.float32
    pixels = np.round(image * 255).astype(np.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels.squeeze()).save(file, format="png")
    loaded = np.asarray(PIL.Image.open(file)).reshape(image.shape)
    np.testing.assert_array_equal(loaded, pixels.reshape(image.shape))
    np.testing.assert_allclose(loaded.astype(np.float32) / np.float32(255), image, rtol=ULP)


def test_all_grey_levels_survive():
    """No level is lost between a genome, its picture and the genome read from it."""
    genes = jnp.arange(256, dtype=jnp.float32).reshape(16, 16, 1) / 255
    image = np.asarray(paint(genes, "hls", 256))
    np.testing.assert_array_equal(np.round(255 * image).ravel(), np.arange(256))
    np.testing.assert_array_equal(paint(jnp.asarray(image), "hls", 256), image)


def test_direct_starts_as_uniform_noise(key):
    genes = np.asarray(direct((50, 50, 3)).init(key))
    assert genes.shape == (50, 50, 3) and genes.dtype == np.float32
    assert np.abs(np.sort(genes.ravel()) - np.linspace(0, 1, 7500)).max() < 1.95 / np.sqrt(7500)
    assert direct((50, 50, 3)).traits(genes) == {}


@pytest.mark.parametrize(
    "shape, options, message",
    [
        ((28, 28, 2), {}, r"got \(28, 28, 2\)"),
        ((0, 28, 1), {}, r"got \(0, 28, 1\)"),
        ((28, 28, 3), {"color": "lab"}, "got 'lab'"),
        ((28, 28, 3), {"levels": 1}, "levels must be at least 2, got 1"),
    ],
)
@pytest.mark.parametrize("encoding", [direct, cppn])
def test_impossible_arguments(encoding, shape, options, message):
    with pytest.raises(ValueError, match=message):
        encoding(shape, **options)
