"""CLD3 leaves out what repeats itself: stretches of 48 bytes, and all but samples of long texts.

A cleaned text is a row of items: before each letter up to two spaces, then the letter, and
a space at the end. Items that are not there have no bytes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32

from fooljax.models.cld3_spans import Letters, utf8_length

CHUNK = 48
MOST_SPACES = 13  # in a stretch, more of them drop it
MOST_PREDICTED = 18  # bytes of a stretch that the text before it foretells
_FAR = 32  # bytes that are searched for a space to cut at
_SNIPPETS = 5
_SPACE = 32


class Kept(NamedTuple):
    """What the detector looks at.

    Attributes:
        there: which of the letters found are left.
        codes: those that are left, one after the other, and 0 behind them.
        first: which of these begin a word.
        spaces: how many spaces are left, with those that were put in.
    """

    there: Bool[Array, "b n"]
    codes: Int32[Array, "b n"]
    first: Bool[Array, "b n"]
    spaces: Int32[Array, " b"]


class _Items(NamedTuple):
    """Items of cleaned texts, in their order; all ``[b, 3 n + 1]``."""

    codes: Int32[Array, "b i"]
    size: Int32[Array, "b i"]  # bytes in UTF-8, 0 where there is no item
    start: Int32[Array, "b i"]  # bytes before it


def squeeze(found: Letters, most_bytes: int) -> Kept:
    """Drop stretches that are mostly spaces or repetitions, and sample what is still too long.

    Args:
        found: the letters.
        most_bytes: a longer text is read in five samples of a fifth of that.
    """
    b, n = found.codes.shape
    items = _items(found)
    kept, forced = _squeezed(items)
    put = forced.astype(jnp.int32)
    sample = jnp.zeros_like(items.codes)
    if 6 * n + 1 > most_bytes:  # else no text can be as long
        sample = _sampled(items, kept, put, most_bytes)
        kept = kept & (sample >= 0)
        put = jnp.where(jnp.any(sample != 0, axis=1), _SNIPPETS, put)
    spaces = jnp.sum(kept & (items.codes == _SPACE), axis=1) + put
    # a word begins after a space, and where a sample does; what is cut elsewhere is joined
    place = jnp.broadcast_to(jnp.arange(kept.shape[1]), kept.shape)
    latest = jax.lax.cummax(jnp.where(kept, place, -1), axis=1)
    before = jnp.pad(latest[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    was = lambda array: jnp.take_along_axis(array, jnp.maximum(before, 0), axis=1)
    begins = (before < 0) | (was(items.codes) == _SPACE) | (was(sample) != sample)
    of_letters = lambda array: array[:, :-1].reshape(b, n, 3)[:, :, 2]
    there = of_letters(kept)
    rows, to = jnp.arange(b)[:, None], jnp.where(there, jnp.cumsum(there, axis=1) - 1, n)
    pack = lambda array: jnp.zeros_like(array).at[rows, to].set(array, mode="drop")
    return Kept(there, pack(found.codes), pack(of_letters(begins)), spaces)


def _items(found: Letters) -> _Items:
    """Lay out spaces and letters."""
    space = lambda there: jnp.where(there, _SPACE, 0)
    codes = jnp.stack([space(found.spaces > 1), space(found.spaces > 0), found.codes], axis=2)
    codes = jnp.pad(codes.reshape(len(codes), -1), ((0, 0), (0, 1)))
    codes = codes.at[:, -1].set(space(jnp.any(found.real, axis=1)))
    size = jnp.where(codes > 0, utf8_length(codes), 0)
    return _Items(codes, size, jnp.cumsum(size, axis=1) - size)


def _foretold(items: _Items) -> Bool[Array, "b i"]:
    """Tell which items follow on the three before them as they did the last time."""
    there = items.size > 0
    codes = items.codes
    # the last twelve bits of the UTF-8 bytes, of which the detector makes its prediction
    low = jnp.where(codes < 0x80, codes, (0x80 | codes & 0x3F) | (codes >> 6 & 15) << 8)
    place = jnp.broadcast_to(jnp.arange(codes.shape[1]), codes.shape)
    latest = jax.lax.cummax(jnp.where(there, place, -1), axis=1)
    before = jnp.pad(latest[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    seen, at = jnp.zeros_like(codes), place
    for shift in (0, 4, 8):
        at = jnp.where(at >= 0, jnp.take_along_axis(before, jnp.maximum(at, 0), axis=1), -1)
        one = jnp.take_along_axis(low, jnp.maximum(at, 0), axis=1)
        seen = seen ^ jnp.where(at >= 0, one << shift, 0)
    # the items of each state one after the other: before each stands the one to follow on
    count = codes.shape[1]
    order, sorted_codes = jax.lax.sort(
        ((seen & 0xFFF | jnp.where(there, 0, 0x1000)) * count + place, codes), num_keys=1
    )
    same = lambda array: jnp.pad(array[:, 1:] == array[:, :-1], ((0, 0), (1, 0)))
    told = same(order // count) & same(sorted_codes)
    rows = jnp.arange(len(codes))[:, None]
    return there & jnp.zeros_like(there).at[rows, order % count].set(told)


def _squeezed(items: _Items) -> tuple[Bool[Array, "b i"], Bool[Array, " b"]]:
    """Return which items are kept, and whether a space is put in front of them."""
    codes, size, start = items
    there, is_space = size > 0, codes == _SPACE
    total = start[:, -1] + size[:, -1]
    foretold = jnp.where(_foretold(items), size, 0)

    def chunk(state):
        begin, skipping, kept, forced = state
        inside = there & (start >= begin[:, None]) & (start < begin[:, None] + CHUNK)
        at = start - begin[:, None]
        length = jnp.max(jnp.where(inside, at + size, 0), axis=1)
        whole = length - length % 4  # the detector counts spaces in groups of four bytes
        spaces = jnp.sum(inside & is_space & (at < whole[:, None]), axis=1)
        predicted = jnp.sum(jnp.where(inside, foretold, 0), axis=1)
        drop = (spaces > MOST_SPACES) | (predicted > MOST_PREDICTED)
        # before a stretch that is dropped, the word that it cuts goes too
        last = jnp.max(jnp.where(kept & is_space, start, -1), axis=1)
        cut = jnp.sum(jnp.where(kept & (start > last[:, None]), size, 0), axis=1) < _FAR
        back = (drop & ~skipping & cut)[:, None] & (start > last[:, None])
        # and after one, what is left of a word
        end = jnp.min(jnp.where(inside & is_space, at, _FAR), axis=1) + 1
        ahead = jnp.where(skipping & (end <= jnp.minimum(length, _FAR)), end, 0)
        new = inside & ~drop[:, None] & (at >= ahead[:, None])
        going = length > 0
        kept = jnp.where(going[:, None], (kept & ~back) | new, kept)
        forced = forced | (going & drop & (begin == 0))
        return begin + length, jnp.where(going, drop, skipping), kept, forced

    none = jnp.zeros(len(codes), bool)
    first = (jnp.zeros_like(total), none, jnp.zeros_like(there), none)
    _, _, kept, forced = jax.lax.while_loop(lambda state: jnp.any(state[0] < total), chunk, first)
    return kept, forced


def _sampled(
    items: _Items, kept: Bool[Array, "b i"], put: Int32[Array, " b"], most_bytes: int
) -> Int32[Array, "b i"]:
    """Return in which sample each item is, -1 in none; 0 all over a text that is short enough."""
    size = jnp.where(kept, items.size, 0)
    start = jnp.cumsum(size, axis=1) - size + put[:, None]
    total = start[:, -1] + size[:, -1]
    between = jnp.maximum(total - most_bytes, 0) // (_SNIPPETS + 1)
    edges = jnp.concatenate([jnp.zeros_like(start[:, :1]), start, total[:, None]], axis=1)
    down = lambda place: jnp.max(jnp.where(edges <= place[:, None], edges, 0), axis=1)
    end, sample = jnp.zeros_like(total), jnp.full_like(start, -1)
    for number in range(1, _SNIPPETS + 1):
        begin = down(end + between)
        end = down(begin + most_bytes // _SNIPPETS)
        sample = jnp.where((start >= begin[:, None]) & (start < end[:, None]), number, sample)
    return jnp.where((total > most_bytes)[:, None], sample, 0)
