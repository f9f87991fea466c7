"""The page of a finished ``experiments.foolbench`` run, for somebody who did not run it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import PLAIN
from .numbers import (
    ADVERSARIES,
    MEASURES,
    NAME,
    VERSION,
    Found,
    certainty,
    confidence,
    masked,
    rank,
    to_markdown,
)

INTERVALS = "95 %, Student's t over the seeds, cut off where a share ends"
_MARKED = 0.1  # difference of two shares that the page speaks of
_MOST = 10  # images of a kind that are shown


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    ranked = rank(found)
    best, worst = ranked[0], ranked[-1]
    plain = next(one for one in ranked if one.defense == PLAIN)
    figures = [
        (str(len(found.defenses)), "networks and defenses"),
        (str(len(found.foolers)), "kinds of fooling images"),
        (
            study.share(plain.worst_accepted_95),
            "of the worst kind of images pass the plain network",
        ),
    ]
    if best is not worst:
        passed = study.share(best.worst_accepted_95)
        figures.append((passed, f"pass {best.defense}, which holds best"))
    yield study.Opening(
        f"{NAME} {VERSION}",
        "How networks, with and without a defense, take images that show nothing: made for the "
        "plain network, and made by an adversary who knows the defense.",
        figures,
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("What came out")
    yield from findings(found)
    yield from matrices(found)
    yield study.Heading("Which defense holds best")
    share = study.share
    yield fj.reporting.table(
        ("Defense", "Worst kind accepted", "Which", "Mean of all kinds", "Clean images right"),
        [
            (one.defense, share(one.worst_accepted_95), one.worst_generator,
             share(one.mean_accepted_95), share(one.clean_accuracy))
            for one in ranked
        ],
        "By the kind of images that it keeps out worst, the adversary knowing it.",
        sortable=True,
    )  # fmt: skip
    yield study.Heading("All numbers")
    yield from everything(found)
    yield study.Heading("The images")
    for defense in found.defenses:
        shown = images(found, defense)
        yield shown if defense == PLAIN else study.Folded(f"Made for {defense}", [shown])
    yield study.Heading("For a paper")
    yield (
        f"Cite as “{NAME} {VERSION}” with the version of fooljax ({fj.__version__}) and the "
        "settings below. The table in Markdown:"
    )
    yield fj.reporting.code(to_markdown(found))


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config = found.config
    yield (
        f"The network: {found.plain.origin}. Everything was done {config.seeds} times from other "
        "random numbers. Fooling images show nothing; each was made to be taken for a class. The "
        "naive adversary makes them for the plain network, and they are shown to the others. The "
        "adaptive one knows the defense and makes them anew for each defended network; where a "
        "defense is random, for the average over its random numbers, and they are then judged "
        "under other ones. Controls are made by nobody and are the same for all."
    )
    yield (
        "The score of an image is the confidence in the likeliest real class. On every other one "
        f"of {config.clean_images:,} clean test images at most, a threshold is set that 95 % of "
        "them pass. An image is accepted if it passes and is not rejected by the network itself. "
        f"Epsilon is {config.fooling.epsilon:g} of the way from black to white. Intervals are "
        f"{INTERVALS}."
    )
    words = lambda one: one.words + ("" if one.looks else " (control)")
    rows = [(name, words(one)) for name, one in found.foolers.items()]
    yield fj.reporting.table(("Images", "How they were made"), rows)
    yield study.numbers(
        found.qualities,
        {"defense": "Defense"},
        {"clean_accuracy": "Clean images right", "clean_rejected": "Clean images rejected"},
        "Calibration error (ECE) over 15 bins; 0 is best.",
        {
            "ECE": lambda row: f"{row.values['ece'].mean:.3f}",
            "What it is": lambda row: found.defenses[row.keys["defense"]].words,
        },
    )


def findings(found: Found) -> Iterator[study.Block]:
    """Say in words what the numbers say, and no more."""

    def mean(defense: str, adversary: str) -> float:
        each = [found.accepted(defense, one, adversary).mean for one in found.looking]
        return float(np.mean(each))

    for defense in found.defenses if found.looking else ():
        if defense == PLAIN:
            continue
        plain, (naive, adaptive) = mean(PLAIN, "naive"), (mean(defense, a) for a in ADVERSARIES)
        yield fj.reporting.paragraph(
            fj.reporting.strong(defense),
            f" accepts {study.share(naive)} of the images made for the plain network (which "
            f"accepts {study.share(plain)}) and {study.share(adaptive)} of those made for it: "
            f"{verdict(plain, naive, adaptive)}",
        )
    for one in masked(found):
        yield fj.reporting.paragraph(
            fj.reporting.strong(f"Gradients mislead on {one.defense}"),
            f": of evolved images ({one.generator}), made without any, "
            f"{study.share(one.evolved_accepted_95)} pass, of those by gradient "
            f"{study.share(one.by_gradient_accepted_95)} at most. Low shares of images made by "
            "gradient are here no sign of robustness.",
        )


def verdict(plain: float, naive: float, adaptive: float) -> str:
    """Compare mean shares; differences below a tenth are not spoken of."""
    seems, holds = plain - naive, plain - adaptive
    if seems < _MARKED and holds < _MARKED:
        return "no gain worth speaking of, even against an adversary who does not know it."
    if holds < _MARKED:
        return "what it seems to gain vanishes against an adversary who knows it."
    if holds < seems - _MARKED:
        return (
            f"of {study.share(seems)} that it seems to keep out, {study.share(holds)} remain "
            "against an adversary who knows it."
        )
    return "what it keeps out it also keeps out of an adversary who knows it."


def matrices(found: Found) -> Iterator[study.Block]:
    """Show what is accepted, by defense and kind of images, for each adversary."""
    captions = {
        "adaptive": "Share accepted, adaptive adversary: rows defenses, columns kinds of images. "
        "The adversary knows the defense. How to read it: yellow lets everything in, blue keeps "
        "everything out. Small numbers: how far each may be off (95 % interval over the seeds).",
        "naive": "Share accepted, naive adversary: rows defenses, columns kinds of images. The "
        "same for images that were made for the plain network. Where this picture is darker than "
        "the one above, looking only at such images flatters the defense.",
    }
    for adversary, caption in captions.items():
        yield study.matrix(
            f"accepted_{adversary}",
            found.table.where(adversary=adversary),
            "defense",
            "generator",
            "accepted_95",
            caption,
            label="share accepted, 95 % of clean images being so",
            column_label=f"fooling images, {adversary} adversary",
        )


def everything(found: Found) -> Iterator[study.Block]:
    """Show the whole table."""
    titles = [name.replace("_", " ") for name in MEASURES]
    rows = [
        (*row.keys.values(), *(cell(name, row.values[name].mean) for name in MEASURES))
        for row in found.table.rows
        if row.keys["generator"] in found.looking or row.keys["adversary"] == "naive"
    ]
    yield (
        "Click a column's title to sort by it. With intervals: table.csv and summary.json, beside "
        "this page."
    )
    yield fj.reporting.table(("Defense", "Images", "Adversary", *titles), rows, sortable=True)
    meanings = list(zip(titles, MEASURES.values(), strict=True))
    table = fj.reporting.table(("Column", "Meaning"), meanings)
    yield study.Folded("What the columns mean", [table])


def cell(name: str, value: float) -> str:
    """Write a number of the table."""
    if math.isnan(value):
        return "\N{EN DASH}"
    if name == "evaluations_to_99":
        return "never" if math.isinf(value) else f"{value:,.0f}"
    return f"{value:.3f}"


def images(found: Found, defense: str) -> study.Figure:
    """Show what was made for a network: a row for each kind, of the first seed."""
    classes = found.plain.class_names
    rows, captions, names = [], [], []
    for one, arrays in found.results.where(trial=0, made_for=defense).found:
        shown, logits = arrays["images"][:_MOST], arrays["logits"][:_MOST]
        sure = confidence(certainty(logits, len(classes)))
        answers = [[*classes, "none"][min(place, len(classes))] for place in logits.argmax(axis=1)]
        blank = _MOST - len(shown)
        rows.append(np.concatenate([shown, np.ones((blank, *shown.shape[1:]))]))
        words = [f"{a}\n{study.sure(s)}" for a, s in zip(answers, sure, strict=True)]
        captions.append(words + [""] * blank)
        names.append(one["made"])
    return study.images(
        f"images_{defense}",
        rows,
        captions,
        f"Fooling images made for {defense}, with the network's answers. First seed. Below each "
        "image the answer of the network and its confidence in the likeliest real class; “none” is "
        "a rejection.",
        row_names=names,
    )
