"""The ways of saying "I do not know this" that ``experiments.unknown`` compares."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from fooljax import defenses, models
from fooljax.data import Dataset, as_float
from fooljax.defenses import Score, Threshold
from fooljax.types import Classifier, Features, Images, RandomKey

_NEIGHBORS = 10
RATES = (0.95, 0.99)  # shares of clean images accepted; the adversary faces the first


class Method(NamedTuple):
    """A way to reject.

    Attributes:
        words: what counts as known, as the end of a sentence.
        learn: ``(classifier, known images and labels, features) -> score``.
    """

    words: str
    learn: Callable[[Classifier, Dataset, Features | None], Score]


METHODS = {
    "probability": Method(
        "the softmax probability of the answer",
        lambda one, known, features: defenses.maximum_probability(),
    ),
    "logit": Method(
        "the logit of the answer", lambda one, known, features: defenses.maximum_logit()
    ),
    "energy": Method(
        "the log-sum-exp of all logits (energy)", lambda one, known, features: defenses.energy()
    ),
    "mahalanobis": Method(
        "how near the features are to the mean of a class, in units of the classes' spread",
        lambda one, known, features: defenses.mahalanobis(
            one, known.images, known.labels, features
        ),
    ),
    "neighbor": Method(
        f"how near the features are to those of the {_NEIGHBORS}th nearest training image",
        lambda one, known, features: defenses.nearest_neighbor(
            one, known.images, min(_NEIGHBORS, len(known.images)), features
        ),
    ),
    "openmax": Method(
        "OpenMax: how usual the logits are among those of training images of the class",
        lambda one, known, features: defenses.openmax(one, known.images, known.labels),
    ),
}


class Stage(NamedTuple):
    """A network, and what stands guard over it.

    Attributes:
        classifier: the bare network.
        scores: of every method by name.
        thresholds: of every method, one for each of ``RATES``.
        guarded: the network that rejects by each method, at the first rate.
        in_features: whether there are features other than the logits.
    """

    classifier: Classifier
    scores: dict[str, Score]
    thresholds: dict[str, tuple[Threshold, ...]]
    guarded: dict[str, Classifier]
    in_features: bool


class Clean(NamedTuple):
    """Held-out images, in two parts.

    Attributes:
        calibration: to set thresholds by, ``[m, h, w, c]``.
        images: to test on, ``[n, h, w, c]`` in [0, 1].
        labels: of them.
    """

    calibration: Any
    images: Images
    labels: np.ndarray


def split_clean(key: RandomKey, test: Dataset) -> Clean:
    """Split the test images into halves at random: one to calibrate, one to test."""
    order = np.asarray(jax.random.permutation(key, len(test.labels)))
    half = len(order) // 2
    first, second = np.sort(order[:half]), np.sort(order[half:])
    return Clean(test.images[first], as_float(test.images[second]), np.asarray(test.labels)[second])


def set_stage(
    classifier: Classifier, names: tuple[str, ...], train: Dataset, clean: Clean, known: int
) -> Stage:
    """Learn every score from training images and set thresholds on clean ones.

    Raises:
        ValueError: if a method cannot learn from these images, naming the flag.
    """
    try:
        features = models.penultimate(classifier)
    except ValueError:  # a plain function: its logits have to do
        features = None
    rows = np.linspace(0, len(train.labels) - 1, min(known, len(train.labels))).astype(int)
    shown = Dataset(train.images[rows], train.labels[rows], train.class_names)
    scores, thresholds, guarded = {}, {}, {}
    for name in names:
        try:
            score = METHODS[name].learn(classifier, shown, features)
            limits = tuple(
                defenses.calibrate(classifier, score, clean.calibration, rate) for rate in RATES
            )
        except ValueError as error:
            raise ValueError(f"--methods {name}: {error}") from error
        scores[name], thresholds[name] = score, limits
        guarded[name] = defenses.reject(classifier, score, limits[0])
    return Stage(classifier, scores, thresholds, guarded, features is not None)
