import numpy as np
import pytest
from PIL import Image

from fooljax.reporting import slices

PLACES = np.linspace(-0.5, 1.5, 9)
CORNERS = (("real", 0.0, 0.0), ("evolved", 1.0, 0.0), ("noise", 0.0, 1.0))
ANSWERS = np.repeat([[0, 1, 2]], 9, axis=0).repeat(3, axis=1)
SURE = np.full((9, 9), 0.9)


def test_each_class_has_a_color_that_pales(tmp_path):
    maps = {"sure": (ANSWERS, np.ones((9, 9))), "unsure": (ANSWERS, np.full((9, 9), 0.2))}
    path = slices(tmp_path / "x.png", maps, PLACES, CORNERS, ["zero", "$one$", "two"])
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    for color in ((0, 114, 178), (213, 94, 0), (0, 158, 115)):
        assert np.sum(abs(pixels - np.array(color)).max(axis=1) <= 1) > 1000
        pale = 255 - 0.2 * (255 - np.array(color))
        assert np.sum(abs(pixels - pale).max(axis=1) <= 1) > 1000


def test_more_classes_than_colors(tmp_path):
    answers = np.arange(81).reshape(9, 9)
    path = slices(tmp_path / "x.png", {"net": (answers, SURE)}, PLACES, CORNERS, ["a, b"] * 1000)
    assert path.stat().st_size > 1000


WRONG = {
    "at least one map": ({}, PLACES),
    r"answers of 'net' must be \(9, 9\)": ({"net": (ANSWERS[:3], SURE)}, PLACES),
    r"\[0, 1\]": ({"net": (ANSWERS, 2 * SURE)}, PLACES),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_cannot_be_drawn_is_refused(tmp_path, message):
    maps, places = WRONG[message]
    with pytest.raises(ValueError, match=message):
        slices(tmp_path / "x.png", maps, places, CORNERS, ["zero", "one", "two"])
