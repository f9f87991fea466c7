"""The page of a finished ``experiments.perturb`` run, for somebody who did not run it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import Ball
from .numbers import Found

GROUPS = {
    "nearest": "that look for the nearest wrong {one}",
    "linf": "within a largest change of a {number} (Linf)",
    "l2": "within a Euclidean length of the change (L2)",
    "l1": "within a sum of all changes (L1)",
    "l0": "within a number of changed {number}s (L0)",
    "altered": "by changes that need not be small",
    "targeted": "toward a random other class",
}
_share = lambda value: "—" if value is None else fj.reporting.percent(value)
_number = lambda value: "—" if value is None else f"{value:.3g}"
#: What stands in the columns of the table, given an attack's record.
COLUMNS: Mapping[str, Callable[[study.Record], str]] = {
    "Attack": lambda one: one["attack"],
    "Epsilon": lambda one: _number(one["epsilon"]),
    "Fooled (95 % interval)": lambda one: (
        _share(one["success"])
        + ("" if one["epsilon"] is not None else f" [{_share(one['success_within_epsilon'])}]")
        + f" ({100 * one['success_low']:.0f} to {100 * one['success_high']:.0f} %)"
    ),
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


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    yield study.Opening(
        "Small changes that fool a neural network",
        say(found, "How little must change in {a one} that a network gets right before it is ")
        + "wrong?",
        list(key_figures(found)),
    )
    for title, blocks in SECTIONS.items():
        yield study.Heading(say(found, title))
        yield from blocks(found)


def key_figures(found: Found) -> Iterator[tuple[str, str]]:
    """Yield the numbers on top of the page."""
    accuracy = study.share(found.scene.prepared.accuracy)
    yield accuracy, say(found, "of the test {many} recognized correctly")
    sizes: Mapping[Ball, str] = {
        "linf": say(found, "any {number} changed by at most"),
        "l2": "changes no longer than",
    }
    for norm, words in sizes.items():
        worst, count = found.worst[norm], len(found.scene.targets)
        fooled = f"of {count} such {found.scene.words.many} fooled, {words} {worst.epsilon:g}"
        yield study.share(worst.fooled), fooled
        name = fj.attacks.NORM_NAMES[norm]
        words = f"fooled by the most harmful of ten random noises of size {worst.epsilon:g}"
        yield study.share(worst.noise), f"{words} ({name})"
    near = study.where(found.records, kind="nearest", targeted=False, norm="l2")
    reached = [(one["l2_median"], one["attack"]) for one in near if one["success"] >= 0.9]
    for length, attack in sorted(reached)[:1]:
        yield f"{length:.3g}", f"median Euclidean length that {attack} needs"


def say(found: Found, words: str) -> str:
    """Put the words for what the network takes in their places."""
    names = found.scene.words
    a_one = f"{'an' if names.one[0] in 'aeiou' else 'a'} {names.one}"
    return (
        words.replace("{a one}", a_one)
        .replace("{Numbers}", names.numbers.capitalize())
        .format(**names._asdict())
    )


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, words = found.config, found.scene.words
    yield (
        f"The network is {found.scene.prepared.origin}. Of the test {words.many} that it gets "
        f"right, {len(found.scene.targets)} were drawn at random, and each attack changed each of "
        f"them, within the range of {words.numbers} from 0 to 1. An attack succeeds when the "
        "network then names a wrong class; aimed attacks must bring it to one given class, drawn "
        "at random."
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
    yield say(found, "Under each {one} stands what the network says and how sure it is. Ask ") + (
        "yourself whether you would have changed your mind."
    )
    for place, (group, names) in enumerate(grouped(found).items()):
        title = say(found, f"Attacks {GROUPS[group]}")
        blocks: list[study.Block] = [examples(found, group, names)]
        if found.scene.words.one != "image":
            blocks.append(compared(found, names))
        yield from blocks if place == 0 else [study.Folded(title, blocks)]


def compared(found: Found, names: Sequence[str]) -> study.Block:
    """Let the reader hear or watch the first original, and what each attack made of it."""
    original = found.results.one(drawn="images")["originals"][:1]
    made = np.concatenate([found.outcomes[name].images[:1] for name in names])
    was, became = answers(found, original)[0], answers(found, made)
    lines = zip(names, (one.replace("\n", " ") for one in became), strict=True)
    words = [(f"the original: {was}", f"{name}: {said}") for name, said in lines]
    before = np.repeat(original, len(made), axis=0)
    return study.compare(found.scene.prepared.medium, before, made, words)


def examples(found: Found, group: str, names: Sequence[str]) -> study.Figure:
    """Show a row of originals, then two for each attack: what it added and what came out."""
    originals = found.results.one(drawn="images")["originals"]
    drawn = functools.partial(study.as_pictures, found.scene.prepared.medium)
    classes = found.scene.prepared.class_names
    said = answers(found, originals)
    if group == "targeted":
        goals = [classes[target] for target in found.scene.targets[: len(originals)]]
        said = [f"{one}\naimed at {goal}" for one, goal in zip(said, goals, strict=True)]
    rows, captions, titles = [drawn(originals)], [said], ["original"]
    for name in names:
        made = found.outcomes[name].images
        change = (made - originals).reshape(len(made), -1)
        largest, lengths = np.abs(change).max(axis=1), long(found, name, change)
        stretched = 0.5 + 0.5 * change / np.where(largest > 0.0, largest, 1.0)[:, None]
        rows += map(drawn, [np.clip(stretched, 0.0, 1.0).reshape(made.shape), made])
        sizes = zip(largest, lengths, strict=True)
        captions.append([f"±{most:.2g}\n{length}" for most, length in sizes])
        captions.append(answers(found, made))
        titles += [f"{name}: change", f"{name}: result"]
    return study.images(
        f"images_{group}",
        rows,
        captions,
        say(found, f"Originals, changes and results of the attacks {GROUPS[group]}. Top row: the ")
        + "originals. Then for each attack what it added, and the result. Each change is stretched "
        "until its largest part is black or white; its real size stands below it."
        + study.how_shown(found.scene.prepared.medium),
        row_names=titles,
        columns=len(originals),
        scale_note="Each change is stretched until its largest part (the number after ±, of a "
        "range of 1) is black or white; gray is no change.",
    )


def long(found: Found, name: str, change: np.ndarray) -> list[str]:
    """Say how long changes ``[n, p]`` are in the attack's norm; in L2 where that is Linf."""
    norm = found.scene.methods[name].norm
    if norm == "l0":
        words, counts = found.scene.words, np.count_nonzero(change, axis=1)
        return [f"{count} {words.number if count == 1 else words.numbers}" for count in counts]
    lengths = np.linalg.norm(change, ord=1 if norm == "l1" else 2, axis=1)
    return [f"{'L1' if norm == 'l1' else 'L2'} {length:.2g}" for length in lengths]


def answers(found: Found, shown: np.ndarray) -> list[str]:
    """Say what the network answers to images, and how sure it is."""
    logits = np.asarray(study.logits(found.scene.prepared.classifier, shown))
    classes = found.scene.prepared.class_names
    names = [*classes, *["none of these"] * (logits.shape[1] - len(classes))]
    return [study.answer(one, names) for one in logits]


def attacks(found: Found) -> Iterator[study.Block]:
    """Show all attacks in groups, then the worst case of all together."""
    table = fj.reporting.table
    tabled = {one["attack"]: one for one in study.where(found.records, tabled=True)}
    for group, names in grouped(found).items():
        lines = [{**tabled[name], "seconds": found.outcomes[name].seconds} for name in names]
        columns = {say(found, title): write for title, write in COLUMNS.items()}
        for name in (name for name in study.LOUDNESS if name in found.scene.measured):
            columns[study.LOUDNESS[name]] = functools.partial(loud, name)
        rows = [[write(line) for write in columns.values()] for line in lines]
        yield table(list(columns), rows, say(found, f"Attacks {GROUPS[group]}"), sortable=True)
    if found.scene.words.one == "sound":
        sizes = sorted({*found.config.epsilons, found.config.epsilon})
        yield study.table_of_levels(found.scene.real.images, sizes)
    yield (
        "An attack's norm is the one in which it works or looks for what is near; in L0 that is "
        f"how many {found.scene.words.numbers} change. "
        "Distances and confidence are those of successes only, so an attack that fools only the "
        f"easy {found.scene.words.many} looks nearer than it is; compare rows with similar rates. "
        "For attacks without an epsilon the share in brackets succeeded within the table's "
        f"epsilon. Passes are a mean for each {found.scene.words.one}. Times are of the fastest "
        "batch on one machine and say little about another."
    )
    for norm, worst in found.worst.items():
        low, high = (f"{100 * end:.0f}" for end in (worst.low, worst.high))
        strongest = f" The strongest alone is {worst.strongest}." if worst.strongest else ""
        yield fj.reporting.paragraph(
            fj.reporting.strong(f"Worst case in {fj.attacks.NORM_NAMES[norm]} {worst.epsilon:g}: "),
            f"taking for each {found.scene.words.one} whatever attack succeeded, "
            f"{study.share(worst.fooled)} are fooled (95 % interval {low} to {high} %), so at "
            f"most {study.share(1.0 - worst.fooled)} are robust.{strongest}",
        )
    about = [(name, entry.about) for name, entry in found.scene.methods.items()]
    yield study.Folded("What each attack does", [table(("Attack", "What it does"), about)])


def loud(name: str, record: study.Record) -> str:
    """Write how loud a change is, one of ``study.LOUDNESS``."""
    return study.level(record[name])


def drawn_curves(found: Found) -> Iterator[study.Block]:
    """Draw the accuracy that is left over the size of the change."""
    units = {
        "linf": say(found, "largest change of a {number}"),
        "l2": "Euclidean length of the change",
    }
    for norm, series in found.curves.items():
        name = fj.attacks.NORM_NAMES[norm]
        draw = functools.partial(
            fj.reporting.lines,
            series=series,
            x_label=f"{name} epsilon ({units[norm]})",
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
    yield (
        "A network might err on anything that is not exactly like its training "
        f"{found.scene.words.many}. To tell, the same {found.scene.words.many} were given random "
        f"noise of the same size: every {found.scene.words.number} up or down by "
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
    if not found.published:
        yield "None of the attacks that ran has published numbers to compare with."
        return
    rows = []
    for line in found.published:
        show = fj.reporting.percent if line.share else lambda value: f"{value:.3g}"
        there = "; ".join(f"{show(value)} ({net})" for net, value in line.there.items())
        here = "not reached" if line.here is None else show(line.here)
        rows.append((line.quantity, here, there))
    titles = ("Quantity", "Here", "Published (network), all on MNIST")
    yield fj.reporting.table(titles, rows)
    yield (
        "Relative length is the Euclidean length of the change over that of the image. Other "
        "networks and other images give other numbers (here: "
        f"{found.scene.prepared.origin}); what should agree is their order: one step must go much "
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
