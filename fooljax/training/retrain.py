"""Retraining with fooling images as one more class."""

from dataclasses import replace
from typing import overload

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from fooljax import checks
from fooljax.data import Dataset, Stream
from fooljax.media import Pictures

#: What the extra class is called.
FOOLING = "fooling"


@overload
def with_fooling_class(dataset: Dataset, images: Array, capacity: int | None = None) -> Dataset: ...
@overload
def with_fooling_class(dataset: Stream, images: Array, capacity: int | None = None) -> Stream: ...
def with_fooling_class(
    dataset: Dataset | Stream, images: Array, capacity: int | None = None
) -> Dataset | Stream:
    """Append fooling images to a data set, as one class after all others.

    The network to be trained on it has one logit more than real classes, and its
    ``num_classes`` stays the number of the real ones, so that the new column rejects::

        network = models.build("lenet", key, shape, k, rejecting=1)
        network, _ = fit(key, network, with_fooling_class(dataset, images), **recipe._asdict())

    There is one such class, however often images are added: begin each round with
    the original data set and all fooling images so far. Rounds of one ``capacity``
    are trained by one compiled program.

    Args:
        dataset: ``n`` images of ``k`` classes, without padding, in memory or on disk;
            fooling images are held in memory either way.
        images: fooling images ``[m, h, w, c]``, uint8 or floating in [0, 1], possibly
            none. They take the type of the data set: in one of bytes they are
            rounded, as a picture file would.
        capacity: number of rows, those beyond ``n + m`` being padding that is never
            drawn; ``n + m`` unless given. On disk nothing is padded: there the number
            compiles nothing.

    Returns:
        The enlarged data set, of ``k + 1`` classes.

    Raises:
        ValueError: if the fooling images are not images of that shape and type, hold
            NaN or values outside [0, 1], or do not fit into ``capacity``; if the
            data set has a fooling class already, or padding.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 3.6 (one extra class for all
        rounds).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> dataset = fj.data.load("digits").train
        >>> fooling = jax.numpy.zeros((20, *dataset.images.shape[1:]))
        >>> larger = fj.training.with_fooling_class(dataset, fooling)
        >>> len(larger.labels) - len(dataset.labels), len(larger.class_names)
        (20, 11)
    """
    if not isinstance(dataset, Dataset | Stream):
        checks.kind("dataset", dataset, Dataset, "data.from_arrays makes one")
    padded = not isinstance(dataset, Stream) and dataset.used is not None
    if padded or FOOLING in dataset.class_names:
        raise ValueError(
            "the dataset has padding or a fooling class already; begin with the original one"
        )
    extra = _checked(dataset, np.asarray(checks.array("images", images)))
    count = len(dataset.labels) + len(extra)
    capacity = count if capacity is None else checks.count("capacity", capacity)
    if capacity < count:
        raise ValueError(f"capacity must be at least {count} to hold all images, got {capacity}")
    label, names = dataset.num_classes, (*dataset.class_names, FOOLING)
    if isinstance(dataset, Stream):
        labels = np.append(dataset.labels, np.full(len(extra), label, np.int32))
        return replace(dataset, files=(*dataset.files, *extra), labels=labels, class_names=names)
    padding = np.zeros((capacity - count, *dataset.input_shape), extra.dtype)
    labels = np.full(capacity - len(dataset.labels), label, np.int32)
    return Dataset(
        images=jnp.concatenate([jnp.asarray(dataset.images), extra, padding]),
        labels=jnp.concatenate([jnp.asarray(dataset.labels, jnp.int32), labels]),
        class_names=names,
        used=jnp.int32(count),
        medium=dataset.medium if isinstance(dataset, Dataset) else Pictures(),
    )


def _checked(dataset: Dataset | Stream, images: np.ndarray) -> np.ndarray:
    """Return fooling images in the type of the data set, or say what is wrong with them."""
    if not images.ndim or images.shape[1:] != dataset.input_shape:
        axes = (
            "[m, h, w, c] with (h, w, c)"
            if len(dataset.input_shape) == 3
            else "[m, *shape] with shape"
        )
        raise ValueError(
            f"fooling images must be {axes} = {dataset.input_shape}, "
            f"got {images.shape if images.ndim else checks.shown(images)}"
        )
    if isinstance(dataset, Dataset) and dataset.images.dtype == np.int32:
        return np.asarray(checks.whole(images, "fooling texts"))
    bytes_wanted = isinstance(dataset, Stream) or dataset.images.dtype == np.uint8
    if images.dtype == np.uint8:
        return images if bytes_wanted else images.astype(np.float32) / np.float32(255)
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"fooling images must be uint8 or floating, got {images.dtype}")
    images = np.asarray(checks.in_unit_interval(images, "fooling images"))
    if bytes_wanted:
        return np.round(images * 255.0).astype(np.uint8)
    return images.astype(np.float32)
