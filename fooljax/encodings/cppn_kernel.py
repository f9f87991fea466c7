"""Paint CPPN genomes on a TPU, in one kernel whose node values never leave the fast memory.

XLA keeps the values of all nodes of all genomes in the main memory and moves them for
every row of every graph. Here some rows of pixels of one genome are painted from beginning
to end in the vector memory, and only finished pixels leave it.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax.encodings import color as colors
from fooljax.encodings.cppn_genome import NUM_INPUTS, Cppn
from fooljax.encodings.cppn_inputs import Coordinates, inputs
from fooljax.encodings.cppn_render import Program, activate, compile_genome
from fooljax.types import Images

_LANES = 128  # a vector register holds 8 rows of them
_ROWS = 8
_REGISTERS = 8  # for one node's values, of 64
_BYTES = 8_000_000  # of the vector memory, for all nodes' values; half of what a v5e grants


def fits(genome: Cppn, width: int) -> bool:
    """Tell whether the kernel takes genomes of this size and type."""
    nodes = genome.function.shape[-1]
    small = nodes * _ROWS * _padded(width) * 4 <= _BYTES
    return small and genome.weight.dtype == jnp.float32


@functools.partial(jax.jit, static_argnums=(1, 2, 3, 4, 5))
def paint(
    genomes: Cppn,
    shape: tuple[int, int, int],
    coordinates: Coordinates,
    color: colors.Color,
    levels: int | None,
    interpret: bool = False,
) -> Images:
    """Paint genomes, as ``cppn(...).express`` does.

    Args:
        genomes: leaves ``[b, ...]``; ``fits`` must hold.
        shape: image size ``(h, w, c)`` in pixels.
        coordinates: ``raw`` or ``normalized``.
        color: meaning of three outputs.
        levels: grey levels, or ``None`` for continuous ones.
        interpret: run on any device, slowly, for tests.

    Returns:
        Images ``[b, h, w, c]`` in [0, 1].

    Source:
        jax.experimental.pallas with its backend for TPUs.
    """
    from jax.experimental import pallas
    from jax.experimental.pallas import tpu

    height, width, outputs = shape
    count, nodes = genomes.function.shape
    programs = jax.vmap(lambda genome: compile_genome(genome, outputs, dense=True))(genomes)
    # a block must span the last two axes of its array
    table = jax.tree.map(lambda leaf: leaf.reshape(count, 1, -1), programs)
    position = inputs((height, width), coordinates).reshape(NUM_INPUTS, height, width)
    rows = _tile(nodes, height, width)
    # what an operation takes depends on the graphs, which the compiler does not see
    moved = sum(leaf.size * 4 for leaf in jax.tree.leaves((table, position)))
    moved += count * outputs * height * _padded(width) * 4
    planes = pallas.pallas_call(
        _painter(color, levels),
        out_shape=jax.ShapeDtypeStruct((count, outputs, height, width), jnp.float32),
        # genomes inside: the coordinates stay where they are while genomes change
        grid=(-(-height // rows), count),
        in_specs=[
            jax.tree.map(
                lambda leaf: pallas.BlockSpec(
                    (None, 1, leaf.shape[2]),
                    lambda tile, genome: (genome, 0, 0),
                    memory_space=tpu.SMEM,
                ),
                table,
            ),
            pallas.BlockSpec((NUM_INPUTS, rows, width), lambda tile, genome: (0, tile, 0)),
        ],
        out_specs=pallas.BlockSpec(
            (None, outputs, rows, width), lambda tile, genome: (genome, 0, tile, 0)
        ),
        scratch_shapes=[tpu.VMEM((nodes, rows, width), jnp.float32)],
        interpret=interpret,
        cost_estimate=pallas.CostEstimate(flops=0, transcendentals=0, bytes_accessed=moved),
        name="paint_cppn",
    )(table, position)
    return jnp.moveaxis(planes, 1, -1)


def _padded(width: int) -> int:
    """Return the lanes that a row of pixels takes."""
    return -(-width // _LANES) * _LANES


def _tile(nodes: int, height: int, width: int) -> int:
    """Return how many rows of pixels are painted at a time: all of them, or eights."""
    lanes = _padded(width)
    groups = min(_REGISTERS * _LANES // lanes, _BYTES // (nodes * _ROWS * lanes * 4))
    tiles = -(-height // (_ROWS * max(groups, 1)))
    return height if tiles == 1 else -(-height // (tiles * _ROWS)) * _ROWS


def _painter(color: colors.Color, levels: int | None) -> Callable[..., None]:
    """Return the kernel: it runs one graph over one tile, then converts the colors."""

    def kernel(program: Program, position: Any, image: Any, values: Any) -> None:
        values[:NUM_INPUTS] = position[...]

        def compute(row: Array, carry: None) -> None:
            add = lambda edge, total: (
                total + program.weight[0, edge] * values[program.source[0, edge]]
            )
            first, last = program.first_edge[0, row], program.first_edge[0, row + 1]
            total = jnp.zeros(position.shape[1:], jnp.float32)
            total = jax.lax.fori_loop(first, last, add, total)
            values[row] = activate(program.function[0, row], total)

        jax.lax.fori_loop(NUM_INPUTS, program.length[0, 0], compute, None)
        painted = [jnp.abs(values[program.output[0, channel]]) for channel in range(image.shape[0])]
        for channel, plane in enumerate(colors.paint_planes(painted, color, levels)):
            image[channel] = plane

    return kernel
