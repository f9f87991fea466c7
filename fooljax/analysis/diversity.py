"""How many different images there are, what makes them differ, and those farthest apart."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from fooljax import checks
from fooljax.types import RandomKey

_EQUAL = 1e-6


class Explained(NamedTuple):
    """What groups explain of how images differ.

    Attributes:
        share: of all squared distances, the part between groups, in [0, 1].
        chance: the mean share of labels shuffled at random.
        p_value: how often shuffled labels explain as much, at least
            ``1 / (permutations + 1)``. All are NaN where all images are equal.
        null: shares of the shuffled labels, ``[permutations]``.
    """

    share: float
    chance: float
    p_value: float
    null: Float[np.ndarray, " p"]


def cosine(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n n"]:
    """Return the cosine of the angle between each two images, in [-1, 1].

    Zeros have an angle to nothing: they are equal to each other (1), and have nothing in
    common with the rest (0).

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> analysis.cosine(np.array([[1.0, 0.0], [0.0, 2.0]])).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    flat = np.asarray(features, np.float64)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    blank = length == 0.0
    unit = np.hstack([flat / np.where(blank, 1.0, length), blank])
    return unit @ unit.T


def effective_number(
    features: ArrayLike, kernel: Callable[[np.ndarray], np.ndarray] = cosine
) -> float:
    """Return how many different images these amount to: 1 for copies, ``n`` at most.

    The exponential of the entropy of the eigenvalues of the similarities divided by
    ``n`` (the Vendi score). Nothing is subtracted from the features: do so first where
    all images share what does not count, such as their brightness.

    Args:
        features: ``[n, d]``, where each image lies.
        kernel: ``features -> similarities [n, n]``, positive semidefinite, 1 of an image
            with itself.

    Raises:
        ValueError: if there are no images, or similarities are not such.

    Source:
        Friedman and Dieng, 2023, arXiv:2210.02410, definition 3.1.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> round(analysis.effective_number(np.eye(3)), 6)  # three that have nothing in common
        3.0
    """
    similar = np.asarray(kernel(_table("features", features)), np.float64)
    if not np.allclose(np.diagonal(similar), 1.0):
        raise ValueError("kernel must give 1 for an image with itself; divide by its diagonal")
    values = np.linalg.eigvalsh(similar / len(similar))
    if values[0] < -_EQUAL:
        raise ValueError(f"kernel must be positive semidefinite, has eigenvalue {values[0]:.3g}")
    values = values[values > 0.0]
    return float(np.exp(-np.sum(values * np.log(values))))


def explained(
    features: ArrayLike,
    groups: ArrayLike,
    permutations: int,
    key: RandomKey,
    within: ArrayLike | None = None,
) -> Explained:
    """Return the share of squared distances that groups explain, and what chance would.

    One-way permutational analysis of variance with Euclidean distances.

    Args:
        features: ``[n, d]``, where each image lies.
        groups: ``[n]``, equal labels make a group; two groups at least.
        permutations: how often labels are shuffled.
        key: decides how.
        within: ``[n]``, labels are shuffled among images of equal ones only: what they
            explain then counts for nothing. Runs are compared within classes like this.

    Raises:
        ValueError: if shapes disagree, or there is one group only.

    Source:
        Anderson, 2001, Austral Ecology 26 (PERMANOVA, restricted permutations).

    Example:
        >>> import jax
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> features, groups = [[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1]
        >>> found = analysis.explained(features, groups, 20, jax.random.key(0))
        >>> found.share > 0.99
        True
    """
    permutations = checks.count("permutations", permutations)
    where = _table("features", features)
    labels, blocks = (
        np.unique(np.asarray(one), return_inverse=True)[1].ravel()
        for one in (groups, np.zeros(len(where)) if within is None else within)
    )
    if not len(labels) == len(blocks) == len(where):
        raise ValueError(
            f"groups and within need a label for each of {len(where)} images, got {len(labels)} "
            f"and {len(blocks)}"
        )
    sizes = np.bincount(labels)
    centered = where - where.mean(axis=0)
    gram = centered @ centered.T
    whole = np.trace(gram)
    if len(sizes) < 2:
        raise ValueError("groups must have two different labels at least, got one")
    if whole <= 0.0:
        return Explained(np.nan, np.nan, np.nan, np.full(permutations, np.nan))
    first, second = np.nonzero(labels[:, None] == labels[None, :])
    weight = 1.0 / sizes[labels[first]]
    between = lambda order: float(np.sum(weight * gram[order[first], order[second]]) / whole)
    share = between(np.arange(len(where)))
    null = np.array([between(order) for order in _orders(key, blocks, permutations)])
    # equal groupings in another order differ by rounding
    reached = int(np.sum(null >= share - _EQUAL * share))
    return Explained(share, float(null.mean()), (reached + 1) / (permutations + 1), null)


def _orders(
    key: RandomKey, blocks: Int[np.ndarray, " n"], permutations: int
) -> Int[np.ndarray, "p n"]:
    """Shuffle places among those of equal blocks, several times."""
    place = np.argsort(blocks, kind="stable")
    ranks = np.empty_like(place)
    ranks[place] = np.arange(len(place))
    draws = jax.random.uniform(checks.typed(key), (permutations, len(blocks)), dtype=jnp.float32)
    # sorted by block first, so that the members of a block change places with each other
    shuffled = np.lexsort((np.asarray(draws), np.broadcast_to(blocks, draws.shape)))
    return shuffled[:, ranks]


def _table(name: str, values: ArrayLike) -> Float[np.ndarray, "n d"]:
    table = np.asarray(checks.array(name, values))
    if table.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be real numbers, got {table.dtype}")
    table = table.astype(np.float64)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise ValueError(
            f"{name} must be finite, [images, numbers], at least one of each; got {table.shape}"
        )
    return table


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

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> places = np.array([[0.0], [0.1], [5.0]])
        >>> sure = np.array([0.99, 1.0, 0.99])
        >>> chosen, _ = analysis.choose_diverse(places, sure, np.arange(3), count=2, level=0.9)
        >>> chosen.tolist()
        [1, 2]
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
