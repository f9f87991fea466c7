"""The median of a window around every pixel, by a network of comparisons."""

import functools

import jax
import jax.numpy as jnp

from fooljax.types import Images


def _windows(images: Images, size: int) -> list[Images]:
    """Return what stands at each place of the window, edges mirrored; ``size ** 2`` images."""
    reach, (height, width) = size // 2, images.shape[1:3]
    edges = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    padded = jnp.pad(images, edges, mode="symmetric")
    return [padded[:, i : i + height, j : j + width] for i in range(size) for j in range(size)]


@functools.cache
def _comparisons(count: int) -> tuple[tuple[int, int], ...]:
    """Return the pairs to put in order, one after the other, to get the median of ``count``.

    Batcher's odd-even merge sort, less what does not touch the middle.
    """
    size = 1 << (count - 1).bit_length()
    pairs = []
    run = 1
    while run < size:
        gap = run
        while gap >= 1:
            for first in range(gap % run, size - gap, 2 * gap):
                for low in range(first, min(first + gap, size - gap)):
                    high = low + gap
                    # places from ``count`` on would hold infinities, which never move
                    if low // (2 * run) == high // (2 * run) and high < count:
                        pairs.append((low, high))
            gap //= 2
        run *= 2
    needed, kept = {count // 2}, []
    for pair in reversed(pairs):
        if needed & set(pair):
            needed |= set(pair)
            kept.append(pair)
    return tuple(reversed(kept))


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def median(images: Images, size: int) -> Images:
    """Replace every number by the median of the window around it, channel by channel.

    Edges are mirrored as in ``scipy.ndimage.median_filter``. The gradient goes to the
    numbers of the window that are the median, in equal parts. (Sorting takes some
    hundred times as long on a CPU; differentiating the comparisons takes minutes to
    compile.)

    Args:
        images: ``[b, h, w, c]``.
        size: side of the window in pixels, odd.

    Source:
        Batcher, 1968, Sorting networks and their applications.
    """
    values = _windows(images, size)
    for low, high in _comparisons(size**2):
        values[low], values[high] = (
            jnp.minimum(values[low], values[high]),
            jnp.maximum(values[low], values[high]),
        )
    return values[size**2 // 2]


@median.defjvp
def _median_jvp(size: int, primals: tuple[Images], tangents: tuple[Images]):
    (images,), (change,) = primals, tangents
    middle = median(images, size)
    chosen = [(one == middle).astype(images.dtype) for one in _windows(images, size)]
    moved = sum(one * way for one, way in zip(chosen, _windows(change, size), strict=True))
    return middle, moved / jnp.maximum(sum(chosen), 1.0)
