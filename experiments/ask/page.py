"""The page of ``experiments.ask``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import MODELS, Config, Measured, Networks, probabilities
from .numbers import BLIND, COMMONEST, MEAN, SEEING, SUITS, TRUTH, WHOLE, everywhere, tables

HALF = 0.5
SHOWN = 6  # pictures, questions


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        asked: the questions.
        networks: by name.
        makers: ways to make pictures.
        measured: what all cells found.
        records: one for each thing measured.
        tables: means over networks: words, stubborn, blind, dropped, noise, fooled, reduced.
    """

    config: Config
    asked: fj.data.QuestionSet
    networks: Networks
    makers: study.Makers
    measured: Measured
    records: Sequence[study.Record]
    tables: Mapping[str, study.Table]

    def value(self, table: str, measure: str, **keys: Any) -> fj.metrics.Interval:
        """Return a number of a table."""
        return self.tables[table].value(measure, **keys)


def find(
    config: Config,
    asked: fj.data.QuestionSet,
    networks: Networks,
    makers: study.Makers,
    measured: Measured,
    records: Sequence[study.Record],
) -> Found:
    """Turn records into tables."""
    return Found(config, asked, networks, makers, measured, records, tables(records))


def finite(numbers: Any) -> Any:  # as JSON can hold it
    """Put None where a number is NaN."""
    if isinstance(numbers, dict):
        return {name: finite(one) for name, one in numbers.items()}
    if isinstance(numbers, list):
        return [finite(one) for one in numbers]
    return None if isinstance(numbers, float) and math.isnan(numbers) else numbers


def reached(found: Found, model: str) -> float:
    """Return the share of pictures made to fool a network that do, of answers that suit."""
    fooling = {name for name, maker in found.makers.items() if maker.fools}
    some = study.where(found.records, part="fooled", model=model, answers=SUITS)
    hits = [one["reached"] for one in some if one["generator"] in fooling]
    return float(np.mean(hits)) if hits else math.nan


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    first = found.config.models[0]
    hits, right = reached(found, first), found.value("blind", "right", model=first, shown=WHOLE)
    noise = found.value("all_noise", "confidence", model=first).mean
    title = "Asked about nonsense, networks answer with certainty"
    if not hits >= HALF:
        title = "Asked about nonsense, networks answer all the same"
    shown = [
        (study.share(right.mean), f"of all questions answered rightly by {first}"),
        (
            study.share(found.value("words", "same", who=first, share=HALF).mean),
            "answered alike after half of the words",
        ),
        (
            study.share(found.value("blind", "right", model=first, shown=COMMONEST).mean),
            "would be right by the commonest answer to each question, without looking",
        ),
        (study.sure(noise), "median confidence in answers about noise"),
    ]
    if not math.isnan(hits):
        words = f"of nonsense pictures made for an answer get it with {study.sure(study.SURE)}"
        shown.append((study.share(hits), words))
    yield study.Opening(
        title,
        "A network is shown a picture and asked a question about it. Does it listen to the end? "
        "Does it look? And what does it answer when picture or question are nonsense?",
        shown,
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("Does it listen to the end?")
    yield from conclusions(found)
    yield study.Heading("Does it change its mind from picture to picture?")
    yield from stubbornness(found)
    yield study.Heading("Does it look?")
    yield from looking(found)
    if found.config.questions:
        yield study.Heading("Nonsense pictures, and what is answered about them")
        yield from nonsense(found)
    yield study.Heading("Nonsense questions: how few words are enough?")
    yield from reductions(found)
    yield from short_texts(found)
    yield study.Heading("Which words matter?")
    yield from kinds(found)
    yield study.Heading("What cannot be seen here")
    yield (
        "The paper calls networks myopic that fail on questions unlike all that they learned from. "
        f"That cannot be measured here: all {len(found.asked.questions)} questions of the test are "
        "questions of the training, word for word, and so is every pairing of a shape with a "
        "color. Pairings would have to be withheld from training to measure it."
    )


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config, asked = found.config, found.asked
    synthetic = config.victim.dataset == "synthetic"
    made = ", drawn and asked here as easy-VQA does" if synthetic else ""
    yield (
        f"Networks learned from {len(asked.train.answer):,} questions about "
        f"{len(asked.train.images):,} pictures ({config.victim.dataset}{made}) and "
        f"were asked {len(asked.test.answer):,} other ones about "
        f"{len(asked.test.images):,} other pictures. There are {len(asked.questions)} different "
        f"questions and {len(asked.answers)} answers. A network reads the words one after "
        "another, sees the picture through three convolutions, and concludes from both. Of each "
        f"kind below there are {config.network_seeds}, from other starting weights; intervals are "
        "over these."
    )
    right = lambda model: study.spell(found.value("blind", "right", model=model, shown=WHOLE))
    rows = [(model, f"it {MODELS[model]}", right(model)) for model in config.models]
    yield fj.reporting.table(("Network", "How it sees", "Right answers"), rows)
    yield (
        "With a fixed question a network is a classifier of pictures, with a fixed picture one of "
        "texts; so pictures are made to fool it as they are made for any other classifier."
    )
    yield examples(found)


def examples(found: Found) -> study.Figure:
    """Show test pictures with a question, its answer, and what is answered."""
    test, asked = found.asked.test, found.asked
    random = np.random.default_rng(found.config.run.seed)
    rows = [
        random.choice(np.flatnonzero(test.picture == i)) for i in np.unique(test.picture)[:SHOWN]
    ]
    name, arrays = first_answers(found)
    words = lambda row: (
        f"{asked.questions[test.question[row]]}\n{asked.answers[arrays['cut'][-1][row]]}"
        + ("" if arrays["cut"][-1][row] == test.answer[row] else " (wrong)")
    )
    caption = (
        f"Test pictures, one of the questions asked of each, and the answer of {name}. Not "
        "selected: the first pictures of the set, and a question drawn at random."
    )
    images = fj.data.as_float(test.images[test.picture[rows]])
    return study.images("examples", [images], [[words(row) for row in rows]], caption)


def first_answers(found: Found) -> tuple[str, study.Arrays]:
    """Return the first network and what it answered."""
    cell, arrays = found.measured.answers.found[0]
    return cell["network"], arrays


def conclusions(found: Found) -> Iterator[study.Block]:
    """Show answers to the first words of questions."""
    table, half = found.tables["words"], {"share": HALF}
    blind = found.value("words", "right", who=BLIND, **half).mean
    for model in found.config.models:
        same, right = (found.value("words", one, who=model, **half) for one in ("same", "right"))
        more = found.value("rounded_up", "same_up", model=model, **half)
        level = study.against(right, blind, "guessing from the same words without looking")
        yield fj.reporting.paragraph(
            fj.reporting.strong(model),
            f": after half of the words, rounded down, {study.spell(same)} of the answers are "
            f"those to the whole question (rounded up {study.spell(more)}). Right are "
            f"{study.spell(right)}, {level}.",
        )
    if SEEING in table.names("who"):
        seeing = found.value("words", "right", who=SEEING, **half).mean
        more = found.tables["rounded_up"].where(**half).rows[0].values["seeing_up"]
        yield (
            "The beginnings of these questions give much away. Who sees the picture as it is can "
            f"be right on {study.share(seeing)} after half of the words (rounded up "
            f"{study.share(more.mean)}), by saying “no” to most that is still open. A network "
            "above that jumps to conclusions; one below does not even conclude what it could."
        )
    yield (
        "Of another network, on photographs and questions by people, the paper says that for 40 % "
        "of the questions it had made up its mind after half of the words."
    )
    looks: dict[str, Any] = {"x_label": "share of the question's words", "shares": True}
    looks["dashed"] = [BLIND, SEEING]
    for measure, axis, words in (
        ("same", "answered as the whole question", "How often the first words of a question get "
         "the answer to all of it"),
        ("right", "right answers", "How often the answer to a question's first words is right"),
    ):  # fmt: skip
        caption = (
            f"{words}. How to read it: at the left end not a word is said. Dashed: those who guess "
            "as well as can be done from the same words, by the training questions that begin "
            "alike. Shaded: 95 % intervals over networks."
        )
        yield study.lines(
            f"words_{measure}", table, "share", measure, "who", caption, y_label=axis, **looks
        )


def stubbornness(found: Found) -> Iterator[study.Block]:
    """Show for how many questions one answer serves many pictures."""
    value = lambda who: study.spell(found.value("stubborn", "covered", who=who, level=HALF))
    for model in found.config.models:
        yield fj.reporting.paragraph(
            fj.reporting.strong(model),
            f": for {value(model)} of the questions one answer serves at least half of the "
            "pictures that they were asked about; of all test pictures, for "
            f"{value(everywhere(model))}.",
        )
    yield (
        f"Of the true answers that holds for {value(TRUTH)}: most things are not to be seen in "
        "most pictures, so that “no” is right again and again. Only what lies above the line of "
        "the true answers is stubborn."
    )
    caption = (
        "For how many of the questions the commonest answer covers a share of the pictures. How to "
        "read it: a network above the true answers answers too many pictures alike. All pictures: "
        "every question asked of every test picture, senseless ones among them (the color of a "
        "circle where there is none). Shaded: 95 % intervals over networks."
    )
    looks: dict[str, Any] = {"y_label": "share of questions", "shares": True, "dashed": [TRUTH]}
    looks["x_label"] = "pictures with the commonest answer, at least"
    yield study.lines(
        "stubborn", found.tables["stubborn"], "level", "covered", "who", caption, **looks
    )


def looking(found: Found) -> Iterator[study.Block]:
    """Show what is answered without the picture."""
    yield study.numbers(
        found.tables["blind"],
        {"model": "Network", "shown": "Asked with"},
        {"right": "Right answers", "same": "Answers as with the picture"},
        "The commonest answer to each question in training needs no network and no picture. The "
        "mean picture is that of the training pictures. In brackets 95 % intervals over networks.",
    )
    for model in found.config.models:
        mean = found.value("blind", "right", model=model, shown=MEAN)
        level = found.value("blind", "right", model=model, shown=COMMONEST).mean
        yield fj.reporting.paragraph(
            fj.reporting.strong(model),
            f" before the mean picture is right on {study.spell(mean)}, "
            f"{study.against(mean, level, 'answering blindly')}.",
        )


def nonsense(found: Found) -> Iterator[study.Block]:
    """Show pictures that show nothing, and how surely networks answer about them."""
    config, header = found.config, {"model": "Network", "question": "Question"}
    kind = lambda maker: "control" if maker.control else "fools"
    rows = [(name, kind(maker), maker.words) for name, maker in found.makers.items()]
    yield fj.reporting.table(("Pictures", "Kind", "These pictures were"), rows)
    caption = (
        f"Reached: with a confidence of {study.sure(study.SURE)} or more. Of pictures that fool, "
        f"one for each of the {len(found.asked.answers)} answers, it is the answer that the "
        "picture was made for; of controls whatever is answered. Answers suit a question if they "
        "are true of any training picture. In brackets 95 % intervals over networks."
    )
    yield study.numbers(
        found.tables["fooled"],
        header | {"generator": "Pictures", "answers": "Answers that"},
        {"reached": "Reached", "confidence": "Mean confidence"},
        caption,
    )
    yield from (gallery(found, question) for question in config.questions)
    yield "Noise is answered, too: no answer says that there is nothing to be seen."
    columns = {
        "confidence": "Median confidence",
        "sure": f"With {study.sure(study.SURE)} or more",
        "commonest": "Share of the commonest answer",
    }
    some = found.tables["noise"]
    few = study.Table(tuple(r for r in some.rows if r.keys["question"] in config.questions))
    words = f"Answers about {config.making.images} pictures of uniform noise."
    yield study.numbers(few, header, columns, words)
    yield study.Folded("All questions", [study.numbers(some, header, columns)])


def gallery(found: Found, question: str) -> study.Figure:
    """Show pictures made for each answer to a question, one row for each way to make them."""
    name, _ = first_answers(found)
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
        "answer. Nobody sees anything in most of them."
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
    yield (
        f"From each of {found.config.reduced} test questions as many words were taken as can be "
        "without another answer about the same picture, one at least was left. All parts of the "
        "question were tried, so there is no shorter one; of those as short the one is shown that "
        "the network is surest of."
    )
    name, _ = first_answers(found)
    shown = study.where(found.records, part="reduced", network=name)[: 2 * SHOWN]
    rows = [
        (one["question"], one["text"], study.sure(one["sure"]), study.sure(one["sure_left"]))
        for one in shown
    ]
    header = ("Question", "What is left", "Confidence before", "after")
    yield fj.reporting.table(header, rows, f"Questions to {name}, the first, not selected.")


def short_texts(found: Found) -> Iterator[study.Block]:
    """Show the surest of all short texts for each answer."""
    cell, arrays = found.measured.nonsense.found[0]
    longest, texts = int(arrays["longest"]), arrays["all_sure"].shape[1]
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
    yield (
        f"All {texts:,} texts of at most {longest} of the known words were asked about each of the "
        f"first {found.config.pictures} test pictures. Below, for the first picture shown at the "
        "top of this page, the text that gets each answer most surely: found by trying all, so "
        "there is no surer one."
    )
    yield fj.reporting.table(("Answer", f"Text that {name} is asked", "Confidence"), rows)


def kinds(found: Found) -> Iterator[study.Block]:
    """Show what becomes of answers without words of a kind."""
    yield study.numbers(
        found.tables["dropped"],
        {"model": "Network", "kind": "Words dropped"},
        {
            "same": "Answers as before",
            "random_same": "as many others dropped",
            "right": "Right answers",
            "whole_right": "with all words",
        },
        "Of the questions that have such words. As many others: words drawn at random from the "
        "same question. In brackets 95 % intervals over networks.",
    )
