"""The page of a finished ``experiments.universal`` run, for somebody who did not run it."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fooljax import reporting
from fooljax.reporting import Html, details, figure, paragraph, percent, section, strong, table
from fooljax.reporting.readings import duration_or_unknown, flat
from fooljax.runtime.settings import command_of

_METHODS = {
    "sgd": "follows the gradient of the mean loss of a batch of images",
    "deepfool": "walks each image of a batch that is not fooled yet to its nearest wrong answer, "
    "and follows what these ways have in common",
}
_NORMS = {
    "linf": "no number of the image changes by more than {}",
    "l2": "the Euclidean length of the change is at most {}",
}


def write(
    path: Path, summary: Mapping[str, Any], config: Any, pictures: Mapping[str, Path]
) -> Path:
    """Write the report."""
    return reporting.page(
        path,
        "One small change that fools a network about most images"
        if summary["headline"]["held_out"] > 0.5
        else "One small change for all images",
        reporting.tiles(*_key_figures(summary)),
        section("What was done", *_story(summary, config)),
        section("What came out", *_findings(summary), _rates(summary)),
        section("What it looks like", *_looks(summary, pictures)),
        *_sizes(summary, pictures),
        section("Does it fool other networks?", *_transfer(summary, pictures)),
        section("What do fooled images become?", *_labels(summary)),
        section("The networks", _networks(summary)),
        section("How to repeat this", *_repeat(summary, config)),
        section("Where the idea comes from", *_source()),
        lead="Adversarial changes are usually made for one image. Here a single change is added "
        "to every image, also to images that it was not made from.",
        warnings=summary["warnings"],
    )


def _share(share: float | None) -> str:
    if share is None or math.isnan(share):
        return "not measured"
    return percent(round(float(share), 3))


def _told(rate: Mapping[str, float]) -> str:
    """A mean with its interval."""
    if math.isnan(rate["low"]):
        return _share(rate["mean"])
    return f"{_share(rate['mean'])} ({_share(rate['low'])} to {_share(rate['high'])})"


def _times(ratio: float | None) -> str:
    return "random never" if ratio is None else f"{ratio:.1f} x"


def _key_figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    first = summary["headline"]
    accuracy = summary["networks"][first["model"]]["accuracy"]
    return [
        (_share(first["held_out"]), "of held-out images fooled by one change"),
        (_share(first["random"]), "by random changes of the same size"),
        (_share(accuracy), f"of test images recognized correctly by {first['model']}"),
        (str(len(summary["networks"])), "networks"),
        (duration_or_unknown(summary["seconds"]), "of computing"),
    ]


def _story(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    sizes = " and ".join(
        f"{norm} ({_NORMS[norm].format(f'{epsilon:.3g}')})"
        for norm, epsilon in summary["epsilon"].items()
    )
    goal = "give any answer but the one it gives to the unchanged image"
    if summary["target"] is not None:
        goal = f"answer “{summary['class_names'][summary['target']]}”"
    yield paragraph(
        f"For each of {len(summary['networks'])} networks, single changes were made that are to "
        f"make it {goal}, when added to any image of {config.victim.dataset}. Numbers of an image "
        f"run from 0 (black) to 1 (white), and a change must be small in one of these senses: "
        f"{sizes}. Sums are cut off at 0 and 1."
    )
    ways = "; ".join(f"{method} {_METHODS[method]}" for method in config.methods)
    yield paragraph(
        f"How a change is learned: {ways}. After each batch it is brought back into its limit. It "
        f"was learned from training images and tried on {summary['test_images']} test images "
        f"that had no part in it. Each kind was made {summary['repeats']} times, from images in "
        "another order. Controls of the same size without any learning: random signs for linf, "
        "a random direction for l2."
    )


def _findings(summary: Mapping[str, Any]) -> Iterator[Html]:
    first = summary["headline"]
    times = (
        "never succeeded"
        if first["times_random"] is None
        else (
            f"fooled {_share(first['random'])}, so the learned one works "
            f"{first['times_random']:.1f} times as often"
        )
    )
    yield paragraph(
        strong(f"{first['model']}, {first['method']}, {first['norm']}: "),
        f"the learned change fooled the network about {_share(first['held_out'])} of the test "
        f"images; random changes of the same size {times}. On images that it was learned from "
        f"it is {_share(first['fit'])}: "
        + (
            "nearly the same, so it is about the network and not about those images."
            if abs(first["fit"] - first["held_out"]) < 0.05
            else "the difference is what it owes to those very images."
        ),
    )


def _rates(summary: Mapping[str, Any]) -> Html:
    rows = [
        (
            name,
            kind,
            _told(rates["fit"]),
            _told(rates["held_out"]),
            _told(rates["random"]),
            _times(rates["times_random"]),
        )
        for kind, of in summary["universal"].items()
        for name, rates in of.items()
    ]
    return table(
        ("Network", "Change", "Learned from", "Test images", "Random control", "Ratio"),
        rows,
        f"Share of images fooled; mean of {summary['repeats']} repeats "
        "(95 % interval over the repeats)",
    )


def _looks(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    first = summary["headline"]
    yield figure(
        pictures["examples"],
        "Test images as they are, with the universal change and with a random one.",
        f"Test images, evenly spaced through the test set and not selected, and what "
        f"{first['model']} calls them: as they are, with the change that {first['method']} "
        f"learned under {first['norm']} {first['epsilon']:.3g}, and with a random change of the "
        "same size. Ask yourself whether you would have answered otherwise.",
    )
    yield figure(
        pictures["perturbations"],
        "The changes themselves, enlarged.",
        "The changes themselves (first repeat), much enlarged; their true size is written below "
        "each. A column for each network that they were made for.",
    )
    rows = [
        (kind, *(("one repeat only" if of[n] is None else f"{of[n]:.2f}") for n in of))
        for kind, of in summary["cosine_between_repeats"].items()
    ]
    yield details(
        "Do the repeats find the same change?",
        table(
            ("Change", *summary["transfer_columns"]),
            rows,
            "Mean cosine between the changes of different repeats: 1 is the same change, 0 has "
            "nothing in common",
        ),
    )


def _sizes(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    if "sizes" not in pictures:
        return
    rows = [
        (kind, f"{count:,}", _told(fit), _told(held))
        for kind, of in summary["sizes"].items()
        for count, fit, held in zip(of["images"], of["fit"], of["held_out"], strict=True)
    ]
    yield section(
        "How many images does it take?",
        figure(
            pictures["sizes"],
            "Share of test images fooled against the number of images learned from.",
            "How to read it: the further left a line is already high, the fewer images tell all "
            "that is needed. The number of batches is the same everywhere: few images are seen "
            f"more often. Dashed: random changes. Network: {summary['headline']['model']}; "
            "shaded: from the lowest to the highest of the repeats.",
        ),
        details(
            "The same as numbers",
            table(("Change", "Images", "Learned from", "Test images"), rows),
        ),
    )


def _transfer(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    kinds = list(summary["transfer"])
    for place, kind in enumerate(kinds):
        block = figure(
            pictures[f"transfer {kind}"],
            f"Fooling rates of {kind}: rows made for, columns shown to.",
            f"Made by {kind}. Row: the network that a change was made for; column: the one that "
            "it was shown to. The diagonal is the network itself, the last row the random "
            "control. A cell well above the random one of its column is transfer.",
        )
        if place == 0:
            yield paragraph(_transfer_in_words(summary, kind))
        yield block if place == 0 else details(f"The same for {kind}", block)


def _transfer_in_words(summary: Mapping[str, Any], kind: str) -> str:
    names, matrix = summary["transfer_columns"], summary["transfer"][kind]
    pairs = [
        (matrix[i][j], matrix[-1][j], names[i], names[j])
        for i in range(len(names))
        for j in range(len(names))
        if i != j
    ]
    if not pairs:
        return "There is but one network."
    best = max(pairs)
    above = sum(rate > control for rate, control, *_ in pairs)
    return (
        f"Of {len(pairs)} pairs of different networks, the change made for one fools the other "
        f"more often than random changes do in {above}. The most goes from {best[2]} to "
        f"{best[3]}: {_share(best[0])}, against {_share(best[1])} at random."
    )


def _labels(summary: Mapping[str, Any]) -> Iterator[Html]:
    yield paragraph(
        "With the change added, a network may call very different images the same. The most "
        "frequent answers to the test images, first repeat:"
    )
    rows = [
        (name, kind, ", ".join(f"{label} ({_share(share)})" for label, share in top))
        for name, kinds in summary["labels"].items()
        for kind, top in kinds.items()
    ]
    yield table(("Network", "Change", "Most frequent answers"), rows)


def _networks(summary: Mapping[str, Any]) -> Html:
    rows = [
        (name, one["origin"], _share(one["accuracy"])) for name, one in summary["networks"].items()
    ]
    return table(("Network", "Where it comes from", "Right on the test images"), rows)


def _repeat(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield paragraph(
        "The same command, with the same versions on the same kind of device, gives the same "
        f"changes. Intervals: {summary['intervals']}."
    )
    yield reporting.code(command_of("experiments.universal", config))
    yield table(
        ("Setting", "Value"), list(flat(dataclasses.asdict(config))), "Settings of this run"
    )


def _source() -> Iterator[Html]:
    yield paragraph(
        "S.-M. Moosavi-Dezfooli, A. Fawzi, O. Fawzi and P. Frossard, “Universal adversarial "
        "perturbations”, CVPR 2017, ",
        reporting.link("arXiv:1610.08401", "https://arxiv.org/abs/1610.08401"),
        "; by gradient: A. Shafahi et al., “Universal adversarial training”, AAAI 2020, ",
        reporting.link("arXiv:1811.11304", "https://arxiv.org/abs/1811.11304"),
        ".",
    )
