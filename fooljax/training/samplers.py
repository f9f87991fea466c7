"""Where a training step's batch comes from."""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from fooljax.attacks import Attack, leave
from fooljax.data import Dataset, as_float
from fooljax.types import Classifier, Images, RandomKey

Labels: TypeAlias = Int[Array, " b"]

#: ``(key, classifier, samples) -> (images [b, h, w, c] in [0, 1], labels [b])``.
#: It runs inside the compiled step and sees the classifier as it is at that
#: step, so that it may attack its own batch. Samples are a ``Dataset``, or one with what
#: the sampler needs beside it.
Sampler: TypeAlias = Callable[[RandomKey, Classifier, Any], tuple[Images, Labels]]


@functools.cache  # equal settings are the same function, and are compiled once
def minibatches(batch_size: int) -> Sampler:
    """Draw samples uniformly, with replacement.

    Args:
        batch_size: number of samples.

    Raises:
        ValueError: if ``batch_size`` is not positive.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be positive, got {batch_size}")

    def sample(key: RandomKey, classifier: Classifier, dataset: Dataset) -> tuple[Images, Labels]:
        index = jax.random.randint(key, (batch_size,), 0, dataset.size)
        return as_float(dataset.images[index]), dataset.labels[index]

    return sample


@functools.cache
def adversarial_minibatches(batch_size: int, attack: Attack, *, gated: bool = True) -> Sampler:
    """Draw samples uniformly and show what an attack makes of them.

    The attack has the weights of the step. It runs inside the compiled step, so up
    to ten of its steps are unrolled there on a CPU; more are slow.

    Args:
        batch_size: number of samples.
        attack: for ``leave`` goals, as ``pgd(0.3, 0.15, 3, random_start=True)``.
        gated: show a sample as it is while the network does not know it. From
            scratch and with large epsilons training on attacked samples alone
            tends to end at one answer for all images.

    Raises:
        ValueError: if ``batch_size`` is not positive.

    Source:
        Madry et al., 2018, arXiv:1706.06083. The gate is in the spirit of Zhang
        et al., 2020, arXiv:2002.11242 (friendly adversarial training).
    """
    draw = minibatches(batch_size)

    def sample(key: RandomKey, classifier: Classifier, dataset: Dataset) -> tuple[Images, Labels]:
        key_draw, key_attack = jax.random.split(key)
        images, labels = draw(key_draw, classifier, dataset)
        found = attack(key_attack, classifier, images, leave(labels)).images
        if gated:
            known = jnp.argmax(classifier(images), axis=1) == labels
            found = jax.vmap(jnp.where)(known, found, images)
        return found, labels

    return sample
