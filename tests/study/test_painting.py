import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import encodings, evolution
from fooljax.data.resize import shrink
from fooljax.study import painting

REPEATS, CLASSES = 2, 7


@pytest.fixture(scope="module")
def direct():
    """An encoding of 8 x 6 pixels and an archive with an empty niche."""
    encoding = encodings.direct((8, 6, 3), color="rgb")
    genomes = jax.random.uniform(jax.random.key(0), (REPEATS, CLASSES, 8, 6, 3))
    fill = jnp.zeros((REPEATS, CLASSES))
    born = jnp.zeros((REPEATS, CLASSES), jnp.int32).at[1, 3].set(-1)
    return encoding, evolution.Archive(genomes, fill, fill, born, born)


@pytest.mark.parametrize("at_once", [1, 8 * 6, 3 * 8 * 6, 1 << 20])
def test_paints_every_champion_however_many_at_a_time(direct, monkeypatch, at_once):
    encoding, archive = direct
    monkeypatch.setattr(painting, "_PIXELS_AT_ONCE", at_once)
    expected = np.floor(np.asarray(archive.genomes) * 255) / 255  # what the encoding paints
    expected[1, 3] = 0.0
    images = painting.paint(encoding, archive)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, expected, atol=1e-6)


def test_large_ones_are_kept_in_8_bits(direct, monkeypatch):
    encoding, archive = direct
    exact = painting.paint(encoding, archive)
    monkeypatch.setattr(painting, "_MOST_EXACT_BYTES", exact.nbytes - 1)
    images = painting.paint(encoding, archive)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, np.round(exact * 255))
    np.testing.assert_array_equal(painting.as_8_bit(exact), images)
    assert painting.as_8_bit(images) is images


@pytest.mark.parametrize(("side", "size"), [(64, (8, 6)), (8, (8, 6)), (4, (4, 3)), (1, (1, 1))])
def test_thumbnails_are_of_the_first_repeat(direct, monkeypatch, side, size):
    encoding, archive = direct
    monkeypatch.setattr(painting, "THUMBNAIL", side)
    small = painting.paint_thumbnails(encoding, archive)
    assert small.shape == (CLASSES, *size, 3) and small.dtype == np.uint8
    means = small.mean(axis=(1, 2)) / 255
    expected = np.asarray(archive.genomes)[0].mean(axis=(1, 2))
    np.testing.assert_allclose(means, expected, atol=0.004 if side >= 8 else 0.08)


def test_shrinking_keeps_stripes_wider_than_a_new_pixel():
    stripes = np.zeros((1, 32, 64, 3), np.uint8)
    stripes[:, :, 32:] = 255
    small = shrink(stripes, 16)
    assert small.shape == (1, 8, 16, 3)
    assert (small[:, :, :6] == 0).all() and (small[:, :, -6:] == 255).all()
    assert shrink(stripes, 64) is stripes
