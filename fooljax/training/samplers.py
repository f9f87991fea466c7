"""Where a training step's batch comes from."""

import functools
from collections.abc import Callable
from typing import TypeAlias

import jax
from jaxtyping import Array, Int

from fooljax.data import Dataset, as_float
from fooljax.types import Classifier, Images, RandomKey

Labels: TypeAlias = Int[Array, " b"]

#: ``(key, classifier, dataset) -> (images [b, h, w, c] in [0, 1], labels [b])``.
#: It runs inside the compiled step and sees the classifier as it is at that
#: step, so that it may attack its own batch.
Sampler: TypeAlias = Callable[[RandomKey, Classifier, Dataset], tuple[Images, Labels]]


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
        index = jax.random.randint(key, (batch_size,), 0, dataset.labels.shape[0])
        return as_float(dataset.images[index]), dataset.labels[index]

    return sample
