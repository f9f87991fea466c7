"""Images and labels: type, shape, number and range of their values."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from fooljax.checks.kinds import shown

#: How far beyond 0 and 1 a number may lie that is taken for a rounded 0 or 1.
NEAR = 4 * float(np.finfo(np.float32).eps)

_INT32 = np.iinfo(np.int32)


def images(given: Any, input_shape: tuple[int, ...], name: str = "images") -> Array | np.ndarray:
    """Return images as bytes or as float32 in [0, 1], on the side where they were.

    Numbers that rounding has put a few units in the last place beyond 0 or 1 are
    clipped.

    Args:
        given: ``[n, *input_shape]``, uint8, or floating in [0, 1].
        input_shape: of one image.
        name: of the argument.

    Raises:
        ValueError: if they are of another type or shape, there is none, or a float
            one holds NaN or numbers outside [0, 1].
    """
    array = _array(given, name)
    if array.dtype != np.uint8 and not jnp.issubdtype(array.dtype, jnp.floating):
        raise ValueError(
            f"{name} must be floats in [0, 1], or bytes (uint8), which are divided by 255; "
            f"got {array.dtype}"
        )
    shape_of_images(tuple(array.shape), input_shape, name)
    return array if array.dtype == np.uint8 else in_unit_interval(array, name)


def ids(
    given: Any, input_shape: tuple[int, ...], count: int, name: str = "images"
) -> Int[np.ndarray, "b n"] | Int[Array, "b n"]:
    """Return texts as int32 ids, on the side where they were.

    Args:
        given: ``[b, n]``, whole numbers in [0, count).
        input_shape: ``(n,)``.
        count: of ids that there are.
        name: of the argument.

    Raises:
        ValueError: if they are no whole numbers, of another shape, or out of range.
    """
    array = _array(given, name)
    if not jnp.issubdtype(array.dtype, jnp.integer):
        raise ValueError(
            f"{name} must be ids of texts, whole numbers, got {array.dtype}; this network reads "
            "texts, and what works on pixels cannot be done to them"
        )
    shape_of_images(tuple(array.shape), input_shape, name)
    known = whole(array, name)
    if isinstance(known, jax.core.Tracer):
        return known
    low, high = int(known.min()), int(known.max())
    if low < 0 or high >= count:
        raise ValueError(f"{name} must be ids in [0, {count:,}), got {low} to {high}")
    return known


def shape_of_images(
    shape: tuple[int, ...], input_shape: tuple[int, ...], name: str = "images"
) -> None:
    """Refuse images of another shape, saying how to get there.

    Args:
        shape: of the images.
        input_shape: of one image, as the classifier takes it.
        name: of the argument.

    Raises:
        ValueError: unless ``shape`` is ``(n, *input_shape)`` with an ``n`` of 1 or more.
    """
    one = tuple(input_shape)
    if shape == (0, *one):
        raise ValueError(f"{name} must hold at least one image, there are none in {shape}")
    if shape[1:] == one:
        return
    remedy = ""
    if shape == one:
        remedy = f"; one image needs a batch axis, {name}[None]"
    elif one[-1:] == (1,) and shape[1:] == one[:-1]:
        remedy = f"; grey images need a channel axis, {name}[..., None]"
    elif len(one) == 3 and shape[1:] == (one[2], *one[:2]):
        remedy = f"; channels come last, {name}.transpose(0, 2, 3, 1)"
    axes = "[n, h, w, c] with (h, w, c)" if len(one) == 3 else "[n, *input_shape] with input_shape"
    raise ValueError(f"{name} must be {axes} = {one}, got {shape}{remedy}")


def array(name: str, given: Any) -> Any:
    """Return an array of numbers; a list of them becomes one.

    Raises:
        ValueError: if it is something else.
    """
    return _array(given, name)


def shape(name: str, given: Any) -> tuple[int, ...]:
    """Return the shape of one input: at least one axis, none of them empty.

    Raises:
        ValueError: if it is no tuple or list of positive whole numbers, or has more
            elements than int32 counts.
    """
    sizes = tuple(given) if isinstance(given, tuple | list) else ()
    whole_sizes = [size for size in sizes if _is_size(size)]
    if not sizes or len(whole_sizes) < len(sizes):
        raise ValueError(
            f"{name} must be positive whole numbers, as (28, 28, 1), got {_repeated(given)}"
        )
    found = tuple(int(size) for size in sizes)
    if math.prod(found) > _INT32.max:
        raise ValueError(f"{name} must have at most {_INT32.max:,} elements, got {found}")
    return found


def row(name: str, given: Any) -> np.ndarray:
    """Return a row of finite numbers, ``[n]`` with an ``n`` of 1 or more, as float64.

    Raises:
        ValueError: if it is none, is empty, or holds NaN or infinity.
    """
    array = np.asarray(_array(given, name))
    if array.ndim != 1 or not array.size or array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be a row of at least one number, got {shown(array)}")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise ValueError(
            f"{name} must be finite numbers, got {array[bad[0]]} at index {bad[0]}".replace(
                "nan", "NaN"
            )
        )
    return array.astype(np.float64)


def _is_size(size: Any) -> bool:
    return isinstance(size, int | np.integer) and not isinstance(size, bool) and bool(size > 0)


def _repeated(given: Any) -> str:
    """Repeat a short tuple or list as it was given."""
    short = isinstance(given, tuple | list) and len(given) <= 6
    return str(given) if short else shown(given)


def in_unit_interval(array: Array | np.ndarray, name: str) -> Array | np.ndarray:
    """Return numbers in [0, 1] as float32; see ``images``."""
    near = max(NEAR, 4 * float(jnp.finfo(array.dtype).eps))
    array = array.astype(np.float32, copy=False)
    if isinstance(array, jax.core.Tracer) or not array.size:
        return array
    if isinstance(array, np.ndarray):
        low, high = float(array.min()), float(array.max())
    else:
        low, high = (float(end) for end in jax.device_get(_ends(array)))
    if not (low >= -near and high <= 1.0 + near):
        raise ValueError(_outside(array, name, low, high))
    if low < 0.0 or high > 1.0:
        return array.clip(0.0, 1.0)
    return array


@jax.jit
def _ends(array: Array) -> tuple[Array, Array]:
    return jnp.min(array), jnp.max(array)


def _outside(array: Any, name: str, low: float, high: float) -> str:
    if np.isnan(low) or np.isnan(high):
        first = [int(place) for place in np.argwhere(np.isnan(np.asarray(array)))[0]]
        return f"{name} must be in [0, 1], got NaN at {first}; leave out or mend what holds it"
    if low >= -1.0 and high <= 1.0:
        remedy = f"from [-1, 1] they get there by ({name} + 1) / 2"
    elif low >= 0.0 and 2.0 < high <= 255.0:
        remedy = "divide them by 255, or give bytes (uint8)"
    elif low >= -0.1 and high <= 1.1:
        remedy = "clip what a filter has put beyond the ends"
    elif low >= 0.0:
        remedy = "divide them by the value that is white"
    else:
        remedy = "mean and scale belong into the classifier"
    return f"{name} must be in [0, 1], got numbers from {low:.9g} to {high:.9g}; {remedy}"


def labels(
    given: Any, count: int, classes: int, name: str = "labels"
) -> Int[np.ndarray, " n"] | Int[Array, " n"]:
    """Return labels as int32.

    Args:
        given: ``[count]``, whole numbers in [0, classes).
        count: number of images.
        classes: number of classes, or of columns, that a label may name.
        name: of the argument.

    Raises:
        ValueError: if they are no whole numbers, of another number, or out of range.
    """
    array = whole(given, name)
    if array.shape != (count,):
        many = array.ndim == 2 and len(array) == count
        remedy = f"; of one-hot rows give {name}.argmax(1)" if many else ""
        got = tuple(array.shape) if array.ndim else shown(given)
        raise ValueError(f"{name} must be [{count}], one for each image, got {got}{remedy}")
    if isinstance(array, jax.core.Tracer) or not count:
        return array
    known = np.asarray(array)
    wrong = np.flatnonzero((known < 0) | (known >= classes))
    if wrong.size:
        raise ValueError(
            f"{name} must be in [0, {classes}), got {known[wrong[0]]} at index {wrong[0]}"
        )
    return array


def whole(given: Any, name: str) -> Int[np.ndarray, "..."] | Int[Array, "..."]:
    """Return whole numbers as int32, on the side where they were.

    Raises:
        ValueError: if they are no numbers, or one is not whole (a bool is not, NaN is
            not) or beyond int32.
    """
    array = _array(given, name)
    integral = jnp.issubdtype(array.dtype, jnp.integer)
    if not integral and not jnp.issubdtype(array.dtype, jnp.floating):
        raise ValueError(f"{name} must be whole numbers, got {array.dtype}")
    if isinstance(array, jax.core.Tracer):
        return array.astype(np.int32)
    if integral and np.can_cast(array.dtype, np.int32):
        return array.astype(np.int32, copy=False)
    known = np.asarray(array, np.float64 if not integral else None)
    with np.errstate(invalid="ignore"):
        bad = (known != np.trunc(known)) | (known < _INT32.min) | (known > _INT32.max)
    if bad.any():
        first = np.argwhere(bad)[0]
        place = f" at index {', '.join(map(str, first))}" if first.size else ""
        got = str(known[tuple(first)]).replace("nan", "NaN")
        raise ValueError(f"{name} must be whole numbers within int32, got {got}{place}")
    return array.astype(np.int32)


def _array(given: Any, name: str) -> Any:
    """Return an array of numbers; a list of them becomes one."""
    if isinstance(given, np.ndarray | jax.Array):
        array = given
    else:
        try:
            array = np.asarray(given)
        except Exception as error:  # whatever numpy, or somebody's __array__, raises
            raise ValueError(f"{name} must be an array of numbers, got {shown(given)}") from error
    if jnp.issubdtype(array.dtype, jax.dtypes.extended) or array.dtype.kind in "OUSMm":
        raise ValueError(f"{name} must be an array of numbers, got {shown(given)}")
    return array
