"""Direct encoding: the genome is the image, one gene for each number in it."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array

from fooljax import chance, checks
from fooljax.encodings import color as colors
from fooljax.encodings.variation import Genes, Variation, polynomial
from fooljax.types import Encoding, Image, RandomKey

Storage: TypeAlias = Literal["float32", "uint8"]


@checks.cache
def direct(
    shape: tuple[int, ...],
    vary: Variation | None = None,
    color: colors.Color = "hls",
    levels: int | None = 256,
    storage: Storage = "float32",
) -> Encoding:
    """Evolve every pixel by itself, from uniform noise; gives irregular images.

    Args:
        shape: of what is evolved: a picture ``(h, w, c)``, ``c`` 1 or 3, a sound
            ``(t, 1)``, a video ``(t, h, w, c)``, or any other.
        vary: how a child is made; ``polynomial()`` unless given.
        color: meaning of the genes of a picture of three channels.
        levels: grey levels of the phenotype; ``None`` for continuous ones.
        storage: what a gene is kept as. ``uint8``, in steps of 1/255, takes a
            quarter of the memory, which counts for a thousand large images; a
            child's genes are rounded once made, so what is scored is what is kept.

    Returns:
        An encoding whose genomes are arrays of that shape, float32 in [0, 1] or uint8.

    Raises:
        ValueError: if the shape, colour space, levels or storage are impossible.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 2.2.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> encoding = fj.encodings.direct((8, 8, 1))
        >>> parent, mate = map(encoding.init, jax.random.split(jax.random.key(0)))
        >>> child = encoding.vary(jax.random.key(1), parent, mate, 1)  # in the first generation
        >>> encoding.express(child).shape
        (8, 8, 1)
    """
    colors.check(shape, color, levels)
    checks.choice("storage", storage, ("float32", "uint8"))
    if vary is not None:
        checks.function("vary", vary, "(key, parent, mate, generation) -> child")
    change = polynomial() if vary is None else vary
    keep, read = (_round, _unround) if storage == "uint8" else (_same, _same)

    def init(key: RandomKey) -> Array:
        return keep(chance.uniform(key, shape))

    def vary_stored(key: RandomKey, parent: Array, mate: Array, generation: Array) -> Array:
        return keep(change(key, read(parent), read(mate), generation))

    def express(genome: Array) -> Image:
        return colors.paint(read(genome), color if len(shape) == 3 else "rgb", levels)

    def traits(genome: Array) -> Mapping[str, Array]:
        del genome
        return {}

    return Encoding(init, vary_stored, express, traits)


def _same(genes: Genes) -> Genes:
    return genes


def _round(genes: Genes) -> Array:
    return jnp.round(255.0 * genes).astype(jnp.uint8)


def _unround(genome: Array) -> Genes:
    return genome.astype(jnp.float32) / 255.0
