"""Pixels, letters and files: what the gallery and the lineage are made of."""

import functools
import io
import os
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fooljax import interrupts
from fooljax.reporting.wording import font_file

INK = "#1b1f24"
FAINT = "#69707a"
ACCENT = "#c2410c"
FRAME = "#d5d9de"
CELL = 144  # wanted side of a magnified image, in pixels
MARGIN = 16


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The pictures' font, ``size`` pixels high, without hidden layout engines."""
    return ImageFont.truetype(str(font_file()), size, layout_engine=ImageFont.Layout.BASIC)


def largest_font(texts: Iterable[str], width: float, sizes: range) -> ImageFont.FreeTypeFont:
    """The largest font in which every text fits ``width`` pixels, else the smallest."""
    texts = list(texts)
    for size in reversed(sizes):
        if all(font(size).getlength(text) <= width for text in texts):
            return font(size)
    return font(sizes[0])


def shorten(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    """Cut a text that is wider than ``width`` pixels, marking the cut with dots."""
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(text.rstrip() + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def two_lines(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    """Break a text that is wider than ``width`` pixels once, then shorten each line."""
    words, first = text.split(), ""
    if face.getlength(text) > width:
        while words and face.getlength(f"{first} {words[0]}".strip()) <= width:
            first = f"{first} {words.pop(0)}".strip()
    lines = [line for line in (first, " ".join(words)) if line]
    return "\n".join(shorten(line, face, width) for line in lines)


def wrap(text: str, face: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Break a text into lines of at most ``width`` pixels; only longer words are cut.

    A percent sign stays with its number.
    """
    lines: list[str] = []
    for word in re.findall(r"\S+(?: %\S*)?", text):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and face.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, face, width))
    return lines


def font_sizes(smallest: int, largest: int, cell_width: int) -> range:
    """Font sizes meant for a cell of the usual side, for one of ``cell_width`` pixels."""
    scale = max(0.75, cell_width / CELL)
    return range(round(smallest * scale), round(largest * scale) + 1)


def magnification(height: int, width: int) -> int:
    """Whole factor that brings an image closest to the side of a cell."""
    return max(1, round(CELL / max(height, width)))


def magnify(pixels: NDArray[np.uint8], factor: int) -> Image.Image:
    """Repeat every pixel of ``[h, w, 3]`` ``factor`` times both ways."""
    return Image.fromarray(np.repeat(np.repeat(pixels, factor, axis=0), factor, axis=1))


def paste_framed(
    canvas: Image.Image, picture: Image.Image, corner: tuple[int, int], color: str = FRAME
) -> None:
    """Put a picture at ``corner``, with a hairline around (not over) its pixels."""
    x, y = corner
    frame = (x - 1, y - 1, x + picture.width, y + picture.height)
    ImageDraw.Draw(canvas).rectangle(frame, outline=color)
    canvas.paste(picture, corner)


def save(canvas: Image.Image, path: str | os.PathLike[str], *, effort: int = 6) -> Path:
    """Write a PNG all at once; more ``effort``, 0 to 9, makes it smaller and slower."""
    interrupts.check()
    buffer = io.BytesIO()
    canvas.save(buffer, format="PNG", compress_level=effort)
    return write(path, buffer.getvalue())


def write(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file so that readers see the old or the new one, never half of it."""
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # some file systems find only now that they are full
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
