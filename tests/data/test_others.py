import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from fooljax import data


@pytest.mark.parametrize("channels", [1, 3])
def test_pieces_of_photographs(channels):
    pieces = data.load_others("photographs", (28, 28, channels), most=50)
    assert pieces.shape == (50, 28, 28, channels) and pieces.dtype == np.uint8
    corner = Image.fromarray(load_sample_images().images[0][:112, :112])
    expected = np.asarray(corner.resize((28, 28), Image.Resampling.BICUBIC), np.float64)
    if channels == 1:
        expected = np.asarray(Image.fromarray(expected.astype(np.uint8)).convert("L"))[..., None]
    assert np.abs(pieces[0].astype(np.float64) - expected).max() <= 1.0
    assert len(np.unique(pieces.reshape(50, -1), axis=0)) == 50


def test_another_data_set_in_the_size_and_color_wanted():
    digits = data.load_others("digits", (12, 12, 3), most=10_000)
    known = np.asarray(data.load("digits", image_size=(12, 12)).test.images)
    np.testing.assert_array_equal(digits, np.repeat(known, 3, axis=3))


def test_says_what_there_is_not(tmp_path):
    with pytest.raises(ValueError, match="no data set is called"):
        data.load_others("digitz", (8, 8, 1))
    with pytest.raises(ValueError, match="3 channels cannot be shown as 2"):
        data.load_others("photographs", (8, 8, 2))
