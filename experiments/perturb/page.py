"""The page of a finished ``experiments.perturb`` run, for somebody who did not run it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import Ball, Found

GROUPS = {
    "nearest": "that look for the nearest wrong {one}",
    "linf": "within a largest change of a {number} (Linf)",
    "l2": "within a Euclidean length of the change (L2)",
    "l1": "within a sum of all changes (L1)",
    "l0": "within a number of changed {number}s (L0)",
    "altered": "by changes that need not be small",
    "targeted": "toward a random other class",
}
#: What is at most epsilon, and how a curve's axis says it, in the norms with a worst case.
SIZES: Mapping[Ball, tuple[str, str]] = {
    "linf": ("any {number} changed by at most", "largest change of a {number}"),
    "l2": ("changes no longer than", "Euclidean length of the change"),
}
_share = lambda value: "—" if value is None else fj.reporting.percent(value)
_number = lambda value: "—" if value is None else f"{value:.3g}"
#: What stands in the columns of the table, given an attack's record.
COLUMNS: Mapping[str, Callable[[study.Record], str]] = {
    "Attack": lambda one: one["attack"],
    "Epsilon": lambda one: _number(one["epsilon"]),
    "Fooled (95 % interval)": lambda one: _fooled(one),
    "Mean confidence in the error": lambda one: _share(one["confidence"]),
    "Median in its norm (quartiles)": lambda one: (
        "—"
        if one["distance_median"] is None
        else "{distance_median:.3g} in {in_norm} ({distance_q25:.3g} to {distance_q75:.3g})".format(
            in_norm=fj.attacks.NORM_NAMES[one["norm"]], **one
        )
    ),
    "L1 median": lambda one: _number(one["l1_median"]),
    "L2 median": lambda one: _number(one["l2_median"]),
    "Linf median": lambda one: _number(one["linf_median"]),
    "{Numbers} changed": lambda one: _share(one["l0_median"]),
    "Forward passes": lambda one: f"{one['forwards']:,.0f}",
    "Gradients": lambda one: f"{one['gradients']:,.0f}",
    "Time per {one}": lambda one: f"{1000 * one['seconds']:.3g} ms",
}


def _fooled(one: study.Record) -> str:
    """Say how often an attack succeeds, and tell apart what it fools outside its ball."""
    within, bounds = one["success_within_epsilon"], (one["success_low"], one["success_high"])
    if one["epsilon"] is not None and within < one["success"]:
        return f"{_share(within)}, and {_share(one['success'] - within)} outside of epsilon"
    inside = "" if one["epsilon"] is not None else f" [{_share(within)}]"
    return f"{_share(one['success'])}{inside} ({100 * bounds[0]:.0f} to {100 * bounds[1]:.0f} %)"


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    say = found.words.say
    yield study.Opening(
        "Small changes that fool a neural network",
        say("How little must change in {a one} that a network gets right before it is wrong?"),
        list(key_figures(found)),
    )
    yield from study.sections({say(title): part(found) for title, part in SECTIONS.items()})


def key_figures(found: Found) -> Iterator[tuple[str, str]]:
    """Yield the numbers on top of the page."""
    say, count = found.words.say, len(found.targets)
    yield study.share(found.network.accuracy), say("of the test {many} recognized correctly")
    for norm, worst in found.worst.items():
        epsilon, size = f"{worst.epsilon:g}", say(SIZES[norm][0])
        yield study.share(worst.fooled), say(f"of {count} such {{many}} fooled, {size} {epsilon}")
        words = f"fooled by the most harmful of ten random noises of size {epsilon}"
        yield study.share(worst.noise), f"{words} ({fj.attacks.NORM_NAMES[norm]})"
    near = study.where(found.records, kind="nearest", targeted=False, norm="l2")
    reached = [(one["l2_median"], one["attack"]) for one in near if one["success"] >= 0.9]
    for length, attack in sorted(reached)[:1]:
        yield f"{length:.3g}", f"median Euclidean length that {attack} needs"


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, words = found.config, found.words
    yield (
        f"The network is {found.network.origin}. Of the test {words.many} that it gets right, "
        f"{len(found.targets)} were drawn at random, and each attack changed each of them, "
        f"within the range of {words.numbers} from 0 to 1. An attack succeeds when the network "
        "then names a wrong class; aimed attacks must bring it to one given class, drawn at random."
    )
    yield fj.reporting.paragraph(
        fj.reporting.strong("Two kinds of attack. "),
        f"Some look for the worst {words.one} within a given size of change (epsilon): what counts "
        f"is how often they succeed. Others look for the nearest wrong {words.one}: they nearly "
        "always succeed, and what counts is how far they had to go. Size is measured as the "
        f"largest change of a {words.number} (Linf, {config.epsilon:g} in the table), as the "
        f"Euclidean length of all changes together (L2, {config.epsilon_l2:g}), or as their sum "
        f"(L1, {config.epsilon_l1:g}); or it is counted how many change at all (L0).",
    )


def grouped(found: Found) -> dict[str, list[str]]:
    """Return the names of attacks by the group that they are shown in."""
    methods, groups = found.scene.methods, {group: list[str]() for group in GROUPS}
    for name, entry in methods.items():
        kind = entry.kind if entry.kind in ("nearest", "altered") else entry.norm
        groups["targeted" if entry.aimed else kind].append(name)
    return {group: names for group, names in groups.items() if names}


def images(found: Found) -> Iterator[study.Block]:
    """Show originals, changes and results, a picture for each group of attacks."""
    say = found.words.say
    yield say(
        "Under each {one} stands what the network says and how sure it is. Ask yourself whether "
        "you would have changed your mind."
    )
    for place, (group, names) in enumerate(grouped(found).items()):
        blocks: list[study.Block] = [examples(found, group, names)]
        if found.words.one != "image":
            blocks.append(compared(found, names))
        title = say(f"Attacks {GROUPS[group]}")
        yield from blocks if place == 0 else [study.Folded(title, blocks)]


def examples(found: Found, group: str, names: Sequence[str]) -> study.Figure:
    """Show a row of originals, then two for each attack: what it added and what came out."""
    originals, words = found.originals, found.words
    said = answers(found, originals)
    drawn = functools.partial(study.as_pictures, found.network.medium)
    if group == "targeted":
        goals = [found.network.class_names[i] for i in found.targets[: len(originals)]]
        said = [f"{one}\naimed at {goal}" for one, goal in zip(said, goals, strict=True)]
    rows, captions, titles = [drawn(originals)], [said], ["original"]
    for name in names:
        made = found.outcomes[name].images
        rows += map(drawn, [study.stretch(made - originals), made])
        norm = found.scene.methods[name].norm
        captions += [study.spell_sizes(made - originals, norm, words), answers(found, made)]
        titles += [f"{name}: change", f"{name}: result"]
    return study.images(
        f"images_{group}",
        rows,
        captions,
        words.say(
            f"Originals, changes and results of the attacks {GROUPS[group]}. Top row: the "
            "originals. Then for each attack what it added, and the result. The "
            "real size of each change stands below it."
        )
        + study.how_shown(found.network.medium),
        row_names=titles,
        columns=len(originals),
        scale_note="Each change is stretched until its largest part (the number after ±, of a "
        "range of 1) is black or white; grey is no change.",
    )


def compared(found: Found, names: Sequence[str]) -> study.Block:
    """Let the reader hear or watch the first original, and what each attack made of it."""
    made = np.concatenate([found.outcomes[name].images[:1] for name in names])
    before = np.repeat(found.originals[:1], len(made), axis=0)
    both = zip(names, answers(found, before), answers(found, made), strict=True)
    words = [
        (f"the original: {was}", f"{name}: {became}".replace("\n", " "))
        for name, was, became in both
    ]
    return study.compare(found.network.medium, before, made, words)


def answers(found: Found, shown: np.ndarray) -> list[str]:
    """Say what the network answers to images, and how sure it is."""
    logits = np.asarray(study.logits(found.network.classifier, shown))
    classes = found.network.class_names
    names = [*classes, *["none of these"] * (logits.shape[1] - len(classes))]
    return [study.answer(one, names) for one in logits]


def attacks(found: Found) -> Iterator[study.Block]:
    """Show all attacks in groups, then the worst case of all together."""
    table, words = fj.reporting.table, found.words
    tabled = {one["attack"]: one for one in study.where(found.records, tabled=True)}
    loud = {name: title for name, title in study.LOUDNESS.items() if name in found.records[0]}
    titles = [*map(words.say, COLUMNS), *loud.values()]
    for group, names in grouped(found).items():
        lines = [{**tabled[name], "seconds": found.outcomes[name].seconds} for name in names]
        rows = [
            [
                *(write(line) for write in COLUMNS.values()),
                *(study.level(line[one]) for one in loud),
            ]
            for line in lines
        ]
        yield table(titles, rows, words.say(f"Attacks {GROUPS[group]}"), sortable=True)
    if words.one == "sound":
        epsilons = sorted({*found.config.epsilons, found.config.epsilon})
        yield study.table_of_levels(found.scene.real.images, epsilons)
    yield (
        "An attack's norm is the one in which it works or looks for what is near; in L0 that is "
        f"how many {words.numbers} change. Distances and confidence are those of successes only, "
        f"so an attack that fools only the easy {words.many} looks nearer than it is; compare rows "
        "with similar rates. For attacks without an epsilon the share in brackets succeeded within "
        f"the table's epsilon. Passes are a mean for each {words.one}. Times are of the fastest "
        "batch on one machine and say little about another."
    )
    for norm, worst in found.worst.items():
        low, high = (f"{100 * end:.0f}" for end in (worst.low, worst.high))
        strongest = f" None alone fools more than {worst.strongest}." if worst.strongest else ""
        yield fj.reporting.paragraph(
            fj.reporting.strong(f"Worst case in {fj.attacks.NORM_NAMES[norm]} {worst.epsilon:g}: "),
            f"taking for each {words.one} whatever attack succeeded, {study.share(worst.fooled)} "
            f"are fooled (95 % interval {low} to {high} %), so at most "
            f"{study.share(1.0 - worst.fooled)} are robust.{strongest}",
        )
    about = [(name, entry.about) for name, entry in found.scene.methods.items()]
    yield study.Folded("What each attack does", [table(("Attack", "What it does"), about)])


def drawn_curves(found: Found) -> Iterator[study.Block]:
    """Draw the accuracy that is left over the size of the change."""
    for norm, series in found.curves.items():
        name = fj.attacks.NORM_NAMES[norm]
        draw = functools.partial(
            fj.reporting.lines,
            series=series,
            x_label=f"{name} epsilon ({found.words.say(SIZES[norm][1])})",
            y_label="accuracy left",
            shares=True,
            dashed=[one for one in series if one.startswith("noise")],
        )
        yield study.Figure(
            f"curve_{norm}",
            draw,
            f"Accuracy left when changes may be as large as epsilon, in {name}, for each attack. "
            "The lower a line, the stronger the attack; the true accuracy is at most that of the "
            "lowest. Dashed: random noise of the same size. Marks are measured, and between them "
            "the lines are only drawn; those of attacks that look for the nearest image follow "
            "from their distances, everywhere.",
        )


def noise(found: Found) -> Iterator[study.Block]:
    """Compare all attacks with noise of the same size."""
    yield found.words.say(
        "A network might err on anything that is not exactly like its training {many}. To tell, "
        "the same {many} were given random noise of the same size: every {number} up or down by "
        "epsilon, or a random direction of length epsilon, ten times, and the most harmful draw "
        "counts. The gap between the columns is what knowing the network is worth."
    )
    rows = [
        (
            f"{fj.attacks.NORM_NAMES[norm]} {worst.epsilon:g}",
            study.share(worst.fooled),
            study.share(worst.noise),
        )
        for norm, worst in found.worst.items()
    ]
    yield fj.reporting.table(("Size", "Fooled by any attack", "Fooled by noise"), rows)


def papers(found: Found) -> Iterator[study.Block]:
    """Show numbers beside those that papers print."""
    if not found.printed:
        yield "None of the attacks that ran has published numbers to compare with."
        return
    yield study.table_of_printed(found.printed)
    yield (
        "Relative length is the Euclidean length of the change over that of the image. Other "
        "networks and other images give other numbers (here: "
        f"{found.network.origin}); what should agree is their order: one step must go much "
        "farther than attacks that look for the nearest image. Published errors count all test "
        "images, these only images that were right before. The published L-BFGS numbers are aimed "
        "at one class, and their distance term is another."
    )


def distrust(found: Found) -> Iterator[study.Block]:
    """Say what speaks against believing the numbers."""
    yield (
        "That an attack fails can mean that the network is robust, or that the attack is not good. "
        "So the attacks were compared: does success rise with epsilon, does an attack without "
        "gradients or noise fool what gradients do not?"
    )
    yield (
        "The network was also asked: is there a gradient everywhere, are the outputs logits and "
        "repeatable, do more steps and restarts help, is nothing left when every image is allowed?"
        if found.config.diagnose
        else "This run did not ask the network itself (--no-diagnose)."
    )
    if not found.doubts:
        yield fj.reporting.paragraph(
            fj.reporting.strong("Nothing was found. "),
            "That is no proof that no attack is stronger.",
        )
        return
    words = f"{len(found.doubts)} of these questions gave reason for doubt:"
    yield fj.reporting.paragraph(fj.reporting.strong(words))
    rows = [(one.name, one.message) for one in found.doubts]
    yield fj.reporting.table(("What", "What it means"), rows)


SECTIONS: Mapping[str, Callable[[Found], Iterator[study.Block]]] = {
    "What was done": story,
    "The {many}": images,
    "Every attack side by side": attacks,
    "How much change it takes": drawn_curves,
    "Would any noise do?": noise,
    "Beside published numbers": papers,
    "What to distrust": distrust,
}
