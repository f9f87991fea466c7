"""Whether confidences are what they say: reliability diagrams, proper scores, temperature.

Host functions, in float64.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax import checks
from fooljax.metrics.calibration import as_many, as_shares
from fooljax.metrics.statistics import clopper_pearson

_LEAST, _MOST = 0.01, 100.0  # temperatures


class Reliability(NamedTuple):
    """How often a network is right when it is so sure, by bins of its confidence.

    Attributes:
        edges: of the bins, ``[bins + 1]``, ascending. A bin holds its upper end, the first
            its lower one too.
        counts: images in each bin, ``[bins]``.
        confidence: their mean confidence, NaN in an empty bin.
        accuracy: share of them that is right, NaN in an empty bin.
        low: lower limit of the accuracy, by Clopper and Pearson; 0 in an empty bin.
        high: upper limit; 1 in an empty bin.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Mean distance between confidence and accuracy, over the images."""
        gap = np.nan_to_num(np.abs(self.confidence - self.accuracy))
        return float(gap @ self.counts / self.counts.sum())


def reliability(
    confidence: ArrayLike,
    right: ArrayLike,
    bins: int = 15,
    equal: Literal["width", "mass"] = "width",
    level: float = 0.95,
) -> Reliability:
    """Compare how sure a network is with how often it is right.

    Args:
        confidence: of the answer to each image, ``[n]`` in [0, 1].
        right: whether that answer is right, ``[n]``.
        bins: how many.
        equal: bins of equal width, or of equal mass, which is as many images in each as
            can be: images of equal confidence stay together.
        level: of confidence of the limits, in (0, 1).

    Raises:
        ValueError: if there are no images, a confidence is NaN or outside [0, 1],
            ``right`` holds anything but bools (or 0 and 1), the shapes differ, or a
            number is out of its range.

    Source:
        Niculescu-Mizil and Caruana, 2005, ICML (diagrams); Clopper and Pearson, 1934,
        Biometrika 26 (limits); Nixon et al., 2019, arXiv:1904.01685 (bins of equal mass).

    Example:
        >>> from fooljax import metrics
        >>> found = metrics.reliability([0.9, 0.9, 0.1, 0.1], [True, False, False, False], bins=2)
        >>> found.confidence.tolist(), found.accuracy.tolist()
        ([0.1, 0.9], [0.0, 0.5])
    """
    bins, by = checks.count("bins", bins), checks.choice("equal", equal, ("width", "mass"))
    level = checks.between("level", level, 0.0, 1.0, "()")
    sure, correct = as_shares(confidence), as_many(right, confidence)
    edges = np.linspace(0.0, 1.0, bins + 1)
    if by == "mass":
        edges = np.quantile(sure, edges)
        place = np.searchsorted(edges[1:-1], sure, side="left")
    else:
        place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    hits = np.bincount(place, correct, minlength=bins)
    limits = np.array([[0.0, 1.0]] * bins)
    for i in np.flatnonzero(counts):
        limits[i] = clopper_pearson(int(hits[i]), int(counts[i]), level)[1:]
    share = lambda sums: np.where(counts, sums / np.maximum(counts, 1), np.nan)
    means = share(np.bincount(place, sure, minlength=bins))
    return Reliability(edges, counts, means, share(hits), limits[:, 0], limits[:, 1])


def negative_log_likelihood(logits: ArrayLike, labels: ArrayLike) -> float:
    """Mean of minus the logarithm of the probability of the true class, in nats.

    Args:
        logits: ``[n, m]``, with columns that reject if there are any.
        labels: true class of every image, ``[n]``.

    Raises:
        ValueError: if the shapes do not go together, there are no images, or a logit is
            no finite number.

    Example:
        >>> from fooljax import metrics
        >>> round(metrics.negative_log_likelihood([[0.0, 0.0]], [1]), 4)  # the logarithm of 2
        0.6931
    """
    table, truth = _checked(logits, labels)
    return float(np.mean(_surprise(table, truth)))


def brier(logits: ArrayLike, labels: ArrayLike) -> float:
    """Mean squared distance between the probabilities and the truth, in [0, 2].

    Args:
        logits: ``[n, m]``, with columns that reject if there are any.
        labels: true class of every image, ``[n]``.

    Raises:
        ValueError: as ``negative_log_likelihood``.

    Source:
        Brier, 1950, Monthly Weather Review 78 (all classes, not halved).

    Example:
        >>> from fooljax import metrics
        >>> metrics.brier([[0.0, 0.0]], [1])
        0.5
    """
    table, truth = _checked(logits, labels)
    shares = np.exp(table - _log_sum(table)[:, None])
    shares[np.arange(len(truth)), truth] -= 1.0
    return float(np.mean(np.sum(shares**2, axis=1)))


def temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Find the number that logits are best divided by, so that confidences are true.

    It makes the labels as likely as can be; the answers stay what they are. The
    likelihood has one peak over the temperature.

    Args:
        logits: ``[n, m]`` of images that the network was not trained on.
        labels: their true classes, ``[n]``.

    Returns:
        The temperature, above 1 where the network is too sure. It is cut off at 0.01,
        where all answers are right, and at 100, where they are no better than chance.

    Raises:
        ValueError: as ``negative_log_likelihood``.

    Source:
        Guo et al., 2017, arXiv:1706.04599, section 4.2.

    Example:
        >>> from fooljax import metrics
        >>> logits = [[8.0, 0.0]] * 4  # sure of the first class, and right in three of four cases
        >>> round(metrics.temperature(logits, [0, 0, 0, 1]), 2)  # 8 / log(3)
        7.28
    """
    import scipy.optimize

    table, truth = _checked(logits, labels)
    own = table[np.arange(len(truth)), truth]

    def slope(log_temperature: float) -> float:
        """How fast the likelihood falls with the inverse of the temperature."""
        scaled = table * np.exp(-log_temperature)
        shares = np.exp(scaled - _log_sum(scaled)[:, None])
        return float(np.mean(np.sum(shares * table, axis=1) - own))

    low, high = np.log(_LEAST), np.log(_MOST)
    if slope(low) <= 0.0:  # the colder the likelier
        return _LEAST
    if slope(high) >= 0.0:
        return _MOST
    return float(np.exp(scipy.optimize.brentq(slope, low, high, xtol=1e-10)))


def _log_sum(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    top = logits.max(axis=1)
    return top + np.log(np.sum(np.exp(logits - top[:, None]), axis=1))


def _surprise(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    return _log_sum(logits) - logits[np.arange(len(labels)), labels]


def _checked(logits: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    table = np.asarray(checks.array("logits", logits))
    if table.ndim != 2 or not len(table) or table.dtype.kind not in "iuf":
        raise ValueError(f"logits must be [n, m] of one image or more, got {checks.shown(table)}")
    if not np.isfinite(table).all():
        raise ValueError("logits must be finite numbers, got NaN or infinity; leave those out")
    truth = np.asarray(checks.labels(labels, len(table), table.shape[1]))
    return table.astype(np.float64), truth.astype(np.int64)
