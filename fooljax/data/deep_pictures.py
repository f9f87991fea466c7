"""Pictures of more than 8 bits: one white for all of a folder, so that they stay comparable.

16 bits become 8 by their upper byte, for their type says what is white. 32 bits and floating
point numbers leave it open. All such pictures of a folder share one: the smallest of 1, 3, 7,
15, ... (``2^k - 1``; from 255 on for whole numbers) that none of their values exceeds.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Num, UInt8

if TYPE_CHECKING:
    from PIL.Image import Image

_BYTE = 255


def is_deep(picture: "Image") -> bool:
    """Tell whether an opened picture has more than 8 bits."""
    return picture.mode.startswith(("I", "F"))


def lacks_white(picture: "Image") -> bool:
    """Tell whether its type leaves open which value is white."""
    return picture.mode == "F" or (picture.mode == "I" and picture.format != "PPM")


def highest(pixels: Num[np.ndarray, "h w"]) -> float:
    """Return the largest value of a picture that lacks white.

    Raises:
        ValueError: if it holds values below zero, or no numbers.
    """
    low, high = float(pixels.min()), float(pixels.max())
    if not 0.0 <= low <= high < math.inf:
        raise ValueError(
            f"holds values from {low:g} to {high:g}, and nothing says which is black; save it "
            "with values from 0, or with 8 bits"
        )
    return high


def white_above(value: float, whole: bool) -> float:
    """Return the white of pictures with values up to one, all of them whole numbers or not."""
    white = _BYTE if whole else 1
    while white < value:
        white = 2 * white + 1
    return float(white)


def to_bytes(pixels: Num[np.ndarray, "h w"], white: float | None) -> UInt8[np.ndarray, "h w"]:
    """Reduce a deep picture to 8 bits.

    Args:
        pixels: its values; of 16 bits where ``white`` is None.
        white: the value that becomes 255.
    """
    if white is None:
        return (pixels.astype(np.uint32) >> 8).astype(np.uint8)
    return np.round(pixels.astype(np.float64) * (_BYTE / white)).clip(0, _BYTE).astype(np.uint8)
