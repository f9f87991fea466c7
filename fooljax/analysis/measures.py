"""Ways to draw images at random: what is counted when somebody asks for "the share of images".

There is no share of all images without saying how images are drawn. Each measure here
starts from standard normal numbers and paints them, so one sampler serves all of them.
"""

import statistics
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from fooljax import checks
from fooljax.data import as_float
from fooljax.defenses.preprocess import blur_matrix
from fooljax.encodings.color import paint as paint_channels
from fooljax.encodings.cppn_genome import FUNCTIONS
from fooljax.encodings.cppn_inputs import inputs, number
from fooljax.encodings.cppn_render import activate
from fooljax.types import Bound, Image

Latent = Float[Array, "..."]
_LONG = 1024  # from which length on a blur is no matrix


class Measure(NamedTuple):
    """A way to draw images at random: standard normal numbers, and how they are painted.

    Measures of equal settings are equal and have one hash, so one may be a static
    argument of a compiled function.

    Attributes:
        name: for people, with its settings.
        shape: of the latent, float32, every number of it standard normal and independent.
        paint: ``latent [*shape] -> image`` in [0, 1], one at a time; callers ``vmap``.
    """

    name: str
    shape: tuple[int, ...]
    paint: Callable[[Latent], Image]


def uniform(shape: tuple[int, ...]) -> Measure:
    """Draw every number of an image uniformly in [0, 1].

    Args:
        shape: of one image.

    Raises:
        ValueError: if it is no shape.
    """
    return Measure("uniform", checks.shape("shape", shape), _uniform)


def binary(shape: tuple[int, ...], share: float = 0.5) -> Measure:
    """Draw every number of an image as 1 or 0, black or white.

    Args:
        shape: of one image.
        share: probability of a 1, in (0, 1).

    Raises:
        ValueError: if the shape or the share is impossible.
    """
    share = checks.between("share", share, 0.0, 1.0, "()")
    least = statistics.NormalDist().inv_cdf(1.0 - share)
    return Measure(f"binary {share:g}", checks.shape("shape", shape), Bound(_binary, (least,)))


def gaussian(shape: tuple[int, ...], sigma: float = 0.1) -> Measure:
    """Draw every number of an image normally around the middle, cut off at 0 and 1.

    Of sounds it is white noise, whose rms is twice ``sigma`` on the scale of the waveform.

    Args:
        shape: of one image.
        sigma: standard deviation.

    Raises:
        ValueError: if it is no shape, or ``sigma`` is not positive.
    """
    sigma = checks.positive("sigma", sigma)
    return Measure(f"gaussian {sigma:g}", checks.shape("shape", shape), Bound(_gaussian, (sigma,)))


def smooth(shape: tuple[int, ...], sigma: float = 2.0) -> Measure:
    """Draw clouds: normal noise blurred along all axes but the last, each number uniform.

    After the blur every number is divided by its standard deviation and sent through the
    normal distribution function; so each one alone is as under ``uniform``, and only
    neighbors differ in being alike.

    Args:
        shape: of one image, the last axis being channels, which stay independent.
        sigma: standard deviation of the blur, in pixels; edges are mirrored.

    Raises:
        ValueError: if the shape has no axis to blur, or ``sigma`` is not positive.
    """
    shape, sigma = checks.shape("shape", shape), checks.positive("sigma", sigma)
    if len(shape) < 2:
        raise ValueError(f"shape must have an axis to blur before the channels, got {shape}")
    return Measure(f"smooth {sigma:g}", shape, Bound(_smooth, (sigma,)))


def cppn(shape: tuple[int, ...], width: int = 16, scale: float = 3.0) -> Measure:
    """Draw patterns: pictures, sounds or videos painted by small networks of random weights.

    Two layers of ``width`` nodes see the place of a pixel, sample or voxel, as the inputs of
    ``encodings.cppn`` do; a quarter of the nodes computes each of its functions. All weights
    are normal, of standard deviation ``scale`` over the square root of the number of edges that
    end in the node. The structure is the same for all.

    Args:
        shape: ``(h, w, c)`` or ``(t, h, w, c)``, ``c`` 1 or 3, or ``(t, 1)``; three channels
            are hue, lightness, saturation.
        width: nodes of a layer.
        scale: standard deviation of the sum that a node sees from inputs of size 1; the
            larger, the finer the patterns.

    Raises:
        ValueError: if the shape is none of these, or a number is impossible.

    Source:
        Stanley, 2007, Compositional pattern producing networks (nodes and inputs).
    """
    shape = checks.shape("shape", shape)
    seen = number(shape)
    if shape[-1] not in (1, 3):
        raise ValueError(f"CPPNs paint pictures and videos of 1 or 3 channels, got {shape}")
    width, scale = checks.count("width", width), checks.positive("scale", scale)
    weights = seen * width + width * width + width * shape[-1]
    return Measure(f"cppn {scale:g}", (weights,), Bound(_cppn, (shape, width, scale)))


def around(
    image: ArrayLike, epsilon: float, *, norm: Literal["linf", "l2"] = "linf", name: str = "around"
) -> Measure:
    """Draw images near a given one, uniformly in a box or a ball around it.

    Args:
        image: one image in [0, 1], or bytes. Another one is another measure, and compiles anew.
        epsilon: most that a number changes (``linf``; the box ends at 0 and 1, and the draw is
            uniform in what is left), or the radius of a Euclidean ball (``l2``; uniform in the
            ball, then cut off at 0 and 1), in units of [0, 1].
        norm: of the two.
        name: what the image is called.

    Raises:
        ValueError: if the image is none, or ``epsilon`` is not positive.

    Source:
        Webb et al., 2019, arXiv:1811.07209 (a network's share of errors in the box).
    """
    checks.choice("norm", norm, ("linf", "l2"))
    epsilon = checks.positive("epsilon", epsilon)
    array = checks.array("image", image)
    shape = checks.shape("the shape of image", tuple(array.shape))
    center = np.asarray(as_float(checks.images(array[None], shape, "image")))[0]
    settings = (center.tobytes(), shape, epsilon)
    name = f"{name} {norm} {epsilon:g}"
    if norm == "linf":
        return Measure(name, shape, Bound(_box, settings))
    return Measure(name, (center.size + 2,), Bound(_ball, settings))


class Entry(NamedTuple):
    """A measure that can be asked for by name.

    Attributes:
        build: ``(shape, number) -> measure``.
        usual: the number unless another is asked for; None of a measure that has none.
        words: what its images are, as the end of "images drawn ...".
    """

    build: Callable[[tuple[int, ...], float | None], Measure]
    usual: float | None
    words: str


#: All measures of whole image spaces by name, with what they draw; add yours here.
#:
#: :meta hide-value:
MEASURES: dict[str, Entry] = {
    "uniform": Entry(
        lambda shape, number: uniform(shape), None, "with every number uniform in [0, 1]"
    ),
    "binary": Entry(
        lambda shape, number: binary(shape, _given(number)),
        0.5,
        "black or white, the number being the share of white",
    ),
    "gaussian": Entry(
        lambda shape, number: gaussian(shape, _given(number)),
        0.1,
        "with every number normal around the middle, the number being its standard deviation",
    ),
    "smooth": Entry(
        lambda shape, number: smooth(shape, _given(number)),
        2.0,
        "as clouds, blurred by so many pixels, each number uniform in [0, 1]",
    ),
    "cppn": Entry(
        lambda shape, number: cppn(shape, scale=_given(number)),
        3.0,
        "as patterns of small networks (CPPNs) with random weights of that size",
    ),
}


def _given(number: float | None) -> float:
    if number is None:
        raise ValueError("this measure needs a number")
    return number


def _uniform(latent: Latent) -> Image:
    return jax.scipy.stats.norm.cdf(latent)


def _binary(least: float, latent: Latent) -> Image:
    return (latent >= least).astype(latent.dtype)


def _gaussian(sigma: float, latent: Latent) -> Image:
    return jnp.clip(0.5 + sigma * latent, 0.0, 1.0)


def _smooth(sigma: float, latent: Latent) -> Image:
    cloud = latent
    for axis, size in enumerate(latent.shape[:-1]):
        if size > max(_LONG, 4 * _reach(sigma)):
            cloud = jnp.apply_along_axis(lambda row: _blurred(sigma, row), axis, cloud)
            continue
        matrix = blur_matrix(size, sigma)
        matrix = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
        cloud = jnp.moveaxis(jnp.tensordot(matrix, cloud, (1, axis), precision="highest"), 0, axis)
    return jax.scipy.stats.norm.cdf(cloud)


def _reach(sigma: float) -> int:
    """Return how many numbers to each side a blur looks, as scipy's does."""
    return int(4.0 * sigma + 0.5)


def _blurred(sigma: float, row: Float[Array, " t"]) -> Float[Array, " t"]:
    """Do to a long row as the matrix of a blur would, its rows of length 1; mirrored ends."""
    reach = _reach(sigma)
    matrix = blur_matrix(4 * reach + 1, sigma)  # its middle row is the kernel, its first ones ends
    length = np.linalg.norm(matrix, axis=1)
    kernel = matrix[2 * reach, reach : 3 * reach + 1]
    lengths = np.full(len(row), length[2 * reach])
    lengths[:reach], lengths[-reach:] = length[:reach], length[-reach:]
    mirrored = jnp.pad(row, reach, mode="symmetric")
    return jnp.convolve(mirrored, kernel, "valid", precision="highest") / lengths


def _cppn(shape: tuple[int, ...], width: int, scale: float, latent: Latent) -> Image:
    *axes, outputs = shape
    values = jnp.asarray(inputs(axes, "normalized"))
    functions = jnp.arange(width)[:, None] % len(FUNCTIONS)
    place = 0
    for ends in (width, width, outputs):
        starts = values.shape[0]
        weights = latent[place : place + ends * starts].reshape(ends, starts)
        place += ends * starts
        total = jnp.matmul(weights, values, precision="highest") * (scale / starts**0.5)
        values = activate(functions[:ends], total)
    if len(axes) == 1:  # a negative output is a negative sample
        return jnp.clip((values.T + 1.0) / 2.0, 0.0, 1.0)
    return paint_channels(jnp.abs(values).T.reshape(shape), "hls", None)


def _center(image: bytes, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(image, np.float32).reshape(shape)


def _box(image: bytes, shape: tuple[int, ...], epsilon: float, latent: Latent) -> Image:
    center = _center(image, shape)
    low, high = np.maximum(center - epsilon, 0.0), np.minimum(center + epsilon, 1.0)
    return low + (high - low) * jax.scipy.stats.norm.cdf(latent)


def _ball(image: bytes, shape: tuple[int, ...], epsilon: float, latent: Latent) -> Image:
    """All but two coordinates of a uniform point of a sphere are uniform in the ball."""
    point = latent[:-2] / jnp.linalg.norm(latent)
    return jnp.clip(_center(image, shape) + epsilon * point.reshape(shape), 0.0, 1.0)
