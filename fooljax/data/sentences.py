"""Labelled sentences: their words, and ids of equal length that a network reads."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from fooljax.data.dataset import Dataset, Splits, from_arrays
from fooljax.media import Texts

#: What stands for padding, and for a word that is not among the others.
PADDING, UNKNOWN = "", "<unknown>"
#: Words of a text that are read; what follows is cut off.
MOST_WORDS = 256
_MULTIPLE = 8  # lengths are rounded up to it, which leaves room for a few words more


class Sentences(NamedTuple):
    """Texts and their classes.

    Attributes:
        texts: words with a space between them.
        labels: class of each, ``[n]``.
        class_names: in the order of the labels.
    """

    texts: tuple[str, ...]
    labels: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]


def vocabulary(texts: Iterable[str], *more: Iterable[str]) -> tuple[str, ...]:
    """Return the padding, the unknown word, and all words of texts, the most frequent first.

    Args:
        texts: words with a space between them; words equally frequent in alphabetical order.
        more: further words, which follow in their order if they are not there yet.

    Example:
        >>> from fooljax import data
        >>> data.vocabulary(["a good film", "a bad film"])[2:]
        ('a', 'film', 'bad', 'good')
    """
    counts = Counter(word for text in texts for word in text.split())
    words = dict.fromkeys((PADDING, UNKNOWN, *sorted(counts, key=lambda one: (-counts[one], one))))
    for others in more:
        words.update(dict.fromkeys(others))
    return tuple(words)


def encoded(train: Sentences, test: Sentences, more: Iterable[str] = ()) -> Splits:
    """Turn sentences into ids.

    The words are those of the training sentences, the most frequent first, then ``more``,
    then those that only test sentences have. No network has learned anything about words
    after the first kind, but what is there is shown as it was written. `seen` tells which
    these are. Texts are as long as the longest, rounded up to a multiple of eight, and 256
    words at most.

    Args:
        train: to learn from.
        test: to test on; of the same classes.
        more: further words that a network may know, such as those of a table of vectors.

    Example:
        >>> from fooljax import data
        >>> train = data.Sentences(("a good film", "a bad film"), (1, 0), ("bad", "good"))
        >>> splits = data.encoded(train, train)
        >>> splits.train.images.shape
        (2, 8)
    """
    unlearned = (word for text in test.texts for word in text.split())
    medium = Texts(vocabulary(train.texts, more, unlearned))
    longest = max(len(text.split()) for text in (*train.texts, *test.texts))
    length = min(MOST_WORDS, -(-longest // _MULTIPLE) * _MULTIPLE)
    return Splits(*(encode(part, medium, length) for part in (train, test)))


def encode(sentences: Sentences, medium: Texts, length: int) -> Dataset:
    """Turn sentences into ids of given words and length.

    Raises:
        ValueError: if there is no sentence, or a label is out of range.

    Example:
        >>> from fooljax import data
        >>> from fooljax.media import Texts
        >>> words = data.vocabulary(["a good film"])
        >>> sentences = data.Sentences(("good film",), (1,), ("bad", "good"))
        >>> data.encode(sentences, Texts(words), length=4).images.tolist()
        [[4, 3, 0, 0]]
    """
    ids = np.zeros((len(sentences.texts), length), np.int32)
    for row, text in zip(ids, sentences.texts, strict=True):
        row[:] = medium.encode(text, length)
    return from_arrays(ids, sentences.labels, sentences.class_names, medium)


def seen(dataset: Dataset) -> np.ndarray:
    """Tell which words occur in a data set, bool ``[count]``; the padding does not.

    Raises:
        ValueError: if the data are no texts of words.

    Example:
        >>> from fooljax import data
        >>> train = data.Sentences(("a good film", "a bad film"), (1, 0), ("bad", "good"))
        >>> int(data.seen(data.encoded(train, train).train).sum())
        4
    """
    words = words_of(dataset)
    found = np.zeros(len(words), bool)
    found[np.unique(np.asarray(dataset.images))] = True
    found[0] = False
    return found


def words_of(dataset: Dataset) -> Sequence[str]:
    """Return the words that ids of a data set mean.

    Raises:
        ValueError: if the data are no texts of words.

    Example:
        >>> from fooljax import data
        >>> train = data.Sentences(("a good film", "a bad film"), (1, 0), ("bad", "good"))
        >>> data.words_of(data.encoded(train, train).train)[2:4]
        ('a', 'film')
    """
    if not isinstance(dataset.medium, Texts) or dataset.medium.words is None:
        raise ValueError(
            "the data must be texts of words, got "
            f"{type(dataset.medium).__name__.lower()}; give sst2, opinions or sentences of your own"
        )
    return dataset.medium.words
