"""Images in a figure: one axis for each, pixels as they are, and complaints in a sentence."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from fooljax import reporting


@pytest.fixture(autouse=True)
def no_figures():
    yield
    plt.close("all")


def test_every_image_has_its_place_and_caption():
    images = np.random.default_rng(0).uniform(size=(7, 5, 4, 1)).astype(np.float32)
    reporting.show(images, [f"number {i}" for i in range(7)], columns=3)
    axes = plt.gcf().axes
    assert len(axes) == 9
    for i, axis in enumerate(axes[:7]):
        np.testing.assert_array_equal(axis.images[0].get_array()[..., 0], images[i, :, :, 0])
        assert axis.get_title() == f"number {i}"
    assert not axes[8].images
    framed = [[line.get_visible() for line in axis.spines.values()] for axis in axes]
    assert np.all(framed[:7]) and not np.any(framed[7:])


def test_color_and_no_captions():
    images = np.random.default_rng(1).uniform(size=(2, 3, 3, 3)).astype(np.float32)
    reporting.show(images)
    np.testing.assert_array_equal(plt.gcf().axes[1].images[0].get_array(), images[1])


@pytest.mark.parametrize(
    ("shape", "captions", "words"),
    [
        ((4, 4, 1), None, r"\[n, h, w, c\].*image\[None\]"),
        ((2, 4, 4, 2), None, "c 1 or 3"),
        ((0, 4, 4, 1), None, r"got \(0, 4, 4, 1\)"),
        ((2, 4, 4, 1), ["one"], "each of 2 images, got 1"),
    ],
)
def test_what_cannot_be_shown_is_said(shape, captions, words):
    with pytest.raises(ValueError, match=words):
        reporting.show(np.zeros(shape), captions)
