"""AddAny: words without grammar, added to a paragraph until a reader is led astray.

The search sees what the reader answers, and nothing else. It may draw on common words and
on those of the question (AddAny), or on common words alone (AddCommon).
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit, logsumexp

from fooljax import checks
from fooljax.data import Passage, Reader, add_sentence
from fooljax.data.passages import words_in
from fooljax.types import RandomKey


@dataclass(frozen=True)
class AddedWords:
    """How words to add are searched for.

    Attributes:
        length: words of the added sentence.
        draws: common words that are tried at a place each time.
        epochs: how often all places are visited.
        own_words: try the words of the question as well, all of them each time (AddAny);
            else it is AddCommon.

    Raises:
        ValueError: if a number is not positive.

    Source:
        Jia and Liang, 2017, arXiv:1707.07328, section 3.3: 10 words, 20 draws, six epochs.
    """

    length: int = 10
    draws: int = 20
    epochs: int = 6
    own_words: bool = True

    def __post_init__(self) -> None:
        for name in ("length", "draws", "epochs"):
            checks.count(name, getattr(self, name))


class WordsFound(NamedTuple):
    """What was added to each of ``n`` paragraphs, and how it went over ``t`` visits of a place.

    Row 0 of a history is the random sentence that the search began with: the control.

    Attributes:
        sentences: the last, which is the best.
        right: whether the reader still chose a right sentence.
        confidence: softmax probability of the right sentences, in [0, 1].
        queries: paragraphs shown to the reader until then.
    """

    sentences: tuple[str, ...]
    right: Bool[np.ndarray, "t n"]
    confidence: Float[np.ndarray, "t n"]
    queries: Int[np.ndarray, "t n"]


def verdict(
    logits: Sequence[np.ndarray], passages: Sequence[Passage]
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Say of each passage which sentence a reader chose, and how sure it was of the right ones.

    Of equal sentences it chose the first.

    Args:
        logits: of the sentences of each.
        passages: the passages.

    Returns:
        ``chosen``, int ``[n]``, and ``confidence``, the softmax probability ``[n]`` of all
        right sentences together.

    Example:
        >>> import numpy as np
        >>> from fooljax import attacks, data
        >>> sentences = ("A lark sings.", "A stone rests.")
        >>> passages = [data.Passage("q1", "birds", "What sings?", sentences, right=(0,))]
        >>> chosen, confidence = attacks.verdict([np.array([0.0, 2.0])], passages)
        >>> chosen.tolist(), confidence.round(3).tolist()
        ([1], [0.119])
    """
    chosen = np.array([int(np.argmax(one)) for one in logits], np.int64)
    return chosen, expit(_odds(logits, passages))


def _odds(
    logits: Sequence[Float[np.ndarray, " s"]], passages: Sequence[Passage]
) -> Float[np.ndarray, " n"]:
    """Return the log-odds of the right sentences, which do not stop growing where shares do."""
    found = []
    for one, passage in zip(logits, passages, strict=True):
        right = np.isin(np.arange(len(one)), passage.right)
        wrong = logsumexp(one[~right]) if not right.all() else -np.inf
        found.append(logsumexp(one[right]) - wrong)
    return np.array(found, np.float64)


def is_right(chosen: Int[np.ndarray, " n"], passages: Sequence[Passage]) -> Bool[np.ndarray, " n"]:
    """Tell where the chosen sentence holds an answer.

    Example:
        >>> import numpy as np
        >>> from fooljax import attacks, data
        >>> sentences = ("A lark sings.", "A stone rests.")
        >>> passages = [data.Passage("q1", "birds", "What sings?", sentences, right=(0,))]
        >>> attacks.is_right(np.array([1]), passages).tolist()
        [False]
    """
    return np.array(
        [one in passage.right for one, passage in zip(chosen, passages, strict=True)], bool
    )


def right_by_name(chosen: Int[np.ndarray, " n"], passages: Sequence[Passage]) -> dict[str, bool]:
    """Tell of each question, by its name, whether a reader is right whatever was added.

    Args:
        chosen: places of the sentences that it chose.
        passages: several of a name are variants of one question.

    Example:
        >>> import numpy as np
        >>> from fooljax import attacks, data
        >>> sentences = ("A lark sings.", "A stone rests.")
        >>> passages = [data.Passage("q1", "birds", "What sings?", sentences, right=(0,))]
        >>> attacks.right_by_name(np.array([0]), passages)
        {'q1': True}
    """
    right: dict[str, bool] = {}
    for passage, hit in zip(passages, is_right(chosen, passages), strict=True):
        right[passage.name] = right.get(passage.name, True) and bool(hit)
    return right


def add_words(
    key: RandomKey,
    reader: Reader,
    passages: Sequence[Passage],
    common: Sequence[str],
    settings: AddedWords = AddedWords(),
    *,
    place: int | None = None,
    on_visit: Callable[[int, str], object] = lambda visit, text: None,
) -> WordsFound:
    """Search for a sentence of words that makes a reader sure of wrong sentences.

    It begins with random common words. All places of the sentence are visited in random
    order, and at each one the word is kept that makes the right sentences least probable; a
    search ends when the reader chooses a wrong sentence. All candidates of a visit, of all
    passages, are shown to the reader together.

    Args:
        key: with a passage's name decides its random numbers, whatever else is searched.
        reader: the victim.
        passages: to which nothing was added yet.
        common: common words; the commonest 1,000 in the paper.
        settings: the search's.
        place: before which sentence the words stand; after all unless given.
        on_visit: called after each visit with its number and what is left.

    Returns:
        One row more than ``length * epochs`` visits. Where a search has ended, the last is
        repeated.

    Raises:
        ValueError: if there is no passage, or fewer common words than draws.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> from fooljax import attacks, data
        >>> sentences = ("A lark sings.", "A stone rests.")
        >>> passages = [data.Passage("q1", "birds", "What sings?", sentences, right=(0,))]
        >>> reader = lambda some: [np.array([len(s) for s in one.sentences], float) for one in some]
        >>> settings = attacks.AddedWords(length=2, draws=2, epochs=1)
        >>> words = ["tree", "house"]
        >>> found = attacks.add_words(jax.random.key(0), reader, passages, words, settings)
        >>> len(found.sentences)
        1
    """
    key = checks.key(key)
    if not passages:
        raise ValueError("passages: there must be at least one")
    if len(set(common)) < max(settings.draws, 2):
        raise ValueError(
            f"common must have at least {max(settings.draws, 2)} different words, got "
            f"{len(set(common))}; give more, or lower draws"
        )
    streams = [_stream(key, passage) for passage in passages]
    words = [list(stream.choice(common, settings.length)) for stream in streams]
    own = [dict.fromkeys(words_in(one.question)) if settings.own_words else {} for one in passages]
    visits = settings.length * settings.epochs
    orders = [_orders(stream, settings) for stream in streams]
    show = lambda rows, texts: _show(reader, [passages[row] for row in rows], texts, place)

    everyone = list(range(len(passages)))
    right, odds = show(everyone, [" ".join(one) for one in words])
    count = np.ones(len(passages), np.int64)
    history = [(right.copy(), expit(odds), count.copy())]
    for visit in range(visits):
        left = np.flatnonzero(right)
        rows, texts, tried = list[int](), list[str](), list[str]()
        for row in left:
            drawn = streams[row].choice(common, settings.draws, replace=False)
            at = orders[row][visit]
            for word in dict.fromkeys([*drawn, *own[row]]):
                rows.append(int(row))
                texts.append(" ".join([*words[row][:at], word, *words[row][at + 1 :]]))
                tried.append(str(word))
        if rows:
            now_right, now_odds = show(rows, texts)
            lines = np.array(rows)
            for row in left:
                own_lines = np.flatnonzero(lines == row)
                best = own_lines[np.argmin(now_odds[own_lines])]
                count[row] += len(own_lines)
                if now_odds[best] < odds[row]:
                    words[row][orders[row][visit]] = tried[best]
                    right[row], odds[row] = now_right[best], now_odds[best]
        history.append((right.copy(), expit(odds), count.copy()))
        on_visit(visit + 1, f"{int(right.sum())} of {len(passages)} still right")
    columns = [np.stack(column) for column in zip(*history, strict=True)]
    return WordsFound(tuple(" ".join(one) for one in words), *columns)


def _stream(key: RandomKey, passage: Passage) -> np.random.Generator:
    """Return random numbers that belong to the key and the passage's name."""
    numbers = np.asarray(jax.random.key_data(key)).ravel().tolist()
    return np.random.default_rng([*numbers, zlib.crc32(passage.name.encode())])


def _orders(stream: np.random.Generator, settings: AddedWords) -> np.ndarray:
    """Return the place of every visit, each epoch in an order of its own."""
    return np.concatenate([stream.permutation(settings.length) for _ in range(settings.epochs)])


def _show(
    reader: Reader, passages: Sequence[Passage], texts: Sequence[str], place: int | None
) -> tuple[np.ndarray, np.ndarray]:
    longer = [add_sentence(one, text, place) for one, text in zip(passages, texts, strict=True)]
    logits = reader(longer)
    return is_right(verdict(logits, longer)[0], longer), _odds(logits, longer)
