"""A limit of words: a network that reads only those that it has learned."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from fooljax import checks
from fooljax.types import Bound, Classifier, Logits, Params, Tokens

Rule: TypeAlias = Literal["mask", "refuse"]

_UNKNOWN = 1  # the id of a word that is not among the others
_SURE = 40.0  # logits by which one unknown word more counts


class Limited(NamedTuple):
    """Params of a network with a limit of words.

    Attributes:
        params: the network's own.
        known: which words it may read, bool ``[count]``; padding among them.
    """

    params: Params
    known: Array


def known_words(
    classifier: Classifier, known: Bool[np.ndarray, " count"], rule: Rule = "mask"
) -> Classifier:
    """Let a network read known words only, such as those of its training set.

    Args:
        classifier: a network that reads words.
        known: the words, bool ``[count]``, as `data.seen` tells them.
        rule: ``mask`` puts the unknown word in place of all others; ``refuse`` answers "none of
            these", by one more logit, to a text that has any of them.

    Raises:
        ValueError: if the network reads no words, or ``known`` does not tell of each.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> import numpy as np
        >>> network = fj.models.build("ngram", jax.random.key(0), (6,), 3)
        >>> known = np.zeros(network.tokens.count, bool)
        >>> limited = fj.defenses.known_words(network, known)  # to which every text is the same
        >>> texts = jax.numpy.array([[97, 98, 0, 0, 0, 0], [99, 100, 0, 0, 0, 0]])
        >>> bool((limited(texts)[0] == limited(texts)[1]).all())
        True
    """
    checks.choice("rule", rule, ("mask", "refuse"))
    checks.classifier(classifier)
    tokens = classifier.tokens
    if tokens is None or tokens.embed is None:
        raise ValueError("a limit of words needs a network that reads words and offers vectors")
    table = np.array(known)
    if table.dtype != bool or table.shape != (tokens.count,):
        raise ValueError(
            f"known must be a row of {tokens.count:,} truth values, one for each word, got "
            f"{checks.shown(known)}"
        )
    table[[0, _UNKNOWN]] = True, rule == "mask"
    part = lambda function: Bound(function, (rule, tokens, classifier.apply))
    return dataclasses.replace(
        classifier,
        params=Limited(classifier.params, jnp.asarray(table)),
        apply=part(_apply),
        tokens=Tokens(tokens.count, part(_embed), part(_answer), part(_table)),
    )


def _apply(rule: Rule, tokens: Tokens, network: Any, limited: Limited, ids: Array) -> Logits:
    if rule == "mask":
        return network(limited.params, jnp.where(limited.known[ids], ids, _UNKNOWN))
    return _refused(network(limited.params, ids), jnp.sum(~limited.known[ids], axis=1))


def _embed(rule: Rule, tokens: Tokens, network: Any, limited: Limited, ids: Array) -> Array:
    del network
    embed = cast(Callable[..., Array], tokens.embed)
    if rule == "mask":
        return embed(limited.params, jnp.where(limited.known[ids], ids, _UNKNOWN))
    unknown = ~limited.known[ids][..., None]
    vectors = embed(limited.params, ids)
    return jnp.concatenate([vectors, unknown.astype(vectors.dtype)], axis=-1)


def _answer(rule: Rule, tokens: Tokens, network: Any, limited: Limited, vectors: Array) -> Logits:
    del network
    answer = cast(Callable[..., Array], tokens.apply_embedded)
    if rule == "mask":
        return answer(limited.params, vectors)
    logits = answer(limited.params, vectors[..., :-1])
    return _refused(logits, jnp.sum(vectors[..., -1], axis=1))


def _table(rule: Rule, tokens: Tokens, network: Any, limited: Limited) -> Array:
    ids = jnp.arange(tokens.count, dtype=jnp.int32)
    return _embed(rule, tokens, network, limited, ids[:, None])[:, 0]


def _refused(logits: Logits, unknown: Array) -> Logits:
    """Add the column that leads where a text has an unknown word; attacks see its slope."""
    surplus = _SURE * (unknown.astype(logits.dtype) - 0.5)
    return jnp.concatenate([logits, (jnp.max(logits, axis=1) + surplus)[:, None]], axis=1)
