"""All ways of saying "I do not know this", by name: add yours here.

A way is a score, learned from training images, by which images are rejected that score
lower than nearly all clean ones. Experiments, flags and pages know whom this table knows.
"""

from collections.abc import Callable
from typing import NamedTuple

from fooljax.data import Dataset
from fooljax.defenses.feature_scores import mahalanobis, nearest_neighbor
from fooljax.defenses.odin import odin
from fooljax.defenses.openmax import openmax
from fooljax.defenses.scores import Score, energy, maximum_logit, maximum_probability
from fooljax.types import Classifier, Features

_NEIGHBORS = 10


class ScoreEntry(NamedTuple):
    """A score to reject by that can be asked for by name.

    Attributes:
        words: what an image is known by, as the end of a sentence.
        source: who published it: name, year and number on arXiv.
        learn: ``(classifier, known, features) -> score``; ``known`` are training images,
            ``features`` what the last layer reads, None for a network that does not tell.
            Raises ``ValueError`` if it cannot learn from these.
    """

    words: str
    source: tuple[str, str]
    learn: Callable[[Classifier, Dataset, Features | None], Score]


SCORES: dict[str, ScoreEntry] = {
    "probability": ScoreEntry(
        "the softmax probability of the answer",
        ("Hendrycks and Gimpel, 2017", "1610.02136"),
        lambda one, known, features: maximum_probability(),
    ),
    "logit": ScoreEntry(
        "the logit of the answer",
        ("Hendrycks et al., 2022", "1911.11132"),
        lambda one, known, features: maximum_logit(),
    ),
    "energy": ScoreEntry(
        "the log-sum-exp of all logits (energy)",
        ("Liu et al., 2020", "2010.03759"),
        lambda one, known, features: energy(),
    ),
    "odin": ScoreEntry(
        "the softmax probability of the answer, at a high temperature and after a step (ODIN)",
        ("Liang et al., 2018", "1706.02690"),
        lambda one, known, features: odin(one),
    ),
    "mahalanobis": ScoreEntry(
        "how near the features are to the mean of a class, in units of the classes' spread",
        ("Lee et al., 2018", "1807.03888"),
        lambda one, known, features: mahalanobis(one, known.images, known.labels, features),
    ),
    "neighbor": ScoreEntry(
        f"how near the features are to those of the {_NEIGHBORS}th nearest training image",
        ("Sun et al., 2022", "2204.06507"),
        lambda one, known, features: nearest_neighbor(
            one, known.images, min(_NEIGHBORS, len(known.images)), features
        ),
    ),
    "openmax": ScoreEntry(
        "OpenMax: how usual the logits are among those of training images of the class",
        ("Bendale and Boult, 2016", "1511.06233"),
        lambda one, known, features: openmax(one, known.images, known.labels),
    ),
}
