"""Lines over numbers: how something goes with an epsilon, a count, a dimension."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax.reporting.axes import PIXELS, empty_chart, fit_label, save_chart
from fooljax.reporting.drawing import FAINT, INK, font, shorten
from fooljax.reporting.wording import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Okabe and Ito's colors, which color-blind people tell apart too, the faintest left out.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = "osD^vPX*"
_FEW_POINTS = 30  # up to so many, each is marked
_FEW_SERIES = 4  # up to so many, color alone tells them apart
_WIDTH, _HEIGHT, _LINE = 7.2, 4.2, 0.19  # inches: the chart, a line of text
_MOST_AT_ENDS, _LINE_END_NAME = 10, 170  # names beside the chart, and pixels for each
_LABEL_PITCH, _MOST_SHIFT = 12.0, 24.0  # points between names beside the chart; off the line's end


def lines(
    path: str | os.PathLike[str],
    series: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
    shares: bool = False,
    bands: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    dashed: Collection[str] = (),
    note: str | None = None,
) -> Path:
    """Draw lines, their uncertainty as shaded bands.

    Names stand at the lines' right ends where all lines end there and the names
    fit, otherwise in a legend above the chart. All texts are taken as they are;
    dollar signs do not start formulas.

    Args:
        path: the file to write; its ending (png, pdf, svg) sets the format.
        series: by name, places ``x [n]`` and values ``y [n]``, joined in the
            order given; a single point is drawn as a marker.
        x_label: what the horizontal axis shows, with its unit.
        y_label: the same for the vertical axis.
        log_x: space the horizontal axis logarithmically.
        log_y: the same for the vertical axis.
        shares: values are shares in [0, 1], shown from 0 to 100 %.
        bands: by name of a series, lowest and highest values ``[n]``.
        dashed: names of series to draw dashed: controls, published values.
        note: how to read the chart, below it.

    Returns:
        The path written.

    Raises:
        ValueError: if there is no series, one is empty, of disagreeing shapes or
            holds NaN or infinities, a share is outside [0, 1], a logarithmic
            axis has values that are not positive, a band's lowest values are
            above its highest, or ``bands`` or ``dashed`` name no series.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> series = {"PGD": ([0.0, 0.1, 0.2], [0.99, 0.4, 0.0])}
        >>> reporting.lines("lines.png", series, x_label="epsilon", y_label="accuracy").name
        'lines.png'
    """
    from matplotlib.ticker import MaxNLocator

    if not series:
        raise ValueError("lines needs at least one series")
    bands = bands or {}
    unknown = sorted({*bands, *dashed} - set(series))
    if unknown:
        raise ValueError(f"bands and dashed must name series, got {', '.join(unknown)}")
    below = fit_label(x_label, 0.8 * _WIDTH)
    comment = fit_label(note or "", 0.96 * _WIDTH)  # its letters are smaller than a label's
    more_lines = below.count("\n") + comment.count("\n")
    figure, axes = empty_chart(_WIDTH, _HEIGHT + _LINE * more_lines)
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    drawn = []
    for i, (name, (given_x, given_y)) in enumerate(series.items()):
        x = _numbers(given_x, f"x of {name!r}", positive=log_x)
        y = _numbers(given_y, f"y of {name!r}", len(x), positive=log_y, share=shares)
        look = _look(i, len(x), len(series), name in dashed)
        drawn += axes.plot(x, y, **look)
        if name in bands:
            low, high = (
                _numbers(edge, f"band of {name!r}", len(x), positive=log_y, share=shares)
                for edge in bands[name]
            )
            if np.any(low > high):
                raise ValueError(f"band of {name!r} must have its lowest values first")
            if len(x) > 1:
                axes.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0)
            else:
                axes.vlines(x, low, high, color=look["color"], linewidth=1.5)
    axes.margins(x=0.02)
    axes.set_xlabel(below, parse_math=False)
    axes.set_ylabel(fit_label(y_label, 0.7 * _HEIGHT), parse_math=False)
    for wanted, (low, high), limit, scale in (
        (log_x, axes.dataLim.intervalx, axes.set_xlim, axes.set_xscale),
        (log_y, axes.dataLim.intervaly, axes.set_ylim, axes.set_yscale),
    ):
        if wanted:
            if high < (1 + 1e-6) * low:  # all but equal: matplotlib finds no range
                limit(low / 2, 2 * high)
            scale("log")
    if shares:
        axes.set_ylim(None if log_y else 0.0, 1.0)
    if not log_x and all(np.all(np.mod(line.get_xdata(), 1.0) == 0.0) for line in drawn):
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))  # no half a round
    _mark(axes.xaxis, _number)
    _mark(axes.yaxis, _share if shares else _number)
    axes.grid(color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if comment:
        figure.supxlabel(comment, x=0.015, ha="left", fontsize=9, color=FAINT, parse_math=False)
    names = [drawable(str(name), f"series {i + 1}") for i, name in enumerate(series)]
    if not _name_at_ends(figure, axes, drawn, names):
        _name_above(figure, drawn, names)
    return save_chart(figure, path)


def _look(place: int, points: int, count: int, dashed: bool) -> dict[str, Any]:
    """How the line at ``place`` of ``count`` lines is drawn."""
    color = _COLORS[place % len(_COLORS)]
    sparse = max(1, points // 8)
    marked = points <= _FEW_POINTS or count > _FEW_SERIES
    return {
        "color": color,
        "linewidth": 1.8,
        "linestyle": (0, (5, 2)) if dashed else "-",
        "marker": _MARKERS[place % len(_MARKERS)] if marked else "",
        "markersize": 4.5 if points > 1 else 8,
        "markerfacecolor": "white" if dashed else color,
        "markevery": 1 if points <= _FEW_POINTS else (place * sparse // count, sparse),
        "clip_on": False,
        "zorder": 3,
    }


def _name_at_ends(
    figure: "Figure", axes: "Axes", drawn: Sequence["Line2D"], names: Sequence[str]
) -> bool:
    """Name each line at its right end; False, and nothing done, for want of room."""
    from matplotlib.colors import to_rgb

    figure.draw_without_rendering()  # lays out, so that places are known
    box, point = axes.get_window_extent(), figure.dpi / 72
    data = [np.asarray(line.get_xydata()) for line in drawn]
    last = np.array([points[np.argmax(points[:, 0])] for points in data])
    ends = axes.transData.transform(last)
    labels = _spread(ends[:, 1], _LABEL_PITCH * point, box.y0, box.y1)
    if (
        len(names) > _MOST_AT_ENDS
        or ends[:, 0].min() < box.x1 - 0.05 * box.width
        or max(font(12).getlength(name) for name in names) > _LINE_END_NAME
        or np.abs(labels - ends[:, 1]).max() > _MOST_SHIFT * point
    ):
        return False
    for i, name in enumerate(names):
        color = tuple(0.75 * part for part in to_rgb(drawn[i].get_color()))
        leader = {"arrowstyle": "-", "color": color, "linewidth": 0.7, "relpos": (0.0, 0.5)}
        moved = abs(labels[i] - ends[i, 1]) > 3 * point
        axes.annotate(
            name,
            xy=tuple(last[i]),
            xytext=(1.015, (labels[i] - box.y0) / box.height),
            textcoords="axes fraction",
            arrowprops={**leader, "shrinkA": 1, "shrinkB": 4} if moved else None,
            color=color,
            fontsize=9,
            va="center",
            annotation_clip=False,
            parse_math=False,
        )
    return True


def _name_above(figure: "Figure", drawn: Sequence["Line2D"], names: Sequence[str]) -> None:
    """Name the lines in a legend, as many side by side as fit."""
    room = 0.94 * _WIDTH * PIXELS
    names = [shorten(name, font(12), room - 60) for name in names]
    widest = max(font(12).getlength(name) for name in names) + 60
    columns = max(1, min(4, len(names), int(room / widest)))
    more_rows = max(0, -(-len(names) // columns) - 3)
    figure.set_size_inches(_WIDTH, figure.get_figheight() + _LINE * more_rows)
    legend = figure.legend(
        drawn,
        [f"{i}" for i in range(len(names))],  # the names would be searched for formulas
        loc="outside upper left",
        ncols=columns,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        handlelength=2.6,
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(name)


def _spread(
    places: NDArray[np.float64], pitch: float, low: float, high: float
) -> NDArray[np.float64]:
    """Move places apart to at least ``pitch``, as little as possible (least squares).

    Those between ``low`` and ``high`` stay there, if there is room.
    """
    order = np.argsort(places, kind="stable")
    steps = pitch * np.arange(len(places))
    wanted = places[order] - steps  # to become non-decreasing
    fitted = [
        max(min(wanted[a : b + 1].mean() for b in range(i, len(places))) for a in range(i + 1))
        for i in range(len(places))
    ]
    spread = np.empty_like(places)
    spread[order] = np.clip(fitted, low, max(low, high - steps[-1])) + steps
    return spread


def _mark(axis: "Axis", write: Any) -> None:
    """Choose ticks for the range of an axis and write their numbers."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    low, high = axis.get_view_interval()
    if axis.get_scale() == "log":
        decades = np.log10(high / low)
        if decades < 0.8:
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        else:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2.5 else (1,)))
        axis.set_minor_formatter(NullFormatter())
    smallest = 1e-9 * (high - low) if axis.get_scale() == "linear" else 0.0
    axis.set_major_formatter(lambda value, _: write(value if abs(value) > smallest else 0.0))


def _share(value: float) -> str:
    return f"{_number(100 * value)} %"


def _number(value: float) -> str:
    """A number in as few characters as possible."""
    if value and not 1e-4 <= abs(value) < 1e7:
        factor, exponent = f"{value:.3e}".split("e")
        front = "" if float(factor) == 1 else rf"{float(factor):g} \times "
        return f"${front}10^{{{int(exponent)}}}$"
    return f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")


def _numbers(
    values: ArrayLike,
    name: str,
    count: int | None = None,
    *,
    positive: bool = False,
    share: bool = False,
) -> NDArray[np.float64]:
    """Return finite numbers ``[n]``, or say what is wrong with them."""
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or array.size == 0 or (count is not None and len(array) != count):
        wanted = "[n], not empty" if count is None else f"[{count}]"
        raise ValueError(f"{name} must be {wanted}, got {array.shape}")
    if not np.all(np.isfinite(array)):
        first = int(np.argmin(np.isfinite(array)))
        raise ValueError(f"{name} must be finite numbers, got {array[first]} at {first}")
    if positive and array.min() <= 0.0:
        raise ValueError(f"{name} must be positive on a logarithmic axis, got {array.min():g}")
    if share and not (array.min() >= 0.0 and array.max() <= 1.0):
        raise ValueError(f"{name} must be shares in [0, 1], got {array.min():g} to {array.max():g}")
    return array
