"""Several networks that answer as one."""

import functools
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax import metrics
from fooljax.types import Classifier, Images, Logits, Params

Combine: TypeAlias = Literal["probabilities", "logits", "log_probabilities", "margins"]

_READINGS: dict[str, Callable[[Logits], Array]] = {
    "probabilities": metrics.log_probabilities,
    "logits": lambda logits: logits,
    "log_probabilities": metrics.log_probabilities,
    "margins": metrics.margins,
}


def _apply(
    params: tuple[Params, ...],
    images: Images,
    members: tuple[Callable[[Params, Images], Logits], ...],
    combine: Combine,
) -> Logits:
    read = _READINGS[combine]
    each = jnp.stack(
        [read(member(one, images)) for member, one in zip(members, params, strict=True)]
    )
    if combine == "probabilities":
        return jax.nn.logsumexp(each, axis=0) - jnp.log(len(members))
    return jnp.mean(each, axis=0)


@functools.cache
def _joint(members: tuple[Callable, ...], combine: Combine) -> Callable[[Params, Images], Logits]:
    """Equal members give the same function, so that equal ensembles share a compilation."""
    return functools.partial(_apply, members=members, combine=combine)


def ensemble(classifiers: Sequence[Classifier], combine: Combine = "probabilities") -> Classifier:
    """Let several networks answer as one, by the mean of what each says.

    As a defense: the mean of ``probabilities`` or of ``logits``. As the thing to
    attack when several networks are to be fooled by one image: the mean of
    ``log_probabilities`` (the joint cross-entropy) or of ``margins`` (each class's
    lead over the best of the others) does not go blind where one member is already
    certain.

    Args:
        classifiers: one or more of equal image shape and number of classes; the
            logits too must have equally many columns. Architectures may differ.
        combine: what the mean is taken of. The logits of the result are the
            logarithm of the mean probability, or the mean itself.

    Returns:
        A classifier whose ``params`` is the tuple of the members' params.

    Raises:
        ValueError: if there is no classifier, they do not fit together, or
            ``combine`` is unknown.

    Source:
        Liu et al., 2017, arXiv:1611.02770 (attacking an ensemble); Tramer et al.,
        2020, arXiv:2002.08347, section on ensembles (which mean to attack).
    """
    if combine not in _READINGS:
        raise ValueError(f"combine must be one of {', '.join(_READINGS)}, got {combine!r}")
    if not classifiers:
        raise ValueError("an ensemble needs at least one classifier")
    first = classifiers[0]
    images = jax.ShapeDtypeStruct((1, *first.input_shape), jnp.float32)
    for index, other in enumerate(classifiers):
        if tuple(other.input_shape) != tuple(first.input_shape):
            raise ValueError(
                f"member {index} takes images {tuple(other.input_shape)}, the first one takes "
                f"{tuple(first.input_shape)}"
            )
        columns = [jax.eval_shape(one, images).shape[1] for one in (first, other)]
        if other.num_classes != first.num_classes or columns[0] != columns[1]:
            raise ValueError(
                f"member {index} has {other.num_classes} classes in {columns[1]} logits, the first "
                f"one has {first.num_classes} in {columns[0]}"
            )
    members = tuple(one.apply for one in classifiers)
    params = tuple(one.params for one in classifiers)
    return Classifier(params, _joint(members, combine), first.input_shape, first.num_classes)
