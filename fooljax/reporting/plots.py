"""Lines over numbers: how something goes with an epsilon, a count, a dimension."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax.reporting.axes import empty_chart, save_chart
from fooljax.reporting.drawing import FAINT, INK
from fooljax.reporting.wording import drawable

# Okabe and Ito's colors, which color-blind people tell apart too, the faintest left out.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = "osD^vPX*"
_FEW_POINTS = 30  # up to so many, each is marked


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

    Args:
        path: the file to write; its ending (png, pdf, svg) sets the format.
        series: by name, places ``x [n]`` and values ``y [n]``; a single point is
            drawn as a marker.
        x_label: what the horizontal axis shows, with its unit.
        y_label: the same for the vertical axis.
        log_x: space the horizontal axis logarithmically.
        log_y: the same for the vertical axis.
        shares: values are shares in [0, 1], shown from 0 to 100 %.
        bands: by name of a series, lowest and highest values ``[n]``.
        dashed: names of series to draw dashed: controls, published values.
        note: a line below the chart.

    Returns:
        The path written.

    Raises:
        ValueError: if there is no series, one is empty, of disagreeing shapes or
            holds NaN or infinities, a share is outside [0, 1], or a logarithmic
            axis has values that are not positive.
    """
    if not series:
        raise ValueError("lines needs at least one series")
    figure, axes = empty_chart(7.2, 4.2)
    bands = bands or {}
    unknown = sorted({*bands, *dashed} - set(series))
    if unknown:
        raise ValueError(f"bands and dashed must name series, got {', '.join(unknown)}")
    for i, (name, (given_x, given_y)) in enumerate(series.items()):
        x = _numbers(given_x, f"x of {name!r}", positive=log_x)
        y = _numbers(given_y, f"y of {name!r}", len(x), positive=log_y, share=shares)
        color, marker = _COLORS[i % len(_COLORS)], _MARKERS[i % len(_MARKERS)]
        axes.plot(
            x,
            y,
            color=color,
            linewidth=1.8,
            linestyle=(0, (5, 2)) if name in dashed else "-",
            marker=marker if len(x) <= _FEW_POINTS else "",
            markersize=4.5 if len(x) > 1 else 8,
            markerfacecolor="white" if name in dashed else color,
            label=drawable(str(name), f"series {i + 1}"),
            clip_on=False,
            zorder=3,
        )
        if name in bands:
            low, high = (
                _numbers(edge, f"band of {name!r}", len(x), positive=log_y, share=shares)
                for edge in bands[name]
            )
            axes.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if log_x:
        axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    if shares:
        axes.set_ylim(0.0, 1.0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.grid(color=FAINT, alpha=0.2, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if len(series) > 1:
        axes.legend(
            loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=9, labelcolor=INK
        )
    else:
        axes.set_title(drawable(str(next(iter(series))), ""), fontsize=10, color=INK)
    if note:
        figure.supxlabel(drawable(note, ""), fontsize=8, color=FAINT)
    return save_chart(figure, path)


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
        raise ValueError(f"{name} must be finite numbers")
    if positive and array.min() <= 0.0:
        raise ValueError(f"{name} must be positive on a logarithmic axis, got {array.min():g}")
    if share and not (array.min() >= 0.0 and array.max() <= 1.0):
        raise ValueError(f"{name} must be shares in [0, 1]")
    return array
