"""Tables and figures made from numbers: what stands in a cell, what a line is drawn through."""

import re

import numpy as np
import pytest
from PIL import Image

from fooljax import reporting, study
from fooljax.metrics import Interval
from fooljax.study import Row, Table

TABLE = Table(
    (
        Row(
            {"kind": "real"}, {"share": Interval(0.5, 0.25, 0.75), "odds": Interval(2.0, 1.0, 3.0)}
        ),
        Row({"kind": "noise"}, {"share": Interval(1.0, 1.0, 1.0), "odds": Interval(7.0, 7.0, 7.0)}),
    )
)


def test_a_line_for_each_thing_a_column_for_each_title():
    columns = {
        "Images": lambda row: row.keys["kind"],
        "Share": study.spelled("share"),
        "Odds": study.spelled("odds", "{:.1f}".format),
    }
    page = str(study.tabulate(TABLE.rows, columns, "Read it.")).replace("&nbsp;", " ")
    assert re.findall(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", page) == [
        *("Images", "Share", "Odds"),
        *("real", "50 % (25 % to 75 %)", "2.0 (1.0 to 3.0)"),
        *("noise", "100 % (in every repeat)", "7.0 (in every repeat)"),
    ]
    assert "sortable" not in page
    assert "sortable" in str(study.tabulate([1, 2], {"n": str}, sortable=True))


@pytest.fixture
def drawn(monkeypatch):
    """What was to be drawn by `reporting.lines`."""
    asked = {}
    monkeypatch.setattr(
        reporting, "lines", lambda path, series, **looks: asked.update(series=series, **looks)
    )
    return asked


def test_the_middle_of_repeats_over_places_of_their_own(drawn):
    grids = {"a": np.array([[1.0, 2.0], [3.0, 4.0], [8.0, 9.0]]), "b": np.array([[5.0]])}
    figure = study.ranges("r", {"a": [10, 20], "b": [30]}, grids, "C.", median=True, log_x=True)
    figure.draw("r.png")
    assert drawn["log_x"] and drawn["series"]["b"][0] == [30]
    np.testing.assert_array_equal(drawn["series"]["a"][1], [3.0, 4.0])
    np.testing.assert_array_equal(drawn["bands"]["a"], [[1.0, 2.0], [8.0, 9.0]])
    study.ranges("r", [1, 2], {"a": grids["a"]}, "C.").draw("r.png")
    np.testing.assert_array_equal(drawn["series"]["a"][1], [4.0, 5.0])
    np.testing.assert_array_equal(drawn["series"]["a"][0], [1.0, 2.0])


def test_where_nothing_was_measured_a_sentence_takes_the_place_of_a_picture():
    """As of images that stay certain, where the network was certain of none."""
    records = [{"kind": "real", "at": at, "repeat": 0, "kept": np.nan} for at in (1, 2)]
    table = study.summarize(records, ("kind", "at"), ("kept",))
    block = study.lines("kept", table, "at", "kept", "kind", "Share that is kept. How to read it.")
    assert block == "Nothing can be drawn of this: Share that is kept."


def test_large_images_are_reduced_where_asked(tmp_path):
    images = np.full((1, 1, 300, 150, 1), 0.5)  # float64: the library of pictures takes float32
    heights = {}
    for side in (None, 60):
        study.images("i", images, [[""]], "C.", side=side).draw(tmp_path / "i.png")
        with Image.open(tmp_path / "i.png") as picture:
            heights[side] = picture.height
    assert heights[60] < heights[None]


@pytest.mark.parametrize("repeats", [1, 2])
def test_captions_speak_of_intervals_where_there_are_any(repeats):
    """A single repeat has none, whatever the caller says of them."""
    records = [
        {"of": name, "size": size, "repeat": repeat, "fooled": 0.1 * (repeat + size)}
        for name in ("a", "b")
        for size in (1, 2)
        for repeat in range(repeats)
    ]
    table = study.summarize(records, ("of", "size"), ["fooled"])
    titles = {"of": "Of", "size": "Size"}, {"fooled": "Fooled"}
    over = {"intervals_over": "the runs"}
    captions = [
        study.matrix("m", table, "of", "size", "fooled", "Shares.", **over).caption,
        study.lines("l", table, "size", "fooled", "of", "Shares.", **over).caption,
        study.numbers(table, *titles, "Shares", **over).markup,
    ]
    words = ("Below each share: its", "Shaded:", "In brackets:")
    for caption, start in zip(captions, words, strict=True):
        assert (f"Shares. {start} 95" in caption and "over the runs." in caption) == (repeats > 1)
    assert "interval" not in study.matrix("m", table, "of", "size", "fooled", "Shares.").caption
    alone = study.numbers(table, *titles, **over).markup
    assert ("<caption>In brackets: 95" in alone) == (repeats > 1)
