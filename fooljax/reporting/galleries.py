"""Images side by side: the gallery (Figs. 4 and 5 of the paper) and the grid."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from fooljax.reporting.checks import as_images, as_probabilities, check_count
from fooljax.reporting.drawing import (
    CELL,
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
    wrap,
)
from fooljax.reporting.wording import certainty, code_points, drawable, drawable_names, glyphs

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

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> images = np.random.default_rng(0).random((1, 2, 8, 8, 1))
        >>> reporting.gallery("gallery.png", images, [[0.9, 0.99]], ["cat", "dog"]).name
        'gallery.png'
    """
    pixels = as_images(images, ("repeats", "classes", "h", "w", "c"))
    certain = as_probabilities(confidences, ("repeats", "classes"))
    repeats, num_classes = pixels.shape[:2]
    if certain.shape != (repeats, num_classes):
        raise ValueError(f"confidences must be {(repeats, num_classes)}, got {certain.shape}")
    check_count("class_names", class_names, num_classes)
    if row_names is None:
        row_names = [f"run {i + 1}" for i in range(repeats)]
    check_count("row_names", row_names, repeats)
    row_names = _names(row_names, "run")
    if not 1 <= columns <= max_pictures:
        raise ValueError(f"need 1 <= columns <= max_pictures, got {columns} and {max_pictures}")

    rows = min(repeats, max_pictures // min(columns, num_classes))
    shown = _spread(np.median(certain, axis=0), min(num_classes, max_pictures // rows))
    names = drawable_names(class_names)
    note = _note(rows, repeats, len(shown), num_classes)
    return _draw(
        path,
        pixels[:rows, shown],
        [[certainty(certain[row, i]) for i in shown] for row in range(rows)],
        [names[i] for i in shown],
        row_names[:rows] if repeats > 1 else [],
        columns,
        [note] if note else [],
    )


def grid(
    path: str | os.PathLike[str],
    images: ArrayLike,
    captions: Sequence[Sequence[str]],
    *,
    row_names: Sequence[str] | None = None,
    column_names: Sequence[str] | None = None,
    columns: int = 10,
    scale_note: str | None = None,
) -> Path:
    """Draw rows of images with any caption under each of them.

    For instance originals, perturbations and results, one below the other.
    Images are enlarged by a whole factor, so every pixel stays exactly as it
    is. More columns than ``columns`` continue in a block below.

    Args:
        path: the PNG file to write.
        images: ``[rows, cols, h, w, c]`` in [0, 1], ``c`` 1 or 3.
        captions: ``[rows][cols]``, what stands under each image; may be empty.
            Line breaks are kept, long lines are broken further.
        row_names: one name for each row, on its left.
        column_names: one name for each column, above it.
        columns: most images side by side.
        scale_note: how to read the images, in a line below all of them; for
            instance by how much perturbations were enlarged.

    Returns:
        The path written.

    Raises:
        ValueError: if shapes disagree, ``images`` is empty, NaN or outside
            [0, 1], or ``columns`` is less than 1.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> images = np.random.default_rng(0).random((1, 2, 8, 8, 1))
        >>> reporting.grid("grid.png", images, [["before", "after"]]).name
        'grid.png'
    """
    pixels = as_images(images, ("rows", "cols", "h", "w", "c"))
    rows, cols, height, width, _ = pixels.shape
    check_count("captions", captions, rows)
    for i, row in enumerate(captions):
        check_count(f"captions[{i}]", row, cols)
    for name, given, count in (
        ("row_names", row_names, rows),
        ("column_names", column_names, cols),
    ):
        if given is not None:
            check_count(name, given, count)
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")

    cell_width = width * magnification(height, width)
    small = _small_font(cell_width)
    face = font(font_sizes(14, 14, cell_width)[0])
    total_width = min(columns, cols) * (cell_width + _GAP) - _GAP
    return _draw(
        path,
        pixels,
        [[_caption(str(text), face, cell_width) for text in row] for row in captions],
        _names(column_names, "column"),
        ["\n".join(wrap(name, small, max(CELL, cell_width))) for name in _names(row_names, "row")],
        columns,
        wrap(glyphs(scale_note or ""), small, total_width),
    )


def _draw(
    path: str | os.PathLike[str],
    pixels: NDArray[np.uint8],
    labels: Sequence[Sequence[str]],
    names: Sequence[str],
    row_names: Sequence[str],
    columns: int,
    note: Sequence[str],
) -> Path:
    """Draw images in rows and columns, with texts the font can draw.

    Args:
        path: the PNG file to write.
        pixels: ``[rows, cols, h, w, 3]``.
        labels: ``[rows][cols]``, under each image; may have several lines.
        names: one for each column, above it; empty for none.
        row_names: one for each row, on its left; empty for none.
        columns: most images side by side; the others follow in a block below.
        note: lines below all images.
    """
    rows, cols, height, width, _ = pixels.shape
    columns = min(columns, cols)
    factor = magnification(height, width)
    cell_width, cell_height = width * factor, height * factor
    small = _small_font(cell_width)
    name_font = largest_font(names, cell_width, font_sizes(16, 20, cell_width))
    names = [two_lines(name, name_font, cell_width + _GAP / 2) for name in names]
    breaks = max((name.count("\n") for name in names), default=0)
    name_height = (20 + breaks * 24) * name_font.size // 20 + 14 if names else 0
    label_lines = [line for label in itertools.chain(*labels) for line in label.split("\n")]
    label_font = largest_font(label_lines, cell_width, font_sizes(11, 16, cell_width))
    line_height, label_height = round(1.25 * label_font.size), round(label_font.size) + 20
    spaces = [
        label_height + line_height * max(label.count("\n") for label in row) if any(row) else _GAP
        for row in labels
    ]
    row_tops = [0, *itertools.accumulate(cell_height + space for space in spaces)]
    left = MARGIN
    if row_names:
        lines = "\n".join(row_names).split("\n")
        left += round(max(small.getlength(line) for line in lines)) + _GAP

    starts = range(0, cols, columns)
    block_height = name_height + row_tops[-1] + _GAP
    note_width = max((round(small.getlength(line)) for line in note), default=0)
    note_height = round(small.size) + 8
    size = (
        max(left + columns * (cell_width + _GAP) - _GAP, note_width) + MARGIN,
        MARGIN + len(starts) * block_height + len(note) * note_height,
    )
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    for b, start in enumerate(starts):
        top = MARGIN + b * block_height + name_height
        for i in range(start, min(start + columns, cols)):
            x = left + (i - start) * (cell_width + _GAP)
            middle = x + cell_width / 2
            if names:
                draw.text((middle, top - 8), names[i], INK, name_font, anchor="md", align="center")
            for row in range(rows):
                y = top + row_tops[row]
                paste_framed(canvas, magnify(pixels[row, i], factor), (x, y))
                for k, line in enumerate(labels[row][i].split("\n")):
                    place = (middle, y + cell_height + 7 + k * line_height)
                    draw.text(place, line, FAINT, label_font, anchor="ma")
        for row, name in enumerate(row_names):
            y = top + row_tops[row] + cell_height / 2
            draw.text((left - _GAP, y), name, FAINT, small, anchor="rm", align="right")
    for k, line in enumerate(reversed(note)):
        draw.text((MARGIN, size[1] - MARGIN - k * note_height), line, FAINT, small, anchor="ls")
    return save(canvas, path)


def _small_font(cell_width: int) -> ImageFont.FreeTypeFont:
    return font(font_sizes(15, 15, cell_width)[0])


def _names(names: Sequence[str] | None, kind: str) -> list[str]:
    """Names as they can be drawn; ``row 3`` for want of glyphs, none for None."""
    return [
        drawable(str(name), f"{kind} {i + 1}")
        for i, name in enumerate([] if names is None else names)
    ]


def _caption(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    """A caption as it can be drawn, in lines of at most ``width`` pixels."""
    lines = [
        glyphs(line) or (code_points(line) if line.strip() else "") for line in text.split("\n")
    ]
    return "\n".join(part for line in lines for part in wrap(line, face, width) or [""])


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
