"""The page of a finished ``experiments.harden_universal`` run."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fooljax import reporting
from fooljax.reporting import Html, figure, paragraph, section, strong, table
from fooljax.reporting.readings import duration_or_unknown, flat, percent_or_unknown
from fooljax.runtime.settings import command_of

_TITLES = {
    "untested": "A network that universal perturbations hardly fool to begin with",
    "none": "Training on universal perturbations hardly helps against new ones",
    "partly": "Training on universal perturbations helps, up to a point",
    "solved": "Training on universal perturbations leaves new ones little to do",
}


def write(
    path: Path, summary: Mapping[str, Any], config: Any, pictures: Mapping[str, Path]
) -> Path:
    """Write the report."""
    return reporting.page(
        path,
        _TITLES[summary["verdict"]],
        reporting.tiles(*_key_figures(summary)),
        section("What was done", *_story(summary, config)),
        section("What came out", *_findings(summary, pictures)),
        section("The perturbations", *_looks(pictures)),
        section("How to repeat this", *_repeat(summary, config)),
        section("Where the idea comes from", *_source()),
        lead="One small change, added to any image, can fool a network about most of them. Shown "
        "such changes during training, it learns to see past them. Does it learn to see past the "
        "next one?",
        warnings=summary["warnings"],
    )


def _share(share: float) -> str:
    return percent_or_unknown(round(float(share), 3))


def _told(rate: Mapping[str, Any]) -> str:
    """A mean with its interval."""
    if math.isnan(rate["low"]):
        return _share(rate["mean"])
    return f"{_share(rate['mean'])} ({_share(rate['low'])} to {_share(rate['high'])})"


def _key_figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (_share(summary["worst"][0]["mean"]), "of images fooled by one change, before"),
        (_share(summary["worst"][-1]["mean"]), f"by a new one, after {summary['rounds']} rounds"),
        (_share(summary["trained_on"][-1]), "by those trained on last"),
        (_share(summary["random"][-1]["mean"]), "by random changes of the same size"),
        (duration_or_unknown(summary["seconds"]), "of computing"),
    ]


def _story(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield paragraph(
        f"The network: {summary['origin']}. In each round, {config.pool} universal perturbations "
        f"({config.pool_method}) were made for the network as it then was, none changing a number "
        f"of an image by more than {summary['epsilon']:g} (numbers run from 0 to 1). Then it was "
        f"trained on for {config.tune_steps:,} steps; each image had one of them added with "
        f"probability {config.share:g}."
    )
    yield paragraph(
        f"After every round, {config.tests} new perturbations of each kind "
        f"({', '.join(config.methods)}) were made against the new network, from other random "
        f"numbers than the pool, and tried on {summary['test_images']:,} test images. Fooled is an "
        "image whose answer changes. Whoever defends a network may be tempted to try the old "
        "perturbations again; what counts are the new ones. “Without perturbations” is a control: "
        "the same network trained on for as many steps on unchanged images."
    )


def _findings(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield paragraph(strong("In short. "), summary["conclusion"])
    yield figure(
        pictures["rounds"],
        "Share of held-out images fooled, round by round.",
        "How to read it: lines of new perturbations that flatten out above the random ones are "
        f"what training cannot remove. Shaded: {summary['intervals']}. The paper's network and "
        "images are much larger; its numbers show a course, not a target.",
    )
    paper = summary["paper"]
    rows = [
        (
            "before" if turn == 0 else f"round {turn}",
            *(_told(rates[turn]) for rates in summary["new"].values()),
            _told(summary["random"][turn]),
            "" if turn == 0 else _share(summary["trained_on"][turn]),
            _share(summary["first_pool"][turn]),
            _share(summary["clean_accuracy"][turn]),
            _share(summary["pgd_success"][turn]),
            _share(paper[turn]) if turn < len(paper) else "",
        )
        for turn in range(summary["rounds"] + 1)
    ]
    control = summary["control"]
    rows.append(
        (
            "without perturbations",
            *(_told(rate) for rate in control["new"].values()),
            _told(control["random"]),
            "",
            _share(control["first_pool"]),
            _share(control["clean_accuracy"]),
            _share(control["pgd_success"]),
            "",
        )
    )
    yield table(
        (
            "Network",
            *(f"New, {method}" for method in summary["new"]),
            "Random",
            "Trained on last",
            "The first pool",
            "Right when unchanged",
            f"PGD, {summary['pgd_epsilon']:g}, one by one",
            "The paper's",
        ),
        rows,
        "Share of held-out images fooled",
    )


def _looks(pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield figure(
        pictures["perturbations"],
        "New perturbations before and after each round.",
        "The first new perturbation of each kind, not selected, and how many images it fools.",
    )


def _repeat(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield paragraph(
        "The same command, with the same versions on the same kind of device, gives the same "
        f"numbers. Intervals: {summary['intervals']}. Training counts as a help if the last "
        "round's interval lies below that from before."
    )
    yield reporting.code(command_of("experiments.harden_universal", config))
    values = list(flat(dataclasses.asdict(config)))
    yield table(("Setting", "Value"), values, "Settings of this run")


def _source() -> Iterator[Html]:
    yield paragraph(
        "S.-M. Moosavi-Dezfooli, A. Fawzi, O. Fawzi and P. Frossard, “Universal adversarial "
        "perturbations”, CVPR 2017, ",
        reporting.link("arXiv:1610.08401", "https://arxiv.org/abs/1610.08401"),
        ", section 4: a network for photographs, fooled about 93.7 % of images, was trained on "
        "with perturbed images; a new perturbation fooled it about 76.2 %, and 80.0 % after "
        "another round. Further rounds were no better.",
    )
