"""Gradients of what a CPPN paints with respect to the weights of its edges.

The loops that paint a genome run over as many nodes and edges as it has, which
reverse differentiation cannot do by itself. Here the way back is written out: it
goes through the same rows of the graph in reverse order.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import backend
from fooljax.encodings import color as colors
from fooljax.encodings.cppn_genome import GAUSSIAN, NUM_INPUTS, SIGMOID, SINE, Cppn
from fooljax.encodings.cppn_inputs import Coordinates, inputs
from fooljax.encodings.cppn_render import (
    Program,
    activate,
    compile_genome,
    finish,
    run_program,
    sine,
)
from fooljax.types import Images


def compile_genomes(genomes: Cppn, outputs: int, num_inputs: int = NUM_INPUTS) -> Program:
    """Compile genomes whose leaves have a leading axis ``b``; see ``compile_genome``."""
    return jax.vmap(lambda genome: compile_genome(genome, outputs, num_inputs=num_inputs))(genomes)


def paint_programs(
    weight: Float[Array, "b edges"],
    program: Program,
    shape: tuple[int, ...],
    coordinates: Coordinates,
    color: colors.Color = "hls",
) -> Images:
    """Paint compiled genomes, differentiably in the weights; levels are continuous.

    Equal to ``cppn(shape, levels=None).express``.

    Args:
        weight: of each edge, in the program's order; stands in for its own.
        program: of every genome, leaves ``[b, ...]``.
        shape: of a picture ``(h, w, c)``, a sound ``(t, 1)`` or a video ``(t, h, w, c)``.
        coordinates: ``raw`` or ``normalized``.
        color: meaning of three outputs.

    Returns:
        Inputs ``[b, *shape]`` in [0, 1].
    """
    *axes, outputs = shape
    rows = inputs(axes, coordinates).astype(weight.dtype)
    values = _paint(weight, program, rows)
    painted = jnp.moveaxis(values.reshape(-1, outputs, *axes), 1, -1)
    return jax.vmap(lambda painted: finish(painted, color, None))(painted)


def _map_on_cpu(function: Callable[..., Any], *trees: Any) -> Any:
    """Take genome after genome on a CPU, where loops of unequal length wait for the longest."""
    return backend.by_device(
        *trees,
        cpu=lambda *trees: jax.lax.map(lambda both: function(*both), trees),
        accelerator=lambda *trees: jax.vmap(function)(*trees),
    )


@jax.custom_vjp
def _paint(
    weight: Float[Array, "b edges"], program: Program, rows: Float[Array | np.ndarray, "inputs p"]
) -> Float[Array, "b outputs p"]:
    return _forward(weight, program, rows)[0]


def _forward(weight, program, rows):
    def one(weight, program):
        every = jnp.arange(program.function.size, dtype=jnp.int32)
        values = run_program(program._replace(weight=weight, output=every), rows)
        return values[program.output], values

    painted, values = _map_on_cpu(one, weight, program)
    return painted, (weight, program, rows, values)


def _backward(kept, wanted):
    weight, program, rows, values = kept

    def one(weight, program, values, wanted):
        """Carry what each row is blamed for back along its edges, last row first."""
        blame = jnp.zeros_like(values).at[program.output].add(wanted)
        length = program.length

        def back(step, carry):
            row = length - 1 - step
            first, last = program.first_edge[row], program.first_edge[row + 1]
            add = lambda edge, total: total + weight[edge] * values[program.source[edge]]
            total = jax.lax.fori_loop(first, last, add, jnp.zeros(rows.shape[1], rows.dtype))
            blamed = carry[1][row] * _slope(program.function[row], total)

            def pass_on(edge, carry):
                slopes, blame = carry
                source = program.source[edge]
                slopes = slopes.at[edge].set(jnp.sum(blamed * values[source]))
                return slopes, blame.at[source].add(weight[edge] * blamed)

            return jax.lax.fori_loop(first, last, pass_on, carry)

        start = (jnp.zeros_like(weight), blame)
        return jax.lax.fori_loop(0, length - len(rows), back, start)[0]

    return _map_on_cpu(one, weight, program, values, wanted), None, None


_paint.defvjp(_forward, _backward)


def _slope(function: Array, total: Array) -> Array:
    """Return the derivative of ``activate``; at the kinks of linear the one inside."""
    value = activate(function, total)
    bell = -2.0 * total * value
    logistic = 0.5 * (1.0 - value**2)
    linear = jnp.where(jnp.abs(total) <= 3.0, 1.0 / 3.0, 0.0)
    smooth = jnp.where(function == SIGMOID, logistic, linear)
    smooth = jnp.where(function == GAUSSIAN, bell, smooth)
    # sines of a quarter turn later are cosines, and faster than XLA's
    return jnp.where(function == SINE, sine(total + np.pi / 2).astype(total.dtype), smooth)
