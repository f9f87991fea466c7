"""Read a run's summary, whatever is missing from it."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fooljax.reporting.wording import certainty, percent

UNKNOWN = "not measured"


def by_run(value: Any) -> list[list[float]]:
    """Confidences by run and class; one run may come without its outer list."""
    if value is None or len(value) == 0:
        return []
    return [list(value)] if np.ndim(value[0]) == 0 else [list(run) for run in value]


def numbers_in(value: Any) -> list[float]:
    """The known numbers in a number, a list of them, or nothing."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in numbers_in(item)]
    return [float(n) for n in np.ravel(np.asarray(value, dtype=np.float64)) if math.isfinite(n)]


def middle(value: Any) -> float | None:
    """The median of the known numbers."""
    known = numbers_in(value)
    return float(np.median(known)) if known else None


def total(value: Any) -> float | None:
    """The sum of the known numbers."""
    known = numbers_in(value)
    return sum(known) if known else None


def percent_or_unknown(value: float | None) -> str:
    """A share or an accuracy, in percent."""
    return UNKNOWN if value is None or math.isnan(value) else _unbroken(percent(value))


def certainty_or_unknown(value: float | None) -> str:
    """A confidence, in percent, never as ``100 %``."""
    return UNKNOWN if value is None or math.isnan(value) else _unbroken(certainty(value))


def count_or_unknown(value: float | None) -> str:
    """A whole number with thousands separated."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def duration_or_unknown(seconds: float | None) -> str:
    """A time given in seconds, in a unit that suits it."""
    if seconds is None:
        return UNKNOWN
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def as_list(value: Any) -> list[Any]:
    """One value for all runs, or one for each, as a list."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def generation_or_never(value: Any) -> str:
    """A generation; ``never`` for None."""
    return "never" if value is None else f"{value:,}"


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Settings as lines of text; those inside others get dotted names."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", "none" if value is None else str(value)


def _unbroken(text: str) -> str:
    """Keep a number and its unit on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")
