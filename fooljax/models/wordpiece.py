"""WordPiece, the tokens of BERT: words, and pieces of those that are not in the vocabulary."""

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_SPACES = re.compile(r"[ \t\n\r]+")  # other spaces are split off inside
START, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_LONGEST = 100  # letters of a word that is still taken apart
_IDEOGRAPHS = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)


@dataclass(frozen=True)
class WordPiece:
    """Texts to numbers of tokens, as BERT's lower-case networks were trained.

    Attributes:
        tokens: all of them; a token's place is its number. Pieces inside a word begin
            with ``##``.
        most: tokens of a text at most, its beginning and end among them.

    Raises:
        ValueError: if one of ``[CLS]``, ``[SEP]``, ``[UNK]`` is missing, or ``most`` is below 3.

    Source:
        Devlin et al., 2018, arXiv:1810.04805; the reference code's ``tokenization.py``.
    """

    tokens: tuple[str, ...]
    most: int = 256
    _numbers: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = {token: number for number, token in enumerate(self.tokens)}
        missing = [token for token in (START, END, UNKNOWN) if token not in numbers]
        if missing:
            raise ValueError(
                f"tokens: {', '.join(missing)} missing among {len(self.tokens)}; give the "
                "vocab.txt that belongs to the network"
            )
        if self.most < 3:
            raise ValueError(f"most must be at least 3, got {self.most}")
        object.__setattr__(self, "_numbers", numbers)

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text's tokens, from ``[CLS]`` to ``[SEP]``."""
        inside: list[int] = []
        for chunk in _SPACES.split(text):
            inside += _tokens(self, chunk)
            if len(inside) > self.most:
                break
        numbers = self._numbers
        return [numbers[START], *inside[: self.most - 2], numbers[END]]

    def __hash__(self) -> int:
        return id(self)  # for the memory of words, which is as fast as this


def split_words(text: str) -> Iterator[str]:
    """Split a text into words and marks, in lower case and without accents."""
    # letter by letter, as the reference: a sigma does not know that it ends a word
    plain = "".join(_plain(letter).lower() for letter in text)
    plain = unicodedata.normalize("NFD", plain)
    word = ""
    for letter in plain:
        if unicodedata.category(letter) == "Mn":
            continue
        alone = _is_mark(letter)
        if alone or letter.isspace():
            if word:
                yield word
            word = ""
            if alone:
                yield letter
        else:
            word += letter
    if word:
        yield word


@functools.lru_cache(maxsize=100_000)
def _tokens(wordpiece: WordPiece, chunk: str) -> Sequence[int]:
    """Return the tokens of what stands between two spaces."""
    return tuple(number for word in split_words(chunk) for number in _pieces(wordpiece, word))


def _pieces(wordpiece: WordPiece, word: str) -> Sequence[int]:
    """Take the longest known piece again and again; a word with an unknown rest is unknown."""
    numbers, found, start = wordpiece._numbers, [], 0
    if len(word) > _LONGEST:
        return (numbers[UNKNOWN],)
    while start < len(word):
        front = "##" if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if front + word[start:end] in numbers), None)
        if end is None:
            return (numbers[UNKNOWN],)
        found.append(numbers[front + word[start:end]])
        start = end
    return tuple(found)


def _plain(letter: str) -> str:
    """Drop control characters; a space is a space, an ideograph is a word."""
    code = ord(letter)
    if letter in "\t\n\r" or unicodedata.category(letter) == "Zs":
        return " "
    if code in (0, 0xFFFD) or unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs"):
        return ""
    return f" {letter} " if any(low <= code <= high for low, high in _IDEOGRAPHS) else letter


def _is_mark(letter: str) -> bool:
    """Tell punctuation, to which BERT counts all ASCII that is no letter, digit or space."""
    code = ord(letter)
    ascii_mark = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_mark or unicodedata.category(letter).startswith("P")
