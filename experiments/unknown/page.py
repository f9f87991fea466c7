"""The page of a finished ``experiments.unknown`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from . import measure
from .measure import ADAPTIVE, CLEAN, NAIVE, PERTURBED, PUSHED, Config, Scene

INTERVALS = "95 %, Student's t over the networks, where there are several"
TITLES = {
    "none": "Saying “I do not know”: nothing is gained to begin with",
    "all": "A network can say that it does not know, also to who knows how",
    "nothing": "A network can say that it does not know, until somebody knows how",
    "some": "Saying “I do not know”: what holds, and what only seems to",
}
MOST, FEW = 0.5, 0.1  # shares accepted from which on, and up to which, words are used
CONFIDENCES = ("mean", "median", "quantile_95")  # never rounded to certainty
SURE = {
    "mean": "mean confidence",
    "median": "median",
    "quantile_95": "95 % quantile",
    "share_95": "share from 0.95",
    "share_99": "from 0.99",
    "share_9999": "from 0.9999",
}


class Found(NamedTuple):
    """All that the page is about: means over the networks, and a gain for each comparison."""

    config: Config
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]
    methods: study.Table
    compared: Sequence[study.Record]
    gains: Sequence[study.Gain]

    def over(self, part: str, by: Sequence[str], measures: Mapping[str, str]) -> study.Table:
        """Average a part of the records over the networks."""
        some = study.where(self.records, part=part)
        return study.summarize(some, by, measures, "network")

    def cell(self, network: str, images: str, how: str, method: str) -> study.Arrays:
        """Return the cell whose images are of a kind, made naively or against the method."""
        against = NAIVE if how == NAIVE else method
        return self.results.one(images=images, against=against, network=network)

    def scores(self, kinds: Iterable[str], how: str) -> dict[str, list[np.ndarray]]:
        """Return scores of some kinds of images together, for each network, by method."""
        read = lambda one, images, method: self.cell(one, images, how, method)[f"score_{method}"]
        every = lambda one, method: np.concatenate([read(one, kind, method) for kind in kinds])
        of = lambda method: [every(network, method) for network in self.scene.stages]
        return {method: of(method) for method in self.config.methods}


def accepted(row: study.Row) -> float:
    """Return the mean share accepted at the threshold that the adversary faces."""
    return row.values["accepted_95"].mean


def worst(methods: study.Table, how: str) -> dict[str, study.Row]:
    """Find the kind that each method accepts most, nobody attacking it or attacked itself."""
    rows = [row for row in methods.where(how=how).rows if row.keys["images"] != PERTURBED]
    rows += methods.where(how=ADAPTIVE, images=PERTURBED).rows if how == ADAPTIVE else ()
    return {row.keys["method"]: row for row in sorted(rows, key=accepted)}  # the last one stays


def headline(methods: study.Table, how: str) -> study.Row:
    """Find the method whose worst kind is least bad."""
    return min(worst(methods, how).values(), key=accepted)


def least_bad(methods: study.Table, how: str) -> tuple[str, str]:
    """Say how much the method whose worst kind is least bad accepts; several may be level."""
    best, when = headline(methods, how), "attacked" if how == ADAPTIVE else "nobody attacks it"
    least, rows = accepted(best), worst(methods, how)
    level = [name for name, row in rows.items() if accepted(row) <= least]
    words = f"of {best.keys['images']} accepted by {level[0]}, least bad when {when}"
    if len(level) > 1:
        words = f"of its worst kind accepted by each of {', '.join(level)} when {when}"
    return study.share(least), words


def say(rows: Sequence[study.Row]) -> str:
    """Say in words of which kinds of images most are accepted, and of which hardly any."""
    through = [row.keys["images"] for row in rows if accepted(row) > MOST]
    stopped = [row.keys["images"] for row in rows if accepted(row) <= FEW]
    most = f"most of {', '.join(through)}" if through else "no kind mostly"
    return f"lets {most} through; stops {', '.join(stopped) or 'none'}"


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    yield study.Opening(
        TITLES[study.outcome(study.counts(found.gains))],
        "A classifier has an answer to everything, noise included. A rejecting one may say "
        "“unknown” instead, where a score says that an image is unlike those it was trained on. "
        "Here such scores meet images of other kinds, noise, and images made to fool them.",
        [
            *(least_bad(found.methods, how) for how in (NAIVE, ADAPTIVE)),
            study.counted(len(found.config.methods), "method"),
            study.counted(len(found.scene.stages), "network"),
            (study.duration(found.results.seconds), "of computing"),
        ],
    )
    yield from study.sections(
        {
            "What was done": story(found),
            "What came out": findings(found),
            "Attacked by somebody who knows it": attacked(found),
            "What gets through": galleries(found),
            "At other thresholds": curves(found),
            "What it costs on real images": clean(found),
            "The network without any of this": bare(found),
            "All numbers": everything(found),
        },
    )


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, scene = found.config, found.scene
    held = len(scene.networks.splits.test.labels) - len(scene.clean.labels)
    guards = next(iter(scene.stages.values())).guards
    yield from study.note(scene.medium, scene.networks.shape)
    read = lambda name: "the logits" if guards[name].score.features is None else "the features"
    yield (
        f"Networks were trained on {config.victim.dataset}. Each method gives every image a score, "
        "learned from training images only. An image is answered if its score reaches a "
        "threshold, otherwise it is called unknown. The threshold is the one that accepts 95 % "
        f"(or 99 %) of {held} clean test images; everything below is measured on "
        f"{len(scene.clean.labels)} others and on images that show no class at all."
        f"{study.of_several(config.network_seeds, f' Intervals are {INTERVALS}.')}"
    )
    yield fj.reporting.table(
        ("Method", "An image is known by", "Read off"),
        [(name, fj.defenses.SCORES[name].words, read(name)) for name in config.methods],
    )
    rows = [
        *((name, maker.words) for name, maker in scene.makers.items()),
        (PERTURBED, "test images, changed a little until taken for another class"),
        (PUSHED, f"those called {scene.made[PUSHED]}, changed a little until accepted as anything"),
    ]
    yield fj.reporting.table(("Images to be rejected", "What they are"), rows)
    yield fj.reporting.paragraph(
        fj.reporting.strong("Naive "),
        "images are made against the network alone, then shown to the method. ",
        fj.reporting.strong("Adaptive "),
        "ones are made against network and method together, by an adversary who knows both, "
        "weights, statistics and threshold. Gradients go for the class first and for acceptance "
        "then; of every image the worst of all attempts counts, the naive one among them. Pixels "
        f"of {PERTURBED} and {PUSHED} images change by at most {config.fooling.epsilon:g} (black "
        "to white is 1).",
    )


def findings(found: Found) -> Iterator[study.Block]:
    """Say what every method lets through."""
    for name in found.config.methods:
        words = say(found.methods.where(method=name, how=NAIVE).rows)
        yield fj.reporting.paragraph(fj.reporting.strong(f"{name} "), f"{words}.")
    yield (
        "(Most: more than half are accepted when 95 % of the clean images are; stopped: at most a "
        f"tenth. Of {PERTURBED} images only those count that are accepted as a wrong class; of all "
        "others any answer counts, whatever class they were made for.)"
    )
    unrelated = [one for one in found.methods.rows if one.keys["images"] in found.scene.families]
    yield study.matrix(
        "accepted_unrelated",
        study.Table(tuple(unrelated)),
        "method",
        "images",
        "accepted_95",
        "Share of outliers and noise that each method accepts. Images that nobody has made against "
        "a network: share accepted when 95 % of the clean images are. A good method's row is "
        "empty.",
        intervals_over="the networks",
        label="share accepted",
    )


def attacked(found: Found) -> Iterator[study.Block]:
    """Compare what gets through naively with what the adversary gets through who knows."""
    yield fj.reporting.paragraph(fj.reporting.strong(study.sum_up(found.gains)))
    for against in found.scene.made:
        said = study.verdicts(found.gains, against)
        yield fj.reporting.paragraph(fj.reporting.strong(f"{against}: "), said)
    yield study.RULE
    yield study.knowing(
        "accepted_made",
        found.compared,
        {name: name for name in found.scene.made},
        "Share of fooling images that each method accepts, naive and adaptive. Columns: clean "
        "images, then images made against the network alone (not knowing) and against the method "
        f"too (knowing). Of {PUSHED} images the naive ones are the unchanged outliers. Two columns "
        "that differ much are a gain that only seemed so.",
        "share accepted",
        "clean",
    )
    caption = (
        "Percentage points: by how much less is accepted than the bare network answers of images "
        "made for it."
    )
    gains = study.table_of_gains(found.gains, caption, "the networks")
    yield study.Folded("Every gain as a number", [gains])
    titles = {"rejected_before": "Before", "rejected": "After"}
    refused = found.over(measure.REFUSED, ("method",), titles)
    caption = "Share of clean images rejected, before and after a change made to have them rejected"
    yield study.numbers(refused, {"method": "Method"}, titles, caption)


def galleries(found: Found) -> Iterator[study.Block]:
    """Show images made against each method, and a few of each kind that nobody made."""
    network, stage = next(iter(found.scene.stages.items()))
    kinds, classes = (*found.scene.ways, PERTURBED), found.scene.networks.class_names

    def say_of(cell: study.Arrays, method: str) -> str:
        known = cell[f"score_{method}"][0] >= stage.guards[method].limits["accepted_95"]
        return study.answer(cell["logits"][0], classes) if known else "unknown"

    cells_of = lambda method: [found.cell(network, kind, ADAPTIVE, method) for kind in kinds]
    cells = {method: cells_of(method) for method in stage.guards}
    first = lambda row: np.clip([cell["images"][0] for cell in row], 0.0, 1.0)
    drawn = lambda images: study.as_pictures(found.scene.medium, images)
    said = {method: [say_of(cell, method) for cell in row] for method, row in cells.items()}
    yield study.images(
        "gallery",
        [drawn(first(row)) for row in cells.values()],
        list(said.values()),
        f"Images made against each method, and what it says of them. Made against each method over "
        f"{network}: the first class or the first test image of each kind, not selected. Below: "
        "the answer and the bare network's confidence, or unknown.",
        row_names=list(cells),
        column_names=list(kinds),
    )
    method = next(iter(cells))
    words = zip(kinds, said[method], strict=True)
    captions = [f"{kind}, made against {method}: {word}" for kind, word in words]
    yield study.experience(found.scene.medium, first(cells[method]), captions)
    shown = {CLEAN: found.scene.clean.images, **found.scene.families}
    few = min(8, *(len(images) for images in shown.values()))
    pick = lambda images: np.asarray(images)[study.spread(len(images), few)]
    figure = study.images(
        "families",
        [drawn(np.clip(pick(images), 0.0, 1.0)) for images in shown.values()],
        [[""] * few for _ in shown],
        "A few clean test images, outliers and noise images. Evenly spaced through each kind, not "
        "selected.",
        row_names=list(shown),
    )
    yield study.Folded("The images that nobody made against a network", [figure])


def curves(found: Found) -> Iterator[study.Block]:
    """Show clean images accepted against others accepted, at every threshold."""
    yield (
        "Each threshold is a point on a curve: so many clean images accepted, at the price of so "
        "many others. Top left is perfect; the diagonal is chance, and below it the method takes "
        "the others for more familiar than the real ones. Shaded: lowest and highest network."
    )
    known, made = found.scores([CLEAN], NAIVE), "fooling images made against the"
    groups = {
        "outliers": ("outliers", found.scene.outliers, NAIVE),
        "noise": ("noise", measure.NOISES, NAIVE),
        "naive": (f"{made} network alone", found.scene.ways, NAIVE),
        "adaptive": (f"{made} method at its 95 % threshold", found.scene.ways, ADAPTIVE),
    }
    for name, (words, kinds, how) in groups.items():
        caption = f"ROC curves of every method for {words}. All {words} together."
        figure = study.roc(f"roc_{name}", known, found.scores(kinds, how), caption)
        folded = study.Folded(f"The same for {words}", [figure])
        yield figure if name in ("outliers", "adaptive") else folded


def clean(found: Found) -> Iterator[study.Block]:
    """Say what each method does to real images."""
    labels, stages = np.asarray(found.scene.clean.labels), found.scene.stages.items()
    caption = "Clean test images that had no part in setting the thresholds"
    kept = found.over(CLEAN, ("method",), study.KEPT)
    yield study.numbers(kept, {"method": "Method"}, study.KEPT, caption)
    said = lambda name: found.cell(name, CLEAN, NAIVE, "")["logits"]
    yield study.coverage(
        "coverage",
        found.scores([CLEAN], NAIVE),
        [stage.answers(said(name)) == labels for name, stage in stages],
        "Wrong answers among accepted clean images against the share accepted. Rejecting also "
        "helps on real images where a score is low for those that the network gets wrong: the line "
        "then falls to the left.",
    )


def bare(found: Found) -> Iterator[study.Block]:
    """Say how sure the network is that cannot reject."""
    some = study.where(found.records, part="bare", images=CLEAN)
    clean = study.summarize(some, ("images",), ("accuracy", "error"), "network")
    right, error = (study.spell(one) for one in clean.rows[0].values.values())
    yield (
        f"The bare network is right about {right} of the clean images; its expected calibration "
        f"error (15 bins) is {error}. It answers every image. How sure it is:"
    )
    caption = "Largest softmax probability. Fooling and perturbed images are the naive ones"
    sure = {SURE[name]: study.spelled(name, study.sure) for name in CONFIDENCES}
    shares = {SURE[name]: study.spelled(name) for name in SURE if name not in CONFIDENCES}
    rows = found.over("bare", ("images",), SURE)
    yield study.numbers(rows, {"images": "Images"}, {}, caption, sure | shares)


def everything(found: Found) -> Iterator[study.Block]:
    """Show every measure of every method on every kind of images."""
    yield study.legend(study.DETECTION)
    keys = {"images": "Images", "how": "Made"}
    titles = {name: name.replace("_", " ") for name in study.DETECTION}
    for method in found.config.methods:
        table = study.numbers(found.methods.where(method=method), keys, titles)
        yield study.Folded(method, [table])
