"""Numbers as a page says them; a number that is missing is "not measured"."""

import math
from collections.abc import Callable

from fooljax.metrics import Interval
from fooljax.reporting import percent
from fooljax.reporting.readings import duration_or_unknown as duration
from fooljax.reporting.wording import certainty

__all__ = ["duration", "share", "spell", "sure"]

_UNKNOWN = "not measured"


def share(value: float | None) -> str:
    """A share in [0, 1], to a tenth of a percent."""
    return _UNKNOWN if value is None or math.isnan(value) else percent(round(float(value), 3))


def sure(confidence: float | None) -> str:
    """A confidence in [0, 1], never rounded to certainty."""
    return _UNKNOWN if confidence is None or math.isnan(confidence) else certainty(confidence)


def spell(interval: Interval, write: Callable[[float], str] = share) -> str:
    """A mean with its interval, if it has one.

    Args:
        interval: over the repeats; limits are NaN for a single repeat.
        write: how to write a number.
    """
    mean, low, high = interval
    if math.isnan(mean) or math.isnan(low):
        return write(mean)
    if write(low) == write(high):
        return f"{write(mean)} (in every repeat)"
    return f"{write(mean)} ({write(low)} to {write(high)})"
