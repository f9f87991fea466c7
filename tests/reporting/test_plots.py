"""Lines, matrices and grids: what they draw, and what they refuse."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from fooljax import reporting
from fooljax.reporting import drawing

LABELS = {"x_label": "epsilon", "y_label": "share"}
SERIES = {"pgd": ([0.0, 0.1, 0.2], [1.0, 0.5, 0.0]), "noise": ([0.1], [0.9])}


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are written, to look at what is in them."""
    figures, save = [], Figure.savefig

    def keep(figure, *args, **options):
        figures.append(figure)
        save(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def test_lines_are_the_numbers(tmp_path, drawn):
    band = {"pgd": ([0.9, 0.4, 0.0], [1.0, 0.6, 0.1])}
    place = tmp_path / "lines.png"
    assert reporting.lines(place, SERIES, **LABELS, shares=True, bands=band, dashed=["noise"])
    with Image.open(place) as picture:
        assert picture.width > 1000
    axes = drawn[0].axes[0]
    for line, (x, y) in zip(axes.lines, SERIES.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), x)
        np.testing.assert_array_equal(line.get_ydata(), y)
    assert axes.get_ylim() == (0.0, 1.0)
    assert [line.is_dashed() for line in axes.lines] == [False, True]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["pgd", "noise"]
    edges = axes.collections[0].get_paths()[0].vertices
    assert (edges[:, 1].min(), edges[:, 1].max()) == (0.0, 1.0)
    assert axes.yaxis.get_major_formatter()(0.5, 0) == "50 %"


def test_lines_on_logarithmic_axes(tmp_path, drawn):
    series = {"a": ([1.0, 10.0], [2.0, 3.0])}
    reporting.lines(tmp_path / "lines.svg", series, **LABELS, log_x=True, log_y=True)
    assert drawn[0].axes[0].get_xscale() == drawn[0].axes[0].get_yscale() == "log"


LINES = {
    "none": ({}, {}, "at least one series"),
    "empty": ({"a": ([], [])}, {}, "x of 'a' must be .*not empty"),
    "shapes": ({"a": ([1, 2], [1])}, {}, r"y of 'a' must be \[2\], got \(1,\)"),
    "nan": ({"a": ([1, 2], [1, np.nan])}, {}, "y of 'a' must be finite"),
    "log": ({"a": ([0, 2], [1, 1])}, {"log_x": True}, "x of 'a' must be positive .* got 0"),
    "share": ({"a": ([0, 2], [1, 2])}, {"shares": True}, "y of 'a' must be shares"),
    "band": (SERIES, {"bands": {"b": ([1], [1])}}, "must name series, got b"),
    "band shape": (SERIES, {"bands": {"pgd": ([1], [1])}}, r"band of 'pgd' must be \[3\]"),
    "dashed": (SERIES, {"dashed": ["fgsm"]}, "must name series, got fgsm"),
}


@pytest.mark.parametrize(("series", "options", "message"), LINES.values(), ids=LINES.keys())
def test_lines_refuses(series, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        reporting.lines(tmp_path / "lines.png", series, **LABELS, **options)
    assert not list(tmp_path.iterdir())


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_a_matrix_shows_every_number(tmp_path, drawn):
    values = [[0.25, 1.0], [np.nan, 0.0]]
    doubts = [[0.03, np.nan], [0.1, 0.0]]
    names = ["lenet", "a name that is far too long for the margin of a picture"]
    place = tmp_path / "matrix.png"
    reporting.matrix(place, values, names, names, label="fooled", intervals=doubts)
    assert texts(drawn[0]) == ["25 %", "± 3", "100 %", "-", "0 %", "± 0"]
    rows = [label.get_text() for label in drawn[0].axes[0].get_yticklabels()]
    assert rows[0] == "lenet" and rows[1].endswith("…")
    reporting.matrix(place, [[1234.5]], ["a"], ["b"], label="ms", shares=False)
    assert texts(drawn[1]) == ["1.23e+03"]


MATRICES = {
    "empty": (np.zeros((0, 2)), {}, "not empty"),
    "one row": (np.zeros(2), {}, r"must be \[r, c\]"),
    "infinite": (np.full((2, 2), np.inf), {}, "must be finite"),
    "share": (np.full((2, 2), 1.5), {}, "must be shares"),
    "names": (np.zeros((3, 2)), {}, "row_names"),
    "doubts": (np.zeros((2, 2)), {"intervals": [0.1]}, r"intervals must be \(2, 2\)"),
}


@pytest.mark.parametrize(("values", "options", "message"), MATRICES.values(), ids=MATRICES.keys())
def test_a_matrix_refuses(values, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        reporting.matrix(tmp_path / "m.png", values, ["a", "b"], ["c", "d"], label="x", **options)


def test_a_grid_has_every_image_pixel_by_pixel(tmp_path):
    images = np.random.default_rng(0).random((3, 2, 8, 8, 1))
    captions = [["3 at 99 %", ""], ["x 4", "x 5"], ["a caption of so many words, two lines", "7"]]
    place = reporting.grid(tmp_path / "grid.png", images, captions, row_names=["a", "b", "c"])
    with Image.open(place) as picture:
        canvas = np.asarray(picture)
    factor = drawing.magnification(8, 8)
    for image in images.reshape(6, 8, 8):
        cell = np.kron(np.rint(image * 255).astype(np.uint8), np.ones((factor, factor), np.uint8))
        row = np.flatnonzero((canvas[..., 0] == cell[0, 0]).any(axis=1))
        assert any(
            np.array_equal(canvas[y : y + len(cell), x : x + len(cell), 0], cell)
            for y in row
            for x in np.flatnonzero(canvas[y, :, 0] == cell[0, 0])
        )


GRIDS = {
    "captions": ([["a", "b"]], {}, "captions"),
    "a row of captions": ([["a"], ["b"]], {}, r"captions\[0\]"),
    "row names": ([["a", "b"]] * 2, {"row_names": ["one"]}, "row_names"),
    "columns": ([["a", "b"]] * 2, {"columns": 0}, "columns must be at least 1, got 0"),
}


@pytest.mark.parametrize(("captions", "options", "message"), GRIDS.values(), ids=GRIDS.keys())
def test_a_grid_refuses(captions, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        reporting.grid(tmp_path / "grid.png", np.zeros((2, 2, 4, 4, 1)), captions, **options)
