"""What attacks on texts share: words taken out and put in, and what the network says then.

Texts are ids ``[b, n]``; 0 is padding, and stands at the end.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int32

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Loss
from fooljax.attacks.goals import Goal
from fooljax.types import Classifier, Logits

_AT_ONCE = 4096  # texts that the network reads together
_PLACES = 8  # of a text that are changed together

#: The words that an attack may put in, packed, so that it can be compared; None for all.
Allowed: TypeAlias = bytes | None


def pack(allowed: Bool[np.ndarray, " count"] | None) -> Allowed:
    """Return words as a static part of an attack.

    Args:
        allowed: which words there may be, as `data.seen` tells it; all unless given.

    Raises:
        ValueError: if they are no row of truth values, or no word but the padding is allowed.
    """
    if allowed is None:
        return None
    known = np.asarray(allowed)
    if known.ndim != 1 or known.dtype != bool or not known[1:].any():
        raise ValueError(
            "allowed must be a row of truth values, one for each word and at least one True beside "
            f"the padding's, got {checks.shown(allowed)}"
        )
    return np.packbits(known).tobytes()


def unpack(allowed: Allowed, count: int) -> Bool[np.ndarray, " count"]:
    """Return which of so many words may be put in; the padding never.

    Raises:
        ValueError: if the words are of another network.
    """
    if allowed is None:
        return np.arange(count) > 0
    bits = np.unpackbits(np.frombuffer(allowed, np.uint8))
    if not count <= len(bits) < count + 8:
        raise ValueError(
            f"allowed must tell of each of the network's {count:,} words, got about {len(bits):,}"
        )
    return bits[:count].astype(bool) & (np.arange(count) > 0)


def table(classifier: Classifier) -> Float[Array, "count d"]:
    """Return the vectors of all words."""
    tokens = classifier.tokens
    return cast(Callable[[Any], Array], tokens and tokens.table)(classifier.params)


def lengths(texts: Int32[Array, "b n"]) -> Int32[Array, " b"]:
    """Count the words of each text."""
    return jnp.sum(texts != 0, axis=1, dtype=jnp.int32)


def slopes(
    loss: Loss, classifier: Classifier, goal: Goal, texts: Int32[Array, "b n"]
) -> tuple[Float[Array, "b n d"], Float[Array, "b n d"], Logits]:
    """Return the gradient of the loss at every word's vector, the vectors, and the logits."""
    tokens = classifier.tokens
    embed = cast(Callable[..., Array], tokens and tokens.embed)
    read = cast(Callable[..., Array], tokens and tokens.apply_embedded)

    def total(vectors):
        logits = read(classifier.params, vectors)
        return jnp.sum(loss(goal, logits, classifier.num_classes)), logits

    vectors = embed(classifier.params, texts)
    gradient, logits = jax.grad(total, has_aux=True)(vectors)
    return jnp.where(jnp.isfinite(gradient), gradient, 0.0), vectors, logits


def gains(
    vectors: Float[Array, "count d"],
    gradient: Float[Array, "n d"],
    text: Int32[Array, " n"],
    allowed: Bool[Array, " count"] | Bool[np.ndarray, " count"],
) -> Float[Array, "n count"]:
    """Estimate how much the loss of a text rises by each word in each place.

    It is ``(e_b - e_a) . gradient`` less ``-e_a . gradient``, which is the same for all words
    ``b`` of a place; ``-inf`` for words that are not allowed or there already, and in the padding.
    """
    estimate = gradient @ vectors.T
    same = text[:, None] == jnp.arange(len(vectors), dtype=jnp.int32)[None]
    possible = jnp.asarray(allowed)[None] & ~same & (text != 0)[:, None]
    return jnp.where(possible, estimate, -jnp.inf)


def without(text: Int32[Array, " n"], places: Int[Array, " m"]) -> Int32[Array, "m n"]:
    """Return a text without the word in each of some places."""
    every = jnp.arange(len(text), dtype=jnp.int32)
    source = every[None, :] + (every[None, :] >= places[:, None])
    return jnp.concatenate([text, jnp.zeros(1, text.dtype)])[source]


def with_each(
    text: Int32[Array, " n"], places: Int[Array, " m"], words: Int[Array, " m"]
) -> Int32[Array, "m n"]:
    """Return a text with another word in one place each."""
    here = jnp.arange(len(text), dtype=jnp.int32)[None] == places[:, None]
    return jnp.where(here, words[:, None].astype(text.dtype), text[None])


def ask(
    classifier: Classifier, goal: Goal, texts: Int32[Array, "b m n"]
) -> tuple[Float[Array, "b m"], Float[Array, "b m"]]:
    """Return for several versions of each text by how much it reaches the goal, and log-odds."""
    count, versions, length = texts.shape
    flat = texts.reshape(-1, length)
    blocks = -(-len(flat) // _AT_ONCE)
    if blocks == 1:
        logits = classifier(flat)
    else:
        filled = jnp.pad(flat, ((0, blocks * _AT_ONCE - len(flat)), (0, 0)))
        answers = jax.lax.map(classifier, filled.reshape(blocks, _AT_ONCE, length))
        logits = answers.reshape(blocks * _AT_ONCE, -1)[: len(flat)]
    each = jax.tree.map(lambda leaf: jnp.repeat(leaf, versions, axis=0), goal)
    number = classifier.num_classes
    margins, odds = goals.margin(each, logits, number), goals.log_odds(each, logits, number)
    return margins.reshape(count, versions), odds.reshape(count, versions)


def ask_of_places(
    classifier: Classifier,
    goal: Goal,
    texts: Int32[Array, "b n"],
    change: Callable[[Int[Array, " m"]], Int32[Array, "b m n"]],
) -> tuple[Float[Array, "b n"], Float[Array, "b n"]]:
    """Ask about all texts changed in each place, a few places together; see `ask`.

    Where all texts have ended nothing is asked, so short ones are cheap; numbers there and
    in the padding are ``-inf``.

    Args:
        classifier: the network.
        goal: of every text.
        texts: the texts.
        change: returns them changed in given places.
    """
    count, length = texts.shape
    blocks = -(-length // _PLACES)
    nothing = jnp.full((count, blocks * _PLACES), -jnp.inf, jnp.float32)

    def look(block: Array, found: tuple[Array, Array]) -> tuple[Array, Array]:
        first = block * _PLACES
        answers = ask(classifier, goal, change(first + jnp.arange(_PLACES, dtype=jnp.int32)))
        put = lambda into, new: jax.lax.dynamic_update_slice_in_dim(into, new, first, axis=1)
        return put(found[0], answers[0]), put(found[1], answers[1])

    last = -(-jnp.max(lengths(texts)) // _PLACES)
    margins, odds = jax.lax.fori_loop(0, last, look, (nothing, nothing))
    within = lambda numbers: jnp.where(texts != 0, numbers[:, :length], -jnp.inf)
    return within(margins), within(odds)


def take(texts: Int32[Array, "b m n"], chosen: Int[Array, " b"]) -> Int32[Array, "b n"]:
    """Return the chosen version of each text."""
    return jnp.take_along_axis(texts, chosen[:, None, None], axis=1)[:, 0]
