"""How well an archive of niches is filled: coverage and QD score. Host functions."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike


class Illumination(NamedTuple):
    """How well archives are filled, a number for each archive.

    Attributes:
        coverage: share of the niches that hold an image, in [0, 1].
        qd_score: sum of the objective, above its least value, over the filled niches.
        norm_qd_score: the same divided by the number of niches.
        best: largest objective; NaN for an empty archive.
        mean: objective of the filled niches; NaN for an empty archive.
    """

    coverage: Float[np.ndarray, "..."]
    qd_score: Float[np.ndarray, "..."]
    norm_qd_score: Float[np.ndarray, "..."]
    best: Float[np.ndarray, "..."]
    mean: Float[np.ndarray, "..."]


def illumination(objective: ArrayLike, filled: ArrayLike, least: float = 0.0) -> Illumination:
    """Sum up archives as pyribs does.

    Args:
        objective: ``[..., niches]``; what stands in empty niches does not count.
        filled: ``[..., niches]``, which niches hold an image.
        least: value of the objective that is worth nothing; 0 for confidences.

    Returns:
        Arrays ``[...]``, in float64.

    Raises:
        ValueError: if the shapes disagree, or there are no niches.

    Source:
        Pugh et al., 2016, Frontiers in Robotics and AI 3 (QD score); Tjanaka et al., 2023,
        arXiv:2303.00191 (pyribs: ``ArchiveStats``, whose ``qd_score_offset`` is ``least``).

    Example:
        >>> from fooljax import metrics
        >>> found = metrics.illumination([0.5, 1.0, 0.0, 0.0], [True, True, False, False])
        >>> float(found.coverage), float(found.qd_score), float(found.best)
        (0.5, 1.5, 1.0)
    """
    values, held = np.asarray(objective, np.float64), np.asarray(filled, bool)
    if values.shape != held.shape or not values.ndim or not values.shape[-1]:
        raise ValueError(
            f"objective and filled must be of one shape with at least one niche, got "
            f"{values.shape} and {held.shape}"
        )
    niches, count = values.shape[-1], held.sum(axis=-1)
    score = np.sum(np.where(held, values - least, 0.0), axis=-1)
    best = np.max(np.where(held, values, -np.inf), axis=-1)
    total = np.sum(np.where(held, values, 0.0), axis=-1)
    return Illumination(
        count / niches,
        score,
        score / niches,
        np.where(count > 0, best, np.nan),
        np.where(count > 0, total / np.maximum(count, 1), np.nan),
    )
