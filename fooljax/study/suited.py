"""What suits a medium: the words of a page, the settings of a run, entries of a catalog."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from fooljax.media import Kind, Medium, Sounds, Videos, kind, medium_of
from fooljax.reporting.sounds import TICKS

Config = TypeVar("Config")

#: Images that nobody made, by kinds of media that have none such: no picture to be had, the
#: same sound, or another way to move.
_NO_OUTSIDERS: dict[Kind, tuple[str, ...]] = {
    "sounds": ("photographs", "inverted", "quarter_turn"),
    "videos": ("photographs", "quarter_turn"),
}
#: Why texts are refused where numbers are changed a little.
NO_NUMBERS = "are not made of numbers that could change a little"


class Words(NamedTuple):
    """How a page speaks of the inputs of a network.

    Attributes:
        one: an input.
        many: several of them.
        number: one of its numbers.
        numbers: several of them.
        plain: what is in the middle of the range of a number.
        blank: an input in which there is nothing.
        span: the range of a number.
        real: an input of the data set, and several.
    """

    one: str
    many: str
    number: str
    numbers: str
    plain: str
    blank: str
    span: str
    real: tuple[str, str]

    def say(self, words: str) -> str:
        """Put these words in their places: ``{many}``, ``{a one}``, ``{Numbers}``, ``{number}``."""
        article = "an" if self.one[0] in "aeiou" else "a"
        more = {"a one": f"{article} {self.one}", "Numbers": self.numbers.capitalize()}
        return words.format_map(self._asdict() | more)


_WORDS: dict[Kind, Words] = {
    "pictures": Words(
        *("image", "images", "pixel", "pixels", "grey", "a plain image", "black to white"),
        ("picture", "pictures"),
    ),
    "sounds": Words(
        *("sound", "sounds", "sample", "samples", "silence", "silence", "the full scale"),
        ("recording", "recordings"),
    ),
    "videos": Words(
        *("video", "videos", "voxel", "voxels", "grey", "a plain video", "black to white"),
        ("video", "videos"),
    ),
    "texts": Words(
        *("text", "texts", "word", "words", "an empty text", "an empty text", "the vocabulary"),
        ("text", "texts"),
    ),
}


class HasTakes(Protocol):
    """An entry of a catalog that says which media it is for."""

    @property
    def takes(self) -> tuple[str, ...]:
        """Kinds of media."""
        ...


def words_for(medium: Medium) -> Words:
    """Return how a page speaks of a medium.

    Example:
        >>> from fooljax import study
        >>> from fooljax.media import Sounds
        >>> study.words_for(Sounds(8000)).say("{Numbers} of {a one} that nobody made")
        'Samples of a sound that nobody made'
    """
    return _WORDS[kind(medium)]


def how_shown(medium: Medium) -> str:
    """Say how galleries show a medium, after a space; nothing of pictures.

    Example:
        >>> from fooljax import study
        >>> from fooljax.media import Pictures, Videos
        >>> study.how_shown(Videos(rate=8)), study.how_shown(Pictures())
        (' A video is shown by frames at even distances.', '')
    """
    match medium:
        case Sounds(rate):
            ticks = " and ".join(f"{tick:,}" for tick in TICKS if tick < rate / 2)
            return (
                " A sound is shown by its spectrogram: all of its time from left to right, pitch "
                f"from bottom (0) to top ({rate // 2:,} Hz), spaced as people hear, with ticks at "
                f"{ticks} Hz; bright is loud, and the loudest place of each sound is the brightest."
            )
        case Videos():
            return " A video is shown by frames at even distances."
    return ""


def suit(config: Config, usual: Config, others: Mapping[str, Any]) -> Config:
    """Return settings with other values wherever nothing but the usual ones were asked for.

    Args:
        config: a frozen dataclass of settings.
        usual: its defaults.
        others: what suits another medium better, by the name of the field; a dataclass within
            takes a mapping of its own.

    Example:
        >>> from fooljax import study
        >>> usual = study.Making()
        >>> others = {"epsilon": 0.01, "images": 20}  # of sounds, say
        >>> for asked in (usual, study.Making(epsilon=0.3)):
        ...     suited = study.suit(asked, usual, others)
        ...     print(suited.epsilon, suited.images)
        0.01 20
        0.3 20
    """
    changes = {}
    for name, better in others.items():
        now, before = getattr(config, name), getattr(usual, name)
        if isinstance(better, Mapping):
            changes[name] = suit(now, before, better)
        elif now == before:
            changes[name] = better
    return dataclasses.replace(config, **changes)  # type: ignore[type-var]


def refuse_texts(shape: tuple[int, ...], why: str) -> None:
    """Refuse texts where an experiment is about numbers in [0, 1].

    Args:
        shape: of an input.
        why: it makes no sense, after "texts".

    Raises:
        ValueError: naming the experiments for texts.

    Example:
        >>> from fooljax import study
        >>> study.refuse_texts((28, 28, 1), study.NO_NUMBERS)  # pictures may pass
        >>> try:
        ...     study.refuse_texts((60,), study.NO_NUMBERS)
        ... except ValueError as error:
        ...     print(str(error).partition(";")[0])
        --dataset, --model: texts are not made of numbers that could change a little
    """
    if len(shape) == 1:
        raise ValueError(
            f"--dataset, --model: texts {why}; give pictures, sounds or videos; experiments.reduce "
            "and experiments.evolve are for texts"
        )


def only_pictures(shape: tuple[int, ...], num_classes: int | None = None, side: int = 1) -> None:
    """Refuse what is no picture, grey or in color.

    Args:
        shape: of an input.
        num_classes: that the network tells apart, where one alone would not do.
        side: fewest pixels along each side.

    Raises:
        ValueError: naming the flags.

    Example:
        >>> from fooljax import study
        >>> study.only_pictures((28, 28, 1))  # may pass
        >>> try:
        ...     study.only_pictures((800, 1))  # a sound
        ... except ValueError as error:
        ...     print(error)
        --dataset, --model: pictures, grey or in color, are needed, got (800, 1)
    """
    if len(shape) != 3 or min(shape[:2]) < side or shape[2] not in (1, 3):
        size = f" of {side} x {side} pixels at least" if side > 1 else ""
        raise ValueError(
            f"--dataset, --model: pictures{size}, grey or in color, are needed, got {shape}"
        )
    if num_classes is not None and num_classes < 2:
        raise ValueError(f"--dataset, --model: 2 classes at least are needed, got {num_classes}")


def suited_outsiders(names: Sequence[str], medium: Medium) -> tuple[str, ...]:
    """Leave out images of other things that a medium has none of, such as photographs of sounds.

    Args:
        names: as `choose_outsiders` takes them.
        medium: what the network takes.

    Example:
        >>> from fooljax import study
        >>> from fooljax.media import Sounds
        >>> study.suited_outsiders(("photographs", "noise", "inverted"), Sounds(8000))
        ('noise',)
    """
    return tuple(name for name in names if name not in _NO_OUTSIDERS.get(kind(medium), ()))


def refuse_unsuited(
    flag: str, names: Sequence[str], catalog: Mapping[str, HasTakes], shape: tuple[int, ...]
) -> None:
    """Refuse entries of a catalog that are for other media.

    Args:
        flag: that asked for them, with its dashes.
        names: of the entries.
        catalog: all entries by name.
        shape: of an input.

    Raises:
        ValueError: naming the entry, and those that suit.

    Example:
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> study.refuse_unsuited("--encoding", ["direct"], fj.encodings.CATALOG, (28, 28, 1))
        >>> try:
        ...     study.refuse_unsuited("--encoding", ["waveform"], fj.encodings.CATALOG, (28, 28, 1))
        ... except ValueError as error:
        ...     print(str(error).partition(";")[0])
        --encoding: waveform is for sounds, and the network takes pictures
    """
    medium = kind(medium_of(shape))
    for name in names:
        if name in catalog and medium not in catalog[name].takes:
            fit = ", ".join(one for one, entry in catalog.items() if medium in entry.takes)
            raise ValueError(
                f"{flag}: {name} is for {' and '.join(catalog[name].takes)}, and the network takes "
                f"{medium}; there are {fit}"
            )
