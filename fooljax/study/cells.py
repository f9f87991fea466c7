"""The pieces of work of an experiment: cells with named coordinates, each kept on disk."""

import functools
import hashlib
import itertools
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np
from numpy.typing import ArrayLike

from fooljax.study import units
from fooljax.study.run import Run, Runnable
from fooljax.study.units import Arrays
from fooljax.types import RandomKey

#: A text or a number; which, the experiment that names it knows.
Coordinate: TypeAlias = Any
Cell: TypeAlias = Mapping[str, Coordinate]

_LONGEST = 150  # characters of a file's name that are legible, before a digest


class Results(NamedTuple):
    """What all cells found, in the order of computing.

    Attributes:
        found: each cell, and its arrays by name; ``seconds`` among them.
    """

    found: tuple[tuple[Cell, Arrays], ...]

    def where(self, **coordinates: Coordinate) -> "Results":
        """Keep the cells with these coordinates."""
        return Results(tuple(both for both in self.found if _lies_at(both[0], coordinates)))

    def one(self, **coordinates: Coordinate) -> Arrays:
        """Return the arrays of the only cell with these coordinates.

        Raises:
            KeyError: if there is none, or several.
        """
        found = self.where(**coordinates).found
        if len(found) != 1:
            raise KeyError(f"there are {len(found)} cells at {coordinates}")
        return found[0][1]

    def stacked(self, name: str, **coordinates: Coordinate) -> np.ndarray:
        """Return an array of all cells with these coordinates, ``[cells, ...]``, in their order."""
        return np.stack([arrays[name] for _, arrays in self.where(**coordinates).found])

    def arrays(self, *names: str) -> Arrays:
        """Return some arrays of all cells that have them, by ``CELL.NAME``."""
        return {
            f"{file_name(cell)}.{name}": arrays[name]
            for cell, arrays in self.found
            for name in names
            if name in arrays
        }

    @property
    def seconds(self) -> float:
        """Time that all cells took together."""
        return sum(float(arrays["seconds"]) for _, arrays in self.found)


def grid(**axes: Iterable[Coordinate]) -> list[Cell]:
    """Return all combinations of coordinates, the last axis changing fastest.

    Example:
        >>> from fooljax import study
        >>> cells = study.grid(epsilon=(0.1, 0.3), repeat=range(2))  # for study.compute
        >>> len(cells), cells[1]
        (4, {'epsilon': 0.1, 'repeat': 1})
    """
    return [dict(zip(axes, place, strict=True)) for place in itertools.product(*axes.values())]


def key_of(seed: int, **coordinates: Coordinate) -> RandomKey:
    """Return the random key of named coordinates.

    Names and values decide, not the place of a cell in any table, nor the order of
    the coordinates: a cell keeps its random numbers whatever else is computed.

    Args:
        seed: of the run.
        coordinates: what the random numbers belong to.

    Example:
        >>> from fooljax import study
        >>> key = study.key_of(0, attack="pgd", repeat=1)
        >>> bool(key == study.key_of(0, repeat=1, attack="pgd"))  # names decide, not their order
        True
        >>> bool(key == study.key_of(0, attack="pgd", repeat=2))
        False
    """
    fold = lambda key, text: jax.random.fold_in(key, zlib.crc32(text.encode()))
    parts = sorted(f"{axis}={at}" for axis, at in coordinates.items())
    return functools.reduce(fold, parts, jax.random.key(seed))


def compute(
    run: Run[Runnable],
    cells: Iterable[Cell],
    make: Callable[..., Mapping[str, ArrayLike]],
    title: str,
) -> Results:
    """Compute all cells that an earlier part of the run has not, and read the others.

    Args:
        run: keeps what was computed, a file a cell.
        cells: the cells, each once.
        make: ``(key, **coordinates) -> arrays by name``, the key being that of the
            cell (`key_of`).
        title: of the progress bar.

    Returns:
        The arrays of every cell, ``seconds`` among them: the time that it took.

    Example:
        >>> from dataclasses import dataclass, field
        >>> from fooljax import study
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     run: study.RunFlags = field(default_factory=lambda: study.RunFlags(out="dice"))
        >>> def main(config):
        ...     with study.opened(main, config) as run:
        ...         throw = lambda key, dice: {"eyes": jax.random.randint(key, (dice,), 1, 7)}
        ...         return study.compute(run, study.grid(dice=(1, 2, 5)), throw, "throwing")
        >>> import jax
        >>> results = main(Config())  # a file for each cell; what is there is not computed again
        >>> results.one(dice=5)["eyes"].shape
        (5,)
    """
    cells = list(cells)
    seed = run.config.run.seed
    work = {file_name(cell): functools.partial(_make, make, seed, cell) for cell in cells}
    if len(work) < len(cells):
        raise ValueError("cells must be different")
    words = {file_name(cell): ", ".join(map(_words, cell.items())) for cell in cells}
    done = units.compute_all(run.folder, work, title, words)
    return Results(tuple((cell, done[file_name(cell)]) for cell in cells))


def gather(*results: Results) -> Results:
    """Put results one after another.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> cell = lambda repeat, eyes: ({"repeat": repeat}, {"eyes": np.array(eyes)})
        >>> both = study.gather(study.Results((cell(0, 3),)), study.Results((cell(1, 6),)))
        >>> both.stacked("eyes").tolist(), int(both.one(repeat=1)["eyes"])
        ([3, 6], 6)
    """
    return Results(tuple(both for several in results for both in several.found))


def file_name(cell: Cell) -> str:
    """Return the name of a cell's file, which no other cell has.

    Coordinates stand in it as they are. Where a file system would not take them, or
    they are long, a digest of the whole takes the place of what is left out.
    """
    exact = "-".join(f"{axis}-{at}" for axis, at in cell.items())
    legible = re.sub(r"[^\w.,+=-]", "_", exact, flags=re.ASCII)[:_LONGEST]
    if legible.lower() == exact:  # some file systems take a for A
        return exact
    return f"{legible}-{hashlib.sha256(exact.encode()).hexdigest()[:8]}"


def _make(
    make: Callable[..., Mapping[str, ArrayLike]], seed: int, cell: Cell
) -> Mapping[str, ArrayLike]:
    return make(key_of(seed, **cell), **cell)


def _words(coordinate: tuple[str, Coordinate]) -> str:
    """Say where a cell lies: a text speaks for itself, a number does not."""
    axis, at = coordinate
    return at if isinstance(at, str) else f"{axis} {at}"


def _lies_at(cell: Cell, coordinates: Cell) -> bool:
    return all(cell.get(axis) == at for axis, at in coordinates.items())
