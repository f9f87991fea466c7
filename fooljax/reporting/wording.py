"""Numbers and names as people read them."""

import functools
import math
import unicodedata
from collections.abc import Sequence
from pathlib import Path

_CERTAIN = 1e-7  # float32 cannot tell smaller doubts from none


def percent(confidence: float) -> str:
    """Write a probability as a percentage, keeping its distance from certainty.

    Near 0 and near 1 two significant digits of what is missing are kept, in
    between one decimal: 0.2159 is ``21.6 %`` and 0.99992 is ``99.992 %``. Only
    exactly 1 is ``100 %``, and only exactly 0 is ``0 %``.

    Args:
        confidence: a probability in [0, 1].

    Raises:
        ValueError: if it is NaN or outside [0, 1].

    Example:
        >>> from fooljax import reporting
        >>> reporting.percent(0.2159), reporting.percent(0.99992)
        ('21.6 %', '99.992 %')
    """
    try:
        if isinstance(confidence, bool | str | bytes):
            raise TypeError("float would take it")
        confidence = float(confidence)
    except (TypeError, ValueError, OverflowError) as error:
        kind, shown = type(confidence).__name__, repr(confidence)[:80]
        raise ValueError(f"confidence must be a number in [0, 1], got {kind} {shown}") from error
    if not 0.0 <= confidence <= 1.0:
        raise ValueError(f"confidence must be in [0, 1], got {confidence}")
    if confidence in (0.0, 1.0):
        return f"{confidence:.0%}".replace("%", " %")
    rest = min(confidence, 1.0 - confidence)
    if rest < _CERTAIN * (1 - 1e-6):
        return ">99.99999 %" if confidence > 0.5 else "<0.00001 %"
    decimals = max(1, 1 - math.floor(math.log10(100 * rest)))
    return f"{100 * confidence:.{decimals}f}".rstrip("0").rstrip(".") + " %"


def certainty(confidence: float) -> str:
    """Write a softmax output as ``percent`` does, but never as ``100 %``.

    A softmax is never exactly 1; where single precision rounds it to 1, this
    says ``>99.99999 %``.
    """
    return percent(min(float(confidence), math.nextafter(1.0, 0.0)))


@functools.cache
def font_file() -> Path:
    """The font of every picture: DejaVu Sans, which matplotlib brings along."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@functools.cache
def _drawable_characters() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(font_file())).get_charmap())


def glyphs(text: str) -> str:
    """Reduce a text to what the pictures' font can draw, on one line.

    Characters without a glyph (Japanese, many emoji) and control characters are
    left out.
    """
    known = _drawable_characters()
    visible = (
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", text)
        if character.isspace()
        or (ord(character) in known and unicodedata.category(character)[0] not in "CM")
    )
    return " ".join("".join(visible).split())


def drawable(name: str, fallback: str) -> str:
    """A name as the pictures' font can draw it, on one line.

    What ``glyphs`` leaves of it; ``fallback`` if that has no letter, digit or
    symbol.
    """
    text = glyphs(name)
    has_content = any(unicodedata.category(character)[0] in "LNS" for character in text)
    return text if has_content else fallback


def code_points(name: str) -> str:
    """Spell a name in Unicode numbers, such as ``U+304A``, for want of glyphs."""
    return " ".join(f"U+{ord(character):04X}" for character in name) or "no name"


def drawable_names(class_names: Sequence[str]) -> list[str]:
    """Names as the pictures show them; ``class 3`` where nothing can be drawn."""
    return [drawable(str(name), f"class {i}") for i, name in enumerate(class_names)]
