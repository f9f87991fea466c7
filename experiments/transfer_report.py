"""The page of a finished ``experiments.transfer`` run, for somebody who did not run it."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.transfer_generators import GENERATORS
from experiments.transfer_pictures import DRAWN, MEASURES, RELATIONS
from fooljax import reporting
from fooljax.reporting import Html, paragraph, percent, section, table
from fooljax.reporting.readings import duration_or_unknown, flat
from fooljax.runtime import settings


def write(
    path: Path, summary: Mapping[str, Any], config: Any, pictures: Mapping[str, Path]
) -> Path:
    """Write the report."""
    return reporting.page(
        path,
        "Do images that fool one network fool another?",
        reporting.tiles(*_key_figures(summary)),
        section("What was done", *_story(summary, config)),
        section("What came out", *_findings(summary), *_overview(summary, pictures)),
        *_curves(summary, pictures),
        *(_generator(name, summary, pictures) for name in summary["generators"]),
        section("The networks", _networks(summary)),
        section("How to repeat this", *_repeat(summary, config)),
        section("Where the idea comes from", *_source()),
        lead="Images were made to fool one network each, and then shown to all the others.",
        warnings=summary["warnings"],
    )


def _main_measure(generator: Mapping[str, Any]) -> str:
    """What counts as being fooled by a generator's images."""
    return "any_label" if generator["kind"] == "perturbed" else "same_label"


def _rate(generator: Mapping[str, Any], relation: str, measure: str = "") -> dict[str, Any]:
    return generator["rates"][relation][measure or _main_measure(generator)]


def _told(rate: Mapping[str, Any]) -> str:
    """A mean with its interval."""
    mean, low, high = (rate[key] for key in ("mean", "low", "high"))
    if mean is None or math.isnan(mean):
        return "no such pair"
    if low is None or math.isnan(low):
        return percent(_round(mean))
    if _round(low) == _round(high):
        return f"{percent(_round(mean))} (in every repeat)"
    return f"{percent(_round(mean))} ({percent(_round(low))} to {percent(_round(high))})"


def _round(share: float) -> float:
    return round(float(share), 3)


def _key_figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    generators = summary["generators"]
    figures = [(str(len(summary["networks"])), "networks")]
    name = next(one for one in ("cppn", "direct", *generators) if one in generators)
    for relation, words in RELATIONS.items():
        rate = _rate(generators[name], relation)
        if not math.isnan(rate["mean"]):
            figures.append((percent(_round(rate["mean"])), f"of the {name} images fool {words}"))
    return figures


def _story(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    architectures = list(dict.fromkeys(summary["architectures"]))
    yield paragraph(
        f"{len(summary['networks'])} networks were trained on the same pictures "
        f"({config.victim.dataset}): {len(architectures)} architectures "
        f"({', '.join(architectures)}), each from {config.network_seeds} different random "
        f"starts. For every network images were made in the ways below, {summary['repeats']} "
        "times from other random numbers, and shown to every network. A network of other weights "
        "differs in its random start only."
    )
    rows = [
        (name, "control" if one["control"] else one["kind"], GENERATORS[name].words,
         str(one["images"]))
        for name, one in summary["generators"].items()
    ]  # fmt: skip
    yield table(("Images", "Kind", "How they were made", "How many, each time"), rows)
    yield paragraph(
        "A fooling image shows nothing. It was made to be taken for a certain class, and fools a "
        "network that names this class; by guessing, a network would name it for 1 in "
        f"{summary['num_classes']} images. A perturbed image is a real test image, one that every "
        "network gets right, a little changed; it fools a network that names a wrong class. "
        f"Epsilon is {summary['epsilon']:g} of the way from black to white. The controls are "
        "images that nobody fitted to a network: noise counts as made to show what the first "
        "network takes it for, so its row says how far networks agree about noise."
    )


def _findings(summary: Mapping[str, Any]) -> Iterator[Html]:
    """Say in words what the numbers say, and no more."""
    chance = 1.0 / summary["num_classes"]
    for name, one in summary["generators"].items():
        if one["control"]:
            continue
        itself = _rate(one, "itself")
        words = [f"{_told(itself)} of the images fool the network they were made for"]
        for relation in ("other weights", "other architecture"):
            rate = _rate(one, relation)
            if math.isnan(rate["mean"]):
                continue
            text = f"{_told(rate)} fool {RELATIONS[relation]}"
            if one["kind"] == "fooling":
                text += f", {_against(rate, chance)}"
            else:
                control = summary["generators"].get("random_signs")
                if control is not None and name != "deepfool":
                    text += (
                        " (random changes of the same size: "
                        f"{percent(_round(_rate(control, relation)['mean']))})"
                    )
            words.append(text)
        yield paragraph(reporting.strong(name), ": ", "; ".join(words), ".")
    yield from _claim(summary)


def _against(rate: Mapping[str, Any], chance: float) -> str:
    """Compare a rate with guessing, as far as its interval allows."""
    if math.isnan(rate["low"]):
        return f"where guessing gives {percent(_round(chance))}"
    if rate["low"] > chance:
        return f"more than the {percent(_round(chance))} of guessing"
    if rate["high"] < chance:
        return f"less than the {percent(_round(chance))} of guessing"
    return f"not to be told from the {percent(_round(chance))} of guessing"


def _claim(summary: Mapping[str, Any]) -> Iterator[Html]:
    """Look at the paper's claim: some evolved images fool both networks, others but one."""
    for name in ("direct", "cppn"):
        if name not in summary["generators"]:
            continue
        one = summary["generators"][name]
        sure = [
            f"by {words} in {percent(_round(_rate(one, relation, 'sure_label')['mean']))}"
            for relation, words in RELATIONS.items()
            if not math.isnan(_rate(one, relation, "sure_label")["mean"])
        ]
        yield paragraph(
            f"With certainty, that is with a confidence of at least {percent(summary['tau'])}, "
            f"{name} images were given the class they were evolved for {', '.join(sure)} of all "
            "cases. The paper reports that some images evolved for one network are named with the "
            "same certainty by another one, and that others fool only the first."
        )


def _overview(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield reporting.figure(
        pictures["overview"],
        "Share of images that fool, by generator and by how the networks are related.",
        "How to read it: each line is a way to make images, each column a kind of network that "
        "they were shown to. Fooling images count when the class that they were made for is "
        "named, perturbed ones when any wrong class is. Below each share: its 95 % interval over "
        "the repeats, the networks being the same; other networks would add to it.",
    )
    rows = []
    for name, one in summary["generators"].items():
        for relation, words in RELATIONS.items():
            if math.isnan(_rate(one, relation)["mean"]):
                continue
            cells = [_told(_rate(one, relation, measure)) for measure in MEASURES]
            rate = _rate(one, relation)
            pairs = f"{percent(_round(rate['lowest_pair']))} to "
            pairs += percent(_round(rate["highest_pair"]))
            rows.append((name, words, *cells, pairs))
    header = ("Images", "Shown to", *(_capital(words) for words in MEASURES.values()),
              "Lowest and highest pair of networks")  # fmt: skip
    caption = (
        "The label in question is the class to be shown, or the wrong class that the first network "
        f"named. With certainty: at least {percent(summary['tau'])}; fooling images count as "
        "fooling whatever the label only with certainty."
    )
    yield reporting.details("All means over pairs of networks", table(header, rows, caption))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _curves(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    figures = [
        reporting.figure(
            pictures[f"sure_{relation}"],
            f"Share of fooling images named by {words}, by the confidence asked for.",
            f"Shown to {words}. How to read it: the further to the left, the surer the network "
            "has to be for an image to count; 0.01 stands for a confidence of 99 %. The ways to "
            "make images differ in how sure they make the network itself.",
        )
        for relation, words in RELATIONS.items()
        if f"sure_{relation}" in pictures
    ]
    if figures:
        yield section("How sure are the other networks?", *figures)


def _generator(name: str, summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Html:
    one = summary["generators"][name]
    main = _main_measure(one)
    first = "the class that it was to be taken for" if one["kind"] == "fooling" else "what it is"
    draw = lambda measure: reporting.figure(
        pictures[f"{measure}_{name}"],
        f"Matrix of networks by networks: {MEASURES[measure]}, {name} images.",
        f"{_capital(MEASURES[measure])}. Line: the network that the images were made for; column: "
        "the one that they were shown to. The diagonal is the attack with the weights in hand.",
    )
    return section(
        f"Images: {name}",
        paragraph(f"These images were {GENERATORS[name].words}."),
        reporting.figure(
            pictures[f"examples_{name}"],
            f"Examples of {name} images, with what several networks say of them.",
            f"Examples of the first repeat. Below each image stands {first}, then the answer and "
            "the confidence of the network that it was made for, of one of the same architecture "
            "and of one of another.",
        ),
        draw(main),
        reporting.details(
            "Other measures", *(draw(measure) for measure in DRAWN if measure != main)
        ),
    )


def _networks(summary: Mapping[str, Any]) -> Html:
    rows = [
        (name, one["origin"], percent(one["accuracy"])) for name, one in summary["networks"].items()
    ]
    return table(("Network", "What it is", "Test images recognized"), rows)


def _repeat(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield reporting.code(settings.command_of("experiments.transfer", config))
    yield paragraph(
        f"Making the images took {duration_or_unknown(summary['seconds'])} on "
        f"{summary['device']}. The same command with the same versions on the same kind of device "
        "gives the same numbers."
    )
    yield table(("Setting", "Value"), list(flat(dataclasses.asdict(config))))


def _source() -> Iterator[Html]:
    yield paragraph(
        "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, CVPR "
        "2015, ",
        reporting.link("arXiv:1412.1897", "https://arxiv.org/abs/1412.1897"),
        ", section 3.5: images evolved for one network shown to another of other weights or "
        "another architecture. C. Szegedy and others, “Intriguing properties of neural "
        "networks”, 2014, ",
        reporting.link("arXiv:1312.6199", "https://arxiv.org/abs/1312.6199"),
        ": the same for perturbed images.",
    )
