"""Indirect encoding: a small growing network paints the image, the sound or the video."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax import backend, checks
from fooljax.encodings import color as colors
from fooljax.encodings import cppn_inputs, cppn_kernel
from fooljax.encodings.cppn_genome import Cppn, Rates, mutate, random_cppn
from fooljax.encodings.cppn_inputs import Coordinates
from fooljax.encodings.cppn_render import finish, render
from fooljax.types import Encoding, Image, Images, RandomKey

Painter: TypeAlias = Callable[[Cppn], Array]  # one genome to an image, or [b, ...] to [b, ...]


def _by_platform(paint: Painter, paint_on_tpu: Painter) -> Painter:
    """Let ``vmap`` run genome after genome on a CPU, in a kernel on a TPU, else side by side.

    Graphs differ in length, so side by side every genome waits for the longest
    and every row takes a gather: on a CPU that is 30 times slower than one
    genome after another (1000 genomes of 10 live nodes at 28x28: 840 against 24
    CPU-ms).
    """
    single = jax.custom_batching.custom_vmap(paint)
    many = jax.custom_batching.custom_vmap(paint_on_tpu)

    @single.def_vmap
    def rule(axis_size, in_batched, genome):
        genomes = _spread(axis_size, in_batched[0], genome)
        images = backend.by_device(
            genomes,
            cpu=lambda genomes: jax.lax.map(single, genomes),
            accelerator=lambda genomes: jax.vmap(paint)(genomes),
            tpu=many,
        )
        return images, True

    @many.def_vmap
    def flatten(axis_size, in_batched, genomes):
        genomes = _spread(axis_size, in_batched[0], genomes)
        flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), genomes)
        images = many(flat)
        return images.reshape(axis_size, -1, *images.shape[1:]), True

    return single


def _spread(axis_size: int, batched: Cppn, genome: Cppn) -> Cppn:
    """Give every leaf the leading axis that some have."""
    return jax.tree.map(
        lambda leaf, has: leaf if has else jnp.broadcast_to(leaf, (axis_size, *leaf.shape)),
        genome,
        batched,
    )


@checks.cache
def cppn(
    shape: tuple[int, ...],
    nodes: int = 64,
    edges: int = 128,
    rates: Rates | None = None,
    coordinates: Coordinates = "raw",
    color: colors.Color = "hls",
    levels: int | None = 256,
) -> Encoding:
    """Evolve compositional pattern-producing networks that grow from nothing.

    Args:
        shape: of what is painted: a picture ``(h, w, c)``, a sound ``(t, 1)`` or a
            video ``(t, h, w, c)``, ``c`` 1 or 3; one output node for each channel. The
            inputs are those of ``cppn_inputs``: where a pixel, sample or voxel is, and for
            a sound tones of five frequencies.
        nodes: capacity of a genome in nodes, inputs and outputs included;
            champions of 200 generations on MNIST use 8 to 22.
        edges: capacity in edges.
        rates: mutation rates, those of the paper unless given.
        coordinates: ``raw`` pixel counts as released (fine stripes) or
            ``normalized`` to [-1, 1] (broad shapes, the same at every size).
        color: meaning of three outputs.
        levels: grey levels of a pixel; ``None`` for continuous ones. The samples of a sound
            are not rounded.

    Returns:
        An encoding whose genomes are ``Cppn``. A negative output is mirrored by its
        absolute value; in a sound it is a negative sample. Mutations refused for want of
        capacity are counted in the trait ``refused``.

    Raises:
        ValueError: if the shape, colour space or levels are impossible, the
            capacity cannot hold the starting network, or ``coordinates`` is
            unknown.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 2.2 and released code.
        Stanley, 2007, Compositional pattern producing networks.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> encoding = fj.encodings.cppn((8, 8, 1), nodes=16, edges=32)
        >>> encoding.express(encoding.init(jax.random.key(0))).shape
        (8, 8, 1)
    """
    shape = checks.shape("shape", shape)
    num_inputs, outputs = cppn_inputs.number(shape), shape[-1]
    colors.check(shape[-3:], color, levels)
    nodes, edges = checks.count("nodes", nodes), checks.count("edges", edges)
    if rates is not None:
        checks.kind("rates", rates, Rates)
    if nodes < num_inputs + outputs or edges < num_inputs * outputs:
        raise ValueError(
            f"a CPPN with {outputs} outputs needs at least {num_inputs + outputs} nodes and "
            f"{num_inputs * outputs} edges, got {nodes} and {edges}"
        )
    checks.choice("coordinates", coordinates, ("raw", "normalized"))
    rates = Rates() if rates is None else rates

    def init(key: RandomKey) -> Cppn:
        return random_cppn(key, outputs, nodes, edges, num_inputs)

    def vary(key: RandomKey, parent: Cppn, mate: Cppn, generation: Array) -> Cppn:
        del mate, generation  # the paper's CPPNs do not recombine
        return mutate(key, parent, outputs, rates, num_inputs)

    def paint(genome: Cppn) -> Image:
        return finish(render(genome, shape, coordinates), color, levels)

    @jax.custom_jvp
    def paint_on_tpu(genomes: Cppn) -> Images:
        if len(shape) != 3 or not cppn_kernel.fits(genomes, shape[1]):
            return jax.vmap(paint)(genomes)
        return cppn_kernel.paint(genomes, shape, coordinates, color, levels)

    @paint_on_tpu.defjvp
    def derive(genomes: tuple[Cppn], slopes: tuple[Cppn]) -> tuple[Images, Images]:
        return jax.jvp(jax.vmap(paint), genomes, slopes)  # a kernel has no derivatives

    def traits(genome: Cppn) -> Mapping[str, Array]:
        return {
            "nodes": jnp.sum(genome.function >= 0),
            "edges": jnp.sum(genome.source >= 0),
            "refused": genome.refused,
        }

    return Encoding(init, vary, _by_platform(paint, paint_on_tpu), traits)
