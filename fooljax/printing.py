"""Results in a few readable lines: shares and medians, not thousands of numbers."""

from typing import Any

import jax
import numpy as np


def shapes(record: Any) -> str:
    """Name the fields of a ``NamedTuple``, arrays by type and shape only."""
    parts = (f"{name}={_short(value)}" for name, value in zip(record._fields, record, strict=True))
    return f"{type(record).__name__}({', '.join(parts)})"


def known(*values: Any) -> tuple[np.ndarray, ...] | None:
    """Return arrays as they can be printed; None inside ``jit``, or where they lie elsewhere."""
    if not all(isinstance(value, (np.ndarray, np.generic, jax.Array)) for value in values):
        return None
    if any(isinstance(value, jax.core.Tracer) for value in values):
        return None
    for value in values:
        if isinstance(value, jax.Array) and (value.is_deleted() or not value.is_fully_addressable):
            return None
    return tuple(np.asarray(value) for value in values)


def share(flags: Any) -> str:
    """Say how many of the flags are set: ``58 of 60 (97 %)``."""
    flags = np.asarray(flags)
    if flags.size == 0:
        return "0 of 0"
    return f"{int(flags.sum())} of {flags.size} ({flags.mean():.0%})".replace("%", " %")


def median(numbers: Any) -> str:
    """Return the median of the numbers that are some, in four digits; a dash without any."""
    numbers = np.asarray(numbers, np.float64).ravel()
    numbers = numbers[~np.isnan(numbers)]
    return f"{np.median(numbers):.4g}" if numbers.size else "-"


def _short(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, (bool, int, float, str, type(None))):
        return repr(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value).__name__
    return f"<{type(value).__name__}>"
