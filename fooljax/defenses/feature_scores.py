"""Scores by distance to the known images in a network's feature space."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks, printing
from fooljax.defenses.scores import Score, known_labels, look_at
from fooljax.types import Bound, Classifier, Features, Logits

_LEAST_VARIANCE = 1e-6  # of the largest: float32 features are not known to less
_TINY = 1e-12


class Clouds(NamedTuple):
    """Normal distributions of equal shape, one for each class.

    Attributes:
        whiten: after ``features @ whiten`` every class has unit covariance.
        centers: the classes' means after that.
    """

    whiten: Float[Array, "d r"]
    centers: Float[Array, "k r"]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def mahalanobis(
    classifier: Classifier, images: Array, labels: Array, features: Features | None = None
) -> Score:
    """Score by minus the squared distance to the nearest class, in units of the classes' spread.

    One covariance is shared by all classes. Directions in which the known images
    hardly vary (less than a millionth of the largest variance) are left out, as a
    pseudo-inverse does.

    Args:
        classifier: the network.
        images: known ones, uint8 or float32 in [0, 1], ``[n, h, w, c]``.
        labels: of them; every class must occur.
        features: see ``Score``; the logits unless given.

    Raises:
        ValueError: if images or labels do not suit the classifier, answers are not
            finite, or the features do not vary within the classes.

    Source:
        Lee et al., 2018, arXiv:1807.03888, without its perturbation of the input
        and its mixing of layers.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (60, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> score = fj.defenses.mahalanobis(network, images, labels)
        >>> _, scores = fj.defenses.judge(network, score, images[:5])
        >>> scores.shape
        (5,)
    """
    _, seen = look_at(classifier, images, features)
    known = known_labels(labels, len(seen), classifier.num_classes)
    seen = seen.astype(np.float64)
    means = np.stack([seen[known == one].mean(axis=0) for one in range(classifier.num_classes)])
    rest = seen - means[known]
    variances, axes = np.linalg.eigh(rest.T @ rest / len(rest))
    kept = variances > _LEAST_VARIANCE * max(variances[-1], _TINY)
    if not kept.any():
        raise ValueError("the features do not vary within the classes; give more known images")
    whiten = axes[:, kept] / np.sqrt(variances[kept])
    clouds = Clouds(jnp.asarray(whiten, jnp.float32), jnp.asarray(means @ whiten, jnp.float32))
    return Score(clouds, _read_mahalanobis, features)


def nearest_neighbor(
    classifier: Classifier, images: Array, neighbors: int = 10, features: Features | None = None
) -> Score:
    """Score by minus the squared distance to the k-th nearest known image.

    Features are scaled to length 1 first, so scores run from -4 to 0; an image without
    any feature counts as at a right angle to all. Sorting has
    a gradient of its own: that of the neighbor in question.

    Args:
        classifier: the network.
        images: known ones, uint8 or float32 in [0, 1], ``[n, h, w, c]``. All are
            kept, and each scored image is compared with all: give some thousands.
        neighbors: which neighbor counts, from 1.
        features: see ``Score``; the logits unless given.

    Raises:
        ValueError: if images do not suit the classifier, answers are not finite, or
            ``neighbors`` is not in [1, n].

    Source:
        Sun et al., 2022, arXiv:2204.06507.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (60, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> score = fj.defenses.nearest_neighbor(network, images, neighbors=1)
        >>> _, scores = fj.defenses.judge(network, score, images[:5])  # images that it knows
        >>> bool(abs(scores).max() < 1e-3)
        True
    """
    neighbors = checks.count("neighbors", neighbors)
    _, seen = look_at(classifier, images, features)
    if neighbors > len(seen):
        raise ValueError(f"neighbors must be in [1, {len(seen)}], got {neighbors}")
    bank = jax.jit(_unit)(jnp.asarray(seen, jnp.float32))
    return Score(bank, Bound(_read_neighbor, (neighbors,)), features)


def _read_mahalanobis(clouds: Clouds, logits: Logits, features: Array, num_classes: int) -> Array:
    away = (features @ clouds.whiten)[:, None] - clouds.centers[None]
    return -jnp.min(jnp.sum(away**2, axis=2), axis=1)


def _read_neighbor(
    neighbors: int, bank: Array, logits: Logits, features: Array, num_classes: int
) -> Array:
    cosines, _ = jax.lax.top_k(_unit(features) @ bank.T, neighbors)
    return 2.0 * cosines[:, -1] - 2.0


def _unit(features: Float[Array, "b d"]) -> Float[Array, "b d"]:
    return features * jax.lax.rsqrt(jnp.sum(features**2, axis=1, keepdims=True) + _TINY)
