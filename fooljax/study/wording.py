"""Numbers as a page says them; a number that is missing is "not measured"."""

import math
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np

from fooljax.metrics import Interval, probabilities
from fooljax.reporting import percent
from fooljax.reporting.wording import certainty
from fooljax.types import Classifier

__all__ = [
    "against",
    "anew",
    "answer",
    "confidence_of",
    "counted",
    "duration",
    "of_several",
    "often",
    "plural",
    "power",
    "share",
    "spell",
    "sure",
]

UNKNOWN = "not measured"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def share(value: float | None) -> str:
    """A share in [0, 1], to a tenth of a percent.

    Example:
        >>> from fooljax import study
        >>> study.share(0.1234), study.share(float("nan"))
        ('12.3 %', 'not measured')
    """
    return UNKNOWN if value is None or math.isnan(value) else percent(round(float(value), 3))


def power(log10: float | None) -> str:
    """A share given by its logarithm to base 10, however small; down to 1 in 1,000 in percent.

    Example:
        >>> from fooljax import study
        >>> study.power(-2.0), study.power(-40.0).split()[-1]  # too small a share for a float
        ('1 %', '10⁻⁴⁰')
    """
    if log10 is None or math.isnan(log10):
        return UNKNOWN
    if log10 >= -3.0:
        return share(10.0**log10)
    whole = math.floor(log10)
    front = round(10.0 ** (log10 - whole))
    front, whole = (1, whole + 1) if front == 10 else (front, whole)
    return f"{front} \N{MULTIPLICATION SIGN} 10{str(whole).translate(_RAISED)}"


def plural(count: int, noun: str) -> str:
    """A number of things, of which there may be one.

    Args:
        count: how many.
        noun: for one of them; more take an s.

    Example:
        >>> from fooljax import study
        >>> study.plural(1, "network"), study.plural(1200, "step")
        ('1 network', '1,200 steps')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def counted(count: int, noun: str) -> tuple[str, str]:
    """A number of things as a key figure: the number, and what it is the number of.

    Example:
        >>> from fooljax import study
        >>> study.counted(1, "network"), study.counted(3, "network")
        (('1', 'network'), ('3', 'networks'))
    """
    number, _, things = plural(count, noun).partition(" ")
    return number, things


def often(count: int) -> str:
    """How often something was done.

    Example:
        >>> from fooljax import study
        >>> study.often(1), study.often(3)
        ('once', '3 times')
    """
    return "once" if count == 1 else f"{count:,} times"


def of_several(count: int, words: str) -> str:
    """Words that are true of several repeats or networks only; nothing for a single one.

    Example:
        >>> from fooljax import study
        >>> [study.of_several(count, "In brackets 95 % intervals.") for count in (1, 3)]
        ['', 'In brackets 95 % intervals.']
    """
    return words if count > 1 else ""


def with_intervals(caption: str, words: str, over: str, known: bool) -> str:
    """End a caption with what its intervals are over.

    Args:
        caption: what else it says.
        words: where the intervals are: "Shaded: 95 % intervals over".
        over: what they are over: "the repeats". Without it nothing is added.
        known: whether there are any; of a single repeat there are none.
    """
    end = f"{words} {over}."
    if not (over and known):
        return caption
    return f"{caption.rstrip('.')}. {end}" if caption else end


def anew(count: int) -> str:
    """How often something was done that goes by random numbers.

    Example:
        >>> from fooljax import study
        >>> study.anew(1), study.anew(3)
        ('once', '3 times from other random numbers')
    """
    return often(count) + (" from other random numbers" if count > 1 else "")


def sure(confidence: float | None) -> str:
    """A confidence in [0, 1], never rounded to certainty.

    Example:
        >>> from fooljax import study
        >>> study.sure(0.5), study.sure(1.0)  # a float of 1 is no certainty
        ('50 %', '>99.99999 %')
    """
    return UNKNOWN if confidence is None or math.isnan(confidence) else certainty(confidence)


def duration(seconds: float) -> str:
    """A time given in seconds, in a unit that suits it.

    Example:
        >>> from fooljax import study
        >>> study.duration(3.21), study.duration(600), study.duration(10_000)
        ('3.21 s', '10 min', '2.8 h')
    """
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def spell(interval: Interval, write: Callable[[float], str] = share) -> str:
    """A mean with its interval, if it has one.

    Args:
        interval: over the repeats; limits are NaN for a single repeat.
        write: how to write a number.

    Example:
        >>> from fooljax import study
        >>> from fooljax.metrics import Interval
        >>> study.spell(Interval(0.5, 0.4, 0.6))
        '50 % (40 % to 60 %)'
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

    Example:
        >>> from fooljax import study
        >>> from fooljax.metrics import Interval
        >>> study.against(Interval(0.5, 0.4, 0.6), 0.1, "guessing")
        'more than the 10 % of guessing'
        >>> study.against(Interval(0.15, 0.05, 0.25), 0.1, "guessing")
        'not to be told from the 10 % of guessing'
    """
    if math.isnan(interval.low):
        return f"where {words} gives {share(level)}"
    if interval.low > level:
        return f"more than the {share(level)} of {words}"
    if interval.high < level:
        return f"less than the {share(level)} of {words}"
    return f"not to be told from the {share(level)} of {words}"


def confidence_of(network: Classifier) -> str:
    """Say what confidence means, which depends on whether classes exclude each other.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> print(study.confidence_of(network))
        Confidence means the network's softmax output for the class, in single precision.
    """
    if network.exclusive:
        return "Confidence means the network's softmax output for the class, in single precision."
    return (
        "The classes of this network do not exclude each other, as a dog is an animal, too, so "
        "confidence means the network's own score of the class, whatever it says of the others: a "
        "sigmoid, in single precision."
    )


def answer(logits: np.ndarray, class_names: Sequence[str]) -> str:
    """What a network answers and how sure it is of it, in few characters.

    Args:
        logits: ``[k]``, of one image; columns beyond the classes are left out.
        class_names: of the classes.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> study.answer(np.array([0.0, 3.0, 1.0]), ["cat", "dog", "bird"])
        'dog, 84.4 %'
    """
    shares = np.nan_to_num(np.asarray(probabilities(jnp.asarray(logits))))[: len(class_names)]
    most = float(shares.max())
    words = ">99.9 %" if most > 0.999 else f"{100 * most:.3g} %"
    return f"{class_names[int(shares.argmax())]}, {words}"
