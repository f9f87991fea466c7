"""Jia and Liang's adversarial SQuAD, and pairs of sentences and questions of SQuAD."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fooljax.data.passages import Passage, add_sentence, sentence_spans
from fooljax.data.text_files import read_lines, read_text

ADVERSARIAL = "text/adversarial_squad"
PAIRS = "text/squad_pairs"
ADDSENT = "addsent_sample1k-HCVerifyAll.json"
ADDONESENT = "addonesent_sample1k-HCVerifySample.json"
_CHANGED = "-high-conf-turk"  # in the names of questions whose paragraph was added to
_ADDRESS = "https://worksheets.codalab.org/worksheets/0xc86d3ebe69a3427d91f9aaa63f7d1e7d/"


class AdversarialSquad(NamedTuple):
    """The questions as they were, and with sentences that people wrote to distract.

    Attributes:
        originals: 1,000 questions of SQuAD's development set.
        addsent: all sentences that people wrote and others approved, a passage each;
            several or none for a question.
        addonesent: one of them for each question that has any, chosen at random.
    """

    originals: tuple[Passage, ...]
    addsent: tuple[Passage, ...]
    addonesent: tuple[Passage, ...]


class Pair(NamedTuple):
    """A sentence, and a question that it answers, both in lower case and cut into words."""

    sentence: str
    question: str


def read_adversarial_squad(data_dir: str | Path) -> AdversarialSquad:
    """Read the two files from ``DATA_DIR/text/adversarial_squad``.

    Args:
        data_dir: folder with data sets.

    Raises:
        ValueError: if a file is missing or is not SQuAD's JSON, with the remedy.

    Source:
        Jia and Liang, 2017, arXiv:1707.07328; SQuAD: Rajpurkar et al., 2016, arXiv:1606.05250.

    Example:
        >>> from fooljax import data
        >>> released = data.read_adversarial_squad("DIR")  # doctest: +SKIP
    """
    folder = Path(data_dir) / ADVERSARIAL
    every, some = (_read(folder / name) for name in (ADDSENT, ADDONESENT))
    originals = {
        one["id"]: _original(topic, context, one)
        for topic, context, one in every
        if _CHANGED not in one["id"]
    }
    contexts = {one["id"]: context for _, context, one in every if _CHANGED not in one["id"]}
    changed = lambda questions, name: tuple(
        _changed(folder / name, originals, contexts, context, one["id"])
        for _, context, one in questions
        if _CHANGED in one["id"]
    )
    return AdversarialSquad(
        tuple(originals.values()), changed(every, ADDSENT), changed(some, ADDONESENT)
    )


def _read(path: Path) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return topic, paragraph and question of every question of a file."""
    if not path.is_file():
        raise ValueError(
            f"there is no {path}; put {ADDSENT} and {ADDONESENT} ({_ADDRESS}) into {path.parent}, "
            "and give the folder above text as --data-dir"
        )
    try:
        articles = json.loads(read_text(path))["data"]
        return [
            (article["title"], paragraph["context"], one)
            for article in articles
            for paragraph in article["paragraphs"]
            for one in paragraph["qas"]
            if one["answers"] and isinstance(one["id"], str)
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is not a file of SQuAD v1.1 ({type(error).__name__}: {error}); get it anew "
            f"from {_ADDRESS}"
        ) from error


def _original(topic: str, context: str, one: Mapping[str, Any]) -> Passage:
    spans = sentence_spans(context)
    starts = [answer["answer_start"] for answer in one["answers"]]
    right = {sum(start <= at for start, _ in spans) - 1 for at in starts}
    sentences = tuple(context[start:end] for start, end in spans)
    return Passage(one["id"], topic, one["question"].strip(), sentences, tuple(sorted(right)))


def _changed(
    path: Path,
    originals: Mapping[str, Passage],
    contexts: Mapping[str, str],
    context: str,
    name: str,
) -> Passage:
    """Find what was added: the paragraph as it was stands before it, to the letter."""
    first = name.partition(_CHANGED)[0]
    if first not in originals or not context.startswith(contexts[first].rstrip()):
        raise ValueError(
            f"{path}: question {name} does not continue the paragraph of {first}; the two files "
            f"do not belong together, get them anew from {_ADDRESS}"
        )
    return add_sentence(originals[first], context[len(contexts[first].rstrip()) :].strip())


def read_pairs(data_dir: str | Path) -> tuple[Pair, ...]:
    """Read sentences with questions from ``DATA_DIR/text/squad_pairs/pairs.tsv``.

    Neighbors in the file are of one article, and mostly of one paragraph.

    Raises:
        ValueError: if the file is missing or has other columns, with the remedy.

    Source:
        Du et al., 2017, arXiv:1705.00106; the test files of its code, from SQuAD's training set.

    Example:
        >>> from fooljax import data
        >>> pairs = data.read_pairs("DIR")  # doctest: +SKIP
    """
    path = Path(data_dir) / PAIRS / "pairs.tsv"
    remedy = "two columns, sentence and question, with a tab between and their names above"
    if not path.is_file():
        raise ValueError(f"there is no {path}; make it of {remedy}, or correct --data-dir")
    header, *lines = read_lines(path) or ("",)
    rows = [line.split("\t") for line in lines]
    wrong = [number for number, row in enumerate(rows, 2) if len(row) != 2]
    if header.split("\t") != ["sentence", "question"] or wrong or not rows:
        at = f"line {wrong[0]}" if wrong else "its header"
        raise ValueError(f"{path}: {at} does not have {remedy}")
    return tuple(Pair(*row) for row in rows)


def paragraphs_of_pairs(pairs: Sequence[Pair], length: int = 5) -> Iterator[Passage]:
    """Make a paragraph for each question out of the sentences next to its own in the file.

    The place of the right one among them runs through all places, so that it says nothing.

    Args:
        pairs: in the order of the file.
        length: sentences of a paragraph, at least 2.

    Raises:
        ValueError: if ``length`` is below 2, or there are fewer different sentences.

    Example:
        >>> from fooljax import data
        >>> pairs = [data.Pair(f"it is {i} .", f"what is {i} ?") for i in range(4)]
        >>> passage = next(data.paragraphs_of_pairs(pairs, length=3))
        >>> len(passage.sentences)
        3
    """
    different = list(dict.fromkeys(pair.sentence for pair in pairs))
    if not 2 <= length <= len(different):
        raise ValueError(f"length must be in [2, {len(different)}], got {length}")
    places = {sentence: place for place, sentence in enumerate(different)}
    for number, pair in enumerate(pairs):
        at = places[pair.sentence]
        start = min(max(at - number % length, 0), len(different) - length)
        sentences = tuple(different[start : start + length])
        yield Passage(
            f"pair {number}", f"block {at // 50}", pair.question, sentences, (at - start,)
        )
