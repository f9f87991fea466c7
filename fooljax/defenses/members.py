"""What all rules that let several networks answer as one have in common."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.types import Bound, Classifier, Images, Logits, Params

Apply: TypeAlias = Callable[[Params, Images], Logits]


def check_members(classifiers: Sequence[Classifier]) -> None:
    """Refuse networks that cannot answer as one.

    Raises:
        ValueError: if there is no classifier, or they differ in image shape, number
            of classes or columns of the logits.
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
        columns = [checks.columns(one) for one in (first, other)]
        if other.num_classes != first.num_classes or columns[0] != columns[1]:
            raise ValueError(
                f"classifiers must have the same classes and logits, but member {index} has "
                f"{other.num_classes} classes in {columns[1]} logits, the first one has "
                f"{first.num_classes} in {columns[0]}"
            )


def join(classifiers: Sequence[Classifier], rule: Bound) -> Classifier:
    """Make one classifier of several that fit together.

    Args:
        classifiers: the members.
        rule: ``(members' functions, members' params, images) -> logits``.

    Returns:
        A classifier whose ``params`` is the tuple of the members' params.
    """
    check_members(classifiers)
    first = classifiers[0]
    members = tuple(one.apply for one in classifiers)
    params = tuple(one.params for one in classifiers)
    apply = Bound(rule.function, (*rule.given, members))
    return Classifier(params, apply, first.input_shape, first.num_classes)


def each_logits(
    members: tuple[Apply, ...], params: tuple[Params, ...], images: Images
) -> Float[Array, "n b m"]:
    """Return what every member says."""
    return jnp.stack([member(one, images) for member, one in zip(members, params, strict=True)])
