"""Whether an attack suits a network: what it changes, and where it goes."""

from typing import Any, Literal, TypeAlias

import jax
import numpy as np

from fooljax.types import Classifier

#: What an attack changes: numbers of pictures and the like; words, by asking the network; or
#: words, by the gradient with respect to their vectors.
Reads: TypeAlias = Literal["numbers", "words", "vectors"]


def check_reads(reads: Reads, classifier: Classifier) -> None:
    """Refuse a network whose inputs an attack cannot change.

    Raises:
        ValueError: naming attacks that can.
    """
    tokens = classifier.tokens
    if reads == "numbers" and tokens is not None:
        raise ValueError(
            "this attack changes numbers, such as pixels, and the network reads texts; take "
            "attacks.reduction, attacks.hotflip, attacks.coordinate or attacks.run_trigger"
        )
    if reads != "numbers" and tokens is None:
        raise ValueError(
            "this attack changes words, and the network does not read texts; take attacks.pgd or "
            "another that changes numbers"
        )
    if reads == "vectors" and (tokens is None or tokens.embed is None):
        raise ValueError(
            "this attack follows the gradient with respect to words' vectors, and the network "
            "offers none; take attacks.reduction(), which only asks it, or evolve texts"
        )


def check_target(budget: Any, classifier: Classifier) -> None:
    """Refuse to go toward a class that the network does not have.

    Args:
        budget: of the attack; of those that go toward a class it has a ``target``.
        classifier: the network.

    Raises:
        ValueError: naming the class.
    """
    target = getattr(budget, "target", -1)
    if isinstance(target, jax.core.Tracer):
        return
    largest, classes = np.max(np.asarray(target)), classifier.num_classes
    if largest >= classes:
        raise ValueError(
            f"target must be in [0, {classes}), a class of the network, or -1 for none, got "
            f"{largest:g}"
        )
