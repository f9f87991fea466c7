"""The page of a finished ``experiments.ensemble`` run, for somebody who did not run it."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import ensemble_tables as tables
from experiments.ensemble_pictures import SHORT
from fooljax import reporting
from fooljax.reporting import Html, details, figure, paragraph, section, strong, table
from fooljax.reporting.readings import duration_or_unknown, flat
from fooljax.runtime.settings import command_of

_GROUPS = {"same": "One architecture", "mixed": "Mixed architectures"}


def write(
    path: Path, summary: Mapping[str, Any], config: Any, pictures: Mapping[str, Path]
) -> Path:
    """Write the report."""
    return reporting.page(
        path,
        "Is an ensemble harder to fool the more networks vote?",
        reporting.tiles(*_key_figures(summary)),
        section(
            "What came out",
            *(
                paragraph(strong(f"{_GROUPS[group]}. "), words)
                for group, words in summary["conclusion"].items()
            ),
        ),
        section("What was done", *_story(summary, config)),
        *(_group(group, summary, config, pictures) for group in summary["groups"]),
        section("How to repeat this", *_repeat(summary, config)),
        section("Where the idea comes from", *_source()),
        lead="Several networks that answer as one are a natural defense: what fools one may not "
        "fool another. Here the attacker knows all of them.",
        warnings=summary["warnings"],
    )


def _key_figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = next(iter(summary["groups"].values()))
    first, last = summary["members"][0], summary["members"][-1]
    figures = []
    for attack, numbers in found["attacks"].items():
        if numbers["growth"] and numbers["growth"]["verdict"] != "unmeasured":
            times = numbers["growth"]["whole_range"]["mean"]
            figures.append((f"{times:.2f} x", f"{SHORT[attack]}: cost of {last} against {first}"))
    joint = found["attacks"]["ascent"]["fooled"][-1]["mean"]
    figures.append((tables.share(joint), f"of classes made certain by a gradient attack, {last}"))
    figures.append((duration_or_unknown(summary["seconds"]), "of attacking"))
    return figures


def _story(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    sizes = ", ".join(map(str, config.members))
    yield paragraph(
        f"Ensembles of {sizes} networks, whose probabilities are averaged, were attacked as a "
        f"whole, on {config.victim.dataset}. Everything was repeated on {config.sets} sets that "
        "share no network; within a set the larger ensembles contain the smaller ones."
    )
    tau = tables.share(config.tau)
    ways = {
        "direct": f"images evolved pixel by pixel until the whole is {tau} sure of each class",
        "cppn": "the same for patterns painted by small networks",
        "ascent": f"for each class, the gradient of the answer followed from noise up to {tau}",
        "joint": "the same along the gradient of the members' mean log-probability, which also "
        "sees those that are still far away; judged by the answer all the same",
        "perturb": "real test images changed as little as it takes (DDN), or by at most "
        f"{config.epsilon:g} in every pixel (PGD)",
    }
    told = "; ".join(f"{SHORT[attack]}: {ways[attack]}" for attack in (*config.encodings, *_REST))
    yield paragraph(
        f"The attacks: {told}; and one member after the other, {config.rounds} rounds, with as "
        "many gradients for each member as the joint attack has. The cost is counted in images "
        "shown to the whole, in steps or in distance; each image and each step is as many passes "
        "as there are members."
    )


_REST = ("ascent", "joint", "perturb")


def _group(
    group: str, summary: Mapping[str, Any], config: Any, pictures: Mapping[str, Path]
) -> Html:
    found = summary["groups"][group]
    show = lambda name, alt, caption: (
        figure(pictures[f"{group} {name}"], alt, caption) if f"{group} {name}" in pictures else ""
    )
    return section(
        f"{_GROUPS[group]}: {_counted(found['architectures'])}",
        tables.growth(found),
        show(
            "cost",
            "Cost of each attack against the number of networks, relative to the smallest.",
            "How to read it: a line that rises means that more networks are dearer to fool. An "
            "attack that did not get there within its budget counts as if it had at the end of it, "
            "so its line is a lower bound.",
        ),
        show(
            "fooled",
            "Share fooled against the number of networks.",
            f"Share of classes of which the whole ends up {tables.share(summary['tau'])} sure, "
            "and of real images that it misjudges.",
        ),
        *tables.alone(found, summary),
        details("All numbers", *tables.costs(found, summary)),
        *tables.turns(found, config, show),
        show(
            "images",
            "Fooling images made for the smallest and the largest ensemble.",
            "Made for the first set: a row for each attack and number of members, a column for "
            "each class, below each image how sure the whole is.",
        ),
        *tables.transfer(found, summary),
        show(
            "transfer",
            "Transfer from the first members to others and to all as one.",
            f"Images made for the first members. The same label: the class to be shown, or the "
            f"wrong one that the members said. Any label: for fooling images any class with at "
            f"least {tables.share(summary['tau'])}, for real images any wrong class.",
        ),
        *tables.rules(found, summary),
        *tables.alignment(found, show),
    )


def _counted(names: Sequence[str]) -> str:
    return ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names))


def _repeat(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield paragraph(
        "The same command, with the same versions on the same kind of device, gives the same "
        f"images. Intervals: {summary['intervals']}."
    )
    yield reporting.code(command_of("experiments.ensemble", config))
    rows = [
        (name, one["origin"], tables.share(one["accuracy"]))
        for name, one in summary["networks"].items()
    ]
    yield details("The networks", table(("Network", "Origin", "Right on the test images"), rows))
    yield details(
        "Settings of this run",
        table(("Setting", "Value"), list(flat(dataclasses.asdict(config)))),
    )


def _source() -> Iterator[Html]:
    yield paragraph(
        "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, CVPR "
        "2015, ",
        reporting.link("arXiv:1412.1897", "https://arxiv.org/abs/1412.1897"),
        " (evolving against three networks at once); F. Tramèr et al., “On adaptive attacks to "
        "adversarial example defenses”, NeurIPS 2020, ",
        reporting.link("arXiv:2002.08347", "https://arxiv.org/abs/2002.08347"),
        ".",
    )
