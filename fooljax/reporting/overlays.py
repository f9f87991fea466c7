"""Maps drawn over the images that they belong to."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax.reporting.checks import as_images, as_numbers

_FOR, _AGAINST = np.array((0.80, 0.05, 0.05)), np.array((0.05, 0.20, 0.85))


def in_color(images: ArrayLike) -> NDArray[np.float32]:
    """Return images with three channels, those with one as greys.

    Args:
        images: ``[..., h, w, c]`` in [0, 1], ``c`` 1 or 3.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> reporting.in_color(np.zeros((2, 4, 4, 1))).shape
        (2, 4, 4, 3)
    """
    pixels = np.asarray(images, np.float32)
    return pixels if pixels.shape[-1] == 3 else np.repeat(pixels, 3, axis=-1)


def overlay(images: ArrayLike, maps: ArrayLike) -> NDArray[np.float32]:
    """Color images where a map is positive, red, or negative, blue.

    Every map has its own scale: full color is its largest size.

    Args:
        images: ``[n, h, w, c]`` in [0, 1], ``c`` 1 or 3.
        maps: ``[n, h, w]``.

    Returns:
        Pictures ``[n, h, w, 3]``: the image, pale and grey, under the map.

    Raises:
        ValueError: if shapes disagree, or images are not in [0, 1].

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> reporting.overlay(np.zeros((2, 4, 4, 1)), np.ones((2, 4, 4))).shape
        (2, 4, 4, 3)
    """
    pixels = as_images(images, ("n", "h", "w", "c")) / 255.0
    sizes = as_numbers(maps, "maps")
    if pixels.shape[:3] != sizes.shape:
        raise ValueError(f"maps must be {pixels.shape[:3]}, got {sizes.shape}")
    most = np.abs(sizes).max(axis=(1, 2), keepdims=True)
    share = (sizes / np.where(most > 0.0, most, 1.0))[..., None]
    pale = 0.25 + 0.5 * pixels.mean(axis=-1, keepdims=True)
    colored = pale + np.abs(share) * (np.where(share > 0.0, _FOR, _AGAINST) - pale)
    return colored.astype(np.float32)
