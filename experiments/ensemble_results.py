"""Numbers, pictures and the page of a finished ``experiments.ensemble`` run."""

import functools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import ensemble_numbers, ensemble_pictures, ensemble_report
from experiments.ensemble_units import MEAN, Scene, first_group, groups, unit_name
from fooljax import analysis
from fooljax.runtime import files
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
    files.write_json(folder / "summary.json", summary)
    pictures = ensemble_pictures.draw(folder, config, made, summary)
    ensemble_report.write(folder / "report.html", summary, config, pictures)
    print(f"{summary['conclusion']}\nreport: {folder / 'report.html'}", file=sys.stderr)
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
        compared = config.rule_sizes if group == first_group(config) else ()
        findings[group] = {
            "architectures": list(groups(config)[group]),
            "accuracy": _accuracy(config, of("perturb"), labels),
            "attacks": {
                attack: ensemble_numbers.attack_numbers(config, attack, of(attack))
                for attack in (*config.encodings, "ascent", "perturb")
            },
            "in_turn": ensemble_numbers.turn_numbers(config, of("in-turn")),
            "transfer": {
                attack: ensemble_numbers.transfer_numbers(config, scene_of, attack, of(attack))
                for attack in (*config.encodings, "ascent", "perturb")
            },
            "rules": {
                str(count): ensemble_numbers.rule_numbers(
                    config, group, count, made, labels, classes
                )
                for count in compared
            },
            "objectives": {
                str(count): ensemble_numbers.objective_numbers(config, group, count, made)
                for count in compared
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


_WORDS = {
    "direct": "evolving pixels",
    "cppn": "evolving patterns",
    "ascent": "following the joint gradient from noise",
    "perturb": "perturbing real images",
}


def conclude(config: Any, findings: Mapping[str, Any]) -> str:
    """Say in plain words, from the numbers alone, whether more networks are harder to fool."""
    if len(config.members) < 2:
        return "Only one number of members was tried, so nothing can be said of more."
    sentences = []
    first, last = config.members[0], config.members[-1]
    for group, found in findings.items():
        by: dict[str, list[str]] = {"harder": [], "easier": [], "unclear": [], "unmeasured": []}
        for attack, one in found["attacks"].items():
            grown = one["growth"]
            least = "at least " if grown["censored"] else ""
            times = f"{least}{grown['per_doubling']['mean']:.2f} times the cost at every doubling"
            known = grown["verdict"] != "unmeasured"
            by[grown["verdict"]].append(f"{_WORDS[attack]} ({times})" if known else _WORDS[attack])
        said = [f"{words}: {', '.join(by[of])}" for of, words in _VERDICTS.items() if by[of]]
        sentences.append(
            f"{group.capitalize()} ensembles of {first} to {last}: {'; '.join(said)}. "
            + _protection(found, first, last)
        )
    if config.sets < 2:
        sentences.append("One set of networks gives no intervals, so nothing counts as proven.")
    return " ".join(sentences)


_VERDICTS = {
    "harder": "dearer the more networks vote",
    "easier": "cheaper the more networks vote",
    "unclear": "no change beyond chance",
    "unmeasured": "not measured",
}


def _protection(found: Mapping[str, Any], first: int, last: int) -> str:
    """Whether the attacks of somebody who knows all members still succeed, from their shares."""
    joint = found["attacks"]["ascent"]["fooled_per_set"].mean(axis=0)
    pgd, change = (
        found["attacks"]["perturb"][name] for name in ("fooled_per_set", "fooled_change")
    )
    share = lambda value: f"{100 * value:.0f} %"
    text = f"The joint gradient attack made {share(joint[-1])} of the classes certain with {last} "
    text += f"members and {share(joint[0])} with {first}"
    if joint[-1] >= joint[0]:
        text += ", so nothing made from nothing is kept out"
    rates = pgd.mean(axis=0)
    text += f"; PGD inside a fixed ball fooled {share(rates[-1])} instead of {share(rates[0])} of "
    fell, rose = change["high"] < 0.0, change["low"] > 0.0
    word = "a fall beyond chance" if fell else "a rise beyond chance" if rose else "within chance"
    return f"{text}real images ({word})."


def _found(made: Mapping[str, Arrays], group: str, attack: str) -> ensemble_numbers.Of:
    """What an attack on the mean of probabilities found, by set and number of members."""
    return lambda index, count: made[unit_name(group, index, count, MEAN, attack)]


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
