"""Several networks that answer as one, by the mean of what each says."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks, metrics
from fooljax.defenses.members import check_members, join
from fooljax.types import Bound, Classifier, Logits

Combine: TypeAlias = Literal["probabilities", "logits", "log_probabilities", "margins"]

_READINGS: dict[str, Callable[[Logits], Array]] = {
    "logits": lambda logits: logits,
    "log_probabilities": metrics.log_probabilities,
    "margins": metrics.margins,
}


def _mean(
    combine: Combine, num_classes: int, exclusive: bool, logits: Float[Array, "n b m"]
) -> Logits:
    if combine == "probabilities":
        return metrics.mean_probability(logits, num_classes, exclusive)
    if exclusive or combine == "logits":
        return jnp.mean(_READINGS[combine](logits), axis=0)
    return jnp.mean(metrics.against_none(logits, num_classes), axis=0)


def ensemble(classifiers: Sequence[Classifier], combine: Combine = "probabilities") -> Classifier:
    """Let several networks answer as one, by the mean of what each says.

    As a defense: the mean of ``probabilities`` or of ``logits``. As the thing to
    attack when several networks are to be fooled by one image: the mean of
    ``log_probabilities`` (the joint cross-entropy) or of ``margins`` (each class's
    lead over the best of the others) does not go blind where one member is already
    certain; ``with_gradient_of`` attacks the one by the gradient of the other.

    Where classes do not exclude each other, a probability is the score of each by itself, and
    the last two are its log-odds.

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

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> networks = [fj.models.build("softmax", jax.random.key(i), (4, 4, 1), 3) for i in (0, 1)]
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> whole = fj.defenses.ensemble(networks)
        >>> mean = sum(fj.metrics.probabilities(one(images)) for one in networks) / 2
        >>> bool(jax.numpy.allclose(fj.metrics.probabilities(whole(images)), mean, atol=1e-6))
        True
    """
    checks.choice("combine", combine, ("probabilities", *_READINGS))
    check_members(classifiers)
    first = classifiers[0]
    rule = Bound(_mean, (combine, first.num_classes, first.exclusive))
    return join(classifiers, rule, first.exclusive)
