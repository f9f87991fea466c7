"""All encodings by name, with what they do and where they come from: add yours here."""

from collections.abc import Callable
from typing import Any, NamedTuple

from fooljax import checks
from fooljax.encodings.characters import characters
from fooljax.encodings.cppn import cppn
from fooljax.encodings.direct import direct
from fooljax.encodings.flicker import flicker
from fooljax.encodings.partials import partials
from fooljax.encodings.tokens import tokens
from fooljax.encodings.voxels import voxels
from fooljax.encodings.waveform import waveform
from fooljax.media import KINDS, Kind, Medium, Sounds, Texts, Videos
from fooljax.types import Encoding


class Entry(NamedTuple):
    """An encoding that can be asked for by name.

    Attributes:
        build: ``(shape, medium) -> encoding``, with the numbers it was published with.
        words: what it is, as the end of "evolved ...".
        source: who published it.
        takes: kinds of media that it can express.
    """

    build: Callable[[tuple[int, ...], Medium], Encoding]
    words: str
    source: str
    takes: tuple[Kind, ...] = ("pictures",)


_OWN = "this project"
_NGUYEN = "Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897"

CATALOG: dict[str, Entry] = {
    "direct": Entry(
        lambda shape, medium: direct(_numbers(shape, medium)),
        "from noise, every pixel a number of its own",
        _NGUYEN,
        ("pictures", "sounds", "videos"),
    ),
    "cppn": Entry(
        lambda shape, medium: cppn(shape),
        "as patterns, painted by small networks (CPPNs)",
        _NGUYEN,
        ("pictures", "sounds", "videos"),
    ),
    "waveform": Entry(
        lambda shape, medium: waveform(shape),
        "from quiet noise, every sample a number of its own",
        "Alzantot et al., 2018, arXiv:1801.00554",
        ("sounds",),
    ),
    "partials": Entry(
        lambda shape, medium: partials(shape, _rate(medium)),
        "as sums of ten tones that begin, rise or fall, and end",
        "McAulay and Quatieri, 1986",
        ("sounds",),
    ),
    "voxels": Entry(
        lambda shape, medium: voxels(shape, isinstance(medium, Videos) and medium.binary),
        "from noise, every voxel a number of its own (black or white where the data are so), and "
        "boxes of space and time that are plain",
        "",
        ("videos",),
    ),
    "flicker": Entry(
        lambda shape, medium: flicker(shape),
        "as plain grey that flickers, one number a frame",
        "Pony, Naeh and Mannor, 2021, CVPR (flickering attacks on videos)",
        ("videos",),
    ),
    "characters": Entry(
        lambda shape, medium: characters(_letters(shape, medium)),
        "as strings, letter by letter",
        _OWN,
        ("texts",),
    ),
    "tokens": Entry(
        lambda shape, medium: tokens(*_words(shape, medium)),
        "as rows of words, word by word",
        _OWN,
        ("texts",),
    ),
}


def own_encoding(name: str, made: Any) -> Entry:
    """Return an entry for an encoding that is in no catalog.

    Args:
        name: of the function, for pages.
        made: an entry, or a function ``shape -> Encoding``.

    Raises:
        ValueError: if it is something else.

    Example:
        >>> from fooljax import encodings
        >>> encodings.own_encoding("mine", encodings.direct).build is not None
        True
    """
    if isinstance(made, Entry):
        return made
    build = checks.own(name, made, "shape -> Encoding, or an encodings.Entry", Encoding)
    about = f"in an encoding of your own, {name}"
    return Entry(lambda shape, medium: build(shape), about, "", KINDS)


def _numbers(shape: tuple[int, ...], medium: Medium) -> tuple[int, ...]:
    """Return the shape of what is no text.

    Raises:
        ValueError: if it is one.
    """
    if isinstance(medium, Texts):
        raise ValueError(
            f"the network reads texts, not numbers, got {shape}; give characters or tokens"
        )
    return shape


def _rate(medium: Medium) -> int:
    """Return samples a second; those of what is no sound do not matter, its shape is refused."""
    return medium.rate if isinstance(medium, Sounds) else Sounds().rate


def _letters(shape: tuple[int, ...], medium: Medium) -> int:
    """Return the length of texts of characters.

    Raises:
        ValueError: if the network reads words.
    """
    if isinstance(medium, Texts) and medium.words is not None:
        raise ValueError("the network reads words, not characters; give tokens")
    return _length(shape)


def _words(shape: tuple[int, ...], medium: Medium) -> tuple[int, int]:
    """Return the length of texts of words, and how many words there are.

    Raises:
        ValueError: if the network reads characters.
    """
    length = _length(shape)
    if not isinstance(medium, Texts) or medium.words is None:
        raise ValueError("the network reads characters, not words; give characters")
    return length, len(medium.words)


def _length(shape: tuple[int, ...]) -> int:
    """Return the length of a text.

    Raises:
        ValueError: if it is something else.
    """
    if len(shape) != 1:
        raise ValueError(f"texts (n,) are spelled, got {shape}")
    return shape[0]
