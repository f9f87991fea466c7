"""CPPN genomes: a growing acyclic graph in arrays of fixed length, and its mutations."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from fooljax import checks, printing
from fooljax.encodings.variation import polynomial_mutation
from fooljax.types import RandomKey

NUM_INPUTS = 4  # of pictures: x, y, distance from the centre, bias
FUNCTIONS = ("sine", "sigmoid", "gaussian", "linear")
SINE, SIGMOID, GAUSSIAN, LINEAR = range(4)
MAX_WEIGHT = 10.0


class Cppn(NamedTuple):
    """A compositional pattern-producing network.

    The first nodes are the inputs (of a picture x, y, distance and bias; see
    ``cppn_inputs``), the next ones the outputs (one for each channel), the rest
    hidden. Slots not in use hold -1.

    Attributes:
        function: what each node computes, an index into ``FUNCTIONS``, or -1.
        source: node each edge starts from, or -1.
        target: node each edge ends in, or -1.
        weight: of each edge, in [-10, 10].
        refused: how many growth mutations the last ``mutate`` had to leave out
            because every slot was taken.
    """

    function: Int32[Array, " nodes"]
    source: Int32[Array, " edges"]
    target: Int32[Array, " edges"]
    weight: Float[Array, " edges"]
    refused: Int32[Array, ""]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


@dataclass(frozen=True)
class Rates:
    """How often each part of a CPPN mutates, all probabilities in [0, 1].

    Attributes:
        weight: of each edge's weight, by polynomial mutation.
        function: of each node's function, drawn anew.
        add_edge: of one new edge.
        delete_edge: of losing one edge.
        add_node: of one new node on an edge.
        delete_node: of losing one hidden node with its edges.
        eta: distribution index of the weight mutation.

    Raises:
        ValueError: if a probability is outside [0, 1] or ``eta`` is negative.

    Source:
        Nguyen et al., 2015, released code for arXiv:1412.1897.
    """

    weight: float = 0.1
    function: float = 0.1
    add_edge: float = 0.5
    delete_edge: float = 0.3
    add_node: float = 0.5
    delete_node: float = 0.2
    eta: float = 15.0

    def __post_init__(self):
        for name, value in vars(self).items():
            if name != "eta":
                checks.between(f"CPPN rate {name}", value, 0.0, 1.0)
        checks.not_negative("eta", self.eta)


def random_cppn(
    key: RandomKey, outputs: int, nodes: int, edges: int, num_inputs: int = NUM_INPUTS
) -> Cppn:
    """Draw a network without hidden nodes: every input feeds every output.

    Weights are uniform in [-10, 10), functions uniform over ``FUNCTIONS``.
    ``nodes`` and ``edges`` are capacities.
    """
    key_weight, key_function = jax.random.split(key)
    first = jnp.arange(num_inputs * outputs, dtype=jnp.int32)
    used = jnp.arange(nodes, dtype=jnp.int32) < num_inputs + outputs
    pad = (0, edges - first.size)
    functions = jax.random.randint(key_function, (nodes,), 0, len(FUNCTIONS), dtype=jnp.int32)
    weights = jax.random.uniform(
        key_weight, first.shape, minval=-MAX_WEIGHT, maxval=MAX_WEIGHT, dtype=jnp.float32
    )
    return Cppn(
        function=jnp.where(used, functions, -1),
        source=jnp.pad(first % num_inputs, pad, constant_values=-1).astype(jnp.int32),
        target=jnp.pad(num_inputs + first // num_inputs, pad, constant_values=-1).astype(jnp.int32),
        weight=jnp.pad(weights, pad),
        refused=jnp.int32(0),
    )


def take(table: Array, index: Int32[Array, " m"], dense: bool) -> Array:
    """Return ``table[index]``.

    ``dense`` compares every index with every place instead of fetching one entry after
    another: on a TPU this moves a hundredth of the memory, on a CPU it takes ten times as
    long.
    """
    if not dense:
        return table[index]
    here = (index % table.size)[None, :] == jnp.arange(table.size, dtype=jnp.int32)[:, None]
    return jnp.sum(jnp.where(here, table[:, None], 0), axis=0).astype(table.dtype)


def raise_to(table: Array, index: Int32[Array, " m"], values: Array, dense: bool) -> Array:
    """Return ``table.at[index].max(values)``, of no negative numbers; see ``take``."""
    if not dense:
        return table.at[index].max(values)
    here = (index % table.size)[None, :] == jnp.arange(table.size, dtype=jnp.int32)[:, None]
    return jnp.maximum(table, jnp.max(jnp.where(here, values[None, :], 0), axis=1)).astype(
        table.dtype
    )


def ancestors(
    genome: Cppn, of: Bool[Array, " nodes"], dense: bool = False
) -> Bool[Array, " nodes"]:
    """Mark the given nodes and every node from which one of them can be reached."""
    used = genome.source >= 0

    def grow(carry):
        marked, _ = carry
        reaches = take(marked, genome.target, dense) & used
        grown = raise_to(marked, genome.source, reaches, dense)
        return grown, jnp.any(grown != marked)

    return jax.lax.while_loop(lambda carry: carry[1], grow, (of, jnp.array(True)))[0]


def _pick(draw: Float[Array, ""] | float, allowed: Bool[Array, " n"]) -> tuple[Array, Array]:
    """Turn a uniform draw into one of the allowed indices, and whether there is any."""
    rank = jnp.cumsum(allowed)
    count = rank[-1]
    wanted = jnp.minimum((draw * count).astype(rank.dtype), count - 1)
    return jnp.argmax(rank > wanted), count > 0


def _put(array: Array, index: Array, value: Array | float, when: Array) -> Array:
    return array.at[index].set(jnp.where(when, value, array[index]).astype(array.dtype))


def _add_edge(
    genome: Cppn, draws: Float[Array, " 4"], outputs: int, rate: float, num_inputs: int
) -> Cppn:
    index = jnp.arange(genome.function.size, dtype=jnp.int32)
    used = genome.function >= 0
    is_input = index < num_inputs
    is_output = ~is_input & (index < num_inputs + outputs)
    source, _ = _pick(draws[1], used & ~is_output)
    above = ancestors(genome, index == source)
    target, found = _pick(draws[2], used & ~above & ~is_input)
    slot, room = _pick(0.0, genome.source < 0)
    wanted = (draws[0] < rate) & found
    added = wanted & room
    weight = (2.0 * draws[3] - 1.0) * MAX_WEIGHT
    return Cppn(
        function=genome.function,
        source=_put(genome.source, slot, source, added),
        target=_put(genome.target, slot, target, added),
        weight=_put(genome.weight, slot, weight, added),
        refused=genome.refused + (wanted & ~room),
    )


def _delete_edge(genome: Cppn, draws: Float[Array, " 2"], rate: float) -> Cppn:
    edge, found = _pick(draws[1], genome.source >= 0)
    gone = (draws[0] < rate) & found
    return genome._replace(
        source=_put(genome.source, edge, -1, gone),
        target=_put(genome.target, edge, -1, gone),
        weight=_put(genome.weight, edge, 0.0, gone),
    )


def _add_node(genome: Cppn, draws: Float[Array, " 3"], rate: float) -> Cppn:
    """Put a node on an edge; both halves keep the old weight."""
    edge, found = _pick(draws[1], genome.source >= 0)
    node, node_room = _pick(0.0, genome.function < 0)
    slot, edge_room = _pick(0.0, genome.source < 0)
    wanted = (draws[0] < rate) & found
    added = wanted & node_room & edge_room
    function = jnp.floor(draws[2] * len(FUNCTIONS))
    return Cppn(
        function=_put(genome.function, node, function, added),
        source=_put(genome.source, slot, node, added),
        target=_put(_put(genome.target, slot, genome.target[edge], added), edge, node, added),
        weight=_put(genome.weight, slot, genome.weight[edge], added),
        refused=genome.refused + (wanted & ~added),
    )


def _delete_node(genome: Cppn, draws: Float[Array, " 2"], painted: int, rate: float) -> Cppn:
    """Take away a hidden node; the first ``painted`` ones are inputs and outputs."""
    hidden = jnp.arange(genome.function.size, dtype=jnp.int32) >= painted
    node, found = _pick(draws[1], hidden & (genome.function >= 0))
    gone = (draws[0] < rate) & found
    cut = gone & ((genome.source == node) | (genome.target == node))
    return genome._replace(
        function=_put(genome.function, node, -1, gone),
        source=jnp.where(cut, -1, genome.source),
        target=jnp.where(cut, -1, genome.target),
        weight=jnp.where(cut, 0.0, genome.weight),
    )


def mutate(
    key: RandomKey, genome: Cppn, outputs: int, rates: Rates, num_inputs: int = NUM_INPUTS
) -> Cppn:
    """Make one child by the six mutations of the paper, in its order.

    Weights (each edge), functions (each node), add an edge, delete an edge, add
    a node on an edge, delete a hidden node. A new edge never ends in an input,
    in its own source or in an ancestor of it, so the graph stays acyclic.

    Args:
        key: random key.
        genome: the parent.
        outputs: number of output nodes.
        rates: probabilities.
        num_inputs: number of input nodes.

    Returns:
        The child, of the same capacity.

    Source:
        Nguyen et al., 2015, released code for arXiv:1412.1897.
    """
    key_weight, key_function, key_redraw, key_structure = jax.random.split(key, 4)
    unit = (genome.weight + MAX_WEIGHT) / (2.0 * MAX_WEIGHT)
    unit = polynomial_mutation(key_weight, unit, rates.weight, rates.eta)
    weight = unit * (2.0 * MAX_WEIGHT) - MAX_WEIGHT
    redraw = jax.random.bernoulli(key_redraw, rates.function, genome.function.shape)
    fresh = jax.random.randint(
        key_function, genome.function.shape, 0, len(FUNCTIONS), dtype=jnp.int32
    )
    genome = Cppn(
        function=jnp.where((genome.function >= 0) & redraw, fresh, genome.function),
        source=genome.source,
        target=genome.target,
        weight=jnp.where(genome.source >= 0, weight, 0.0),
        refused=jnp.int32(0),
    )
    draws = jax.random.uniform(key_structure, (11,), dtype=jnp.float32)
    genome = _add_edge(genome, draws[:4], outputs, rates.add_edge, num_inputs)
    genome = _delete_edge(genome, draws[4:6], rates.delete_edge)
    genome = _add_node(genome, draws[6:9], rates.add_node)
    return _delete_node(genome, draws[9:], num_inputs + outputs, rates.delete_node)
