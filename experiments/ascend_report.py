"""The page of ``experiments.ascend``, for somebody who did not run it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fooljax import reporting
from fooljax.reporting import Html
from fooljax.runtime.settings import command_of, flat

# Median confidence over the 20 classes shown in the paper; a large ImageNet network.
PAPER = {
    "ascent-none": ">= 99.99 %",
    "ascent-decay": "99.46 %",
    "ascent-blur": "96.3 %",
    "ascent-sparse": "99.99 %",
}
NAMES = {
    "ascent-none": "Pixels, no regularizer (published)",
    "ascent-decay": "Pixels, decay (published)",
    "ascent-blur": "Pixels, decay and blur (published)",
    "ascent-sparse": "Pixels, decay, blur and sparsity (published)",
    "ascent-tv": "Pixels, paying for total variation",
    "ascent-fourier": "Fourier coefficients",
    "ascent-cppn": "Weights of CPPNs, from the best of some random ones",
    "evolved-direct": "Evolved, direct encoding",
    "evolved-cppn": "Evolved, CPPN encoding",
}
STARTS = {
    "near_grey": "Grey with noise of one level in 255 (published)",
    "grey": "Grey",
    "uniform_noise": "Uniform noise",
    "gaussian_noise": "Gaussian noise, mean 0.5, standard deviation 0.25",
}


def write(
    path: Path,
    summary: Mapping[str, Any],
    config: Any,
    pictures: Mapping[str, Path],
) -> Path:
    """Write the page.

    Args:
        path: the HTML file to write.
        summary: as in ``summary.json``.
        config: the experiment's settings.
        pictures: files by name.
    """
    rows = summary["rows"]
    none, evolved = rows["ascent-none"], _evolved(rows)
    compared = [(_first(evolved), f"the same for {_evolved_name(rows)}")] if evolved else []
    return reporting.page(
        path,
        "Fooling images by gradient",
        reporting.tiles(
            (_sure(none["median_confidence"]), "median confidence, no regularizer"),
            (_sure(none["min_confidence"]), "the least certain class and repeat of these"),
            (_first(none), "passes until every class is above 99.99 %"),
            *compared,
            (_share(summary["clean_accuracy"]), "of real test images recognized correctly"),
        ),
        reporting.section("What was done", *_story(summary)),
        reporting.section("The images", *_images(pictures)),
        reporting.section("How sure, how smooth, at what price", *_table(rows, pictures)),
        reporting.section("Does the starting point matter?", *_starts(summary, pictures)),
        reporting.section("Or would any noise do?", *_controls(summary)),
        reporting.section("How to repeat this", *_repeat(summary, config)),
        reporting.section("Where the idea comes from", *_source()),
        lead="With the network in hand, its own gradient says how to change an image so that the "
        "network becomes surer. Following it, from nothing, makes images that the network is "
        "certain about. Whether they look like anything is for the reader to judge.",
        warnings=summary["warnings"],
    )


def _story(summary: Mapping[str, Any]) -> Iterator[Html]:
    yield reporting.paragraph(
        f"Each image began as plain grey and was changed step by step so that the network "
        f"({summary['network']}) would be surer that it shows a given class. No real picture was "
        f"involved. Every class had {summary['repeats']} starts. Some settings hold the image "
        "back: decay pulls it toward grey, blur smooths it, sparsity resets pixels that matter "
        "little, total variation makes differences between neighbors cost confidence. Others "
        "search elsewhere than in the pixels: in the strengths of waves (Fourier), or in the "
        "weights of a small network that paints the image (a CPPN), whose structure stays as it "
        "is."
    )
    if _evolved(summary["rows"]):
        yield reporting.paragraph(
            "For comparison, images were evolved: changed at random, keeping what made the "
            "network surer, without its gradient."
        )


def _images(pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield reporting.figure(
        pictures["gallery"],
        "Images in rows by how they were made and columns by class, with confidences.",
        "The first repeat of every setting, nothing picked. Below each image stands how sure the "
        "network is that it shows the class of its column. Would you have named the class?",
    )
    yield reporting.figure(
        pictures["repeats"],
        "Images made without a regularizer, a row for each repeat.",
        "All repeats without a regularizer: how much do independent starts differ?",
    )


def _table(rows: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield reporting.table(
        (
            "Made by",
            "Median confidence",
            "Lowest and highest repeat",
            "Median log-odds",
            "Images above 99.99 %",
            "In the paper",
            "Total variation",
            "High frequencies",
            "Passes (forward + gradient)",
            "Passes until all above 99.99 %",
            "Seconds",
        ),
        [
            (
                NAMES[name],
                _sure(row["median_confidence"]),
                _range(row["median_confidence_per_repeat"], _sure),
                f"{row['median_log_odds']:.1f}",
                _share(row["share_above_0.9999"]),
                PAPER.get(name, "—"),
                f"{row['total_variation']:.4f}",
                _share(row["high_frequency_share"]),
                f"{row['forwards']:,} + {row['gradients']:,}",
                _first(row),
                f"{float(row['seconds']):.1f}",
            )
            for name, row in rows.items()
        ],
        "Medians over classes and repeats. The paper's numbers are for 20 classes of another "
        "network, one for ImageNet, so only their order can be compared.",
    )
    yield reporting.paragraph(
        "Log-odds are log(p / (1 - p)): 0 is an even chance, 9.2 is 99.99 %. They go on where a "
        "confidence can no longer be told from 100 %. Total variation is the mean difference "
        "between neighboring pixels, in units of black to white: about 0.33 in uniform noise, 0 "
        "in a plain image. High frequencies are the share of the image's energy above half the "
        "finest wave. Passes are those of one repeat, for all classes together; one evolution "
        "serves all classes at once. Seconds are those of all repeats, compiling included."
    )
    yield reporting.paragraph(*_reading(rows))
    yield reporting.figure(
        pictures["curves"],
        "Log-odds against passes, a line for each setting.",
        "How fast certainty grows: the upper a line, the surer.",
    )
    yield reporting.figure(
        pictures["trade"],
        "Log-odds against total variation.",
        "Smoothness against certainty: right is rougher, up is surer.",
    )


def _reading(rows: Mapping[str, Any]) -> Iterator[str]:
    """Say what the numbers of this very run show."""
    names = [name for name in PAPER if name in rows]
    order = sorted(names, key=lambda name: -rows[name]["median_log_odds"])
    words = [NAMES[name].removesuffix(" (published)") for name in order]
    yield f"From the surest to the least sure, the published settings are: {'; '.join(words)}. "
    yield "In the paper: no regularizer and decay, blur and sparsity; decay; decay and blur. "
    if "ascent-decay" in rows:
        yield (
            "Decay sets a ceiling of its own: each step it takes back a share of all that was "
            "gained, and at rest it takes back exactly what the step adds. Where a network is "
            "close to linear between grey and the image, that is once the log-odds have risen by "
            "late / (decay x p) over those of grey: 2 / p for the published setting. How sure "
            "the network then is depends on where grey lies and on how much it bends. "
        )
    ascent, evolved = rows["ascent-none"], _evolved(rows)
    mine, theirs = _middle_first(ascent), evolved and _middle_first(evolved)
    if mine and theirs:
        yield (
            f"Until every class was above 99.99 %, {_evolved_name(rows)} took {theirs / mine:.2g} "
            "times as many passes as the gradient."
        )
    elif mine and evolved:
        yield f"Of {_evolved_name(rows)}, not every class came above 99.99 % in each repeat."


def _evolved(rows: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first evolution, which pixels without a regularizer are compared with, if any."""
    return next((row for name, row in rows.items() if name.startswith("evolved")), None)


def _evolved_name(rows: Mapping[str, Any]) -> str:
    return "evolved pixels" if "evolved-direct" in rows else "evolved CPPNs"


def _starts(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield reporting.table(
        (
            "Beginning at",
            "Median confidence",
            "Lowest",
            "Passes until all above 99.99 %",
            "Total variation",
        ),
        [
            (
                STARTS[kind],
                _sure(row["median_confidence"]),
                _sure(row["min_confidence"]),
                _first(row),
                f"{row['total_variation']:.4f}",
            )
            for kind, row in summary["starts"].items()
        ],
        "Ascent in pixels without a regularizer, from other starting points.",
    )
    yield reporting.figure(
        pictures["starts"],
        "Images by starting point and class.",
        "The first repeat from each starting point. Noise that was there at the start stays: "
        "nothing asks for its removal.",
    )


def _controls(summary: Mapping[str, Any]) -> Iterator[Html]:
    yield reporting.paragraph(
        "A network that is sure of any noise would need no search. These are the starting points "
        "themselves, before any step."
    )
    yield reporting.table(
        (
            "Images",
            "Number",
            "Confidence in the most likely class (median)",
            "Share above 99 %",
            "Best of them for each class (median)",
        ),
        [
            (
                STARTS[kind],
                f"{row['images']:,}",
                _sure(row["median_top1_confidence"]),
                _share(row["share_above_0.99"]),
                _sure(row["median_best_per_class"]),
            )
            for kind, row in summary["controls"].items()
        ],
    )


def _repeat(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield reporting.code(command_of("experiments.ascend", config))
    versions = ", ".join(f"{name} {version}" for name, version in summary["versions"].items())
    yield reporting.paragraph(f"On {summary['device']}, {versions}.")
    rows = [(name, str(value)) for name, value in flat(config).items()]
    yield reporting.details("Settings of this run", reporting.table(("Setting", "Value"), rows))


def _source() -> Iterator[Html]:
    yield reporting.paragraph(
        "Nguyen, Yosinski and Clune, 2015, ",
        reporting.link("Deep Neural Networks are Easily Fooled", "https://arxiv.org/abs/1412.1897"),
        ", section 3.9 and Figure 13. Olah, Mordvintsev and Schubert, 2017, ",
        reporting.link("Feature Visualization", "https://distill.pub/2017/feature-visualization"),
        ".",
    )


def _sure(confidence: float | None) -> str:
    if confidence is None or not np.isfinite(confidence):
        return "unknown"
    return reporting.percent(min(float(confidence), float(np.nextafter(1.0, 0.0))))


def _share(share: float | None) -> str:
    return "unknown" if share is None else reporting.percent(float(share))


def _range(values: Any, words: Any) -> str:
    return f"{words(np.min(values))} to {words(np.max(values))}"


def _middle_first(row: Mapping[str, Any]) -> float | None:
    passes = row["passes_until_all_above_0.9999"]
    return None if None in passes else float(np.median(passes))


def _first(row: Mapping[str, Any]) -> str:
    passes = row["passes_until_all_above_0.9999"]
    there = [one for one in passes if one is not None]
    if not there:
        return "never"
    words = f"{np.median(there):,.0f}"
    return words + f" ({len(there)} of {len(passes)} repeats)" * (len(there) < len(passes))
