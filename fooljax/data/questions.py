"""Pictures, questions about them and the true answers; questions as numbers of words."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8

from fooljax import checks
from fooljax.data.dataset import Dataset, from_arrays
from fooljax.data.passages import words_in
from fooljax.data.sentences import vocabulary
from fooljax.media import Texts
from fooljax.spelling import meant

Ids = Int32[np.ndarray, "..."]
_FIRST = 2  # 0 is padding, 1 a word that is not among the others


class Asked(NamedTuple):
    """Pictures, and the questions that were asked about them.

    Letters: ``p`` pictures, ``s`` questions asked.

    Attributes:
        images: ``[p, h, w, c]``, uint8.
        picture: ``[s]``, number of the picture that it was asked about.
        question: ``[s]``, number of its text.
        answer: ``[s]``, number of the true answer.
    """

    images: UInt8[np.ndarray, "p h w c"]
    picture: Ids
    question: Ids
    answer: Ids


class QuestionSet(NamedTuple):
    """Questions about pictures, in two halves that share no picture.

    Attributes:
        train: to learn from.
        test: to be tested on.
        questions: the texts.
        answers: their names.
        words: padding (""), the unknown word, and those of all texts by alphabet.
        ids: ``[q, n]``, the texts as numbers of words; 0 pads a short one at its end.
    """

    train: Asked
    test: Asked
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    words: tuple[str, ...]
    ids: Ids

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        height, width, channels = self.train.images.shape[1:]
        return height, width, channels

    @property
    def medium(self) -> Texts:
        """What the texts are; it spells them."""
        return Texts(self.words)


def from_asked(
    train: Asked, test: Asked, questions: Sequence[str], answers: Sequence[str]
) -> QuestionSet:
    """Validate questions about pictures, and number their words.

    Args:
        train: pictures, questions and answers to learn from.
        test: the same, to be tested on.
        questions: the texts that ``question`` counts.
        answers: the names that ``answer`` counts.

    Raises:
        ValueError: if pictures are not bytes, or of two sizes; if a number is out of range;
            if rows are of several lengths; if a text is empty.

    Example:
        >>> import numpy as np
        >>> from fooljax import data
        >>> row = lambda number: np.array([number], np.int32)
        >>> asked = data.Asked(np.zeros((1, 8, 8, 3), np.uint8), row(0), row(0), row(1))
        >>> found = data.from_asked(asked, asked, ["is it red?"], ["yes", "no"])
        >>> found.answers
        ('yes', 'no')
    """
    texts, names = tuple(map(str, questions)), tuple(map(str, answers))
    if len(names) < 2:
        raise ValueError(f"there must be two answers at least, got {len(names)}; add answers")
    split = [words_in(text) for text in texts]
    words = vocabulary((), sorted({word for found in split for word in found}))
    length = max(map(len, split), default=0)
    ids = [encode(text, words, length) for text in texts]
    halves = [
        _checked(half, name, len(texts), len(names))
        for name, half in (("train", train), ("test", test))
    ]
    shapes = [half.images.shape[1:] for half in halves]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"test pictures are {shapes[1]} but those to learn from {shapes[0]}; resize them"
        )
    return QuestionSet(halves[0], halves[1], texts, names, words, np.stack(ids))


def as_rows(found: QuestionSet, half: Asked) -> Dataset:
    """Return the questions of a half as a data set of rows, as `models.about` reads them.

    A row is the number of its picture, then the words of the question as numbers.

    Args:
        found: whose questions they are.
        half: its ``train`` or its ``test``.

    Example:
        >>> from fooljax import data
        >>> asked = data.synthetic(train=10, test=5)
        >>> rows = data.as_rows(asked, asked.train)
        >>> rows.images.shape[1] == 1 + asked.ids.shape[1]
        True
    """
    rows = np.concatenate([half.picture[:, None], found.ids[half.question]], axis=1)
    return from_arrays(rows, half.answer, found.answers, Texts())


def encode(text: str, words: Sequence[str], length: int, strict: bool = True) -> Ids:
    """Write a question as numbers of words, in small letters and without marks.

    Args:
        text: the question.
        words: all that are known; the first is padding, the second the unknown word.
        length: ``n``, with which shorter ones are padded at the end.
        strict: refuse a word that is not known; else it has number 1.

    Returns:
        ``[n]``, int32.

    Raises:
        ValueError: if it is empty, too long, or has a word that is unknown.
    """
    found = words_in(text)
    if not found:
        raise ValueError(f"a question must have a word at least, got {text!r}; ask something")
    if len(found) > length:
        raise ValueError(
            f"a question may have {length} words, got {len(found)} in {text!r}; leave some out"
        )
    known = words[_FIRST:]
    for word in found if strict else ():
        if word not in known:
            hint = meant(word, known)
            raise ValueError(
                f"unknown word {word!r} in {text!r}; {hint}There are {', '.join(known)}"
            )
    return Texts(tuple(words)).encode(" ".join(found), length)


def first_words(ids: np.ndarray, share: float, up: bool = False) -> np.ndarray:
    """Keep the first words of texts, at most a share of each, and pad the rest.

    Args:
        ids: ``[q, n]``, 0 after the last word.
        share: of the words, in [0, 1]; their number is rounded down.
        up: round it up, so that a share at least is kept.
    """
    words = share * np.count_nonzero(ids, axis=1)
    kept = np.ceil(words - 1e-9) if up else np.floor(words + 1e-9)
    return np.where(np.arange(ids.shape[1]) < kept[:, None], ids, 0)


def without(ids: np.ndarray, dropped: np.ndarray) -> np.ndarray:
    """Drop words and close the gaps.

    Args:
        ids: ``[q, n]``, 0 after the last word.
        dropped: ``[q, n]``, whether a word is to go.
    """
    left = np.where(dropped, 0, ids)
    order = np.argsort(left == 0, axis=1, kind="stable")
    return np.take_along_axis(left, order, axis=1)


def as_many(random: np.random.Generator, ids: np.ndarray, dropped: np.ndarray) -> np.ndarray:
    """Choose as many words of each text at random as there are to be dropped.

    Args:
        random: decides which.
        ids: ``[q, n]``, 0 after the last word.
        dropped: ``[q, n]``, whether a word is to go.
    """
    order = random.random(ids.shape) + (ids == 0)  # padding comes last
    rank = np.argsort(np.argsort(order, axis=1), axis=1)
    return rank < np.count_nonzero(dropped, axis=1)[:, None]


def subsets(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List all texts that are left of a question when words are dropped.

    Args:
        ids: ``[n]``, 0 after the last word.

    Returns:
        ``[m, n]``, each padded at its end, the fewest words first and none at all left out;
        and ``[m]``, how many words each has.
    """
    length = int(np.count_nonzero(ids))
    masks = np.array(list(itertools.product((False, True), repeat=length)))[1:]
    masks = masks[np.argsort(masks.sum(axis=1), kind="stable")]
    kept = np.zeros((len(masks), len(ids)), bool)
    kept[:, :length] = masks
    texts = without(np.tile(ids, (len(masks), 1)), ~kept)
    return texts, masks.sum(axis=1)


def short_texts(words: int, length: int, most: int = 20_000) -> Ids:
    """List all texts of one word, of two, and so on while there are not too many.

    Args:
        words: number of all, padding and the unknown word among them, which are in no text.
        length: ``n``, of a text.
        most: texts, where those of one word are not more.

    Returns:
        ``[m, n]``, each padded at its end, the shortest first.

    Raises:
        ValueError: if there is no other word, or a number is not positive.
    """
    words, length = checks.count("words", words, _FIRST + 1), checks.count("length", length)
    most = checks.count("most", most)
    found = [np.arange(_FIRST, words, dtype=np.int32)[:, None]]
    while found[-1].shape[1] < length:
        total = sum(map(len, found)) + len(found[-1]) * len(found[0])
        if total > most:
            break
        first = np.repeat(found[-1], len(found[0]), axis=0)
        last = np.tile(found[0], (len(found[-1]), 1))
        found.append(np.concatenate([first, last], axis=1))
    return np.concatenate([np.pad(one, ((0, 0), (0, length - one.shape[1]))) for one in found])


def _checked(half: Asked, name: str, texts: int, names: int) -> Asked:
    images = np.asarray(half.images)
    if images.ndim != 4 or images.dtype != np.uint8 or not images.size:
        raise ValueError(
            f"{name} pictures must be bytes (uint8) [p, h, w, c] and at least one, got "
            f"{images.dtype} {images.shape}"
        )
    most = {"picture": len(images), "question": texts, "answer": names}
    rows = {}
    for row, limit in most.items():
        numbers = np.asarray(checks.whole(getattr(half, row), f"{name} {row}"))
        if numbers.ndim != 1 or not numbers.size:
            raise ValueError(f"{name} {row} must be [s] with at least one, got {numbers.shape}")
        low, high = int(numbers.min()), int(numbers.max())
        if low < 0 or high >= limit:
            bad = low if low < 0 else high
            raise ValueError(f"{name} {row} must be in [0, {limit}), got {bad}; mend the row")
        rows[row] = numbers
    sizes = {row: len(numbers) for row, numbers in rows.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"{name} rows must be equally long, got {sizes}; one for each question")
    return Asked(images, **rows)
