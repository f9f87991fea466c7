import numpy as np
import pytest
from PIL import Image

from fooljax.reporting import ruler


def test_a_line_for_each_number_and_a_color_for_each_group(tmp_path):
    nan = float("nan")
    groups = {
        "far $1": {"radius 2": (-412.0, nan, nan)},
        "classes": {"0": (-7.6, -8.0, -7.2), "1": (-18.5, -19.0, -18.0)},
    }
    path = ruler(tmp_path / "ruler.png", groups, x_label="log10 of the share")
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    for color in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)):
        assert np.sum((pixels == color).all(axis=1)) > 100
    assert not np.any((pixels == (0x00, 0x9E, 0x73)).all(axis=1))


@pytest.mark.parametrize(
    ("groups", "message"),
    [({}, "at least one number"), ({"a": {"b": (float("nan"), 0.0, 0.0)}}, "must be finite")],
)
def test_impossible_rulers(tmp_path, groups, message):
    with pytest.raises(ValueError, match=message):
        ruler(tmp_path / "ruler.png", groups, x_label="x")
    assert not list(tmp_path.iterdir())
