"""From flags that say which looks every class keeps an image of to the cells of these looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fooljax.runtime.limits import Count

if TYPE_CHECKING:
    from fooljax.evolution import Cells


@dataclass(frozen=True)
class Looks:
    """Looks of which every class keeps the best image; one image a class without descriptors.

    Attributes:
        descriptors: what images may look like, as NAME or NAME:LOW:HIGH, from brightness,
            contrast, variation, fineness, symmetry, nearest (distance from the nearest
            training image). Every class then keeps the best image of each look; none of
            them, and so one image a class, unless given.
        archive: how the looks are divided: grid (equal steps of each descriptor) or cvt (cells
            of about equal size, whose number does not grow with that of the descriptors: a
            centroidal Voronoi tessellation).
        grid: steps of each descriptor in a grid.
        cells: of a cvt, for each class.
    """

    descriptors: tuple[str, ...] = ()
    archive: Literal["grid", "cvt"] = "grid"
    grid: Count = 8
    cells: Count = 64


def cells_of(looks: Looks, num_classes: int = 1) -> Cells | None:
    """Return the cells that every class has, None without descriptors.

    Raises:
        ValueError: if there are too many, or for flags of what was not asked for, naming the
            flag.

    Example:
        >>> from fooljax import study
        >>> looks = study.Looks(descriptors=("brightness", "contrast:0:0.5"), grid=5)
        >>> study.cells_of(looks).size, study.cells_of(study.Looks())  # none, without descriptors
        (25, None)
    """
    from fooljax.study.descriptors import read_grid

    usual = Looks()
    if looks.archive != usual.archive and not looks.descriptors:
        raise ValueError(f"--archive {looks.archive} divides what --descriptors name; give some")
    if looks.grid != usual.grid and not looks.descriptors:
        raise ValueError(
            f"--grid {looks.grid} is the number of steps of --descriptors; give some, or leave it"
        )
    if looks.grid != usual.grid and looks.archive != "grid":
        raise ValueError(
            f"--grid {looks.grid} is of --archive grid; --archive {looks.archive} has --cells"
        )
    if looks.cells != usual.cells and looks.archive != "cvt":
        raise ValueError(
            f"--cells {looks.cells} are those of --archive cvt, with --descriptors; leave it out "
            "(a grid has --grid)"
        )
    count = looks.grid if looks.archive == "grid" else looks.cells
    return read_grid("--descriptors", looks.descriptors, count, num_classes, looks.archive)
