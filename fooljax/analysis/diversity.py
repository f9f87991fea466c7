"""Choose images that are far from each other."""

import numpy as np
from jaxtyping import Float, Int

from fooljax import checks

_EQUAL = 1e-6


def choose_diverse(
    features: Float[np.ndarray, "n d"],
    confidences: Float[np.ndarray, " n"],
    families: Int[np.ndarray, " n"],
    count: int,
    level: float,
) -> tuple[Int[np.ndarray, " m"], int]:
    """Choose up to ``count`` images that are certain, unrelated and far apart.

    Greedy: the first is the most certain image; each next one is that whose
    nearest chosen image is farthest away. Only images of at least ``level`` take
    part, or the ``2 * count`` most certain ones if those are fewer. Families not yet
    chosen from go first; relatives follow once there are none. An image equal to
    a chosen one is never chosen.

    Args:
        features: where each image lies.
        confidences: of the images, in [0, 1].
        families: equal numbers mark relatives.
        count: how many to choose.
        level: confidence that is enough, in [0, 1].

    Returns:
        The places of the chosen images in the order of their choice, and how
        many of them come from a family of their own.

    Raises:
        ValueError: if ``count`` is less than 1.
    """
    count = checks.count("count", count)
    order = np.argsort(-confidences, kind="stable")
    enough = max(2 * count, int(np.sum(confidences >= level)))
    pool = order[:enough]
    where = np.asarray(features, np.float64)[pool]
    chosen = [0]
    distance = np.linalg.norm(where - where[0], axis=1)
    related = families[pool] == families[pool[0]]
    alone = 1
    while len(chosen) < count:
        free = distance > _EQUAL
        stranger = free & ~related
        if not free.any():
            break
        alone += bool(stranger.any())
        best = int(np.argmax(np.where(stranger if stranger.any() else free, distance, -1.0)))
        chosen.append(best)
        distance = np.minimum(distance, np.linalg.norm(where - where[best], axis=1))
        related |= families[pool] == families[pool[best]]
    return pool[chosen], alone
