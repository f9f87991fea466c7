"""The lineage: how the ancestors of one champion wandered from class to class."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from fooljax.reporting.checks import as_generations, as_images, as_probabilities, check_count
from fooljax.reporting.drawing import (
    ACCENT,
    FAINT,
    INK,
    MARGIN,
    font,
    font_sizes,
    largest_font,
    magnification,
    magnify,
    paste_framed,
    save,
    shorten,
)
from fooljax.reporting.wording import certainty, code_points, drawable

_ARROW = 46  # width of the space between two ancestors


def lineage(
    path: str | os.PathLike[str],
    images: ArrayLike,
    generations: ArrayLike,
    confidences: ArrayLike,
    niche_names: Sequence[str],
    *,
    columns: int = 8,
    max_ancestors: int = 16,
) -> Path:
    """Draw the ancestors of one champion, the oldest first, the champion last.

    Above every image stands the class it was a champion of, in color where the
    lineage has moved to another class; below, when it was born and how sure the
    network was. Of more than ``max_ancestors`` the oldest, the champion and
    evenly spaced ones in between are shown, and a line in the picture says so.

    Args:
        path: the PNG file to write.
        images: ``[ancestors, h, w, c]`` in [0, 1], ``c`` 1 or 3, oldest first.
        generations: ``[ancestors]``, when each was born; not decreasing.
        confidences: ``[ancestors]`` in [0, 1], each in its own class.
        niche_names: for each ancestor, the name of its class.
        columns: most images side by side.
        max_ancestors: most images in the picture, at least 2.

    Returns:
        The path written.

    Raises:
        ValueError: if shapes disagree, an input is empty, NaN or outside
            [0, 1], ``generations`` decrease, ``columns`` is less than 1
            or ``max_ancestors`` less than 2.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> images = np.random.default_rng(0).random((2, 8, 8, 1))
        >>> reporting.lineage("line.png", images, [0, 9], [0.2, 0.9], ["cat", "dog"]).name
        'line.png'
    """
    pixels = as_images(images, ("ancestors", "h", "w", "c"))
    certain = as_probabilities(confidences, ("ancestors",))
    count, height, width, _ = pixels.shape
    born = as_generations(generations, count, strictly=False)
    check_count("confidences", certain, count)  # type: ignore[arg-type]
    check_count("niche_names", niche_names, count)
    if columns < 1 or max_ancestors < 2:
        raise ValueError(f"need columns >= 1 and max_ancestors >= 2, got {columns, max_ancestors}")

    shown = np.rint(np.linspace(0, count - 1, min(count, max_ancestors))).astype(int)
    columns = min(columns, len(shown))
    names = [drawable(str(name), code_points(str(name))) for name in niche_names]
    moved = [a > 0 and niche_names[i] != niche_names[shown[a - 1]] for a, i in enumerate(shown)]
    note = " ".join(
        part
        for part, wanted in (
            (f"Shown: {len(shown)} of {count} ancestors, evenly spaced.", len(shown) < count),
            ("Colored names: the lineage moved to another class.", any(moved)),
        )
        if wanted
    )

    factor = magnification(height, width)
    cell_width, cell_height = width * factor, height * factor
    labels = [certainty(certain[i]) for i in shown]
    ages = [f"generation {born[i]:.0f}" for i in shown]
    name_font = largest_font((names[i] for i in shown), cell_width, font_sizes(15, 18, cell_width))
    label_font = largest_font(labels + ages, cell_width, font_sizes(11, 15, cell_width))
    above = name_font.size + 14
    row_height = above + cell_height + 2 * (label_font.size + 7) + 26
    rows = -(-len(shown) // columns)
    size = (
        max(
            2 * MARGIN + columns * (cell_width + _ARROW) - (_ARROW if rows == 1 else 0),
            2 * MARGIN + round(font(15).getlength(note)),
        ),
        MARGIN + rows * row_height + (22 if note else 0),
    )
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    for a, i in enumerate(shown):
        x = MARGIN + (a % columns) * (cell_width + _ARROW)
        y = MARGIN + (a // columns) * row_height + above
        middle = x + cell_width / 2
        name = shorten(names[i], name_font, cell_width + MARGIN)
        color = ACCENT if moved[a] else INK
        draw.text((middle, y - 10), name, color, name_font, anchor="ms")
        paste_framed(canvas, magnify(pixels[i], factor), (x, y))
        below = y + cell_height + 8
        draw.text((middle, below), labels[a], INK, label_font, anchor="ma")
        draw.text((middle, below + label_font.size + 6), ages[a], FAINT, label_font, anchor="ma")
        if a + 1 < len(shown):
            _arrow(draw, x + cell_width + 9, y + cell_height / 2, _ARROW - 18)
    draw.text((MARGIN, size[1] - MARGIN), note, FAINT, font(15), anchor="ls")
    return save(canvas, path)


def _arrow(draw: ImageDraw.ImageDraw, x: float, y: float, length: float) -> None:
    """Draw an arrow from ``(x, y)`` to the right."""
    tip, head = x + length, 9
    draw.line((x, y, tip - head, y), fill=FAINT, width=3)
    draw.polygon([(tip, y), (tip - head - 2, y - head + 2), (tip - head - 2, y + head - 2)], FAINT)
