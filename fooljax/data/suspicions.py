"""What is not wrong with a data set but seldom meant; it is warned of."""

import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Int

_DARK = 15 / 255  # 12 bits in the place of 16, or numbers of classes in the place of grey
_SHOWN = 5


def warn_of_empty_classes(
    name: str, labels: Int[np.ndarray, " n"], class_names: Sequence[str]
) -> None:
    """Warn if a class has no image to train on."""
    counts = np.bincount(labels, minlength=len(class_names))
    empty = np.flatnonzero(counts == 0)
    if not len(empty):
        return
    calls = lambda row: f"{row}" if class_names[row] == str(row) else f"{row} ({class_names[row]})"
    shown = ", ".join(calls(row) for row in empty[:_SHOWN])
    more = f" and {len(empty) - _SHOWN:,} more" if len(empty) > _SHOWN else ""
    which = f"class {shown} has" if len(empty) == 1 else f"classes {shown}{more} have"
    remedy = (
        "labels begin at 0; if these begin at 1, subtract 1"
        if empty[0] == 0
        else ("add some, or number the classes without gaps")
    )
    warnings.warn(f"{name}: {which} no training images; {remedy}", stacklevel=3)


def warn_of_dark_images(name: str, images: Array) -> None:
    """Warn if all images are nearly black.

    Args:
        name: of the data set.
        images: uint8, or float32 in [0, 1].
    """
    white = 255 if images.dtype == np.uint8 else 1
    highest = float(images.max())
    if highest <= _DARK * white:
        warnings.warn(
            f"{name}: all images are nearly black, no value is above {highest:g} where white is "
            f"{white}; scale them, unless this is meant",
            stacklevel=3,
        )
