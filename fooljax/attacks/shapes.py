"""Numbers of each image beside images of any rank, and how long a change is."""

from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax.types import Images

Norm: TypeAlias = Literal["l0", "l1", "l2", "linf"]

_ORDERS = {"l0": 0, "l1": 1, "l2": 2, "linf": jnp.inf}


def per_image(numbers: Array, images: Images) -> Array:
    """Give each image's number, ``[b]``, as many axes as images have, to compute with them."""
    return jnp.reshape(numbers, (*numbers.shape, *(1,) * (images.ndim - 1)))


def for_each(budget: Any, count: int) -> Any:
    """Give every sample numbers of its own: scalars become ``[count]``.

    Raises:
        ValueError: if there are several numbers, and not as many as samples.
    """

    def spread(number: Array | float) -> Array:
        number = jnp.asarray(number, jnp.float32)
        if number.shape not in ((), (count,)):
            raise ValueError(
                f"the attack's budget must be numbers, or [{count}], one for each image, got "
                f"{number.shape}"
            )
        return jnp.broadcast_to(number, (count,))

    return jax.tree.map(spread, budget)


def with_channels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape whose last axis has channels, as it has unless it is the only one."""
    return shape if len(shape) > 1 else (*shape, 1)


def axes_of(images: Images) -> tuple[int, ...]:
    """Return all axes but the first, over which each image is summed up by itself."""
    return tuple(range(1, images.ndim))


def length(change: Images, norm: Norm) -> Float[Array, " b"]:
    """Return each image's norm; in L0 how many of its numbers are not 0."""
    return jnp.linalg.norm(change.reshape(len(change), -1), ord=_ORDERS[norm], axis=1)
