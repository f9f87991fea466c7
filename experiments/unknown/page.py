"""The page of a finished ``experiments.unknown`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import ADAPTIVE, CLEAN, NAIVE, NOISES, PERTURBED, PUSHED, REFUSED, Config, Scene

INTERVALS = "95 %, Student's t over the networks, where there are several"
MOST, FEW = 0.5, 0.1  # shares accepted from which on, and up to which, words are used
MEASURES = {
    "accepted_95": "accepted, 95 % of clean are",
    "accepted_99": "accepted, 99 % of clean are",
    "auroc": "AUROC",
    "aupr_id_pos": "AUPR, clean positive",
    "aupr_ood_pos": "AUPR, outliers positive",
    "fpr95_id_pos": "FPR95, clean positive",
    "fpr95_ood_pos": "FPR95, outliers positive",
}
KEPT = {
    "accepted_95": "accepted (95 %)",
    "right_95": "right among them",
    "accepted_99": "accepted (99 %)",
    "right_99": "right among them ",
}
SURE = {
    "mean": "mean confidence",
    "median": "median",
    "quantile_95": "95 % quantile",
    "share_95": "share from 0.95",
    "share_99": "from 0.99",
    "share_9999": "from 0.9999",
}
_GRID = np.linspace(0.0, 1.0, 101)
_LEAST_COVERAGE = 0.2  # below, a handful of images decides


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


def average(records: Sequence[study.Record]) -> study.Table:
    """Return means over the networks, by method, kind of images and how they were made."""
    some = study.where(records, part="family")
    return study.summarize(some, ("method", "images", "how"), MEASURES, "network")


def accepted(row: study.Row) -> float:
    """Return the mean share accepted at the threshold that the adversary faces."""
    return row.values["accepted_95"].mean


def headline(methods: study.Table) -> dict[str, study.Row]:
    """Find the method whose worst kind is least bad: nobody attacking it, and attacked itself."""
    found = {}
    for how in (NAIVE, ADAPTIVE):
        kept = lambda row: (how, row.keys["images"]) != (NAIVE, PERTURBED)  # noqa: B023
        rows = tuple(filter(kept, methods.where(how=how).rows))
        of = {name: study.Table(rows).where(method=name) for name in methods.names("method")}
        found[how] = min((max(one.rows, key=accepted) for one in of.values()), key=accepted)
    return found


def in_words(methods: study.Table) -> dict[str, str]:
    """Say of every method what it lets through and what it stops."""

    def say(method: str) -> str:
        rows = methods.where(method=method, how=NAIVE).rows
        through = [row.keys["images"] for row in rows if accepted(row) > MOST]
        stopped = [row.keys["images"] for row in rows if accepted(row) <= FEW]
        most = f"most of {', '.join(through)}" if through else "no kind mostly"
        return f"lets {most} through; stops {', '.join(stopped) or 'none'}"

    return {method: say(method) for method in methods.names("method")}


def title(counts: Mapping[str, int]) -> str:
    """Say in a headline what the numbers say."""
    if not counts["seen"]:
        return "Saying “I do not know”: nothing is gained to begin with"
    if counts["stays"] == counts["seen"]:
        return "A network can say that it does not know, also to who knows how"
    if counts["stays"] == 0:
        return "A network can say that it does not know, until somebody knows how"
    return "Saying “I do not know”: what holds, and what only seems to"


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    naive, adaptive = headline(found.methods).values()
    yield study.Opening(
        title(study.counts(found.gains)),
        "A classifier has an answer to everything, noise included. A rejecting one may say "
        "“unknown” instead, where a score says that an image is unlike those it was trained on. "
        "Here such scores meet photographs, noise, and images made to fool them.",
        [
            (
                study.share(accepted(naive)),
                f"of {naive.keys['images']} accepted by {naive.keys['method']}, the method whose "
                "worst case is least bad when nobody attacks it",
            ),
            (
                study.share(accepted(adaptive)),
                f"of {adaptive.keys['images']} accepted by {adaptive.keys['method']}, the least "
                "bad when attacked itself",
            ),
            (str(len(found.config.methods)), "methods"),
            (str(len(found.scene.stages)), "networks"),
            (study.duration(found.results.seconds), "of computing"),
        ],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("What came out")
    yield from findings(found)
    yield study.Heading("Attacked by somebody who knows it")
    yield from attacked(found)
    yield study.Heading("What gets through")
    yield from galleries(found)
    yield study.Heading("At other thresholds")
    yield from curves(found)
    yield study.Heading("What it costs on real images")
    caption = "Clean test images that had no part in setting the thresholds"
    kept = found.over(CLEAN, ("method",), KEPT)
    yield study.numbers(kept, {"method": "Method"}, KEPT, caption)
    yield coverage(found)
    yield study.Heading("The network without any of this")
    yield from bare(found)
    yield study.Heading("All numbers")
    yield (
        "Clean images are the known ones. AUPR is that of equally many of both kinds. FPR95, clean "
        "positive: share of the images accepted when 95 % of the clean ones are, all of them test "
        "images; outliers positive: share of clean images flagged when 95 % of the others are."
    )
    for method in found.config.methods:
        keys = {"images": "Images", "how": "Made"}
        table = study.numbers(found.methods.where(method=method), keys, MEASURES)
        yield study.Folded(method, [table])


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, scene = found.config, found.scene
    plain = [name for name, stage in scene.stages.items() if not stage.in_features]
    features = f" Of {', '.join(plain)} the logits stand for features." if plain else ""
    yield (
        f"Networks were trained on {config.victim.dataset}. Each method gives every image a score, "
        "learned from training images only. An image is answered if its score reaches a "
        "threshold, otherwise it is called unknown. The threshold is the one that accepts 95 % "
        f"(or 99 %) of {len(scene.held)} clean test images; everything below is measured on "
        f"{len(scene.clean.labels)} others and on images that show no class at all. Intervals are "
        f"{INTERVALS}.{features}"
    )
    yield fj.reporting.table(
        ("Method", "An image is known by"),
        [(name, fj.defenses.SCORES[name].words) for name in config.methods],
    )
    first = next(iter(scene.families))
    rows = [
        *((name, maker.words) for name, maker in scene.makers.items()),
        (PERTURBED, "test images, changed a little until taken for another class"),
        (PUSHED, f"{first} images, changed a little until accepted as anything"),
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
    for name, words in in_words(found.methods).items():
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
        "empty. Small numbers: how far each may be off (the interval).",
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
        "that differ much are a gain that only seemed so. Below each share: its interval.",
        "share accepted",
        "clean",
    )
    caption = (
        "Percentage points: by how much less is accepted than the bare network answers of images "
        "made for it (95 % interval over the networks)"
    )
    gains = study.table_of_gains(found.gains, caption)
    yield study.Folded("Every gain as a number", [gains])
    titles = {"rejected_before": "Before", "rejected": "After"}
    refused = found.over(REFUSED, ("method",), titles)
    caption = "Share of clean images rejected, before and after a change made to have them rejected"
    yield study.numbers(refused, {"method": "Method"}, titles, caption)


def galleries(found: Found) -> Iterator[study.Block]:
    """Show images made against each method, and a few of each kind that nobody made."""
    network, stage = next(iter(found.scene.stages.items()))
    kinds, classes = (*found.scene.ways, PERTURBED), found.scene.networks.class_names

    def say_of(cell: study.Arrays, method: str) -> str:
        known = cell[f"score_{method}"][0] >= stage.limits[method]["95"].value
        return study.answer(cell["logits"][0], classes) if known else "unknown"

    cells = {
        method: [found.cell(network, images, ADAPTIVE, method) for images in kinds]
        for method in stage.scores
    }
    yield study.images(
        "gallery",
        [np.clip([cell["images"][0] for cell in row], 0.0, 1.0) for row in cells.values()],
        [[say_of(cell, method) for cell in row] for method, row in cells.items()],
        f"Images made against each method, and what it says of them. Made against each method over "
        f"{network}: the first class or the first test image of each kind, not selected. Below: "
        "the answer and the bare network's confidence, or unknown.",
        row_names=list(cells),
        column_names=list(kinds),
    )
    shown = {CLEAN: found.scene.clean.images, **found.scene.families}
    few = min(8, *(len(images) for images in shown.values()))
    pick = lambda images: np.asarray(images)[np.linspace(0, len(images) - 1, few).astype(int)]
    figure = study.images(
        "families",
        [np.clip(pick(images), 0.0, 1.0) for images in shown.values()],
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
    outliers, made = dict.fromkeys(found.config.outliers), found.scene.ways
    groups = {
        "outliers": ("outliers", outliers, NAIVE),
        "noise": ("noise", NOISES, NAIVE),
        "naive": ("fooling images made against the network alone", made, NAIVE),
        "adaptive": (
            "fooling images made against the method at its 95 % threshold",
            made,
            ADAPTIVE,
        ),
    }

    def roc(kinds: Sequence[str], how: str, network: str, method: str) -> np.ndarray:
        scores = lambda images, how: found.cell(network, images, how, method)[f"score_{method}"]
        every = np.concatenate([scores(images, how) for images in kinds])
        curve = fj.metrics.roc_curve(scores(CLEAN, NAIVE), every)
        last = np.append(np.diff(curve.false_positives) > 0.0, True)  # where it jumps: the top
        return np.interp(_GRID, curve.false_positives[last], curve.true_positives[last])

    for name, (words, kinds, how) in groups.items():
        figure = study.ranges(
            f"roc_{name}",
            100.0 * _GRID,
            over_networks(found, lambda *place: roc(list(kinds), how, *place)),  # noqa: B023
            f"ROC curves of every method for {words}. All {words} together.",
            x_label="share of the images to be rejected that is accepted, %",
            y_label="share of clean images accepted",
            shares=True,
        )
        folded = study.Folded(f"The same for {words}", [figure])
        yield figure if name in ("outliers", "adaptive") else folded


def over_networks(found: Found, curve: Callable[[str, str], np.ndarray]) -> dict[str, np.ndarray]:
    """Return a curve for each network, ``[networks, points]``, by method."""
    return {
        method: np.array([curve(network, method) for network in found.scene.stages])
        for method in found.config.methods
    }


def coverage(found: Found) -> study.Figure:
    """Show mistakes on what is accepted, against how much is accepted; clean images."""
    grid, labels = np.linspace(_LEAST_COVERAGE, 1.0, 81), np.asarray(found.scene.clean.labels)

    def curve(network: str, method: str) -> np.ndarray:
        cell = found.cell(network, CLEAN, NAIVE, method)
        right = found.scene.stages[network].answers(cell["logits"]) == labels
        made = fj.metrics.coverage_curve(cell[f"score_{method}"], right)
        return np.interp(grid, made.coverage, 100.0 * (1.0 - made.accuracy))

    return study.ranges(
        "coverage",
        100.0 * grid,
        over_networks(found, curve),
        "Wrong answers among accepted clean images against the share accepted. Rejecting also "
        "helps on real images where a score is low for those that the network gets wrong: the line "
        "then falls to the left.",
        x_label="share of clean images accepted, %",
        y_label="wrong answers among them, %",
    )


def bare(found: Found) -> Iterator[study.Block]:
    """Say how sure the network is that cannot reject."""
    some = study.where(found.records, part="bare", images=CLEAN)
    clean = study.summarize(some, ("images",), ("accuracy", "calibration_error"), "network")
    right, error = (study.spell(one) for one in clean.rows[0].values.values())
    yield (
        f"The bare network is right about {right} of the clean images; its expected calibration "
        f"error (15 bins) is {error}. It answers every image. How sure it is:"
    )
    caption = "Largest softmax probability. Fooling and perturbed images are the naive ones"
    yield study.numbers(found.over("bare", ("images",), SURE), {"images": "Images"}, SURE, caption)
