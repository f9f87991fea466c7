"""How often a classifier is right."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fooljax import checks, interrupts
from fooljax.data import Dataset, Pictures, Stream, as_input, at_once, in_turn
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

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> dataset = fj.data.load("digits").train
        >>> network = fj.models.build("softmax", jax.random.key(0), dataset.images.shape[1:], 10)
        >>> fj.training.predict(network, dataset.images[:5]).shape
        (5,)
    """
    checks.classifier(classifier)
    if batch_size is None:
        batch_size = at_once(classifier.input_shape)
    batch_size = checks.count("batch_size", batch_size)
    if isinstance(images, Stream):
        checks.shape_of_images((len(images), *images.input_shape), classifier.input_shape)
    else:
        images = jnp.asarray(checks.inputs(images, classifier))
    n = len(images)
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
        ValueError: as ``predict``, and for a label that the network never answers.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> dataset = fj.data.load("digits").train
        >>> network = fj.models.build("softmax", jax.random.key(0), dataset.images.shape[1:], 10)
        >>> 0.0 <= fj.training.evaluate(network, dataset) <= 1.0
        True
    """
    labels = _labels(classifier, dataset)
    images = dataset if isinstance(dataset, Stream) else dataset.images
    right = predict(classifier, images, batch_size, on_batch) == labels
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
        ValueError: as ``evaluate``.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> dataset = fj.data.load("digits").train
        >>> network = fj.models.build("softmax", jax.random.key(0), dataset.images.shape[1:], 10)
        >>> fj.training.evaluate_classes(network, dataset).shape
        (10,)
    """
    labels = _labels(classifier, dataset)[: int(dataset.size)]
    images = dataset if isinstance(dataset, Stream) else dataset.images
    right = predict(classifier, images, batch_size)[: len(labels)] == labels
    shares = [right[labels == label] for label in range(classifier.num_classes)]
    return np.array([share.mean() if share.size else np.nan for share in shares])


def _labels(classifier: Classifier, dataset: Any) -> np.ndarray:
    """Return the labels of a data set, which the network can answer."""
    if not isinstance(dataset, Dataset | Stream):
        raise ValueError(
            f"dataset must be a Dataset or a Stream, got {checks.shown(dataset)}; "
            "data.from_arrays(images, labels) makes one"
        )
    labels = np.asarray(dataset.labels)
    columns = checks.columns(checks.classifier(classifier))
    return np.asarray(checks.labels(labels, len(labels), columns, "the dataset's labels"))


@partial(jax.jit, static_argnames="size")
def _predict(
    classifier: Classifier, images: Array, start: Int[Array, ""], size: int
) -> Int[Array, " size"]:
    """Classify ``size`` images from number ``start`` on."""
    logits = classifier(as_input(jax.lax.dynamic_slice_in_dim(images, start, size)))
    broken = jnp.any(jnp.isnan(logits), axis=1)
    return jnp.where(broken, -1, jnp.argmax(logits, axis=1))
