"""Where a gradient ascent searches: pixels, Fourier coefficients, the weights of a CPPN."""

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
from fooljax.encodings.color import Color
from fooljax.encodings.cppn_genome import MAX_WEIGHT, Cppn, Rates, mutate
from fooljax.encodings.cppn_gradient import compile_genomes, paint_programs
from fooljax.encodings.cppn_render import Coordinates
from fooljax.types import Images, RandomKey

Moving: TypeAlias = Any
Fixed: TypeAlias = Any

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
    height, width, channels = shape
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    scale = np.maximum(frequency, 1.0 / max(height, width)) ** -decay
    # at the finest waves a step is as long in the coefficients as in the log-odds of the pixels
    scale = (scale / scale.min() * math.sqrt(height * width)).astype(np.float32)[None, ..., None]
    color = (_COLOR if channels == 3 else np.eye(channels)).astype(np.float32)

    def start(keys: RandomKeys, images: Images) -> tuple[Moving, Fixed]:
        del keys
        inside = jnp.clip(images, _INSIDE, 1.0 - _INSIDE)
        waves = jnp.fft.rfft2(
            (jnp.log(inside) - jnp.log1p(-inside)) @ np.linalg.inv(color), None, (1, 2)
        )
        waves = waves / scale
        return jnp.stack([waves.real, waves.imag], axis=-1), None

    def paint(coefficients: Moving, fixed: Fixed) -> Images:
        del fixed
        waves = jax.lax.complex(coefficients[..., 0], coefficients[..., 1]) * scale
        return jax.nn.sigmoid(jnp.fft.irfft2(waves, (height, width), (1, 2)) @ color)

    return Space(start, paint, settle=lambda coefficients: coefficients)


@checks.cache
def cppn(
    shape: tuple[int, int, int],
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
        shape: image size ``(h, w, c)`` in pixels.
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
    outputs = shape[2]
    encoding = encodings.cppn(shape, nodes, edges, None, coordinates, color, None)

    def draw(key: RandomKey) -> Cppn:
        grow = lambda i, genome: mutate(jax.random.fold_in(key, i), genome, outputs, Rates())
        return jax.lax.fori_loop(1, mutations + 1, grow, encoding.init(jax.random.fold_in(key, 0)))

    def start(keys: RandomKeys, begin_at: Cppn | Images) -> tuple[Moving, Fixed]:
        genomes = begin_at if isinstance(begin_at, Cppn) else jax.vmap(draw)(keys)
        programs = compile_genomes(genomes, outputs)
        return programs.weight, programs

    def paint(weight: Float[Array, "b edges"], programs: Fixed) -> Images:
        return paint_programs(weight, programs, shape, coordinates, color)

    return Space(start, paint, settle=lambda weight: jnp.clip(weight, -MAX_WEIGHT, MAX_WEIGHT))
