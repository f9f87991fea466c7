"""Whether a network is as often right as it is sure, and how sure it is. Host functions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax import checks
from fooljax.metrics.detection import checked


class ConfidenceSummary(NamedTuple):
    """How sure a network is of a set of images, as shares in [0, 1].

    Attributes:
        mean: of the confidences. On images that show nothing it is the whole
            calibration error, for no answer is right.
        median: of the confidences.
        quantile_95: confidence that 5 % of the images exceed.
        quantile_99: confidence that 1 % of the images exceed.
        share_95: share of images with a confidence of at least 0.95.
        share_99: the same for 0.99.
        share_9999: the same for 0.9999.
    """

    mean: float
    median: float
    quantile_95: float
    quantile_99: float
    share_95: float
    share_99: float
    share_9999: float


class Coverage(NamedTuple):
    """How often a network is right about the images that it accepts.

    Attributes:
        coverage: share of the images accepted, ``[t]``, ascending to 1; a point
            for every different score.
        accuracy: share of the accepted images whose answer is right, ``[t]``.
    """

    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    def at(self, coverage: ArrayLike) -> NDArray[np.float64]:
        """Read the accuracy where such a share is accepted."""
        return np.interp(np.asarray(coverage, np.float64), self.coverage, self.accuracy)


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = 15) -> float:
    """Mean distance between how sure a network is and how often it is right.

    Images are sorted by the confidence of their answer into bins of equal width,
    ``(i / bins, (i + 1) / bins]``, the first with its left end. Each bin's distance
    between mean confidence and accuracy (L1) weighs as many images as it holds.

    Args:
        confidence: of the answer to each image, ``[n]`` in [0, 1].
        right: whether that answer is right, ``[n]``.
        bins: how many.

    Raises:
        ValueError: if there are no images, a confidence is NaN or outside [0, 1],
            ``right`` holds anything but bools (or 0 and 1), the shapes differ, or
            ``bins`` is less than 1.

    Source:
        Guo et al., 2017, arXiv:1706.04599, equation 3, with 15 bins as there.

    Example:
        >>> from fooljax import metrics
        >>> metrics.expected_calibration_error([0.9, 0.9], [True, False])
        0.4
    """
    bins = checks.count("bins", bins)
    sure, correct = as_shares(confidence), as_many(right, confidence)
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(place, correct - sure, minlength=bins)
    return float(np.abs(gap).sum() / len(sure))


def confidence_summary(confidence: ArrayLike) -> ConfidenceSummary:
    """Summarize the largest confidence of every image.

    Args:
        confidence: probability of the likeliest real class, ``[n]`` in [0, 1].

    Raises:
        ValueError: if there are no images, or a confidence is NaN or outside [0, 1].

    Example:
        >>> from fooljax import metrics
        >>> found = metrics.confidence_summary([0.5, 0.99, 1.0])
        >>> found.median, round(found.share_99, 3)
        (0.99, 0.667)
    """
    sure = as_shares(confidence)
    above = (float(np.mean(sure >= level)) for level in (0.95, 0.99, 0.9999))
    quantiles = (float(one) for one in np.quantile(sure, (0.5, 0.95, 0.99)))
    return ConfidenceSummary(float(sure.mean()), *quantiles, *above)


def coverage_curve(scores: ArrayLike, right: ArrayLike) -> Coverage:
    """Return the accuracy on what is accepted, for every threshold on the score.

    Images of equal score are accepted together.

    Args:
        scores: ``[n]``, higher is accepted earlier.
        right: whether the answer to each image is right, ``[n]``.

    Raises:
        ValueError: if there are no images, a score is NaN, ``right`` holds anything
            but bools (or 0 and 1), or the shapes differ.

    Source:
        El-Yaniv and Wiener, 2010, JMLR 11 (selective classification).

    Example:
        >>> from fooljax import metrics
        >>> found = metrics.coverage_curve([3.0, 2.0, 1.0, 0.0], [True, True, False, False])
        >>> float(found.at(0.75).round(3))
        0.667
    """
    values, correct = checked(scores, "scores"), as_many(right, scores)
    order = np.argsort(-values, kind="stable")
    last = np.flatnonzero(np.append(np.diff(values[order]) != 0.0, True))
    hits = np.cumsum(correct[order])[last]
    return Coverage((last + 1) / len(values), hits / (last + 1))


def as_shares(confidence: ArrayLike) -> NDArray[np.float64]:
    """Return confidences ``[n]`` in [0, 1], or say what is wrong with them."""
    sure = checked(confidence, "confidence")
    if sure.min() < -checks.NEAR or sure.max() > 1.0 + checks.NEAR:
        raise ValueError(f"confidence must be in [0, 1], got {sure.min():.9g} to {sure.max():.9g}")
    return np.clip(sure, 0.0, 1.0)


def as_many(right: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """Return which answers are right, one for each score, or say what is wrong with them."""
    correct = np.asarray(right)
    if correct.shape != np.shape(scores):
        raise ValueError(f"right must be {np.shape(scores)}, got {correct.shape}")
    wrong = correct[~np.isin(correct, (0, 1))]
    if wrong.size:
        raise ValueError(
            f"right must say of each answer whether it is right, True or False, got {wrong[0]}; "
            "of labels give predict(classifier, images) == labels"
        )
    return correct.astype(np.float64)
