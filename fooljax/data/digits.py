"""Scans of handwritten digits that come with scikit-learn, so they need no network."""

import numpy as np

from fooljax.data.classes import DIGITS
from fooljax.data.dataset import Splits, from_arrays, hold_out_fifth
from fooljax.data.resize import stack


def read_digits(image_size: tuple[int, int] | None) -> Splits:
    """Return the 1,797 digits, white on black, a fifth of every class held out.

    Args:
        image_size: ``(h, w)`` in pixels to resize the 8x8 scans to, by default
            28x28, the size of MNIST. A margin of one scan pixel is put around
            each first, for many scans touch their border.

    Returns:
        uint8 images ``[n, h, w, 1]``.

    Source:
        Alpaydin and Kaynak, 1998, Optical Recognition of Handwritten Digits (test part).
    """
    from sklearn.datasets import load_digits

    scans = load_digits()
    brightness = np.round(scans.images * (255 / 16)).astype(np.uint8)[..., None]
    framed = np.pad(brightness, ((0, 0), (1, 1), (1, 1), (0, 0)))
    images = stack(list(framed), (), image_size or (28, 28))
    return hold_out_fifth(from_arrays(images, scans.target, DIGITS))
