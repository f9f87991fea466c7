"""Answers of one function with the gradient of another, for attacks on what has no useful one."""

import dataclasses
from collections.abc import Callable

import jax
from jaxtyping import Array

from fooljax import checks
from fooljax.defenses.reads import check_numbers
from fooljax.types import Bound, Classifier, Images, Logits, Params


def straight_through(exact: Array, soft: Array) -> Array:
    """Return ``exact`` to the last bit, with the gradient of ``soft``.

    Example:
        >>> import jax
        >>> from fooljax.defenses import straight_through
        >>> jax.grad(lambda x: straight_through(jax.numpy.round(x), x))(0.3).item()
        1.0
    """
    return jax.lax.stop_gradient(exact) + (soft - jax.lax.stop_gradient(soft))


def with_gradient_of(
    classifier: Classifier, stand_in: Callable[[Params, Images], Logits]
) -> Classifier:
    """Answer as a classifier does, with the gradient of another function of its weights.

    Attacks then follow the stand-in, and are judged, stopped and kept by the answer
    that counts. So an ensemble that averages probabilities, whose gradient is blind
    to the members that are still far from being fooled, is attacked by the mean of
    log-probabilities::

        joint = ensemble(members)
        with_gradient_of(joint, ensemble(members, "log_probabilities").apply)

    Args:
        classifier: what is to be fooled.
        stand_in: what gradients are taken through, ``(params, images) -> logits`` with
            the classifier's own params and columns; an equal one every time, or it
            compiles anew.

    Raises:
        ValueError: if the network reads texts, whose gradient is that of their vectors.

    Source:
        Athalye et al., 2018, arXiv:1802.00420, section 4.1 (backward pass
        differentiable approximation).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> networks = [fj.models.build("softmax", jax.random.key(i), (4, 4, 1), 3) for i in (0, 1)]
        >>> images = jax.random.uniform(jax.random.key(2), (5, 4, 4, 1))
        >>> whole = fj.defenses.ensemble(networks)
        >>> joint = fj.defenses.ensemble(networks, "log_probabilities")
        >>> followed = fj.defenses.with_gradient_of(whole, joint.apply)
        >>> bool((followed(images) == whole(images)).all())
        True
    """
    check_numbers(classifier)
    if isinstance(stand_in, Classifier):
        raise ValueError("stand_in must be a function of (params, images); give network.apply")
    checks.function("stand_in", stand_in, "(params, images) -> logits")
    return dataclasses.replace(classifier, apply=Bound(_apply, (classifier.apply, stand_in)))


def _apply(
    exact: Callable[[Params, Images], Logits],
    soft: Callable[[Params, Images], Logits],
    params: Params,
    images: Images,
) -> Logits:
    return straight_through(exact(params, images), soft(params, images))
