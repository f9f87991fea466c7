"""Cells that divide what images may look like: a grid, or a centroidal Voronoi tessellation."""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32
from scipy.spatial import KDTree

from fooljax import checks
from fooljax.evolution.descriptors import Descriptor, measure
from fooljax.types import Classifier, Images

_SAMPLES = 50  # for each cell
_ROUNDS = 30  # of k-means


class Grid(NamedTuple):
    """Cells of equal width along each of some descriptors.

    Attributes:
        descriptors: the last one runs fastest.
        cells: along each.
    """

    descriptors: tuple[Descriptor, ...]
    cells: int

    @property
    def size(self) -> int:
        """How many cells there are in all."""
        return self.cells ** len(self.descriptors)

    @property
    def centers(self) -> Float[np.ndarray, "cells d"]:
        """The middle of each cell, in units of the descriptors' ranges."""
        steps = np.indices((self.cells,) * len(self.descriptors)).reshape(-1, self.size)
        return (steps.T + 0.5) / self.cells

    def locate(self, looks: Float[Array, "b d"]) -> Int32[Array, " b"]:
        """Return the cell of each image by what ``measure`` says of it, all of it finite."""
        along = jnp.clip(jnp.floor(looks * self.cells), 0, self.cells - 1).astype(jnp.int32)
        cell = jnp.zeros(len(looks), jnp.int32)
        for column in range(len(self.descriptors)):
            cell = cell * self.cells + along[:, column]
        return cell


class CVT(NamedTuple):
    """Cells around points that are spread evenly: each image is in that of the nearest one.

    The number of cells does not grow with that of the descriptors, as a grid's does.

    Attributes:
        descriptors: what is measured.
        points: ``[cells][d]``, in units of the descriptors' ranges; plain numbers, so that
            equal tessellations are equal settings.
    """

    descriptors: tuple[Descriptor, ...]
    points: tuple[tuple[float, ...], ...]

    @property
    def size(self) -> int:
        """How many cells there are in all."""
        return len(self.points)

    @property
    def centers(self) -> Float[np.ndarray, "cells d"]:
        """The point of each cell, in units of the descriptors' ranges."""
        return np.asarray(self.points)

    def locate(self, looks: Float[Array, "b d"]) -> Int32[Array, " b"]:
        """Return the cell of each image by what ``measure`` says of it, all of it finite.

        Of points equally near the first one counts.
        """
        inside = jnp.clip(looks, 0.0, 1.0)
        apart = inside[:, None] - jnp.asarray(self.points, jnp.float32)[None]
        return jnp.argmin(jnp.sum(apart**2, axis=-1), axis=1).astype(jnp.int32)


#: What divides the looks of every class.
Cells: TypeAlias = Grid | CVT


def check(name: str, given: Cells) -> Cells:
    """Return a grid or a tessellation.

    Raises:
        ValueError: if it is neither, naming the argument.
    """
    if not isinstance(given, Grid | CVT):
        raise ValueError(
            f"{name} must be a Grid or a CVT, got {checks.shown(given)}; make it with "
            "evolution.grid or evolution.cvt"
        )
    return given


def grid(descriptors: Sequence[Descriptor], cells: int) -> Grid:
    """Lay a grid over some descriptors.

    Args:
        descriptors: from ``DESCRIPTORS``, or your own.
        cells: along each, at least 1.

    Raises:
        ValueError: if there is none, one has no range, or a number is impossible.

    Example:
        >>> from fooljax import evolution
        >>> looks = [evolution.DESCRIPTORS["brightness"], evolution.DESCRIPTORS["symmetry"]]
        >>> cells = evolution.grid(looks, cells=5)  # for evolution.map_elites(..., grid=cells)
        >>> cells.size
        25
        >>> cells.centers[0].tolist()  # dark, and least alike left and right
        [0.1, 0.1]
    """
    cells = checks.count("cells", cells)
    return Grid(_descriptors(descriptors), cells)


@checks.cache
def _spread(cells: int, axes: int, seed: int) -> tuple[tuple[float, ...], ...]:
    """Return the centers of ``cells`` clusters of points drawn from the unit cube.

    Lloyd's algorithm by hand: the same points on any machine and any number of threads, so
    that a run resumed elsewhere has the same niches.
    """
    draw = np.random.default_rng(seed)
    samples = draw.uniform(size=(max(_SAMPLES * cells, 10_000), axes))
    points = samples[:cells].copy()
    for _ in range(_ROUNDS):
        nearest = KDTree(points).query(samples)[1]
        count = np.bincount(nearest, minlength=cells)
        for axis in range(axes):
            total = np.bincount(nearest, samples[:, axis], minlength=cells)
            points[:, axis] = np.where(count > 0, total / np.maximum(count, 1), points[:, axis])
    order = np.lexsort(points.T[::-1])  # neighbors along the first descriptor, side by side
    return tuple(tuple(map(float, point)) for point in points[order].astype(np.float32))


def cvt(descriptors: Sequence[Descriptor], cells: int, seed: int = 0) -> CVT:
    """Divide the looks among cells of about equal size: a centroidal Voronoi tessellation.

    Args:
        descriptors: from ``DESCRIPTORS``, or your own.
        cells: in all, at least 1.
        seed: of the points that the centers are found with; not that of a run, whose
            repeats share their niches.

    Raises:
        ValueError: if there is no descriptor, one has no range, or a number is impossible.

    Source:
        Vassiliades et al., 2018, arXiv:1610.05729 (k-means over points drawn evenly).

    Example:
        >>> from fooljax import evolution
        >>> looks = [evolution.DESCRIPTORS[name] for name in ("brightness", "symmetry", "fineness")]
        >>> cells = evolution.cvt(looks, cells=12)  # a grid over three looks has 8, 27, 64 ...
        >>> cells.size, cells.centers.shape
        (12, (12, 3))
    """
    cells = checks.count("cells", cells)
    found = _descriptors(descriptors)
    return CVT(found, _spread(cells, len(found), checks.count("seed", seed, 0)))


def place(cells: Cells, classifier: Classifier, images: Images) -> Int32[Array, " b"]:
    """Return the cell of each image, in ``[0, cells.size)``.

    What lies beyond the end of a range counts as at that end, as in pyribs' grids. An image
    with a measure that is NaN has no cell, which is -1.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> cells = fj.evolution.grid([fj.evolution.DESCRIPTORS["brightness"]], cells=4)
        >>> images = jnp.stack([jnp.full((4, 4, 1), gray) for gray in (0.0, 0.3, 0.6, 1.0)])
        >>> fj.evolution.place(cells, network, images).tolist()
        [0, 1, 2, 3]
    """
    return settle(cells, measure(cells.descriptors, classifier, images))


def settle(cells: Cells, looks: Float[Array, "b d"]) -> Int32[Array, " b"]:
    """Return the cell of each image by what ``measure`` says of it, -1 for NaN."""
    known = ~jnp.any(jnp.isnan(looks), axis=1)
    safe = jnp.clip(jnp.where(known[:, None], looks, 0.0), -1.0, 2.0)  # infinite ones, too
    return jnp.where(known, cells.locate(safe), -1)


def _descriptors(given: Sequence[Descriptor]) -> tuple[Descriptor, ...]:
    if not given:
        raise ValueError("descriptors: at least one is needed, got none")
    for one in given:
        checks.kind("descriptors", one, Descriptor, "take them from DESCRIPTORS")
        if not (math.isfinite(one.low) and math.isfinite(one.high) and one.low < one.high):
            raise ValueError(
                f"descriptors: {one.words} needs finite low < high, got {one.low} and {one.high}"
            )
    return tuple(given)
