"""Faint changes from grey made visible."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from fooljax.reporting.checks import as_numbers

_SHARE = 0.99  # of an image's numbers that fit the range
_LEAST = 1e-3  # change: a plain image is not enlarged without end


def enlarge(
    images: ArrayLike,
) -> tuple[Float[np.ndarray, "n ..."], Float[np.ndarray, " n"]]:
    """Enlarge each image's change from grey until 99 % of its numbers fill the range.

    Args:
        images: ``[n, ...]`` in [0, 1].

    Returns:
        The images, cut off at 0 and 1, and by how much the change of each was enlarged, 500
        times at most.

    Raises:
        ValueError: if these are no numbers, or a single image.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> images, factors = reporting.enlarge(np.array([[[[0.45], [0.55]]]]))
        >>> images.ravel().round(3).tolist(), factors.round(3).tolist()
        ([0.0, 1.0], [10.0])
    """
    pixels = as_numbers(images, "images")
    if pixels.ndim < 2:
        raise ValueError(f"images must have an axis of their own, [n, ...], got {pixels.shape}")
    inside = tuple(range(1, pixels.ndim))
    change = np.quantile(np.abs(pixels - 0.5), _SHARE, axis=inside, keepdims=True)
    factors = 0.5 / np.maximum(change, _LEAST)
    return np.clip(0.5 + (pixels - 0.5) * factors, 0.0, 1.0), factors.reshape(-1)
