"""How probable every score of a class is, from common ones to the rarest: what ``log Z`` takes."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from fooljax import checks, printing
from fooljax.analysis.measures import Measure
from fooljax.analysis.normalizer import Normalizer, log_normalizer, whole_curve
from fooljax.analysis.sampling import SCORES
from fooljax.analysis.volume import draw_scores, volume
from fooljax.types import Classifier, RandomKey

_BEYOND = 1e9  # no score is as high: the depth ends a curve


class ScoreCurves(NamedTuple):
    """How probable scores are among the images of a measure, class by class.

    Letters: ``k`` classes, ``m`` plain draws, ``n`` levels of splitting.

    Attributes:
        draws: scores of images drawn plainly.
        levels: of splitting, ascending; NaN where there is none.
        log_p: natural logarithm of the probability of a higher score than each level.
        evaluations: images that splitting showed to the network.
    """

    draws: Float[np.ndarray, "m k"]
    levels: Float[np.ndarray, "k n"]
    log_p: Float[np.ndarray, "k n"]
    evaluations: int

    def normalizers(self, tilts: ArrayLike) -> list[Normalizer]:
        """Return the normalizer of each class's density at every tilt, see `log_normalizer`."""
        each: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
        each = list(zip(self.draws.T, self.levels, self.log_p, strict=True))
        return [log_normalizer(*whole_curve(*one), tilts) for one in each]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def score_curves(
    key: RandomKey,
    classifier: Classifier,
    measure: Measure,
    *,
    classes: ArrayLike | None = None,
    depth: float = 120.0,
    particles: int = 50,
    draws: int = 1000,
    moves: int = 10,
    score: Literal["logit", "log_odds"] = "logit",
    batch_size: int | None = None,
) -> ScoreCurves:
    """Find how probable every score is: plain draws see common ones, splitting the rare.

    Args:
        key: decides everything.
        classifier: the network; new weights do not recompile.
        measure: how images are drawn where the score says nothing.
        classes: ``[k]``, each once; all of them unless given.
        depth: how rare a score the curves reach, in nats: high tilts need more.
        particles: of each class.
        draws: plain ones, for all classes together.
        moves: of every particle between two levels.
        score: the class's ``logit``, or its ``log_odds``.
        batch_size: particles shown to the network at a time, as for `volume`.

    Raises:
        ValueError: as `volume`, or if a number is out of its range.

    Source:
        Dai, Lu and Wu, 2015, arXiv:1412.6296 (the density); `volume` (the splitting).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> measure = fj.analysis.measures.gaussian((4, 4, 1), sigma=0.1)
        >>> curves = fj.analysis.score_curves(
        ...     jax.random.key(1), network, measure, depth=5.0, particles=20, draws=100, moves=2
        ... )
        >>> len(curves.normalizers(tilts=[1.0, 3.0]))  # one for each class
        3
    """
    checks.choice("score", score, tuple(SCORES))
    depth = checks.positive("depth", depth)
    key_draw, key_climb = jax.random.split(checks.key(key))
    of = SCORES[score]
    plain = draw_scores(key_draw, classifier, measure, draws, score=of)
    found = volume(
        key_climb,
        classifier,
        measure,
        goals=[_BEYOND],
        score=of,
        classes=classes,
        runs=1,
        particles=particles,
        moves=moves,
        images=1,
        least_log10=-depth / np.log(10.0),
        to_depth=True,
        batch_size=batch_size,
    )
    columns = np.arange(classifier.num_classes) if classes is None else np.asarray(classes)
    log_p = found.curve_log10_p[0] * np.log(10.0)
    return ScoreCurves(plain[:, columns], found.curve_score[0], log_p, int(found.evaluations.sum()))
