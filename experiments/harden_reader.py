"""Teach readers what misleads them: do they learn what it is, or where it stands?

Run:    python -m experiments.harden_reader
        python -m experiments.harden_reader --preset squad --data-dir DIR
Cost:   80 CPU-seconds (made-up facts, five small networks, each taught in three ways); more
        with --preset squad, whose paragraphs are longer.
Expect: retraining on sentences that have a question's words but do not answer it helps where
        they stood, at the end, and hardly elsewhere; on sentences at any place it helps at
        all places, and less.
Source: Jia and Liang, 2017, arXiv:1707.07328, section 4.6.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Count, Reading, RunFlags

if TYPE_CHECKING:
    from fooljax.data import Passage, Reader
    from fooljax.metrics import Interval
    from fooljax.types import RandomKey

SAME, TAUGHT, ANYWHERE = "more of the same", "with AddSent", "with AddSent at any place"
LESSONS = (SAME, TAUGHT, ANYWHERE)  # what a matcher goes on learning from
UNCHANGED, LAST, MIDDLE, FIRST = "unchanged", "last", "middle", "first"
PLACES = (UNCHANGED, LAST, MIDDLE, FIRST)  # of AddSent's sentence
LONGEST = 9  # sentences of a paragraph that a matcher learns from; it reads longer ones, too
#: F1 of BiDAF in the paper, trained as it was and on sentences of AddSent, too; "first" is
#: another set, in which the fake answers are others as well.
PAPER = {UNCHANGED: (75.8, 75.1), LAST: (34.8, 70.4), FIRST: (34.3, 39.2)}
PAPERS = {
    "1707.07328": "R. Jia and P. Liang, “Adversarial examples for evaluating reading "
    "comprehension systems”, EMNLP 2017, section 4.6: a network trained on AddSent's sentences",
    "1606.05250": "P. Rajpurkar and others, “SQuAD: 100,000+ questions for machine "
    "comprehension of text”, EMNLP 2016",
}


@dataclass(frozen=True)
class Config:
    """Teach readers what misleads them.

    Attributes:
        reading: what is read, and the networks that learn to.
        retrain_steps: for which they go on learning.
        run: where the run goes.
    """

    reading: Reading = field(default_factory=Reading)
    retrain_steps: Count = 300
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(Reading(questions=40, matchers=2, train_steps=60), retrain_steps=20),
    "squad": Config(
        Reading(dataset="squad", questions=1000, matchers=3, train_steps=1000), retrain_steps=400
    ),
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        task = study.load_paragraphs(config.reading, config.run.seed)
        trained = study.train_matchers(run, config.reading, task)
        taught = retrain(run, task, trained.each)
        results = study.gather(trained.results, taught)
        records = list(judge(taught))
        found = Found(config, task, results.seconds, records)
        conclusion = conclude(found)
        print(conclusion, file=sys.stderr)
        return study.publish(
            run,
            report(found),
            {},
            results,
            records,
            PAPERS,
            conclusion=conclusion,
            dataset=config.reading.dataset,
            retrained={
                lesson: {place: found.right(lesson, place)._asdict() for place in PLACES}
                for lesson in LESSONS
            },
            gained={
                lesson: {place: found.gained(place, lesson)._asdict() for place in PLACES}
                for lesson in (TAUGHT, ANYWHERE)
            },
            intervals="95 %, Student's t over matchers",
        )


def retrain(
    run: study.Run[Config], task: study.Paragraphs, matchers: Sequence[fj.types.Classifier]
) -> study.Results:
    """Let matchers go on learning, with and without AddSent, and ask about other topics."""
    config = run.config
    count = max(LONGEST, *(len(one.sentences) for one in task.teaching))

    def teach(key: RandomKey, taught: str, repeat: int) -> Mapping[str, ArrayLike]:
        learned, held = split_topics(config, task, repeat)
        passages = lesson(config, task, learned, taught, repeat)
        key = study.key_of(config.run.seed, repeat=repeat)  # the same batches for all
        how = {"sentences": count, "steps": config.retrain_steps}
        read = study.teach(key, matchers[repeat], passages, config.reading, task, **how)
        return {place: right_at(read, task, held, place) for place in PLACES}

    cells = study.grid(taught=LESSONS, repeat=range(len(matchers)))
    return study.compute(run, cells, teach, "retraining")


def split_topics(config: Config, task: study.Paragraphs, repeat: int) -> tuple[set[str], set[str]]:
    """Return names of questions to learn from and to ask, of different topics, half of each."""
    topics = list(dict.fromkeys(one.topic for one in task.passages))
    order = np.random.default_rng([config.run.seed, 3, repeat]).permutation(len(topics))
    learned = {topics[i] for i in order[: len(topics) // 2]}
    names = lambda inside: {one.name for one in task.passages if (one.topic in learned) == inside}
    return names(True), names(False)


def lesson(
    config: Config, task: study.Paragraphs, learned: set[str], taught: str, repeat: int
) -> list[Passage]:
    """Return what a matcher goes on learning from, of the same size whatever is taught.

    A third is what it knows, a third unchanged paragraphs, and a third has AddSent's
    sentences, or is unchanged, too.
    """
    short = lambda some: [one for one in some if len(one.sentences) <= LONGEST]
    added = short(one for one in task.addsent if one.name in learned)
    plain = short(one for one in task.passages if one.name in learned)
    draw = np.random.default_rng([config.run.seed, 4, repeat])
    old = [task.teaching[i] for i in draw.integers(len(task.teaching), size=len(added))]
    tiled = [plain[i % len(plain)] for i in range(2 * len(added))]
    if taught == ANYWHERE:
        anywhere = lambda one: int(draw.integers(len(one.sentences)))
        added = [fj.data.move_sentence(one, anywhere(one)) for one in added]
    return old + (tiled if taught == SAME else tiled[: len(added)] + added)


def right_at(read: Reader, task: study.Paragraphs, held: set[str], place: str) -> np.ndarray:
    """Return for each question held out whether all its variants are answered right.

    Args:
        read: the reader.
        task: what is read.
        held: names of the questions.
        place: where AddSent's sentence stands.
    """
    some = task.addsent if place != UNCHANGED else ()
    variants = [_placed(one, place) for one in some if one.name in held]
    changed = {one.name for one in variants}
    plain = [one for one in task.passages if one.name in held - changed]
    asked = [*variants, *plain]
    right = fj.attacks.right_by_name(fj.attacks.verdict(read(asked), asked)[0], asked)
    return np.array([right[one.name] for one in task.passages if one.name in held])


def _placed(passage: Passage, place: str) -> Passage:
    count = len(passage.sentences) - 1
    return fj.data.move_sentence(passage, {LAST: count, MIDDLE: count // 2, FIRST: 0}[place])


def judge(taught: study.Results) -> Iterator[study.Record]:
    """Yield a record for each lesson of each matcher, and place of the added sentence."""
    for cell, arrays in taught.found:
        for place in PLACES:
            yield {**cell, "place": place, "right": float(np.mean(arrays[place]))}


class Found(NamedTuple):
    """All that the page is about."""

    config: Config
    task: study.Paragraphs
    seconds: float
    records: Sequence[study.Record]

    def shares(self, taught: str, place: str) -> list[float]:
        """Return the share of held-out questions that each matcher answers right."""
        return [one["right"] for one in study.where(self.records, taught=taught, place=place)]

    def right(self, taught: str, place: str) -> Interval:
        """Return that share over matchers."""
        return fj.analysis.over_repeats(self.shares(taught, place))

    def gained(self, place: str, taught: str = TAUGHT) -> Interval:
        """Return by how much AddSent in the lesson changed that share, each matcher by itself."""
        both = zip(self.shares(taught, place), self.shares(SAME, place), strict=True)
        gains = [after - before for after, before in both]
        return fj.analysis.over_repeats(gains, bounds=(-1.0, 1.0))


def conclude(found: Found) -> str:
    """Say whether retraining helped, and where."""
    last, first = found.gained(LAST), found.gained(FIRST)
    said = (
        "Retraining on AddSent changed what is right under AddSent by "
        f"{study.spell(last, _points)} percentage points with its sentence at the end, as in the "
        f"lesson, and by {study.spell(first, _points)} with the same sentence at the beginning"
    )
    learned = ": what was learned is above all the place" if first.high < last.low else ""
    ends = (study.spell(found.gained(place, ANYWHERE), _points) for place in (LAST, FIRST))
    return (
        f"{said}{learned}. With such sentences at any place in the lesson these changes are "
        f"{' and '.join(ends)}."
    )


def title(found: Found) -> str:
    """Say what the numbers say."""
    last, first = found.gained(LAST), found.gained(FIRST)
    if first.high < last.low:
        return "Taught what misleads it, a reader learns above all where it stands"
    if last.low > 0.0 and first.low > 0.0:
        return "Taught what misleads it, a reader is misled less"
    return "Taught what misleads it, a reader is not seen to be misled less"


def _points(value: float) -> str:
    """Write a difference of shares in percentage points."""
    return f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}")


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    tiles = [
        (study.share(found.right(taught, place).mean), f"right {words}")
        for taught, place, words in (
            (SAME, UNCHANGED, "with nothing added"),
            (SAME, LAST, "with a misleading sentence at the end"),
            (TAUGHT, LAST, "after lessons with such sentences at the end"),
            (TAUGHT, FIRST, "after these, where they stand at the beginning"),
        )
    ]
    yield study.Opening(
        title(found),
        "A sentence that has a question's words but does not answer it misleads a network that "
        "reads. Now it is taught such sentences. Does it see through them, or does it pass over "
        "the place where they stood?",
        [*tiles, (study.duration(found.seconds), "of computing")],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("Does it help to learn from such sentences?")
    yield from lessons(found)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, task = found.config, found.task
    trained = "One small network was trained"
    if config.reading.matchers > 1:
        trained = f"{config.reading.matchers} small networks were trained from different starts"
    about = "made-up countries" if config.reading.dataset == "facts" else "articles of Wikipedia"
    yield (
        f"{trained} on "
        f"{len(task.teaching):,} questions. Each picks the sentence of a paragraph that answers "
        "the question: it compares each word of the question with the word of a sentence most "
        "like it, and sees where a sentence stands, from both ends of the paragraph. Then there "
        f"were {len(task.passages):,} questions about {about}, and AddSent's sentences, which are "
        "like the question, but about something else (experiments.distract shows them)."
    )
    yield (
        "The topics were divided in two at random. Each matcher went on learning from one half, "
        f"for {config.retrain_steps} steps: in one copy ({TAUGHT}) also from paragraphs with "
        f"AddSent's sentences at the end, in another ({ANYWHERE}) with the same sentences at a "
        f"random place, in a third ({SAME}) from unchanged paragraphs instead. All were then asked "
        "about the other half, where AddSent's sentences stood at the end, in the middle or at the "
        "beginning. A reader that had learned what such sentences are would not care where they "
        "stand."
    )


def lessons(found: Found) -> Iterator[study.Block]:
    """Say whether retraining helps, and against what."""
    rows = [
        (taught, *(study.spell(found.right(taught, place)) for place in PLACES))
        for taught in LESSONS
    ]
    for taught in (TAUGHT, ANYWHERE):
        gains = (study.spell(found.gained(place, taught), _points) for place in PLACES)
        rows.append((f"gain {taught}, percentage points", *gains))
    ends = ("nothing", *(f"AddSent, {place}" for place in PLACES[1:]))
    yield fj.reporting.table(
        ("Went on learning from", *ends),
        rows,
        "Share of questions on other topics answered right, by where the added sentence stands; "
        f"in brackets 95 % intervals over {found.config.reading.matchers} matchers, each with "
        "topics of its own",
    )
    yield fj.reporting.paragraph(fj.reporting.strong(conclude(found)))
    plain, last, first = (PAPER[place] for place in (UNCHANGED, LAST, FIRST))
    yield (
        f"In the paper BiDAF, trained anew, went from {last[0]:g} to {last[1]:g} F1 under AddSent "
        f"({plain[0]:g} to {plain[1]:g} with nothing added), and from {first[0]:g} to "
        f"{first[1]:g} where sentences stood at the beginning and the fake answers were others. "
        "Here the answers are the same, so only the place differs."
    )


if __name__ == "__main__":
    study.launch(main, PRESETS, __doc__)
