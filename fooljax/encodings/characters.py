"""Texts by their characters: the genome is the text, one gene for each character."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from fooljax import checks
from fooljax.encodings import alphabets
from fooljax.encodings.edits import Chances, Text, check, edit, usual
from fooljax.types import Encoding, RandomKey

_SPACE = 0  # its rank


@checks.cache
def characters(
    length: int,
    alphabet: str = "latin",
    *,
    substitute: float | None = None,
    insert: float = 0.1,
    delete: float = 0.1,
    swap: float = 0.1,
    cross: float = 0.1,
    space: float = 0.15,
) -> Encoding:
    """Evolve strings, from letters drawn at random.

    A text begins in one script of the alphabet. What is drawn anew is of the script of one of
    the letters that are there, so that scripts mix by crossing only. Readers of words do not
    count spaces: at the ends they are left out, and runs of them are written as one, with
    padding at the end instead. So a text has at most ``length`` characters.

    Args:
        length: of a text, at most 10,000 characters.
        alphabet: ``latin`` (a to z and the space), ``all`` (23 scripts and the space), or the
            characters themselves as one text.
        substitute: probability of each character to be drawn anew; ``max(1.5 / length, 0.04)``
            unless given.
        insert: probability that a character is put in at a random place.
        delete: probability that one is taken out.
        swap: probability that two neighbors change places.
        cross: probability that the text goes on as the mate's from a random cut on.
        space: share of spaces in what is drawn, if the alphabet has the space.

    Returns:
        An encoding whose genomes are ranks in the alphabet, int32 ``[length]``, and which
        expresses code points, int32 ``[length]``, 0 behind the end.

    Raises:
        ValueError: if length, alphabet or a probability is impossible.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> encoding = fj.encodings.characters(12, alphabet="ab ")
        >>> text = encoding.express(encoding.init(jax.random.key(0)))
        >>> text.shape, set(map(chr, text.tolist())) <= set("ab ")
        ((12,), True)
    """
    scripts, spaced = alphabets.read(alphabet)
    rate = substitute if substitute is not None else usual(checks.count("length", length))
    chances = Chances(rate, insert, delete, swap, cross)
    n = check(length, chances)
    share = checks.between("space", space, 0.0, 1.0) if spaced else 0.0
    sizes = np.array([len(script) for script in scripts], np.int32)
    starts = np.cumsum(sizes, dtype=np.int32) - sizes + 1  # the space has rank 0
    script_of = np.repeat(np.arange(len(scripts), dtype=np.int32), sizes)
    codes = np.array([ord(one) for one in (alphabets.SPACE, *"".join(scripts))], np.int32)

    def fresh(key: RandomKey, script: Int32[Array, ""]) -> Text:
        key_space, key_letter = jax.random.split(key)
        size, start = jnp.asarray(sizes)[script], jnp.asarray(starts)[script]
        letters = start + jax.random.randint(key_letter, (n,), 0, size)
        return jnp.where(jax.random.bernoulli(key_space, share, (n,)), _SPACE, letters)

    def draw(key: RandomKey, text: Text) -> Text:
        key_place, key_script, key_fresh = jax.random.split(key, 3)
        chance = jax.random.uniform(key_place, (n,), jnp.float32)
        leader = text[jnp.argmax(jnp.where(text > _SPACE, chance, -1.0))]
        any_script = jax.random.randint(key_script, (), 0, len(scripts))
        known = jnp.asarray(script_of)[jnp.maximum(leader - 1, 0)]
        return fresh(key_fresh, jnp.where(leader > _SPACE, known, any_script))

    def init(key: RandomKey) -> Text:
        key_script, key_fresh = jax.random.split(key)
        return fresh(key_fresh, jax.random.randint(key_script, (), 0, len(scripts)))

    def vary(key: RandomKey, parent: Text, mate: Text, generation: Array) -> Text:
        del generation
        return edit(key, parent, mate, draw, chances)

    def express(genome: Text) -> Text:
        before = jnp.concatenate([jnp.zeros(1, genome.dtype), genome[:-1]])
        kept = (genome > _SPACE) | (before > _SPACE)  # of a run of spaces the first
        count = jnp.sum(kept)
        place = jnp.where(kept, jnp.cumsum(kept) - 1, n)
        text = jnp.zeros(n, jnp.int32).at[place].set(jnp.asarray(codes)[genome], mode="drop")
        last = jnp.take(text, count - 1, mode="clip") == codes[_SPACE]
        return jnp.where((jnp.arange(n) == count - 1) & last, 0, text)

    def traits(genome: Text) -> Mapping[str, Array]:
        del genome
        return {}

    return Encoding(init, vary, express, traits)
