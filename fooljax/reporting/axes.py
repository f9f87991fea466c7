"""The empty chart that every matplotlib picture starts from, and its file."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from fooljax import interrupts
from fooljax.reporting.drawing import FAINT, INK, font, wrap, write
from fooljax.reporting.wording import glyphs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PIXELS = 96  # an inch, where letters of size 9 are those of ``font(12)``


def empty_chart(width: float, height: float) -> tuple["Figure", "Axes"]:
    """An empty chart of ``width x height`` inches, outside pyplot's global list."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=200, layout="constrained", facecolor="white")
    axes = figure.add_subplot(facecolor="white")
    axes.tick_params(colors=INK, labelsize=9)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.spines[:].set_color(FAINT)
    return figure, axes


def fit_label(text: str, inches: float) -> str:
    """An axis label in lines of at most ``inches``, as the font can draw it."""
    return "\n".join(wrap(glyphs(text), font(13), inches * PIXELS))


def save_chart(figure: "Figure", path: str | os.PathLike[str], *, crop: bool = False) -> Path:
    """Write a chart all at once, in the format of the path's ending.

    Args:
        figure: what to write.
        path: the file; without an ending it becomes a PNG.
        crop: let the picture end a little outside what is drawn, rather than at
            the figure's size.

    Returns:
        The path written.
    """
    interrupts.check()
    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format=Path(path).suffix[1:] or "png",
        bbox_inches="tight" if crop else None,
        pad_inches=0.1,
    )
    return write(path, buffer.getvalue())
