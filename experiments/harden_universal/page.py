"""The page of a finished ``experiments.harden_universal`` run."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import CONTROL, KINDS, Config, Found, call, strongest

PAPER = {0: 0.937, 1: 0.762, 2: 0.8}  # VGG-F on ImageNet before, and after each of two rounds
TITLES = {
    "untested": "A network that universal perturbations fool hardly more than random changes do",
    "none": "Training on universal perturbations is not seen to help against new ones",
    "partly": "Training on universal perturbations helps, up to a point",
    "solved": "Training on universal perturbations leaves new ones little to do",
}


def conclude(config: Config, shares: study.Table, verdict: str) -> str:
    """Say in words what the numbers of this run say."""
    opening = {
        "untested": "These runs say nothing about the defense, for before it, universal "
        "perturbations fooled the network less than twice as often as random changes of their size",
        "none": "Training on universal perturbations did not measurably help against new ones",
        "partly": "Training on universal perturbations helps, and does not solve the problem",
        "solved": "After training on universal perturbations, new ones of this strength do no "
        "more than twice what random changes do",
    }[verdict]
    new = lambda rounds: study.share(strongest(config, shares, rounds).mean)
    mean = lambda kind, rounds: study.share(shares.value("share", kind=kind, rounds=rounds).mean)
    end, after = config.rounds, study.plural(config.rounds, "round")
    return (
        f"{opening}: new perturbations fool the network about {new(0)} of held-out images before "
        f"and {new(end)} after {after} (random changes of the same size: {mean('random', 0)} and "
        f"{mean('random', end)}; trained on as long without perturbations: {new(CONTROL)}). The "
        f"perturbations that the last round trained on fool {mean('trained_on', end)}. Right on "
        f"unchanged images: {mean('right', 0)} before, {mean('right', end)} after; changed one by "
        f"one by PGD (at most {config.pgd_epsilon:g}): {mean('pgd', 0)} fooled before, "
        f"{mean('pgd', end)} after."
    )


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    config, shares, end = found.config, found.shares, found.config.rounds
    new = lambda rounds: study.share(strongest(config, shares, rounds).mean)
    mean = lambda kind: study.share(shares.value("share", kind=kind, rounds=end).mean)
    yield study.Opening(
        TITLES[found.verdict],
        "One small change, added to any image, can fool a network about most of them. Shown such "
        "changes during training, it learns to see past them. Does it learn to see past the next "
        "one?",
        [
            (new(0), "of images fooled by one change, before"),
            (new(end), f"by a new one, after {study.plural(end, 'round')}"),
            (mean("trained_on"), "by those trained on last"),
            (mean("random"), "by random changes of the same size"),
            (study.duration(found.results.seconds), "of computing"),
        ],
    )
    yield study.Heading("What was done")
    yield (
        f"The network: {found.origin}. In each round, {config.pool} universal perturbations "
        f"({config.pool_method}) were made for the network as it then was, none changing a number "
        f"of an image by more than {config.epsilon:g} (numbers run from 0 to 1). Then it was "
        f"trained on for {config.tune_steps:,} steps; each image had one of them added with "
        f"probability {config.share:g}."
    )
    yield (
        f"After every round, {config.tests} new perturbations of each kind "
        f"({', '.join(config.methods)}) were made against the new network, from other random "
        f"numbers than the pool, and tried on {found.test_images:,} test images. Fooled is an "
        "image whose answer changes. Whoever defends a network may be tempted to try the old "
        "perturbations again; what counts are the new ones. “Without perturbations” is a control: "
        "the same network trained on for as many steps on unchanged images. Training counts as a "
        "help if the last round's interval lies below that from before."
    )
    yield study.Heading("What came out")
    yield fj.reporting.paragraph(fj.reporting.strong("In short. "), found.conclusion)
    yield course(found)
    yield numbers(found)
    yield study.Heading("The perturbations")
    yield perturbations(found)


def course(found: Found) -> study.Block:
    """Draw fooling rates by round, of new and old perturbations and controls."""
    drawn: dict[str, str] = {
        **{method: f"new, {method}" for method in found.config.methods},
        "random": "random",
    }
    drawn["trained_on"] = "trained on last"
    records = [
        {**record, "kind": drawn[record["kind"]]}
        for record in found.records
        if record["kind"] in drawn
        and record["rounds"] != CONTROL
        and (record["kind"], record["rounds"]) != ("trained_on", 0)
    ]
    paper = "the paper's, ImageNet"
    records += [
        {"rounds": rounds, "kind": paper, "repeat": 0, "share": share}
        for rounds, share in PAPER.items()
        if rounds <= found.config.rounds
    ]
    return study.lines(
        "rounds",
        study.summarize(records, ("rounds", "kind"), ["share"]),
        "rounds",
        "share",
        "kind",
        "Share of held-out images fooled, round by round. How to read it: lines of new "
        "perturbations that flatten out above the random ones are what training cannot remove. "
        "There is one network only. The paper's network and images are much larger; its numbers "
        "show a course, not a target.",
        intervals_over="the new perturbations",
        x_label="rounds of training on with perturbations",
        y_label="share of held-out images fooled",
        shares=True,
        dashed=("random", paper),
    )


def numbers(found: Found) -> fj.reporting.Html:
    """Write all shares, a line for each round and one for the control."""
    titles = {method: f"New, {method}" for method in found.config.methods} | KINDS
    titles["pgd"] = titles["pgd"].format(found.config.pgd_epsilon)
    records = [
        {**record, "network": call(record["rounds"])}
        for record in found.records
        if record["kind"] != "trained_on" or record["rounds"] not in (0, CONTROL)
    ]
    paper = {call(rounds): study.share(one) for rounds, one in PAPER.items()}
    means = study.summarize(records, ("network", "kind"), ["share"])

    def write(network: str, kind: str) -> str:
        of = means.column("kind", "share", network=network)
        return study.spell(of[kind]) if kind in of else ""

    columns = {title: functools.partial(write, kind=kind) for kind, title in titles.items()}
    return study.tabulate(
        means.names("network"),
        {"Network": str, **columns, "The paper's": lambda network: paper.get(network, "")},
        "Share of held-out images fooled"
        f"{study.of_several(found.config.tests, ' (95 % interval over the perturbations)')}",
    )


def perturbations(found: Found) -> study.Figure:
    """Show the first new perturbation of each method, before and after every round."""
    config, turns = found.config, range(found.config.rounds + 1)
    first = lambda method, rounds: found.results.one(rounds=rounds, part=method, number=0)
    cells = [[first(method, rounds) for rounds in turns] for method in config.methods]
    shown = [[0.5 + 0.5 * one["perturbation"] / config.epsilon for one in row] for row in cells]
    return study.images(
        "perturbations",
        np.clip(np.array(shown), 0.0, 1.0),
        [[f"fools {study.share(float(one['share']))}" for one in row] for row in cells],
        "New perturbations before and after each round. The first new one of each kind, not "
        "selected, and how many images it fools.",
        row_names=list(config.methods),
        column_names=[call(rounds) for rounds in turns],
        scale_note=f"Black is \N{MINUS SIGN}{config.epsilon:g}, white +{config.epsilon:g}, grey no "
        "change.",
    )
