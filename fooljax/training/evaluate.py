"""How often a classifier is right."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fooljax.data import Dataset, as_float
from fooljax.types import Classifier

_PIXELS_AT_ONCE = 2**23  # 500 images of 64x64, 55 of 224x224, in three channels


def predict(
    classifier: Classifier, images: Array, batch_size: int | None = None
) -> Int[np.ndarray, " n"]:
    """Find the largest logit of every image.

    Args:
        classifier: any classifier.
        images: uint8, or float32 in [0, 1], ``[n, h, w, c]``.
        batch_size: images at a time; decides memory and speed only. 500, or fewer
            large ones, unless given.

    Returns:
        For every image the column of its largest logit, which from
        ``num_classes`` on means "none of these"; -1 where a logit is NaN.

    Raises:
        ValueError: if ``batch_size`` is not positive or there are no images.
    """
    if batch_size is None:
        batch_size = max(1, min(500, _PIXELS_AT_ONCE // math.prod(classifier.input_shape)))
    if batch_size < 1:
        raise ValueError(f"batch_size must be positive, got {batch_size}")
    n = len(images)
    if n == 0:
        raise ValueError("there are no images to classify")
    size = min(batch_size, n)
    images = jnp.asarray(images)
    # The last batch begins earlier rather than being shorter: one compilation.
    starts = [min(start, n - size) for start in range(0, n, size)]
    batches = jax.device_get([_predict(classifier, images, start, size) for start in starts])
    predictions = np.empty(n, np.int32)
    for start, batch in zip(starts, batches, strict=True):
        predictions[start : start + size] = batch
    return predictions


def evaluate(classifier: Classifier, dataset: Dataset, batch_size: int | None = None) -> float:
    """Measure the share of a data set that is classified correctly, in [0, 1].

    Args:
        classifier: any classifier.
        dataset: labeled images.
        batch_size: images at a time; decides memory and speed only. 500, or fewer
            large ones, unless given.

    Raises:
        ValueError: if ``batch_size`` is not positive or there are no images.
    """
    right = predict(classifier, dataset.images, batch_size) == np.asarray(dataset.labels)
    return float(np.mean(right[: int(dataset.size)]))


def evaluate_classes(
    classifier: Classifier, dataset: Dataset, batch_size: int | None = None
) -> Float[np.ndarray, " k"]:
    """Measure for every class the share of its samples classified correctly.

    Args:
        classifier: any classifier.
        dataset: labeled images.
        batch_size: images at a time; decides memory and speed only. 500, or fewer
            large ones, unless given.

    Returns:
        A share in [0, 1] for each of ``num_classes``; NaN without samples.

    Raises:
        ValueError: if ``batch_size`` is not positive or there are no images.
    """
    labels = np.asarray(dataset.labels)[: int(dataset.size)]
    right = predict(classifier, dataset.images, batch_size)[: len(labels)] == labels
    shares = [right[labels == label] for label in range(classifier.num_classes)]
    return np.array([share.mean() if share.size else np.nan for share in shares])


@partial(jax.jit, static_argnames="size")
def _predict(
    classifier: Classifier, images: Array, start: Int[Array, ""], size: int
) -> Int[Array, " size"]:
    """Classify ``size`` images from number ``start`` on."""
    logits = classifier(as_float(jax.lax.dynamic_slice_in_dim(images, start, size)))
    broken = jnp.any(jnp.isnan(logits), axis=1)
    return jnp.where(broken, -1, jnp.argmax(logits, axis=1))
