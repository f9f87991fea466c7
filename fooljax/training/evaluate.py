"""How often a classifier is right."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fooljax import interrupts
from fooljax.data import Dataset, Pictures, Stream, as_float, at_once, in_turn
from fooljax.types import Classifier


def predict(
    classifier: Classifier,
    images: Pictures,
    batch_size: int | None = None,
    on_batch: Callable[[int], None] | None = None,
) -> Int[np.ndarray, " n"]:
    """Find the largest logit of every image.

    Args:
        classifier: any classifier.
        images: uint8, or float32 in [0, 1], ``[n, h, w, c]``; or a stream, of which at
            most two batches are sent to the device at once.
        batch_size: images at a time; decides memory and speed only. 500, or fewer
            large ones, unless given.
        on_batch: called with the number of images sent off so far.

    Returns:
        For every image the column of its largest logit, which from
        ``num_classes`` on means "none of these"; -1 where a logit is NaN.

    Raises:
        ValueError: if ``batch_size`` is not positive, there are no images, or those of a
            stream do not suit the classifier or are broken.
    """
    if batch_size is None:
        batch_size = at_once(classifier.input_shape)
    if batch_size < 1:
        raise ValueError(f"batch_size must be positive, got {batch_size}")
    n = len(images)
    if n == 0:
        raise ValueError("there are no images to classify")
    if isinstance(images, Stream) and images.input_shape != classifier.input_shape:
        raise ValueError(
            f"the classifier takes images {classifier.input_shape}, those of the stream are "
            f"{images.input_shape}"
        )
    size = min(batch_size, n)
    found: list[tuple[int, Array]] = []
    for start, held, place in in_turn(images, batch_size):
        interrupts.check()
        waiting = 1 if isinstance(images, Stream) else 2
        if len(found) >= waiting:
            found[-waiting][1].block_until_ready()
        found.append((start, _predict(classifier, held, place, size)))
        if on_batch is not None:
            on_batch(start + size)
    predictions = np.empty(n, np.int32)
    for start, batch in jax.device_get(found):
        predictions[start : start + size] = batch
    return predictions


def evaluate(
    classifier: Classifier,
    dataset: Dataset | Stream,
    batch_size: int | None = None,
    on_batch: Callable[[int], None] | None = None,
) -> float:
    """Measure the share of a data set that is classified correctly, in [0, 1].

    Args:
        classifier: any classifier.
        dataset: labeled images, in memory or on disk.
        batch_size: images at a time; decides memory and speed only. 500, or fewer
            large ones, unless given.
        on_batch: called with the number of images sent off so far.

    Raises:
        ValueError: as ``predict``.
    """
    images = dataset if isinstance(dataset, Stream) else dataset.images
    right = predict(classifier, images, batch_size, on_batch) == np.asarray(dataset.labels)
    return float(np.mean(right[: int(dataset.size)]))


def evaluate_classes(
    classifier: Classifier, dataset: Dataset | Stream, batch_size: int | None = None
) -> Float[np.ndarray, " k"]:
    """Measure for every class the share of its samples classified correctly.

    Args:
        classifier: any classifier.
        dataset: labeled images, in memory or on disk.
        batch_size: images at a time; decides memory and speed only. 500, or fewer
            large ones, unless given.

    Returns:
        A share in [0, 1] for each of ``num_classes``; NaN without samples.

    Raises:
        ValueError: as ``predict``.
    """
    labels = np.asarray(dataset.labels)[: int(dataset.size)]
    images = dataset if isinstance(dataset, Stream) else dataset.images
    right = predict(classifier, images, batch_size)[: len(labels)] == labels
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
