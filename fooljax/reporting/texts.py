"""Texts on a page: written so that no string can become anything but letters."""

import difflib
import unicodedata

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from fooljax.reporting.drawing import font
from fooljax.reporting.html import Html

SIDE = 128  # of a text as a picture, in pixels
_LETTERS = 13  # height of its letters


def written(text: str) -> Html:
    """Show a text as it is, however hostile its characters are.

    Each stands in a part of the page of its own direction, so that letters from right to
    left do not turn round what follows. Spaces count; characters without a shape are shown
    by their numbers.
    """
    from html import escape

    shown = "".join(_visible(character) for character in text)
    return Html(f'<bdi class="text" dir="auto">{escape(shown)}</bdi>')


def picture(text: str) -> UInt8[np.ndarray, "h w 3"]:
    """Draw the beginning of a text, dark on white, for galleries."""
    face = font(_LETTERS)
    canvas = Image.new("RGB", (SIDE, SIDE), "white")
    lines, line = [], ""
    for character in "".join(map(_visible, text)):
        if face.getlength(line + character) > SIDE - 8:
            lines.append(line)
            line = ""
        line += character
    lines.append(line)
    drawn = "\n".join(lines[: (SIDE - 8) // (_LETTERS + 4)])
    ImageDraw.Draw(canvas).multiline_text((4, 4), drawn, "#1b1f24", face, spacing=4)
    return np.asarray(canvas)


def _visible(character: str) -> str:
    """Return a character as it can be shown."""
    if character != " " and unicodedata.category(character)[0] in "CZ":
        return f"\u27e8{ord(character):X}\u27e9"
    return character


def edited(before: str, after: str) -> Html:
    """Show what became of a text: deleted words struck through, new ones underlined.

    Args:
        before: words with a space between them.
        after: the same.
    """
    old, new = before.split(), after.split()
    match = difflib.SequenceMatcher(None, old, new, autojunk=False)
    parts: list[Html] = []
    for kind, first, last, start, end in match.get_opcodes():
        if kind == "equal":
            parts.append(written(" ".join(old[first:last])))
            continue
        for tag, some in (("del", old[first:last]), ("ins", new[start:end])):
            if some:
                parts.append(Html(f"<{tag}>{written(' '.join(some)).markup}</{tag}>"))
    return Html(" ".join(part.markup for part in parts))
