"""Further columns for a network that has its weights already: a class for what fools it."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax import checks
from fooljax.models.classifier import from_flax, init_flax
from fooljax.models.flax_apply import FlaxApply
from fooljax.types import Classifier, RandomKey


def widen(classifier: Classifier, rejecting: int = 1) -> Classifier:
    """Add logits that mean "none of these", as ``build(..., rejecting=1)`` has them.

    The last layer's weights and bias of a new logit are the means of those of all others.
    So the old logits stay what they were, and the new one is their mean, or less where a
    ReLU follows: it is never the largest, takes at most an even share of the probability
    (by Jensen's inequality), and has a gradient from the first step of training on.

    Args:
        classifier: a Flax module whose attribute ``outputs`` is the number of its logits,
            as all of ``NETWORKS``.
        rejecting: how many logits to add.

    Returns:
        The network with as many real classes, and that many further columns.

    Raises:
        ValueError: if the network is no such module, or ``rejecting`` is not positive.

    Example:
        >>> import jax
        >>> from fooljax import models
        >>> network = models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> wider = models.widen(network)
        >>> wider.num_classes, wider(jax.numpy.zeros((1, 4, 4, 1))).shape
        (3, (1, 4))
    """
    checks.kind("classifier", classifier, Classifier)
    rejecting = checks.count("rejecting", rejecting)
    module = classifier.apply.module if isinstance(classifier.apply, FlaxApply) else None
    outputs = getattr(module, "outputs", None)
    if module is None or not isinstance(outputs, int):
        raise ValueError(
            "classifier must be a Flax module with an attribute outputs, how many logits it has, "
            "as one of models.build or models.load_published; widen it before crops or defenses"
        )
    wider = module.clone(outputs=outputs + rejecting)

    def draw(key: RandomKey) -> Any:
        return init_flax(key, wider, classifier.input_shape, classifier.num_classes).params

    wanted = jax.eval_shape(draw, jax.random.key(0))

    def grown(leaf: Any, new: Any) -> Any:
        if leaf.shape == new.shape:
            return leaf
        mean: Array = jnp.mean(leaf, axis=-1, keepdims=True)
        return jnp.concatenate([leaf, *[mean] * rejecting], axis=-1)

    params = jax.tree.map(grown, classifier.params, wanted)
    wide = from_flax(wider, params, classifier.input_shape, classifier.num_classes)
    return dataclasses.replace(wide, exclusive=classifier.exclusive)
