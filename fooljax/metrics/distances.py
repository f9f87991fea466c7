"""How far images are from each other, pixel by pixel. Host functions."""

import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from fooljax import checks


def nearest_distances(images: ArrayLike, known: ArrayLike) -> Float[np.ndarray, " n"]:
    """Measure how far each image is from the nearest of others, such as the training images.

    Args:
        images: ``[n, *shape]`` in [0, 1], or uint8.
        known: ``[m, *shape]``, likewise.

    Returns:
        Euclidean distances, in units of [0, 1]: 1 where a single number goes from black to
        white. Of equal images it is 0.

    Raises:
        ValueError: if these are no images of the same shape, or there are none of them.

    Example:
        >>> import numpy as np
        >>> from fooljax import metrics
        >>> black, white = np.zeros((1, 2, 2, 1)), np.ones((1, 2, 2, 1))
        >>> metrics.nearest_distances(black, white).tolist()
        [2.0]
    """
    given = (checks.array("images", images), checks.array("known", known))
    shapes = [one.shape[1:] for one in given]
    if len(shapes[0]) == len(shapes[1]) and shapes[0] != shapes[1]:
        raise ValueError(
            f"images and known must be [n, *shape] of one shape, got {given[0].shape} and "
            f"{given[1].shape}"
        )
    shape = max(shapes, key=len)  # one may lack the batch axis
    rows = _flat(checks.images(images, shape))
    others = _flat(checks.images(known, shape, "known"))
    squares = np.sum(others**2, axis=1)
    # where it is near, the difference of large squares is rounding: only which is nearest counts
    nearest = [np.argmin(squares - 2.0 * others @ row) for row in rows]
    return np.array([np.linalg.norm(row - others[i]) for row, i in zip(rows, nearest, strict=True)])


def _flat(images: Array | np.ndarray) -> Float[np.ndarray, "n p"]:
    """Return images as rows of numbers in [0, 1]."""
    flat = np.asarray(images).reshape(len(images), -1)
    return flat / np.float32(255.0) if flat.dtype == np.uint8 else flat
