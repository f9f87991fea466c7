"""Numbers with intervals along one axis, a line for each: what is how large beside what."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fooljax.reporting.axes import empty_chart, fit_label, save_chart
from fooljax.reporting.drawing import FAINT, INK, font, shorten
from fooljax.reporting.wording import drawable

_WIDTH, _LINE, _REST = 7.2, 0.26, 1.1  # inches: the picture, a name's line, the axis
_NAME = 190  # pixels for a name
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # Okabe and Ito's


def ruler(
    path: str | os.PathLike[str],
    groups: Mapping[str, Mapping[str, tuple[float, float, float]]],
    *,
    x_label: str,
) -> Path:
    """Draw a dot for each number, with its interval, from the top down in the order given.

    Args:
        path: the file to write; its ending (png, pdf, svg) sets the format.
        groups: by what they have in common, which is one color: numbers by name, each with
            the lower and upper end of its interval, NaN where there is none.
        x_label: what the numbers are, with their unit.

    Returns:
        The path written.

    Raises:
        ValueError: if there is no number, or one is NaN or infinite.

    Example:
        >>> from fooljax import reporting
        >>> groups = {"attacks": {"pgd": (0.4, 0.3, 0.5), "fgsm": (0.2, 0.1, 0.3)}}
        >>> reporting.ruler("ruler.png", groups, x_label="share fooled").name
        'ruler.png'
    """
    rows = [(name, *mark) for marks in groups.values() for name, mark in marks.items()]
    if not rows:
        raise ValueError("ruler needs at least one number")
    if not np.isfinite([row[1] for row in rows]).all():
        raise ValueError("the numbers of a ruler must be finite")
    figure, axes = empty_chart(_WIDTH, _REST + _LINE * (len(rows) + 1))
    place = 0
    for i, (group, marks) in enumerate(groups.items()):
        values = np.array(list(marks.values()), float).reshape(-1, 3)
        places, color = place + np.arange(len(values)), _COLORS[i % len(_COLORS)]
        ends = np.where(np.isnan(values[:, 1:]), values[:, :1], values[:, 1:])
        axes.hlines(places, *ends.T, color=color, linewidth=2.2)
        words = drawable(group, f"group {i + 1}").replace("$", r"\$")
        axes.plot(values[:, 0], places, "o", color=color, label=words)
        place += len(values)
    names = [
        shorten(drawable(row[0], f"line {i + 1}"), font(12), _NAME) for i, row in enumerate(rows)
    ]
    axes.set_yticks(range(len(rows)), names, parse_math=False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(fit_label(x_label, 0.8 * _WIDTH), parse_math=False)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "\N{MINUS SIGN}"))
    axes.grid(axis="x", color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.legend(
        loc="outside upper left", fontsize=9, frameon=False, labelcolor=INK, ncols=len(groups)
    )
    axes.spines["bottom"].set_color(FAINT)
    return save_chart(figure, path)
