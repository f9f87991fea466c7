"""What the square attack paints in the Euclidean norm: bumps that trade length among places."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from fooljax.attacks.attack import RandomKeys, per_image
from fooljax.attacks.pgd import project
from fooljax.types import Image, Images, RandomKey

_TILES = 5  # along the shorter side, at the start
_TINY = 1e-10


def span(chance: Array, length: int, size: Array) -> Bool[Array, " length"]:
    """Mark ``size`` neighbors of ``length``; a chance in [0, 1) says which."""
    first = jnp.floor(chance * (length + 1.0 - size))
    index = jnp.arange(length, dtype=jnp.int32)
    return (index >= first) & (index < first + size)


def bump(size: Array, rows: Array, columns: Array) -> Float[Array, "h w"]:
    """Return two opposite hills side by side in a square, of length 1 together.

    Each is a sum of rectangles around its center, the ``i``-th of height
    ``1 / i^2`` and two pixels wider than the one before.

    Args:
        size: side of the square in pixels.
        rows: row of every pixel within the square, ``[h, 1]``; others are outside.
        columns: the same for columns, ``[1, w]``.
    """
    most = max(rows.size, columns.size) // 2 + 2
    heights = jnp.asarray(np.cumsum(np.r_[0.0, 1.0 / np.arange(1, most + 1) ** 2]), jnp.float32)
    half = jnp.floor(size / 2.0)
    upper = rows < half
    depth = jnp.where(upper, half, size - half)  # of the hill in question
    from_center = jnp.abs(jnp.where(upper, rows, rows - half) - jnp.floor(depth / 2.0))
    ring = jnp.maximum(from_center, jnp.abs(columns - half))
    last = (half + 1.0).astype(jnp.int32)
    height = heights[last] - heights[jnp.clip(ring.astype(jnp.int32), 0, last)]
    inside = (rows >= 0.0) & (rows < size) & (columns >= 0.0) & (columns < size)
    hills = [jnp.where(inside & part, height, 0.0) for part in (upper, ~upper)]
    up, down = (hill / jnp.maximum(jnp.linalg.norm(hill), _TINY) for hill in hills)
    return (up - down) / math.sqrt(2.0)


def _tiles(key: RandomKey, image: Image) -> Image:
    """Cover the image with small bumps, each channel up or down."""
    height, width, channels = image.shape
    size = max(min(height, width) // _TILES, 1)
    down, across = height // size, width // size
    index = jnp.arange(float(size), dtype=jnp.float32)
    tile = bump(jnp.float32(size), index[:, None], index[None])
    chances = jax.random.uniform(key, (down, 1, across, 1, 1 + channels), dtype=jnp.float32)
    turned = jnp.where(
        chances[..., :1] < 0.5, tile[None, :, None, :, None], tile.T[None, :, None, :, None]
    )
    tiles = turned * jnp.where(chances[..., 1:] < 0.5, 1.0, -1.0)
    tiles = tiles.reshape(down * size, across * size, channels)
    rest = height - down * size, width - across * size
    return jnp.pad(tiles, [(r // 2, r - r // 2) for r in rest] + [(0, 0)])


def tiles(keys: RandomKeys, images: Images, epsilon: Float[Array, " b"]) -> Images:
    """Return the first candidates."""
    return _filled(images, jax.vmap(_tiles)(keys, images), epsilon)


def _bumped(key: RandomKey, image: Image, change: Image, epsilon: Array, size: Array) -> Image:
    """Take the change out of one window and put its length into another, as a bump."""
    height, width, channels = image.shape
    size = jnp.maximum(size, 3.0)
    size = jnp.minimum(size + (size % 2.0 == 0.0), float((min(height, width) - 1) // 2 * 2 + 1))
    chances = jax.random.uniform(key, (5 + channels,), dtype=jnp.float32)
    rows, columns = span(chances[0], height, size), span(chances[1], width, size)
    emptied = span(chances[2], height, size)[:, None] & span(chances[3], width, size)[None]
    window, emptied = (rows[:, None] & columns[None])[..., None], emptied[..., None]
    within = lambda marked: jnp.arange(float(marked.size), dtype=jnp.float32) - jnp.argmax(marked)
    down, across = within(rows)[:, None], within(columns)[None]
    added = jnp.where(chances[4] < 0.5, bump(size, down, across), bump(size, across.T, down.T).T)
    added = added[..., None] * jnp.where(chances[None, None, 5:] < 0.5, 1.0, -1.0)

    length = lambda part: jnp.linalg.norm(part, axis=(0, 1), keepdims=True)  # of each channel
    old = jnp.where(window, change, 0.0)
    new = added + old / (length(old) + _TINY)
    spare = jnp.maximum(epsilon**2 - jnp.sum(change**2), 0.0) / channels
    given = jnp.sqrt(spare + length(jnp.where(window | emptied, change, 0.0)) ** 2)
    new = given * new / (length(new) + _TINY)
    return jnp.where(window, new, jnp.where(emptied, 0.0, change))


def bumps(
    keys: RandomKeys,
    images: Images,
    accepted: Images,
    epsilon: Float[Array, " b"],
    size: Float[Array, " b"],
) -> Images:
    """Return the next candidates, made from those accepted."""
    change = jax.vmap(_bumped)(keys, images, accepted - images, epsilon, size)
    return _filled(images, change, epsilon)


def _filled(images: Images, change: Images, epsilon: Float[Array, " b"]) -> Images:
    """Stretch every change to the length epsilon."""
    length = jnp.linalg.norm(change.reshape(len(change), -1), axis=1)
    share = per_image(epsilon / jnp.maximum(length, _TINY), change)
    return project(images, share * change, epsilon, "l2")
