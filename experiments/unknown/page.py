"""The page of a finished ``experiments.unknown`` run, for somebody who did not run it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import CLEAN, FOOLING, NAIVE, PERTURBED, PUSHED
from .numbers import ADAPTIVE, KEPT, MEASURES, SURE, Found, headline, say

INTERVALS = "95 %, Student's t over the networks, where there are several"
WORDS = {
    "evolved pixels": "evolved from noise, every pixel a number of its own",
    "evolved patterns": "evolved as patterns, painted by small networks (CPPNs)",
    "gradient images": "made from noise by following the gradient, without limit",
    PERTURBED: "test images, changed a little until taken for another class",
    PUSHED: "the first kind of outliers, changed a little until accepted as anything",
    "photographs": "pieces of the two photographs that come with scikit-learn",
}
CURVES = {
    "outliers": "outliers",
    "noise": "noise",
    "naive": "fooling images made against the network alone",
    "adaptive": "fooling images made against the method at its 95 % threshold",
}
_GRID = np.linspace(0.0, 1.0, 101)
_LEAST_COVERAGE = 0.2  # below, a handful of images decides


def in_words(found: Found) -> dict[str, str]:
    """Say of every method what it lets through."""
    shares = lambda method: {one: found.accepted(method, *one) for one in found.columns}
    return {method: say(shares(method)) for method in found.config.methods}


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    naive, adaptive = headline(found).values()
    yield study.Opening(
        "Can a network say that it does not know?",
        "A classifier has an answer to everything, noise included. A rejecting one may say "
        "“unknown” instead, where a score says that an image is unlike those it was trained on. "
        "Here such scores meet photographs, noise, and images made to fool them.",
        [
            (
                study.share(naive.accepted_most),
                f"of {naive.family} accepted by {naive.method}, the method whose worst case is "
                "least bad when nobody attacks it",
            ),
            (
                study.share(adaptive.accepted_most),
                f"of {adaptive.family} accepted by {adaptive.method}, the least bad when attacked "
                "itself",
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
    keys = {"method": "Method"}
    caption = "Clean test images that had no part in setting the thresholds"
    yield study.numbers(found.clean, keys, KEPT, caption)
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
        keys = {"family": "Images", "how": "Made"}
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
        f"(or 99 %) of {len(scene.clean.calibration)} clean test images; everything below is "
        f"measured on {len(scene.clean.labels)} others and on images that show no class at all. "
        f"Intervals are {INTERVALS}.{features}"
    )
    yield fj.reporting.table(
        ("Method", "An image is known by"),
        [(name, fj.defenses.SCORES[name].words) for name in config.methods],
    )
    known = {name: words for name, (_, words) in (study.ALTERED | study.NOISE).items()} | WORDS
    names = (*scene.families, *FOOLING, PERTURBED, PUSHED)
    rows = [(name, known.get(name, "test images of that data set")) for name in names]
    yield fj.reporting.table(("Images to be rejected", "What they are"), rows)
    yield fj.reporting.paragraph(
        fj.reporting.strong("Naive "),
        "images are made against the network alone, then shown to the method. ",
        fj.reporting.strong("Adaptive "),
        "ones are made against network and method together, by an adversary who knows both, "
        "weights, statistics and threshold. Gradients go for the class first and for acceptance "
        f"then; of every image the worst of all attempts counts. Pixels of {PERTURBED} and "
        f"{PUSHED} change by at most {config.epsilon:g} (black to white is 1).",
    )


def findings(found: Found) -> Iterator[study.Block]:
    """Say what every method lets through."""
    for name, words in in_words(found).items():
        yield fj.reporting.paragraph(fj.reporting.strong(f"{name} "), f"{words}.")
    yield (
        "(Most: more than half are accepted when 95 % of the clean images are; stopped: at most a "
        f"tenth. Of {PERTURBED} only those count that are accepted as a wrong class; of all "
        "others any answer counts, whatever class they were made for.)"
    )
    unrelated = [one for one in found.columns if one[0] in found.scene.families]
    yield accepted(
        found,
        "accepted_unrelated",
        unrelated,
        "Share of outliers and noise that each method accepts. Images that nobody has made against "
        "a network: share accepted when 95 % of the clean images are. A good method's row is "
        "empty. Small numbers: how far each may be off (the interval).",
    )
    yield accepted(
        found,
        "accepted_made",
        [one for one in found.columns if one not in unrelated],
        "Share of fooling images that each method accepts, naive and adaptive. The same for images "
        "made to fool: against the network alone, and against the method too.",
    )


def accepted(
    found: Found, name: str, columns: Sequence[tuple[str, str]], caption: str
) -> study.Figure:
    """Show a row for each method, a column for each kind: the share accepted."""
    plain = all(how == NAIVE for _, how in columns)
    rows = [
        study.Row(
            {
                "method": row.keys["method"],
                "images": row.keys["family"]
                if plain
                else f"{row.keys['family']}, {row.keys['how']}",
            },
            row.values,
        )
        for column in columns
        for row in found.methods.where(family=column[0], how=column[1]).rows
    ]
    table = study.Table(tuple(rows))
    looks = {"label": "share accepted"}
    return study.matrix(name, table, "method", "images", "accepted_95", caption, **looks)


def attacked(found: Found) -> Iterator[study.Block]:
    """Compare what gets through naively with what the adversary gets through who knows."""
    rows, gains = [], []
    for name in found.config.methods:
        cells = [name]
        for family in (*FOOLING, PERTURBED):
            before, after = (found.accepted(name, family, how) for how in (NAIVE, ADAPTIVE))
            gains.append(after > before + 0.05)
            cells.append(f"{study.share(before)} → {study.share(after)}")
        first = found.config.outliers[0]
        before, after = found.accepted(name, first, NAIVE), found.accepted(name, PUSHED, ADAPTIVE)
        cells.append(f"{study.share(before)} → {study.share(after)}")
        refused = [
            found.refused.value(one, method=name).mean for one in ("rejected_before", "rejected")
        ]
        rows.append((*cells, " → ".join(map(study.share, refused))))
    hollow = " What the naive numbers promise is therefore not robustness."
    yield (
        f"In {sum(gains)} of {len(gains)} cases the adversary who knows the method gets five "
        "points or more more through than the one who does not."
        f"{hollow if 2 * sum(gains) > len(gains) else ''}"
    )
    yield fj.reporting.table(
        ("Method", *FOOLING, PERTURBED, PUSHED, "clean, made to be rejected"),
        rows,
        "Share accepted, naive → adaptive; in the last column share rejected, before → after "
        "the attack. Mean over the networks",
    )


def galleries(found: Found) -> Iterator[study.Block]:
    """Show images made against each method, and a few of each kind that nobody made."""
    network, stage = next(iter(found.scene.stages.items()))
    families, rows, captions = (*FOOLING, PERTURBED), [], []
    classes = found.networks.class_names
    for method in stage.scores:
        cells = [found.asked(network, family, ADAPTIVE, method) for family in families]
        limit = stage.thresholds[method][0].value
        known = [cell[f"score_{method}"][0] >= limit for cell in cells]
        said = [study.answer(cell["logits"][0], classes) for cell in cells]
        rows.append(np.clip([cell["images"][0] for cell in cells], 0.0, 1.0))
        captions.append([a if k else "unknown" for a, k in zip(said, known, strict=True)])
    yield study.images(
        "gallery",
        rows,
        captions,
        f"Images made against each method, and what it says of them. Made against each method over "
        f"{network}: the first class or the first test image of each kind, not selected. Below: "
        "the answer and the bare network's confidence, or unknown.",
        row_names=list(stage.scores),
        column_names=list(families),
    )
    shown = {CLEAN: np.asarray(found.scene.clean.images), **found.scene.families}
    few = min(8, *(len(images) for images in shown.values()))
    pick = lambda images: images[np.linspace(0, len(images) - 1, few).astype(int)]
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
    still = [(family, NAIVE) for family in found.scene.families]
    groups = {
        "outliers": [one for one in still if one[0] not in study.NOISE],
        "noise": [one for one in still if one[0] in study.NOISE],
        "naive": [(family, NAIVE) for family in FOOLING],
        "adaptive": [(family, ADAPTIVE) for family in FOOLING],
    }
    for name, columns in groups.items():
        figure = study.ranges(
            f"roc_{name}",
            100.0 * _GRID,
            over_networks(found, functools.partial(roc, found, columns)),
            f"ROC curves of every method for {CURVES[name]}. All {CURVES[name]} together.",
            x_label="share of the images to be rejected that is accepted, %",
            y_label="share of clean images accepted",
            shares=True,
        )
        folded = study.Folded(f"The same for {CURVES[name]}", [figure])
        yield figure if name in ("outliers", "adaptive") else folded


def roc(found: Found, columns: Sequence[tuple[str, str]], network: str, method: str) -> np.ndarray:
    """Return the share of clean images accepted by that of all these kinds together."""
    cells = [found.asked(network, *one, method)[f"score_{method}"] for one in columns]
    made = fj.metrics.roc_curve(found.scores(network, method), np.concatenate(cells))
    last = np.append(np.diff(made.false_positives) > 0.0, True)  # where it jumps, its upper end
    return np.interp(_GRID, made.false_positives[last], made.true_positives[last])


def over_networks(found: Found, curve: Callable[[str, str], np.ndarray]) -> dict[str, np.ndarray]:
    """Return a curve for each network, ``[networks, points]``, by method."""
    return {
        method: np.array([curve(network, method) for network in found.scene.stages])
        for method in found.config.methods
    }


def coverage(found: Found) -> study.Figure:
    """Show mistakes on what is accepted, against how much is accepted; clean images."""
    grid = np.linspace(_LEAST_COVERAGE, 1.0, 81)

    def curve(network: str, method: str) -> np.ndarray:
        made = fj.metrics.coverage_curve(found.scores(network, method), found.right(network))
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
    right, error = (
        study.spell(found.bare.value(name, family=CLEAN))
        for name in ("accuracy", "calibration_error")
    )
    yield (
        f"The bare network is right about {right} of the clean images; its expected calibration "
        f"error (15 bins) is {error}. It answers every image. How sure it is:"
    )
    caption = "Largest softmax probability. Fooling and perturbed images are the naive ones"
    yield study.numbers(found.bare, {"family": "Images"}, SURE, caption)
