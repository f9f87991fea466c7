"""Where a training step's batch comes from."""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from fooljax.types import Classifier, Images, RandomKey

Labels: TypeAlias = Int[Array, " b"]

#: ``(key, classifier, dataset) -> (images [b, h, w, c] in [0, 1], labels [b])``.
#: It runs inside the compiled step and sees the classifier as it is at that
#: step, so that it may attack its own batch. ``dataset`` is a pytree with
#: ``images``, uint8 or float32 ``[n, h, w, c]``, and ``labels``, int ``[n]``.
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

    def sample(key: RandomKey, classifier: Classifier, dataset: Any) -> tuple[Images, Labels]:
        index = jax.random.randint(key, (batch_size,), 0, dataset.labels.shape[0])
        return as_pixels(dataset.images[index]), dataset.labels[index]

    return sample


def as_pixels(images: UInt8[Array, "b h w c"] | Float[Array, "b h w c"]) -> Images:
    """Bring stored images to float32 in [0, 1]: bytes are divided by 255."""
    scale = 255.0 if images.dtype == jnp.uint8 else 1.0
    return images.astype(jnp.float32) / scale
