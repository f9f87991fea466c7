"""Direct encoding: the genome is the image, one gene for each number in it."""

import functools
from collections.abc import Mapping

import jax
from jaxtyping import Array

from fooljax.encodings import color as colors
from fooljax.encodings.variation import Genes, Variation, polynomial
from fooljax.types import Encoding, Image, RandomKey


@functools.cache
def direct(
    shape: tuple[int, int, int],
    vary: Variation | None = None,
    color: colors.Color = "hls",
    levels: int | None = 256,
) -> Encoding:
    """Evolve every pixel by itself, from uniform noise; gives irregular images.

    Args:
        shape: image size ``(h, w, c)`` in pixels, ``c`` 1 or 3.
        vary: how a child is made; ``polynomial()`` unless given.
        color: meaning of the genes of a three-channel image.
        levels: grey levels of the phenotype; ``None`` for continuous ones.

    Returns:
        An encoding whose genomes are float32 arrays ``[h, w, c]`` in [0, 1].

    Raises:
        ValueError: if the shape, colour space or levels are impossible.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 2.2.
    """
    colors.check(shape, color, levels)
    vary = polynomial() if vary is None else vary

    def init(key: RandomKey) -> Genes:
        return jax.random.uniform(key, shape)

    def express(genome: Genes) -> Image:
        return colors.paint(genome, color, levels)

    def traits(genome: Genes) -> Mapping[str, Array]:
        del genome
        return {}

    return Encoding(init, vary, express, traits)
