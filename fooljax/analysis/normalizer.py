"""How likely an image is to a network read as a density: its logits, normalized.

``log Z(tilt)`` of ``exp(tilt * score(x)) q(x) / Z`` follows from how the score is
distributed over the images of ``q``, at every tilt at once.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from fooljax import checks

_COMMON = 0.1  # share of plain draws above a score down to which they are trusted


class Normalizer(NamedTuple):
    """The normalizer of a tilted density, a number a tilt.

    Attributes:
        log_z: ``log Z``; what lies above the last level counts as lying at that level.
        mean: score that images of the density have on average.
        beyond: share of ``Z`` that lies above the last level, in [0, 1]; where it is not
            small, ``log_z`` and ``mean`` are lower bounds, and the curve must go farther.
    """

    log_z: Float[np.ndarray, " g"]
    mean: Float[np.ndarray, " g"]
    beyond: Float[np.ndarray, " g"]


def whole_curve(
    draws: ArrayLike, levels: ArrayLike, log_p: ArrayLike
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Join what plain draws say of common scores and what splitting says of rare ones.

    Args:
        draws: scores of images of ``q`` drawn plainly, ``[m]``, in any order.
        levels: of splitting, ascending, ``[n]``; NaN where there is none.
        log_p: natural logarithm of the probability of a higher score, ``[n]``.

    Returns:
        Levels and ``log_p`` as `log_normalizer` takes them: every draw until a tenth of
        them is left, and beyond it the levels.

    Raises:
        ValueError: if there are fewer than 2 draws, or levels and probabilities are not as many.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> levels, log_p = analysis.whole_curve(np.arange(100.0), [95.0, 200.0], [-3.0, -9.0])
        >>> bool((np.diff(levels) > 0).all() and (np.diff(log_p) <= 0).all())
        True
    """
    row = checks.row("draws", draws)
    scores, many = np.unique(row), row.size
    at, log_tail = (np.asarray(one, np.float64) for one in (levels, log_p))
    if many < 2 or at.ndim != 1 or at.shape != log_tail.shape:
        raise ValueError(
            f"draws must be 2 or more, and levels and log_p as many, got {many} draws, levels "
            f"{at.shape}, log_p {log_tail.shape}"
        )
    # half of a draw lies above itself: so the first level has a probability below 1
    ranks = np.searchsorted(np.sort(row), scores, side="left") + 0.5
    share = 1.0 - ranks / many
    common = share >= _COMMON
    rare = np.isfinite(at) & np.isfinite(log_tail)
    rare &= (at > scores[common].max()) & (log_tail < np.log(share[common].min()))
    return np.append(scores[common], at[rare]), np.append(np.log(share[common]), log_tail[rare])


def log_normalizer(levels: ArrayLike, log_p: ArrayLike, tilts: ArrayLike) -> Normalizer:
    """Integrate ``exp(tilt * score)`` over the curve of how probable each score is.

    Between two levels the probability is taken to fall exponentially, as the curves of
    splitting do; what lies below the first level counts as lying at it.

    Args:
        levels: scores in ascending order, ``[n]``, two or more.
        log_p: natural logarithm of the probability that an image of ``q`` scores higher
            than each of them, ``[n]``, descending, the first near 0.
        tilts: factors of the score, ``[g]``.

    Raises:
        ValueError: if they are no such rows.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> found = analysis.log_normalizer([0.0, 1.0, 2.0], [0.0, -1.0, -2.0], tilts=[0.0])
        >>> abs(float(found.log_z[0])) < 1e-9  # without a tilt the whole mass is 1
        True
    """
    at, log_tail = checks.row("levels", levels), checks.row("log_p", log_p)
    slopes = checks.row("tilts", tilts)[:, None]
    if at.shape != log_tail.shape or len(at) < 2:
        raise ValueError(
            f"levels and log_p must be as many, at least 2, got {len(at)} and {len(log_tail)}"
        )
    if (np.diff(at) <= 0.0).any() or (np.diff(log_tail) > 0.0).any() or log_tail[0] > 0.0:
        raise ValueError("levels must ascend, and log_p descend from 0 or less")
    width = np.diff(at)
    rate = np.maximum(-np.diff(log_tail) / width, 1e-300)
    lean = (slopes - rate) * width
    # integral of exp(tilt * s) over a piece in which the tail falls as exp(-rate * s)
    pieces = log_tail[:-1] + np.log(rate * width) + slopes * at[:-1] + _log_expm1_ratio(lean)
    below = np.log(-np.expm1(min(log_tail[0], -1e-300))) + slopes * at[0]
    above = log_tail[-1] + slopes * at[-1]
    parts = np.concatenate([below, pieces, above], axis=1)
    log_z = np.logaddexp.reduce(parts, axis=1)
    # where in its piece the mass of each lies: at the end that the integrand leans to
    centers = at[:-1] + width * _center(lean)
    places = np.pad(centers, ((0, 0), (1, 1)))
    places[:, 0], places[:, -1] = at[0], at[-1]
    shares = np.exp(parts - log_z[:, None])
    return Normalizer(log_z, np.sum(shares * places, axis=1), shares[:, -1])


def log_density(scores: ArrayLike, tilt: float, log_z: ArrayLike) -> Float[np.ndarray, " n"]:
    """Logarithm of an image's density in the even mixture of all classes.

    It is measured against the images of ``q``: 0 is as likely as there, in nats.

    Args:
        scores: of each class, ``[n, k]``.
        tilt: factor of the scores.
        log_z: of each class at this tilt, ``[k]``.

    Raises:
        ValueError: if the shapes differ, or a number is out of its range.

    Source:
        Dai, Lu and Wu, 2015, arXiv:1412.6296, section 2; with ``log Z`` left out it is the
        energy of Grathwohl et al., 2020, arXiv:1912.03263.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> analysis.log_density([[1.0, 1.0]], tilt=1.0, log_z=[1.0, 1.0]).tolist()
        [0.0]
    """
    tilt, each = checks.not_negative("tilt", tilt), checks.row("log_z", log_z)
    table = np.asarray(checks.array("scores", scores))
    if table.ndim != 2 or table.shape[1] != len(each) or table.dtype.kind not in "biuf":
        raise ValueError(
            f"scores must be numbers [n, {len(each)}], as log_z has it, got {checks.shown(table)}"
        )
    return np.logaddexp.reduce(tilt * table.astype(np.float64) - each, axis=1) - np.log(len(each))


def _log_expm1_ratio(x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """``log((exp(x) - 1) / x)``, for any finite ``x``."""
    size = np.maximum(np.abs(x), 1e-12)
    return np.maximum(x, 0.0) + np.log(-np.expm1(-size) / size)


def _center(x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Mean of ``u`` in [0, 1] with a density of ``exp(x u)``, for any finite ``x``."""
    size = np.maximum(np.abs(x), 1e-4)
    leaning = 0.5 + np.where(
        np.abs(x) < 1e-4, np.abs(x) / 12.0, 1.0 / -np.expm1(-size) - 1.0 / size - 0.5
    )
    return np.where(x < 0.0, 1.0 - leaning, leaning)
