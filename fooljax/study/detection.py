"""How well a score tells images that a network knows from others, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:  # what --help reads does not wait for JAX
    from jaxtyping import Bool, Float

    from fooljax.study.page import Figure, Folded

    #: Scores of images ``[n]`` for each of several networks, by method.
    Scores: TypeAlias = Mapping[str, Sequence[Float[np.ndarray, " n"]]]

#: Shares of known images that thresholds accept.
RATES = {"accepted_95": 0.95, "accepted_99": 0.99}
#: What `detect` measures, and what it means.
DETECTION = {
    "accepted_95": "share accepted where 95 % of clean images are",
    "accepted_99": "share accepted where 99 % of clean images are",
    "auroc": "chance that a clean image scores higher",
    "aupr_id_pos": "average precision of finding the clean images, of equally many of both kinds",
    "aupr_ood_pos": "average precision of finding the others",
    "fpr95_id_pos": "share accepted where 95 % of the clean images compared with are",
    "fpr95_ood_pos": "share of clean images flagged where 95 % of the others are",
}

#: What `keep` measures, as titles of columns.
KEPT = {
    "accepted_95": "accepted (95 %)",
    "accepted_95_right": "right among them",
    "accepted_99": "accepted (99 %)",
    "accepted_99_right": "right among them ",
}


def certainty(
    logits: Float[np.ndarray, "n m"], num_classes: int
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Return the log-odds of the likeliest real class, and which images are given one.

    A column that rejects lowers the log-odds. NaN counts as -infinity, and as rejected.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> shares = np.array([[0.9, 0.05, 0.05], [0.1, 0.2, 0.7]])  # column 2 rejects
        >>> odds, given = study.certainty(np.log(shares), num_classes=2)
        >>> [round(float(one), 2) for one in odds], given.tolist()
        ([2.2, -1.39], [True, False])
    """
    import jax.numpy as jnp

    from fooljax import metrics

    odds = np.asarray(metrics.log_odds(jnp.asarray(logits)))[:, :num_classes].max(axis=1)
    given = ~np.isnan(logits).any(axis=1) & (logits.argmax(axis=1) < num_classes)
    return np.where(np.isnan(odds), -np.inf, odds), given


def confidence(log_odds: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return probabilities of log-odds.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> study.confidence(np.array([0.0, 2.197, -1000.0])).round(3).tolist()
        [0.5, 0.9, 0.0]
    """
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds.astype(np.float64), -500.0, 500.0)))


def detect(
    known: Float[np.ndarray, " m"],
    scores: Float[np.ndarray, " n"],
    limits: Mapping[str, float],
    counts: Bool[np.ndarray, " n"],
) -> dict[str, float]:
    """Compare scores of images with those of known ones, by the names of `DETECTION`.

    Args:
        known: scores of images that should be accepted.
        scores: of those that should not.
        limits: least score accepted, by the names of `RATES`.
        counts: which of these images, if accepted, are taken for something they are not.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> known, others = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 2.5])
        >>> found = study.detect(known, others, {"accepted_95": 1.0}, np.array([True, True]))
        >>> found["accepted_95"], found["auroc"]
        (0.5, 0.75)
    """
    from fooljax import metrics

    shares = {name: float(np.mean(counts & (scores >= at))) for name, at in limits.items()}
    return shares | {
        "auroc": metrics.auroc(known, scores),
        "aupr_id_pos": metrics.aupr_id_pos(known, scores),
        "aupr_ood_pos": metrics.aupr_ood_pos(known, scores),
        "fpr95_id_pos": metrics.fpr95_id_pos(known, scores),
        "fpr95_ood_pos": metrics.fpr95_ood_pos(known, scores),
    }


def keep(
    scores: Float[np.ndarray, " n"], right: Bool[np.ndarray, " n"], limits: Mapping[str, float]
) -> dict[str, float]:
    """Say what thresholds do to clean images, by the names of `KEPT`.

    Args:
        scores: of clean images.
        right: which of them the network gets right.
        limits: least score accepted, by the names of `RATES`.

    Returns:
        The share accepted at each, and the share that is right of these; NaN of none.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> scores, right = np.arange(4.0), np.array([False, False, False, True])
        >>> study.keep(scores, right, {"accepted_95": 1.5})
        {'accepted_95': 0.5, 'accepted_95_right': 0.5}
    """
    kept = {name: scores >= at for name, at in limits.items()}
    shares = {name: float(rows.mean()) for name, rows in kept.items()}
    among = lambda rows: float(right[rows].mean()) if rows.any() else np.nan
    return shares | {f"{name}_right": among(rows) for name, rows in kept.items()}


def roc(name: str, known: Scores, others: Scores, caption: str) -> Figure:
    """Draw the share of known images accepted against that of others, a line a method.

    Args:
        name: of the picture's file.
        known: scores of images that should be accepted.
        others: of those that should not, by the same networks and methods.
        caption: what is seen, and how to read it.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> known, others = {"energy": [np.array([1.0, 2.0])]}, {"energy": [np.array([0.0, 1.5])]}
        >>> block = study.roc("roc", known, others, "Who is accepted.")
        >>> block.name, block.caption
        ('roc', 'Who is accepted.')
    """
    from fooljax import metrics
    from fooljax.study.pictures import ranges

    grid = np.linspace(0.0, 1.0, 101)
    read = lambda *both: metrics.roc_curve(*both).at(grid)
    lines = {one: np.array(list(map(read, known[one], others[one]))) for one in known}
    x, y = "share of the others accepted, %", "share of known ones accepted"
    return ranges(name, 100.0 * grid, lines, caption, shares=True, x_label=x, y_label=y)


def coverage(
    name: str, scores: Scores, right: Sequence[Bool[np.ndarray, " n"]], caption: str
) -> Figure:
    """Draw mistakes on what is accepted against how much is accepted, a line a method.

    Args:
        name: of the picture's file.
        scores: of known images.
        right: which of them each network gets right.
        caption: what is seen, and how to read it.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> scores, right = {"energy": [np.array([1.0, 2.0, 3.0])]}, [np.array([False, True, True])]
        >>> block = study.coverage("coverage", scores, right, "Mistakes on what is accepted.")
        >>> block.name, block.caption
        ('coverage', 'Mistakes on what is accepted.')
    """
    from fooljax import metrics
    from fooljax.study.pictures import ranges

    grid = np.linspace(0.2, 1.0, 81)  # below, a handful of images decides
    read = lambda *both: 100.0 * (1.0 - metrics.coverage_curve(*both).at(grid))
    lines = {one: np.array(list(map(read, some, right))) for one, some in scores.items()}
    x, y = "share accepted, %", "wrong answers among these, %"
    return ranges(name, 100.0 * grid, lines, caption, x_label=x, y_label=y)


def legend(measures: Mapping[str, str]) -> Folded:
    """Say what the columns of a table mean, by name with spaces for underscores.

    Example:
        >>> from fooljax import study
        >>> block = study.legend(study.DETECTION)
        >>> block.title, "chance that a clean image scores higher" in block.blocks[0].markup
        ('What the columns mean', True)
    """
    from fooljax import reporting
    from fooljax.study.page import Folded

    rows = [(name.replace("_", " "), words) for name, words in measures.items()]
    return Folded("What the columns mean", [reporting.table(("Column", "Meaning"), rows)])
