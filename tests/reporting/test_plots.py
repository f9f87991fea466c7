"""Lines: what is drawn is what was given, and what would mislead is refused."""

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from fooljax.reporting import lines
from fooljax.reporting.plots import _number, _share, _spread

LABELS = {"x_label": "epsilon", "y_label": "share"}
SERIES = {"pgd": ([0.0, 0.1, 0.2], [1.0, 0.5, 0.0]), "noise": ([0.1], [0.9])}
ODD_NAMES = ["お", "$x_1^{$", "_hidden", "a\nb", "", "\\frac{", "猫 cat"]


def written(figure):
    """Texts of a figure that have something in them and are seen."""
    found = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return [text for text in found if text.get_text().strip()]


def check_layout(figure):
    """No text on another, none cut off."""
    figure.draw_without_rendering()
    low, high = (0, 0), figure.bbox.size
    inside = lambda box: (box.min >= low).all() and (box.max <= high).all()
    # ticks outside the visible range are kept by matplotlib but not drawn
    boxes = {
        text.get_text(): Text.get_window_extent(text)  # without a leader
        for text in written(figure)
        if not any(text in axis.get_ticklabels(which="both") for axis in axes_of(figure))
    }
    assert all(inside(box) for box in boxes.values()), boxes
    names = list(boxes)
    for i, name in enumerate(names):
        for other in names[:i]:
            assert not boxes[name].overlaps(boxes[other]), (name, other)


def axes_of(figure):
    return [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]


def beside(figure):
    """Names written at the ends of the lines."""
    return [text.get_text() for text in figure.axes[0].texts]


def above(figure):
    """Names written in the legend."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_lines_are_the_numbers(tmp_path, drawn):
    band = {"pgd": ([0.9, 0.4, 0.0], [1.0, 0.6, 0.1])}
    place = tmp_path / "lines.png"
    assert lines(place, SERIES, **LABELS, shares=True, bands=band, dashed=["noise"]) == place
    with Image.open(place) as picture:
        assert picture.width > 1000
    axes = drawn[0].axes[0]
    for line, (x, y) in zip(axes.lines, SERIES.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), x)
        np.testing.assert_array_equal(line.get_ydata(), y)
    assert axes.get_ylim() == (0.0, 1.0)
    assert [line.is_dashed() for line in axes.lines] == [False, True]
    edges = axes.collections[0].get_paths()[0].vertices
    assert (edges[:, 1].min(), edges[:, 1].max()) == (0.0, 1.0)
    assert axes.yaxis.get_major_formatter()(0.5, 0) == "50 %"


@pytest.mark.parametrize(
    ("places", "whole"), [((0, 1, 2), True), ((0.0, 0.5, 1.0), False), ((0, 50, 100), True)]
)
def test_between_whole_numbers_no_halves_are_marked(tmp_path, drawn, places, whole):
    """A round of training and a half is none."""
    lines(tmp_path / "lines.png", {"rounds": (places, [0.1, 0.2, 0.3])}, **LABELS)
    ticks = axes_of(drawn[0])[0].get_majorticklocs()
    assert all(float(tick).is_integer() for tick in ticks) == whole


def test_lines_are_written_in_the_format_of_their_ending(tmp_path):
    for ending, magic in {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}.items():
        assert lines(tmp_path / f"l.{ending}", SERIES, **LABELS).read_bytes().startswith(magic)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_point_is_a_marker_and_its_band_a_bar(tmp_path, drawn):
    lines(tmp_path / "l.png", SERIES, **LABELS, bands={"noise": ([0.8], [1.0])})
    axes = drawn[0].axes[0]
    assert axes.lines[1].get_marker() not in ("", "None")
    np.testing.assert_array_equal(axes.collections[0].get_segments(), [[[0.1, 0.8], [0.1, 1.0]]])


def test_names_stand_at_the_ends_where_there_is_room(tmp_path, drawn):
    x = [0.0, 1.0]
    lines(tmp_path / "a.png", {"up": (x, [0, 1]), "down": (x, [1, 0.01])}, **LABELS)
    assert beside(drawn[0]) == ["up", "down"] and not above(drawn[0])
    lines(tmp_path / "b.png", SERIES, **LABELS)  # one ends early
    crowd = {f"line {i}": (x, [i, 0]) for i in range(8)}  # all end at one place
    lines(tmp_path / "c.png", crowd, **LABELS)
    lines(tmp_path / "d.png", {"wordy " * 8: (x, x)}, **LABELS)
    for figure, names in zip(drawn[1:], (SERIES, crowd, ["wordy " * 8]), strict=True):
        assert above(figure) == [name.strip() for name in names] and not beside(figure)
    for figure in drawn:
        check_layout(figure)


def test_close_ends_get_names_apart(tmp_path, drawn):
    series = {f"line {i}": ([0.0, 1.0], [i, 0.01 * i]) for i in range(3)}
    labels = {"x_label": "a long label " * 9, "y_label": "another " * 12}
    lines(tmp_path / "l.png", series, **labels, note="A note. " * 40)
    assert beside(drawn[0]) == list(series)
    check_layout(drawn[0])


@pytest.mark.parametrize("count", [8, 15])
def test_many_series_differ_in_color_or_marker(tmp_path, drawn, count):
    x = np.linspace(0, 1, 50)
    names = [f"a network of many layers, trained in some way, number {i}" for i in range(count)]
    lines(tmp_path / "l.png", {name: (x, x) for name in names}, **LABELS)
    looks = {(line.get_color(), line.get_marker()) for line in drawn[0].axes[0].lines}
    assert len(looks) == count and not {"", "None"} & {marker for _, marker in looks}
    check_layout(drawn[0])


def test_names_are_text_and_not_formulas(tmp_path, drawn):
    for x in ([0.0, 1.0], [0.0]):  # at the ends, in a legend
        series = {name: (x, [i] * len(x)) for i, name in enumerate(ODD_NAMES)}
        lines(tmp_path / "l.png", series, x_label="$x", y_label="_^{", note="お $1 $2")
        names = beside(drawn[-1]) or above(drawn[-1])
        assert names[:4] == ["series 1", "$x_1^{$", "_hidden", "a b"]
        assert not any(text.get_parse_math() for text in written(drawn[-1]) if "$x" in str(text))


RANGES = [(2.0, 3.0), (1.0, 60.0), (1e-9, 1e9), (5.0, 5.0), (5.0, 5.0 + 1e-12)]


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_logarithmic_axes_have_numbers(tmp_path, drawn, low, high):
    x = np.geomspace(low, high, 5)
    lines(tmp_path / "l.png", {"a": (x, x)}, **LABELS, log_x=True, log_y=True)
    for axis in axes_of(drawn[0]):
        assert axis.get_scale() == "log"
        start, end = axis.get_view_interval()
        assert 2 <= sum(start <= tick <= end for tick in axis.get_majorticklocs()) <= 12


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (-2.5, "\N{MINUS SIGN}2.5"),
        (20000.0, "20,000"),
        (1e-6, "$10^{-6}$"),
        (2e9, r"$2 \times 10^{9}$"),
    ],
)
def test_numbers_are_short(value, text):
    assert _number(value) == text


def test_shares_are_percent():
    assert [_share(value) for value in (0.0, 0.07, 1.0)] == ["0 %", "7 %", "100 %"]


def test_spread_moves_as_little_as_possible():
    np.testing.assert_allclose(_spread(np.array([5.0, 0.0]), 1.0, 0.0, 9.0), [5.0, 0.0])
    np.testing.assert_allclose(_spread(np.array([4.0, 4.0, 4.0]), 1.0, 0.0, 9.0), [3.0, 4.0, 5.0])
    np.testing.assert_allclose(_spread(np.array([0.0, 0.0, 5.0]), 2.0, 0.0, 9.0), [0.0, 2.0, 5.0])
    np.testing.assert_allclose(_spread(np.array([9.0, 8.9]), 1.0, 0.0, 9.0), [9.0, 8.0])


REFUSED = {
    "none": ({}, {}, "at least one series"),
    "empty": ({"a": ([], [])}, {}, "x of 'a' must be .*not empty"),
    "shapes": ({"a": ([1, 2], [1])}, {}, r"y of 'a' must be \[2\], got \(1,\)"),
    "scalar": ({"a": (1, 2)}, {}, "x of 'a' must be"),
    "nan": ({"a": ([1, 2], [1, np.nan])}, {}, "y of 'a' must be finite numbers, got nan at 1"),
    "inf": ({"b": ([1, np.inf], [1, 1])}, {}, "x of 'b' must be finite numbers, got inf at 1"),
    "log x": ({"a": ([0, 2], [1, 1])}, {"log_x": True}, "x of 'a' must be positive .* got 0"),
    "log y": ({"a": ([1, 2], [1, -1])}, {"log_y": True}, "y of 'a' must be positive .* got -1"),
    "share": ({"a": ([0, 2], [1, 2])}, {"shares": True}, "y of 'a' must be shares"),
    "band": (SERIES, {"bands": {"b": ([1], [1])}}, "must name series, got b"),
    "band shape": (SERIES, {"bands": {"pgd": ([1], [1])}}, r"band of 'pgd' must be \[3\]"),
    "band order": (SERIES, {"bands": {"noise": ([1], [0])}}, "band of 'noise' .* lowest"),
    "band nan": (SERIES, {"bands": {"noise": ([np.nan], [0])}}, "band of 'noise' must be finite"),
    "dashed": (SERIES, {"dashed": ["fgsm"]}, "must name series, got fgsm"),
}


@pytest.mark.parametrize(("series", "options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_lines_refuse_what_would_mislead(series, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        lines(tmp_path / "lines.png", series, **LABELS, **options)
    assert not list(tmp_path.iterdir())
