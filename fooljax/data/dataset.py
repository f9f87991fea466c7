"""A labelled set of images, its halves for training and testing, and their validation."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32, UInt8

from fooljax import checks, printing
from fooljax.data import arrays
from fooljax.media import Medium, Pictures, Texts, kind

_MOST_AT_ONCE, _NUMBERS_AT_ONCE = 500, 2**23  # 500 images of 64x64, 55 of 224x224, in color


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Dataset:
    """Labelled images, a pytree; build it with `from_arrays`, which validates.

    Images stand for whatever the network takes: pictures, sounds, videos, texts.

    Attributes:
        images: ``[n, ...]``, uint8 in 0..255 or float32 in [0, 1]; texts int32.
        labels: class of every image, int32 ``[n]`` in [0, k).
        class_names: the ``k`` names, static.
        used: number of samples in use, from the first on; all unless given. Rows
            beyond are padding, so that sets of several sizes share a compilation.
        medium: what the images are, static.
    """

    images: UInt8[Array, "n ..."] | Float[Array, "n ..."] | Int32[Array, "n l"]
    labels: Int32[Array, " n"]
    class_names: tuple[str, ...] = field(metadata={"static": True})
    used: Int32[Array, ""] | None = None
    medium: Medium = field(default=Pictures(), metadata={"static": True})

    def __repr__(self) -> str:
        """Say what it holds, in one line."""
        kinds = f"{len(self.class_names)} classes, {kind(self.medium)}"
        arrays = printing.known(self.labels)
        if arrays is None:
            return f"Dataset({kinds})"
        shape = " x ".join(map(str, self.input_shape))
        return f"Dataset({len(arrays[0]):,} of {kinds} {shape}, {self.images.dtype})"

    @property
    def size(self) -> int | Int32[Array, ""]:
        """The number of samples ``n``, without padding."""
        return self.labels.shape[0] if self.used is None else self.used

    @property
    def num_classes(self) -> int:
        """The number of classes ``k``."""
        return len(self.class_names)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, ``(h, w, c)`` of a picture."""
        return tuple(self.images.shape[1:])


class Splits(NamedTuple):
    """A data set in two parts that share no image.

    Attributes:
        train: what a classifier may learn from.
        test: what its error is measured on.
    """

    train: Dataset
    test: Dataset


def from_arrays(
    images: Any,
    labels: Any,
    class_names: Sequence[str] | None = None,
    medium: Medium = Pictures(),  # noqa: B008  (frozen)
) -> Dataset:
    """Validate arrays and make them a `Dataset`.

    Args:
        images: pictures ``[n, h, w, c]``, sounds ``[n, t, 1]`` or videos
            ``[n, t, h, w, c]``, uint8 in 0..255 or floating in [0, 1]; texts ``[n, l]``,
            whole numbers.
        labels: integers ``[n]`` in [0, k).
        class_names: the ``k`` names; by default "0", "1", ... up to the largest label.
        medium: what the images are.

    Returns:
        The same data as JAX arrays: uint8, float32 or (texts) int32 images, int32 labels.

    Raises:
        ValueError: if a rank or a type is wrong, counts disagree, there is no
            image, there are more than `arrays.MOST_CLASSES` classes, a label is out
            of range, axes are in another order, or a float image holds NaN or values
            outside [0, 1]; with what makes it right.

    Example:
        >>> import numpy as np
        >>> from fooljax import data
        >>> images = np.zeros((4, 2, 2, 1), np.uint8)
        >>> dataset = data.from_arrays(images, [0, 0, 1, 1], ["cat", "dog"])
        >>> dataset.images.shape, dataset.class_names
        ((4, 2, 2, 1), ('cat', 'dog'))
    """
    images, labels = arrays.whole_array("images", images), arrays.whole_array("labels", labels)
    arrays.check_axes(images, labels, medium)
    if isinstance(medium, Texts):
        images = arrays.checked_ids(images, medium)
    else:
        images = arrays.checked_values(images)
    if class_names is None:
        arrays.check_count(int(labels.max()) + 1)
        class_names = tuple(str(label) for label in range(int(labels.max()) + 1))
    arrays.check_count(len(class_names))
    arrays.check_labels(labels, len(class_names))
    names = tuple(str(name) for name in class_names)
    kept = jnp.asarray(images), jnp.asarray(labels.astype(np.int32))
    return Dataset(*kept, names, medium=medium)


def as_input(images: Array | np.ndarray) -> Array:
    """Return what a network takes: ids of texts as they are, all others `as_float`.

    Example:
        >>> import numpy as np
        >>> from fooljax import data
        >>> data.as_input(np.array([[3, 0]], np.int32)).dtype  # a text's ids stay what they are
        dtype('int32')
    """
    return jnp.asarray(images) if images.dtype == np.int32 else as_float(images)


def as_float(images: Array | np.ndarray) -> Float[Array, "..."]:
    """Return images as float32 in [0, 1]; uint8 is divided by 255, float32 passes.

    Args:
        images: uint8 or float32, any shape.

    Raises:
        ValueError: if the type is another; a list has none.

    Example:
        >>> import numpy as np
        >>> from fooljax import data
        >>> float(data.as_float(np.array(255, np.uint8)))
        1.0
    """
    images = checks.array("images", images)
    if images.dtype == np.uint8:
        return jnp.asarray(images, jnp.float32) / 255.0
    if images.dtype == np.float32:
        return jnp.asarray(images)
    raise ValueError(f"images must be uint8 or float32, got {images.dtype}; convert them first")


def even_rows(
    labels: Int[np.ndarray, " n"], count: int, seed: int | None = None
) -> Int[np.ndarray, " m"]:
    """Choose numbers of samples, as evenly over the classes as can be, in ascending order.

    Args:
        labels: class of every sample.
        count: how many; all if there are fewer.
        seed: to choose at random; the first of every class unless given.

    Example:
        >>> import numpy as np
        >>> from fooljax import data
        >>> data.even_rows(np.array([0, 0, 0, 1, 1, 2]), 3).tolist()
        [0, 3, 5]
    """
    labels, count = (
        checks.row("labels", checks.whole(labels, "labels")),
        checks.count("count", count),
    )
    order = np.arange(len(labels))
    if seed is not None:
        order = np.random.default_rng(seed).permutation(order)
    by_class = order[np.argsort(labels[order], kind="stable")]
    sizes = np.unique(labels, return_counts=True)[1]
    turn = np.empty(len(labels), np.int64)  # how many of its class come before a sample
    turn[by_class] = np.concatenate([np.arange(size) for size in sizes])
    return np.sort(order[np.argsort(turn[order], kind="stable")][:count])


def hold_out_fifth(dataset: Dataset) -> Splits:
    """Put the second, seventh, twelfth ... image of every class into the test set.

    About 80/20, stratified, and the same on every machine: no random numbers.
    A class with a single image is only trained on.

    Raises:
        ValueError: if no class has two images.
    """
    labels = np.asarray(dataset.labels)
    held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        held_out[np.flatnonzero(labels == label)[1::5]] = True
    if not held_out.any():
        raise ValueError("no class has two images, so nothing is left to test on; add images")
    return Splits(train=choose_rows(dataset, ~held_out), test=choose_rows(dataset, held_out))


def choose_rows(dataset: Dataset, rows: np.ndarray) -> Dataset:
    """Return some samples of a data set, by their numbers or a mask.

    Raises:
        ValueError: if there is no sample of such a number, or a mask is not as long as the set.

    Example:
        >>> import numpy as np
        >>> from fooljax import data
        >>> images = np.zeros((4, 2, 2, 1), np.uint8)
        >>> dataset = data.from_arrays(images, [0, 0, 1, 1], ["cat", "dog"])
        >>> data.choose_rows(dataset, np.array([0, 2])).labels.tolist()
        [0, 1]
    """
    chosen, count = np.asarray(rows), len(dataset.labels)
    if chosen.dtype == bool and chosen.shape != (count,):
        raise ValueError(f"rows must be a mask of {count}, got {checks.shown(chosen)}")
    if chosen.dtype != bool and chosen.size and not -count <= chosen.min() <= chosen.max() < count:
        raise ValueError(f"rows must be in [0, {count}), got {chosen.min()} to {chosen.max()}")
    return dataclasses.replace(
        dataset, images=dataset.images[chosen], labels=dataset.labels[chosen], used=None
    )


def rename_classes(dataset: Dataset, class_names: Sequence[str]) -> Dataset:
    """Number classes in another order, by their names, where there may be more of them.

    Args:
        dataset: labeled by its own ``class_names``.
        class_names: all of those, and perhaps others.

    Raises:
        ValueError: if one of the classes is not among ``class_names``.

    Example:
        >>> import numpy as np
        >>> from fooljax import data
        >>> images = np.zeros((4, 2, 2, 1), np.uint8)
        >>> dataset = data.from_arrays(images, [0, 0, 1, 1], ["cat", "dog"])
        >>> data.rename_classes(dataset, ["dog", "bird", "cat"]).labels.tolist()
        [2, 2, 0, 0]
    """
    unknown = [name for name in dataset.class_names if name not in class_names]
    if unknown:
        known = ", ".join(class_names[:20]) + " ..." * (len(class_names) > 20)
        raise ValueError(
            f"there is no class {', '.join(unknown[:3])}; call classes as one of {known}"
        )
    number = {name: label for label, name in enumerate(class_names)}
    table = np.array([number[name] for name in dataset.class_names], np.int32)
    labels = jnp.asarray(table[np.asarray(dataset.labels)])
    return dataclasses.replace(dataset, labels=labels, class_names=tuple(class_names))


@contextmanager
def blame(culprit: object) -> Iterator[None]:
    """Start the sentence of any ``ValueError`` raised inside with ``culprit``."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{culprit}: {error}") from error


def at_once(input_shape: tuple[int, ...]) -> int:
    """Return how many images of a size a network is shown at once: 500, or fewer large ones.

    Example:
        >>> from fooljax.data import at_once
        >>> at_once((28, 28, 1))
        500
    """
    return max(1, min(_MOST_AT_ONCE, _NUMBERS_AT_ONCE // math.prod(input_shape)))
