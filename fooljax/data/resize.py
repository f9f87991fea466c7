"""Images of one size: checked, or made so."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from fooljax.data.dataset import Dataset


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize one image smoothly (bicubic, antialiased), each channel on its own.

    Args:
        image: ``[h, w, c]``, uint8 or float32 in [0, 1].
        size: new ``(h, w)`` in pixels.

    Returns:
        ``[*size, c]`` of the same type, in the same range.
    """
    from PIL import Image

    if image.shape[:2] == size:
        return image
    height, width = size
    channels = [
        np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC))
        for channel in np.ascontiguousarray(image.transpose(2, 0, 1))
    ]
    resized = np.stack(channels, axis=-1)
    return resized if image.dtype == np.uint8 else resized.clip(0.0, 1.0)


def shrink(images: np.ndarray, side: int) -> np.ndarray:
    """Reduce images to at most ``side`` pixels, smoothly; smaller ones stay as they are.

    Args:
        images: ``[..., h, w, c]``, uint8 or float32 in [0, 1].
        side: most pixels of the longer side.

    Returns:
        Images of the same type and proportions.
    """
    *axes, height, width, channels = images.shape
    scale = side / max(height, width)
    if scale >= 1.0:
        return images
    size = max(1, round(scale * height)), max(1, round(scale * width))
    flat = images.reshape(-1, height, width, channels)
    result = np.empty((len(flat), *size, channels), images.dtype)
    for i, image in enumerate(flat):
        result[i] = resize(image, size)
    return result.reshape(*axes, *size, channels)


def resize_dataset(dataset: Dataset, size: tuple[int, int]) -> Dataset:
    """Resize every image to ``size``, ``(h, w)`` in pixels."""
    images = np.stack([resize(image, size) for image in np.asarray(dataset.images)])
    return dataclasses.replace(dataset, images=jnp.asarray(images))


def stack(
    images: Sequence[np.ndarray], names: Sequence[str], size: tuple[int, int] | None
) -> np.ndarray:
    """Stack images ``[h, w, c]`` to ``[n, h, w, c]``.

    Args:
        images: the images.
        names: what to call each in an error.
        size: ``(h, w)`` in pixels to resize to; None requires equal sizes.

    Raises:
        ValueError: if sizes differ and ``size`` is None; it names the first
            image that is not of the most common size.
    """
    if size is not None:
        return np.stack([resize(image, size) for image in images])
    (usual, _), *others = Counter(image.shape[:2] for image in images).most_common()
    if others:
        odd = next(i for i, image in enumerate(images) if image.shape[:2] != usual)
        height, width = images[odd].shape[:2]
        raise ValueError(
            f"{names[odd]}: is {height}x{width} pixels while most are {usual[0]}x{usual[1]}; "
            "give one size with --image-size HEIGHT WIDTH"
        )
    return np.stack(images)
