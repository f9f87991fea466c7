"""Generated sounds are what their classes say."""

import numpy as np
import pytest

from fooljax import data
from fooljax.data import tones
from fooljax.media import Sounds


@pytest.fixture(scope="module")
def splits():
    return data.load("tones")


def test_shape_and_range(splits):
    for half, count in zip(splits, (800, 200), strict=True):
        assert half.images.shape == (count, tones.LENGTH, 1)
        assert half.medium == Sounds(tones.RATE)
        np.testing.assert_array_equal(np.bincount(half.labels), count // 8)
    assert not np.isin(np.asarray(splits.test.images[:, 0]), splits.train.images[:, 0]).all()


def pitches(sound):
    """The strongest frequency in the first and in the last third of what is loud."""
    waveform = 2 * np.asarray(sound)[:, 0] - 1
    loud = np.flatnonzero(np.abs(waveform) > 0.06)
    thirds = np.array_split(waveform[loud[0] : loud[-1]], 3)
    spectra = [np.abs(np.fft.rfft(part * np.hanning(len(part)), 8192)) for part in thirds]
    return [spectrum.argmax() * tones.RATE / 8192 for spectrum in (spectra[0], spectra[-1])]


@pytest.mark.parametrize(("name", "low", "high"), [("rising", 1.1, 9), ("falling", 1 / 9, 0.9)])
def test_glides_glide(splits, name, low, high):
    rows = np.asarray(splits.test.labels) == tones.CLASSES.index(name)
    ratios = [last / first for first, last in map(pitches, splits.test.images[rows])]
    assert np.mean([low < ratio < high for ratio in ratios]) > 0.9


def test_silence_is_the_quietest(splits):
    loud = np.asarray(splits.test.images).std(axis=(1, 2))
    quiet = np.asarray(splits.test.labels) == tones.CLASSES.index("silence")
    assert loud[quiet].max() < loud[~quiet].min()


def test_sounds_have_no_size():
    with pytest.raises(ValueError, match=r"--image-size\) is of pictures, and tones holds sounds"):
        data.load("tones", image_size=(8, 8))
