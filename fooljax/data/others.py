"""Images of another kind than those that a network knows."""

import numpy as np
from jaxtyping import UInt8

from fooljax.data.loading import load
from fooljax.data.resize import resize

PHOTOGRAPHS = "photographs"
_PIECE = 112  # pixels of a photograph's side that become one image
_STRIDE = 28
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def load_others(
    name: str, shape: tuple[int, ...], data_dir: str | None = None, most: int = 1000
) -> UInt8[np.ndarray, "n h w c"]:
    """Load images to be taken for nothing, in the size that a network takes.

    Args:
        name: ``photographs``, overlapping pieces of the two pictures that come with
            scikit-learn; or a data set, a folder or an ``.npz`` file as for ``load``,
            whose test images are taken.
        shape: ``(h, w, c)`` of the network's images. Color becomes grey, and grey
            is repeated, where need be. Sounds and videos must have the shape.
        data_dir: as for ``load``.
        most: largest number of images; they are taken evenly from all.

    Raises:
        ValueError, OSError: as ``load``, if color cannot be had or left out, or if
            sounds or videos have another shape.

    Example:
        >>> from fooljax import data
        >>> data.load_others("photographs", (8, 8, 1), most=10).shape
        (10, 8, 8, 1)
    """
    if len(shape) != 3:
        return _of_shape(name, shape, data_dir, most)
    height, width, channels = shape
    if name == PHOTOGRAPHS:
        images = _pieces((height, width))
    else:
        images = np.asarray(load(name, data_dir, (height, width)).test.images)
    chosen = images[np.linspace(0, len(images) - 1, min(most, len(images))).astype(int)]
    if chosen.dtype != np.uint8:
        chosen = np.round(chosen * 255.0).astype(np.uint8)
    return _with_channels(chosen, channels)


def _of_shape(name: str, shape: tuple[int, ...], data_dir: str | None, most: int) -> np.ndarray:
    """Load sounds or videos, which are neither cut nor resized."""
    if name == PHOTOGRAPHS:
        raise ValueError(f"{name} are pictures, and the network takes inputs {shape}; leave it out")
    test = load(name, data_dir).test
    if test.input_shape != shape:
        raise ValueError(
            f"{name} has inputs {test.input_shape}, and the network takes {shape}; give another set"
        )
    images = np.asarray(test.images)
    return images[np.linspace(0, len(images) - 1, min(most, len(images))).astype(int)]


def _pieces(size: tuple[int, int]) -> UInt8[np.ndarray, "n h w 3"]:
    from sklearn.datasets import load_sample_images

    return np.stack(
        [
            resize(picture[row : row + _PIECE, column : column + _PIECE], size)
            for picture in load_sample_images().images
            for row in range(0, picture.shape[0] - _PIECE + 1, _STRIDE)
            for column in range(0, picture.shape[1] - _PIECE + 1, _STRIDE)
        ]
    )


def _with_channels(images: np.ndarray, channels: int) -> UInt8[np.ndarray, "n h w c"]:
    if images.shape[3] == channels:
        return images
    if channels == 1 and images.shape[3] == 3:
        return np.round(images @ _LUMINANCE)[..., None].astype(np.uint8)
    if images.shape[3] == 1:
        return np.repeat(images, channels, axis=3)
    raise ValueError(f"images of {images.shape[3]} channels cannot be shown as {channels}")
