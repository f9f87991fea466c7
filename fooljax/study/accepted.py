"""What a network with a defense makes of clean images, and of images that show nothing."""

import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from fooljax import metrics
from fooljax.study.detection import DETECTION, certainty, confidence, detect
from fooljax.study.making import SURE

PASSES = "evaluations_to_99"
#: What `on_clean` measures of a network, and what it means.
QUALITIES = {
    "clean_accuracy": "share of clean images answered rightly; rejected ones count as wrong",
    "clean_rejected": "share of clean images rejected",
    "ece": "expected calibration error on answered clean images",
    "clean_mean_confidence": "mean confidence on clean images",
}
#: What `on_fooling` measures of the images of a maker, and what it means.
MEASURES = {
    **DETECTION,
    "sure_99": "share given a real class with a confidence of at least 0.99",
    "mean_confidence": "mean confidence in the likeliest real class",
    "reached_99": "share of the images that ever reached 0.99 while they were made",
    PASSES: "median of the passes until then; infinite if most never did",
}


def on_clean(
    logits: Float[np.ndarray, "n m"], labels: Int[np.ndarray, " n"], num_classes: int
) -> dict[str, float]:
    """Say how a network that may reject answers clean images, by the names of `QUALITIES`.

    Args:
        logits: of clean images; columns beyond the classes reject.
        labels: what they show.
        num_classes: number of real classes.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> shares = np.array([[0.9, 0.1, 0.0], [0.3, 0.7, 0.0], [0.1, 0.2, 0.7]])
        >>> labels = np.array([0, 0, 1])  # column 2 rejects
        >>> found = study.on_clean(np.log(shares + 1e-9), labels, num_classes=2)
        >>> round(found["clean_accuracy"], 2), round(found["clean_rejected"], 2)
        (0.33, 0.33)
    """
    scores, given = certainty(logits, num_classes)
    right, sure = given & (logits.argmax(axis=1) == labels), confidence(scores)
    error = metrics.expected_calibration_error
    return {
        "clean_accuracy": float(right.mean()),
        "clean_rejected": float(np.mean(~given)),
        "ece": error(sure[given], right[given]) if given.any() else math.nan,
        "clean_mean_confidence": float(sure.mean()),
    }


def on_fooling(
    logits: Float[np.ndarray, "n m"],
    num_classes: int,
    known: Float[np.ndarray, " k"],
    limits: Mapping[str, float],
    cost: Float[np.ndarray, " n"],
) -> dict[str, float]:
    """Say what a network takes images that show nothing for, by the names of `MEASURES`.

    Args:
        logits: of these images; columns beyond the classes reject.
        num_classes: number of real classes.
        known: scores of clean images to compare with, as `certainty` returns them.
        limits: least score accepted, by the names of `RATES`.
        cost: as in `Made`; NaN where nobody counted.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> logits = np.log([[0.9, 0.1], [0.005, 0.995], [0.4, 0.6]])
        >>> known, limits = np.array([1.0, 3.0]), {"accepted_95": 1.0}  # log-odds of clean images
        >>> cost = np.array([np.inf, 40.0, np.inf])
        >>> found = study.on_fooling(logits, 2, known, limits, cost)
        >>> {name: round(found[name], 2) for name in ("accepted_95", "sure_99", "reached_99")}
        {'accepted_95': 0.67, 'sure_99': 0.33, 'reached_99': 0.33}
    """
    scores, given = certainty(logits, num_classes)
    sure, counted = confidence(scores), not np.isnan(cost).all()
    return {
        **detect(known, scores, limits, given),
        "sure_99": float(np.mean(given & (sure >= SURE))),
        "mean_confidence": float(sure.mean()),
        "reached_99": float(np.isfinite(cost).mean()) if counted else math.nan,
        PASSES: float(np.median(cost)) if counted else math.nan,
    }
