"""Numbers that say how smooth an input is."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax.types import Images


def total_variation(images: Images) -> Float[Array, " b"]:
    """Return the mean absolute difference of neighbors, in units of [0, 1].

    Over all horizontal and vertical neighbors of a picture and all channels: 0 for a plain
    image, 1 for a chessboard of black and white pixels, 1/3 on average for uniform noise.
    In sounds ``[b, t, 1]`` neighbors follow each other, in videos ``[b, t, h, w, c]`` both.
    Images of a single pixel have 0.

    Source:
        Rudin, Osher and Fatemi, 1992 (total variation); Mahendran and Vedaldi,
        2015, arXiv:1412.0035 (as a regularizer of images made by gradient).

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> metrics.total_variation(jnp.array([[[[0.0], [1.0]], [[1.0], [0.0]]]])).tolist()
        [1.0]
    """
    _, *sizes, channels = images.shape
    places, every = math.prod(sizes), tuple(range(1, images.ndim))
    neighbors = channels * sum(places // size * (size - 1) for size in sizes)
    steps = [jnp.abs(jnp.diff(images, axis=axis)) for axis in every[:-1]]
    total = jnp.sum(steps[0], axis=every)
    for step in steps[1:]:
        total = total + jnp.sum(step, axis=every)
    return total / max(neighbors, 1)


def high_frequency_share(images: Images) -> Float[Array, " b"]:
    """Return the share of an image's energy above half the highest frequency, in [0, 1].

    Energy is the squared Fourier spectrum without the mean; frequencies of pictures, and of
    videos, count as the largest of the directions', so that in noise the share is 3/4 (7/8
    of videos, 1/2 of sounds). A plain image has 0.

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> metrics.high_frequency_share(jnp.array([[[[0.0], [1.0]] * 4]])).tolist()  # stripes
        [1.0]
    """
    sizes, axes = images.shape[1:-1], tuple(range(1, images.ndim - 1))
    directions = np.meshgrid(*(abs(np.fft.fftfreq(size)) for size in sizes), indexing="ij")
    fine = np.max(directions, axis=0) > 0.25
    rest = images - jnp.mean(images, axis=axes, keepdims=True)
    energy = jnp.sum(jnp.abs(jnp.fft.fftn(rest, axes=axes)) ** 2, axis=images.ndim - 1)
    total = jnp.sum(energy, axis=axes)
    high = jnp.sum(jnp.where(fine[None], energy, 0.0), axis=axes)
    return jnp.where(total > 0.0, high / jnp.where(total > 0.0, total, 1.0), 0.0)
