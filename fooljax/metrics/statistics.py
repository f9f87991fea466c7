"""Intervals, tests and costs, from scipy. Host functions."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax import checks
from fooljax.metrics.detection import checked

Alternative: TypeAlias = Literal["two-sided", "less", "greater"]


class Interval(NamedTuple):
    """An estimate and a confidence interval of it.

    Attributes:
        mean: the estimate: a mean over independent repeats, a share, a statistic.
        low: lower limit; NaN where nothing can be said.
        high: upper limit.
    """

    mean: float
    low: float
    high: float


class Comparison(NamedTuple):
    """Outcome of a test.

    Attributes:
        statistic: Mann and Whitney's U of the first sample, ties one half; or its share of
            all pairs.
        p_value: chance of as much if both come from the same distribution.
    """

    statistic: float
    p_value: float


class Correlation(NamedTuple):
    """How two rows of numbers go together, and a test of it.

    Attributes:
        rho: in [-1, 1]; 1 where one rises whenever the other does.
        p_value: chance of as much, up or down, if they have nothing to do with each other.
    """

    rho: float
    p_value: float


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Give a share an exact binomial interval.

    Args:
        successes: how many.
        trials: of how many.
        level: of confidence, in (0, 1).

    Raises:
        ValueError: if ``successes`` is not in [0, trials], ``trials`` is not
            positive, or ``level`` is not in (0, 1).

    Source:
        Clopper and Pearson, 1934, Biometrika 26.

    Example:
        >>> from fooljax import metrics
        >>> share, low, high = metrics.clopper_pearson(0, 10)
        >>> share, low, round(high, 3)
        (0.0, 0.0, 0.308)
    """
    import scipy.stats

    _check_level(level)
    trials, successes = checks.count("trials", trials), checks.count("successes", successes, 0)
    if successes > trials:
        raise ValueError(f"successes must be in [0, trials], got {successes} of {trials}")
    found = scipy.stats.binomtest(successes, trials).proportion_ci(level, "exact")
    return Interval(successes / trials, float(found.low), float(found.high))


def bootstrap(
    values: ArrayLike,
    statistic: Callable[..., Any] = np.mean,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Give a statistic of independent values a percentile bootstrap interval.

    Args:
        values: ``[n]``, independent of each other.
        statistic: of an array along an ``axis``, as ``numpy.median``.
        level: of confidence, in (0, 1).
        resamples: how often to draw anew.
        seed: decides the draws.

    Returns:
        The statistic and its interval; without limits (NaN) from a single value.

    Raises:
        ValueError: if there are no values or one is NaN, or a number is out of its
            range.

    Source:
        Efron and Tibshirani, 1993, An Introduction to the Bootstrap, chapter 13.

    Example:
        >>> from fooljax import metrics
        >>> mean, low, high = metrics.bootstrap([0.2, 0.4, 0.6])
        >>> round(mean, 3), 0.2 <= low < mean < high <= 0.6
        (0.4, True)
    """
    import scipy.stats

    _check_level(level)
    resamples = checks.count("resamples", resamples)
    sample = checked(values, "values")
    found = float(statistic(sample, axis=0))
    if len(sample) == 1:
        return Interval(found, float("nan"), float("nan"))
    interval = scipy.stats.bootstrap(
        (sample,),
        statistic,
        n_resamples=resamples,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(found, float(interval.low), float(interval.high))


def mann_whitney(
    first: ArrayLike, second: ArrayLike, alternative: Alternative = "two-sided"
) -> Comparison:
    """Test whether one sample tends to larger values than the other.

    Args:
        first: independent values ``[n]``.
        second: independent values ``[m]``.
        alternative: what to look for: any difference, or that ``first`` tends to be
            less or greater.

    Raises:
        ValueError: if a sample is empty or holds NaN.

    Source:
        Mann and Whitney, 1947, Annals of Mathematical Statistics 18.

    Example:
        >>> from fooljax import metrics
        >>> metrics.mann_whitney([3, 4, 5], [0, 1, 2], "greater")
        Comparison(statistic=9.0, p_value=0.05)
    """
    import scipy.stats

    samples = checked(first, "first"), checked(second, "second")
    found = scipy.stats.mannwhitneyu(*samples, alternative=alternative)
    return Comparison(float(found.statistic), float(found.pvalue))


def superiority(first: ArrayLike, second: ArrayLike) -> Comparison:
    """Say how often a value of one sample is the larger of two, and whether that is chance.

    Args:
        first: independent values ``[n]``.
        second: independent values ``[m]``.

    Returns:
        As statistic the share of pairs in which that of ``first`` is larger, ties one half, in
        [0, 1]; the p value is Mann and Whitney's, two-sided.

    Raises:
        ValueError: if a sample is empty or holds NaN.

    Source:
        McGraw and Wong, 1992, Psychological Bulletin 111 (common language effect size).

    Example:
        >>> from fooljax import metrics
        >>> metrics.superiority([3, 4, 5], [0, 1, 2])
        Comparison(statistic=1.0, p_value=0.1)
    """
    samples = checked(first, "first"), checked(second, "second")
    u, p_value = mann_whitney(*samples)
    return Comparison(u / (samples[0].size * samples[1].size), p_value)


def spearman(first: ArrayLike, second: ArrayLike) -> Correlation:
    """Correlate two rows of numbers by their ranks, such as a round and what it reaches.

    Args:
        first: ``[n]``, at least 3.
        second: ``[n]``.

    Raises:
        ValueError: if they are not as many, are fewer than 3, hold NaN, or do not vary.

    Source:
        Spearman, 1904, American Journal of Psychology 15.

    Example:
        >>> from fooljax import metrics
        >>> round(metrics.spearman([1, 2, 3, 4], [0.1, 0.3, 0.2, 0.9]).rho, 1)
        0.8
    """
    import scipy.stats

    samples = checked(first, "first"), checked(second, "second")
    if len(samples[0]) != len(samples[1]) or len(samples[0]) < 3:
        sizes = " and ".join(str(len(one)) for one in samples)
        raise ValueError(f"first and second must be as many, at least 3, got {sizes}")
    for name, one in zip(("first", "second"), samples, strict=True):
        if np.ptp(one) == 0.0:
            raise ValueError(f"{name} must vary, or it has no ranks; all are {one[0]:g}")
    found = scipy.stats.spearmanr(*samples)
    return Correlation(float(found.statistic), float(found.pvalue))


def evaluations_to_reach(
    history: ArrayLike, evaluations: ArrayLike, level: float = 0.99
) -> NDArray[np.float64]:
    """Read from a run's history how many evaluations it took to be so sure.

    Args:
        history: confidence after each recorded moment, ``[t, ...]``; NaN is not
            reaching it.
        evaluations: images shown to the network until then, ``[t]``, ascending.
        level: confidence to reach.

    Returns:
        ``[...]``, the evaluations at the first moment with at least ``level``;
        infinity where there is none.

    Raises:
        ValueError: if there are no moments, or not as many in both.

    Example:
        >>> from fooljax import metrics
        >>> history = [[0.1, 0.2], [0.995, 0.3], [0.999, 0.4]]  # of two classes
        >>> metrics.evaluations_to_reach(history, [200, 400, 600]).tolist()
        [400.0, inf]
    """
    curve, spent = np.asarray(history, np.float64), np.asarray(evaluations, np.float64)
    if spent.ndim != 1 or not spent.size or curve.shape[:1] != spent.shape:
        raise ValueError(
            f"history must have an entry for each of evaluations {spent.shape}, got {curve.shape}"
        )
    reached = curve >= level
    return np.where(reached.any(axis=0), spent[np.argmax(reached, axis=0)], np.inf)


def _check_level(level: float) -> None:
    checks.between("level", level, 0.0, 1.0, "()")
