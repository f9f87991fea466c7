"""Confidence over generations: the heat map and the curves."""

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax.reporting.axes import empty_chart, save_chart
from fooljax.reporting.checks import as_generations, as_probabilities, check_count
from fooljax.reporting.drawing import FAINT, INK, shorten
from fooljax.reporting.drawing import font as picture_font
from fooljax.reporting.wording import drawable, drawable_names, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CLIP = 1e-7  # float32 confidences saturate about here
_MEDIAN, _QUARTILES, _LOWEST = "#1d4ed8", "#0d9488", "#c2410c"
_MOST_TIMES = 400  # generations that a picture can tell apart
_MOST_NAMES = 40  # classes whose names still fit beside a heat map


def heatmap(
    path: str | os.PathLike[str],
    confidences: ArrayLike,
    generations: ArrayLike,
    class_names: Sequence[str],
    *,
    sort: bool = False,
    band: tuple[int, int, str] | None = None,
) -> Path:
    """Draw the confidence of every class at every logged generation.

    Classes run from top to bottom and generations from left to right, spaced as
    ``log(1 + generation)`` because most happens early. Colors follow the
    logarithm of the odds, so that 1 %, 50 % and 99.99 % are all told apart. Of
    many generations, some hundreds at even distances on the axis are drawn.

    Args:
        path: the file to write; its ending (png, pdf, svg) sets the format.
        confidences: ``[generations_logged, classes]`` in [0, 1], for instance
            the median over runs.
        generations: ``[generations_logged]``, increasing from 0 or later.
        class_names: one name for each class.
        sort: order the classes by their last confidence, the surest on top.
        band: first and last of some classes to mark, and what they are called.

    Returns:
        The path written.

    Raises:
        ValueError: if shapes disagree, an input is empty, NaN or outside
            [0, 1], ``generations`` do not increase, or ``band`` is given with
            ``sort`` or is not a range of classes.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> rising = np.linspace(0.1, 0.999, 5)[:, None] * np.ones(2)
        >>> reporting.heatmap("heatmap.png", rising, range(5), ["cat", "dog"]).name
        'heatmap.png'
    """
    from matplotlib.colors import Normalize

    values = as_probabilities(confidences, ("generations_logged", "classes"))
    times = as_generations(generations, len(values))
    num_classes = values.shape[1]
    check_count("class_names", class_names, num_classes)
    if band is not None and (sort or not 0 <= band[0] <= band[1] < num_classes):
        raise ValueError(f"band must be a range of unsorted classes, got {band[:2]}")
    drawn = _thinned(times)
    values, times = values[drawn], times[drawn]
    order = np.argsort(-values[-1], kind="stable") if sort else np.arange(num_classes)

    low, high = _limits(values, most=5.0)
    figure, axes = empty_chart(7.2, min(6.0, max(2.6, 1.2 + 0.26 * num_classes)))
    mesh = axes.pcolormesh(
        _edges(_time_place(times)),
        np.arange(num_classes + 1) - 0.5,
        _odds(values[:, order].T),
        norm=Normalize(low, high),
        cmap="viridis",
        rasterized=True,
    )
    axes.set_ylim(num_classes - 0.5, -0.5)
    _mark_generations(axes, times)
    if num_classes <= _MOST_NAMES:
        names = drawable_names(class_names)
        labels = [shorten(names[i], picture_font(12), 150) for i in order]
        axes.set_yticks(range(num_classes), labels, parse_math=False)
        axes.hlines(np.arange(1, num_classes) - 0.5, *axes.get_xlim(), color="white", linewidth=1.5)
    else:
        axes.set_ylabel("rank of the class by final confidence" if sort else "class number")
    if band is not None:
        _mark_band(axes, *band)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    ticks = _odds_ticks(low, high)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=28, extend=_extend(values, high))
    bar.set_ticks(_odds(ticks).tolist(), labels=[percent(tick) for tick in ticks])
    bar.set_label("confidence", color=INK)
    bar.ax.tick_params(colors=INK, labelsize=9)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return save_chart(figure, path)


def curves(
    path: str | os.PathLike[str],
    confidences: ArrayLike,
    generations: ArrayLike,
    *,
    published: Mapping[str, Sequence[tuple[float, float]]] | None = None,
) -> Path:
    """Draw median, quartiles and minimum over classes against the generation.

    Lines are medians over runs; bands reach from the lowest to the highest run.
    The vertical axis spaces confidences by the logarithm of their odds: each
    further nine (99 %, 99.9 %, ...) takes the same step up. Confidences beyond
    99.99999 %, which float32 rounds to 1, are drawn there.

    Args:
        path: the file to write; its ending (png, pdf, svg) sets the format.
        confidences: ``[repeats, generations_logged, classes]`` in [0, 1].
        generations: ``[generations_logged]``, increasing from 0 or later.
        published: values to compare with: by name, points ``(generation,
            confidence)``; several points are joined.

    Returns:
        The path written.

    Raises:
        ValueError: if shapes disagree, an input is empty, NaN or outside
            [0, 1], or ``generations`` do not increase.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> rising = np.linspace(0.1, 0.999, 5)[None, :, None] * np.ones((1, 5, 3))
        >>> reporting.curves("curves.png", rising, range(5)).name
        'curves.png'
    """
    values = as_probabilities(confidences, ("repeats", "generations_logged", "classes"))
    repeats, count, num_classes = values.shape
    times = as_generations(generations, count)
    drawn = _thinned(times)
    values, times, count = values[:, drawn], times[drawn], len(drawn)
    places = _time_place(times)
    figure, axes = empty_chart(7.2, 4.2)
    middle = "median" if num_classes > 1 else "the only class"
    statistics = [(middle, 50.0, _MEDIAN, 2.4, "-")]
    if num_classes > 1:
        statistics += [
            ("quartiles", 75.0, _QUARTILES, 1.4, "-"),
            ("", 25.0, _QUARTILES, 1.4, "-"),
            ("lowest class", 0.0, _LOWEST, 1.6, "--"),
        ]
    marker = "o" if count == 1 else ""
    for name, rank, color, line_width, style in statistics:
        of_runs = np.percentile(values, rank, axis=2)
        line = _odds(np.median(of_runs, axis=0))
        look = {"color": color, "linewidth": line_width, "linestyle": style, "marker": marker}
        axes.plot(places, line, label=name or None, **look)  # type: ignore[arg-type]
        if repeats > 1:
            band = _odds(of_runs.min(axis=0)), _odds(of_runs.max(axis=0))
            axes.fill_between(places, *band, color=color, alpha=0.14, linewidth=0)
    shown = [np.percentile(values, [0.0, 75.0], axis=2).ravel()]
    for (name, points), mark in zip((published or {}).items(), itertools.cycle("DsoX^v")):
        when = as_generations([point[0] for point in points], len(points))
        known = as_probabilities([point[1] for point in points], ("points",), f"{name!r}")
        shown.append(known)
        label = drawable(name, "published")
        axes.plot(
            *(_time_place(when), _odds(known)),
            linestyle=(0, (5, 2)),
            color=INK,
            marker=mark,
            markersize=5,
            linewidth=1.2,
            label=label,
        )
    low, high = _limits(np.concatenate(shown), most=7.0)
    if high - low > 3:
        low, high = min(low, np.floor(low + 0.3)), max(high, np.ceil(high - 0.3))
    axes.set_ylim(low - 0.15, high + 0.15)
    ticks = _odds_ticks(low - 0.15, high + 0.15)
    axes.set_yticks(_odds(ticks).tolist(), [percent(tick) for tick in ticks])
    axes.set_ylabel("confidence")
    _mark_generations(axes, times)
    axes.grid(color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    legend = figure.legend(
        loc="outside upper left",
        ncols=min(4, len(axes.get_legend_handles_labels()[0])),
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        title=f"Lines: median of {repeats} runs. Bands: lowest to highest run." * (repeats > 1),
        title_fontsize=9,
        alignment="left",
    )
    legend.get_title().set_color(FAINT)
    return save_chart(figure, path)


def _odds(confidence: ArrayLike) -> NDArray[np.float64]:
    """Base-10 logarithm of the odds: 0 at 50 %, 2 at 99 %, 4 at 99.99 %."""
    clipped = np.clip(np.asarray(confidence, dtype=np.float64), _CLIP, 1 - _CLIP)
    return np.log10(clipped) - np.log10(1 - clipped)


def _limits(confidence: NDArray[np.float64], most: float) -> tuple[float, float]:
    """Range of log-odds worth drawing, from at most -``most`` to ``most``."""
    odds = _odds(confidence)
    low, high = max(-most, float(odds.min())), min(most, float(odds.max()))
    return (low, high) if high - low > 0.5 else (low - 0.25, high + 0.25)


def _odds_ticks(low: float, high: float) -> list[float]:
    """Round percentages whose log-odds lie between ``low`` and ``high``."""
    nines = [10.0**-n for n in range(1, 8)]
    candidates = [*reversed(nines), 0.5, *(1 - nine for nine in nines)]
    if high - low < 3:
        candidates += [0.02, 0.05, 0.2, 0.3, 0.7, 0.8, 0.95, 0.98]
    return sorted(tick for tick in candidates if low - 1e-3 <= float(_odds(tick)) <= high + 1e-3)


def _extend(values: NDArray[np.float64], high: float) -> str:
    """Whether the color bar needs an arrow for values beyond its ends."""
    odds = _odds(values)
    above, below = bool(odds.max() > high + 1e-3), bool(odds.min() < -5.0 - 1e-3)
    return {(0, 0): "neither", (1, 0): "max", (0, 1): "min", (1, 1): "both"}[above, below]


def _time_place(generations: ArrayLike) -> NDArray[np.float64]:
    """Where a generation stands on the horizontal axis."""
    return np.log10(1 + np.asarray(generations, dtype=np.float64))


def _thinned(times: NDArray[np.float64]) -> NDArray[np.intp]:
    """Choose which generations to draw: all of a few, evenly spaced ones of many."""
    if len(times) <= _MOST_TIMES:
        return np.arange(len(times))
    places = _time_place(times)
    wanted = np.linspace(places[0], places[-1], _MOST_TIMES)
    return np.unique(np.searchsorted(places + 1e-9, wanted))


def _mark_band(axes: "Axes", first: int, last: int, name: str) -> None:
    """Draw lines around some classes, and their name between the lines."""
    for edge in (first - 0.5, last + 0.5):
        axes.axhline(edge, color="white", linewidth=1.6)
        axes.axhline(edge, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
    axes.annotate(
        f"{drawable(name, 'marked')} ({first}\N{EN DASH}{last})",
        xy=(0.015, (first + last) / 2),
        xycoords=("axes fraction", "data"),
        va="center",
        color=INK,
        fontsize=9,
        parse_math=False,
        bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
    )


def _edges(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders of the columns around ``places``, halfway between neighbors."""
    if len(places) == 1:
        return np.array([places[0] - 0.1, places[0] + 0.1])
    return np.concatenate([places[:1], (places[1:] + places[:-1]) / 2, places[-1:]])


def _mark_generations(axes: "Axes", generations: NDArray[np.float64]) -> None:
    """Label the horizontal axis with round generations."""
    last = float(generations[-1])
    decades = [10.0**n * digit for n in range(12) for digit in (1, 2, 5)]
    if last > 3000:
        decades = [10.0**n for n in range(12)]
    ticks = [tick for tick in [0.0, *decades] if generations[0] <= tick <= last] or [last]
    axes.set_xticks(_time_place(ticks).tolist(), [f"{tick:,.0f}" for tick in ticks])
    axes.set_xlabel("generation")
