"""Paint CPPN genomes: sort the live part of the graph once, then run it over rows of pixels."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from fooljax import printing
from fooljax.encodings import color as colors
from fooljax.encodings.cppn_genome import (
    GAUSSIAN,
    NUM_INPUTS,
    SIGMOID,
    SINE,
    Cppn,
    ancestors,
    raise_to,
    take,
)
from fooljax.encodings.cppn_inputs import Coordinates, inputs
from fooljax.types import Image

_PIXELS_AT_ONCE = 2048  # float32 rows of 64 nodes then fit the second-level cache


class Program(NamedTuple):
    """The live part of a genome in the order in which it can be computed.

    Attributes:
        length: number of rows: the inputs and every node that feeds an output.
        function: of each row, by position.
        first_edge: position of each row's first incoming edge; one entry more
            than rows, so that row ``i`` owns ``first_edge[i]:first_edge[i+1]``.
        source: row each edge reads, edges grouped by the row they end in.
        weight: of each edge.
        output: row of each output channel.
    """

    length: Int32[Array, ""]
    function: Int32[Array, " nodes"]
    first_edge: Int32[Array, " nodes_plus_one"]
    source: Int32[Array, " edges"]
    weight: Float[Array, " edges"]
    output: Int32[Array, " outputs"]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def compile_genome(
    genome: Cppn, outputs: int, dense: bool = False, num_inputs: int = NUM_INPUTS
) -> Program:
    """Drop what no output depends on and sort the rest topologically.

    ``dense`` is for TPUs and changes no number; see ``cppn_genome.take``.
    """
    nodes, edges = genome.function.size, genome.source.size
    index = jnp.arange(nodes, dtype=jnp.int32)
    live = ancestors(genome, (index >= num_inputs) & (index < num_inputs + outputs), dense)
    live = live | (index < num_inputs)
    # no edge ends in an input, so this also stops the loop below on a genome of zeros
    used = (genome.source >= 0) & (genome.target >= num_inputs) & take(live, genome.target, dense)

    def deepen(carry):
        depth, _ = carry
        below = jnp.where(used, take(depth, genome.source, dense) + 1, 0)
        deeper = raise_to(depth, genome.target, below, dense)
        return deeper, jnp.any(deeper != depth)

    start = (jnp.zeros(nodes, jnp.int32), jnp.array(True))
    depth = jax.lax.while_loop(lambda carry: carry[1], deepen, start)[0]
    # inputs first, then by depth; dead nodes last; equal depths in order of index
    order = jnp.where(index < num_inputs, -1, jnp.where(live, depth, edges + 1)) * nodes + index
    row = jnp.sum(order[None, :] < order[:, None], axis=1, dtype=jnp.int32)
    end = jnp.where(used, take(row, genome.target, dense), nodes)
    # one sort of packed keys: XLA's argsort on a CPU costs five times as much
    by_end = jnp.sort(end * edges + jnp.arange(edges, dtype=jnp.int32)) % edges
    return Program(
        length=jnp.sum(live, dtype=jnp.int32),
        function=jnp.zeros(nodes, jnp.int32).at[row].set(genome.function),
        first_edge=jnp.sum(
            end[None, :] < jnp.arange(nodes + 1, dtype=jnp.int32)[:, None], axis=1, dtype=jnp.int32
        ),
        source=take(take(row, genome.source, dense), by_end, dense),
        weight=take(genome.weight, by_end, dense),
        output=row[num_inputs : num_inputs + outputs],
    )


def sine(x: Array) -> Array:
    """Sine of float32 numbers up to about 25,000 in size, within 2e-7.

    XLA calls the scalar C library for ``sin`` on a CPU; this reduction to
    [-pi/2, pi/2] and odd polynomial vectorize and are 40 times faster there.
    Other dtypes go to ``jnp.sin``.
    """
    if x.dtype != jnp.float32:
        return jnp.sin(x)
    turns = jnp.round(x * np.float32(1.0 / np.pi))
    rest = x - turns * np.float32(3.140625)
    rest = rest - turns * np.float32(9.6750259e-4)
    rest = rest - turns * np.float32(1.5099580e-7)
    square = rest * rest
    series = 8.33301636e-3 + square * (-1.98065471e-4 + square * 2.59990322e-6)
    series = square * (-1.66666571e-1 + square * series)
    odd = turns - 2.0 * jnp.floor(0.5 * turns) > 0.5
    value = jnp.clip(rest + rest * series, -1.0, 1.0)
    return jnp.where(odd, -value, value)


def activate(function: Array, total: Array) -> Array:
    """Apply one of ``FUNCTIONS``; every value lands in [-1, 1].

    sine: sin(s); sigmoid: 2 / (1 + e^-s) - 1; gaussian: e^-s^2; linear: s / 3
    clipped to [-1, 1].
    """
    decay = jnp.exp(jnp.where(function == GAUSSIAN, -total * total, -jnp.abs(total)))
    sigmoid = jnp.where(total < 0.0, -1.0, 1.0) * (1.0 - decay) / (1.0 + decay)
    linear = jnp.clip(total, -3.0, 3.0) / 3.0
    smooth = jnp.where(function == GAUSSIAN, decay, jnp.where(function == SIGMOID, sigmoid, linear))
    return jnp.where(function == SINE, sine(total), smooth)


def run_program(
    program: Program, rows: Float[Array | np.ndarray, "inputs p"]
) -> Float[Array, "outputs p"]:
    """Compute the outputs over rows of pixels, one row of the graph after another."""
    values = jnp.zeros((program.function.size, rows.shape[1]), rows.dtype)
    values = values.at[: len(rows)].set(rows)

    def compute(row, values):
        add = lambda edge, total: total + program.weight[edge] * values[program.source[edge]]
        total = jnp.zeros(rows.shape[1], rows.dtype)
        total = jax.lax.fori_loop(program.first_edge[row], program.first_edge[row + 1], add, total)
        return values.at[row].set(activate(program.function[row], total))

    values = jax.lax.fori_loop(len(rows), program.length, compute, values)
    return values[program.output]


def render(
    genome: Cppn, shape: tuple[int, ...], coordinates: Coordinates
) -> Float[Array, "*axes c"]:
    """Compute every output at every place of what has the given shape; values in [-1, 1].

    A picture has the shape ``(h, w, c)``, a sound ``(t, 1)``, a video ``(t, h, w, c)``. An
    output without incoming edges has the sum 0: a Gaussian one is 1 everywhere, the others
    0. Large inputs go through in rows that fit the cache.
    """
    *axes, outputs = shape
    rows = inputs(axes, coordinates).astype(genome.weight.dtype)
    program = compile_genome(genome, outputs, num_inputs=len(rows))
    pieces = -(-rows.shape[1] // _PIXELS_AT_ONCE)
    if pieces == 1:
        values = run_program(program, rows)
    else:
        padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % pieces)))
        stacked = np.moveaxis(padded.reshape(len(rows), pieces, -1), 1, 0)
        values = jax.lax.map(lambda piece: run_program(program, piece), stacked)
        values = jnp.moveaxis(values, 0, 1).reshape(outputs, -1)[:, : rows.shape[1]]
    return jnp.moveaxis(values.reshape(outputs, *axes), 0, -1)


def finish(values: Float[Array, "*axes c"], color: colors.Color, levels: int | None) -> Image:
    """Turn outputs into an input in [0, 1].

    Pictures and videos mirror a negative output by its absolute value and are painted by
    ``color.paint``. A sound takes the output as its waveform, and 0 is silence.
    """
    if values.ndim == 2:
        return 0.5 + 0.5 * values
    return colors.paint(jnp.abs(values), color, levels)
