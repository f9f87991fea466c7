"""Edits that make one child of texts: substitute, insert, delete, swap, cross at one cut."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

from fooljax import checks
from fooljax.types import RandomKey

Text: TypeAlias = Int32[Array, " n"]
#: Draws ``[n]`` new characters or words that suit a text.
Draw: TypeAlias = Callable[[RandomKey, Text], Text]

MOST = 10_000  # characters or words of a text


class Chances(NamedTuple):
    """How probable each edit of a child is, in [0, 1].

    Attributes:
        substitute: of each place to be drawn anew.
        insert: that a new one is put in at a random place; the last one falls out.
        delete: that one is taken out at a random place; a new one comes to the end.
        swap: that two neighbors change places.
        cross: that the end, from a random cut on, is the mate's.
    """

    substitute: float
    insert: float
    delete: float
    swap: float
    cross: float


def check(length: int, chances: Chances) -> int:
    """Return the length of texts, as a whole number.

    Raises:
        ValueError: if it is not positive or larger than `MOST`, or a chance is outside [0, 1].
    """
    length = checks.count("length", length)
    if length > MOST:
        raise ValueError(f"length must be at most {MOST:,}, got {length:,}; texts are searched")
    for name, chance in chances._asdict().items():
        checks.between(name, chance, 0.0, 1.0)
    return length


def usual(length: int) -> float:
    """Return how probable a substitution is: one or two of a short text, 4 % of a long one."""
    return min(max(1.5 / length, 0.04), 1.0)


def edit(key: RandomKey, parent: Text, mate: Text, draw: Draw, chances: Chances) -> Text:
    """Make one child."""
    key_cross, key_insert, key_delete, key_swap, key_hit, key_new = jax.random.split(key, 6)
    n = len(parent)
    place = jnp.arange(n)
    text = jnp.where(place < _somewhere(key_cross, chances.cross, n), parent, mate)
    new = draw(key_new, text)

    at = _somewhere(key_insert, chances.insert, n)
    longer = jnp.where(place == at, new, jnp.roll(text, 1))
    text = jnp.where(place < at, text, longer)

    at = _somewhere(key_delete, chances.delete, n)
    shorter = jnp.roll(text, -1).at[-1].set(new[-1])
    text = jnp.where(place < at, text, shorter)

    at = _somewhere(key_swap, chances.swap, n - 1)
    swapped = jnp.where(place == at, jnp.roll(text, -1), text)
    text = jnp.where((place == at + 1) & (at < n - 1), jnp.take(text, at, mode="clip"), swapped)

    return jnp.where(jax.random.bernoulli(key_hit, chances.substitute, (n,)), new, text)


def _somewhere(key: RandomKey, chance: float, n: int) -> Array:
    """Draw a place below ``n``, or with probability ``1 - chance`` one behind all."""
    key_coin, key_place = jax.random.split(key)
    place = jax.random.randint(key_place, (), 0, max(n, 1))
    return jnp.where(jax.random.bernoulli(key_coin, chance), place, n + 1)
