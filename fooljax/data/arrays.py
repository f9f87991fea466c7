"""What is wrong with arrays of images and labels, and what makes them right."""

from typing import Any

import numpy as np

from fooljax import checks
from fooljax.data.deep_pictures import white_above
from fooljax.media import Medium, Pictures, Sounds, Texts, Videos

MOST_CLASSES = 100_000
_MOST_CHANNELS = 4


def whole_array(name: str, given: Any) -> np.ndarray:
    """Return an array of anything; of lists, those whose rows are of one length.

    Raises:
        ValueError: if numpy makes none of it.
    """
    try:
        return np.asarray(given)
    except Exception as error:  # whatever numpy, or somebody's __array__, raises
        got = checks.shown(given)
        raise ValueError(
            f"{name} must be an array, got {got}; its rows must be of the same length"
        ) from error


def check_count(num_classes: int) -> None:
    """Raise ``ValueError`` if there are more classes than `MOST_CLASSES`."""
    if num_classes > MOST_CLASSES:
        raise ValueError(
            f"there may be {MOST_CLASSES:,} classes, labels ask for {num_classes:,}; number the "
            "classes from 0 on, without gaps"
        )


def check_axes(images: np.ndarray, labels: np.ndarray, medium: Medium) -> None:
    """Raise ``ValueError`` unless images have the axes of their medium and labels are ``[n]``."""
    if isinstance(medium, Pictures):
        _check_pictures(images, labels)
    else:
        _check_others(images, medium)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        got = f"{labels.dtype} {labels.shape}" if labels.ndim else checks.shown(labels[()])
        raise ValueError(
            f"labels must be one row of whole numbers [n], got {got}; pass {_as_labels(labels)}"
        )
    if len(images) != len(labels):
        raise ValueError(
            f"got {len(images)} images but {len(labels)} labels; pass one label for each image"
        )
    if images.size == 0:
        raise ValueError(f"there must be at least one image, got {images.shape}; add images")


def _check_others(images: np.ndarray, medium: Medium) -> None:
    axes, remedy = "[n, l]", "ids of equally long, padded texts"
    if isinstance(medium, Sounds):
        axes, remedy = "[n, t, 1]", "a waveform needs a channel axis, waveforms[..., None]"
    elif isinstance(medium, Videos):
        axes, remedy = "[n, t, h, w, c]", "grey videos need a channel axis, videos[..., None]"
    right = images.ndim == axes.count(",") + 1
    if not right or (isinstance(medium, Sounds) and images.shape[2] != 1):
        name = type(medium).__name__.lower()
        raise ValueError(f"{name} must have the axes {axes}, got {images.shape}; {remedy}")


def checked_ids(ids: np.ndarray, medium: Texts) -> np.ndarray:
    """Return ids as int32.

    Raises:
        ValueError: if they are no whole numbers, or one names no word or code point.
    """
    if not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"texts must be whole numbers, got {ids.dtype}; medium.encode makes them")
    count = 0x110000 if medium.words is None else len(medium.words)
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= count:
        raise ValueError(f"ids of texts must be in [0, {count:,}), got {low} to {high}")
    return ids.astype(np.int32)


def _check_pictures(images: np.ndarray, labels: np.ndarray) -> None:
    shape, count = images.shape, labels.shape[0] if labels.ndim else 0
    remedy = ""
    if images.ndim == 2:
        remedy = "; rows of pixels need images.reshape(n, h, w, c)"
    elif images.ndim == 3:
        stacked = shape[2] == count != shape[0]
        grey = "images.transpose(2, 0, 1)[..., None]" if stacked else "images[..., None]"
        remedy = f"; grey images need a channel axis, {grey}"
    elif images.ndim == 4 and shape[0] != count == shape[3] > _MOST_CHANNELS:
        remedy = "; images are along the last axis, pass images.transpose(3, 0, 1, 2)"
    elif images.ndim == 4 and shape[1] <= _MOST_CHANNELS < shape[3]:
        remedy = "; channels come first, pass images.transpose(0, 2, 3, 1)"
    if images.ndim != 4 or remedy:
        got = shape if images.ndim else f"{checks.shown(images[()])}, of shape ()"
        raise ValueError(f"images must have four axes [n, h, w, c], got {got}{remedy}")


def _as_labels(labels: np.ndarray) -> str:
    """Say how labels become one row of whole numbers."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        return "labels[:, 0]"
    if labels.ndim == 2 and labels.shape[1] > 1:
        return "labels.argmax(axis=1)"
    if labels.ndim == 1 and labels.dtype.kind in "fb":
        return "labels.astype(int)"
    if labels.ndim == 1 and labels.dtype.kind in "SUO":
        return "numpy.unique(labels, return_inverse=True)[1]"
    return "class indices"


def checked_values(images: np.ndarray) -> np.ndarray:
    """Return uint8 or float32 images whose values are in range."""
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        whole = np.issubdtype(images.dtype, np.integer)
        low, high = (int(images.min()), int(images.max())) if whole else (0, 0)
        if images.dtype == bool:
            remedy = "pass images.astype(numpy.float32)"
        elif whole and low >= 0 and high <= 255:
            remedy = "pass images.astype(numpy.uint8)"
        elif whole and low >= 0:
            remedy = f"values go up to {high}: pass images / {white_above(high, whole=True):g}"
        else:
            remedy = "convert them first"
        raise ValueError(
            f"images must be uint8 in 0..255 or floating in [0, 1], got {images.dtype}; {remedy}"
        )
    return np.asarray(checks.in_unit_interval(images, "images"))


def check_labels(labels: np.ndarray, num_classes: int) -> None:
    """Raise ``ValueError`` naming the first label outside [0, k)."""
    wrong = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if wrong.size:
        from_one = labels.min() == 1 and labels.max() == num_classes
        remedy = (
            "they begin at 1, pass labels - 1"
            if from_one
            else "correct the label or the class names"
        )
        raise ValueError(
            f"labels must be in [0, {num_classes}), got {labels[wrong[0]]} at index "
            f"{wrong[0]}; {remedy}"
        )
