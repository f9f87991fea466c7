"""Numbers that settings consist of: counts, radii, shares, choices."""

import math
import numbers
import operator
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from fooljax.checks.kinds import shown

MOST = 2**31 - 1  # what an int32 holds


def count(name: str, given: Any, least: int = 1) -> int:
    """Return a whole number.

    Args:
        name: of the argument.
        given: its value: an ``int``, or a scalar array of whole numbers.
        least: smallest allowed value.

    Raises:
        ValueError: if it is no whole number (neither is 2.0 or True), less, or beyond int32.
    """
    number = None
    if not isinstance(given, bool | np.bool_ | jax.core.Tracer):
        try:
            number = operator.index(given)
        except TypeError:
            number = None
    if number is None:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {shown(given)}")
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    if number > MOST:
        raise ValueError(f"{name} must be at most {MOST:,}, got {number:,}")
    return number


def real(name: str, given: Any, *, infinite: bool = False) -> float:
    """Return a number as a float.

    Args:
        name: of the argument.
        given: its value: an ``int`` or a ``float``, or a scalar array of them.
        infinite: whether it may be infinite.

    Raises:
        ValueError: if it is no number (neither is a text or a bool), NaN or infinite.
    """
    number = _number(name, given, infinite)
    if math.isnan(number):
        raise ValueError(f"{name} must be a number, got nan")
    return number


def positive(name: str, given: Any, *, infinite: bool = False) -> float:
    """Return a number above 0; see ``real``."""
    number = _number(name, given, infinite)
    if not number > 0.0:
        raise ValueError(f"{name} must be positive, got {shown(given)}")
    return number


def not_negative(name: str, given: Any, *, infinite: bool = False) -> float:
    """Return a number of 0 or more; see ``real``."""
    number = _number(name, given, infinite)
    if not number >= 0.0:
        raise ValueError(f"{name} must not be negative, got {shown(given)}")
    return number


def radius(given: Any, norm: str = "linf", *, infinite: bool = False) -> float:
    """Return ``epsilon``, how far a change may go in a norm, images being in [0, 1].

    Args:
        given: its value.
        norm: ``linf``, in which nothing lies farther than 1, or any other.
        infinite: whether it may be infinite.

    Raises:
        ValueError: if it is negative, or counts in 255ths, as other packages may.
    """
    number = not_negative("epsilon", given, infinite=infinite)
    if norm == "linf" and 1.0 < number < math.inf:
        raise ValueError(
            f"epsilon must be at most 1, as images are in [0, 1], got {shown(given)}; "
            "8 of 255 levels are 8 / 255"
        )
    return number


def between(name: str, given: Any, low: float, high: float, ends: str = "[]") -> float:
    """Return a number of an interval.

    Args:
        name: of the argument.
        given: its value.
        low: least value.
        high: largest value.
        ends: which of the two belong to it: ``[]``, ``[)``, ``(]`` or ``()``.

    Raises:
        ValueError: if it is no finite number, or outside.
    """
    number = _number(name, given)
    above = number >= low if ends[0] == "[" else number > low
    below = number <= high if ends[1] == "]" else number < high
    if not (above and below):
        interval = f"{ends[0]}{low:g}, {high:g}{ends[1]}"
        raise ValueError(f"{name} must be in {interval}, got {shown(given)}")
    return number


def choice(name: str, given: Any, options: Iterable[str]) -> str:
    """Return one of a few words.

    Raises:
        ValueError: if it is another, naming all.
    """
    *most, last = options
    if isinstance(given, str) and given in (*most, last):
        return given
    raise ValueError(f"{name} must be {', '.join(most)} or {last}, got {shown(given)}")


def _number(name: str, given: Any, infinite: bool = False) -> float:
    """Return a float, which may be NaN."""
    number = _float(given)
    if number is None:
        traced = isinstance(given, jax.core.Tracer)
        remedy = "; it is a setting, to be known outside of jit" if traced else ""
        raise ValueError(f"{name} must be a number, got {shown(given)}{remedy}")
    if math.isinf(number) and not infinite:
        raise ValueError(f"{name} must be a finite number, got {number}")
    return number


def _float(given: Any) -> float | None:
    if isinstance(given, bool | np.bool_ | jax.core.Tracer):
        return None
    if isinstance(given, numbers.Real):
        try:
            return float(given)
        except OverflowError:
            return math.inf
    shape, dtype = getattr(given, "shape", None), getattr(given, "dtype", None)
    if shape == () and dtype is not None and jax.numpy.issubdtype(dtype, np.number):
        return None if jax.numpy.iscomplexobj(given) else float(given)
    return None
