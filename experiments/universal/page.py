"""The page of a finished ``experiments.universal`` run, for somebody who did not run it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import RANDOM, Found, choose, counts

NORMS = {
    "linf": "no number of the image changes by more than {:.3g}",
    "l2": "the Euclidean length of the change is at most {:.3g}",
}


class Headline(NamedTuple):
    """The first network, method and norm, how often its change fools, and random changes."""

    made_for: str
    method: str
    norm: str
    epsilon: float
    fit: float
    held_out: float
    random: float


def headline(found: Found) -> Headline:
    """Return what the page's title is about."""
    name, (method, norm) = found.names[0], found.kinds[0]
    row = found.own.where(made_for=name, method=method, norm=norm).rows[0]
    shares = row.values["fit"].mean, row.values["held_out"].mean
    random = found.control.value("held_out", shown_to=name, norm=norm).mean
    return Headline(name, method, norm, found.config.radii[norm], *shares, random)


def report(found: Found, first: Headline) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    networks = found.scene.networks
    accuracy = study.share(networks.first.accuracy)
    yield study.Opening(
        "One small change that fools a network about most images"
        if first.held_out > 0.5 > first.random
        else "One small change for all images",
        "Adversarial changes are usually made for one image. Here a single change is added to "
        "every image, also to images that it was not made from.",
        [
            (study.share(first.held_out), "of held-out images fooled by one change"),
            (study.share(first.random), "by random changes of the same size"),
            (accuracy, f"of test images recognized correctly by {first.made_for}"),
            study.counted(len(networks.each), "network"),
            (study.duration(found.results.seconds), "of computing"),
        ],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("What came out")
    yield from findings(found, first)
    yield study.Heading("What it looks like")
    yield from looks(found, first)
    yield from sizes(found, first)
    yield study.Heading("Does it fool other networks?")
    yield from transfer(found)
    yield study.Heading("What do fooled images become?")
    yield (
        "With the change added, a network may call very different images the same. The most "
        "frequent answers to the test images, first repeat:"
    )
    yield labels(found)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config = found.config
    each = f"each of {len(found.names)} networks" if len(found.names) > 1 else "one network"
    anew = ", from images in another order" if config.repeats > 1 else ""
    radii = config.radii.items()
    small = " and ".join(f"{norm} ({NORMS[norm].format(radius)})" for norm, radius in radii)
    goal = "give any answer but the one it gives to the unchanged image"
    if config.target is not None:
        goal = f"answer “{found.scene.networks.class_names[config.target]}”"
    yield (
        f"For {each}, single changes were made that are to make it "
        f"{goal}, when added to any image of {config.victim.dataset}. Numbers of an image run from "
        f"0 (black) to 1 (white), and a change must be small in one of these senses: {small}. Sums "
        "are cut off at 0 and 1."
    )
    ways = [f"{method} {fj.attacks.UNIVERSAL[method].words}" for method in config.methods]
    yield (
        f"How a change is learned: {'; '.join(ways)}. After each batch it is brought back into its "
        "limit. It was learned from training images and tried on "
        f"{len(found.scene.test)} test images that had no part in it. Each kind was made "
        f"{study.often(config.repeats)}{anew}. Controls of the same size "
        "without any learning: random signs for linf, a random direction for l2."
    )


def findings(found: Found, first: Headline) -> Iterator[study.Block]:
    """Say in words and in a table how often changes fool."""
    times = "never succeeded"
    if first.random > 0.0:
        ratio = first.held_out / first.random
        times = f"fooled {study.share(first.random)}, so the learned one works {fold(ratio)} times "
        times += "as often"
    alike = "nearly the same, so it is about the network and not about those images."
    if not abs(first.fit - first.held_out) < 0.05:
        alike = "the difference is what it owes to those very images."
    yield fj.reporting.paragraph(
        fj.reporting.strong(f"{first.made_for}, {first.method}, {first.norm}: "),
        "the learned change fooled the network on "
        f"{study.share(first.held_out)} of the test images; random changes of the same size "
        f"{times}. On images that it was learned from it is {study.share(first.fit)}: {alike}",
    )

    def random(row: study.Row) -> fj.metrics.Interval:
        place = {"shown_to": row.keys["made_for"], "norm": row.keys["norm"]}
        return found.control.value("held_out", **place)

    def ratio_of(row: study.Row) -> str:
        mean = random(row).mean
        return fold(row.values["held_out"].mean / mean) if mean > 0.0 else "random never"

    yield study.numbers(
        found.own,
        {"made_for": "Network", "method": "Method", "norm": "Norm"},
        {"fit": "Learned from", "held_out": "Test images"},
        f"Share of images fooled; mean of {study.plural(found.config.repeats, 'repeat')}.",
        {"Random control": lambda row: study.spell(random(row)), "Times as often": ratio_of},
        intervals_over="the repeats",
    )


def fold(ratio: float) -> str:
    """Write how many times as often, no finer than random changes that hardly ever fool allow."""
    return f"{ratio:.1f}" if ratio < 10.0 else f"{ratio:,.0f}"


def looks(found: Found, first: Headline) -> Iterator[study.Block]:
    """Show images with changes, the changes themselves, and whether repeats agree."""
    test, classes = found.scene.test, found.scene.networks.class_names
    say = lambda label: classes[label] if 0 <= label < len(classes) else "none"
    chosen = study.spread(len(test), 8)
    images = np.asarray(fj.data.as_float(np.asarray(choose(test, chosen))))
    cells = [found.first(*first[:3]), found.first(RANDOM, RANDOM, first.norm)]
    added = [0.0, *(cell["perturbation"] for cell in cells)]
    answers = [found.scene.clean[first.made_for], *(cell["answers"][0] for cell in cells)]
    yield study.images(
        "examples",
        [np.clip(images + change, 0.0, 1.0) for change in added],
        [[say(row[i]) for i in chosen] for row in answers],
        "Test images as they are, with the universal change and with a random one. They are evenly "
        f"spaced through the test set and not selected; below them stands what {first.made_for} "
        f"calls them, with the change that {first.method} learned under {first.norm} "
        f"{first.epsilon:.3g}, and with a random change of the same size. Ask yourself whether you "
        "would have answered otherwise.",
        row_names=["as it is", "with the universal change", "with a random change"],
    )
    rows = [
        [found.first(name, method, norm)["perturbation"] for name in found.names]
        + [found.first(RANDOM, RANDOM, norm)["perturbation"]]
        for method, norm in found.kinds
    ]
    size = lambda one: f"most {np.abs(one).max():.3f}\nlength {np.linalg.norm(one):.2f}"
    yield study.images(
        "perturbations",
        [study.stretch(np.stack(row)) for row in rows],
        [[size(one) for one in row] for row in rows],
        "The changes themselves (first repeat), much enlarged. Their true size is written below "
        "each. A column for each network that they were made for.",
        row_names=[" ".join(kind) for kind in found.kinds],
        column_names=[*found.names, RANDOM],
        scale_note="Each is enlarged so that its own largest change is black or white; grey is no "
        "change. Below: its true largest change and Euclidean length (black to white is 1).",
    )
    if found.config.repeats > 1:
        table = fj.reporting.table(
            ("Change", *found.names),
            [(" ".join(kind), *(alike(found, name, *kind) for name in found.names))
             for kind in found.kinds],
            "Mean cosine between the changes of different repeats: 1 is the same change, 0 has "
            "nothing in common",
        )  # fmt: skip
        yield study.Folded("Do the repeats find the same change?", [table])


def alike(found: Found, name: str, method: str, norm: str) -> str:
    """Mean cosine between the changes of different repeats."""
    place = {"made_for": name, "method": method, "norm": norm, "images": len(found.scene.train)}
    flat = found.results.stacked("perturbation", **place)
    flat = flat.reshape(len(flat), -1)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
    return f"{np.mean((flat @ flat.T)[np.triu_indices(len(flat), 1)]):.2f}"


def sizes(found: Found, first: Headline) -> Iterator[study.Block]:
    """Show how often a change fools by the number of images that it was learned from."""
    counted = counts(found.config, len(found.scene.train))
    mine = study.where(found.records, made_for=first.made_for, shown_to=first.made_for)
    learned = [{**one, "change": f"{one['method']} {one['norm']}"} for one in mine]
    random = study.where(found.records, made_for=RANDOM, shown_to=first.made_for)
    level = [
        {**one, "change": f"random {one['norm']}", "images": n} for one in random for n in counted
    ]
    if len(counted) < 2:
        return
    by = ("change", "images")
    table = study.summarize([*learned, *level], by, ["held_out"], over=study.span)
    spread = " Lines: medians of the repeats; shaded: from the lowest to the highest of them."
    yield study.Heading("How many images does it take?")
    yield study.lines(
        "sizes",
        table,
        "images",
        "held_out",
        "change",
        "Share of test images fooled against the number of images learned from. How to read it: "
        "the further left a line is already high, the fewer images tell all that is needed. The "
        "number of batches is the same everywhere: few images are seen more often. Dashed: random "
        f"changes. Network: {first.made_for}.{study.of_several(found.config.repeats, spread)}",
        x_label="images learned from",
        y_label="share of held-out images fooled",
        log_x=True,
        shares=True,
        dashed=[f"random {norm}" for norm in found.config.norms],
    )
    means = study.summarize(learned, by, ("fit", "held_out"))
    keys, measures = {"change": "Change", "images": "Images"}, {"fit": "Learned from"}
    measures |= {"held_out": "Test images"}
    yield study.Folded("The same as numbers", [study.numbers(means, keys, measures)])


def transfer(found: Found) -> Iterator[study.Block]:
    """Show how often a change made for one network fools the others."""
    random = study.where(found.records, made_for=RANDOM)
    of_all = study.where(found.records, images=len(found.scene.train))
    for place, (method, norm) in enumerate(found.kinds):
        mine = study.where(of_all, method=method, norm=norm)
        control = study.where(random, norm=norm)
        table = study.summarize([*mine, *control], ("made_for", "shown_to"), ["held_out"])
        figure = study.matrix(
            f"transfer_{method}_{norm}",
            table,
            "made_for",
            "shown_to",
            "held_out",
            f"Fooling rates of changes made by {method} {norm}. Row: the network that a change was "
            "made for; column: the one that it was shown to. The diagonal is the network itself, "
            "the last row the random control. A cell well above the random one of its column is "
            "transfer.",
            intervals_over="the repeats",
            label="share of held-out images fooled",
        )
        if place == 0:
            yield transfer_in_words(table, found.names)
        yield figure if place == 0 else study.Folded(f"The same for {method} {norm}", [figure])


def transfer_in_words(table: study.Table, names: Sequence[str]) -> str:
    """Say how many pairs of networks a change goes between, and where the most goes."""
    rate = lambda name, other: table.value("held_out", made_for=name, shown_to=other).mean
    pairs = [
        (rate(name, other), rate(RANDOM, other), name, other)
        for name, other in itertools.permutations(names, 2)
    ]
    if not pairs:
        return "There is but one network."
    most, control, name, other = max(pairs)
    above = sum(rate > random for rate, random, *_ in pairs)
    return (
        f"Of {len(pairs)} pairs of different networks, the change made for one fools the other "
        f"more often than random changes do in {above}. The most goes from {name} to {other}: "
        f"{study.share(most)}, against {study.share(control)} at random."
    )


def labels(found: Found) -> fj.reporting.Html:
    """Write the most frequent answers of every network in the first repeat."""
    classes = found.scene.networks.class_names

    def most(answers: np.ndarray) -> str:
        labels, times = np.unique(answers, return_counts=True)
        top = np.argsort(-times, kind="stable")[:3]
        name = lambda label: classes[label] if 0 <= label < len(classes) else "none"
        return ", ".join(f"{name(labels[i])} ({study.share(times[i] / len(answers))})" for i in top)

    rows = []
    for place, name in enumerate(found.names):
        rows.append((name, "unchanged", most(found.scene.clean[name])))
        for kind in found.kinds:
            rows.append((name, " ".join(kind), most(found.first(name, *kind)["answers"][place])))
    return fj.reporting.table(("Network", "Change", "Most frequent answers"), rows)
