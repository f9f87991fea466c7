"""Put independent runs of splitting together, and say how far they may be off."""

import math
from typing import NamedTuple

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import ArrayLike

from fooljax import checks, metrics


class Estimate(NamedTuple):
    """A share from independent runs.

    Attributes:
        log10: logarithm of the mean over the runs of the shares themselves, which has no bias;
            minus infinity if no run got there.
        low: lower end of the 95 % interval by Student's t of the runs' logarithms, around
            ``log10``; NaN from a single run, or where a run found nothing.
        high: its upper end.
        sd: standard deviation of a run's logarithm; NaN as above.
        ideal_sd: what it is when particles move far enough between levels to be independent.
        scattered: whether ``sd`` is more than twice that: more moves are needed, or there are
            regions that particles do not travel between.
    """

    log10: float
    low: float
    high: float
    sd: float
    ideal_sd: float
    scattered: bool


def estimate(
    log10_runs: ArrayLike, particles: int, keep: float = 0.5, level: float = 0.95
) -> Estimate:
    """Put independent runs together.

    Args:
        log10_runs: ``[r]``, the logarithm to base 10 of each run's share; minus infinity
            where it found nothing.
        particles: of a run.
        keep: share of particles meant to survive a level.
        level: of confidence of the interval, in (0, 1).

    Raises:
        ValueError: if there is no run, or a number is out of its range.

    Example:
        >>> from fooljax import analysis
        >>> round(analysis.estimate([-6.1, -6.0, -5.9], particles=200).log10, 1)
        -6.0
    """
    runs = np.asarray(checks.array("log10_runs", log10_runs), np.float64)
    if runs.ndim != 1 or not runs.size or np.isnan(runs).any():
        raise ValueError(f"log10_runs must be a row of numbers, got {checks.shown(runs)}")
    level = checks.between("level", level, 0.0, 1.0, "()")
    ln10, count, nan = math.log(10.0), len(runs), math.nan
    mean = float((scipy.special.logsumexp(ln10 * runs) - math.log(count)) / ln10)
    ideal = ideal_sd(mean, particles, keep)
    if count == 1 or np.isneginf(runs).any():
        return Estimate(mean, nan, nan, nan, ideal, False)
    sd = float(runs.std(ddof=1))
    half = float(scipy.stats.t.ppf(0.5 + level / 2, count - 1)) * sd / math.sqrt(count)
    return Estimate(mean, mean - half, min(mean + half, 0.0), sd, ideal, sd > 2 * ideal)


def ideal_sd(log10_p: float, particles: int, keep: float = 0.5) -> float:
    """Return the standard deviation of a run's log10 share, were its particles independent.

    Args:
        log10_p: logarithm to base 10 of the share.
        particles: of a run.
        keep: share of particles meant to survive a level.

    Source:
        Cerou and Guyader, 2007, Stochastic Analysis and Applications 25, theorem 1.

    Example:
        >>> from fooljax import analysis
        >>> few, many = (analysis.ideal_sd(-6.0, particles) for particles in (100, 400))
        >>> round(few / many, 6)
        2.0
    """
    if not math.isfinite(log10_p):
        return math.nan
    whole = math.floor(log10_p / math.log10(keep))
    last = 10.0 ** (log10_p - whole * math.log10(keep))  # the share that the last level has
    variance = (whole * (1.0 - keep) / keep + (1.0 - last) / last) / particles
    return math.sqrt(variance) / math.log(10.0)


def log10_count(hits: int, drawn: int) -> metrics.Interval:
    """Return the logarithm to base 10 of a share found by counting, with its 95 % interval.

    Args:
        hits: images that count.
        drawn: all of them.

    Returns:
        Minus infinity for a share of 0; the interval is Clopper and Pearson's.

    Raises:
        ValueError: as `metrics.clopper_pearson`.

    Example:
        >>> from fooljax import analysis
        >>> analysis.log10_count(100, 10_000).mean
        -2.0
    """
    log = lambda share: math.log10(share) if share > 0.0 else -math.inf
    return metrics.Interval(*map(log, metrics.clopper_pearson(hits, drawn)))


def agrees_with_count(split: Estimate, counted: metrics.Interval, runs: int) -> bool:
    """Tell whether splitting and counting differ by no more than chance lets them.

    Their 95 % half widths are added as those of independent errors are. That of splitting is
    Student's, or where that is smaller what independent particles would have.

    Args:
        split: a share by splitting, found in one run at least.
        counted: the same by counting, from `log10_count`, with one hit at least.
        runs: of splitting.

    Raises:
        ValueError: if there is no run.

    Example:
        >>> from fooljax import analysis
        >>> split = analysis.estimate([-2.1, -2.0, -1.9], particles=200)
        >>> analysis.agrees_with_count(split, analysis.log10_count(100, 10_000), runs=3)
        True
    """
    half = 1.96 * split.ideal_sd / math.sqrt(checks.count("runs", runs))
    if not math.isnan(split.low):
        half = max(half, split.log10 - split.low)
    chance = math.hypot((counted.high - counted.low) / 2, half)
    return abs(split.log10 - counted.mean) <= chance


def log10_ball(dimensions: int, radius: float) -> float:
    """Return the logarithm to base 10 of a Euclidean ball's volume.

    Args:
        dimensions: of the space.
        radius: of the ball.

    Raises:
        ValueError: if one is not positive.

    Example:
        >>> import math
        >>> from fooljax import analysis
        >>> math.isclose(10 ** analysis.log10_ball(2, 1.0), math.pi)
        True
    """
    half = checks.count("dimensions", dimensions) / 2
    natural = half * math.log(math.pi) - math.lgamma(half + 1.0)
    return natural / math.log(10.0) + dimensions * math.log10(checks.positive("radius", radius))
