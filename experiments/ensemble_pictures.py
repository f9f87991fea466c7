"""Pictures of a finished ``experiments.ensemble`` run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.ensemble_numbers import cap, confidences
from experiments.ensemble_units import MEAN, joint_name, unit_name
from fooljax import reporting
from fooljax.reporting.wording import certainty
from fooljax.runtime.units import Arrays

SHORT = {
    "direct": "evolved pixels",
    "cppn": "evolved patterns",
    "ascent": "gradient of the answer",
    "joint": "joint gradient",
    "perturb": "nearest mistake",
}


def draw(
    folder: Path, config: Any, made: Mapping[str, Arrays], summary: Mapping[str, Any]
) -> dict[str, Path]:
    """Draw all pictures; return their places by name, with the group in front."""
    places = {}
    for group, found in summary["groups"].items():
        place = lambda name, group=group: folder / f"{group}_{name}.png"
        if len(config.members) > 1:
            places[f"{group} cost"] = _cost(place("cost"), config, found)
            places[f"{group} fooled"] = _fooled(place("fooled"), config, found)
        count = shown_in_turn(config)
        if count is not None:
            unit = made[unit_name(group, 0, count, MEAN, "in-turn")]
            names = found["architectures"]
            places[f"{group} turns"] = _turns(place("turns"), config, unit, names)
        places[f"{group} images"] = _images(place("images"), config, group, made, summary)
        places[f"{group} transfer"] = _transfer(place("transfer"), config, found)
        if max(config.members) > 1:
            names = [f"{name} {i + 1}" for i, name in enumerate(found["architectures"])]
            places[f"{group} alignment"] = reporting.matrix(
                place("alignment"),
                found["alignment"]["images"]["matrix"],
                names,
                names,
                label="mean cosine of the gradients at test images",
                shares=False,
            )
    return places


def shown_in_turn(config: Any) -> int | None:
    """Number of members of which the turns are drawn: a few, so that lines can be told apart."""
    several = [count for count in config.members if count > 1]
    few = [count for count in several if count <= 3]
    return max(few) if few else (min(several) if several else None)


def _cost(path: Path, config: Any, found: Mapping[str, Any]) -> Path:
    """Costs as multiples of what the smallest ensemble of the same set takes."""
    series, bands = {}, {}
    x = np.array(config.members, float)
    for attack, numbers in found["attacks"].items():
        costs = np.array(numbers["cost_per_set"], float)
        costs = np.where(np.isfinite(costs), costs, cap(config, attack))
        times = costs / costs[:, :1]
        if np.isfinite(times).all():
            name = SHORT[attack]
            series[name] = (x, np.exp(np.log(times).mean(axis=0)))
            bands[name] = (times.min(axis=0), times.max(axis=0))
    series["no change"] = (x, np.ones(len(x)))
    return reporting.lines(
        path,
        series,
        x_label="networks in the ensemble",
        y_label=f"cost, times that of {config.members[0]}",
        log_x=True,
        log_y=True,
        bands=bands,
        dashed=("no change",),
        note="Mean of the sets; shaded: from the lowest to the highest set.",
    )


def _fooled(path: Path, config: Any, found: Mapping[str, Any]) -> Path:
    """Shares of targets and of test images that ended as the attack wanted."""
    x = np.array(config.members, float)
    rows = {
        SHORT[attack]: numbers["fooled_per_set"]
        for attack, numbers in found["attacks"].items()
        if attack != "perturb"
    }
    rows["one member after the other"] = found["in_turn"]["fooled_per_set"]
    rows["real images, PGD jointly"] = found["attacks"]["perturb"]["fooled_per_set"]
    rows["real images, PGD in turn"] = found["in_turn"]["pgd_success_per_set"]
    return reporting.lines(
        path,
        {name: (x, np.mean(shares, axis=0)) for name, shares in rows.items()},
        x_label="networks in the ensemble",
        y_label="share fooled within the budget",
        log_x=True,
        shares=True,
        bands={
            name: (np.min(shares, axis=0), np.max(shares, axis=0)) for name, shares in rows.items()
        },
        note="Mean of the sets; shaded: from the lowest to the highest set.",
    )


def _turns(path: Path, config: Any, unit: Arrays, names: list[str]) -> Path:
    """Every member's log-odds of the class to be shown, turn after turn; the first set."""
    after = unit["after"]
    states = np.concatenate([unit["before"][None], after.reshape(-1, *after.shape[2:])])
    curves = states.astype(np.float64).mean(axis=2)
    turns = np.arange(len(curves), dtype=float)
    return reporting.lines(
        path,
        {f"{names[i]} {i + 1}": (turns, curves[:, i]) for i in range(after.shape[1])},
        x_label="turns taken, the members one after the other (0: noise)",
        y_label="mean log-odds of the class to be shown",
        note="Each member's confidence: 0 is 50 %, 4.6 is 99 %, 9.2 is 99.99 %.",
    )


def _images(
    path: Path, config: Any, group: str, made: Mapping[str, Arrays], summary: Mapping[str, Any]
) -> Path:
    """Fooling images of the smallest and the largest ensembles of the first set."""
    rows, captions, names = [], [], []
    for attack in (*config.encodings, "joint"):
        for count in sorted({config.members[0], config.members[-1]}):
            name = joint_name(count) if attack == "joint" else attack
            unit = made[unit_name(group, 0, count, MEAN, name)]
            rows.append(np.clip(unit["images"], 0.0, 1.0))
            captions.append([certainty(p) for p in confidences(unit)])
            names.append(f"{SHORT[attack]}, {count}")
    return reporting.grid(
        path, np.stack(rows), captions, row_names=names, column_names=summary["class_names"]
    )


def _transfer(path: Path, config: Any, found: Mapping[str, Any]) -> Path:
    """What images made for the first members do to one that is not among them and to all."""
    largest = max(config.members)
    columns = {
        "one_outside_same": "another network, same label",
        "one_outside_any": "another network, any label",
        "all_same": f"all {largest} as one, same label",
        "all_any": f"all {largest} as one, any label",
    }
    values, names = [], []
    for attack, rows in found["transfer"].items():
        for row in rows:
            values.append([np.nan if row[key] is None else row[key]["mean"] for key in columns])
            kind = "PGD" if attack == "perturb" else SHORT[attack]
            names.append(f"{kind}, made for {row['made_for']}")
    return reporting.matrix(
        path,
        values,
        names,
        list(columns.values()),
        label="share of images",
        row_label="made for the first members",
        column_label="shown to",
    )
