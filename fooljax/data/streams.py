"""Labeled pictures that stay on disk until they are asked for."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Int32, UInt8

from fooljax.data.dataset import Dataset, even_rows, from_arrays
from fooljax.data.picture_files import center_crop, open_picture

_MOST_THREADS = 16
_MOST_TOGETHER = 64  # pictures read between two reports


@dataclass(frozen=True, eq=False)
class Stream:
    """Labeled pictures on disk; build it with `stream`, which validates.

    It has a length, and ``stream[rows]``, with a slice, numbers or a mask, is the stream of
    those pictures: nothing is read.

    Attributes:
        folder: where the pictures are.
        files: path of every picture in the folder; or, for a few images that are no files,
            the image itself, uint8 ``[h, w, 3]`` of ``image_size``.
        labels: class of every picture, int32 ``[n]`` in [0, k).
        class_names: the ``k`` names.
        image_size: ``(h, w)`` in pixels of the images that pictures become, by
            `center_crop`.
        white: of pictures with 32 bits (see `deep_pictures`); None if there are none.
    """

    folder: Path
    files: tuple[str | UInt8[np.ndarray, "h w 3"], ...]
    labels: Int32[np.ndarray, " n"]
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    white: float | None = None

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(
        self, rows: slice | Sequence[int] | Int[np.ndarray, " m"] | Bool[np.ndarray, " n"]
    ) -> "Stream":
        chosen = np.arange(len(self))[rows]
        files = tuple(self.files[row] for row in chosen)
        return replace(self, files=files, labels=self.labels[chosen])

    @property
    def size(self) -> int:
        """The number of pictures ``n``."""
        return len(self)

    @property
    def num_classes(self) -> int:
        """The number of classes ``k``."""
        return len(self.class_names)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Image size ``(h, w, 3)`` in pixels."""
        return (*self.image_size, 3)


class Streams(NamedTuple):
    """A data set on disk in two parts that share no picture.

    Attributes:
        train: what a classifier may learn from.
        test: what its error is measured on.
    """

    train: Stream
    test: Stream


class Batch(NamedTuple):
    """Some pictures in memory.

    Attributes:
        images: uint8 ``[b, h, w, 3]``.
        labels: int32 ``[b]``.
    """

    images: UInt8[np.ndarray, "b h w 3"]
    labels: Int32[np.ndarray, " b"]


#: Images to go through: in memory, uint8 or float32 in [0, 1] ``[n, h, w, c]``, or on disk.
Pictures: TypeAlias = Array | Stream


def batches(
    stream: Stream,
    batch_size: int,
    *,
    seed: int | None = None,
    epochs: int = 1,
    start: int = 0,
    threads: int | None = None,
) -> Iterator[Batch]:
    """Read every picture once in each epoch, ahead of time.

    The batches depend on the stream, ``batch_size``, ``seed`` and ``epochs`` only. A
    batch may hold the end of one epoch and the beginning of the next; the very
    last may be smaller than the others.

    Args:
        stream: the pictures.
        batch_size: pictures in a batch.
        seed: for another order in every epoch; the order of the stream unless given.
        epochs: how often each picture is read.
        start: number of batches to leave out, to go on where an earlier call was
            cut; that takes no time.
        threads: that decode; one for each processor unless given.

    Raises:
        ValueError: if a number is out of its range, at once; if a picture is
            broken, when its turn has come, naming the file.
        OSError: if a picture is no longer there.

    Example:
        >>> pictures = fj.data.stream("photographs/").train  # doctest: +SKIP
        >>> first = next(fj.data.batches(pictures, 64, seed=0))  # doctest: +SKIP
    """
    import grain

    if epochs < 1 or start < 0:
        raise ValueError(f"epochs must be positive and start not negative, got {epochs}, {start}")
    if seed is not None and not 0 <= seed < 2**32:
        raise ValueError(f"seed must be in [0, 2^32), got {seed}")
    order = grain.MapDataset.range(stream.size)
    if seed is not None:
        order = order.shuffle(seed=seed)
    return _read(stream, order.repeat(epochs), batch_size, start, threads)


def read(
    stream: Stream,
    rows: Sequence[int] | Int[np.ndarray, " m"],
    batch_size: int,
    *,
    threads: int | None = None,
) -> Iterator[Batch]:
    """Read chosen pictures in the order given, ahead of time.

    Args:
        stream: the pictures.
        rows: numbers of the pictures in [0, n); a number may come again.
        batch_size: pictures in a batch; the last may be smaller.
        threads: that decode; one for each processor unless given.

    Raises:
        ValueError, OSError: as `batches`; and if a number is out of its range.

    Example:
        >>> batches = fj.data.read(fj.data.stream("photographs/").test, [3, 1], 2)  # doctest: +SKIP
    """
    import grain

    rows = np.asarray(rows)
    if rows.ndim != 1 or not rows.size or not 0 <= rows.min() <= rows.max() < stream.size:
        raise ValueError(
            f"rows must be at least one number in [0, {stream.size}), got {rows.tolist()[:5]}"
        )
    return _read(stream, grain.MapDataset.source(rows), batch_size, 0, threads)


def in_turn(images: Pictures, batch_size: int) -> Iterator[tuple[int, Any, int]]:
    """Go through images in order, in batches of one size, those on disk read ahead of time.

    The last batch begins earlier rather than being smaller: what is compiled for one
    batch serves all.

    Args:
        images: at least one.
        batch_size: images in a batch; all of them if there are fewer.

    Returns:
        For every batch the number of its first image, an array that holds it, and its place
        there: the batch is ``array[place : place + size]``.

    Raises:
        ValueError, OSError: as `read`.

    Example:
        >>> import numpy as np
        >>> from fooljax import data
        >>> [place for place, *_ in data.in_turn(np.zeros((5, 2, 2, 1)), batch_size=2)]
        [0, 2, 3]
    """
    count = len(images)
    size = min(batch_size, count)
    starts = [min(start, count - size) for start in range(0, count, size)]
    if not isinstance(images, Stream):
        held = jnp.asarray(images)
        return ((start, held, start) for start in starts)
    made = read(images, np.concatenate([np.arange(size) + start for start in starts]), size)
    return ((start, batch.images, 0) for start, batch in zip(starts, made, strict=True))


def take(stream: Stream, rows: Sequence[int] | Int[np.ndarray, " m"]) -> Batch:
    """Read chosen pictures into memory.

    Args:
        stream: the pictures.
        rows: numbers of the pictures in [0, n), at least one.

    Raises:
        ValueError, OSError: as `read`.

    Example:
        >>> batch = fj.data.take(fj.data.stream("photographs/").test, [0, 1])  # doctest: +SKIP
    """
    return next(read(stream, rows, max(1, len(rows))))


def subset(
    stream: Stream,
    count: int,
    seed: int | None = None,
    on_batch: Callable[[int], None] | None = None,
) -> Dataset:
    """Load a bounded number of pictures into memory, as evenly over the classes as can be.

    Args:
        stream: the pictures.
        count: how many; all if there are fewer.
        seed: to choose at random; the first of every class unless given.
        on_batch: called with the number of pictures read so far.

    Returns:
        The pictures in the order of the stream.

    Raises:
        ValueError, OSError: as `batches`; and if ``count`` is not positive.

    Example:
        >>> some = fj.data.subset(fj.data.stream("photographs/").train, 1000)  # doctest: +SKIP
    """
    if count < 1:
        raise ValueError(f"count must be positive, got {count}")
    rows = even_rows(stream.labels, count, seed)
    images = np.empty((len(rows), *stream.input_shape), np.uint8)
    done = 0
    for batch in read(stream, rows, _MOST_TOGETHER):
        images[done : done + len(batch.images)] = batch.images
        done += len(batch.images)
        if on_batch is not None:
            on_batch(done)
    return from_arrays(images, stream.labels[rows], stream.class_names)


def _read(
    stream: Stream, order: Any, batch_size: int, start: int, threads: int | None
) -> Iterator[Batch]:
    """Read the pictures whose numbers a grain ``MapDataset`` holds."""
    import grain

    if batch_size < 1:
        raise ValueError(f"batch_size must be positive, got {batch_size}")
    if threads is None:
        threads = min(_MOST_THREADS, os.cpu_count() or 1)
    if threads < 1:
        raise ValueError(f"threads must be positive, got {threads}")

    def one(row: int) -> Batch:
        image = stream.files[row]
        if isinstance(image, str):
            picture = open_picture(stream.folder / image, stream.white)
            image = center_crop(picture, stream.image_size)
        return Batch(image, stream.labels[row])

    ahead = grain.ReadOptions(threads, max(2 * threads, batch_size))
    pictures = order[start * batch_size :].map(one).to_iter_dataset(ahead)
    return _batched(iter(pictures.batch(batch_size)))


def _batched(pictures: Any) -> Iterator[Batch]:
    try:
        yield from pictures
    except (ValueError, OSError) as error:
        vars(error).pop("__notes__", None)  # about grain's own frames: not for users
        raise
    finally:
        pictures.close()
