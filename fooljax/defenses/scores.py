"""How much an image looks like what a network knows: scores of its answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks, interrupts, metrics
from fooljax.data import as_input
from fooljax.defenses.gradients import straight_through
from fooljax.types import Classifier, Features, Images, Logits


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Score:
    """A number for each image, higher where it is more like the known data.

    A pytree whose leaves are ``statistics``; scores that differ in them only share
    one compilation. Differentiable, to be attacked.

    Attributes:
        statistics: what was learned of known images, any pytree of arrays.
        read: pure function ``(statistics, logits [b, m], features [b, d],
            num_classes) -> [b]``.
        features: gives logits and features from the network's params, see
            ``models.penultimate``; None if the logits are the features.
    """

    statistics: Any
    read: Callable[[Any, Logits, Array, int], Float[Array, " b"]] = field(metadata={"static": True})
    features: Features | None = field(default=None, metadata={"static": True})

    def __call__(self, classifier: Classifier, images: Images) -> Float[Array, " b"]:
        """Score images ``[b, h, w, c]``."""
        logits, seen = answer_and_features(classifier, images, self.features)
        return self.read(self.statistics, logits, seen, classifier.num_classes)


def maximum_probability() -> Score:
    """Score by the softmax probability of the likeliest real class, as its log-odds.

    ``log(p / (1 - p))`` orders images as the probability does and rejects the same
    ones, but goes on where a float32 probability is 1. A probability ``p`` as
    threshold is ``log(p / (1 - p))`` here.

    Between two classes an image is rejected, and there what raises the log-odds is
    just what keeps it from the other class: an adversary on the way there would see
    no slope at all. The gradient is therefore that of ``log p``, which points the
    same way, and is weaker where the network is sure.

    Source:
        Hendrycks and Gimpel, 2017, arXiv:1610.02136.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> score = fj.defenses.maximum_probability()
        >>> logits, scores = fj.defenses.judge(network, score, images)
        >>> logits.shape, scores.shape
        ((5, 3), (5,))
    """
    return Score((), _read_maximum_probability)


def maximum_logit() -> Score:
    """Score by the largest logit of a real class.

    Source:
        Hendrycks et al., 2022, arXiv:1911.11132.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> _, scores = fj.defenses.judge(network, fj.defenses.maximum_logit(), images)
        >>> bool((scores == network(images).max(axis=1)).all())
        True
    """
    return Score((), _read_maximum_logit)


def energy(temperature: float = 1.0) -> Score:
    """Score by the negative energy, ``T log sum exp(logit / T)`` over the real classes.

    Args:
        temperature: ``T``, in logits; toward 0 it is the maximum logit.

    Raises:
        ValueError: if the temperature is not positive.

    Source:
        Liu et al., 2020, arXiv:2010.03759.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> answers, scores = fj.defenses.judge(network, fj.defenses.energy(), images)
        >>> scores.shape
        (5,)
    """
    temperature = checks.positive("temperature", temperature)
    return Score(jnp.float32(temperature), _read_energy)


def answer_and_features(
    classifier: Classifier, images: Images, features: Features | None
) -> tuple[Logits, Float[Array, "b d"]]:
    """Return logits and features of a batch, from one pass."""
    if features is None:
        logits = classifier(images)
        return logits, logits
    return features(classifier.params, images)


def judge(
    classifier: Classifier, score: Score, images: Array, batch_size: int = 500
) -> tuple[np.ndarray, np.ndarray]:
    """Return logits ``[n, m]`` and scores ``[n]`` of many images, from outside ``jit``.

    Args:
        classifier: the network, without any column for this score.
        score: of its answers.
        images: uint8, or float32 in [0, 1], ``[n, h, w, c]``.
        batch_size: images at a time; decides memory and speed only.

    Raises:
        ValueError: if there are no images or they are not of the network's shape.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> logits, scores = fj.defenses.judge(network, fj.defenses.energy(), images)
        >>> logits.shape, scores.shape
        ((5, 3), (5,))
    """
    checks.kind("score", score, Score)
    return _in_batches(_judge, classifier, images, score, batch_size)


def look_at(
    classifier: Classifier, images: Array, features: Features | None, batch_size: int = 500
) -> tuple[np.ndarray, np.ndarray]:
    """Return logits ``[n, m]`` and features ``[n, d]`` of many known images.

    Raises:
        ValueError: as ``judge``, and if a logit or a feature is NaN or infinite.
    """
    logits, seen = _in_batches(_look, classifier, images, features, batch_size)
    if not (np.all(np.isfinite(logits)) and np.all(np.isfinite(seen))):
        raise ValueError("the network's answers to the known images hold NaN or infinity")
    return logits, seen


def known_labels(labels: Array, count: int, num_classes: int) -> np.ndarray:
    """Return labels ``[n]`` of real classes, all of which must occur.

    Raises:
        ValueError: if there is not one for each image, one is out of range, or a
            class has no image.
    """
    array = np.asarray(checks.labels(labels, count, num_classes))
    missing = sorted(set(range(num_classes)) - set(array.tolist()))
    if missing:
        raise ValueError(f"every class needs known images, class {missing[0]} has none")
    return array


def _judge_batch(
    classifier: Classifier, images: Images, score: Score
) -> tuple[Logits, Float[Array, " b"]]:
    logits, seen = answer_and_features(classifier, images, score.features)
    return logits, score.read(score.statistics, logits, seen, classifier.num_classes)


_judge = jax.jit(_judge_batch)
_look = jax.jit(answer_and_features, static_argnums=2)


def _in_batches(
    ask: Callable[..., tuple[Array, Array]],
    classifier: Classifier,
    images: Any,
    more: Any,
    batch_size: int,
) -> tuple[np.ndarray, np.ndarray]:
    checks.classifier(classifier)
    images = checks.inputs(images, classifier)
    count = len(images)
    size = min(checks.count("batch_size", batch_size), count)
    parts = []
    for first in range(0, count, size):
        interrupts.check()
        # filled up with the last image: no other shape, no other program
        rows = np.minimum(np.arange(first, first + size), count - 1)
        batch = images if size == count else images[rows]
        parts.append(jax.device_get(ask(classifier, as_input(batch), more)))
    first_part, second_part = (
        np.concatenate(leaves)[:count] for leaves in zip(*parts, strict=True)
    )
    return first_part, second_part


def _read_maximum_probability(
    statistics: tuple[()], logits: Logits, features: Array, num_classes: int
) -> Array:
    odds = jnp.max(metrics.log_odds(logits)[:, :num_classes], axis=1)
    return straight_through(odds, -jax.nn.softplus(-odds))  # the slope is that of log p


def _read_maximum_logit(
    statistics: tuple[()], logits: Logits, features: Array, num_classes: int
) -> Array:
    return jnp.max(logits[:, :num_classes], axis=1)


def _read_energy(temperature: Array, logits: Logits, features: Array, num_classes: int) -> Array:
    return temperature * jax.nn.logsumexp(logits[:, :num_classes] / temperature, axis=1)
