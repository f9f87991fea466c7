"""Scores that stand guard over a network: what is unlike clean images is rejected."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Array

from fooljax import defenses, models
from fooljax.data import Dataset
from fooljax.study.detection import RATES
from fooljax.study.settings import choose
from fooljax.study.victim_data import blame
from fooljax.types import Classifier, Features


class Guard(NamedTuple):
    """A score that stands guard over a network.

    Attributes:
        score: what images are known by.
        limits: least score accepted, by the names of `RATES`.
        classifier: the network that rejects, at the first of these.
    """

    score: defenses.Score
    limits: dict[str, float]
    classifier: Classifier


def guard(
    entry: defenses.ScoreEntry,
    classifier: Classifier,
    known: Dataset,
    held: Array,
    features: Features | None = None,
) -> Guard:
    """Learn a score, and reject what scores lower than nearly all clean images.

    Args:
        entry: of the catalog of scores.
        classifier: the network.
        known: images that the score learns from.
        held: ``[m, h, w, c]``, others that thresholds are set on.
        features: what the score reads in place of the logits, see ``models.penultimate``.

    Raises:
        ValueError: if it cannot learn from these.
    """
    score, calibrate = entry.learn(classifier, known, features), defenses.calibrate
    limits = {name: calibrate(classifier, score, held, rate) for name, rate in RATES.items()}
    guarded = defenses.reject(classifier, score, next(iter(limits.values())))
    return Guard(score, {name: float(limit.value) for name, limit in limits.items()}, guarded)


def guards(
    flag: str, names: Sequence[str], classifier: Classifier, known: Dataset, held: Array
) -> dict[str, Guard]:
    """Let several scores stand guard over a network, each for itself.

    They read what the last layer reads, or the logits of a network that does not tell.

    Args:
        flag: that asked for them, with its dashes.
        names: of the catalog of scores.
        classifier: the network.
        known: as for `guard`.
        held: as for `guard`.

    Raises:
        ValueError: if one is unknown or cannot learn from these, naming the flag.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> train, test = fj.data.load("digits")
        >>> network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
        >>> held = fj.data.as_float(test.images[:200])
        >>> guard = study.guards("--methods", ["energy"], network, train, held)["energy"]
        >>> rejected = guard.classifier(held).argmax(axis=1) == 10  # lowest scores
        >>> list(guard.limits), float(rejected.mean()) < 0.06
        (['accepted_95', 'accepted_99'], True)
    """
    try:
        features = models.penultimate(classifier)
    except ValueError:  # a plain function
        features = None
    found = {}
    for name, entry in choose(flag, names, defenses.SCORES).items():
        with blame(f"{flag} {name}"):
            found[name] = guard(entry, classifier, known, held, features)
    return found
