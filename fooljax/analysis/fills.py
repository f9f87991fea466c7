"""What to paint where a part of an image is hidden: what is found depends on it.

Every fill is as many images as are hidden from, so one mask serves them all. Compare at
least two: a network reads a grey patch as well as any other.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage
from jaxtyping import Float

from fooljax import checks
from fooljax.analysis import masks
from fooljax.data import as_float
from fooljax.types import Images, RandomKey

Fill = Float[np.ndarray, "n ..."]

_BLUR = 1 / 16  # standard deviation, as a share of the image's longer side


def plain(images: Images | np.ndarray, level: float) -> Fill:
    """Fill with one level in every channel, in [0, 1].

    Raises:
        ValueError: if the level is outside [0, 1].
    """
    level = checks.between("level", level, 0.0, 1.0)
    return np.full_like(np.asarray(as_float(images)), level)


def mean(images: Images | np.ndarray) -> Fill:
    """Fill every image with its own mean color."""
    pictures = np.asarray(as_float(images))
    color = pictures.mean(axis=tuple(range(1, pictures.ndim - 1)), keepdims=True)
    return np.broadcast_to(color, pictures.shape)


def median(images: Images | np.ndarray) -> Fill:
    """Fill every image with its own median color, which is that of a plain ground."""
    return masks.ground(images)


def blur(images: Images | np.ndarray, sigma: float | None = None) -> Fill:
    """Fill every image with itself, blurred by a Gaussian.

    Args:
        images: ``[n, h, w, c]``.
        sigma: standard deviation in pixels; a sixteenth of the longer side unless given.

    Raises:
        ValueError: if ``sigma`` is not positive.
    """
    pictures = np.asarray(as_float(images))
    sigma = _BLUR * max(pictures.shape[1:-1]) if sigma is None else sigma
    spread = (0.0, *(checks.positive("sigma", sigma),) * (pictures.ndim - 2), 0.0)
    return scipy.ndimage.gaussian_filter(pictures, spread)


def noise(key: RandomKey, images: Images | np.ndarray) -> Fill:
    """Fill with uniform noise, that of an image depending on its place only."""
    return np.asarray(_noise(checks.key(key), jnp.asarray(as_float(images))))


def others(images: Images | np.ndarray) -> Fill:
    """Fill every image with the one before it.

    Raises:
        ValueError: if there is but one.
    """
    if len(images) < 2:
        raise ValueError("images: it takes two at least to fill one with another")
    return np.roll(np.asarray(as_float(images)), 1, axis=0)


@jax.jit
def _noise(key: RandomKey, images: Images) -> Images:
    draw = lambda place: jax.random.uniform(
        jax.random.fold_in(key, place), images.shape[1:], dtype=jnp.float32
    )
    return jax.vmap(draw)(jnp.arange(len(images)))


class Entry(NamedTuple):
    """A fill that can be asked for by name.

    Attributes:
        paint: ``(key, images) -> fill``.
        words: what is shown, as the end of "in front of ...".
    """

    paint: Callable[[RandomKey, Images | np.ndarray], Fill]
    words: str


#: Fills by name; add yours here.
#:
#: :meta hide-value:
FILLS: dict[str, Entry] = {
    "median": Entry(lambda key, images: median(images), "the image's median color"),
    "mean": Entry(lambda key, images: mean(images), "the image's mean color"),
    "blur": Entry(lambda key, images: blur(images), "the blurred image itself"),
    "noise": Entry(noise, "uniform noise"),
    "others": Entry(lambda key, images: others(images), "another image"),
    "black": Entry(lambda key, images: plain(images, 0.0), "black"),
    "grey": Entry(lambda key, images: plain(images, 0.5), "grey"),
    "white": Entry(lambda key, images: plain(images, 1.0), "white"),
}
