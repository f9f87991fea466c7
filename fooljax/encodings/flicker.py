"""Flicker: one number a frame, and nothing else, makes a video."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from fooljax import checks
from fooljax.encodings.variation import Variation, polynomial
from fooljax.encodings.voxels import video_shape
from fooljax.types import Encoding, Image, RandomKey


def flicker(
    shape: tuple[int, ...],
    video: Float[Array, "t h w c"] | UInt8[Array, "t h w c"] | None = None,
    strength: float | None = None,
    vary: Variation | None = None,
) -> Encoding:
    """Evolve the brightness of each frame, in color one number for each channel.

    All pixels of a frame change alike: on top of a video it is a lamp that flickers, on
    plain grey there is nothing to see but the flicker.

    Args:
        shape: ``(t, h, w, c)`` of a video.
        video: ``[t, h, w, c]`` in [0, 1], or bytes, that flickers; plain grey (0.5) unless given.
        strength: most that a frame becomes brighter or darker, in (0, 1]; 0.5 on plain
            grey and 0.2 on a video unless given.
        vary: how a child is made; ``polynomial(0.2)`` unless given.

    Returns:
        An encoding whose genomes are float32 ``[t, c]`` in [0, 1]; 0.5 changes nothing.

    Raises:
        ValueError: if the shape is no video's, the video has another one or leaves [0, 1],
            or the strength is impossible.

    Source:
        Pony, Naeh and Mannor, 2021, Over-the-Air Adversarial Flickering Attacks against
        Video Recognition Networks, CVPR (one offset of color a frame).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> encoding = fj.encodings.flicker((6, 4, 4, 1))
        >>> video = encoding.express(encoding.init(jax.random.key(0)))
        >>> bool((video == video[:, :1, :1]).all())  # each frame is plain
        True
    """
    shape = video_shape("flicker", shape)
    ground = np.full(shape, 0.5, np.float32)
    if video is not None:
        given = np.asarray(checks.images(np.asarray(video)[None], shape, "video"))[0]
        ground = given.astype(np.float32) / (255.0 if given.dtype == np.uint8 else 1.0)
    if strength is None:
        strength = 0.5 if video is None else 0.2
    checks.between("strength", strength, 0.0, 1.0, "(]")
    if vary is not None:
        checks.function("vary", vary, "(key, parent, mate, generation) -> child")
    change = polynomial(0.2) if vary is None else vary
    genes = (shape[0], shape[3])

    def init(key: RandomKey) -> Array:
        return jax.random.uniform(key, genes, dtype=jnp.float32)

    def express(genome: Float[Array, "t c"]) -> Image:
        offset = strength * (2.0 * genome - 1.0)
        return jnp.clip(ground + offset[:, None, None, :], 0.0, 1.0)

    def traits(genome: Float[Array, "t c"]) -> Mapping[str, Array]:
        return {"step": jnp.mean(jnp.abs(jnp.diff(genome, axis=0)))}

    return Encoding(init, change, express, traits)
