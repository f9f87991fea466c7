"""What all rules that let several networks answer as one have in common."""

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.types import Bound, Classifier, Images, Logits, Params, Tokens

Apply: TypeAlias = Callable[[Params, Images], Logits]
#: What is answered when each member says its logits.
Rule: TypeAlias = Callable[[Float[Array, "n b m"]], Logits]


def check_members(classifiers: Sequence[Classifier]) -> None:
    """Refuse networks that cannot answer as one.

    Raises:
        ValueError: if there is no classifier, or they differ in image shape, words that
            they read, number of classes or columns of the logits, or whether classes
            exclude each other.
    """
    if isinstance(classifiers, Classifier):
        raise ValueError("classifiers must be a list, got one Classifier; give [classifier]")
    if not isinstance(classifiers, Sequence):
        got = checks.shown(classifiers)
        raise ValueError(f"classifiers must be a list of Classifiers, got {got}")
    if not classifiers:
        got = checks.shown(classifiers)
        raise ValueError(f"classifiers: an ensemble needs at least one classifier, got {got}")
    for index, other in enumerate(classifiers):
        checks.classifier(other, f"classifiers[{index}]")
    first = classifiers[0]
    for index, other in enumerate(classifiers):
        if tuple(other.input_shape) != tuple(first.input_shape):
            raise ValueError(
                f"classifiers must take the same images, got a Classifier of "
                f"images {tuple(first.input_shape)} first, and one of images "
                f"{tuple(other.input_shape)} as member {index}"
            )
        words = [None if one.tokens is None else one.tokens.count for one in (first, other)]
        if words[0] != words[1]:
            raise ValueError(
                f"classifiers must read the same: ids below {words[0]} first, and ids below "
                f"{words[1]} by member {index} (None: numbers, no texts)"
            )
        columns = [checks.columns(one) for one in (first, other)]
        if other.num_classes != first.num_classes or columns[0] != columns[1]:
            raise ValueError(
                f"classifiers must have the same classes and logits, but member {index} has "
                f"{other.num_classes} classes in {columns[1]} logits, the first one has "
                f"{first.num_classes} in {columns[0]}"
            )
        if other.exclusive != first.exclusive:
            raise ValueError(
                "classifiers must mean the same by a class: those of one exclude each other "
                f"(exclusive), those of another do not; member {index} is unlike the first"
            )


def join(classifiers: Sequence[Classifier], rule: Rule, exclusive: bool = True) -> Classifier:
    """Make one classifier of several that fit together.

    Args:
        classifiers: the members.
        rule: ``logits of each [n, b, m] -> logits [b, m or more]``; an equal one every time,
            or it compiles anew.
        exclusive: whether what the rule answers is of one class at most.

    Returns:
        A classifier whose ``params`` is the tuple of the members' params. The vector of a
        word is those of all members, one behind the other.
    """
    check_members(classifiers)
    first = classifiers[0]
    members = tuple(one.apply for one in classifiers)
    params = tuple(one.params for one in classifiers)
    tokens = _join_tokens([one.tokens for one in classifiers if one.tokens is not None], rule)
    apply = Bound(_answer, (rule, members))
    return Classifier(params, apply, first.input_shape, first.num_classes, tokens, exclusive)


def _answer(
    rule: Rule, members: tuple[Apply, ...], params: tuple[Params, ...], images: Images
) -> Logits:
    both = zip(members, params, strict=True)
    return rule(jnp.stack([member(one, images) for member, one in both]))


def _join_tokens(tokens: Sequence[Tokens], rule: Rule) -> Tokens | None:
    if not tokens:
        return None
    each = tuple(tokens)
    if any(one.embed is None for one in each):
        return Tokens(each[0].count)
    part = lambda function: Bound(function, (each,))
    return Tokens(each[0].count, part(_embed), Bound(_answer_embedded, (rule, each)), part(_table))


def _embed(tokens: tuple[Tokens, ...], params: tuple[Params, ...], ids: Array) -> Array:
    embeds = [cast(Callable, one.embed) for one in tokens]
    both = zip(embeds, params, strict=True)
    return jnp.concatenate([embed(one, ids) for embed, one in both], axis=-1)


def _table(tokens: tuple[Tokens, ...], params: tuple[Params, ...]) -> Array:
    return jnp.concatenate(_tables(tokens, params), axis=-1)


def _tables(tokens: tuple[Tokens, ...], params: tuple[Params, ...]) -> list[Array]:
    tables = [cast(Callable, one.table) for one in tokens]
    return [table(one) for table, one in zip(tables, params, strict=True)]


def _answer_embedded(
    rule: Rule, tokens: tuple[Tokens, ...], params: tuple[Params, ...], vectors: Array
) -> Logits:
    widths = [one.shape[-1] for one in jax.eval_shape(lambda all: _tables(tokens, all), params)]
    own = jnp.split(vectors, np.cumsum(widths)[:-1], axis=-1)
    answers = [cast(Callable, one.apply_embedded) for one in tokens]
    each = zip(answers, params, own, strict=True)
    return rule(jnp.stack([answer(one, mine) for answer, one, mine in each]))
