"""Networks that read texts: which defenses refuse them, and how the others keep their vectors."""

import dataclasses
from collections.abc import Callable
from typing import Any

from fooljax import checks
from fooljax.types import Bound, Classifier, Logits, Params, Tokens


def check_numbers(classifier: Classifier) -> Classifier:
    """Return a network that does not read texts.

    Raises:
        ValueError: naming defenses for one that does.
    """
    if checks.classifier(classifier).tokens is not None:
        raise ValueError(
            "this defense changes numbers, such as pixels, and the network reads texts; take "
            "defenses.known_words, or let several networks answer as one, defenses.ensemble"
        )
    return classifier


def answered(
    classifier: Classifier, params: Any, read: Callable[[Any, Logits], Logits]
) -> Classifier:
    """Let a network answer what is made of its logits.

    Args:
        classifier: the network.
        params: of the result, with the network's own as ``params.params``.
        read: ``(params, logits) -> logits``; an equal one every time, or it compiles anew.

    Returns:
        A classifier that offers vectors of texts as the network does.
    """
    part = lambda answer: Bound(_answered, (read, answer))
    tokens = classifier.tokens
    if tokens is not None and tokens.embed is not None:
        inside = lambda function: Bound(_inside, (function,))
        tokens = Tokens(
            tokens.count,
            inside(tokens.embed),
            part(tokens.apply_embedded),
            inside(tokens.table),
        )
    return dataclasses.replace(
        classifier, params=params, apply=part(classifier.apply), tokens=tokens
    )


def without_vectors(tokens: Tokens | None) -> Tokens | None:
    """Keep how many ids there are: attacks that follow no gradient ask for no more."""
    return None if tokens is None else Tokens(tokens.count)


def _answered(
    read: Callable[[Any, Logits], Logits],
    answer: Callable[[Params, Any], Logits],
    params: Any,
    inputs: Any,
) -> Logits:
    return read(params, answer(params.params, inputs))


def _inside(function: Callable, params: Any, *inputs: Any) -> Any:
    return function(params.params, *inputs)
