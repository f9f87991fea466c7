"""Numbers of ``experiments.ensemble`` on rules to answer as one, and on gradients to follow."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.ensemble_numbers import confidences, cost, fooled, interval, named
from experiments.ensemble_units import MEAN, unit_name
from fooljax import analysis
from fooljax.runtime.units import Arrays


def rule_numbers(
    config: Any,
    group: str,
    count: int,
    made: Mapping[str, Arrays],
    labels: np.ndarray,
    num_classes: int,
) -> dict[str, Any]:
    """Compare how members answer as one, at one number of members."""
    table = {}
    for rule in (MEAN, *config.rules):
        several = lambda attack, rule=rule: [
            made[unit_name(group, index, count, rule, attack)] for index in range(config.sets)
        ]
        over = lambda values: analysis.over_repeats(list(values))._asdict()
        perturbed = several("perturb")
        entry: dict[str, Any] = {
            "accuracy": over(np.mean(unit["clean"] == labels) for unit in perturbed),
            "rejected": over(np.mean(unit["clean"] >= num_classes) for unit in perturbed),
            "l2": interval([np.median(unit["l2"]) for unit in perturbed])._asdict(),
            "pgd_success": over(np.mean(unit["success"]) for unit in perturbed),
        }
        for attack in (*config.encodings, "ascent"):
            units = several(attack)
            entry[attack] = {
                "named": over(named(unit) for unit in units),
                "certain": over(fooled(config, attack, unit) for unit in units),
                "median_confidence": float(np.mean([np.median(confidences(u)) for u in units])),
                "cost_per_set": [cost(config, attack, unit) for unit in units],
            }
        table[rule] = entry
    return table


def objective_numbers(
    config: Any, group: str, count: int, made: Mapping[str, Arrays], objectives: Sequence[str]
) -> dict[str, Any]:
    """Compare whose gradient a joint attack on the mean of probabilities follows."""
    over = lambda values: analysis.over_repeats(list(values))._asdict()
    name = lambda index, attack: unit_name(group, index, count, MEAN, attack)
    table = {}
    for objective in (MEAN, *objectives):
        own = objective == MEAN
        climbs = [made[name(i, "ascent" if own else f"by-{objective}")] for i in range(config.sets)]
        pgd = (
            [made[name(i, "perturb")]["success"] for i in range(config.sets)]
            if own
            else [unit["pgd_success"] for unit in climbs]
        )
        table[objective] = {
            "certain": over(fooled(config, "ascent", unit) for unit in climbs),
            "cost_per_set": [cost(config, "ascent", unit) for unit in climbs],
            "median_confidence": float(np.mean([np.median(confidences(u)) for u in climbs])),
            "pgd_success": over(np.mean(one) for one in pgd),
        }
    return table
