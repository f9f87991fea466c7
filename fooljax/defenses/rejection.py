"""Saying "I do not know this": a score, a threshold, and one more column."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from fooljax import checks, metrics
from fooljax.defenses.reads import answered, without_vectors
from fooljax.defenses.scores import Score, judge
from fooljax.types import Bound, Classifier, Features, Images, Logits, Params


class Threshold(NamedTuple):
    """From where on an image is accepted.

    Attributes:
        value: least score that is accepted.
        scale: logits for each unit of the score, positive.
    """

    value: Any
    scale: Any = 1.0


class Guarded(NamedTuple):
    """Params of a rejecting network: its own, the score's statistics, the threshold."""

    params: Params
    statistics: Any
    threshold: Threshold


def calibrate(
    classifier: Classifier, score: Score, images: Array, true_positive_rate: float = 0.95
) -> Threshold:
    """Choose the threshold that accepts this share of clean images.

    Scores come in any unit. The scale is chosen so that for the median image being
    accepted is worth as many logits as being told apart from the next class.

    Args:
        classifier: the network.
        score: of its answers.
        images: clean ones that neither the network nor the score has learned from,
            uint8 or float32 in [0, 1], ``[n, h, w, c]``.
        true_positive_rate: share to accept, in (0, 1); usually 0.95 or 0.99.

    Raises:
        ValueError: if there are no images, they are not of the classifier's shape,
            a score is NaN, or the share is not in (0, 1).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (100, 4, 4, 1))
        >>> threshold = fj.defenses.calibrate(network, fj.defenses.energy(), images, 0.9)
        >>> fj.defenses.reject(network, fj.defenses.energy(), threshold).num_classes
        3
    """
    true_positive_rate = checks.between("true_positive_rate", true_positive_rate, 0.0, 1.0, "()")
    logits, scores = judge(classifier, score, images)
    if np.any(np.isnan(scores)):
        raise ValueError(
            f"a threshold cannot be set on scores that are NaN, as {int(np.isnan(scores).sum())} "
            f"of {len(scores)} calibration images have"
        )
    value = metrics.acceptance_threshold(scores, true_positive_rate)
    excess = float(np.median(scores)) - value
    ordered = np.sort(logits, axis=1)
    lead = float(np.median(ordered[:, -1] - ordered[:, -2])) if logits.shape[1] > 1 else 0.0
    scale = lead / excess if 0.0 < excess < np.inf and lead > 0.0 else 1.0
    return Threshold(value, scale)


def reject(classifier: Classifier, score: Score, threshold: Threshold | float) -> Classifier:
    """Let a network answer "none of these" where the score is below the threshold.

    The new last column is the likeliest real class's logit minus how far the score
    is above the threshold, times the scale. So it leads exactly where the score is
    below the threshold, and the margin of ``reach(k)`` is the smaller of the lead
    over other classes and the surplus of the score: attacks climb both. That of
    ``leave`` the new column asks for acceptance alone, that of ``reach`` it for
    rejection.

    The softmax over all columns is then the confidence in "this class, and known":
    1/2 at most at the threshold, and near the bare network's far above it.

    Args:
        classifier: the network; it may have columns that reject already.
        score: of its answers.
        threshold: from ``calibrate``, or a number.

    Returns:
        The network with one more column; its params are ``Guarded``.

    Raises:
        ValueError: if the threshold is not a finite number, its scale is not
            positive, or the score does not suit the network.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> wary = fj.defenses.reject(network, fj.defenses.maximum_probability(), 11.5)
        >>> # 11.5 = log(p / (1 - p)) of p = 0.99999
        >>> wary(images).argmax(axis=1).tolist()  # the column behind the classes says "unknown"
        [3, 3, 3, 3, 3]
    """
    limit = threshold if isinstance(threshold, Threshold) else Threshold(threshold)
    checks.kind("score", score, Score)
    checks.classifier(classifier)
    value = checks.real("threshold", limit.value)
    scale = checks.positive("the threshold's scale", limit.scale)
    numbers = Threshold(jnp.float32(value), jnp.float32(scale))
    guarded = Guarded(classifier.params, score.statistics, numbers)
    column = Bound(_with_column, (score.read, classifier.num_classes))
    if score.features is None:
        rejecting = answered(classifier, guarded, column)
    else:  # which are those of ids, not of their vectors
        rejecting = dataclasses.replace(
            classifier,
            params=guarded,
            apply=Bound(_apply, (score.features, column)),
            tokens=without_vectors(classifier.tokens),
        )
    kind = jnp.float32 if classifier.tokens is None else jnp.int32
    images = jax.ShapeDtypeStruct((1, *classifier.input_shape), kind)
    try:
        jax.eval_shape(rejecting.apply, guarded, images)
    except Exception as error:  # a network of the user's own may raise anything
        raise ValueError(f"the score does not suit this classifier: {error}") from error
    return rejecting


def _apply(features: Features, column: Bound, guarded: Guarded, images: Images) -> Logits:
    return column(guarded, *features(guarded.params, images))


def _with_column(
    read: Callable[..., Array],
    num_classes: int,
    guarded: Guarded,
    logits: Logits,
    seen: Array | None = None,
) -> Logits:
    seen = logits if seen is None else seen  # a score without features reads the logits
    scores = read(guarded.statistics, logits, seen, num_classes)
    value, scale = guarded.threshold
    top = jnp.max(logits[:, :num_classes], axis=1)
    column = top - (scores - value) * scale
    # a surplus below the rounding of a logit must still decide
    level = jax.lax.stop_gradient(top)
    below, above = (jnp.nextafter(level, jnp.full_like(top, end)) for end in (-jnp.inf, jnp.inf))
    decided = jnp.where(scores >= value, jnp.minimum(column, below), jnp.maximum(column, above))
    column = column + jax.lax.stop_gradient(decided - column)
    return jnp.concatenate([logits, column[:, None]], axis=1)
