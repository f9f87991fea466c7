"""The page of a finished ``experiments.unknown`` run, for somebody who did not run it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments import unknown_tables
from experiments.unknown_images import ALTERED, NOISE
from experiments.unknown_methods import METHODS
from experiments.unknown_tables import share
from experiments.unknown_units import FOOLING, PERTURBED, PUSHED
from fooljax import reporting
from fooljax.reporting import Html, details, figure, paragraph, section, strong, table
from fooljax.reporting.readings import duration_or_unknown

_MADE = {
    "evolved pixels": "evolved from noise, every pixel a number of its own",
    "evolved patterns": "evolved as patterns, painted by small networks (CPPNs)",
    "gradient images": "made from noise by following the gradient, without limit",
    PERTURBED: "test images, changed a little until taken for another class",
    PUSHED: "the first kind of outliers, changed a little until accepted as anything",
}


def write(
    path: Path, summary: Mapping[str, Any], config: Any, pictures: Mapping[str, Path]
) -> Path:
    """Write the report."""
    return reporting.page(
        path,
        "Can a network say that it does not know?",
        reporting.tiles(*_key_figures(summary)),
        section("What was done", *_story(summary, config)),
        section("What came out", *_findings(summary), *_accepted(pictures)),
        section("Attacked by somebody who knows it", *_adaptive(summary, config)),
        section("What gets through", *_gallery(summary, config, pictures)),
        section("At other thresholds", *_curves(summary, pictures)),
        section("What it costs on real images", *unknown_tables.clean(summary, pictures)),
        section("The network without any of this", *unknown_tables.bare(summary)),
        section("All numbers", *unknown_tables.numbers(summary)),
        section("The networks", unknown_tables.networks(summary)),
        section("How to repeat this", *unknown_tables.repeat(summary, config)),
        section("Where the ideas come from", *unknown_tables.source()),
        lead="A classifier has an answer to everything, noise included. A rejecting one may say "
        "“unknown” instead, where a score says that an image is unlike those it was trained on. "
        "Here such scores meet photographs, noise, and images made to fool them.",
        warnings=summary["warnings"],
    )


def _key_figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    naive, adaptive = summary["headline"]["naive"], summary["headline"]["adaptive"]
    return [
        (
            share(naive["accepted_most"]),
            f"of {naive['family']} accepted by {naive['method']}, the method whose worst case is "
            "least bad when nobody attacks it",
        ),
        (
            share(adaptive["accepted_most"]),
            f"of {adaptive['family']} accepted by {adaptive['method']}, the least bad when "
            "attacked itself",
        ),
        (str(len(summary["methods"])), "methods"),
        (str(len(summary["networks"])), "networks"),
        (duration_or_unknown(summary["seconds"]), "of computing"),
    ]


def _words_for(name: str) -> str:
    for known in (ALTERED, NOISE):
        if name in known:
            return known[name][1]
    if name == "photographs":
        return "pieces of the two photographs that come with scikit-learn"
    return _MADE.get(name, "test images of that data set")


def _story(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield paragraph(
        f"Networks were trained on {config.victim.dataset}. Each method gives every image a score, "
        "learned from training images only. An image is answered if its score reaches a "
        "threshold, otherwise it is called unknown. The threshold is the one that accepts 95 % "
        f"(or 99 %) of {summary['calibration_images']} clean test images; everything below is "
        f"measured on {summary['clean_images']} others and on images that show no class at all."
    )
    yield table(
        ("Method", "An image is known by"),
        [(name, METHODS[name].words) for name in summary["methods"]],
    )
    kinds = summary["families"]
    names = [*kinds["unrelated"], *kinds["fooling"], *kinds["perturbed"]]
    yield table(("Images to be rejected", "What they are"), [(n, _words_for(n)) for n in names])
    yield paragraph(
        strong("Naive "),
        "images are made against the network alone, then shown to the method. ",
        strong("Adaptive "),
        "ones are made against network and method together, by an adversary who knows both, "
        "weights, statistics and threshold. Gradients go for the class first and for acceptance "
        f"then; of every image the worst of all attempts counts. Pixels of {PERTURBED} and "
        f"{PUSHED} change by at most {summary['epsilon']:g} (black to white is 1).",
    )


def _findings(summary: Mapping[str, Any]) -> Iterator[Html]:
    for name, words in summary["in_words"].items():
        yield paragraph(strong(f"{name} "), f"{words}.")
    yield paragraph(
        "(Most: more than half are accepted when 95 % of the clean images are; stopped: at most a "
        f"tenth. Of {PERTURBED} only those count that are accepted as a wrong class; of all "
        "others any answer counts, whatever class they were made for.)"
    )


def _accepted(pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield figure(
        pictures["unrelated"],
        "Share of outliers and noise that each method accepts.",
        "Images that nobody has made against a network: share accepted when 95 % of the clean "
        "images are. A good method's row is empty. Small numbers: half the width of the interval.",
    )
    yield figure(
        pictures["made"],
        "Share of fooling images that each method accepts, naive and adaptive.",
        "The same for images made to fool: against the network alone, and against the method too.",
    )


def _adaptive(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    higher, pairs = 0, 0
    rows = []
    for name, one in summary["methods"].items():
        row = [name]
        for family in (*FOOLING, PERTURBED):
            naive, adaptive = (
                one["families"][f"{family}, {how}"]["accepted_95"] for how in ("naive", "adaptive")
            )
            pairs += 1
            higher += adaptive["mean"] > naive["mean"] + 0.05
            row.append(f"{share(naive['mean'])} → {share(adaptive['mean'])}")
        pushed = one["families"][f"{PUSHED}, adaptive"]["accepted_95"]
        before = one["families"][f"{config.outliers[0]}, naive"]["accepted_95"]
        row.append(f"{share(before['mean'])} → {share(pushed['mean'])}")
        refused = one["refused"]
        row.append(
            f"{share(refused['rejected_before']['mean'])} → {share(refused['rejected']['mean'])}"
        )
        rows.append(row)
    yield paragraph(
        f"In {higher} of {pairs} cases the adversary who knows the method gets five points or more "
        "more through than the one who does not."
        + (
            " What the naive numbers promise is therefore not robustness."
            if 2 * higher > pairs
            else ""
        )
    )
    yield table(
        ("Method", *FOOLING, PERTURBED, PUSHED, "clean, made to be rejected"),
        rows,
        "Share accepted, naive → adaptive; in the last column share rejected, before → after "
        "the attack. Mean over the networks",
    )


def _gallery(
    summary: Mapping[str, Any], config: Any, pictures: Mapping[str, Path]
) -> Iterator[Html]:
    first = next(iter(summary["networks"]))
    yield figure(
        pictures["gallery"],
        "Images made against each method, and what it says of them.",
        f"Made against each method over {first}: the first class or the first test image of each "
        "kind, not selected. Below: the answer and the bare network's confidence, or unknown.",
    )
    yield details(
        "The images that nobody made against a network",
        figure(
            pictures["families"],
            "A few clean test images, outliers and noise images.",
            "Evenly spaced through each kind, not selected.",
        ),
    )


def _curves(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    words = {
        "outliers": "outliers",
        "noise": "noise",
        "naive": "fooling images made against the network alone",
        "adaptive": "fooling images made against the method at its 95 % threshold",
    }
    yield paragraph(
        "Each threshold is a point on a curve: so many clean images accepted, at the price of so "
        "many others. Top left is perfect; the diagonal is chance, and below it the method takes "
        "the others for more familiar than the real ones. Shaded: lowest and highest network."
    )
    for name, what in words.items():
        block = figure(
            pictures[f"roc {name}"],
            f"ROC curves of every method for {what}.",
            f"All {what} together.",
        )
        yield block if name in ("outliers", "adaptive") else details(f"The same for {what}", block)
