"""Parts of an image as masks: windows, a grid, pixels, the middle, what stands on the ground.

A mask is bool over all axes of an image but its channels, True inside the part; a set of
masks has an axis more, ``[m, h, w]``, and one for every image another, ``[n, m, h, w]``.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import ArrayLike

from fooljax import checks
from fooljax.data import as_float
from fooljax.types import Images, RandomKey

Masks = Bool[np.ndarray, "m ..."]


class Components(NamedTuple):
    """The connected parts of every image, away from its ground.

    Attributes:
        masks: ``[n, m, h, w]``, the largest parts first; those that an image lacks are empty.
        counts: ``[n]``, how many parts each image has.
    """

    masks: Bool[np.ndarray, "n m ..."]
    counts: Int[np.ndarray, " n"]


def windows(shape: tuple[int, ...], size: int, stride: int = 1) -> Masks:
    """Cover an image by square windows, row after row.

    Windows begin at multiples of ``stride``; the last ones are cut off at the edge.

    Args:
        shape: of an image, channels last.
        size: side of a window in pixels.
        stride: from one window to the next, in pixels; ``size`` at most, or some pixels
            would be in none.

    Raises:
        ValueError: if the window is larger than the image or the stride than the window.
    """
    sides = _sides(shape)
    size, stride = checks.count("size", size), checks.count("stride", stride)
    if size > min(sides):
        raise ValueError(f"size must be at most {min(sides)}, the image's side, got {size}")
    if stride > size:
        raise ValueError(f"stride must be at most size ({size}), got {stride}")
    ranges = [
        [(start, start + size) for start in range(0, side - size + stride, stride)]
        for side in sides
    ]
    return _boxes(sides, ranges)


def grid(shape: tuple[int, ...], parts: int) -> Masks:
    """Cut an image into ``parts`` blocks along every axis, as equal as can be.

    Args:
        shape: of an image, channels last.
        parts: blocks along each axis.

    Raises:
        ValueError: if there are more blocks than pixels along an axis.
    """
    sides, parts = _sides(shape), checks.count("parts", parts)
    if parts > min(sides):
        raise ValueError(f"parts must be at most {min(sides)}, the image's side, got {parts}")
    edges = [np.linspace(0, side, parts + 1).round().astype(int) for side in sides]
    return _boxes(sides, [list(itertools.pairwise(edge)) for edge in edges])


def pixels(shape: tuple[int, ...]) -> Masks:
    """Take every pixel for a part, row after row."""
    sides = _sides(shape)
    return np.eye(int(np.prod(sides)), dtype=bool).reshape(-1, *sides)


def central(shape: tuple[int, ...], sizes: ArrayLike) -> Masks:
    """Return windows in the middle of an image.

    Args:
        shape: of an image, channels last.
        sizes: side of each window as a share of the image's, in (0, 1]; rounded to whole
            pixels, one at least.

    Raises:
        ValueError: if a size is out of its range.
    """
    sides, shares = _sides(shape), checks.row("sizes", sizes)
    for share in shares:
        checks.between("sizes", float(share), 0.0, 1.0, "(]")
    return np.concatenate([_boxes(sides, [[_middle(side, s)] for side in sides]) for s in shares])


def components(images: Images | np.ndarray, tolerance: float = 0.25, most: int = 64) -> Components:
    """Find the connected parts of images away from their ground, the median color.

    Pixels are connected if they share a side.

    Args:
        images: ``[n, h, w, c]`` in [0, 1].
        tolerance: how far a pixel of the ground may be from its color, in units of [0, 1].
        most: parts of an image that are kept, the largest ones.

    Raises:
        ValueError: if a number is out of its range.
    """
    tolerance, most = checks.not_negative("tolerance", tolerance), checks.count("most", most)
    pictures = np.asarray(as_float(images))
    away = np.abs(pictures - ground(pictures)).max(axis=-1) > tolerance
    each = [_labeled(one, most) for one in away]
    counts = np.array([len(parts) for parts in each])
    masks = np.zeros((len(each), max(1, counts.max()), *away.shape[1:]), bool)
    for image, parts in enumerate(each):
        for place, part in enumerate(parts):
            masks[image, place] = part
    return Components(masks, counts)


def ground(images: Images | np.ndarray) -> Float[np.ndarray, "n ..."]:
    """Return the median color of each image, on all its pixels."""
    pictures = np.asarray(as_float(images))
    color = np.median(pictures, axis=tuple(range(1, pictures.ndim - 1)), keepdims=True)
    return np.broadcast_to(color.astype(np.float32), pictures.shape)


def dilate(masks: Bool[np.ndarray, "m ..."], pixels: int) -> Masks:
    """Let every mask grow by some pixels to all sides, corners included.

    Args:
        masks: ``[m, h, w]``.
        pixels: by how much.
    """
    around = np.ones((1, *(3,) * (masks.ndim - 1)), bool)
    times = checks.count("pixels", pixels, 0)
    return scipy.ndimage.binary_dilation(masks, around, times) if times else np.asarray(masks)


def scattered(key: RandomKey, shape: tuple[int, ...], counts: ArrayLike) -> Masks:
    """Draw masks of random pixels.

    Args:
        key: decides which; the mask at a place depends on the place and its count only.
        shape: of an image, channels last.
        counts: pixels in each mask.
    """
    sides, counts = _sides(shape), jnp.asarray(checks.whole(counts, "counts"))
    masks = _scatter(checks.key(key), counts, int(np.prod(sides)))
    return np.asarray(masks).reshape(-1, *sides)


@functools.partial(jax.jit, static_argnums=2)
def _scatter(key: RandomKey, counts: Int[Array, " m"], size: int) -> Bool[Array, "m size"]:
    def draw(place: Array, count: Array) -> Array:
        return jax.random.permutation(jax.random.fold_in(key, place), size) < count

    return jax.vmap(draw)(jnp.arange(len(counts)), counts)


def _sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    sides = checks.shape("shape", shape)
    if len(sides) < 2:
        raise ValueError(f"shape must have pixels and channels, as (28, 28, 1), got {sides}")
    return sides[:-1]


def _boxes(sides: Sequence[int], ranges: Sequence[Sequence[tuple[int, int]]]) -> Masks:
    boxes = list(itertools.product(*ranges))
    masks = np.zeros((len(boxes), *sides), bool)
    for mask, box in zip(masks, boxes, strict=True):
        mask[tuple(slice(*ends) for ends in box)] = True
    return masks


def _middle(side: int, share: float) -> tuple[int, int]:
    size = max(1, round(share * side))
    return (side - size) // 2, (side - size) // 2 + size


def _labeled(away: np.ndarray, most: int) -> list[np.ndarray]:
    labels, count = scipy.ndimage.label(away)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return [labels == 1 + label for label in np.argsort(-sizes, kind="stable")[:most]]
