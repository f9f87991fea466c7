"""Numbers that say how an image looks as a whole: bright, rich in contrast, mirrored."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax.types import Images


def brightness(images: Images) -> Float[Array, " b"]:
    """Return the mean of all pixels and channels, in [0, 1].

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> metrics.brightness(jnp.full((1, 2, 2, 1), 0.25)).tolist()
        [0.25]
    """
    return jnp.mean(images.reshape(len(images), -1), axis=1)


def contrast(images: Images) -> Float[Array, " b"]:
    """Return the standard deviation of all pixels and channels, in [0, 1/2].

    0 for a plain image, 1/2 where half the numbers are 0 and half are 1, about 0.29 for
    uniform noise.

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> metrics.contrast(jnp.array([[[[0.0], [1.0]]]])).tolist()
        [0.5]
    """
    return jnp.std(images.reshape(len(images), -1), axis=1)


def symmetry(images: Images) -> Float[Array, " b"]:
    """Return how much pictures are like their mirror images, left and right exchanged.

    One minus the mean absolute difference, in [0, 1]: 1 for equal ones, 0 for a black
    half beside a white one, 2/3 on average for uniform noise.

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> metrics.symmetry(jnp.array([[[[0.0], [1.0]]]])).tolist()
        [0.0]
    """
    return 1.0 - jnp.mean(jnp.abs(images - images[:, :, ::-1]), axis=(1, 2, 3))
