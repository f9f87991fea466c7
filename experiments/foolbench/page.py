"""The page of a finished ``experiments.foolbench`` run, for somebody who did not run it."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import fooljax as fj
from fooljax import study

from .measure import PLAIN
from .numbers import ALL, NAME, VERSION, Found, markdown, masked, rank

_MOST = 10  # images of a kind that are shown


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    ranked, share = rank(found), study.share
    worst = {one["defense"]: share(one["worst_accepted_95"]) for one in ranked}
    best, count = ranked[0]["defense"], len(found.scene.defenses)
    plain = next(one for one in ranked if one["defense"] == PLAIN)
    figures = [
        (str(count), "networks and defenses" if count > 1 else "network, without any defense"),
        (str(len(found.scene.makers)), "kinds of images that show nothing"),
        (worst[PLAIN], "of the worst kind of images pass the plain network"),
    ]
    if best != PLAIN and ranked[0]["worst_accepted_95"] < plain["worst_accepted_95"]:
        figures.append((worst[best], f"pass {best}, which holds best"))
    elif len(ranked) > 1:
        figures.append(("none", "of the defenses keeps its worst kind out better"))
    yield study.Opening(
        f"{NAME} {VERSION}",
        "How networks, with and without a defense, take images that show nothing: made for the "
        "plain network, and made by an adversary who knows the defense.",
        figures,
    )
    yield from study.sections(
        {
            "What was done": story(found),
            "What came out": findings(found),
            "Which defense holds best": [ranking(found)],
            "How much of image space is left": study.left_of_volume(found.volumes, PLAIN),
            "All numbers": everything(found),
            "The images": galleries(found),
            "For a paper": cited(found),
        },
    )


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, scene = found.config, found.scene
    plain = next(iter(scene.benches.values())).plain
    yield (
        f"The network: {plain.origin}. Everything was done {study.anew(config.seeds)}. Fooling "
        "images show nothing; each was made to be taken for a class. The naive adversary makes "
        "them for the plain network, and they are shown to the others. The adaptive one knows the "
        "defense and makes them anew for each defended network; where a defense is random, for the "
        "average over its random numbers, and they are then judged under other ones. Controls are "
        f"made by nobody and are the same for all. {study.RULE}"
    )
    yield (
        "The score of an image is the confidence in the likeliest real class. On every other one "
        f"of {config.clean_images:,} clean test images at most, a threshold is set that 95 % of "
        "them pass. An image is accepted if it passes and is not rejected by the network itself. "
        f"Epsilon is {config.fooling.epsilon:g} of the way from black to white."
        f"{study.of_several(config.seeds, f' Intervals are {found.intervals}.')}"
    )
    words = lambda one: one.words + ("" if one.fools else " (control)")
    rows = [(name, words(one)) for name, one in scene.makers.items()]
    yield fj.reporting.table(("Images", "How they were made"), rows)
    yield study.numbers(
        found.qualities,
        {"defense": "Defense"},
        {"clean_accuracy": "Clean images right", "clean_rejected": "Clean images rejected"},
        "Calibration error (ECE) over 15 bins; 0 is best.",
        {
            "ECE": lambda row: f"{row.values['ece'].mean:.3f}",
            "What it is": lambda row: scene.defenses[row.keys["defense"]].words,
        },
    )


def findings(found: Found) -> Iterator[study.Block]:
    """Say in words what the numbers say and no more, and show it."""
    if found.overall:
        caption = (
            "Percentage points: by how much less is accepted than by the plain network of images "
            "made for it."
        )
        yield fj.reporting.paragraph(fj.reporting.strong(study.sum_up(found.overall)))
        yield study.verdicts(found.overall, ALL)
        yield study.table_of_gains(found.overall, caption, found.over)
        table = study.table_of_gains(found.gains, caption, found.over)
        yield study.Folded("The same for each kind of images", [table])
    for one in masked(found):
        yield fj.reporting.paragraph(
            fj.reporting.strong(f"Gradients mislead on {one['defense']}"),
            f": of evolved images ({one['generator']}), made without any, "
            f"{study.share(one['evolved_accepted_95'])} pass, of those by gradient "
            f"{study.share(one['by_gradient_accepted_95'])} at most. Low shares of images made by "
            "gradient are here no sign of robustness.",
        )
    yield from matrices(found)


def ranking(found: Found) -> fj.reporting.Html:
    """Write which kind of images each defense keeps out worst, and how well."""
    write = lambda one: study.share(one) if isinstance(one, float) else one
    return fj.reporting.table(
        ("Defense", "Worst kind accepted", "Which", "Mean of all kinds", "Clean images right"),
        [list(map(write, one.values())) for one in rank(found)],
        "By the kind of images that it keeps out worst, the adversary knowing it.",
        sortable=True,
    )


def matrices(found: Found) -> Iterator[study.Block]:
    """Show what is accepted, by defense and kind of images, for each adversary."""
    captions = {
        "adaptive": "Share accepted, adaptive adversary: rows defenses, columns kinds of images. "
        "The adversary knows the defense. How to read it: yellow lets everything in, blue keeps "
        "everything out.",
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
            intervals_over=found.over,
            label="share accepted, 95 % of clean images being so",
            column_label=f"fooling images, {adversary} adversary",
        )


def everything(found: Found) -> Iterator[study.Block]:
    """Show the whole table."""
    shown = [
        row
        for row in found.table.rows
        if row.keys["adversary"] == "naive" or found.scene.makers[row.keys["generator"]].fools
    ]
    keys = {"defense": "Defense", "generator": "Images", "adversary": "Adversary"}
    write = {one.replace("_", " "): functools.partial(cell, one) for one in study.MEASURES}
    yield (
        "Click a column's title to sort by it. With intervals: table.csv and summary.json, beside "
        "this page."
    )
    yield study.numbers(study.Table(tuple(shown)), keys, {}, more=write)
    yield study.legend(study.MEASURES)


def cell(measure: str, row: study.Row) -> str:
    """Write a number of the table."""
    value = row.values[measure].mean
    if math.isnan(value):
        return "\N{EN DASH}"
    if measure == study.PASSES:
        return "never" if math.isinf(value) else f"{value:,.0f}"
    return f"{value:.3f}"


def galleries(found: Found) -> Iterator[study.Block]:
    """Show what was made for the plain network, and folded what was made for each defense."""
    for defense in found.scene.defenses:
        for shown in images(found, defense):
            yield shown if defense == PLAIN else study.Folded(f"Made for {defense}", [shown])


def images(found: Found, defense: str) -> Iterator[study.Figure]:
    """Show what was made for a network, if anything was: a row for each kind, of the first seed."""
    name, bench = next(iter(found.scene.benches.items()))
    rows, captions, classes = {}, [], bench.plain.class_names
    for one, arrays in found.results.where(defense=defense, network=name).found:
        if "own" not in arrays:
            continue  # controls are made for nobody
        made, logits = arrays["images"][:_MOST], arrays["own"][:_MOST]
        rows[one["generator"]] = study.as_pictures(bench.plain.medium, made)
        sure = study.confidence(study.certainty(logits, len(classes))[0])
        answers = [[*classes, "none"][min(place, len(classes))] for place in logits.argmax(axis=1)]
        captions.append([f"{a}\n{study.sure(s)}" for a, s in zip(answers, sure, strict=True)])
    if rows:
        yield study.images(
            f"images_{defense}".replace(" ", "_"),
            list(rows.values()),
            captions,
            f"Fooling images made for {defense}, with the network's answers. First network. Below "
            "each image the answer of the network and its confidence in the likeliest real class; "
            "“none” is a rejection.",
            row_names=list(rows),
        )


def cited(found: Found) -> Iterator[study.Block]:
    """Say how to cite the table, and write it in Markdown."""
    yield (
        f"Cite as “{NAME} {VERSION}” with the version of fooljax ({fj.__version__}) and the "
        "settings below. The command fooljax entry puts the run into the leaderboard, if its "
        "settings are at least those of the preset leaderboard. The table in Markdown:"
    )
    yield fj.reporting.code(markdown(found))
