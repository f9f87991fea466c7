"""Numbers of each image beside images of any rank, and how long a change is."""

from typing import Literal, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax.types import Images

Norm: TypeAlias = Literal["l0", "l1", "l2", "linf"]

_ORDERS = {"l0": 0, "l1": 1, "l2": 2, "linf": jnp.inf}


def per_image(numbers: Array, images: Images) -> Array:
    """Give each image's number, ``[b]``, as many axes as images have, to compute with them."""
    return jnp.reshape(numbers, (*numbers.shape, *(1,) * (images.ndim - 1)))


def with_channels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape whose last axis has channels, as it has unless it is the only one."""
    return shape if len(shape) > 1 else (*shape, 1)


def axes_of(images: Images) -> tuple[int, ...]:
    """Return all axes but the first, over which each image is summed up by itself."""
    return tuple(range(1, images.ndim))


def length(change: Images, norm: Norm) -> Float[Array, " b"]:
    """Return each image's norm; in L0 how many of its numbers are not 0."""
    return jnp.linalg.norm(change.reshape(len(change), -1), ord=_ORDERS[norm], axis=1)
