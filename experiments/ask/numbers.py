"""What the answers say: records, and how well somebody could guess who knows less."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import SHARES, kinds_of

if TYPE_CHECKING:
    from fooljax.data import QuestionSet

LEVELS = tuple(round(0.2 + 0.05 * step, 2) for step in range(17))  # of a commonest answer
BLIND, SEEING = "guesser who sees nothing", "guesser who sees the picture as it is"
TRUTH = "true answers"
WHOLE, COMMONEST = "whole question and picture", "commonest answer to each question"
MEAN, OTHER = "mean picture in place of every picture", "another picture at random"


def judge(
    found: QuestionSet, networks: Mapping[str, study.Answerer], answers: study.Results
) -> Iterator[study.Record]:
    """Yield a record for each thing measured; ``part`` says what it is about.

    Args:
        found: the questions.
        networks: by name.
        answers: as `measure.measure` returns them.
    """
    guessed = guesses(found)
    for cell, arrays in answers.found:
        network = networks[cell["network"]]
        about = {"network": cell["network"], "model": network.model, "repeat": network.repeat}
        for part, records in {
            "words": by_words(found, guessed, arrays),
            "stubborn": stubborn(found, arrays),
            "blind": without_looking(found, guessed, arrays),
            "dropped": by_kind(found, arrays),
        }.items():
            yield from ({"part": part, **about, **record} for record in records)


def tables(records: Sequence[study.Record]) -> dict[str, study.Table]:
    """Average over networks of other starting weights, a table for each part.

    Args:
        records: as `judge` yields them.
    """
    of = lambda part: study.where(records, part=part)
    mean, dropped = study.summarize, ("same", "random_same", "right", "whole_right")
    return {
        "words": mean(lines_of_words(of("words")), ("who", "share"), ("same", "right")),
        "rounded_up": mean(of("words"), ("model", "share"), ("same_up", "right_up", "seeing_up")),
        "stubborn": mean(lines_of_stubborn(of("stubborn")), ("who", "level"), ["covered"]),
        "blind": mean(of("blind"), ("model", "shown"), ("right", "same")),
        "dropped": mean(of("dropped"), ("model", "kind"), dropped),
    }


def lines_of_words(records: Sequence[study.Record]) -> Iterator[study.Record]:
    """Give the guessers lines of their own."""
    for record in records:
        about = {"share": record["share"], "repeat": record["repeat"]}
        yield {**about, "who": record["model"], "same": record["same"], "right": record["right"]}
        blind = {"same": record["blind_same"], "right": record["blind_right"]}
        yield {**about, "who": BLIND, **blind}
        if not math.isnan(record["seeing_right"]):  # who is told the whole question is right
            seeing = record["seeing_right"]
            yield {**about, "who": SEEING, "same": seeing, "right": seeing}


def lines_of_stubborn(records: Sequence[study.Record]) -> Iterator[study.Record]:
    """Give the true answers a line of their own, and what is said of all pictures."""
    for record in records:
        about = {"level": record["level"], "repeat": record["repeat"]}
        yield {**about, "who": record["model"], "covered": record["asked"]}
        yield {**about, "who": everywhere(record["model"]), "covered": record["everywhere"]}
        yield {**about, "who": TRUTH, "covered": record["truth"]}


def everywhere(model: str) -> str:
    """Name the line of a network that is asked everything about every picture."""
    return f"{model}, all pictures"


class Guesses(NamedTuple):
    """How well somebody can guess who knows the first words of a question.

    Attributes:
        blind: ``[shares, s]``, the answers of one who sees nothing.
        seeing: ``[shares]``, how often one is right who sees what the picture shows; NaN
            where nobody knows what it shows.
        seeing_up: the same, with numbers of words rounded up.
    """

    blind: np.ndarray
    seeing: np.ndarray
    seeing_up: np.ndarray


def guesses(found: QuestionSet) -> Guesses:
    """Guess the answers to all test questions from their first words."""
    truth = fj.data.truth_table(found.questions, found.answers)
    first = lambda share, up=False: fj.data.questions.first_words(found.ids, share, up)

    def seeing(up: bool) -> np.ndarray:
        if truth is None:
            return np.full(len(SHARES), np.nan)
        said = [fj.analysis.guess(found, first(share, up), truth) for share in SHARES]
        return np.mean(np.array(said) == found.test.answer, axis=1)

    blind = np.stack([fj.analysis.guess(found, first(share)) for share in SHARES])
    return Guesses(blind, seeing(False), seeing(True))


def by_words(found: QuestionSet, guessed: Guesses, arrays: study.Arrays) -> Iterator[study.Record]:
    """Say how far the first words carry a network, and how far they can carry anybody."""
    truth = found.test.answer
    for place, share in enumerate(SHARES):
        said, blind = arrays["cut"][place], guessed.blind[place]
        yield {
            "share": share,
            "same": float(np.mean(said == arrays["cut"][-1])),
            "right": float(np.mean(said == truth)),
            "blind_same": float(np.mean(blind == guessed.blind[-1])),
            "blind_right": float(np.mean(blind == truth)),
            "seeing_right": float(guessed.seeing[place]),
            "same_up": float(np.mean(arrays["cut_up"][place] == arrays["cut_up"][-1])),
            "right_up": float(np.mean(arrays["cut_up"][place] == truth)),
            "seeing_up": float(guessed.seeing_up[place]),
        }


def stubborn(found: QuestionSet, arrays: study.Arrays) -> Iterator[study.Record]:
    """Say for how many questions one answer covers a share of the pictures."""
    test, every = found.test, arrays["every"]
    pictures, count = every.shape
    own = fj.analysis.shares_of_commonest(test.question, arrays["cut"][-1])
    truth = fj.analysis.shares_of_commonest(test.question, test.answer)
    everywhere = fj.analysis.shares_of_commonest(
        np.tile(np.arange(count), pictures), every.reshape(-1)
    )
    covered = lambda shares, level: float(np.mean(shares >= level - 1e-9))
    for level in LEVELS:
        yield {
            "level": level,
            "asked": covered(own, level),
            "truth": covered(truth, level),
            "everywhere": covered(everywhere, level),
        }


def without_looking(
    found: QuestionSet, guessed: Guesses, arrays: study.Arrays
) -> Iterator[study.Record]:
    """Say how often the answers are right, and those of the network, without the picture."""
    truth, whole = found.test.answer, arrays["cut"][-1]
    mean = arrays["mean"][found.test.question]
    answers = {WHOLE: whole, COMMONEST: guessed.blind[-1], MEAN: mean, OTHER: arrays["other"]}
    for name, said in answers.items():
        same = float(np.mean(said == whole))
        yield {"shown": name, "right": float(np.mean(said == truth)), "same": same}


def by_kind(found: QuestionSet, arrays: study.Arrays) -> Iterator[study.Record]:
    """Say what becomes of the answers when words of a kind are dropped."""
    whole, truth = arrays["cut"][-1], found.test.answer
    for place, (kind, which) in enumerate(kinds_of(found.words).items()):
        some = which[found.ids].any(axis=1)[found.test.question]
        if some.any():
            said, drawn = arrays["dropped"][place][some], arrays["random"][place][some]
            yield {
                "kind": kind,
                "questions": int(some.sum()),
                "same": float(np.mean(said == whole[some])),
                "right": float(np.mean(said == truth[some])),
                "whole_right": float(np.mean(whole[some] == truth[some])),
                "random_same": float(np.mean(drawn == whole[some])),
            }
