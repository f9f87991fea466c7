"""Character n-grams of words, hashed as CLD3 does, and the mean of their embeddings."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32, UInt32

from fooljax.models.cld3_spans import utf8_length
from fooljax.models.cld3_squeeze import Kept

SEED = 0xBEEF
_MULTIPLIER = 0x5BD1E995
_BEGIN, _END = ord("^"), ord("$")
LONGEST = 4


class Packed(NamedTuple):
    """Bytes of UTF-8, up to sixteen of them.

    Attributes:
        words: four bytes each, the first byte lowest; what is not used is 0.
        length: how many bytes.
    """

    words: tuple[UInt32[Array, "*any"], ...]
    length: Int32[Array, "*any"]


def utf8(codes: Int32[Array, "*any"]) -> Packed:
    """Return code points as bytes."""
    length = utf8_length(codes)
    rest = lambda shift: (codes >> shift) & 0x3F | 0x80
    two = (codes >> 6 | 0xC0) | rest(0) << 8
    three = (codes >> 12 | 0xE0) | rest(6) << 8 | rest(0) << 16
    word = jnp.where(length == 1, codes, jnp.where(length == 2, two, three)).astype(jnp.uint32)
    last = rest(0).astype(jnp.uint32) << 24
    four = (codes >> 18 | 0xF0 | rest(12) << 8 | rest(6) << 16).astype(jnp.uint32) | last
    return Packed((jnp.where(length == 4, four, word),), length)


def join(text: Packed, character: Packed) -> Packed:
    """Append one character."""
    (added,) = character.words
    words = []
    for place, word in enumerate((*text.words, jnp.zeros_like(added))):
        shift = 8 * (text.length - 4 * place)
        up = added << jnp.clip(shift, 0, 31).astype(jnp.uint32)
        down = added >> jnp.clip(-shift, 0, 31).astype(jnp.uint32)
        part = jnp.where(shift >= 0, up, down)
        words.append(word | jnp.where((shift < 32) & (shift > -32), part, 0))
    return Packed(tuple(words), text.length + character.length)


def murmur(text: Packed) -> UInt32[Array, "*any"]:
    """Return MurmurHash2 of 32 bits, with CLD3's seed.

    Source:
        A. Appleby, MurmurHash2 (public domain).
    """
    multiplier = jnp.uint32(_MULTIPLIER)
    state = jnp.uint32(SEED) ^ text.length.astype(jnp.uint32)
    for place, word in enumerate(text.words):
        left = text.length - 4 * place
        mixed = word * multiplier
        mixed = (mixed ^ mixed >> 24) * multiplier
        whole = (state * multiplier) ^ mixed
        tail = (state ^ word) * multiplier
        state = jnp.where(left >= 4, whole, jnp.where(left > 0, tail, state))
    state = (state ^ state >> 13) * multiplier
    return state ^ state >> 15


def means(kept: Kept, tables: dict[int, Float[Array, "rows d"]]) -> dict[int, Float[Array, "b d"]]:
    """Return the mean embedding of all n-grams of each length.

    A word stands between ``^`` and ``$``; an n-gram never reaches beyond its word. A space
    has an empty word on a side where there is no other, of which ``^$`` is left.

    Args:
        kept: the letters that count, and where words begin.
        tables: by ``n`` from 1 to 4; the hash of an n-gram is its row.
    """
    ahead = lambda array, k: jnp.pad(array[:, k:], ((0, 0), (0, min(k, array.shape[1]))))
    codes, there = kept.codes, kept.codes > 0
    goes_on = ahead(there & ~kept.first, 1)
    rest = there.astype(jnp.int32)  # letters of the word from here on, LONGEST at most
    run = there
    for k in range(LONGEST - 1):
        run = run & ahead(goes_on, k)
        rest = rest + run
    letter = lambda k: jnp.where(k < rest, ahead(codes, k), _END)
    inner = [letter(k) for k in range(LONGEST)]
    outer = [jnp.full_like(codes, _BEGIN), *inner[:-1]]
    characters = [utf8(jnp.stack(both)) for both in zip(inner, outer, strict=True)]

    words = jnp.sum(kept.first, axis=1)
    empty = jnp.maximum(kept.spaces + 1 - words, 0)
    begin, end = utf8(jnp.int32(_BEGIN)), utf8(jnp.int32(_END))
    more = {  # n-grams that begin at no letter: how many of each
        1: [(end, words + empty), (begin, empty)],
        2: [(join(begin, end), empty)],
    }
    found, gram = {}, characters[0]
    for n, table in sorted(tables.items()):
        gram = gram if n == 1 else join(gram, characters[n - 1])
        fits = jnp.stack([there & (rest >= n - 1), kept.first & (rest >= n - 2)])
        total, count = _sum(table, gram, fits)
        for constant, times in more.get(n, []):
            total = total + times[:, None] * table[murmur(constant) % len(table)][None]
            count = count + times
        found[n] = total / jnp.maximum(count, 1)[:, None]
    return found


def _sum(
    table: Float[Array, "rows d"], gram: Packed, fits: Bool[Array, "2 b n"]
) -> tuple[Float[Array, "b d"], Int32[Array, " b"]]:
    """Add up the rows of n-grams that there are, and count these."""
    rows = (murmur(gram) % len(table)).astype(jnp.int32)
    taken = jnp.where(fits[..., None], table[rows], 0)
    return jnp.sum(taken, axis=(0, 2)), jnp.sum(fits, axis=(0, 2))
