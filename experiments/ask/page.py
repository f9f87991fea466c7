"""The page of ``experiments.ask``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import Config
from .numbers import BLIND, COMMONEST, MEAN, SEEING, TRUTH, WHOLE, everywhere

if TYPE_CHECKING:
    from fooljax.data import QuestionSet

HALF = 0.5


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        asked: the questions.
        answers: what all cells found.
        tables: means over networks: words, rounded_up, stubborn, blind, dropped.
    """

    config: Config
    asked: QuestionSet
    answers: study.Results
    tables: Mapping[str, study.Table]

    def value(self, table: str, measure: str, **keys: Any) -> fj.metrics.Interval:
        """Return a number of a table."""
        return self.tables[table].value(measure, **keys)


def title(found: Found) -> str:
    """Say what the numbers of the first network say."""
    first, half = found.config.models[0], {"share": HALF}
    same = found.value("words", "same", who=first, **half)
    level = found.value("words", "same", who=SEEING, **half).mean
    if same.low > level:
        return "Networks that are asked about pictures jump to conclusions"
    if same.high < level:
        return "Networks that are asked about pictures do not jump to conclusions"
    return "Do networks listen to the end of a question?"


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    first = found.config.models[0]
    share = lambda table, measure, **keys: study.share(found.value(table, measure, **keys).mean)
    yield study.Opening(
        title(found),
        "A network is shown a picture and asked a question about it. Does it listen to the end? "
        "Does it look?",
        [
            (
                share("blind", "right", model=first, shown=WHOLE),
                f"of all questions answered rightly by {first}",
            ),
            (
                share("words", "same", who=first, share=HALF),
                "answered alike after half of the words",
            ),
            *allowed(found),
            (
                share("blind", "right", model=first, shown=COMMONEST),
                "would be right by the commonest answer to each question, without looking",
            ),
        ],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("Does it listen to the end?")
    yield from conclusions(found)
    yield study.Heading("Does it change its mind from picture to picture?")
    yield from stubbornness(found)
    yield study.Heading("Does it look?")
    yield from looking(found)
    yield study.Heading("Which words matter?")
    yield from kinds(found)
    yield study.Heading("What cannot be seen here")
    yield familiar(found.asked)


def allowed(found: Found) -> Iterator[tuple[str, str]]:
    """Yield how often half of the words allow the answer to all, where that is known."""
    level = found.value("words", "same", who=SEEING, share=HALF).mean
    if not math.isnan(level):
        yield study.share(level), "could be, by who sees the picture and guesses from these words"


def familiar(asked: QuestionSet) -> str:
    """Say how many questions of the test are known from training, which leaves what out."""
    known = np.isin(np.unique(asked.test.question), asked.train.question)
    some = f"all {len(known)}" if known.all() else f"{known.sum()} of {len(known)}"
    pairings = ""
    if fj.data.truth_table(asked.questions, asked.answers) is not None:  # of shapes and colors
        pairings = (
            ", and so is every pairing of a shape with a color. Pairings would have to be withheld "
            "from training to measure it"
        )
    return (
        "The paper calls networks myopic that fail on questions unlike all that they learned from. "
        f"That is not measured here: {some} questions of the test are questions of the training, "
        f"word for word{pairings}."
    )


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config, (cell, arrays) = found.config, found.answers.found[0]
    right = {
        model: found.value("blind", "right", model=model, shown=WHOLE) for model in config.models
    }
    yield from study.tell_answerers(config.victim, found.asked, right, config.network_seeds)
    yield study.show_questions(found.asked, cell["network"], arrays["cut"][-1], config.run.seed)


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
    looks |= {"dashed": [BLIND, SEEING], "intervals_over": "networks"}
    for measure, axis, words in (
        ("same", "answered as the whole question", "How often the first words of a question get "
         "the answer to all of it"),
        ("right", "right answers", "How often the answer to a question's first words is right"),
    ):  # fmt: skip
        caption = (
            f"{words}. How to read it: at the left end not a word is said. Dashed: those who guess "
            "as well as can be done from the same words, by the training questions that begin "
            "alike."
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
        "circle where there is none)."
    )
    looks: dict[str, Any] = {"y_label": "share of questions", "shares": True, "dashed": [TRUTH]}
    looks["intervals_over"] = "networks"
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
        "mean picture is that of the training pictures.",
        intervals_over="networks",
    )
    for model in found.config.models:
        mean = found.value("blind", "right", model=model, shown=MEAN)
        level = found.value("blind", "right", model=model, shown=COMMONEST).mean
        yield fj.reporting.paragraph(
            fj.reporting.strong(model),
            f" before the mean picture is right on {study.spell(mean)}, "
            f"{study.against(mean, level, 'answering blindly')}.",
        )


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
        "same question.",
        intervals_over="networks",
    )
