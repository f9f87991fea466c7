"""How a cost grows, and how many times another one it is, where some were never paid."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from fooljax import checks
from fooljax.analysis.transfer import over_repeats
from fooljax.metrics import Interval

Verdict: TypeAlias = Literal["dearer", "cheaper", "unclear", "unmeasured"]


class CostGrowth(NamedTuple):
    """How a cost grows with a size, over independent repeats.

    Attributes:
        per_doubling: factor of the cost at every doubling of the size.
        whole_range: factor from the smallest size to the largest.
        censored: how many of the costs were never paid, so that growth is underestimated.
        verdict: ``dearer`` or ``cheaper`` if the interval of the growth excludes 1, else
            ``unclear``; ``unmeasured`` where nothing is known of some cost.
    """

    per_doubling: Interval
    whole_range: Interval
    censored: int
    verdict: Verdict


class CostRatio(NamedTuple):
    """How many times another cost a cost is, over independent repeats.

    Attributes:
        times: geometric mean of the ratios, with its interval; NaN where the other cost is
            not known.
        censored: how many of the costs were never paid, so that the ratio is underestimated.
    """

    times: Interval
    censored: int


def cost_growth(sizes: Sequence[float], costs: ArrayLike, most: float = np.nan) -> CostGrowth:
    """Measure how a cost grows with a size.

    The growth of a repeat is the slope of a line through the logarithms, by least squares;
    intervals are 95 %, Student's t over the repeats.

    Args:
        sizes: at which the cost was measured, ``[s]``, positive, each once, ascending.
        costs: ``[repeats, s]``, positive; infinite where it was never paid, as that of an
            attack that did not get there.
        most: what has been spent in vain there. It counts as the cost, a lower bound.
            Unless given, nothing is known of such a cost; nor where none was ever paid.

    Raises:
        ValueError: if there are fewer than two sizes, or not as many in every repeat.

    Example:
        >>> from fooljax import analysis
        >>> grown = analysis.cost_growth([1, 2, 4], [[3.0, 6.0, 12.0], [1.0, 2.0, 4.0]])
        >>> grown.per_doubling.mean, grown.whole_range.mean, grown.verdict
        (2.0, 4.0, 'dearer')
    """
    at = np.log2(_positive("sizes", sizes))
    spent = _positive("costs", costs)
    if at.ndim != 1 or len(at) < 2 or np.any(np.diff(at) <= 0.0):
        raise ValueError(f"sizes must be two or more that ascend, got {checks.shown(sizes)}")
    if spent.ndim != 2 or not len(spent) or spent.shape[1] != len(at):
        raise ValueError(f"costs must be [repeats, {len(at)}], got {spent.shape}")
    if not np.isfinite(spent).any():  # a budget that was spent in vain everywhere does not grow
        most = np.nan
    logs = np.log2(np.where(np.isfinite(spent), spent, most))
    slope = _over(np.round(np.polyfit(at, logs.T, 1)[0], 9))  # no growth is exactly 0
    verdict: Verdict = "dearer" if slope.low > 0.0 else "cheaper" if slope.high < 0.0 else "unclear"
    if np.isnan(slope.mean):
        verdict = "unmeasured"
    whole = _over(logs[:, -1] - logs[:, 0])
    return CostGrowth(_raised(slope), _raised(whole), _censored(spent), verdict)


def cost_ratio(costs: ArrayLike, others: ArrayLike, most: float = np.nan) -> CostRatio:
    """Measure how many times another cost a cost is.

    Args:
        costs: ``[repeats]``, positive; infinite where it was never paid.
        others: of the same repeats, ``[repeats]``.
        most: as for `cost_growth`, of ``costs``. An infinite cost among ``others`` leaves
            the ratio unknown: then neither bound of it is.

    Raises:
        ValueError: if there is no repeat, or not as many in both.

    Example:
        >>> import math
        >>> from fooljax import analysis
        >>> analysis.cost_ratio([8.0, math.inf], [2.0, 4.0], most=64.0).times.mean
        8.0
    """
    spent, than = _positive("costs", costs), _positive("others", others)
    if spent.ndim != 1 or not len(spent) or spent.shape != than.shape:
        raise ValueError(f"costs must be a row as others {than.shape} are, got {spent.shape}")
    logs = np.log2(np.where(np.isfinite(spent), spent, most)) - np.log2(than)
    known = bool(np.isfinite(than).all())
    times = _over(logs) if known else Interval(np.nan, np.nan, np.nan)
    return CostRatio(_raised(times), _censored(spent))


def _positive(name: str, given: ArrayLike) -> Float[np.ndarray, "..."]:
    """Return numbers of which logarithms can be taken; NaN may be among them."""
    values = np.asarray(checks.array(name, given))
    if values.dtype.kind not in "biuf" or np.any(values <= 0):
        raise ValueError(f"{name} must be positive numbers, got {checks.shown(given)}")
    return values.astype(np.float64)


def _over(logs: Float[np.ndarray, " r"]) -> Interval:
    return over_repeats(logs, bounds=(-np.inf, np.inf))


def _raised(logs: Interval) -> Interval:
    return Interval(*(float(2.0**value) for value in logs))


def _censored(costs: Float[np.ndarray, "..."]) -> int:
    return int(np.sum(~np.isfinite(costs)))
