"""Numbers that say how smooth an image is."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax.types import Images


def total_variation(images: Images) -> Float[Array, " b"]:
    """Return the mean absolute difference of neighboring pixels, in units of [0, 1].

    Over all horizontal and vertical neighbors and all channels: 0 for a plain
    image, 1 for a chessboard of black and white pixels, 1/3 on average for
    uniform noise. Images of a single pixel have 0.

    Source:
        Rudin, Osher and Fatemi, 1992 (total variation); Mahendran and Vedaldi,
        2015, arXiv:1412.0035 (as a regularizer of images made by gradient).
    """
    _, height, width, channels = images.shape
    neighbors = channels * (width * (height - 1) + height * (width - 1))
    down = jnp.sum(jnp.abs(jnp.diff(images, axis=1)), axis=(1, 2, 3))
    across = jnp.sum(jnp.abs(jnp.diff(images, axis=2)), axis=(1, 2, 3))
    return (down + across) / max(neighbors, 1)


def high_frequency_share(images: Images) -> Float[Array, " b"]:
    """Return the share of an image's energy above half the highest frequency, in [0, 1].

    Energy is the squared Fourier spectrum without the mean; frequencies count
    as the larger of the two directions', so that in noise the share is 3/4. A
    plain image has 0.
    """
    _, height, width, _ = images.shape
    fine = np.maximum(abs(np.fft.fftfreq(height))[:, None], abs(np.fft.fftfreq(width))[None, :])
    rest = images - jnp.mean(images, axis=(1, 2), keepdims=True)
    energy = jnp.sum(jnp.abs(jnp.fft.fft2(rest, axes=(1, 2))) ** 2, axis=3)
    total = jnp.sum(energy, axis=(1, 2))
    high = jnp.sum(jnp.where((fine > 0.25)[None], energy, 0.0), axis=(1, 2))
    return jnp.where(total > 0.0, high / jnp.where(total > 0.0, total, 1.0), 0.0)
