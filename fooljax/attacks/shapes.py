"""Numbers of each image beside images of any rank."""

import jax.numpy as jnp
from jaxtyping import Array

from fooljax.types import Images


def per_image(numbers: Array, images: Images) -> Array:
    """Give each image's number, ``[b]``, as many axes as images have, to compute with them."""
    return jnp.reshape(numbers, (*numbers.shape, *(1,) * (images.ndim - 1)))


def axes_of(images: Images) -> tuple[int, ...]:
    """Return all axes but the first, over which each image is summed up by itself."""
    return tuple(range(1, images.ndim))
