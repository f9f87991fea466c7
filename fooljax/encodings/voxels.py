"""Voxels: every number of a video by itself, exchanged between parents in boxes."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from fooljax import checks
from fooljax.encodings.variation import polynomial_mutation
from fooljax.types import Encoding, Image, RandomKey


@checks.cache
def voxels(
    shape: tuple[int, ...],
    binary: bool = False,
    density: float = 0.15,
    rate: float = 0.01,
    boxes: float = 0.25,
    fills: float = 0.25,
) -> Encoding:
    """Evolve every voxel of a video by itself, from noise.

    A child may take a box of space and time from another parent, so that what happens at
    one place and time stays together; and a box of it may become plain. Then single voxels
    change.

    Args:
        shape: ``(t, h, w, c)`` of a video.
        binary: black and white voxels, as silhouettes have them; grey ones otherwise.
        density: share of white voxels at the start, if they are binary, in [0, 1].
        rate: probability that a voxel changes, in [0, 1]: a binary one to the other value,
            a grey one by polynomial mutation.
        boxes: probability that a child takes a box from its second parent, in [0, 1].
        fills: probability that a box of a child is filled with one random value, in [0, 1].

    Returns:
        An encoding whose genomes are arrays ``[t, h, w, c]``, uint8 in 0..255, binary ones
        bool.

    Raises:
        ValueError: if the shape is no video's, or a number is outside [0, 1].

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> encoding = fj.encodings.voxels((4, 8, 8, 1), binary=True)
        >>> video = encoding.express(encoding.init(jax.random.key(0)))
        >>> set(video.ravel().tolist()) <= {0.0, 1.0}
        True
    """
    shape = video_shape("voxels", shape)
    for name, given in (("density", density), ("rate", rate), ("boxes", boxes), ("fills", fills)):
        checks.between(name, given, 0.0, 1.0)

    def init(key: RandomKey) -> Array:
        if binary:
            return jax.random.bernoulli(key, density, shape)
        return jax.random.randint(key, shape, 0, 256, jnp.int32).astype(jnp.uint8)

    def vary(key: RandomKey, parent: Array, mate: Array, generation: Array) -> Array:
        del generation
        key_take, key_box, key_fill, key_filled, key_value, key_change = jax.random.split(key, 6)
        taken = jax.random.bernoulli(key_take, boxes) & random_box(key_box, shape)
        child = jnp.where(taken, mate, parent)
        filled = jax.random.bernoulli(key_fill, fills) & random_box(key_filled, shape)
        values = (1, 1, 1, shape[-1])
        if binary:
            value = jax.random.bernoulli(key_value, 0.5, values)
        else:
            value = jax.random.randint(key_value, values, 0, 256, jnp.int32).astype(jnp.uint8)
        child = jnp.where(filled, value, child)
        if binary:
            return child ^ jax.random.bernoulli(key_change, rate, shape)
        grey = polynomial_mutation(key_change, child.astype(jnp.float32) / 255.0, rate)
        return jnp.round(255.0 * grey).astype(jnp.uint8)

    def express(genome: Array) -> Image:
        return genome.astype(jnp.float32) if binary else genome.astype(jnp.float32) / 255.0

    def traits(genome: Array) -> Mapping[str, Array]:
        return {"white": jnp.mean(express(genome))}

    return Encoding(init, vary, express, traits)


@checks.cache
def thresholded(encoding: Encoding, threshold: float = 0.5) -> Encoding:
    """Make what an encoding paints black and white, as silhouettes are.

    Args:
        encoding: any that paints numbers in [0, 1].
        threshold: numbers from there on are white, in [0, 1].

    Raises:
        ValueError: if it is no encoding, or the threshold is outside [0, 1].

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> encoding = fj.encodings.thresholded(fj.encodings.cppn((4, 8, 8, 1), 16, 32))
        >>> video = encoding.express(encoding.init(jax.random.key(0)))
        >>> set(video.ravel().tolist()) <= {0.0, 1.0}
        True
    """
    checks.kind("encoding", encoding, Encoding)
    checks.between("threshold", threshold, 0.0, 1.0)
    express = lambda genome: (encoding.express(genome) >= threshold).astype(jnp.float32)
    return encoding._replace(express=express)


def random_box(key: RandomKey, shape: tuple[int, ...]) -> Bool[Array, "..."]:
    """Draw a box of any place and size, with all channels in it.

    Along every axis but the last it reaches from one random place to another.
    """
    inside = jnp.ones(shape, bool)
    for axis, key_axis in enumerate(jax.random.split(key, len(shape) - 1)):
        ends = jax.random.randint(key_axis, (2,), 0, shape[axis])
        places = jnp.arange(shape[axis])
        between = (places >= jnp.min(ends)) & (places <= jnp.max(ends))
        inside &= between.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return inside


def video_shape(name: str, given: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return a video's shape.

    Raises:
        ValueError: if it is something else.
    """
    shape = checks.shape("shape", given)
    if len(shape) != 4 or shape[3] not in (1, 3):
        raise ValueError(
            f"{name} needs a video's shape (frames, height, width, 1 or 3), got {shape}"
        )
    frames, height, width, channels = shape
    return frames, height, width, channels
