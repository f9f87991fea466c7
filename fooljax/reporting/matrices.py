"""Tables as pictures: every cell a number and a color."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fooljax.reporting.axes import empty_chart, save_chart
from fooljax.reporting.checks import check_count
from fooljax.reporting.drawing import FAINT, INK, font, shorten
from fooljax.reporting.wording import drawable

_NAME_WIDTH = 170  # pixels at size 12


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
    (columns).

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
        ValueError: if shapes disagree, ``values`` is empty or infinite, or a
            share is outside [0, 1].
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"values must be [r, c], not empty, got {table.shape}")
    known = table[~np.isnan(table)]
    if np.any(np.isinf(known)):
        raise ValueError("values must be finite, or NaN where nothing was measured")
    if shares and np.any((known < 0.0) | (known > 1.0)):
        raise ValueError("values must be shares in [0, 1]")
    rows, columns = table.shape
    check_count("row_names", row_names, rows)
    check_count("column_names", column_names, columns)
    doubts = np.full(table.shape, np.nan) if intervals is None else np.asarray(intervals)
    if doubts.shape != table.shape:
        raise ValueError(f"intervals must be {table.shape}, got {doubts.shape}")

    low, high = (0.0, 1.0) if shares else _range(known)
    figure, axes = empty_chart(3.0 + 0.78 * columns, 1.9 + 0.52 * rows)
    mesh = axes.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        np.ma.masked_invalid(table),
        cmap="viridis",
        vmin=low,
        vmax=high,
        edgecolors="white",
        linewidth=1.5,
    )
    axes.set_ylim(rows - 0.5, -0.5)
    for row, column in np.ndindex(rows, columns):
        value, doubt = table[row, column], doubts[row, column]
        bright = not np.isnan(value) and (value - low) / (high - low) > 0.6
        color = FAINT if np.isnan(value) else "black" if bright else "white"
        show = lambda number: f"{100 * number:.0f} %" if shares else f"{number:.3g}"
        text = "-" if np.isnan(value) else show(value)
        has_doubt = not np.isnan(value) and not np.isnan(doubt)
        place: dict[str, Any] = {"ha": "center", "va": "center", "color": color}
        axes.text(column, row - (0.12 if has_doubt else 0.0), text, fontsize=9, **place)
        if has_doubt:
            doubt_text = f"± {100 * doubt:.0f}" if shares else f"± {doubt:.2g}"
            axes.text(column, row + 0.24, doubt_text, fontsize=6.5, **place)
    long = max(len(str(name)) for name in column_names) > 9
    axes.set_xticks(
        range(columns),
        _names(column_names, "column"),
        rotation=35 if long else 0,
        ha="right" if long else "center",
        rotation_mode="anchor" if long else "default",
        parse_math=False,
    )
    axes.set_yticks(range(rows), _names(row_names, "row"), parse_math=False)
    axes.set_xlabel(column_label)
    axes.set_ylabel(row_label)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar = figure.colorbar(mesh, ax=axes, pad=0.03, aspect=20)
    if shares:
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    bar.set_label(label, color=INK)
    bar.ax.tick_params(colors=INK, labelsize=9)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return save_chart(figure, path, crop=True)


def _names(names: Sequence[str], kind: str) -> list[str]:
    return [
        shorten(drawable(str(name), f"{kind} {i + 1}"), font(12), _NAME_WIDTH)
        for i, name in enumerate(names)
    ]


def _range(known: np.ndarray) -> tuple[float, float]:
    """The range of the colors; never empty."""
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
