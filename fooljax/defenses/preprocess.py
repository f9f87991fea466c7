"""Defenses that change the image before the network sees it: blur, median, fewer levels, JPEG.

Each returns a classifier whose params are a pair, the network's own and the numbers
of the transform, so that another strength compiles nothing (but for the size of a
median's window). What rounds keeps its exact forward pass and takes the gradient of
what it would be without rounding, so that no attack is blind to it.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.defenses.gradients import straight_through
from fooljax.defenses.median import median
from fooljax.defenses.reads import check_numbers
from fooljax.types import Bound, Classifier, Images, Logits, Params

_BLOCK = 8
# ITU-T T.81, table K.1: steps of the 8 x 8 coefficients of brightness at quality 50
_LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)


class Shown(NamedTuple):
    """Params of a network that sees images through a transform.

    Attributes:
        params: the network's own.
        numbers: of the transform, which no training changes.
    """

    params: Params
    numbers: Any


def _apply(
    network: Callable[[Params, Images], Logits],
    transform: Callable[[Any, Images], Images],
    shown: Shown,
    images: Images,
) -> Logits:
    return network(shown.params, transform(shown.numbers, images))


def shown_through(
    classifier: Classifier, transform: Callable[[Any, Images], Images], numbers: Any
) -> Classifier:
    """Show a network what a transform makes of every image.

    Args:
        classifier: the network.
        transform: ``(numbers, images [b, h, w, c]) -> images``, the same object every
            time, or other strengths compile anew.
        numbers: of the transform, a pytree of arrays.

    Returns:
        A classifier whose params are ``Shown``.

    Raises:
        ValueError: if the network reads texts.
    """
    check_numbers(classifier)
    shown = Shown(classifier.params, numbers)
    apply = Bound(_apply, (classifier.apply, transform))
    return dataclasses.replace(classifier, params=shown, apply=apply)


def shape_of_pictures(name: str, classifier: Classifier) -> tuple[int, int, int]:
    """Return the shape of a network's pictures.

    Args:
        name: of the defense.
        classifier: the network.

    Raises:
        ValueError: if it looks at something else.
    """
    shape = checks.classifier(classifier).input_shape
    if len(shape) != 3:
        raise ValueError(f"{name} is for pictures (h, w, c), got inputs {shape}")
    height, width, channels = shape
    return height, width, channels


@functools.cache
def blur_matrix(size: int, sigma: float) -> Float[np.ndarray, "size size"]:
    """Blur a row of ``size`` numbers, as a matrix; edges are mirrored as scipy's are."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(np.eye(size, dtype=np.float32), sigma, axis=0)


def blur(matrices: tuple[Array, Array], images: Images) -> Images:
    """Blur images ``[b, h, w, c]`` by the matrices of their height and width."""
    rows, columns = matrices
    return jnp.einsum("yh,bhwc,xw->byxc", rows, images, columns)


def gaussian_blur(classifier: Classifier, sigma: float) -> Classifier:
    """Blur every image with a Gaussian; edges are mirrored.

    Args:
        classifier: the network.
        sigma: standard deviation in pixels; the Gaussian is cut off at four of them.

    Raises:
        ValueError: if ``sigma`` is not positive, or the network looks at no pictures.

    Source:
        Xu et al., 2018, arXiv:1704.01155 (smoothing as a squeezer of inputs).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> fj.defenses.gaussian_blur(network, sigma=1.0)(images).shape
        (5, 3)
    """
    sigma = checks.positive("sigma", sigma)
    height, width, _ = shape_of_pictures("gaussian_blur", classifier)
    matrices = tuple(jnp.asarray(blur_matrix(size, sigma)) for size in (height, width))
    return shown_through(classifier, blur, matrices)


def _median(size: int, numbers: None, images: Images) -> Images:
    del numbers
    return median(images, size)


def median_filter(classifier: Classifier, size: int) -> Classifier:
    """Replace every number by the median of the window around it; edges are mirrored.

    Args:
        classifier: the network.
        size: side of the window in pixels, odd.

    Raises:
        ValueError: if ``size`` is even, less than three or larger than the image, or the
            network looks at no pictures.

    Source:
        Xu et al., 2018, arXiv:1704.01155 (feature squeezing).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> fj.defenses.median_filter(network, size=3)(images).shape
        (5, 3)
    """
    size = checks.count("size", size)
    most = min(shape_of_pictures("median_filter", classifier)[:2])
    if size % 2 == 0 or not 3 <= size <= most:
        raise ValueError(f"size must be odd, at least 3 and at most {most}, got {size}")
    return shown_through(classifier, Bound(_median, (size,)), None)


def _round(steps: Array, images: Images) -> Images:
    return straight_through(jnp.round(images * steps) / steps, images)


def quantize(classifier: Classifier, levels: int) -> Classifier:
    """Round every number to one of ``levels`` evenly spaced values.

    The gradient is that of the network at the rounded image, as if rounding did
    nothing.

    Args:
        classifier: the network.
        levels: number of values; ``2 ** bits`` for a bit depth.

    Raises:
        ValueError: if ``levels`` is less than two.

    Source:
        Xu et al., 2018, arXiv:1704.01155 (bit depth); Athalye et al., 2018,
        arXiv:1802.00420 (the gradient).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.numpy.full((1, 4, 4, 1), 0.6)
        >>> coarse = fj.defenses.quantize(network, levels=2)  # black and white
        >>> bool((coarse(images) == network(jax.numpy.ones_like(images))).all())
        True
    """
    levels = checks.count("levels", levels, 2)
    return shown_through(classifier, _round, jnp.float32(levels - 1))


@functools.cache
def _cosines() -> Float[np.ndarray, "8 8"]:
    from scipy.fft import dct

    return dct(np.eye(_BLOCK), norm="ortho", axis=0).astype(np.float32)


def _compress(table: Float[Array, "8 8"], images: Images) -> Images:
    """Round the cosine coefficients of every block of every channel to the table's steps."""
    batch, height, width, channels = images.shape
    more = ((0, 0), (0, -height % _BLOCK), (0, -width % _BLOCK), (0, 0))
    levels = jnp.pad(255.0 * images - 128.0, more, mode="edge")
    down, across = levels.shape[1] // _BLOCK, levels.shape[2] // _BLOCK
    blocks = levels.reshape(batch, down, _BLOCK, across, _BLOCK, channels)
    turn = _cosines()
    steps = table[None, None, :, None, :, None]
    waves = jnp.einsum("ui,bdiajc,vj->bduavc", turn, blocks, turn, precision="highest")
    waves = jnp.round(waves / steps) * steps
    blocks = jnp.einsum("ui,bduavc,vj->bdiajc", turn, waves, turn, precision="highest")
    restored = (blocks.reshape(levels.shape)[:, :height, :width] + 128.0) / 255.0
    return straight_through(jnp.clip(restored, 0.0, 1.0), images)


def luminance_table(quality: float) -> Float[np.ndarray, "8 8"]:
    """Return JPEG's steps of the coefficients of brightness, as libjpeg scales them.

    Args:
        quality: in [1, 100]; 50 is the table of the standard, 100 rounds to whole levels.
    """
    scale = 5000.0 / quality if quality < 50 else 200.0 - 2.0 * quality
    return np.clip(np.floor((_LUMINANCE * scale + 50.0) / 100.0), 1.0, 255.0).astype(np.float32)


def jpeg(classifier: Classifier, quality: float) -> Classifier:
    """Lose what JPEG's quantization loses, in every channel.

    Blocks of 8 x 8 pixels, cosine coefficients rounded to the steps of the standard's
    table for brightness, and numbers cut off at 0 and 1 in the end. Images of any
    size are filled up with their last row and column. Channels are compressed one by
    one, without changing to brightness and color; numbers in between 255 levels stay.

    The gradient is that of the network at the compressed image: without rounding the
    coefficients' way there and back is the identity.

    Args:
        classifier: the network.
        quality: in [1, 100], as libjpeg's.

    Raises:
        ValueError: if ``quality`` is out of its range, or the network looks at no pictures.

    Source:
        ITU-T T.81, 1992, annex K; Dziugaite et al., 2016, arXiv:1608.00853, and Guo et
        al., 2018, arXiv:1711.00117 (as a defense); Athalye et al., 2018,
        arXiv:1802.00420 (the gradient).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> fj.defenses.jpeg(network, quality=50)(images).shape
        (5, 3)
    """
    quality = checks.between("quality", quality, 1.0, 100.0)
    shape_of_pictures("jpeg", classifier)
    return shown_through(classifier, _compress, jnp.asarray(luminance_table(quality)))
