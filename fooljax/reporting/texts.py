"""Texts on a page: written so that no string can become anything but letters."""

import difflib
import unicodedata

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from fooljax.reporting.drawing import font
from fooljax.reporting.html import Html

SIDE = 128  # of a text as a picture, in pixels
_LETTERS = range(11, 21)  # height of its letters
_NO_LETTER = "\u25cc"


def written(text: str) -> Html:
    """Show a text as it is, however hostile its characters are.

    Each stands in a part of the page of its own direction, so that letters from right to
    left do not turn round what follows. Spaces count; characters without a shape are shown
    by their numbers, and a mark that has no letter before it stands on a circle. Marks piled
    up on a letter are cut where the line ends, and cover no other.
    """
    from html import escape

    shown = "".join(_visible(character) for character in text)
    if shown and unicodedata.category(shown[0])[0] == "M":
        shown = _NO_LETTER + shown
    return Html(f'<bdi class="text" dir="auto">{escape(shown)}</bdi>')


def picture(text: str) -> UInt8[np.ndarray, "h w 3"]:
    """Draw a text, dark on white, for galleries: as large as it can be, at worst its beginning.

    Letters of scripts that the font lacks are boxes; `written` leaves them to the reader's fonts.
    """
    shown = "".join(map(_visible, text))
    for size in reversed(_LETTERS):
        lines, most = _broken(shown, size), (SIDE - 8) // (size + 4)
        if len(lines) <= most:
            break
    canvas = Image.new("RGB", (SIDE, SIDE), "white")
    drawn = "\n".join(lines[:most])
    ImageDraw.Draw(canvas).multiline_text((4, 4), drawn, "#1b1f24", font(size), spacing=4)
    return np.asarray(canvas)


def _broken(text: str, size: int) -> list[str]:
    """Break a text anywhere into lines of the picture's width."""
    face, lines, line = font(size), [], ""
    for character in text:
        if line and face.getlength(line + character) > SIDE - 8:
            lines.append(line)
            line = "" if character == " " else character
        else:
            line += character
    return [*lines, line]


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
