"""CLD3 reads letters: where they are, in which words, and in which runs of one script.

A text is code points ``[b, n]``; everything here has that shape. The detector goes through
a text from left to right. Runs of letters and marks are words. A stretch of one script is a
span: a word of another script begins the next one, while a single foreign letter before the
script goes on does not. Spans have a space of their own on both sides, so there are two
between spans and one between the words of a span.
"""

import functools
from importlib import resources
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32

HANI = 24  # Chinese, Japanese and Korean
INHERITED = 40  # marks that take the script of the letter before
_BEYOND = 0x30000  # the first code point past all letters that the detector knows, but for
_SELECTORS = (0xE0100, 0xE01EF)  # marks that choose among the shapes of a letter
_NO_LOWER = range(0x13A0, 0x13F5)  # Cherokee had no small letters in the detector's Unicode
_MOST_BYTES = 10_000


class Letters(NamedTuple):
    """What the detector makes of each character; all ``[b, n]``.

    Attributes:
        real: whether it is a letter or a mark; anything else only ends words.
        codes: the letter in lower case, as a code point.
        script: of the letter, 0 where there is none.
        spaces: before the letter, 0 inside a word, 1 before a word, 2 before a word that
            begins a span other than the first.
        span: in which span it is, from 1.
    """

    real: Bool[Array, "b n"]
    codes: Int32[Array, "b n"]
    script: Int32[Array, "b n"]
    spaces: Int32[Array, "b n"]
    span: Int32[Array, "b n"]


def letters(ids: Int32[Array, "b n"]) -> Letters:
    """Find the letters of texts, their words and their spans.

    Args:
        ids: code points. The text ends at the first 0, and at the first one that no text
            may hold (other control characters, halves of surrogate pairs, noncharacters),
            as the detector's does.
    """
    scripts, lower = tables()
    known = (ids >= 0) & (ids < _BEYOND)
    place = jnp.where(known, ids, 0)
    fits = jnp.cumsum(utf8_length(ids), axis=1) <= _MOST_BYTES
    valid = jnp.cumsum(~(_may_be_in_text(ids) & fits), axis=1) == 0
    script = jnp.where(known, jnp.asarray(scripts)[place].astype(jnp.int32), 0)
    selects = (ids >= _SELECTORS[0]) & (ids <= _SELECTORS[1])
    script = jnp.where(valid, jnp.where(selects, INHERITED, script), 0)
    following = jnp.pad(script[:, 1:], ((0, 0), (0, 1)))
    nothing = jnp.zeros(len(ids), jnp.int32)
    start = (nothing, nothing, nothing == 0)
    _, (spaces, span) = jax.lax.scan(_step, start, (script.T, following.T))
    codes = jnp.where(script > 0, ids + jnp.asarray(lower)[place], 0)
    return Letters(script > 0, codes, script, spaces.T, span.T)


def utf8_length(codes: Int32[Array, "*any"]) -> Int32[Array, "*any"]:
    """Return how many bytes code points take in UTF-8."""
    longer = lambda first: (codes >= first).astype(jnp.int32)
    return 1 + longer(0x80) + longer(0x800) + longer(0x10000)


def _step(carry, read):
    """Go on by one character: which spaces are before it, and in which span it is."""
    inside, span, free = carry  # script of the span; its number; whether no word is open
    script, following = read
    letter = script > 0
    foreign = (script != inside) & (script != INHERITED)
    lone = (following == 0) | (following == inside)  # a foreign letter inside a word is let pass
    begins = letter & ((span == 0) | (foreign & (free | ~lone)))
    spaces = jnp.where(begins, jnp.minimum(span, 1) + 1, (letter & free).astype(jnp.int32))
    span = span + begins
    return (jnp.where(begins, script, inside), span, ~letter), (spaces, span)


def _may_be_in_text(ids: Int32[Array, "b n"]) -> Bool[Array, "b n"]:
    """Tell which code points are allowed in text that is exchanged."""
    layout = (ids == 9) | (ids == 10) | (ids == 12) | (ids == 13)
    control = (ids < 0x20) & ~layout | (ids >= 0x7F) & (ids < 0xA0)
    surrogate = (ids >= 0xD800) & (ids < 0xE000)
    nobody = (ids >= 0xFDD0) & (ids < 0xFDF0) | (ids & 0xFFFE == 0xFFFE) | (ids > 0x10FFFF)
    return ~(control | surrogate | nobody)


@functools.cache
def tables() -> tuple[np.ndarray, np.ndarray]:
    """Return by code point the script (uint8) and the step to the small letter (int32).

    The letters are those of Unicode 6.2, which the detector was built with; the file was made
    by asking the detector (cld3-py 3.1.0) for every code point. Scripts are numbered as there.
    """
    scripts, lower = np.zeros(_BEYOND, np.uint8), np.zeros(_BEYOND, np.int32)
    for line in resources.files(__package__).joinpath("cld3_scripts.txt").read_text().splitlines():
        first, last, script = line.split()
        scripts[int(first, 16) : int(last, 16) + 1] = int(script)
    for code in np.flatnonzero(scripts):
        small = chr(code).lower()[0]  # of the Turkish dotted I the detector keeps the i alone
        if code not in _NO_LOWER:
            lower[code] = ord(small) - code
    return scripts, lower
