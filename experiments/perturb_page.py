"""The page of an ``experiments.perturb`` run, for somebody who did not run it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments import perturb_tables
from experiments.perturb_tables import GROUPS
from fooljax import reporting
from fooljax.attacks import NORM_NAMES, Entry
from fooljax.reporting import Html, code, details, figure, paragraph, section, strong, table, tiles
from fooljax.runtime import settings


def page(
    path: Path,
    summary: Mapping[str, Any],
    config: Any,
    methods: Mapping[str, Entry],
    pictures: Mapping[str, Path],
) -> None:
    """Write the page.

    Args:
        path: the HTML file.
        summary: as in ``summary.json``.
        config: the settings.
        methods: the attacks by name.
        pictures: ``images_GROUP`` and ``curve_NORM``.
    """
    reporting.page(
        path,
        "Small changes that fool a neural network",
        tiles(*_key_figures(summary)),
        section("What was done", *_story(summary, config)),
        section("The images", *_images(pictures)),
        section("Every attack side by side", *perturb_tables.attacks(summary, methods)),
        section("How much change it takes", *_curves(pictures)),
        section("Would any noise do?", *_noise(summary)),
        section("Beside published numbers", *perturb_tables.published(summary)),
        section("What to distrust", *_doubts(summary)),
        section("How to repeat this", *_repeat(config)),
        section("Where the ideas come from", *_source()),
        lead="How little must change in an image that a network gets right before it is wrong?",
        warnings=summary["warnings"],
    )


def _key_figures(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield reporting.percent(summary["clean_accuracy"]), "of the test images recognized correctly"
    for norm, words in (("linf", "any pixel changed by at most"), ("l2", "changes no longer than")):
        worst = summary["worst_case"][norm]
        yield (
            reporting.percent(worst["success"]),
            f"of {summary['images']} such images fooled, {words} {worst['epsilon']:g}",
        )
        yield (
            reporting.percent(worst["noise_success"]),
            f"fooled by the most harmful of ten random noises of size {worst['epsilon']:g} "
            f"({NORM_NAMES[norm]})",
        )
    nearest = _nearest(summary)
    if nearest:
        name, length = nearest
        yield f"{length:.3g}", f"median Euclidean length that {name} needs"


def _nearest(summary: Mapping[str, Any]) -> tuple[str, float] | None:
    """The attack in L2 that fools at least 90 % with the least change, and its median."""
    found = [
        (row["l2_quartiles"][1], name)
        for name, row in summary["attacks"].items()
        if row["kind"] == "nearest"
        and not row["targeted"]
        and row["norm"] == "l2"
        and row["success"] >= 0.9
    ]
    return (min(found)[1], min(found)[0]) if found else None


def _story(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield paragraph(
        f"The network is {summary['network']}. Of the test images that it gets right, "
        f"{summary['images']} were drawn at random, and each attack changed each of them, within "
        "the range of pixels from 0 to 1. An attack succeeds when the network then names a wrong "
        "class; aimed attacks must bring it to one given class, drawn at random."
    )
    yield paragraph(
        strong("Two kinds of attack. "),
        "Some look for the worst image within a given size of change (epsilon): what counts is how "
        "often they succeed. Others look for the nearest wrong image: they nearly always succeed, "
        "and what counts is how far they had to go. Size is measured as the largest change of a "
        f"pixel (Linf, {config.epsilon:g} in the table), as the Euclidean length of all changes "
        f"together (L2, {config.epsilon_l2:g}), or as their sum (L1, {config.epsilon_l1:g}).",
    )


def _images(pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield paragraph(
        "Under each image stands what the network says and how sure it is. Ask yourself whether "
        "you would have changed your mind."
    )
    for i, group in enumerate(group for group in GROUPS if f"images_{group}" in pictures):
        picture = figure(
            pictures[f"images_{group}"],
            f"Originals, changes and results of the attacks {GROUPS[group]}.",
            f"Attacks {GROUPS[group]}. Top row: the originals. Then for each attack what it added, "
            "and the result. Each change is stretched until its largest part is black or white; "
            "its real size stands below it.",
        )
        yield picture if i == 0 else details(f"Attacks {GROUPS[group]}", picture)


def _curves(pictures: Mapping[str, Path]) -> Iterator[Html]:
    for norm in ("linf", "l2"):
        yield figure(
            pictures[f"curve_{norm}"],
            f"Accuracy left over the size of the change in {NORM_NAMES[norm]}, for each attack.",
            "Accuracy that is left when changes may be as large as epsilon, in "
            f"{NORM_NAMES[norm]}. The lower a line, the stronger the attack; the true accuracy is "
            "at most that of the lowest. Dashed: random noise of the same size. Marks are "
            "measured, and between them the lines are only drawn; those of attacks that look for "
            "the nearest image follow from their distances, everywhere.",
        )


def _noise(summary: Mapping[str, Any]) -> Iterator[Html]:
    yield paragraph(
        "A network might err on anything that is not exactly like its training images. To tell, "
        "the same images were given random noise of the same size: every pixel up or down by "
        "epsilon, or a random direction of length epsilon, ten times, and the most harmful draw "
        "counts. The gap between the columns is what knowing the network is worth."
    )
    rows = []
    for norm in ("linf", "l2"):
        worst = summary["worst_case"][norm]
        rows.append(
            (
                f"{NORM_NAMES[norm]} {worst['epsilon']:g}",
                reporting.percent(worst["success"]),
                reporting.percent(worst["noise_success"]),
            )
        )
    yield table(("Size", "Fooled by any attack", "Fooled by noise"), rows)


def _doubts(summary: Mapping[str, Any]) -> Iterator[Html]:
    asked = summary["diagnosis"]
    items = [
        (f"{NORM_NAMES[norm]}: {one['name']}", one["message"])
        for norm, found in (asked or {}).items()
        for one in found
    ]
    items += [(f"{one['attack']}: {one['name']}", one["message"]) for one in summary["doubts"]]
    yield paragraph(
        "That an attack fails can mean that the network is robust, or that the attack is not good. "
        "So the attacks were compared: does success rise with epsilon, does an attack without "
        "gradients or noise fool what gradients do not? ",
        "The network was also asked: is there a gradient everywhere, are the outputs logits and "
        "repeatable, do more steps and restarts help, is nothing left when every image is allowed?"
        if asked is not None
        else "This run did not ask the network itself (--no-diagnose).",
    )
    if not items:
        yield paragraph(
            strong("Nothing was found. "), "That is no proof that no attack is stronger."
        )
        return
    yield paragraph(strong(f"{len(items)} of these questions gave reason for doubt:"))
    yield table(("What", "What it means"), items)


def _repeat(config: Any) -> Iterator[Html]:
    yield paragraph(
        "The same command, with the same versions on the same kind of device, gives the same "
        "numbers:"
    )
    yield code(settings.command_of("experiments.perturb", config))
    rows = [(name, _plain(value) or "all") for name, value in settings.flat(config).items()]
    yield details("Settings of this run", table(("Setting", "Value"), rows))


def _plain(value: Any) -> str:
    """A setting as it is typed; several numbers are given one after another."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _source() -> Iterator[Html]:
    papers = (
        ("Szegedy et al., 2014, Intriguing properties of neural networks", "1312.6199"),
        ("Goodfellow et al., 2015, Explaining and harnessing adversarial examples", "1412.6572"),
        ("Moosavi-Dezfooli et al., 2016, DeepFool", "1511.04599"),
        (
            "Carlini and Wagner, 2017, Towards evaluating the robustness of neural networks",
            "1608.04644",
        ),
        (
            "Madry et al., 2018, Towards deep learning models resistant to adversarial attacks",
            "1706.06083",
        ),
        ("Rony et al., 2019, Decoupling direction and norm", "1811.09600"),
        ("Carlini et al., 2019, On evaluating adversarial robustness", "1902.06705"),
        ("Croce and Hein, 2020, Reliable evaluation (APGD, the cascade)", "2003.01690"),
        ("Andriushchenko et al., 2020, Square attack", "1912.00049"),
        ("Chen et al., 2020, HopSkipJump", "1904.02144"),
    )
    for title, number in papers:
        yield paragraph(
            f"{title}, ", reporting.link(f"arXiv:{number}", f"https://arxiv.org/abs/{number}")
        )
