"""The settings that every experiment has, and names that a catalogue knows."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fooljax.runtime.limits import Seed

Entry = TypeVar("Entry")

#: What may differ when a run is resumed: places, and what does not change results.
NEUTRAL = ("out", "resume", "data_dir", "classifier", "debug")


@dataclass(frozen=True)
class RunFlags:
    """Where a run goes, and what makes it the same run again.

    Attributes:
        seed: decides everything but the training.
        out: run directory; runs/NAME-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from, by name.
        debug: show the traceback of an error.
    """

    seed: Seed = 0
    out: str | None = None
    resume: str | None = None
    preset: str = "default"
    debug: bool = False


def choose(flag: str, names: Sequence[str], catalogue: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the entries of a catalogue that were asked for, in that order.

    Args:
        flag: that asked for them, with its dashes.
        names: of the entries.
        catalogue: all entries by name.

    Raises:
        ValueError: if a name is unknown, with the nearest known one.
    """
    for name in names:
        if name not in catalogue:
            near = difflib.get_close_matches(name, catalogue, 1, 0.5)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ValueError(f"{flag}: unknown {name!r}; {hint}There are {', '.join(catalogue)}")
    return {name: catalogue[name] for name in names}
