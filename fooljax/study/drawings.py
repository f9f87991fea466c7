"""Ways to draw images at random, from words such as ``uniform`` or ``smooth=2``."""

from collections.abc import Sequence
from typing import NamedTuple

from fooljax.analysis import MEASURES, Measure
from fooljax.study.settings import choose
from fooljax.study.victim_data import blame


class Drawing(NamedTuple):
    """A way to draw images.

    Attributes:
        measure: how they are drawn.
        words: what its images are, as the end of "images drawn ...".
    """

    measure: Measure
    words: str


def choose_measures(flag: str, words: Sequence[str], shape: tuple[int, ...]) -> dict[str, Drawing]:
    """Read how images are to be drawn.

    Args:
        flag: that asked for it, with its dashes.
        words: an entry of the catalog each, and its number if it is to be another than
            usual, such as ``smooth=4``.
        shape: of an image.

    Returns:
        Ways by the measures' names.

    Raises:
        ValueError: for what is unknown, impossible or named twice, with the remedy.

    Example:
        >>> from fooljax import study
        >>> found = study.choose_measures("--measures", ["uniform", "smooth=4"], (28, 28, 1))
        >>> found["uniform"].words, list(found)
        ('with every number uniform in [0, 1]', ['uniform', 'smooth 4'])
    """
    found = dict[str, Drawing]()
    for word in words:
        kind, _, given = word.partition("=")
        entry = choose(flag, [kind], MEASURES)[kind]
        with blame(f"{flag} {word}"):
            if given and entry.usual is None:
                raise ValueError(f"this measure has no number; give {kind} alone")
            try:
                number = float(given) if given else entry.usual
            except ValueError:
                raise ValueError(f"give a number, as in {kind}={entry.usual:g}") from None
            measure = entry.build(shape, number)
        if measure.name in found:
            raise ValueError(f"{flag}: give each once, got {' '.join(words)}")
        found[measure.name] = Drawing(measure, entry.words)
    return found
