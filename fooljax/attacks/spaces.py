"""Where a gradient ascent searches: pixels, waves, their phases, the weights of a CPPN."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks, encodings
from fooljax.attacks.attack import RandomKeys
from fooljax.data import as_float
from fooljax.encodings.color import Color
from fooljax.encodings.cppn_genome import MAX_WEIGHT, Cppn, Rates, mutate
from fooljax.encodings.cppn_gradient import compile_genomes, paint_programs
from fooljax.encodings.cppn_inputs import Coordinates, number
from fooljax.types import Images, RandomKey

Moving: TypeAlias = Any
Fixed: TypeAlias = Any

_SMALLEST = 1e-6  # a wave, for each pixel, that has a phase
_INSIDE = 1e-3  # pixels at 0 and 1 start so far inside, where a sigmoid still has a slope
# Colors of photographs vary most in lightness, then between red and blue, least between
# green and magenta. Standard deviations of their log-odds along these axes: 2.55, 0.75, 0.38
# (1,000 pictures of ImageNet).
_AXES = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
_COLOR = np.diag([1.0, 0.3, 0.15]) @ _AXES


class Space(NamedTuple):
    """A search space of images with a gradient; every leaf has a leading axis ``b``.

    Attributes:
        start: ``(keys, begin_at) -> (moving, fixed)``: arrays of floats to ascend
            in, and whatever else belongs to each sample and stays; ``begin_at``
            are the images, or what ``run`` was given as ``start``.
        paint: ``(moving, fixed) -> images [b, h, w, c]`` in [0, 1].
        settle: ``moving -> moving``, back to where it may be.
    """

    start: Callable[[RandomKeys, Any], tuple[Moving, Fixed]]
    paint: Callable[[Moving, Fixed], Images]
    settle: Callable[[Moving], Moving]


@functools.cache
def pixels() -> Space:
    """Search the numbers of the image itself."""
    return Space(
        start=lambda keys, images: (images, None),
        paint=lambda images, fixed: images,
        settle=lambda images: jnp.clip(images, 0.0, 1.0),
    )


@checks.cache
def fourier(shape: tuple[int, int, int], decay: float = 1.0) -> Space:
    """Search Fourier coefficients, where a step changes coarse patterns more than fine ones.

    The pixels are the sigmoid of a sum of waves. A coefficient counts for
    ``1 / frequency ** decay``, as in photographs, and three channels are made
    of lightness, red against blue and green against magenta in the proportions of
    photographs, so steps are not scattered over rare colors. Begins at the images
    given; pixels at 0 and 1 begin 0.001 inside.

    Args:
        shape: image size ``(h, w, c)`` in pixels.
        decay: how fast coefficients lose weight with their frequency; 0 is the
            space of pixels behind a sigmoid.

    Raises:
        ValueError: if ``decay`` is not a finite number of at least 0.

    Source:
        Olah, Mordvintsev and Schubert, 2017, Feature Visualization,
        https://distill.pub/2017/feature-visualization (preconditioning).
    """
    decay = checks.not_negative("decay", decay)
    height, width, _ = shape
    to_waves, to_pixels = _waves(shape)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    scale = np.maximum(frequency, 1.0 / max(height, width)) ** -decay
    # at the finest waves a step is as long in the coefficients as in the log-odds of the pixels
    scale = (scale / scale.min() * math.sqrt(height * width)).astype(np.float32)[None, ..., None]

    def start(keys: RandomKeys, images: Images) -> tuple[Moving, Fixed]:
        del keys
        waves = to_waves(images) / scale
        return jnp.stack([waves.real, waves.imag], axis=-1), None

    def paint(coefficients: Moving, fixed: Fixed) -> Images:
        del fixed
        return to_pixels(jax.lax.complex(coefficients[..., 0], coefficients[..., 1]) * scale)

    return Space(start, paint, settle=lambda coefficients: coefficients)


class Spectral(NamedTuple):
    """Where a search of `phases` begins; every leaf has a leading axis ``b``.

    Attributes:
        images: whose phases it begins at, ``[b, h, w, c]`` in [0, 1].
        sizes: of the waves that it keeps, ``[b, h, w // 2 + 1, c]``, as of `spectrum`.
    """

    images: Images
    sizes: Float[Array, "b h f c"]


def spectrum(pictures: Images) -> Float[Array, "h f c"]:
    """Return how large the waves of pictures are on average, for `phases`.

    Args:
        pictures: ``[n, h, w, c]``, floats in [0, 1] or uint8, such as photographs.

    Returns:
        Sizes of the waves of their log-odds; of the mean, the first, with its sign.
    """
    images = as_float(checks.images(pictures, jnp.shape(pictures)[1:], "pictures"))
    waves = _waves(images.shape[1:])[0](images)
    return jnp.mean(jnp.abs(waves), axis=0).at[0, 0].set(jnp.mean(waves[:, 0, 0].real, axis=0))


@checks.cache
def phases(shape: tuple[int, int, int]) -> Space:
    """Search where waves lie, and keep how large they are: as in photographs, or any picture.

    The waves are those of the pixels' log-odds, three channels made of lightness and two
    color differences as in `fourier`. Begins at images, whose own waves keep their sizes,
    or at `Spectral`, with sizes from elsewhere. Where an image has no wave, as grey has,
    its phase is drawn. A step of Adam is in radians.

    Args:
        shape: image size ``(h, w, c)`` in pixels.

    Source:
        Fel et al., 2023, arXiv:2306.06805 (MACO), whose sizes are those of ImageNet.
    """
    height, width, _ = shape
    to_waves, to_pixels = _waves(shape)
    paired = np.zeros((1, 1, width // 2 + 1, 1), bool)  # columns that hold a wave twice
    paired[:, :, [0, width // 2] if width % 2 == 0 else 0] = True

    def start(keys: RandomKeys, begin_at: Images | Spectral) -> tuple[Moving, Fixed]:
        images = begin_at.images if isinstance(begin_at, Spectral) else begin_at
        waves = to_waves(images)
        draw = lambda key: jax.random.normal(key, shape, jnp.float32)
        noise = jnp.fft.rfft2(jax.vmap(draw)(keys), None, (1, 2))
        some = jnp.where(jnp.abs(waves) > _SMALLEST * height * width, waves, noise)
        units = (some / jnp.abs(some)).at[:, 0, 0].set(1.0)
        own = jnp.abs(waves).at[:, 0, 0].set(waves[:, 0, 0].real)
        sizes = begin_at.sizes if isinstance(begin_at, Spectral) else own
        return jnp.zeros(sizes.shape, jnp.float32), (units.real, units.imag, sizes)

    def paint(turns: Moving, fixed: Fixed) -> Images:
        real, imaginary, sizes = fixed
        opposite = jnp.roll(turns[:, ::-1], 1, axis=1)
        turns = jnp.where(paired, (turns - opposite) / 2, turns)
        turned = jax.lax.complex(jnp.cos(turns), jnp.sin(turns))
        return to_pixels(sizes * jax.lax.complex(real, imaginary) * turned)

    return Space(start, paint, settle=lambda turns: turns)


def _waves(
    shape: tuple[int, ...],
) -> tuple[Callable[[Images], Array], Callable[[Array], Images]]:
    """Return the ways from images to the waves of their log-odds, and back."""
    height, width, channels = shape
    color = (_COLOR if channels == 3 else np.eye(channels)).astype(np.float32)

    def to_waves(images: Images) -> Array:
        inside = jnp.clip(images, _INSIDE, 1.0 - _INSIDE)
        odds = jnp.log(inside) - jnp.log1p(-inside)
        return jnp.fft.rfft2(odds @ np.linalg.inv(color), None, (1, 2))

    def to_pixels(waves: Array) -> Images:
        return jax.nn.sigmoid(jnp.fft.irfft2(waves, (height, width), (1, 2)) @ color)

    return to_waves, to_pixels


@checks.cache
def cppn(
    shape: tuple[int, ...],
    nodes: int = 64,
    edges: int = 128,
    *,
    mutations: int = 30,
    coordinates: Coordinates = "normalized",
    color: Color = "hls",
) -> Space:
    """Search the weights of compositional pattern-producing networks of fixed structure.

    Begins at the genomes given to ``run`` as ``start``; at images it cannot begin,
    so without genomes it draws random ones and lets them grow. A good beginning
    matters more than the ascent: on Caffe's LeNet none of 30 random networks came
    above 99.99 % in 500 steps (median log-odds from -5.3 to -1.3), while the best
    of 200 for each digit went from 4.5 to 8.3 in 200 steps.

    Args:
        shape: of a picture ``(h, w, c)``, a sound ``(t, 1)`` or a video ``(t, h, w, c)``.
        nodes: capacity of the genomes it draws, in nodes.
        edges: their capacity in edges.
        mutations: how often they mutate, by the paper's six mutations.
        coordinates: what the input nodes see. On ``raw`` pixel counts, where a
            weight of 1 is four waves over 28 pixels, the gain above was 1.9 to 3.3.
        color: meaning of three outputs.

    Raises:
        ValueError: if the shape, the capacity or ``coordinates`` is impossible,
            or ``mutations`` is negative.

    Source:
        Stanley, 2007, Compositional pattern producing networks; structure and
        mutations as in Nguyen et al., 2015, arXiv:1412.1897.
    """
    mutations = checks.count("mutations", mutations, 0)
    encoding = encodings.cppn(shape, nodes, edges, None, coordinates, color, None)
    outputs, num_inputs = shape[-1], number(shape)

    def draw(key: RandomKey) -> Cppn:
        grow = lambda i, genome: mutate(
            jax.random.fold_in(key, i), genome, outputs, Rates(), num_inputs
        )
        return jax.lax.fori_loop(1, mutations + 1, grow, encoding.init(jax.random.fold_in(key, 0)))

    def start(keys: RandomKeys, begin_at: Cppn | Images) -> tuple[Moving, Fixed]:
        genomes = begin_at if isinstance(begin_at, Cppn) else jax.vmap(draw)(keys)
        programs = compile_genomes(genomes, outputs, num_inputs)
        return programs.weight, programs

    def paint(weight: Float[Array, "b edges"], programs: Fixed) -> Images:
        return paint_programs(weight, programs, shape, coordinates, color)

    return Space(start, paint, settle=lambda weight: jnp.clip(weight, -MAX_WEIGHT, MAX_WEIGHT))
