"""What to paint where a part of an image is hidden: what is found depends on it.

Every fill is as many images as are hidden from, so one mask serves them all. Compare at
least two: a network reads a grey patch as well as any other.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage
from jaxtyping import Float

from fooljax import checks
from fooljax.analysis import masks
from fooljax.types import Images, RandomKey

Fill = Float[np.ndarray, "n ..."]

_BLUR = 1 / 16  # standard deviation, as a share of the image's longer side


def plain(images: Images, level: float) -> Fill:
    """Fill with one level in every channel, in [0, 1].

    Raises:
        ValueError: if the level is outside [0, 1].
    """
    level = checks.between("level", level, 0.0, 1.0)
    return np.full_like(np.asarray(images), level)


def mean(images: Images) -> Fill:
    """Fill every image with its own mean color."""
    return _over_pixels(np.mean, images)


def median(images: Images) -> Fill:
    """Fill every image with its own median color."""
    return _over_pixels(np.median, images)


def ground(images: Images) -> Fill:
    """Fill every image with its own commonest color."""
    return masks.ground(images)


def blur(images: Images, sigma: float | None = None) -> Fill:
    """Fill every image with itself, blurred by a Gaussian.

    Args:
        images: ``[n, h, w, c]``.
        sigma: standard deviation in pixels; a sixteenth of the longer side unless given.

    Raises:
        ValueError: if ``sigma`` is not positive.
    """
    pictures = np.asarray(images)
    sigma = _BLUR * max(pictures.shape[1:-1]) if sigma is None else sigma
    spread = (0.0, *(checks.positive("sigma", sigma),) * (pictures.ndim - 2), 0.0)
    return scipy.ndimage.gaussian_filter(pictures, spread)


def noise(key: RandomKey, images: Images) -> Fill:
    """Fill with uniform noise, that of an image depending on its place only."""
    return np.asarray(_noise(checks.key(key), jnp.asarray(images)))


def others(images: Images) -> Fill:
    """Fill every image with the one before it.

    Raises:
        ValueError: if there is but one.
    """
    if len(images) < 2:
        raise ValueError("images: it takes two at least to fill one with another")
    return np.roll(np.asarray(images), 1, axis=0)


@jax.jit
def _noise(key: RandomKey, images: Images) -> Images:
    draw = lambda place: jax.random.uniform(
        jax.random.fold_in(key, place), images.shape[1:], dtype=jnp.float32
    )
    return jax.vmap(draw)(jnp.arange(len(images)))


def _over_pixels(statistic: Callable[..., np.ndarray], images: Images) -> Fill:
    pictures = np.asarray(images)
    axes = tuple(range(1, pictures.ndim - 1))
    color = statistic(pictures, axis=axes, keepdims=True).astype(pictures.dtype)
    return np.broadcast_to(color, pictures.shape).copy()


#: Fills by name, ``(key, images) -> fill``: add yours here.
FILLS: dict[str, Callable[[RandomKey, Images], Fill]] = {
    "black": lambda key, images: plain(images, 0.0),
    "grey": lambda key, images: plain(images, 0.5),
    "white": lambda key, images: plain(images, 1.0),
    "mean": lambda key, images: mean(images),
    "median": lambda key, images: median(images),
    "ground": lambda key, images: ground(images),
    "blur": lambda key, images: blur(images),
    "noise": noise,
    "others": lambda key, images: others(images),
}
