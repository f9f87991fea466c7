"""Refuse arrays that would make a misleading picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def as_probabilities(
    values: ArrayLike, axes: tuple[str, ...], name: str = "confidences"
) -> NDArray[np.float64]:
    """Return float64 probabilities with the named axes.

    Raises:
        ValueError: if an axis is missing or empty, or a value is NaN or outside
            [0, 1].
    """
    return _as_unit_interval(values, axes, name).astype(np.float64)


def as_images(values: ArrayLike, axes: tuple[str, ...]) -> NDArray[np.uint8]:
    """Return 8-bit pixels ``[..., h, w, 3]`` of images in [0, 1]; uint8 is taken as it is.

    Raises:
        ValueError: if an axis is missing or empty, a value is NaN or outside
            [0, 1], or there are neither one nor three channels.
    """
    array = as_numbers(values, "images")
    if array.dtype == np.uint8:
        _check_axes(array, axes, "images")
        pixels = array
    else:
        pixels = np.rint(_as_unit_interval(array, axes, "images") * 255).astype(np.uint8)
    if pixels.shape[-1] not in (1, 3):
        raise ValueError(f"images must have 1 or 3 channels, got {pixels.shape[-1]}")
    return np.broadcast_to(pixels, (*pixels.shape[:-1], 3))


def as_generations(values: ArrayLike, count: int, strictly: bool = True) -> NDArray[np.float64]:
    """Return ``count`` generation numbers, increasing from 0 or later.

    Raises:
        ValueError: if there are not ``count``, the first is negative, or one is
            before (``strictly``: or equal to) the one it follows.
    """
    generations = np.asarray(values, dtype=np.float64)
    if generations.shape != (count,):
        raise ValueError(f"generations must have shape {(count,)}, got {generations.shape}")
    steps = np.diff(generations)
    if not (generations[0] >= 0 and np.all(steps > 0 if strictly else steps >= 0)):
        raise ValueError(f"generations must be at least 0 and increase, got {generations}")
    return generations


def as_numbers(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return an array of real numbers.

    Raises:
        ValueError: if it is something else.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be an array of numbers, got a {type(values).__name__}"
        ) from error
    if array.dtype.kind not in "biuf":
        shown = f"{array.dtype} {array.shape}" if array.ndim else repr(values)[:80]
        raise ValueError(f"{name} must be an array of real numbers, got {shown}")
    return array


def check_count(name: str, values: Sequence[object], count: int) -> None:
    """Raise ``ValueError`` unless there are ``count`` values."""
    if len(values) != count:
        raise ValueError(f"{name} must have {count} entries, got {len(values)}")


def _as_unit_interval(values: ArrayLike, axes: tuple[str, ...], name: str) -> NDArray[np.floating]:
    array = as_numbers(values, name)
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    described = _check_axes(array, axes, name)
    if np.isnan(array).any():
        first = tuple(int(i) for i in np.argwhere(np.isnan(array))[0])
        raise ValueError(f"{described} must not contain NaN; the first is at {first}")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        raise ValueError(f"{described} must be in [0, 1], got values from {low} to {high}")
    return array


def _check_axes(array: NDArray[Any], axes: tuple[str, ...], name: str) -> str:
    """Refuse missing or empty axes; return what to call the array in an error."""
    described = f"{name} [{', '.join(axes)}]"
    if array.ndim != len(axes):
        got = f"shape {array.shape}" if array.ndim else f"the number {array}"
        raise ValueError(f"{described} must have {len(axes)} axes, got {got}")
    if array.size == 0:
        raise ValueError(f"{described} must not be empty, got shape {array.shape}")
    return described
