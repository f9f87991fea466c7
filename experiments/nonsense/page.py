"""The page of ``experiments.nonsense``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import SUITS, Config, Measured, probabilities

if TYPE_CHECKING:
    from fooljax.data import QuestionSet

_EXAMPLES = 12  # questions that words are taken from


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        asked: the questions.
        makers: ways to make pictures.
        measured: what all cells found.
        records: one for each thing measured.
        tables: means over networks: right, noise, all_noise, fooled, reduced, nonsense, lengths.
    """

    config: Config
    asked: QuestionSet
    makers: study.Makers
    measured: Measured
    records: Sequence[study.Record]
    tables: Mapping[str, study.Table]

    @property
    def first(self) -> str:
        """Name of the first network, of which examples are shown."""
        return self.measured.answers.found[0][0]["network"]

    def value(self, table: str, measure: str, **keys: Any) -> fj.metrics.Interval:
        """Return a number of a table."""
        return self.tables[table].value(measure, **keys)


def reached(found: Found, model: str) -> float:
    """Return the share of pictures made to fool a network that do, of answers that suit."""
    fooling = {name for name, maker in found.makers.items() if maker.fools}
    some = study.where(found.records, part="fooled", model=model, answers=SUITS)
    hits = [one["reached"] for one in some if one["generator"] in fooling]
    return float(np.mean(hits)) if hits else math.nan


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    first = found.config.models[0]
    hits, noise = reached(found, first), found.value("all_noise", "confidence", model=first).mean
    left, words = (found.value("lengths", name, model=first).mean for name in ("left", "words"))
    title = "Asked about nonsense, networks answer with certainty"
    if not hits >= 0.5:
        title = "Asked about nonsense, networks answer all the same"
    shown = [
        (study.sure(noise), f"median confidence of {first} in answers about noise"),
        (f"{left:.1f} of {words:.1f}", "words of a question that get the same answer"),
    ]
    if not math.isnan(hits):
        said = (
            f"of nonsense pictures made for a fitting answer get it with {study.sure(study.SURE)}"
        )
        shown.append((study.share(hits), said))
    yield study.Opening(
        title,
        "A network is shown a picture and asked a question about it. What does it answer when "
        "picture or question are nonsense?",
        shown,
    )
    yield study.Heading("What was done")
    yield from story(found)
    if found.config.questions:
        yield study.Heading("Nonsense pictures, and what is answered about them")
        yield from pictures(found)
    yield study.Heading("Nonsense questions: how few words are enough?")
    yield from reductions(found)
    yield from short_texts(found)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config, (cell, arrays) = found.config, found.measured.answers.found[0]
    right = {model: found.value("right", "right", model=model) for model in config.models}
    yield from study.tell_answerers(config.victim, found.asked, right, config.network_seeds)
    yield (
        "With a fixed question a network is a classifier of pictures, with a fixed picture one of "
        "texts; so pictures are made to fool it as they are made for any other classifier."
    )
    yield study.show_questions(found.asked, cell["network"], arrays["said"], config.run.seed)


def pictures(found: Found) -> Iterator[study.Block]:
    """Show pictures that show nothing, and how surely networks answer about them."""
    config, header = found.config, {"model": "Network", "question": "Question"}
    kind = lambda maker: "control" if maker.control else "fools"
    rows = [(name, kind(maker), maker.words) for name, maker in found.makers.items()]
    yield fj.reporting.table(("Pictures", "Kind", "These pictures were"), rows)
    caption = (
        f"Reached: with a confidence of {study.sure(study.SURE)} or more. Of pictures that fool, "
        f"one for each of the {len(found.asked.answers)} answers, it is the answer that the "
        "picture was made for; of controls whatever is answered. Answers suit a question if they "
        "are true of any training picture."
    )
    yield study.numbers(
        found.tables["fooled"],
        header | {"generator": "Pictures", "answers": "Answers that"},
        {"reached": "Reached"},
        caption,
        {"Mean confidence": study.spelled("confidence", study.sure)},
        intervals_over="networks",
    )
    yield from (gallery(found, question) for question in config.questions)
    yield "Noise is answered, too: no answer says that there is nothing to be seen."
    columns = {
        "Median confidence": study.spelled("confidence", study.sure),
        f"With {study.sure(study.SURE)} or more": study.spelled("sure"),
        "Share of the commonest answer": study.spelled("commonest"),
    }
    some = found.tables["noise"]
    few = study.Table(tuple(r for r in some.rows if r.keys["question"] in config.questions))
    words = f"Answers about {config.making.images} pictures of uniform noise."
    yield study.numbers(few, header, {}, words, columns)
    yield study.Folded("All questions", [study.numbers(some, header, {}, more=columns)])


def gallery(found: Found, question: str) -> study.Figure:
    """Show pictures made for each answer to a question, one row for each way to make them."""
    name = found.first
    kinds = [one for one in found.makers if found.makers[one].fools] or list(found.makers)
    rows, captions = [], []
    for generator in kinds:
        made = found.measured.fooled.one(
            part="fooled", generator=generator, question=question, network=name
        )
        places = np.arange(min(len(made["labels"]), len(found.asked.answers)))
        rows.append(made["images"][places] / 255.0)
        shares = probabilities(made["logits"])
        captions.append([study.sure(float(shares[i, made["labels"][i]])) for i in places])
    caption = (
        f"“{question}”: pictures made for {name}, one for each answer, and how sure it is of that "
        "answer. Ask yourself what you see in them."
    )
    looks = {"row_names": kinds, "column_names": list(found.asked.answers), "columns": 13}
    place = found.config.questions.index(question)
    least = min(map(len, rows))
    return study.images(
        f"nonsense_{place}", [r[:least] for r in rows], [c[:least] for c in captions], caption,
        **looks if least == len(found.asked.answers) else {"row_names": kinds},
    )  # fmt: skip


def reductions(found: Found) -> Iterator[study.Block]:
    """Show how few words a network needs for the same answer."""
    one = lambda value: f"{value:.1f}"
    for model in found.config.models:
        value = lambda name, model=model: found.value("reduced", name, model=model)
        words, left = (found.value("lengths", name, model=model) for name in ("words", "left"))
        yield fj.reporting.paragraph(
            fj.reporting.strong(model),
            f": of {one(words.mean)} words {study.spell(left, one)} are left, with a mean "
            f"confidence of {study.spell(value('sure_left'), study.sure)} instead of "
            f"{study.spell(value('sure'), study.sure)}. As many words drawn at random from the "
            f"same question keep the answer in {study.spell(value('at_random'))} of all cases, no "
            f"word at all in {study.spell(value('nothing'))}.",
        )
    count = len(found.measured.reduced.found[0][1]["row"])
    yield (
        f"From each of {count:,} test questions as many words were taken as can be "
        "without another answer about the same picture, one at least was left. All parts of the "
        "question were tried, so there is no shorter one; of those as short the one is shown that "
        "the network is surest of."
    )
    name = found.first
    shown = study.where(found.records, part="reduced", network=name)[:_EXAMPLES]
    rows = [
        (one["question"], one["text"], study.sure(one["sure"]), study.sure(one["sure_left"]))
        for one in shown
    ]
    header = ("Question", "What is left", "Confidence before", "after")
    yield fj.reporting.table(header, rows, f"Questions to {name}, the first, not selected.")


def short_texts(found: Found) -> Iterator[study.Block]:
    """Show the surest of all short texts for each answer."""
    cell, arrays = found.measured.nonsense.found[0]
    longest, texts = int(arrays["longest"]), arrays["every"].shape[1]
    for model in found.config.models:
        value = lambda name, model=model: found.value("nonsense", name, model=model)
        yield fj.reporting.paragraph(
            fj.reporting.strong(model),
            f": for {study.spell(value('reached'))} of all answers there is a text of at most "
            f"{longest} words that gets it with {study.sure(study.SURE)}, whatever the picture "
            f"shows; {study.spell(value('any_sure'))} of all these texts are answered so surely.",
        )
    name = cell["network"]
    rows = [
        (one["answer"], one["text"], study.sure(one["confidence"]))
        for one in study.where(found.records, part="nonsense", network=name, picture=0)
    ]
    count = min(found.config.pictures, len(found.asked.test.images))
    shown = f"each of the first {count:,} test pictures" if count > 1 else "the first test picture"
    yield (
        f"All {texts:,} texts of at most {longest} of the known words were asked about {shown}. "
        "Below, for the first picture shown at the "
        "top of this page, the text that gets each answer most surely: found by trying all, so "
        "there is no surer one."
    )
    yield fj.reporting.table(("Answer", f"Text that {name} is asked", "Confidence"), rows)
