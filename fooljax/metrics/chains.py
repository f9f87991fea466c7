"""Have Markov chains mixed, and how many independent draws are they worth? Host functions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax import checks


class Mixing(NamedTuple):
    """How chains of one density went together, read off one number at each step.

    Attributes:
        r_hat: how much wider all chains together are than each half of one alone; 1 when
            mixed, and from about 1.1 on they have not seen the same places. Infinite where
            no chain moved.
        effective: number of independent draws that all steps together are worth.
        time: steps that one independent draw takes.
    """

    r_hat: float
    effective: float
    time: float


def mixing(traces: ArrayLike) -> Mixing:
    """Judge chains of the same density, each cut in two halves.

    Args:
        traces: a number at each step of each chain after its burn-in, ``[m, t]``.

    Raises:
        ValueError: if there are fewer than 4 steps, or a number is NaN or infinite.

    Source:
        Gelman et al., 2013, Bayesian Data Analysis, section 11.4 (split R-hat);
        Geyer, 1992, Statistical Science 7 (where the sum of correlations ends: initial
        monotone sequence).

    Example:
        >>> from fooljax import metrics
        >>> import numpy as np
        >>> draws = np.random.default_rng(0).normal(size=(4, 1000))
        >>> round(metrics.mixing(draws).r_hat, 2)
        1.0
    """
    given = np.asarray(checks.array("traces", traces))
    if given.ndim != 2 or not len(given) or given.shape[1] < 4 or given.dtype.kind not in "biuf":
        raise ValueError(
            f"traces must be numbers [chains, steps], 4 steps or more, got {checks.shown(given)}"
        )
    values = given.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("traces must be finite numbers, got NaN or infinity")
    half = values.shape[1] // 2
    halves = np.concatenate([values[:, :half], values[:, -half:]])
    total = halves.size
    covariance = _autocovariance(halves)
    within = covariance[:, 0].mean() * half / (half - 1)
    between = halves.mean(axis=1).var(ddof=1)
    spread = within * (half - 1) / half + between
    if within <= 0.0:
        return Mixing(np.inf, 0.0, np.inf)
    correlation = 1.0 - (within - covariance.mean(axis=0) * half / (half - 1)) / spread
    correlation[0] = 1.0
    pairs = correlation[: half // 2 * 2].reshape(-1, 2).sum(axis=1)
    positive = np.append(pairs > 0.0, False)
    pairs = np.minimum.accumulate(pairs[: np.argmin(positive)])
    time = max(2.0 * float(pairs.sum()) - 1.0, 1.0 / np.log10(total))  # as Stan bounds it
    return Mixing(float(np.sqrt(spread / within)), total / time, time)


def _autocovariance(traces: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of each chain with itself later, ``[m, t]``, each lag over ``t`` terms."""
    steps = traces.shape[1]
    centered = traces - traces.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centered, n=2 * steps, axis=1)
    return np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :steps] / steps
