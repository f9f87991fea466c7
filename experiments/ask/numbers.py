"""What the answers say: records, and how well somebody could guess who knows less."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fooljax import data, study

from .measure import SHARES, kinds_of, probabilities

LEVELS = tuple(round(0.2 + 0.05 * step, 2) for step in range(17))  # of a commonest answer
SUITS, NOT = "suit the question", "do not"
BLIND, SEEING = "guesser who sees nothing", "guesser who sees the picture as it is"
TRUTH = "true answers"
WHOLE, COMMONEST = "whole question and picture", "commonest answer to each question"
MEAN, OTHER = "mean picture in place of every picture", "another picture at random"


def what_is_known(asked: data.Asked, truth: np.ndarray) -> np.ndarray:
    """Tell what a picture may show if all answers about it are true.

    Args:
        asked: questions about pictures.
        truth: ``[facts, q]``, the true answer if a picture shows a fact, -1 where none is.

    Returns:
        ``[p, facts]``: whether each is possible.
    """
    possible = np.ones((len(asked.images), len(truth)), bool)
    agrees = truth[:, asked.question] == asked.answer
    np.logical_and.at(possible, asked.picture, agrees.T)
    return possible


def guess(
    train: tuple[np.ndarray, np.ndarray],
    test: np.ndarray,
    answers: int,
    known: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Guess as well as is possible for somebody who knows a part of each question's words.

    The guess is the commonest answer, among the questions to learn from, to what begins
    alike; of pictures of which as much is known, if anything is.

    Args:
        train: ``[s, n]``, the words known of each question to learn from, and ``[s]``, its
            true answer.
        test: ``[t, n]``, the words known of each question to guess.
        answers: how many there are.
        known: ``[s, facts]`` and ``[t, facts]``, what each question's picture may show.

    Returns:
        ``[t]``, numbers of answers.
    """
    (words, truth), nothing = train, (np.ones((len(train[1]), 1)), np.ones((len(test), 1)))
    learned, seen = known or nothing
    both, number = np.unique(np.concatenate([words, test]), axis=0, return_inverse=True)
    number = number.reshape(-1)
    counts = np.zeros((len(both), learned.shape[1], answers))
    place = number[: len(words), None], np.arange(learned.shape[1]), truth[:, None]
    np.add.at(counts, place, learned)  # type: ignore[arg-type]  # several arrays are an index
    overall = counts.sum(axis=(0, 1))  # decides where nothing alike was learned from
    scores = np.einsum("tf,tfk->tk", seen.astype(float), counts[number[len(words) :]])
    alike = scores.any(axis=1, keepdims=True)
    return np.argmax(np.where(alike, scores, overall), axis=1)


def shares_of_commonest(group: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Return for each question the share of its answers that is the commonest one.

    Args:
        group: ``[s]``, number of the question; those that are not asked are left out.
        answer: ``[s]``, number of the answer.
    """
    counts = np.zeros((group.max() + 1, answer.max() + 1))
    np.add.at(counts, (group, answer), 1)
    totals = counts.sum(axis=1)
    return counts.max(axis=1)[totals > 0] / totals[totals > 0]


def judge(
    found: data.QuestionSet, networks: Mapping[str, Any], measured: Any
) -> Iterator[study.Record]:
    """Yield a record for each thing measured; ``part`` says what it is about.

    Args:
        found: the questions.
        networks: as `measure.train` returns them.
        measured: as `measure.measure` does.
    """
    guessed = guesses(found)
    for cell, arrays in measured.answers.found:
        about = _about(networks, cell)
        for part, records in {
            "words": by_words(found, guessed, arrays),
            "stubborn": stubborn(found, arrays),
            "blind": without_looking(found, guessed, arrays),
            "dropped": by_kind(found, arrays),
            "noise": of_noise(found, arrays),
        }.items():
            yield from ({"part": part, **about, **record} for record in records)
    for cell, arrays in measured.fooled.found:
        shares, suiting = probabilities(arrays["logits"]), suit(found, cell["question"])
        for place, label in enumerate(arrays["labels"]):
            sure = float(shares[place, label])
            yield {
                **_about(networks, cell),
                "part": "fooled",
                "generator": cell["generator"],
                "question": cell["question"],
                "answer": found.answers[label],
                "answers": SUITS if int(label) in suiting else NOT,
                "confidence": sure,
                "reached": float(sure >= study.SURE),
            }
    for cell, arrays in measured.reduced.found:
        for place, row in enumerate(arrays["row"]):
            names = ("words", "left", "sure", "sure_left", "nothing", "at_random")
            yield {
                **_about(networks, cell),
                "part": "reduced",
                "question": found.questions[found.test.question[row]],
                "text": data.questions.spell(arrays["text"][place], found.words),
                **{name: float(arrays[name][place]) for name in names},
            }

    for cell, arrays in measured.nonsense.found:
        for picture, row in enumerate(arrays["sure"]):
            for answer, sure in enumerate(row):
                yield {
                    **_about(networks, cell),
                    "part": "nonsense",
                    "picture": picture,
                    "answer": found.answers[answer],
                    "text": data.questions.spell(arrays["text"][picture, answer], found.words),
                    "confidence": float(sure),
                    "reached": float(sure >= study.SURE),
                    "any_sure": float(np.mean(arrays["all_sure"][picture] >= study.SURE)),
                }


def suit(found: data.QuestionSet, question: str) -> set[int]:
    """Return the answers that suit a question: those true of any training picture; else all."""
    ids = data.questions.encode(question, found.words, found.ids.shape[1])
    same = np.flatnonzero((found.ids == ids).all(axis=1))
    true = found.train.answer[np.isin(found.train.question, same)]
    return set(true.tolist()) or set(range(len(found.answers)))


def _about(networks: Mapping[str, Any], cell: study.Cell) -> study.Record:
    network = networks[cell["network"]]
    return {"network": cell["network"], "model": network.model, "repeat": network.repeat}


def tables(records: Sequence[study.Record]) -> dict[str, study.Table]:
    """Average over networks of other starting weights, a table for each part.

    Args:
        records: as `judge` yields them.
    """
    of = lambda part: study.where(records, part=part)
    mean = study.summarize
    return {
        "words": mean(lines_of_words(of("words")), ("who", "share"), ("same", "right")),
        "rounded_up": mean(of("words"), ("model", "share"), ("same_up", "right_up", "seeing_up")),
        "stubborn": mean(lines_of_stubborn(of("stubborn")), ("who", "level"), ["covered"]),
        "blind": mean(of("blind"), ("model", "shown"), ("right", "same")),
        "dropped": mean(
            of("dropped"),
            ("model", "kind"),
            ("same", "random_same", "right", "whole_right"),
        ),
        "noise": mean(of("noise"), ("model", "question"), ("confidence", "sure", "commonest")),
        "all_noise": mean(of("noise"), ["model"], ("confidence", "sure", "commonest")),
        "fooled": mean(
            of("fooled"), ("model", "question", "generator", "answers"), ("reached", "confidence")
        ),
        "reduced": mean(of("reduced"), ["model"], ("sure", "sure_left", "nothing", "at_random")),
        "nonsense": mean(of("nonsense"), ["model"], ("reached", "confidence", "any_sure")),
        "lengths": mean(of("reduced"), ["model"], ("words", "left"), over=study.span),
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


def guesses(found: data.QuestionSet) -> Guesses:
    """Guess the answers to all test questions from their first words."""
    test, train = found.test, found.train
    truth, known = data.truth_table(found.questions, found.answers), None
    if truth is not None:
        known = tuple(what_is_known(half, truth)[half.picture] for half in (train, test))

    def from_words(share: float, up: bool, known: Any) -> np.ndarray:
        texts = data.questions.first_words(found.ids, share, up)
        learned = texts[train.question], train.answer
        return guess(learned, texts[test.question], len(found.answers), known)

    def seeing(up: bool) -> np.ndarray:
        if known is None:
            return np.full(len(SHARES), np.nan)
        said = [from_words(share, up, known) for share in SHARES]
        return np.mean(np.array(said) == test.answer, axis=1)

    blind = np.stack([from_words(share, False, None) for share in SHARES])
    return Guesses(blind, seeing(False), seeing(True))


def by_words(
    found: data.QuestionSet, guessed: Guesses, arrays: study.Arrays
) -> Iterator[study.Record]:
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


def stubborn(found: data.QuestionSet, arrays: study.Arrays) -> Iterator[study.Record]:
    """Say for how many questions one answer covers a share of the pictures."""
    test, every = found.test, arrays["every"]
    pictures, count = every.shape
    own = shares_of_commonest(test.question, arrays["cut"][-1])
    truth = shares_of_commonest(test.question, test.answer)
    everywhere = shares_of_commonest(np.tile(np.arange(count), pictures), every.reshape(-1))
    covered = lambda shares, level: float(np.mean(shares >= level - 1e-9))
    for level in LEVELS:
        yield {
            "level": level,
            "asked": covered(own, level),
            "truth": covered(truth, level),
            "everywhere": covered(everywhere, level),
        }


def without_looking(
    found: data.QuestionSet, guessed: Guesses, arrays: study.Arrays
) -> Iterator[study.Record]:
    """Say how often the answers are right, and those of the network, without the picture."""
    truth, whole = found.test.answer, arrays["cut"][-1]
    mean = arrays["mean"][found.test.question]
    answers = {WHOLE: whole, COMMONEST: guessed.blind[-1], MEAN: mean, OTHER: arrays["other"]}
    for name, said in answers.items():
        same = float(np.mean(said == whole))
        yield {"shown": name, "right": float(np.mean(said == truth)), "same": same}


def by_kind(found: data.QuestionSet, arrays: study.Arrays) -> Iterator[study.Record]:
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


def of_noise(found: data.QuestionSet, arrays: study.Arrays) -> Iterator[study.Record]:
    """Say what is answered about noise, and how surely, by question."""
    for place, question in enumerate(found.questions):
        said, sure = arrays["of_noise"][:, place], arrays["sure_of_noise"][:, place]
        counts = np.bincount(said, minlength=len(found.answers))
        yield {
            "question": question,
            "answer": found.answers[counts.argmax()],
            "commonest": float(counts.max() / len(said)),
            "confidence": float(np.median(sure)),
            "sure": float(np.mean(sure >= study.SURE)),
        }
