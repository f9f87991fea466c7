"""Retraining with fooling images as one more class."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from fooljax.data import Dataset

#: What the extra class is called.
FOOLING = "fooling"


def with_fooling_class(dataset: Dataset, images: Array, capacity: int | None = None) -> Dataset:
    """Append fooling images to a data set, as one class after all others.

    The network to be trained on it has one logit more than real classes, and its
    ``num_classes`` stays the number of the real ones, so that the new column rejects::

        network = models.build("lenet", key, shape, k, rejecting=1)
        network, _ = fit(key, network, with_fooling_class(dataset, images), **recipe._asdict())

    There is one such class, however often images are added: begin each round with
    the original data set and all fooling images so far. Rounds of one ``capacity``
    are trained by one compiled program.

    Args:
        dataset: ``n`` images of ``k`` classes, without padding.
        images: fooling images ``[m, h, w, c]``, uint8 or floating in [0, 1], possibly
            none. They take the type of the data set: in one of bytes they are
            rounded, as a picture file would.
        capacity: number of rows, those beyond ``n + m`` being padding that is never
            drawn; ``n + m`` unless given.

    Returns:
        The enlarged data set, of ``k + 1`` classes.

    Raises:
        ValueError: if the fooling images are not images of that shape and type, hold
            NaN or values outside [0, 1], or do not fit into ``capacity``; if the
            data set has a fooling class already, or padding.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 3.6 (one extra class for all
        rounds).
    """
    if dataset.used is not None or FOOLING in dataset.class_names:
        raise ValueError(
            "the data set has padding or a fooling class already; begin with the original one"
        )
    extra = _checked(dataset, np.asarray(images))
    count = len(dataset.labels) + len(extra)
    capacity = count if capacity is None else capacity
    if capacity < count:
        raise ValueError(f"capacity must be at least {count} to hold all images, got {capacity}")
    label = dataset.num_classes
    padding = np.zeros((capacity - count, *dataset.input_shape), extra.dtype)
    labels = np.full(capacity - len(dataset.labels), label, np.int32)
    return Dataset(
        images=jnp.concatenate([jnp.asarray(dataset.images), extra, padding]),
        labels=jnp.concatenate([jnp.asarray(dataset.labels, jnp.int32), labels]),
        class_names=(*dataset.class_names, FOOLING),
        used=jnp.int32(count),
    )


def _checked(dataset: Dataset, images: np.ndarray) -> np.ndarray:
    """Return fooling images in the type of the data set, or say what is wrong with them."""
    if images.ndim != 4 or images.shape[1:] != dataset.input_shape:
        raise ValueError(
            f"fooling images must be [m, h, w, c] with (h, w, c) = {dataset.input_shape}, "
            f"got {images.shape}"
        )
    bytes_wanted = dataset.images.dtype == np.uint8
    if images.dtype == np.uint8:
        return images if bytes_wanted else images.astype(np.float32) / np.float32(255)
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"fooling images must be uint8 or floating, got {images.dtype}")
    outside = ~((images >= 0.0) & (images <= 1.0))
    if outside.any():
        index = int(np.argmax(outside.any(axis=(1, 2, 3))))
        value = float(images[index][outside[index]][0])
        raise ValueError(
            f"fooling images must be in [0, 1] without NaN, got {value:g} in image {index}"
        )
    if bytes_wanted:
        return np.round(images * 255.0).astype(np.uint8)
    return images.astype(np.float32)
