"""How far one text is from another: the number of words to replace, delete or put in."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32


def edits(texts: Int32[Array, "b n"], others: Int32[Array, "b m"]) -> Int32[Array, " b"]:
    """Return the smallest number of words to replace, delete or put in, text by text.

    Args:
        texts: ids; 0 is padding, and stands at the end.
        others: ids of as many texts.

    Source:
        Levenshtein, 1966; the rows of Wagner and Fischer, 1974, each from the one before
        by a running minimum.

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> metrics.edits(jnp.array([[5, 6, 7, 0]]), jnp.array([[5, 7, 7, 8]])).tolist()
        [2]
    """
    return jax.vmap(_edits)(texts, others)


def _edits(text: Int32[Array, " n"], other: Int32[Array, " m"]) -> Int32[Array, ""]:
    places = jnp.arange(len(other) + 1, dtype=jnp.int32)

    def row(before: Array, word: Array) -> tuple[Array, None]:
        replaced = before[:-1] + (other != word)
        least = jnp.minimum(before + 1, jnp.concatenate([before[:1] + 1, replaced]))
        after = places + jax.lax.cummin(least - places)
        return jnp.where(word == 0, before, after), None  # padding is no word

    last, _ = jax.lax.scan(row, places, text)
    return last[jnp.sum(other != 0)]
