"""The page of a finished ``experiments.reduce`` run, for somebody who did not run it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import ATTACKS, CONTROL, LENGTH, RULES, TAUGHT, Found

EXAMPLES = 12  # of each rule and each attack


def number(value: float) -> str:
    """Write a mean number of words."""
    return f"{value:.1f}"


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    rule = found.config.rules[0]
    mean = lambda measure, which=rule: found.value(measure, which).mean
    reduced = study.where(found.records, rule=rule)
    surer = [one["sure_after"] >= one["sure_before"] for one in reduced]
    judged = "the network is less sure than before"
    if any(surer):
        judged = "the network is surer than before" if all(surer) else "some networks are surer"
    few = number(mean("after"))
    yield study.Opening(
        f"{few} of {number(mean('before'))} words are enough, and {judged}",
        "Words of sentences are deleted, one after the other, as long as the network keeps its "
        "answer. What is left says by what it was convinced.",
        [
            (few, f"words are left of {number(mean('before'))}, on average"),
            (study.sure(mean("sure_after")), "median confidence in what is left"),
            (study.sure(mean("sure_before")), "in the whole sentence"),
            (number(mean("after", CONTROL)), "words are left where random ones are deleted"),
        ],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("What came out")
    yield from findings(found)
    yield study.Heading("What was left")
    yield from examples(found, rule)
    if found.config.attacks:
        yield study.Heading("Other ways to change the answer")
        yield from others(found)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config, shared = found.config, found.networks
    yield (
        f"Networks learned to tell {' from '.join(shared.class_names)} by sentences "
        f"({config.victim.dataset}; {study.plural(len(shared.each), 'network')}"
        f"{' of other starting weights' if len(shared.each) > 1 else ''}). Of the "
        f"test sentences that a network read correctly, up to {config.texts} were drawn. From each "
        "one word after the other was deleted, and none that changed the answer:"
    )
    taught = (
        f"the same, once the network has learned to be unsure of what was left of {config.teach} "
        "training sentences"
    )
    last = "By the rule exact no single deletion keeps it then." if "exact" in config.rules else ""
    said = {**RULES, TAUGHT: taught}
    rows = [(rule, said[rule]) for rule in found.left.names("rule")]
    yield fj.reporting.table(("Rule", "The word that is deleted next"), rows)
    yield (
        "A sentence is left as it is once the deletion that the rule asks for would change the "
        f"answer. {last}"
    )
    if config.victim.dataset == "opinions":
        yield (
            "These sentences were made by a grammar: the class follows from an adjective and from "
            "whether it is denied, and both occur in both classes. So no single word says anything "
            "about the class, and whoever is sure of it by one word is wrong to be sure."
        )


def findings(found: Found) -> Iterator[study.Block]:
    """Say in words what the numbers say, and no more; then all numbers."""
    for rule in found.left.names("rule"):
        value = functools.partial(found.value, rule=rule)
        yield fj.reporting.paragraph(
            fj.reporting.strong(rule),
            f": of {number(value('before').mean)} words {study.spell(value('after'), number)} are "
            f"left, {study.spell(value('two'))} of the sentences with two words or fewer; the "
            f"median confidence went from {study.spell(value('sure_before'), study.sure)} to "
            f"{study.spell(value('sure_after'), study.sure)}.",
        )
    if found.config.teach:
        right = fj.analysis.over_repeats(found.accuracies)
        before = fj.analysis.over_repeats(
            [one.accuracy or 0.0 for one in found.networks.each.values()]
        )
        yield (
            f"Taught to be unsure, the networks read {study.spell(right)} of the test sentences "
            f"correctly; before it were {study.spell(before)}."
        )
    records = [
        {**cell, "left": most, "share": float(np.mean(words <= most))}
        for cell, arrays in found.results.found
        if "rule" in cell
        for words in [np.count_nonzero(arrays["after"], axis=1)]
        for most in range(1, arrays["after"].shape[1] + 1)
    ]
    caption = (
        "Share of sentences of which at most so many words are left. How to read it: the sooner a "
        "line rises, the fewer words the network needs for its answer. The control is dashed."
    )
    table = study.summarize(records, ("rule", "left"), ("share",), "network")
    looks: dict[str, Any] = {"x_label": "words left, at most", "y_label": "share of sentences"}
    looks["intervals_over"] = "the networks"
    yield study.lines(
        "left", table, "left", "share", "rule", caption, shares=True, dashed=[CONTROL], **looks
    )


def shown(found: Found, arrays: Any) -> list[tuple[str, fj.reporting.Html]]:
    """Return rows of a table: the class, and what became of a text."""
    from fooljax.reporting import texts

    names = found.networks.class_names
    rows = zip(arrays["labels"], arrays["before"], arrays["after"], strict=True)
    changed = lambda old, new: texts.edited(found.spell(old), found.spell(new))
    return [(names[int(label)], changed(*both)) for label, *both in list(rows)[:EXAMPLES]]


def examples(found: Found, rule: str) -> Iterator[study.Block]:
    """Show the first sentences, deleted words struck through."""
    header = ("Answer", "Sentence, deleted words struck through", "Sure before", "Sure after")
    for which in dict.fromkeys((rule, CONTROL)):
        arrays = found.results.where(rule=which).found[0][1]
        pairs = zip(arrays["sure_before"], arrays["sure_after"], strict=True)
        sure = [tuple(study.sure(float(one)) for one in pair) for pair in pairs]
        both = zip(shown(found, arrays), sure, strict=False)
        rows: list[Any] = [(*row, *confidences) for row, confidences in both]
        caption = f"Rule: {which}. Sentences of the first network, not selected."
        table = fj.reporting.table(header, rows, caption)
        yield table if which == rule else study.Folded("The same by the control", [table])


def others(found: Found) -> Iterator[study.Block]:
    """Show the attacks that put words in."""
    from fooljax.reporting import texts

    config = found.config
    yield fj.reporting.table(
        ("Attack", "What it does"), [(one, ATTACKS[one]) for one in config.attacks]
    )
    keys = {"attack": "Attack", "words": "Words it may put in"}
    caption = (
        "Share of sentences whose answer changed (hotflip: at most "
        f"{study.plural(config.edits, 'word')} replaced; trigger: "
        f"{study.plural(config.front, 'word')} in front, found on training texts), and of nonsense "
        f"of {LENGTH} words of which the network is {study.sure(config.tau)} sure (coordinate). "
        "Control: as many random words in place of chosen ones."
    )
    yield study.numbers(found.won, keys, {"success": "Succeeds", "control": "Control"}, caption)
    for attack in config.attacks:
        for words in found.won.where(attack=attack).names("words"):
            arrays = found.results.where(attack=attack, words=words).found[0][1]
            if attack == "trigger":
                said = zip(found.networks.class_names, arrays["trigger"], strict=True)
                rows = [(name, texts.written(found.spell(ids))) for name, ids in said]
                header = ("Before sentences of class", "Words in front")
            else:
                rows = shown(found, arrays)
                header = ("Class", "Text; new words are underlined")
            yield study.Folded(f"Examples: {attack}, {words}", [fj.reporting.table(header, rows)])
