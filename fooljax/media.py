"""What kinds of input there are, and what it takes to show one to a person.

A network knows shapes and numbers only. That a column of numbers is a sound of 16,000
samples a second, or a row of whole numbers a sentence, is known of the data: a `Dataset`
says it, and pages need it.

Shapes of one input: picture ``[h, w, c]``, sound ``[t, 1]``, video ``[t, h, w, c]``, all
float32 in [0, 1] or uint8; text ``[n]``, int32. A waveform in [-1, 1) enters as
``(waveform + 1) / 2``, so a distance in it is half of what it is in the waveform.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Int

from fooljax import checks

Kind: TypeAlias = Literal["pictures", "sounds", "videos", "texts"]
KINDS: tuple[Kind, ...] = get_args(Kind)

PADDING = 0  # the id that fills a text up to its length


@dataclass(frozen=True)
class Pictures:
    """Pictures ``[h, w, c]``."""


@dataclass(frozen=True)
class Sounds:
    """Sounds ``[t, 1]``.

    Attributes:
        rate: samples a second, in hertz.
    """

    rate: int = 16_000

    def __post_init__(self) -> None:
        checks.count("rate", self.rate)


@dataclass(frozen=True)
class Videos:
    """Videos ``[t, h, w, c]``.

    Attributes:
        rate: frames a second.
        binary: whether they are black and white, as silhouettes are.
    """

    rate: float = 25.0
    binary: bool = False

    def __post_init__(self) -> None:
        checks.positive("rate", self.rate)


@dataclass(frozen=True)
class Texts:
    """Texts ``[n]`` of ids; id 0 is padding, and stands at the end.

    Attributes:
        words: what the ids mean, ``words[0]`` the padding and ``words[1]`` a word that is
            not among the others. Without words an id is the code point of a character.
    """

    words: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.words is not None and len(self.words) < 3:
            raise ValueError(
                "words must be the padding, the unknown word and at least one more, got "
                f"{len(self.words)}"
            )

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words or ())}

    def spell(self, ids: Int[np.ndarray, " n"] | Sequence[int]) -> str:
        """Return the text, without its padding; what is no character is shown as U+FFFD."""
        kept = [int(number) for number in np.asarray(ids) if number != PADDING]
        if self.words is not None:
            return " ".join(self.words[number] for number in kept)
        return "".join(map(_character, kept))

    def encode(self, text: str, length: int) -> Int[np.ndarray, " n"]:
        """Return the ids of a text, cut or padded to a length.

        Words are what spaces separate; one that is not among ``words`` has id 1.

        Raises:
            ValueError: if ``text`` is no text, or ``length`` is not positive.
        """
        if not isinstance(text, str):
            raise ValueError(f"text must be a str, got {checks.shown(text)}; decode bytes first")
        length = checks.count("length", length)
        if self.words is None:
            numbers = [ord(character) for character in text if character != "\0"]
        else:
            numbers = [self._ids.get(word, 1) for word in text.split()]
        ids = np.full(length, PADDING, np.int32)
        ids[: len(numbers)] = numbers[:length]
        return ids


Medium: TypeAlias = Pictures | Sounds | Videos | Texts


def kind(medium: Medium) -> Kind:
    """Return the name of a medium's kind.

    Example:
        >>> from fooljax import media
        >>> media.kind(media.Sounds(rate=8_000))
        'sounds'
    """
    match medium:
        case Pictures():
            return "pictures"
        case Sounds():
            return "sounds"
        case Videos():
            return "videos"
        case Texts():
            return "texts"


def medium_of(shape: tuple[int, ...]) -> Medium:
    """Guess what inputs of a shape are, where nobody said.

    Raises:
        ValueError: if they are none of the four.

    Example:
        >>> from fooljax import media
        >>> media.medium_of((28, 28, 1)), media.medium_of((16_000, 1)), media.medium_of((40,))
        (Pictures(), Sounds(rate=16000), Texts(words=None))
    """
    known: dict[int, Medium] = {1: Texts(), 2: Sounds(), 3: Pictures(), 4: Videos()}
    if len(shape) not in known:
        raise ValueError(
            "inputs must be pictures (h, w, c), sounds (t, 1), videos (t, h, w, c) or texts (n,), "
            f"got {tuple(shape)}"
        )
    return known[len(shape)]


def _character(number: int) -> str:
    surrogate = 0xD800 <= number < 0xE000
    return "\ufffd" if surrogate or not 0 < number < 0x110000 else chr(number)
