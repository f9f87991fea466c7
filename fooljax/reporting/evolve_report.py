"""The report of an evolution run, for somebody who did not run it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fooljax.reporting.evolve_captions import CAPTIONS, TITLES, remarks
from fooljax.reporting.html import (
    Html,
    code,
    details,
    figure,
    join,
    link,
    page,
    paragraph,
    section,
    strong,
    table,
    tiles,
)
from fooljax.reporting.readings import (
    as_list,
    by_run,
    certainty_or_unknown,
    count_or_unknown,
    duration_or_unknown,
    flat,
    generation_or_never,
    middle,
    numbers_in,
    percent_or_unknown,
    total,
)
from fooljax.reporting.wording import percent

_ENCODINGS = {
    "direct": "gives every pixel a number of its own, so the images tend to look like static",
    "cppn": "paints each image with a small evolving network of functions of the position (a "
    "compositional pattern-producing network), so the images tend to show regular patterns",
}


def evolve_page(
    path: str | os.PathLike[str],
    summary: Mapping[str, Any],
    settings: Mapping[str, Any],
    pictures: Mapping[str, str | os.PathLike[str]],
    *,
    class_names: Sequence[str] | None = None,
    command: str | None = None,
    browse: str | None = None,
    title: str = "Images that fool a neural network",
) -> Path:
    """Write the report of an evolution run.

    Every entry of ``summary`` may be missing or None; what was not measured is
    said to be so. Numbers may be one value or one for each run: confidences are
    then shown by their median, ``evaluations`` and ``seconds`` by their sum.

    Args:
        path: the HTML file to write.
        summary: ``clean_accuracy``, ``network`` (where it comes from, in words),
            ``median_confidence``, ``min_confidence``,
            ``median_confidence_by_generation``, ``evaluations``,
            ``evaluations_per_second``, ``seconds``, ``generations``, ``seed``,
            ``per_class_confidence`` (by run, by class),
            ``first_generation_all_above`` (generations by threshold),
            ``controls`` (measurements by kind of image), ``shown_to`` (what other
            networks say, by name) and ``warnings`` (what makes all this doubtful).
        settings: what the run was told, as a table; its text names ``encoding``.
        pictures: picture files by name: those of ``evolve_captions``, and any
            others, which are shown last.
        class_names: names of the classes, in the order of the columns.
        command: the command that repeats the run.
        browse: name of the page beside this one that shows every class.
        title: the page's title.

    Returns:
        The path written.
    """
    return page(
        path,
        title,
        tiles(*_key_figures(summary)),
        section("What was done", *_story(summary, settings)),
        *_sections_of_pictures(pictures, summary, browse),
        section("Is it the search, or would any noise do?", *_controls(summary)),
        section("The network", *_network(summary)),
        *_other_networks(summary),
        section("All numbers", *_numbers(summary, class_names)),
        section("How to repeat this", *_repeat(settings, command)),
        section("Where the idea comes from", *_source()),
        lead="What nonsense is a neural network certain of? These images were evolved to find out.",
        warnings=summary.get("warnings", ()),
    )


def _key_figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    evaluations, rate = (
        total(summary.get("evaluations")),
        middle(summary.get("evaluations_per_second")),
    )
    seconds = total(summary.get("seconds"))
    if seconds is None and evaluations and rate:
        seconds = evaluations / rate
    lowest = numbers_in(summary.get("min_confidence"))
    return [
        (
            certainty_or_unknown(middle(summary.get("median_confidence"))),
            "median confidence over the classes",
        ),
        (certainty_or_unknown(min(lowest, default=None)), "confidence in the least certain class"),
        (
            percent_or_unknown(middle(summary.get("clean_accuracy"))),
            "of real test images recognized correctly by the network",
        ),
        (count_or_unknown(evaluations), "images shown to the network during the search"),
        (duration_or_unknown(seconds), "of searching"),
    ]


def _story(summary: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Html]:
    per_class = by_run(summary.get("per_class_confidence"))
    count = f"{len(per_class[0])} " if per_class else ""
    runs = f"{len(per_class)} independent runs" if len(per_class) > 1 else "one run"
    generations = middle(summary.get("generations"))
    length = f" of {count_or_unknown(generations)} generations" if generations else ""
    yield paragraph(
        "An evolutionary search started from random images and changed them a little at a time, in "
        f"{runs}{length}. For each of the {count}classes that the network knows, it kept the "
        "image that the network was most confident about; nothing asked for images that look like "
        "the class to people."
    )
    encoding = str(settings.get("encoding") or "")
    if encoding:
        words = _ENCODINGS.get(encoding, "is how a genome was turned into an image")
        yield paragraph("The encoding, ", strong(encoding), f", {words}.")


def _sections_of_pictures(
    pictures: Mapping[str, str | os.PathLike[str]],
    summary: Mapping[str, Any],
    browse: str | None,
) -> Iterator[Html]:
    others = [name for name in pictures if name not in TITLES]
    for name in [*(name for name in TITLES if name in pictures), *others]:
        words = name.replace("_", " ").strip().capitalize() or "Picture"
        alt, caption = CAPTIONS.get(name, (f"{words}.", f"{words}."))
        blocks = [figure(pictures[name], alt, caption)]
        blocks += [paragraph(remark) for remark in remarks(name, summary)]
        if name == "gallery" and browse:
            whole = link("All classes of the first run", browse)
            blocks.append(paragraph(whole, ", to search, to sort, and with their ancestors."))
        yield section(TITLES.get(name, words), *blocks)


def _controls(summary: Mapping[str, Any]) -> Iterator[Html]:
    yield paragraph(
        "A network might be confident of anything unusual. To tell, it was also shown images that "
        "nobody evolved. If those already received high confidence, the evolved images would "
        "prove little; the gap between the rows is what the search found."
    )
    names = {
        "random_images": "Random images, as in generation 0",
        "gaussian_noise": "Gaussian noise",
    }
    header = (
        "Images",
        "Confidence in the most likely class (median)",
        "Share above 99 %",
        "Best image of each class (median)",
    )
    evolved = certainty_or_unknown(middle(summary.get("median_confidence")))
    rows: list[tuple[str, ...]] = [("Evolved", "—", "—", evolved)]
    for kind, measured in (summary.get("controls") or {}).items():
        rows.append(
            (
                names.get(kind, str(kind).replace("_", " ").capitalize()),
                *(
                    percent_or_unknown(middle((measured or {}).get(entry)))
                    for entry in (
                        "median_top1_confidence",
                        "share_above_0.99",
                        "median_best_per_class",
                    )
                ),
            )
        )
    if len(rows) == 1:
        yield paragraph("In this run no such images were measured.")
    by_generation = numbers_in(summary.get("median_confidence_by_generation"))
    if by_generation:
        start = certainty_or_unknown(by_generation[0])
        rows.append(("Champions of generation 0 of the search", "—", "—", start))
    yield table(header, rows)


def _other_networks(summary: Mapping[str, Any]) -> Iterator[Html]:
    if not summary.get("shown_to"):
        return
    shares = ("same_label", "sure_label", "any_label_sure", "median_confidence")
    yield section(
        "Do other networks see the same?",
        paragraph(
            "The final images, made for another network; shares are over all classes and runs."
        ),
        table(
            (
                "Network",
                "Real test images right",
                "Say the same class",
                "and are at least 90 % sure",
                "At least 90 % sure of any class",
                "Confidence in the same class (median)",
            ),
            [
                (
                    name,
                    percent_or_unknown(row["clean_accuracy"]),
                    *(percent_or_unknown(float(np.mean(row[share]))) for share in shares),
                )
                for name, row in summary["shown_to"].items()
            ],
        ),
    )


def _network(summary: Mapping[str, Any]) -> Iterator[Html]:
    accuracy = middle(summary.get("clean_accuracy"))
    origin = summary.get("network")
    yield paragraph(
        f"The images were shown to {origin}. " if origin else "",
        f"It recognizes {percent(accuracy)} of real test images correctly: that is how well it "
        "does on images of the kind it was made for."
        if accuracy is not None
        else "How many real test images it recognizes correctly was not measured in this run.",
    )
    yield paragraph(
        "Confidence means the network's softmax output for the class, in single precision."
    )


def _numbers(summary: Mapping[str, Any], class_names: Sequence[str] | None) -> Iterator[Html]:
    first = summary.get("first_generation_all_above") or {}
    if first:
        rows: list[tuple[str, ...]] = [
            (
                percent(float(threshold)),
                ", ".join(generation_or_never(run) for run in as_list(reached)),
            )
            for threshold, reached in first.items()
        ]
        yield table(
            ("Confidence", "Generation, for each run"),
            rows,
            "First generation at which every class was above a confidence",
        )
    per_class = by_run(summary.get("per_class_confidence"))
    if per_class:
        names = class_names or [f"class {i}" for i in range(len(per_class[0]))]
        rows = [
            (
                str(name),
                *(certainty_or_unknown(float(of(runs))) for of in (np.median, np.min, np.max)),
            )
            for name, runs in zip(names, zip(*per_class, strict=True), strict=True)
        ]
        yield details(
            f"Confidence of all {len(rows)} classes",
            table(("Class", "Median of the runs", "Lowest run", "Highest run"), rows),
        )
    rate, seed = middle(summary.get("evaluations_per_second")), summary.get("seed")
    if rate is not None:
        yield paragraph(f"The search looked at {count_or_unknown(rate)} images per second.")
    if seed is not None:
        yield paragraph(f"Random seed: {seed}.")


def _repeat(settings: Mapping[str, Any], command: str | None) -> Iterator[Html]:
    if command:
        yield paragraph(
            "The same command, with the same versions on the same kind of device, gives the same "
            "images:"
        )
        yield code(command)
    if settings:
        yield table(("Setting", "Value"), list(flat(settings)), "Settings of this run")


def _source() -> Iterator[Html]:
    paper = link("arXiv:1412.1897", "https://arxiv.org/abs/1412.1897")
    yield paragraph(
        "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled: high "
        "confidence predictions for unrecognizable images”, CVPR 2015, ",
        join(paper, "."),
    )
