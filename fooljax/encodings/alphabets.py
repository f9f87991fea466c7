"""Alphabets by name: which characters a text is searched among, script by script."""

import unicodedata

from fooljax import checks

SPACE = " "
_MOST = 100_000  # characters of an alphabet

# First and last code points of the letters and vowel signs of a script; every so manieth.
_SCRIPTS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "latin": ((0x61, 0x7A, 1), (0xE0, 0xF6, 1), (0xF8, 0xFF, 1), (0x101, 0x17F, 2)),
    "greek": ((0x3AC, 0x3CE, 1),),
    "cyrillic": ((0x430, 0x45F, 1), (0x491, 0x4AF, 2), (0x4D9, 0x4E9, 2)),
    "armenian": ((0x561, 0x587, 1),),
    "hebrew": ((0x5D0, 0x5EA, 1),),
    "arabic": ((0x621, 0x64A, 1), (0x679, 0x6D3, 1)),
    "devanagari": ((0x901, 0x94D, 1),),
    "bengali": ((0x985, 0x9CD, 1),),
    "gurmukhi": ((0xA05, 0xA4D, 1),),
    "gujarati": ((0xA85, 0xACD, 1),),
    "tamil": ((0xB85, 0xBCD, 1),),
    "telugu": ((0xC05, 0xC4D, 1),),
    "kannada": ((0xC85, 0xCCD, 1),),
    "malayalam": ((0xD05, 0xD4D, 1),),
    "sinhala": ((0xD85, 0xDDF, 1),),
    "thai": ((0xE01, 0xE3A, 1), (0xE40, 0xE4E, 1)),
    "lao": ((0xE81, 0xEC8, 1),),
    "myanmar": ((0x1000, 0x103E, 1),),
    "georgian": ((0x10D0, 0x10F0, 1),),
    "han": ((0x3041, 0x3093, 1), (0x30A1, 0x30F3, 1), (0x4E00, 0x9FA5, 64)),
    "ethiopic": ((0x1200, 0x1357, 1),),
    "khmer": ((0x1780, 0x17D1, 1),),
    "hangul": ((0xAC00, 0xD7A3, 28),),
}


def _letters(ranges: tuple[tuple[int, int, int], ...]) -> str:
    codes = (code for first, last, step in ranges for code in range(first, last + 1, step))
    small = (chr(code) for code in codes if chr(code).lower() == chr(code))
    return "".join(one for one in small if unicodedata.category(one)[0] in "LM")


#: The alphabets that have a name, each a tuple of scripts; a text is begun in one of them.
ALPHABETS: dict[str, tuple[str, ...]] = {
    "latin": ("abcdefghijklmnopqrstuvwxyz",),
    "all": tuple(_letters(ranges) for ranges in _SCRIPTS.values()),
}


def read(alphabet: str) -> tuple[tuple[str, ...], bool]:
    """Return the scripts of an alphabet, without the space, and whether the space is in it.

    Args:
        alphabet: a key of `ALPHABETS`, which have the space, or all characters themselves,
            with the space or without.

    Raises:
        ValueError: if it is no text, has no character but the space, has one twice, or has
            one that cannot stand in a text.
    """
    named = ", ".join(ALPHABETS)
    if not isinstance(alphabet, str):
        raise ValueError(f"alphabet must be {named} or a text, got {checks.shown(alphabet)}")
    if alphabet in ALPHABETS:
        return ALPHABETS[alphabet], True
    letters = alphabet.replace(SPACE, "")
    if not letters:
        raise ValueError(
            f"alphabet must hold a character other than the space, got {alphabet!r}; name one of "
            f"{named}, or give all characters as one text"
        )
    if len(alphabet) > _MOST:
        raise ValueError(f"alphabet must hold at most {_MOST:,} characters, got {len(alphabet):,}")
    twice = sorted({one for one in alphabet if alphabet.count(one) > 1})
    if twice:
        raise ValueError(
            f"alphabet holds {_named(twice)} more than once; give each character once, or name "
            f"one of {named}"
        )
    unfit = [one for one in letters if unicodedata.category(one) in ("Cc", "Cs", "Cn")]
    if unfit:
        raise ValueError(
            f"alphabet holds {_named(unfit)}, which cannot stand in a text; leave it out"
        )
    return (letters,), SPACE in alphabet


def _named(characters: list[str]) -> str:
    """Name characters, by their numbers where they have no shape."""
    shown = (repr(one) if one.isprintable() else f"U+{ord(one):04X}" for one in characters[:5])
    return ", ".join(shown)
