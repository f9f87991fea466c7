"""Texts by their words: the genome is the text, one gene for each word."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from fooljax import checks
from fooljax.encodings.edits import Chances, Text, check, edit, usual
from fooljax.types import Encoding, RandomKey

_FIRST = 2  # 0 is padding, 1 a word that is not among the others


@checks.cache
def tokens(
    length: int,
    count: int,
    among: tuple[int, ...] | None = None,
    *,
    substitute: float | None = None,
    insert: float = 0.1,
    delete: float = 0.1,
    swap: float = 0.1,
    cross: float = 0.1,
) -> Encoding:
    """Evolve sentences of words in any order, from words drawn at random.

    Args:
        length: of a text, in words, at most 10,000.
        count: of ids that the network knows: its words are 2 to ``count - 1``.
        among: ids that are used, such as those of words that the network was trained on; all
            words unless given.
        substitute: probability of each word to be drawn anew; ``max(1.5 / length, 0.04)``
            unless given.
        insert: probability that a word is put in at a random place.
        delete: probability that one is taken out.
        swap: probability that two neighbors change places.
        cross: probability that the text goes on as the mate's from a random cut on.

    Returns:
        An encoding whose genomes are what it expresses: ids, int32 ``[length]``.

    Raises:
        ValueError: if a length, a count or a probability is impossible, or an id is no word's.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> encoding = fj.encodings.tokens(length=5, count=100, among=(7, 8, 9))
        >>> words = encoding.express(encoding.init(jax.random.key(0)))
        >>> words.shape, set(words.tolist()) <= {0, 7, 8, 9}  # 0 is padding
        ((5,), True)
    """
    count = checks.count("count", count, _FIRST + 1)
    words = np.arange(_FIRST, count, dtype=np.int32)
    if among is not None:
        words = np.unique(np.asarray(among))
        whole = words.size and np.issubdtype(words.dtype, np.integer)
        if not whole or words[0] < _FIRST or words[-1] >= count:
            raise ValueError(
                f"among must be ids of words, from {_FIRST} to {count - 1}, got "
                f"{checks.shown(among)}"
            )
        words = words.astype(np.int32)
    rate = substitute if substitute is not None else usual(checks.count("length", length))
    chances = Chances(rate, insert, delete, swap, cross)
    n = check(length, chances)

    def init(key: RandomKey) -> Text:
        return jnp.asarray(words)[jax.random.randint(key, (n,), 0, len(words))]

    def vary(key: RandomKey, parent: Text, mate: Text, generation: Array) -> Text:
        del generation
        return edit(key, parent, mate, lambda key, text: init(key), chances)

    def express(genome: Text) -> Text:
        return genome

    def traits(genome: Text) -> Mapping[str, Array]:
        del genome
        return {}

    return Encoding(init, vary, express, traits)
