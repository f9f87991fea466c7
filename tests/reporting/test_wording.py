"""Confidences and names as people read them."""

import numpy as np
import pytest

from fooljax.reporting import percent
from fooljax.reporting.wording import certainty, drawable, drawable_names


@pytest.mark.parametrize(
    ("confidence", "text"),
    [
        (0, "0 %"),
        (1e-9, "<0.00001 %"),
        (1e-7, "0.00001 %"),
        (0.00012, "0.012 %"),
        (0.001, "0.1 %"),
        (0.05, "5 %"),
        (0.2159, "21.6 %"),
        (0.5, "50 %"),
        (0.8811, "88.1 %"),
        (0.9946, "99.46 %"),
        (0.9999, "99.99 %"),
        (np.float32(0.9999), "99.99 %"),
        (0.99992, "99.992 %"),
        (0.99999, "99.999 %"),
        (0.999999949, ">99.99999 %"),
        (np.nextafter(np.float32(1), np.float32(0)), ">99.99999 %"),
        (np.nextafter(1.0, 0.0), ">99.99999 %"),
        (1, "100 %"),
        (np.float32(1), "100 %"),
    ],
)
def test_percent(confidence, text):
    assert percent(confidence) == text


def test_percent_never_rounds_to_certainty_and_is_close():
    doubts = np.concatenate([np.geomspace(1e-7, 0.5, 500), np.geomspace(1e-7, 0.5, 500)])
    for doubt in doubts:
        text = percent(1 - doubt)
        assert text != "100 %"
        if not text.startswith(">"):
            assert 1 - float(text[:-2]) / 100 == pytest.approx(doubt, rel=0.06)


@pytest.mark.parametrize("confidence", [float("nan"), -0.1, 1.1])
def test_percent_refuses_what_is_no_probability(confidence):
    with pytest.raises(ValueError, match="confidence"):
        percent(confidence)


def test_a_softmax_is_never_certain():
    assert certainty(np.float32(1)) == ">99.99999 %"
    assert certainty(0.97) == percent(0.97)


def test_drawable_keeps_what_the_font_has():
    assert drawable("Zürich\n 5 €", "x") == "Zürich 5 €"
    assert drawable("猫 cat", "x") == "cat"
    assert drawable_names(["お", "ok", ""]) == ["class 0", "ok", "class 2"]
