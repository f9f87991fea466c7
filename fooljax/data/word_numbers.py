"""Words as numbers, also those that a vocabulary lacks."""

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

_TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")


@dataclass(frozen=True)
class Vocabulary:
    """Numbers of words: 0 is padding, then the known words, then places that others share.

    A word that is not known has a place by its checksum, so that the same word is the same
    number wherever it stands: two texts with a rare name in common are seen to have it.

    Attributes:
        words: the known ones, in lower case; that at place i has number i + 1.
        shared: places for all others.

    Raises:
        ValueError: if a word occurs twice, or there is no shared place.
    """

    words: tuple[str, ...]
    shared: int = 1000
    _numbers: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = {word: number for number, word in enumerate(self.words, 1)}
        if len(numbers) < len(self.words):
            raise ValueError("words: some occur twice; leave out all but the first of each")
        if self.shared < 1:
            raise ValueError(f"shared must be at least 1, got {self.shared}")
        object.__setattr__(self, "_numbers", numbers)

    @property
    def size(self) -> int:
        """How many numbers there are, padding included."""
        return 1 + len(self.words) + self.shared

    @property
    def names(self) -> tuple[str, ...]:
        """What every number means, for people."""
        return ("", *self.words, *(f"other {place}" for place in range(self.shared)))

    def encode(self, text: str, length: int) -> Int[np.ndarray, " n"]:
        """Return the numbers of a text's words and marks, cut or padded to ``length``."""
        found = np.zeros(length, np.int32)
        for place, token in enumerate(tokens(text)[:length]):
            number = self._numbers.get(token)
            found[place] = self._other(token) if number is None else number
        return found

    def _other(self, token: str) -> int:
        return 1 + len(self.words) + zlib.crc32(token.encode()) % self.shared


def tokens(text: str) -> list[str]:
    """Split a text into words and single marks, in lower case."""
    return _TOKEN.findall(text.lower())


def commonest(words: Iterable[str], count: int) -> tuple[str, ...]:
    """Return the first ``count`` words that consist of letters, one letter alone left out.

    Args:
        words: the commonest first.
        count: how many, at most.

    Example:
        >>> from fooljax import data
        >>> data.commonest(["the", "x", ",", "lark", "stone"], 2)
        ('the', 'lark')
    """
    plain = (word for word in words if word.isalpha() and (len(word) > 1 or word in "ai"))
    return tuple(word for word, _ in zip(dict.fromkeys(plain), range(count), strict=False))


def by_frequency(texts: Sequence[str]) -> tuple[str, ...]:
    """Return all words of some texts in lower case, the commonest first, then by alphabet.

    Example:
        >>> from fooljax import data
        >>> data.by_frequency(["a lark", "a stone"])
        ('a', 'lark', 'stone')
    """
    counts: dict[str, int] = {}
    for text in texts:
        for token in tokens(text):
            counts[token] = counts.get(token, 0) + 1
    return tuple(sorted(counts, key=lambda token: (-counts[token], token)))


def table_of(
    vocabulary: Vocabulary, vectors: Float[np.ndarray, "n d"], seed: int = 0
) -> Float[np.ndarray, "m d"]:
    """Return a vector for each number: none for padding, random ones for shared places.

    Random vectors have the spread of the known ones, so that they look like words.

    Args:
        vocabulary: whose words the vectors belong to, in the same order.
        vectors: of its words.
        seed: decides the random ones.

    Raises:
        ValueError: if there is not one vector a word.

    Example:
        >>> import numpy as np
        >>> from fooljax import data
        >>> words = data.Vocabulary(("lark", "stone"), shared=1)
        >>> data.table_of(words, np.eye(2, dtype=np.float32)).shape
        (4, 2)
    """
    if len(vectors) != len(vocabulary.words):
        raise ValueError(f"got {len(vectors)} vectors for {len(vocabulary.words)} words")
    shape = (vocabulary.shared, vectors.shape[1])
    others = np.random.default_rng(seed).normal(0.0, float(vectors.std()), shape)
    zero = np.zeros((1, vectors.shape[1]))
    return np.concatenate([zero, vectors, others]).astype(np.float32)
