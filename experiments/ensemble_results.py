"""Numbers, pictures and the page of a finished ``experiments.ensemble`` run."""

import functools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import ensemble_numbers, ensemble_pictures, ensemble_report, ensemble_rules
from experiments.ensemble_pictures import SHORT
from experiments.ensemble_units import (
    MEAN,
    Scene,
    groups,
    joint_name,
    objectives_at,
    others_alone,
    rules_at,
    unit_name,
)
from fooljax import analysis
from fooljax.runtime import files, notices
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared


def write(
    folder: Path,
    config: Any,
    networks: Mapping[str, Prepared],
    scenes: Mapping[tuple[str, int], Scene],
    made: Mapping[str, Arrays],
) -> dict[str, Any]:
    """Write ``images.npz``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings, a dataclass.
        networks: by name.
        scenes: the sets of networks, and their images.
        made: what every piece of work found, by ``unit_name``.

    Returns:
        The summary.
    """
    images = {name: unit["images"] for name, unit in made.items() if "images" in unit}
    files.write_npz(folder / "images.npz", images, compress=True)
    summary = summarize(config, networks, scenes, made)
    summary = notices.summarize(folder, summary)
    pictures = ensemble_pictures.draw(folder, config, made, summary)
    ensemble_report.write(folder / "report.html", summary, config, pictures)
    for group, words in summary["conclusion"].items():
        print(f"{group}: {words}", file=sys.stderr)
    print(f"report: {folder / 'report.html'}", file=sys.stderr)
    return summary


def summarize(
    config: Any,
    networks: Mapping[str, Prepared],
    scenes: Mapping[tuple[str, int], Scene],
    made: Mapping[str, Arrays],
) -> dict[str, Any]:
    """Return costs against members, what is undone, transfer, rules; and the conclusion."""
    prepared = next(iter(networks.values()))
    labels = np.asarray(prepared.splits.test.labels)
    classes = prepared.classifier.num_classes
    findings = {}
    for group in groups(config):
        of = functools.partial(_found, made, group)
        scene_of = lambda index, group=group: scenes[group, index]
        attacks = (*config.encodings, "ascent", "joint", "perturb")
        compared = [count for count in config.rule_sizes if rules_at(config, group, count)]
        findings[group] = {
            "architectures": list(groups(config)[group]),
            "accuracy": _accuracy(config, of("perturb"), labels),
            "attacks": {
                attack: ensemble_numbers.attack_numbers(config, attack, of(attack))
                for attack in attacks
            },
            "alone": _alone(config, group, made),
            "in_turn": ensemble_numbers.turn_numbers(config, of("in-turn")),
            "any_gradient": _any_gradient(config, of),
            "transfer": {
                attack: ensemble_numbers.transfer_numbers(config, scene_of, attack, of(attack))
                for attack in attacks
                if attack != "ascent"
            },
            "rules": {
                str(count): ensemble_rules.rule_numbers(config, group, count, made, labels, classes)
                for count in compared
            },
            "objectives": {
                str(count): ensemble_rules.objective_numbers(
                    config, group, count, made, objectives_at(config, count)
                )
                for count in config.rule_sizes
                if count > 1
            },
            "alignment": _alignment(config, of("alignment")),
        }
    return {
        "conclusion": conclude(config, findings),
        "members": list(config.members),
        "sets": config.sets,
        "tau": config.tau,
        "epsilon": config.epsilon,
        "evaluation_budget": config.children * (config.generations + 1),
        "step_budget": config.steps,
        "num_classes": classes,
        "class_names": list(prepared.class_names),
        "intervals": "95 %, Student's t over disjoint sets of networks",
        "groups": findings,
        "networks": {
            name: {"accuracy": one.accuracy, "origin": one.origin} for name, one in networks.items()
        },
        "seconds": sum(float(unit["seconds"]) for unit in made.values()),
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }


def conclude(config: Any, findings: Mapping[str, Any]) -> dict[str, str]:
    """Say in plain words, from the numbers alone, whether more networks are harder to fool."""
    if len(config.members) < 2:
        return {
            group: "One number of members only: nothing is known of more." for group in findings
        }
    doubt = ""
    if config.sets < 2:
        doubt = " One set of networks gives no intervals, so nothing counts as beyond chance."
    first, last = config.members[0], config.members[-1]
    return {
        group: f"{_prices(found)} {_protection(found, first, last)}"
        + _hardest(found["alone"], last)
        + doubt
        for group, found in findings.items()
    }


def _prices(found: Mapping[str, Any]) -> str:
    """How the costs of all attacks grow."""
    grown = {attack: one["growth"] for attack, one in found["attacks"].items()}
    verdicts = [one["verdict"] for one in grown.values()]
    told = []
    for attack, one in grown.items():
        if one["verdict"] != "unmeasured":
            least = "at least " if one["censored"] else ""
            chance = " (within chance)" if one["verdict"] == "unclear" else ""
            told.append(f"{SHORT[attack]} {least}{one['per_doubling']['mean']:.2f}{chance}")
    return (
        f"More networks are dearer to fool by {verdicts.count('harder')} of {len(verdicts)} "
        f"attacks and cheaper by {verdicts.count('easier')}. Times the cost at every doubling of "
        f"their number: {', '.join(told) or 'not measured'}."
    )


def _protection(found: Mapping[str, Any], first: int, last: int) -> str:
    """Whether the attacks of somebody who knows all members still succeed, from their shares."""
    shares = {
        attack: one["fooled_per_set"].mean(axis=0) for attack, one in found["attacks"].items()
    }
    turns = found["in_turn"]["fooled_per_set"].mean(axis=0)[-1]
    best, before = found["any_gradient"][-1]["mean"], found["any_gradient"][0]["mean"]
    share = lambda value: f"{100 * value:.0f} %"
    kept = "so no fooling image is kept out" if best >= before else "so some are kept out"
    change = found["attacks"]["perturb"]["fooled_change"]
    fell, rose = change["high"] < 0.0, change["low"] > 0.0
    word = "a fall beyond chance" if fell else "a rise beyond chance" if rose else "within chance"
    pgd = shares["perturb"]
    return (
        f"With {last} members one gradient attack or another made {share(best)} of the classes "
        f"certain ({share(before)} with {first}), {kept}: {share(shares['ascent'][-1])} along the "
        f"gradient of the answer, {share(shares['joint'][-1])} along the joint one, "
        f"{share(turns)} one member after the other. PGD inside a fixed ball fooled "
        f"{share(pgd[-1])} of real images instead of {share(pgd[0])} ({word})."
    )


def _hardest(alone: Mapping[str, Any], last: int) -> str:
    """How all together compare with the one architecture that is hardest to fool alone."""
    if not alone:
        return ""
    told = []
    for attack, one in alone.items():
        ratio = one["times_hardest"]
        if np.isnan(ratio["mean"]):
            told.append(f"{SHORT[attack]} unknown, both being beyond the budget")
        else:
            kind = "joint" if attack == "ascent" else attack
            least = "at least " if ratio["censored"] else ""
            told.append(f"{SHORT[kind]} {least}{ratio['mean']:.2f}")
    return (
        f" Times the cost of whichever architecture is hardest to fool alone, all {last} together: "
        f"{', '.join(told)}."
    )


def _found(made: Mapping[str, Arrays], group: str, attack: str) -> ensemble_numbers.Of:
    """What an attack on the mean of probabilities found, by set and number of members."""

    def of(index: int, count: int) -> Arrays:
        name = joint_name(count) if attack == "joint" else attack
        return made[unit_name(group, index, count, MEAN, name)]

    return of


def _alone(config: Any, group: str, made: Mapping[str, Arrays]) -> dict[str, Any]:
    """What each architecture costs alone, and how many times the hardest one the whole costs."""
    architectures, last = groups(config)[group], config.members[-1]
    places = {0: MEAN} | others_alone(config, group)
    if len(places) < 2 or config.members[0] > 1:
        return {}
    result: dict[str, Any] = {}
    for attack in (*config.encodings, "ascent", "perturb"):
        several = lambda count, rule, name: [
            made[unit_name(group, index, count, rule, name)] for index in range(config.sets)
        ]
        single = {
            architectures[place]: ensemble_numbers.costs_of(
                config, attack, several(1, rule, attack)
            )
            for place, rule in places.items()
        }
        way = joint_name(last) if attack == "ascent" else attack
        together = ensemble_numbers.costs_of(config, attack, several(last, MEAN, way))
        result[attack] = {
            "cost_per_set": single,
            "whole_per_set": together,
            "times_hardest": ensemble_numbers.times_hardest(
                together, list(single.values()), ensemble_numbers.cap(config, attack)
            ),
        }
    return result


def _any_gradient(config: Any, of: Any) -> list[dict[str, float]]:
    ways = [of(attack) for attack in ("ascent", "joint", "in-turn")]
    return [
        analysis.over_repeats(
            [
                ensemble_numbers.any_gradient(config, [way(index, count) for way in ways])
                for index in range(config.sets)
            ]
        )._asdict()
        for count in config.members
    ]


def _accuracy(config: Any, of: ensemble_numbers.Of, labels: np.ndarray) -> list[dict[str, float]]:
    return [
        analysis.over_repeats(
            [np.mean(of(index, count)["clean"] == labels) for index in range(config.sets)]
        )._asdict()
        for count in config.members
    ]


def _alignment(config: Any, of: ensemble_numbers.Of) -> dict[str, Any]:
    """Mean cosines between members, and over all pairs with an interval over the sets."""
    result: dict[str, Any] = {}
    for where in ("images", "noise"):
        cosines = [of(i, max(config.members))[f"cosines_{where}"] for i in range(config.sets)]
        matrices = np.array([np.nanmean(one, axis=2) for one in cosines])
        pairs = np.triu_indices(matrices.shape[1], 1)
        result[where] = {"matrix": matrices.mean(axis=0)}
        if len(pairs[0]):
            means = [matrix[pairs].mean() for matrix in matrices]
            result[where]["pairs"] = ensemble_numbers.interval(means)._asdict()
    return result
