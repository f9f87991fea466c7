"""The page of a finished ``experiments.retrain`` run, for somebody who did not run it."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.retrain_images import MAKERS
from fooljax import reporting
from fooljax.reporting import Html, details, figure, paragraph, section, strong, table
from fooljax.reporting.readings import certainty_or_unknown, duration_or_unknown, flat
from fooljax.reporting.readings import percent_or_unknown as share
from fooljax.runtime.settings import command_of

_TITLES = {
    "untested": "Runs too short to tell whether learning fooling images helps",
    "no": "Learning what fooling images look like does not keep a network from being fooled",
    "yes": "Learning what fooling images look like makes networks harder to fool",
    "partly": "Learning what fooling images look like helps some networks, not all",
}
_LEVEL = 0.05
_ANEW = (
    "Median confidence",
    "Interval",
    "Called what they show",
    "Called fooling",
    "Test against DNN 1",
)


def write(
    path: Path, summary: Mapping[str, Any], config: Any, pictures: Mapping[str, Path]
) -> Path:
    """Write the report."""
    return reporting.page(
        path,
        _TITLES[summary["verdict"]],
        reporting.tiles(*_key_figures(summary)),
        section("What was done", *_story(summary, config)),
        section("Does it help?", *_answer(summary), *_rounds(summary, pictures)),
        section("What the images look like", *_looks(pictures)),
        section("What does the fooling class recognize?", *_recognized(summary, pictures)),
        section("How hard is the search?", *_effort(summary, pictures)),
        section("How to repeat this", *_repeat(summary, config)),
        section("Where the idea comes from", *_source()),
        lead="Images that mean nothing to people fool networks. An obvious remedy: teach the "
        "network to call them “fooling”. Then whoever wants to fool it begins again, knowing it.",
        warnings=summary["warnings"],
    )


def _sure(confidence: float | None) -> str:
    """Never shown as entirely sure, and with no more digits than can be read."""
    if confidence is not None and 0.001 < confidence < 0.999:
        return f"{100 * confidence:.1f}\N{NO-BREAK SPACE}%"
    return certainty_or_unknown(confidence)


def _rounded(value: float | None) -> str:
    return share(None if value is None else round(value, 3))


def _key_figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    of = summary["attacks"][summary["headline_attack"]]
    return [
        (_sure(of["median"][0]), "median confidence in images evolved against the first network"),
        (_sure(of["median"][-1]), "in images evolved anew against the last one"),
        (_rounded(summary["old_called_fooling"][-1]), "of older images it calls fooling"),
        (_rounded(summary["clean_error"][-1]), "of its answers to real images are wrong"),
        (duration_or_unknown(summary["seconds"]), "of computing"),
    ]


def _story(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    kinds = " and ".join(MAKERS[one] for one in summary["trained_on"])
    fooling = summary["fooling_images"]
    yield paragraph(
        f"DNN 1 ({config.victim.model}) was trained on the {summary['train_images']:,} training "
        f"images of {config.victim.dataset}. Against it, images were made in many short "
        f"independent runs, {kinds}, and those of the first and of the last generation were put "
        f"into one further class, “fooling”: {fooling[1]:,} images. DNN 2 was trained from "
        "scratch on everything, images were made against it in the same way, "
        f"{summary['fooling_images'][-1] - fooling[-2] if len(fooling) > 2 else 0:,} more joined "
        f"the class, and so on up to DNN {summary['networks']}."
    )
    yield paragraph(
        f"How easily a network is fooled was measured by {summary['runs']} further runs, "
        f"{config.generations} generations of {config.children} images, begun anew against that "
        "very network. Their images were never trained on. The confidence is the probability that "
        "the network gives to the class that an image is to show, the fooling class being among "
        "the answers: whoever makes the images knows about it and must avoid it. ",
        "“Not retrained” is one more network trained like DNN 1, from other starting weights: what "
        "lies between these two is chance.",
    )


def _answer(summary: Mapping[str, Any]) -> Iterator[Html]:
    yield paragraph(strong("In short. "), summary["conclusion"])
    yield paragraph(_old_and_new(summary))
    trend = summary["trend"]
    if trend is not None:
        found = "there is a trend" if trend["p"] < _LEVEL else "no trend is to be seen"
        yield paragraph(
            f"Over the retrained networks {found} (Spearman's correlation of round and median "
            f"{trend['rho']:+.2f}, p = {trend['p']:.2g})."
        )


def _old_and_new(summary: Mapping[str, Any]) -> str:
    of = summary["attacks"][summary["headline_attack"]]
    if summary["verdict"] == "untested":
        return "Give evolution more --generations or --children."
    naive, anew = summary["old_fooled"][-1], of["fooled"][-1]
    start = (
        f"Judged by images made for earlier networks, {share(round(naive, 3))} of which still "
        f"fool DNN {summary['networks']}, "
    )
    if naive < 0.5 <= anew:
        return start + (
            "the defense looks good. That is no measure of it: of images made for this network "
            f"{share(round(anew, 3))} do. What it has learned are the old images."
        )
    if anew < 0.5:
        return start + (
            f"and by images made for it, {share(round(anew, 3))} of which do, the defense holds "
            "against evolution of this length. A longer search, or another, may still succeed."
        )
    return (
        start
        + f"the defense does not even look good; of images made for it {share(round(anew, 3))} do."
    )


def _rounds(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield figure(
        pictures["medians"],
        "Median confidence in images made anew, network after network.",
        "How to read it: a line that stays at the top means that retraining does not help. "
        f"Shaded: {summary['intervals']}. Dashed: medians of the paper's figure 11, where that "
        "many networks are shown.",
    )
    headline, networks = summary["headline_attack"], range(summary["networks"])
    paper = [f"{100 * one:.2f}\N{NO-BREAK SPACE}%" for one in summary["paper_median"]]
    first = [
        (
            f"{summary['fooling_images'][i]:,}",
            _rounded(summary["clean_error"][i]),
            _rounded(summary["clean_called_fooling"][i]),
            paper[i] if i < len(paper) else "",
        )
        for i in networks
    ]
    anew = _anew(summary["attacks"][headline])
    rows = [(f"DNN {i + 1}", *first[i], *anew[i]) for i in networks]
    control = summary["control"]
    low, high, test = (control[name] for name in ("median_low", "median_high", "against_first"))
    errors = _rounded(summary["control_clean_error"])
    reached = (_sure(control["median"]), _interval(low, high), "", "", _p(test))
    rows.append(("not retrained", "0", errors, "", "", *reached))
    yield table(
        (
            "Network",
            "Fooling images learned",
            "Errors on real images",
            "Real images called fooling",
            "The paper's median",
            *_ANEW,
        ),
        rows,
        f"Images made anew: {MAKERS[headline]}. Test: Mann-Whitney's U, two-sided, of the "
        "confidences in all images; in brackets how often an image made for DNN 1 is the surer "
        "of two",
    )
    tables = [
        table(
            ("Network", *_ANEW),
            [(f"DNN {i + 1}", *row) for i, row in enumerate(_anew(of))],
            f"Images made anew: {MAKERS[maker]}"
            + ("" if maker in summary["trained_on"] else "; never trained on"),
        )
        for maker, of in summary["attacks"].items()
        if maker != headline
    ]
    yield details("The same for the other ways of making images", *tables)


def _anew(of: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """What images made anew reach, a row for each network."""
    return [
        (
            _sure(of["median"][i]),
            _interval(of["median_low"][i], of["median_high"][i]),
            _rounded(of["fooled"][i]),
            _rounded(1.0 - of["accepted"][i]),
            _p(of["against_first"][i]),
        )
        for i in range(len(of["median"]))
    ]


def _interval(low: float, high: float) -> str:
    return "one run only" if np.isnan(low) else f"{_sure(low)} to {_sure(high)}"


def _p(test: Mapping[str, float] | None) -> str:
    if test is None:
        return ""
    return f"p = {test['p']:.2g} ({_rounded(test['first_higher'])})"


def _looks(pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield figure(
        pictures["gallery"],
        "Images evolved against each network, one column for each class.",
        "The first run against each network, not selected; below each image how sure that network "
        "is of the class. Do later rows look more like what they are to show?",
    )


def _recognized(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield paragraph(_held_out(summary))
    kinds = "; ".join(f"{maker}: {MAKERS[maker]}" for maker in summary["attacks"])
    yield figure(
        pictures["unrelated"],
        "Share called fooling, by kind of image and network.",
        "Share of images that each network puts into the fooling class. “Made for DNN 1”: the same "
        "images for all networks; “made anew”: made against the network of that column. "
        f"{kinds[0].upper()}{kinds[1:]}.",
    )
    blocks = [
        figure(
            pictures[f"pairs {maker}"],
            f"Share called fooling of {MAKERS[maker]}: rows made for, columns shown to.",
            f"{MAKERS[maker].capitalize()}. Below the diagonal are networks older than the "
            "images, above it those trained after such images had joined the class.",
        )
        for maker in summary["attacks"]
    ]
    yield details("Images of every network, shown to every network", *blocks)


def _held_out(summary: Mapping[str, Any]) -> str:
    last = summary["networks"]
    parts = []
    for maker, matrix in summary["called_fooling_by_pair"].items():
        known = "learned from such" if maker in summary["trained_on"] else "never learned from such"
        parts.append(
            f"{MAKERS[maker]} ({known}) {_rounded(matrix[0][-1])} of those made for DNN 1 and "
            f"{_rounded(matrix[-1][-1])} of those made for itself"
        )
    unrelated = ", ".join(
        f"{kind} {_rounded(rates[-1])}"
        for kind, rates in summary["called_fooling_unrelated"].items()
    )
    return (
        f"DNN {last} calls fooling: of {'; of '.join(parts)}. Of images that nobody has made "
        f"against a network: {unrelated}. Of real test images: "
        f"{_rounded(summary['clean_called_fooling'][-1])}."
    )


def _effort(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield figure(
        pictures["curves"],
        "Median confidence by generation, for several networks.",
        "How to read it: the further right a line rises, the longer evolution has to search. A "
        "defense may be worth that much even where it fails in the end.",
    )
    rows = [
        (MAKERS[maker], *(str(one or "never") for one in of["generations_to_99"]))
        for maker, of in summary["attacks"].items()
        if "generations_to_99" in of
    ]
    header = ("Images", *(f"DNN {i + 1}" for i in range(summary["networks"])))
    yield table(header, rows, "Generation in which the median confidence first exceeds 99 %")


def _repeat(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield paragraph(
        "The same command, with the same versions on the same kind of device, gives the same "
        f"numbers. Intervals: {summary['intervals']}, so differences between networks hold chance "
        "in the training as well. The runs count as too short if the first network's median is "
        "below 90 %. Otherwise retraining counts as no help if the median of every retrained "
        "network is at least 90 %, as help if each is at most 50 %, else as help in part."
    )
    yield reporting.code(command_of("experiments.retrain", config))
    values = list(flat(dataclasses.asdict(config)))
    yield table(("Setting", "Value"), values, "Settings of this run")


def _source() -> Iterator[Html]:
    yield paragraph(
        "A. Nguyen, J. Yosinski, J. Clune, “Deep neural networks are easily fooled”, CVPR 2015, ",
        reporting.link("arXiv:1412.1897", "https://arxiv.org/abs/1412.1897"),
        ", sections 3.6 to 3.8. There, networks for handwritten digits were fooled in round after "
        "round, while one for photographs, retrained once, was not fooled as easily: its median "
        "confidence fell from 88.1 % to 11.7 %. The paper's medians stand in its figure 11.",
    )
