"""From an archive's genomes to what they express, on the host, a few at a time."""

import functools
import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import evolution, interrupts
from fooljax.data.resize import shrink
from fooljax.media import Medium, Pictures
from fooljax.study.showing import as_pictures
from fooljax.types import Encoding

_PIXELS_AT_ONCE = 1 << 20  # 16 pictures of 256 x 256, 65 sounds of a second
_MOST_EXACT_BYTES = 256_000_000
THUMBNAIL = 64


def paint(encoding: Encoding, archive: evolution.Archive) -> np.ndarray:
    """Paint all champions.

    Args:
        encoding: paints a genome.
        archive: leaves ``[repeats, k, ...]``.

    Returns:
        ``[repeats, k, ...]``, float32 in [0, 1]; where that would take more than
        256 MB, uint8 (the genomes still have every bit); texts int32. Empty niches are
        black.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> key, encoding = jax.random.key(1), fj.encodings.direct((4, 4, 1))
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> search = fj.evolution.repeat(fj.evolution.map_elites(encoding, children=8))
        >>> state, _ = fj.evolution.start(jax.random.split(key, 2), search, network)
        >>> study.paint(encoding, state.archive).shape  # [runs, classes, ...]
        (2, 3, 4, 4, 1)
    """
    repeats, num_classes = archive.born.shape
    one = _express_one(encoding, archive)
    shape = (repeats, num_classes, *one.shape)
    exact = 4 * np.prod(shape, dtype=np.int64) <= _MOST_EXACT_BYTES
    kind = one.dtype if one.dtype == np.int32 else np.dtype(np.float32 if exact else np.uint8)
    images = np.empty(shape, kind)
    for repeat in range(repeats):
        for niches, part in _parts(encoding, archive, repeat):
            images[repeat, niches] = as_8_bit(part) if kind == np.uint8 else part
    return images


def paint_thumbnails(
    encoding: Encoding,
    archive: evolution.Archive,
    medium: Medium = Pictures(),  # noqa: B008  (frozen)
) -> np.ndarray:
    """Paint the champions of repeat 0 small: uint8 ``[k, h, w, c]``, at most 64 pixels a side.

    What is no picture is shown as one, as by `as_pictures`.
    """
    parts = [
        shrink(as_8_bit(as_pictures(medium, part)), THUMBNAIL)
        for _, part in _parts(encoding, archive, repeat=0)
    ]
    return np.concatenate(parts)


def as_8_bit(images: np.ndarray) -> np.ndarray:
    """Round images in [0, 1] to uint8; leave uint8 ones as they are."""
    return images if images.dtype == np.uint8 else np.round(images * 255).astype(np.uint8)


def _parts(
    encoding: Encoding, archive: evolution.Archive, repeat: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield slices of niches and what they express, equally many at a time."""
    one = _express_one(encoding, archive)
    pixels = math.prod(one.shape[:-1] if len(one.shape) > 1 else one.shape)
    num_classes = archive.born.shape[1]
    count = min(num_classes, max(1, _PIXELS_AT_ONCE // pixels))
    for first in range(0, num_classes, count):
        interrupts.check()
        niches = np.minimum(np.arange(first, first + count), num_classes - 1)
        images = np.asarray(_paint(encoding, archive, np.int32(repeat), niches))
        shown = slice(first, min(first + count, num_classes))
        yield shown, images[: shown.stop - first]


def _express_one(encoding: Encoding, archive: evolution.Archive) -> jax.ShapeDtypeStruct:
    one = lambda genomes: encoding.express(jax.tree.map(lambda leaf: leaf[0, 0], genomes))
    return jax.eval_shape(one, archive.genomes)


@functools.partial(jax.jit, static_argnums=0)
def _paint(encoding, archive, repeat, niches):
    chosen = jax.tree.map(lambda leaf: leaf[repeat, niches], archive)
    found = evolution.express_elites(encoding, chosen)
    return found if found.dtype == jnp.int32 else found.astype(jnp.float32)
