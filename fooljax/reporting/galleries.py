"""The gallery: one picture for every class and run (Figs. 4 and 5 of the paper)."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from fooljax.reporting.checks import as_images, as_probabilities, check_count
from fooljax.reporting.drawing import (
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
    two_lines,
)
from fooljax.reporting.wording import certainty, drawable, drawable_names

_GAP = 14


def gallery(
    path: str | os.PathLike[str],
    images: ArrayLike,
    confidences: ArrayLike,
    class_names: Sequence[str],
    *,
    row_names: Sequence[str] | None = None,
    columns: int = 10,
    max_pictures: int = 100,
) -> Path:
    """Draw a row of images for every run and a column for every class.

    Images are enlarged by a whole factor, so every pixel stays exactly as it
    is. More classes than ``columns`` continue in a block below. When there are
    more than ``max_pictures``, classes are taken at even distances in the order
    of their median confidence, from the highest to the lowest, and a line in
    the picture says so: nothing is hand-picked.

    Args:
        path: the PNG file to write.
        images: ``[repeats, classes, h, w, c]`` in [0, 1], ``c`` 1 or 3.
        confidences: ``[repeats, classes]`` in [0, 1].
        class_names: one name for each class.
        row_names: one name for each run; ``run 1``, ``run 2``, ... if None.
        columns: most classes side by side.
        max_pictures: most images in the picture, at least ``columns``.

    Returns:
        The path written.

    Raises:
        ValueError: if shapes disagree, an input is empty, NaN or outside
            [0, 1], or ``columns`` or ``max_pictures`` is too small.
    """
    pixels = as_images(images, ("repeats", "classes", "h", "w", "c"))
    certain = as_probabilities(confidences, ("repeats", "classes"))
    repeats, num_classes, height, width, _ = pixels.shape
    if certain.shape != (repeats, num_classes):
        raise ValueError(f"confidences must be {(repeats, num_classes)}, got {certain.shape}")
    check_count("class_names", class_names, num_classes)
    if row_names is None:
        row_names = [f"run {i + 1}" for i in range(repeats)]
    check_count("row_names", row_names, repeats)
    row_names = [drawable(str(name), f"run {i + 1}") for i, name in enumerate(row_names)]
    if not 1 <= columns <= max_pictures:
        raise ValueError(f"need 1 <= columns <= max_pictures, got {columns} and {max_pictures}")

    rows = min(repeats, max_pictures // min(columns, num_classes))
    shown = _spread(np.median(certain, axis=0), min(num_classes, max_pictures // rows))
    columns = min(columns, len(shown))
    note = _note(rows, repeats, len(shown), num_classes)

    factor = magnification(height, width)
    cell_width, cell_height = width * factor, height * factor
    small = font(font_sizes(15, 15, cell_width)[0])
    names = drawable_names(class_names)
    labels = [[certainty(certain[row, i]) for i in shown] for row in range(rows)]
    name_font = largest_font((names[i] for i in shown), cell_width, font_sizes(16, 20, cell_width))
    names = [two_lines(name, name_font, cell_width + _GAP / 2) for name in names]
    name_height = (20 + max(names[i].count("\n") for i in shown) * 24) * name_font.size // 20 + 14
    label_sizes = font_sizes(11, 16, cell_width)
    label_font = largest_font(itertools.chain(*labels), cell_width, label_sizes)
    label_height = round(label_font.size) + 20
    left = MARGIN
    if repeats > 1:
        left += round(max(small.getlength(name) for name in row_names[:rows])) + _GAP

    blocks = [shown[i : i + columns] for i in range(0, len(shown), columns)]
    block_height = name_height + rows * (cell_height + label_height) + _GAP
    size = (
        max(left + columns * (cell_width + _GAP) - _GAP, round(small.getlength(note))) + MARGIN,
        MARGIN + len(blocks) * block_height + (round(small.size) + 8 if note else 0),
    )
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    for b, block in enumerate(blocks):
        top = MARGIN + b * block_height + name_height
        for j, i in enumerate(block):
            x = left + j * (cell_width + _GAP)
            place = (x + cell_width / 2, top - 8)
            draw.text(place, names[i], INK, name_font, anchor="md", align="center")
            for row in range(rows):
                y = top + row * (cell_height + label_height)
                paste_framed(canvas, magnify(pixels[row, i], factor), (x, y))
                place = (x + cell_width / 2, y + cell_height + 7)
                draw.text(place, labels[row][b * columns + j], FAINT, label_font, anchor="ma")
        for row in range(rows if repeats > 1 else 0):
            y = top + row * (cell_height + label_height) + cell_height / 2
            draw.text((left - _GAP, y), row_names[row], FAINT, small, anchor="rm")
    draw.text((MARGIN, size[1] - MARGIN), note, FAINT, small, anchor="ls")
    return save(canvas, path)


def _spread(confidence: NDArray[np.float64], count: int) -> list[int]:
    """Choose ``count`` classes, evenly spaced from the surest to the least sure."""
    if count == len(confidence):
        return list(range(count))
    ranking = np.argsort(-confidence, kind="stable")
    places = np.rint(np.linspace(0, len(confidence) - 1, count)).astype(int)
    return [int(i) for i in ranking[places]]


def _note(rows: int, repeats: int, shown: int, num_classes: int) -> str:
    """Say what was left out, and by which rule."""
    parts = []
    if shown < num_classes:
        parts.append(
            f"{shown} of {num_classes} classes, evenly spaced "
            "from the highest to the lowest median confidence"
        )
    if rows < repeats:
        parts.append(f"the first {rows} of {repeats} runs")
    return "Shown: " + "; ".join(parts) + "." if parts else ""
