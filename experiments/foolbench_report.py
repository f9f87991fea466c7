"""The page of a finished ``experiments.foolbench`` run."""

import dataclasses
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments import foolbench_pictures
from experiments.foolbench_results import ADVERSARIES, MEASURES, find, to_markdown
from experiments.foolbench_units import PLAIN
from fooljax import reporting
from fooljax.reporting import Html, details, figure, paragraph, percent, section, strong, table
from fooljax.reporting.readings import duration_or_unknown, flat
from fooljax.runtime.settings import command_of
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared

_MARKED = 0.1  # difference of two shares that the page speaks of


def write(
    folder: Path,
    config: Any,
    summary: Mapping[str, Any],
    plain: Prepared,
    made: Mapping[str, Arrays],
) -> None:
    """Draw the pictures and write ``report.html``."""
    pictures = foolbench_pictures.draw(folder, config, summary, plain, made)
    path = reporting.page(
        folder / "report.html",
        f"{summary['benchmark']} {summary['version']}",
        reporting.tiles(*_key_figures(summary)),
        section("What was done", *_story(summary)),
        section("What came out", *_findings(summary), *_matrices(summary, pictures)),
        section("Which defense holds best", _ranking(summary)),
        section("All numbers", *_everything(summary)),
        section("The images", *_galleries(summary, pictures)),
        section("For a paper", *_citation(summary)),
        section("How to repeat this", *_repeat(summary, config)),
        lead="How networks, with and without a defense, take images that show nothing: made for "
        "the plain network, and made by an adversary who knows the defense.",
        warnings=summary["warnings"],
    )
    print(f"report: {path}", file=sys.stderr)


def _key_figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    best, worst = summary["ranking"][0], summary["ranking"][-1]
    figures = [
        (str(len(summary["defenses"])), "networks and defenses"),
        (str(len(summary["generators"])), "kinds of fooling images"),
        (_share(_worst(summary, PLAIN)), "of the worst kind of images pass the plain network"),
    ]
    if best is not worst:
        figures.append(
            (_share(best["worst_accepted_95"]), f"pass {best['defense']}, which holds best")
        )
    return figures


def _worst(summary: Mapping[str, Any], defense: str) -> float:
    return next(one["worst_accepted_95"] for one in summary["ranking"] if one["defense"] == defense)


def _story(summary: Mapping[str, Any]) -> Iterator[Html]:
    settings = summary["settings"]
    yield paragraph(
        f"The network: {summary['network']}. Everything was done {summary['seeds']} times from "
        "other random numbers. Fooling images show nothing; each was made to be taken for a "
        "class. The naive adversary makes them for the plain network, and they are shown to the "
        "others. The adaptive one knows the defense and makes them anew for each defended "
        "network; where a defense is random, for the average over its random numbers, and they "
        "are then judged under other ones. Controls are made by nobody and are the same for all."
    )
    yield paragraph(
        "The score of an image is the confidence in the likeliest real class. On every other one "
        f"of {settings['clean_images']:,} clean test images at most, a threshold is set that 95 % "
        "of them pass. An image is accepted if it passes and is not rejected by the network "
        "itself. Epsilon is "
        f"{settings['epsilon']:g} of the way from black to white."
    )
    controls = summary["controls"]
    yield table(
        ("Images", "How they were made"),
        [
            (name, words + (" (control)" if name in controls else ""))
            for name, words in summary["generators"].items()
        ],
    )
    qualities = summary["defenses"]
    yield table(
        ("Defense", "What it is", "Clean images right", "Clean images rejected", "ECE"),
        [
            (
                name,
                words,
                _told(qualities[name]["clean_accuracy"]),
                _told(qualities[name]["clean_rejected"]),
                f"{qualities[name]['ece']['mean']:.3f}",
            )
            for name, words in summary["defense_words"].items()
        ],
        "Calibration error (ECE) over 15 bins; 0 is best.",
    )


def _findings(summary: Mapping[str, Any]) -> Iterator[Html]:
    """Say in words what the numbers say, and no more."""
    made = [name for name in summary["generators"] if name not in summary["controls"]]
    for defense in summary["defenses"]:
        if defense == PLAIN or not made:
            continue
        mean = {
            adversary: float(
                np.mean(
                    [find(summary, defense, one, adversary)["accepted_95"]["mean"] for one in made]
                )
            )
            for adversary in ADVERSARIES
        }
        plain = float(
            np.mean([find(summary, PLAIN, one, "naive")["accepted_95"]["mean"] for one in made])
        )
        yield paragraph(
            strong(defense),
            f" accepts {_share(mean['naive'])} of the images made for the plain network (which "
            f"accepts {_share(plain)}) and {_share(mean['adaptive'])} of those made for it: ",
            _verdict(plain, mean["naive"], mean["adaptive"]),
        )
    for one in summary["masked"]:
        yield paragraph(
            strong(f"Gradients mislead on {one['defense']}"),
            f": of evolved images ({one['generator']}), made without any, "
            f"{_share(one['evolved_accepted_95'])} pass, of those by gradient "
            f"{_share(one['by_gradient_accepted_95'])} at most. Low shares of images made by "
            "gradient are here no sign of robustness.",
        )


def _verdict(plain: float, naive: float, adaptive: float) -> str:
    """Compare mean shares; differences below a tenth are not spoken of."""
    seems, holds = plain - naive, plain - adaptive
    if seems < _MARKED and holds < _MARKED:
        return "no gain worth speaking of, even against an adversary who does not know it."
    if holds < _MARKED:
        return "what it seems to gain vanishes against an adversary who knows it."
    if holds < seems - _MARKED:
        return (
            f"of {_share(seems)} that it seems to keep out, {_share(holds)} remain against an "
            "adversary who knows it."
        )
    return "what it keeps out it also keeps out of an adversary who knows it."


def _matrices(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield figure(
        pictures["accepted adaptive"],
        "Share accepted, adaptive adversary: rows defenses, columns kinds of images.",
        "The adversary knows the defense. How to read it: yellow lets everything in, blue keeps "
        f"everything out. Small numbers: half the interval ({summary['intervals']}).",
    )
    yield figure(
        pictures["accepted naive"],
        "Share accepted, naive adversary: rows defenses, columns kinds of images.",
        "The same for images that were made for the plain network. Where this picture is darker "
        "than the one above, looking only at such images flatters the defense.",
    )


def _ranking(summary: Mapping[str, Any]) -> Html:
    rows = [
        (
            one["defense"],
            _share(one["worst_accepted_95"]),
            one["worst_generator"],
            _share(one["mean_accepted_95"]),
            _share(one["clean_accuracy"]),
        )
        for one in summary["ranking"]
    ]
    return table(
        ("Defense", "Worst kind accepted", "Which", "Mean of all kinds", "Clean images right"),
        rows,
        "By the kind of images that it keeps out worst, the adversary knowing it.",
        sortable=True,
    )


def _everything(summary: Mapping[str, Any]) -> Iterator[Html]:
    header = ("Defense", "Images", "Adversary", *(name.replace("_", " ") for name in MEASURES))
    rows = [
        (row["defense"], row["generator"], row["adversary"],
         *(_cell(name, row[name]["mean"]) for name in MEASURES))
        for row in summary["rows"]
        if not (row["generator"] in summary["controls"] and row["adversary"] == "adaptive")
    ]  # fmt: skip
    yield paragraph(
        "Click a column's title to sort by it. With intervals: table.csv and summary.json, beside "
        "this page."
    )
    yield table(header, rows, sortable=True)
    yield details(
        "What the columns mean",
        table(
            ("Column", "Meaning"),
            [(name.replace("_", " "), words) for name, words in MEASURES.items()],
        ),
    )


def _galleries(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    for defense in summary["defenses"]:
        shown = figure(
            pictures[f"images for {defense}"],
            f"Fooling images made for {defense}, with the network's answers.",
            "First seed. Below each image the answer of the network and its confidence in the "
            "likeliest real class; “none” is a rejection.",
        )
        yield shown if defense == PLAIN else details(f"Made for {defense}", shown)


def _citation(summary: Mapping[str, Any]) -> Iterator[Html]:
    yield paragraph(
        f"Cite as “{summary['benchmark']} {summary['version']}” with the version of fooljax and "
        "the settings below. The table in Markdown:"
    )
    yield reporting.code(to_markdown(summary))


def _repeat(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    versions = ", ".join(f"{name} {one}" for name, one in summary["versions"].items())
    yield paragraph(
        f"It took {duration_or_unknown(summary['seconds'])} after the training, on "
        f"{summary['device']}, with {versions}."
    )
    yield reporting.code(command_of("experiments.foolbench", config))
    yield table(
        ("Setting", "Value"), list(flat(dataclasses.asdict(config))), "Settings of this run"
    )


def _cell(name: str, value: float) -> str:
    if math.isnan(value):
        return "\N{EN DASH}"
    if name == "evaluations_to_99":
        return "never" if math.isinf(value) else f"{value:,.0f}"
    return f"{value:.3f}"


def _share(value: float) -> str:
    return percent(min(1.0, max(0.0, round(float(value), 3))))


def _told(interval: Mapping[str, float]) -> str:
    mean, low, high = interval["mean"], interval["low"], interval["high"]
    if math.isnan(low) or round(low, 3) == round(high, 3):
        return _share(mean)
    return f"{_share(mean)} ({_share(low)} to {_share(high)})"
