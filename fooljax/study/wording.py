"""Numbers as a page says them; a number that is missing is "not measured"."""

import math
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np

from fooljax.metrics import Interval, probabilities
from fooljax.reporting import percent
from fooljax.reporting.wording import certainty

__all__ = ["against", "answer", "duration", "power", "share", "spell", "sure"]

_UNKNOWN = "not measured"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def share(value: float | None) -> str:
    """A share in [0, 1], to a tenth of a percent."""
    return _UNKNOWN if value is None or math.isnan(value) else percent(round(float(value), 3))


def power(log10: float | None) -> str:
    """A share given by its logarithm to base 10, however small; down to 1 in 1,000 in percent."""
    if log10 is None or math.isnan(log10):
        return _UNKNOWN
    if log10 >= -3.0:
        return share(10.0**log10)
    whole = math.floor(log10)
    front = round(10.0 ** (log10 - whole))
    front, whole = (1, whole + 1) if front == 10 else (front, whole)
    return f"{front} \N{MULTIPLICATION SIGN} 10{str(whole).translate(_RAISED)}"


def sure(confidence: float | None) -> str:
    """A confidence in [0, 1], never rounded to certainty."""
    return _UNKNOWN if confidence is None or math.isnan(confidence) else certainty(confidence)


def duration(seconds: float) -> str:
    """A time given in seconds, in a unit that suits it."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


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


def against(interval: Interval, level: float, words: str) -> str:
    """Compare a share with a level, as far as its interval allows.

    Args:
        interval: of the share.
        level: to compare with, in [0, 1].
        words: where the level comes from, such as "guessing".
    """
    if math.isnan(interval.low):
        return f"where {words} gives {share(level)}"
    if interval.low > level:
        return f"more than the {share(level)} of {words}"
    if interval.high < level:
        return f"less than the {share(level)} of {words}"
    return f"not to be told from the {share(level)} of {words}"


def answer(logits: np.ndarray, class_names: Sequence[str]) -> str:
    """What a network answers and how sure it is of it, in few characters.

    Args:
        logits: ``[k]``, of one image; columns beyond the classes are left out.
        class_names: of the classes.
    """
    shares = np.nan_to_num(np.asarray(probabilities(jnp.asarray(logits))))[: len(class_names)]
    most = float(shares.max())
    words = ">99.9 %" if most > 0.999 else f"{100 * most:.3g} %"
    return f"{class_names[int(shares.argmax())]}, {words}"
