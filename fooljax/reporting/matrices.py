"""Tables as pictures: every cell a number and a color."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax.reporting.axes import PIXELS, empty_chart, fit_label, save_chart
from fooljax.reporting.checks import as_numbers, check_count
from fooljax.reporting.drawing import FAINT, INK, font, shorten, two_lines
from fooljax.reporting.wording import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAME_WIDTH = 190  # most pixels for a name
_MOST_NUMBERS = 30  # rows or columns whose cells still hold numbers
_MOST_NAMES = 100  # rows or columns whose names still fit beside the cells
_LARGEST = 12.0  # inches for all rows or all columns of a table without numbers


def matrix(
    path: str | os.PathLike[str],
    values: ArrayLike,
    row_names: Sequence[str],
    column_names: Sequence[str],
    *,
    label: str,
    row_label: str = "",
    column_label: str = "",
    shares: bool = True,
    intervals: ArrayLike | None = None,
) -> Path:
    """Draw a table with a number in every cell and colors to see its pattern.

    For instance how often images made for one network (rows) fool another
    (columns). Shares are rounded to whole percents, but only 0 is ``0 %`` and
    only 1 is ``100 %``. Tables of more than 30 rows or columns are drawn without
    numbers, and without the names of more than 100.

    Args:
        path: the file to write; its ending (png, pdf, svg) sets the format.
        values: ``[r, c]``; NaN where nothing was measured.
        row_names: one name for each row.
        column_names: one name for each column.
        label: what the numbers are.
        row_label: what the rows are.
        column_label: what the columns are.
        shares: numbers are shares in [0, 1], shown as percentages.
        intervals: ``[r, c]``, how far each number may be off, in its unit; shown
            below it unless NaN.

    Returns:
        The path written.

    Raises:
        ValueError: if shapes disagree, ``values`` is empty or infinite, a share
            is outside [0, 1], or an interval is negative or infinite.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> names = ["lenet", "mlp"]
        >>> reporting.matrix("matrix.png", np.eye(2), names, names, label="share fooled").name
        'matrix.png'
    """
    table = as_numbers(values, "values").astype(np.float64)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"values must be [r, c], not empty, got {table.shape}")
    known = table[~np.isnan(table)]
    if np.any(np.isinf(known)):
        raise ValueError("values must be finite, or NaN where nothing was measured")
    if shares and np.any((known < 0.0) | (known > 1.0)):
        raise ValueError(f"values must be shares in [0, 1], got {known.min():g} to {known.max():g}")
    check_count("row_names", row_names, table.shape[0])
    check_count("column_names", column_names, table.shape[1])
    given = np.full(table.shape, np.nan) if intervals is None else intervals
    doubts = np.asarray(given, np.float64)
    if doubts.shape != table.shape:
        raise ValueError(f"intervals must be {table.shape}, got {doubts.shape}")
    if np.any(np.isinf(doubts) | (doubts < 0.0)):
        raise ValueError("intervals must be finite and at least 0, or NaN")

    texts = [[_value(value, shares) for value in row] for row in table]
    numbered = max(table.shape) <= _MOST_NUMBERS
    size = 9 if max(table.shape) <= 12 else 7.5
    cell_width, cell_height = _cell(texts, size, bool(np.all(np.isnan(doubts))))
    width, height = cell_width * table.shape[1], cell_height * table.shape[0]
    figure, axes = empty_chart(width, height)  # the cells fill it, all else is outside
    figure.set_layout_engine("none")
    axes.set_position((0.0, 0.0, 1.0, 1.0))
    low, high = (0.0, 1.0) if shares else _range(known)
    mesh = axes.pcolormesh(
        np.arange(table.shape[1] + 1) - 0.5,
        np.arange(table.shape[0] + 1) - 0.5,
        np.ma.masked_invalid(table),
        cmap="viridis",
        vmin=low,
        vmax=high,
        rasterized=not numbered,
        edgecolors="white" if numbered else "none",
        linewidth=1.5 if numbered else 0.0,
    )
    axes.set_ylim(table.shape[0] - 0.5, -0.5)
    for row, column in np.ndindex(*table.shape if numbered else (0, 0)):
        value, doubt = float(table[row, column]), float(doubts[row, column])
        color = FAINT if np.isnan(value) else _ink(mesh.to_rgba(table[row, [column]])[0])
        certain = np.isnan(value) or np.isnan(doubt)
        place: dict[str, Any] = {"ha": "center", "va": "center_baseline", "color": color}
        axes.text(
            column, row - (0 if certain else 0.15), texts[row][column], fontsize=size, **place
        )
        if not certain:
            axes.text(column, row + 0.23, _doubt(doubt, shares), fontsize=0.75 * size, **place)
    _name_cells(axes, row_names, column_names, cell_width)
    axes.set_ylabel(fit_label(row_label, max(1.0, height)), labelpad=8, parse_math=False)
    axes.set_xlabel(fit_label(column_label, max(1.0, width)), labelpad=8, parse_math=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar_height = max(1.0, 1.3 / height)  # of the cells' height
    beside = axes.inset_axes((1 + 0.16 / width, 1 - bar_height, 0.14 / width, bar_height))
    bar = figure.colorbar(mesh, cax=beside)
    if shares:
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    bar.set_label(fit_label(label, bar_height * height), color=INK, parse_math=False)
    bar.ax.tick_params(colors=INK, labelsize=9)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return save_chart(figure, path, crop=True)


def _cell(texts: Sequence[Sequence[str]], size: float, certain: bool) -> tuple[float, float]:
    """Width and height of a cell in inches, so that its texts fit."""
    rows, columns = len(texts), len(texts[0])
    if max(rows, columns) > _MOST_NUMBERS:
        fit = lambda count: max(min(0.15, _LARGEST / count), 1.5 / count)
        return fit(columns), fit(rows)
    scale = 1.3 if max(rows, columns) <= 5 else size / 9
    widest = max(font(12).getlength(text) for row in texts for text in row) * size / 9
    return max(0.58 * scale, widest / PIXELS + 0.16), (0.36 if certain else 0.46) * scale


def _name_cells(
    axes: "Axes", row_names: Sequence[str], column_names: Sequence[str], cell_width: float
) -> None:
    """Write names beside the rows and above the columns, turned where they are long."""
    rows, columns = _names(row_names, "row"), _names(column_names, "column")
    room = cell_width * PIXELS - 6
    broken = [two_lines(name, font(12), room) for name in columns]
    turned: dict[str, Any] = {}
    if [name.replace("\n", " ") for name in broken] == columns:
        columns = broken
    else:
        steep = 90 if cell_width < 0.3 else 40
        turned = {"rotation": steep, "ha": "left", "rotation_mode": "anchor"}
        turned["va"] = "center" if steep == 90 else "bottom"
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    size = 9 if max(len(rows), len(columns)) <= _MOST_NUMBERS else 7
    named = lambda names: names if len(names) <= _MOST_NAMES else []
    places = lambda names: range(len(named(names)))
    axes.set_xticks(places(columns), named(columns), fontsize=size, parse_math=False, **turned)
    axes.set_yticks(places(rows), named(rows), fontsize=size, parse_math=False)


def _names(names: Sequence[str], kind: str) -> list[str]:
    return [
        shorten(drawable(str(name), f"{kind} {i + 1}"), font(12), _NAME_WIDTH)
        for i, name in enumerate(names)
    ]


def _value(value: float, shares: bool) -> str:
    """What stands in a cell."""
    if np.isnan(value):
        return "\N{EN DASH}"
    if not shares:
        return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
    text = f"{100 * value:.0f} %"
    if text == "0 %" and value > 0.0:
        return "<1 %"
    return ">99 %" if text == "100 %" and value < 1.0 else text


def _doubt(doubt: float, shares: bool) -> str:
    """What stands below it; small ones keep a digit."""
    if not shares:
        return f"± {doubt:.2g}"
    return f"± {100 * doubt:.0f}" if doubt >= 0.0095 else f"± {100 * doubt:.1g}"


def _ink(color: NDArray[np.float64]) -> str:
    """Black or white, whichever stands out more from a color (WCAG 2.1 contrast)."""
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    luminance = linear[:3] @ np.array([0.2126, 0.7152, 0.0722])
    return "black" if luminance > 0.179 else "white"


def _range(known: NDArray[np.float64]) -> tuple[float, float]:
    """The range of the colors; never empty."""
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
