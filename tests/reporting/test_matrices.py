"""Matrices: every cell has its number, readable, and its color."""

import itertools

import numpy as np
import pytest
from PIL import Image

from fooljax.reporting import matrix
from fooljax.reporting.matrices import _ink, _value

NAMES = ["LeNet", "softmax regression", "a name that is far too long for the margin", "お", "$x^{$"]


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def table(rows, columns):
    return np.random.default_rng(0).random((rows, columns))


def test_a_matrix_shows_every_number(tmp_path, drawn):
    values = [[0.25, 1.0], [np.nan, 0.0]]
    doubts = [[0.03, np.nan], [0.1, 0.004]]
    place = tmp_path / "matrix.png"
    options = {"label": "fooled", "row_label": "made for", "column_label": "shown to"}
    assert matrix(place, values, NAMES[:2], NAMES[2:4], intervals=doubts, **options) == place
    axes, bar = drawn[0].axes[0], drawn[0].axes[0].child_axes[0]
    assert texts(drawn[0]) == ["25 %", "± 3", "100 %", "\N{EN DASH}", "0 %", "± 0.4"]
    assert names(axes.yaxis) == NAMES[:2]
    assert names(axes.xaxis)[0].endswith("…") and names(axes.xaxis)[1] == "column 2"
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("made for", "shown to")
    assert bar.get_ylabel() == "fooled" and bar.get_ylim() == (0.0, 1.0)
    matrix(place, [[1234.5, -0.5]], ["a"], ["b", "c"], label="ms", shares=False)
    assert texts(drawn[1]) == ["1.23e+03", "\N{MINUS SIGN}0.5"]
    assert drawn[1].axes[0].child_axes[0].get_ylim() == (-0.5, 1234.5)


SHARES = {0: "0 %", 1e-5: "<1 %", 0.005: "<1 %", 0.014: "1 %", 0.5: "50 %", 0.995: ">99 %"}


@pytest.mark.parametrize(("share", "text"), [*SHARES.items(), (1 - 1e-9, ">99 %"), (1, "100 %")])
def test_shares_never_round_to_all_or_none(share, text):
    assert _value(share, True) == text


def test_cells_have_the_color_of_their_number(tmp_path):
    place = matrix(tmp_path / "m.png", [[0.0, np.nan], [np.nan, 1.0]], "ab", "cd", label="x")
    with Image.open(place) as picture:
        colors = {color for _, color in picture.convert("RGB").getcolors(1 << 24)}
    assert {(68, 1, 84), (253, 231, 37), (255, 255, 255)} <= colors  # viridis' ends, nothing


def test_ink_stands_out():
    assert _ink(np.array([0.0, 0.0, 0.3, 1.0])) == "white"
    assert _ink(np.array([0.0, 1.0, 0.0, 1.0])) == "black"
    assert _ink(np.array([0.5, 0.5, 0.5, 1.0])) == "black"  # 5.3:1, white only 3.9:1


@pytest.mark.parametrize(
    "shape",
    [(3, 3), (5, 5), (1, 2), (2, 1), (10, 10), pytest.param((12, 30), marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("shares", [True, False])
def test_no_text_lies_on_another(tmp_path, drawn, shape, shares):
    rows, columns = ([NAMES[i % 5] for i in range(count)] for count in shape)
    values = table(*shape) if shares else -1e5 * table(*shape)
    options = {"label": "share of images fooled (n = 1000)", "intervals": table(*shape)}
    matrix(tmp_path / "m.png", values, rows, columns, shares=shares, **options)
    figure = drawn[0]
    axes = figure.axes[0]
    x, y = axes.xaxis.get_ticklabels(), axes.yaxis.get_ticklabels()
    bar = axes.child_axes[0]
    upright = [*axes.texts, *y, *bar.yaxis.get_ticklabels(), bar.yaxis.label]
    upright = [text for text in upright if text.get_text()]
    angle = np.radians(x[0].get_rotation())
    if angle == 0:
        upright += x
    boxes = [text.get_window_extent() for text in upright]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    cell = axes.get_window_extent().width / shape[1]
    height = x[0].get_fontsize() * figure.dpi / 72
    assert angle == 0 or cell * np.sin(angle) > 1.1 * height
    cells = [text.get_window_extent().width for text in axes.texts]
    assert max(cells) < cell


@pytest.mark.parametrize(("count", "named"), [(31, 31), (101, 0)])
def test_large_matrices_leave_out_numbers_then_names(tmp_path, drawn, count, named):
    every = [f"n{i}" for i in range(count)]
    place = matrix(tmp_path / "m.png", table(count, count), every, every, label="x")
    assert not texts(drawn[0])
    assert names(drawn[0].axes[0].xaxis) == names(drawn[0].axes[0].yaxis) == every[:named]
    with Image.open(place) as picture:
        assert max(picture.size) < 4500


@pytest.mark.parametrize("value", [np.nan, 3.0])
def test_a_table_without_a_range_can_be_drawn(tmp_path, value):
    matrix(tmp_path / "m.svg", [[value, value]], ["a"], ["b", "c"], label="x", shares=False)


REFUSED = {
    "empty": (np.zeros((0, 2)), {}, "not empty"),
    "one row": (np.zeros(2), {}, r"must be \[r, c\]"),
    "infinite": (np.full((2, 2), np.inf), {"shares": False}, "values must be finite"),
    "share": (np.full((2, 2), 1.5), {}, "must be shares"),
    "row names": (np.zeros((3, 2)), {}, "row_names"),
    "column names": (np.zeros((2, 3)), {}, "column_names"),
    "intervals": (np.zeros((2, 2)), {"intervals": [0.1]}, r"intervals must be \(2, 2\)"),
    "negative": (np.zeros((2, 2)), {"intervals": -np.ones((2, 2))}, "intervals must be finite"),
}


@pytest.mark.parametrize(("values", "options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_matrix_refuses_what_would_mislead(values, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        matrix(tmp_path / "m.png", values, ["a", "b"], ["c", "d"], label="x", **options)
    assert not list(tmp_path.iterdir())
