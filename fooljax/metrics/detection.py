"""Telling the known from the unknown by a score: AUROC, AUPR, FPR95, thresholds.

Everywhere ``known`` are scores of images that the network should answer, ``outliers``
scores of images that it should not, and a higher score says "known". An image is
accepted if its score is at least the threshold. Only the order of the scores counts,
so infinities are welcome; NaN is refused. Host functions, in float64.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax import checks

_ROUNDING = 1e-9  # 0.95 * n is not exact: the count that is meant is the whole number nearby


class Roc(NamedTuple):
    """How many outliers are accepted when so many known images are.

    Attributes:
        false_positives: share of the outliers accepted, ``[t]``, ascending.
        true_positives: share of the known images accepted, ``[t]``, ascending.
    """

    false_positives: NDArray[np.float64]
    true_positives: NDArray[np.float64]

    def at(self, false_positives: ArrayLike) -> NDArray[np.float64]:
        """Read the curve where so many outliers are accepted; where it jumps, its upper end."""
        last = np.append(np.diff(self.false_positives) > 0.0, True)
        x, y = self.false_positives[last], self.true_positives[last]
        return np.interp(np.asarray(false_positives, np.float64), x, y)


def auroc(known: ArrayLike, outliers: ArrayLike) -> float:
    """Chance that a known image scores higher than an outlier; ties count one half.

    Args:
        known: scores ``[n]``.
        outliers: scores ``[m]``.

    Raises:
        ValueError: if one of them is empty or not ``[n]``, or a score is NaN.

    Source:
        Hanley and McNeil, 1982, Radiology 143 (area and rank statistic).

    Example:
        >>> from fooljax import metrics
        >>> metrics.auroc(known=[3.0, 2.0], outliers=[2.0, 1.0])
        0.875
    """
    rising, others = np.sort(checked(known, "known")), np.sort(checked(outliers, "outliers"))
    beaten = np.searchsorted(others, rising, "left").sum()
    beaten_or_equal = np.searchsorted(others, rising, "right").sum()
    return float((beaten + beaten_or_equal) / 2 / (len(rising) * len(others)))


def aupr_id_pos(known: ArrayLike, outliers: ArrayLike) -> float:
    """Average precision of finding the known images, as if there were as many as outliers.

    Precision depends on how frequent either kind is; here both weigh the same,
    however many there are. So chance level is 1/2, and sets of equal size give
    scikit-learn's ``average_precision_score``. Without interpolation; images of
    equal score are retrieved together.

    Args:
        known: scores ``[n]``.
        outliers: scores ``[m]``.

    Raises:
        ValueError: as ``auroc``.

    Example:
        >>> from fooljax import metrics
        >>> metrics.aupr_id_pos(known=[3.0, 2.0], outliers=[1.0])
        1.0
    """
    return _average_precision(*_ranked(known, outliers))


def aupr_ood_pos(known: ArrayLike, outliers: ArrayLike) -> float:
    """Average precision of finding the outliers by low scores; see ``aupr_id_pos``.

    Example:
        >>> from fooljax import metrics
        >>> metrics.aupr_ood_pos(known=[1.0], outliers=[1.0])  # chance
        0.5
    """
    is_known, ranks = _ranked(known, outliers)
    return _average_precision(~is_known, -ranks)


def fpr95_id_pos(known: ArrayLike, outliers: ArrayLike) -> float:
    """Share of the outliers accepted when 95 % of the known images are.

    The threshold is the highest that accepts at least 95 % of the known images;
    whatever scores at least the threshold is accepted, ties included.

    Args:
        known: scores ``[n]``.
        outliers: scores ``[m]``.

    Raises:
        ValueError: as ``auroc``.

    Source:
        Liang et al., 2018, arXiv:1706.02690 (ODIN); Liu et al., 2020,
        arXiv:2010.03759 (energy). Not the convention of ``fpr95_ood_pos``.

    Example:
        >>> from fooljax import metrics
        >>> metrics.fpr95_id_pos(known=[3.0, 2.0], outliers=[2.0, 1.0])
        0.5
    """
    threshold = acceptance_threshold(known, 0.95)
    return float(np.mean(checked(outliers, "outliers") >= threshold))


def fpr95_ood_pos(known: ArrayLike, outliers: ArrayLike) -> float:
    """Share of the known images flagged when 95 % of the outliers are.

    The mirror image: the threshold is the lowest for which at least 95 % of the
    outliers score at most as much; whatever does is flagged, ties included.

    Args:
        known: scores ``[n]``.
        outliers: scores ``[m]``.

    Raises:
        ValueError: as ``auroc``.

    Source:
        Hendrycks et al., 2019, arXiv:1812.04606 (outlier exposure); Zhang et al.,
        2023, arXiv:2306.09301 (OpenOOD 1.5). Not the convention of
        ``fpr95_id_pos``.

    Example:
        >>> from fooljax import metrics
        >>> metrics.fpr95_ood_pos(known=[3.0, 2.0], outliers=[2.0, 1.0])
        0.5
    """
    return fpr95_id_pos(-checked(outliers, "outliers"), -checked(known, "known"))


def acceptance_threshold(known: ArrayLike, true_positive_rate: float) -> float:
    """Return the highest threshold that accepts at least this share of the known images.

    Args:
        known: scores ``[n]`` of held-out clean images.
        true_positive_rate: share to accept, in (0, 1).

    Returns:
        One of the scores; what scores at least as much is accepted.

    Raises:
        ValueError: if there are no scores or one is NaN, or the share is not in
            (0, 1).

    Example:
        >>> from fooljax import metrics
        >>> metrics.acceptance_threshold([1.0, 2.0, 3.0, 4.0], 0.75)
        2.0
    """
    true_positive_rate = checks.between("true_positive_rate", true_positive_rate, 0.0, 1.0, "()")
    falling = np.sort(checked(known, "known"))[::-1]
    accepted = int(np.ceil(true_positive_rate * len(falling) - _ROUNDING))
    return float(falling[max(accepted, 1) - 1])


def share_accepted(scores: ArrayLike, threshold: float) -> float:
    """Return the share of scores that are at least the threshold.

    Raises:
        ValueError: if there are no scores, or one is NaN.

    Example:
        >>> from fooljax import metrics
        >>> metrics.share_accepted([1.0, 2.0, 3.0, 4.0], threshold=2.0)
        0.75
    """
    limit = checks.real("threshold", threshold, infinite=True)
    return float(np.mean(checked(scores, "scores") >= limit))


def roc_curve(known: ArrayLike, outliers: ArrayLike) -> Roc:
    """Return the corners of the curve from (0, 0) to (1, 1).

    Raises:
        ValueError: as ``auroc``.

    Example:
        >>> from fooljax import metrics
        >>> metrics.roc_curve(known=[3.0, 2.0], outliers=[2.0, 1.0]).true_positives.tolist()
        [0.0, 0.5, 1.0, 1.0]
    """
    from sklearn.metrics import roc_curve as corners

    false_positives, true_positives, _ = corners(*_ranked(known, outliers))
    return Roc(false_positives, true_positives)


def checked(scores: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return scores ``[n]`` in float64, or say what is wrong with them."""
    try:
        array = np.asarray(scores)
        array = array.astype(
            np.float64, casting="same_kind" if array.dtype.kind == "c" else "unsafe"
        )
    except (TypeError, ValueError) as error:
        got = checks.shown(scores)
        raise ValueError(f"{name} must be a row of at least one number, got {got}") from error
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a row of at least one number, got {checks.shown(scores)}")
    if np.any(np.isnan(array)):
        raise ValueError(f"{name} must not be NaN, got NaN at {int(np.argmax(np.isnan(array)))}")
    return array


def _ranked(known: ArrayLike, outliers: ArrayLike) -> tuple[NDArray, NDArray]:
    """Which are known, and the ranks of all scores: same order, same ties, all finite."""
    import scipy.stats

    rows = checked(known, "known"), checked(outliers, "outliers")
    is_known = np.repeat([True, False], [len(row) for row in rows])
    return is_known, scipy.stats.rankdata(np.concatenate(rows), method="dense")


def _average_precision(positive: NDArray, ranks: NDArray) -> float:
    from sklearn.metrics import average_precision_score

    weights = np.where(positive, np.mean(~positive), np.mean(positive))
    return float(average_precision_score(positive, ranks, sample_weight=weights))
