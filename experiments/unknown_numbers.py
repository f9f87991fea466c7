"""What ``experiments.unknown`` measures, from the answers and scores of every unit."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.unknown_methods import RATES
from experiments.unknown_units import (
    CLEAN,
    FOOLING,
    NAIVE,
    PERTURBED,
    PUSHED,
    REFUSED,
    Scene,
    unit_name,
)
from fooljax import analysis, metrics
from fooljax.runtime.units import Arrays

ADAPTIVE = "adaptive"
MEASURES = {
    "auroc": metrics.auroc,
    "aupr_id_pos": metrics.aupr_id_pos,
    "aupr_ood_pos": metrics.aupr_ood_pos,
    "fpr95_id_pos": metrics.fpr95_id_pos,
    "fpr95_ood_pos": metrics.fpr95_ood_pos,
}

Made = Mapping[str, Arrays]


def columns_of(scene: Scene) -> list[tuple[str, str]]:
    """All families of images to be rejected, with how they were made."""
    made = [(family, how) for family in (*FOOLING, PERTURBED) for how in (NAIVE, ADAPTIVE)]
    return [*((family, NAIVE) for family in scene.families), *made, (PUSHED, ADAPTIVE)]


def unit_of(made: Made, network: str, family: str, how: str, method: str) -> Arrays:
    """The unit whose images are of a family, made naively or against the method."""
    return made[unit_name(network, family, NAIVE if how == NAIVE else method)]


def measure_methods(scene: Scene, made: Made) -> dict[str, Any]:
    """Every measure by method, family and how it was made; intervals over the networks."""
    methods = next(iter(scene.stages.values())).scores
    return {
        method: {
            CLEAN: _over([_clean(scene, made, network, method) for network in scene.stages]),
            REFUSED: _over([_refused(scene, made, network, method) for network in scene.stages]),
            "families": {
                f"{family}, {how}": _over(
                    [_family(scene, made, network, method, family, how) for network in scene.stages]
                )
                for family, how in columns_of(scene)
            },
        }
        for method in methods
    }


def measure_bare(scene: Scene, made: Made) -> dict[str, Any]:
    """How sure the network without any rejection is, by family; intervals over the networks."""
    families = [CLEAN, *scene.families, *FOOLING, PERTURBED]
    return {
        family: _over([_confidence(scene, made, network, family) for network in scene.stages])
        for family in families
    }


def right_answers(scene: Scene, made: Made, network: str) -> np.ndarray:
    """Whether the bare network gets each clean test image right."""
    logits = made[unit_name(network, CLEAN, NAIVE)]["logits"]
    return _answers(scene, network, logits) == scene.clean.labels


def _answers(scene: Scene, network: str, logits: np.ndarray) -> np.ndarray:
    return np.argmax(logits[:, : scene.stages[network].classifier.num_classes], axis=1)


def _limits(scene: Scene, network: str, method: str) -> list[float]:
    return [limit.value for limit in scene.stages[network].thresholds[method]]


def _family(
    scene: Scene, made: Made, network: str, method: str, family: str, how: str
) -> dict[str, float]:
    """All measures of one network; ``accepted`` counts perturbed images only if mistaken."""
    unit = unit_of(made, network, family, how, method)
    scores = unit[f"score_{method}"]
    known = made[unit_name(network, CLEAN, NAIVE)][f"score_{method}"]
    counts = np.ones(len(scores), bool)
    if family == PERTURBED:
        counts = _answers(scene, network, unit["logits"]) != unit["labels"]
    found = {name: measure(known, scores) for name, measure in MEASURES.items()}
    for rate, limit in zip(RATES, _limits(scene, network, method), strict=True):
        found[f"accepted_{100 * rate:.0f}"] = float(np.mean(counts & (scores >= limit)))
    return found


def _clean(scene: Scene, made: Made, network: str, method: str) -> dict[str, float]:
    scores = made[unit_name(network, CLEAN, NAIVE)][f"score_{method}"]
    right = right_answers(scene, made, network)
    found = {}
    for rate, limit in zip(RATES, _limits(scene, network, method), strict=True):
        kept = scores >= limit
        found[f"accepted_{100 * rate:.0f}"] = float(kept.mean())
        found[f"right_{100 * rate:.0f}"] = float(right[kept].mean()) if kept.any() else np.nan
    return found


def _refused(scene: Scene, made: Made, network: str, method: str) -> dict[str, float]:
    """How many clean images a small change gets rejected, and how many were before."""
    unit = made[unit_name(network, REFUSED, method)]
    limit = _limits(scene, network, method)[0]
    before = made[unit_name(network, CLEAN, NAIVE)][f"score_{method}"]
    return {
        "rejected_before": float(np.mean(before < limit)),
        "rejected": float(np.mean(unit[f"score_{method}"] < limit)),
    }


def _confidence(scene: Scene, made: Made, network: str, family: str) -> dict[str, float]:
    unit = made[unit_name(network, family, NAIVE)]
    num_classes = scene.stages[network].classifier.num_classes
    sure = np.asarray(metrics.probabilities(unit["logits"]))[:, :num_classes].max(axis=1)
    found = {
        name: value
        for name, value in metrics.confidence_summary(np.minimum(sure, 1.0))._asdict().items()
    }
    if family == CLEAN:
        right = right_answers(scene, made, network)
        found["accuracy"] = float(right.mean())
        found["calibration_error"] = metrics.expected_calibration_error(
            np.minimum(sure, 1.0), right
        )
    if family == PERTURBED:
        answers = _answers(scene, network, unit["logits"])
        found["mistaken"] = float(np.mean(answers != unit["labels"]))
    return found


def _over(of_networks: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """A mean and an interval over the networks for each number."""
    return {
        name: analysis.over_repeats([one[name] for one in of_networks])._asdict()
        for name in of_networks[0]
    }
