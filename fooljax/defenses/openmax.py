"""OpenMax: a softmax with one more class, for answers unlike those to known images."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks, printing
from fooljax.defenses.gradients import straight_through
from fooljax.defenses.scores import Score, known_labels, look_at
from fooljax.types import Classifier, Logits


class Tails(NamedTuple):
    """How far from its mean each class's answers lie.

    Attributes:
        means: mean logits of each class.
        shape: of the Weibull distribution of the largest distances from them.
        scale: of it, in logits.
        revised: how many of the likeliest classes have their logits revised.
    """

    means: Float[Array, "k k"]
    shape: Float[Array, " k"]
    scale: Float[Array, " k"]
    revised: Float[Array, ""]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def openmax(
    classifier: Classifier, images: Array, labels: Array, tail: int = 20, revised: int | None = None
) -> Score:
    """Score by OpenMax's log-odds of being known: ``log((1 - p) / p)``, p that of "unknown".

    The logits of the likeliest classes are diminished by how unusually far they lie
    from the mean logits of known images of that class, judged by a Weibull
    distribution of the largest distances; what they lose is the logit of "unknown".
    Logits are counted from an image's smallest, which changes no softmax: as published
    a negative logit that is revised makes an image more known, and a network whose
    logits are mostly negative takes noise for familiar.

    The cumulative distribution is constant to the eye of a gradient where it is 0
    or 1. Gradients therefore come from a Cauchy distribution of the same quartiles,
    whose slope dies out more slowly; values are those of the Weibull distribution.

    Args:
        classifier: the network.
        images: known ones, uint8 or float32 in [0, 1], ``[n, h, w, c]``; those that
            the network gets right count.
        labels: of them.
        tail: largest distances of each class that the distribution is fitted to.
        revised: likeliest classes that are revised, all if there are fewer; the
            first by its full share, the next by less. One in a hundred classes, at
            least one, unless given: the paper's 10 of 1000. Far more hides noise: on
            ten classes revising all ten tells it from digits hardly better than chance.

    Raises:
        ValueError: if images or labels do not suit the classifier, answers are not
            finite, a number is out of its range, or the network gets fewer than two
            images of a class right, or all of them with the same logits.

    Source:
        Bendale and Boult, 2016, arXiv:1511.06233, and its released code for the
        shares of the ranks. Distances are Euclidean, and the distribution begins
        at 0: the code's shift by 1 would depend on the unit of the logits.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (200, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> score = fj.defenses.openmax(network, images, labels, tail=5)
        >>> _, scores = fj.defenses.judge(network, score, images[:5])
        >>> scores.shape
        (5,)
    """
    tail = checks.count("tail", tail, 2)
    if revised is not None:
        revised = checks.count("revised", revised)
    logits, _ = look_at(classifier, images, None)
    known = known_labels(labels, len(logits), classifier.num_classes)
    answers = logits[:, : classifier.num_classes].astype(np.float64)
    right = np.argmax(logits, axis=1) == known
    means, shapes, scales = [], [], []
    for label in range(classifier.num_classes):
        own = answers[right & (known == label)]
        mean, shape, scale = _fit(own, tail, label)
        means.append(mean)
        shapes.append(shape)
        scales.append(scale)
    ranks = min(revised or max(1, classifier.num_classes // 100), classifier.num_classes)
    numbers = (jnp.asarray(one, jnp.float32) for one in (np.stack(means), shapes, scales, ranks))
    return Score(Tails(*numbers), _read)


def _fit(answers: np.ndarray, tail: int, label: int) -> tuple[np.ndarray, float, float]:
    import scipy.stats

    if len(answers) < 2:
        raise ValueError(
            f"OpenMax needs two known images of every class that the network gets right, "
            f"class {label} has {len(answers)}"
        )
    mean = answers.mean(axis=0)
    largest = np.sort(np.linalg.norm(answers - mean, axis=1))[-tail:]
    if largest[-1] - largest[0] <= 1e-6 * largest[-1]:
        raise ValueError(f"the known images of class {label} all lie equally far from their mean")
    shape, _, scale = scipy.stats.weibull_min.fit(largest, floc=0.0)
    return mean, float(shape), float(scale)


def _read(tails: Tails, logits: Logits, features: Array, num_classes: int) -> Array:
    answers = logits[:, :num_classes]
    away = answers[:, None] - tails.means[None]
    far = _cumulative(tails, jnp.sqrt(jnp.sum(away**2, axis=2) + 1e-12))
    answers = answers - jnp.min(answers, axis=1, keepdims=True)
    rank = jnp.argsort(jnp.argsort(-answers, axis=1), axis=1)
    share = jnp.maximum(1.0 - rank / tails.revised, 0.0)
    lost = answers * share * far
    return jax.nn.logsumexp(answers - lost, axis=1) - jnp.sum(lost, axis=1)


def _cumulative(tails: Tails, distances: Float[Array, "b k"]) -> Float[Array, "b k"]:
    """Weibull's cumulative distribution, with the slope of a Cauchy distribution."""
    scale, shape = tails.scale[None], tails.shape[None]
    below = lambda part: scale * (-jnp.log1p(-part)) ** (1.0 / shape)
    spread = 0.5 * (below(0.75) - below(0.25))
    soft = jnp.arctan((distances - below(0.5)) / spread) / jnp.pi
    exact = -jnp.expm1(-((jax.lax.stop_gradient(distances) / scale) ** shape))
    return straight_through(exact, soft)
