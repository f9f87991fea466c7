"""Numbers and pictures of a finished ``experiments.harden_universal`` run."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import harden_universal_report
from experiments.harden_universal_units import CONTROL, Scene, unit_name
from fooljax import analysis, reporting
from fooljax.reporting import percent
from fooljax.runtime import files, notices
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared

#: VGG-F on ImageNet before, and after each of two rounds.
PAPER = (0.937, 0.762, 0.8)
_TWICE = 2.0


def write(
    folder: Path, config: Any, network: Prepared, scene: Scene, made: Mapping[str, Arrays]
) -> dict[str, Any]:
    """Write ``perturbations.npz``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings, a dataclass.
        network: as it was before.
        scene: the images.
        made: what every piece of work found, by ``unit_name``.

    Returns:
        The summary.
    """
    arrays = {name: unit["perturbation"] for name, unit in made.items() if "perturbation" in unit}
    files.write_npz(folder / "perturbations.npz", arrays, compress=True)
    summary = summarize(config, network, scene, made)
    summary = notices.summarize(folder, summary)
    pictures = {
        "rounds": _rounds(folder / "rounds.png", summary),
        "perturbations": _perturbations(folder / "perturbations.png", config, made, summary),
    }
    harden_universal_report.write(folder / "report.html", summary, config, pictures)
    print(f"{summary['conclusion']}\nreport: {folder / 'report.html'}", file=sys.stderr)
    return summary


def summarize(
    config: Any, network: Prepared, scene: Scene, made: Mapping[str, Arrays]
) -> dict[str, Any]:
    """Return the rates of every round, with intervals over the new perturbations."""
    turns = (*range(config.rounds + 1), CONTROL)
    over = lambda shares: analysis.over_repeats(shares)._asdict()
    measures = [made[unit_name(turn, "measures")] for turn in turns]
    new = {
        method: [
            over([made[unit_name(turn, f"{method}-{i + 1}")]["rate"] for i in range(config.tests)])
            for turn in turns
        ]
        for method in config.methods
    }
    control = {method: rates.pop() for method, rates in new.items()}
    without, turns = measures.pop(), turns[:-1]
    # the adversary takes the better method, each time anew
    worst = [max(new, key=lambda method: new[method][turn]["mean"]) for turn in turns]
    summary = {
        "dataset": config.victim.dataset,
        "origin": network.origin,
        "rounds": config.rounds,
        "epsilon": config.epsilon,
        "test_images": len(scene.test),
        "new": new,
        "worst": [{"method": worst[turn], **new[worst[turn]][turn]} for turn in turns],
        "random": [over(one["random"]) for one in measures],
        "trained_on": [float(one["trained_on"].mean()) for one in measures],
        "first_pool": [float(one["first"].mean()) for one in measures],
        "clean_accuracy": [float(one["accuracy"]) for one in measures],
        "pgd_success": [float(one["pgd"]) for one in measures],
        "pgd_epsilon": config.pgd_epsilon,
        "control": {
            "new": control,
            "random": over(without["random"]),
            "clean_accuracy": float(without["accuracy"]),
            "pgd_success": float(without["pgd"]),
            "first_pool": float(without["first"].mean()),
        },
        "paper": list(PAPER),
        "intervals": "95 %, Student's t over the new perturbations; there is one network only",
        "seconds": sum(float(unit["seconds"]) for unit in made.values()),
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }
    verdict = judge(summary["worst"], summary["random"])
    return {**summary, "verdict": verdict, "conclusion": conclude(summary, verdict)}


def judge(worst: list[dict[str, Any]], random: list[dict[str, Any]]) -> str:
    """Say what the rounds brought against perturbations made anew.

    Returns:
        ``untested`` if those before the first round fool less than twice as much as
        random changes; ``none`` if the last rate is not below the first by more than
        both intervals allow; ``solved`` if it is, and less than twice the random one;
        ``partly`` if it is and is more.
    """
    first, last = worst[0], worst[-1]
    if first["mean"] < _TWICE * random[0]["mean"] or first["mean"] == 0.0:
        return "untested"
    top, bottom = (
        one["mean"] if np.isnan(one[limit]) else one[limit]
        for one, limit in ((last, "high"), (first, "low"))
    )
    if not top < bottom:
        return "none"
    return "solved" if last["mean"] < _TWICE * random[-1]["mean"] else "partly"


def conclude(summary: Mapping[str, Any], verdict: str) -> str:
    """Say in words what the numbers of this run say."""
    first, last = summary["worst"][0], summary["worst"][-1]
    of = lambda share: percent(round(float(share), 3))
    opening = {
        "untested": "These runs say nothing about the defense, for the network was hardly fooled "
        "by universal perturbations to begin with",
        "none": "Training on universal perturbations did not measurably help against new ones",
        "partly": "Training on universal perturbations helps, and does not solve the problem",
        "solved": "After training on universal perturbations, new ones of this strength do no "
        "more than twice what random changes do",
    }[verdict]
    control = max(one["mean"] for one in summary["control"]["new"].values())
    return (
        f"{opening}: new perturbations fool the network about {of(first['mean'])} of held-out "
        f"images before, {of(summary['worst'][1]['mean'])} after one round and {of(last['mean'])} "
        f"after {summary['rounds']} (random changes of the same size: "
        f"{of(summary['random'][-1]['mean'])}; trained on as long without perturbations: "
        f"{of(control)}). The perturbations that the last round trained on fool "
        f"{of(summary['trained_on'][-1])}. Right on unchanged images: "
        f"{of(summary['clean_accuracy'][0])} before, {of(summary['clean_accuracy'][-1])} after; "
        f"changed one by one by PGD (at most {summary['pgd_epsilon']:g}): "
        f"{of(summary['pgd_success'][0])} fooled before, {of(summary['pgd_success'][-1])} after."
    )


def _rounds(path: Path, summary: Mapping[str, Any]) -> Path:
    """Fooling rates by round, new and old perturbations, and controls."""
    x = np.arange(summary["rounds"] + 1)
    series, bands = {}, {}
    for name, rates in {
        **{f"new, {method}": rates for method, rates in summary["new"].items()},
        "random": summary["random"],
    }.items():
        series[name] = (x, [one["mean"] for one in rates])
        if not any(np.isnan(one["low"]) for one in rates):
            bands[name] = ([one["low"] for one in rates], [one["high"] for one in rates])
    series["trained on last"] = (x[1:], summary["trained_on"][1:])
    paper = summary["paper"][: len(x)]
    series["the paper's, ImageNet"] = (x[: len(paper)], paper)
    return reporting.lines(
        path,
        series,
        x_label="rounds of training on with perturbations",
        y_label="share of held-out images fooled",
        shares=True,
        bands=bands,
        dashed=("random", "the paper's, ImageNet"),
    )


def _perturbations(
    path: Path, config: Any, made: Mapping[str, Arrays], summary: Mapping[str, Any]
) -> Path:
    """The first new perturbation of each method, before and after every round."""
    turns = range(config.rounds + 1)
    found = [[made[unit_name(turn, f"{method}-1")] for turn in turns] for method in config.methods]
    shown = [[0.5 + 0.5 * one["perturbation"] / config.epsilon for one in row] for row in found]
    return reporting.grid(
        path,
        np.clip(np.array(shown), 0.0, 1.0),
        [[f"fools {percent(round(float(one['rate']), 3))}" for one in row] for row in found],
        row_names=list(config.methods),
        column_names=["before", *(f"round {turn}" for turn in turns[1:])],
        scale_note=f"Black is -{config.epsilon:g}, white +{config.epsilon:g}, grey no change.",
    )
