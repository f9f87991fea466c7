"""The parts of a generation by themselves: painting, mutation, the contest for niches."""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.timing import interleave
from fooljax.encodings.cppn_genome import FUNCTIONS, NUM_INPUTS
from fooljax.encodings.cppn_render import compile_genome
from fooljax.types import Encoding, RandomKey

NODES, EDGES, OUTPUTS = 64, 128, 1


def full_genomes(seed: int, count: int) -> fj.encodings.Cppn:
    """Make genomes whose 64 nodes all feed the output, over 128 different edges.

    A chain through all hidden nodes keeps every one alive (and is the deepest
    graph there is), the other inputs enter it at its start, and the remaining
    edges lead forward at random.
    """
    rng = np.random.default_rng(seed)
    path = [0, *range(NUM_INPUTS + OUTPUTS, NODES), NUM_INPUTS]
    fixed = list(itertools.pairwise(path))
    fixed += [(other, path[1]) for other in range(1, NUM_INPUTS)]
    before = [*range(1, NUM_INPUTS), *path]
    forward = [
        (before[i], before[j])
        for j in range(NUM_INPUTS, len(before))
        for i in range(j)
        if (before[i], before[j]) not in set(fixed)
    ]

    def one() -> np.ndarray:
        chosen = rng.choice(len(forward), EDGES - len(fixed), replace=False)
        return np.array(fixed + [forward[edge] for edge in chosen], np.int32)

    edges = np.stack([one() for _ in range(count)])
    return fj.encodings.Cppn(
        function=jnp.asarray(rng.integers(0, len(FUNCTIONS), (count, NODES)), jnp.int32),
        source=jnp.asarray(edges[:, :, 0]),
        target=jnp.asarray(edges[:, :, 1]),
        weight=jnp.asarray(rng.uniform(-3.0, 3.0, (count, EDGES)), jnp.float32),
        refused=jnp.zeros(count, jnp.int32),
    )


def drifted_genomes(
    key: RandomKey, encoding: Encoding, vary: Callable, count: int, mutations: int
) -> Any:
    """Mutate random genomes again and again, without selection.

    ``vary`` is that of the encoding, for ``count`` genomes and compiled.
    """
    key_init, key_vary = jax.random.split(key)
    genomes = jax.jit(jax.vmap(encoding.init))(jax.random.split(key_init, count))
    for step in range(mutations):
        keys = jax.random.split(jax.random.fold_in(key_vary, step), count)
        genomes = vary(keys, genomes, genomes, step)
    return genomes


def measure_cppn(
    key: RandomKey, champions: Any | None, *, count: int, mutations: int, rounds: int
) -> dict[str, Any]:
    """Measure painting at 28x28 and mutation of CPPN genomes with 64 slots.

    Args:
        key: random key.
        champions: evolved genomes, any leading axes, repeated up to ``count``;
            left out if ``None``.
        count: genomes in one batch.
        mutations: of the drifted genomes.
        rounds: measurements of each, in turn.

    Returns:
        Images per second of processor and of wall time, and live nodes, for
        each kind of genome; the cost of mutating ``count`` genomes.
    """
    encoding = fj.encodings.cppn((28, 28, OUTPUTS), NODES, EDGES)
    vary = jax.jit(jax.vmap(encoding.vary, in_axes=(0, 0, 0, None)))
    kinds = {}
    if champions is not None:
        flat = jax.tree.map(
            lambda leaf, one: leaf.reshape(-1, *one.shape), champions, _one(champions)
        )
        kinds["evolved"] = jax.tree.map(
            lambda leaf: jnp.resize(leaf, (count, *leaf.shape[1:])), flat
        )
    key_drift, key_vary = jax.random.split(key)
    kinds["drifted"] = drifted_genomes(key_drift, encoding, vary, count, mutations)
    kinds["full"] = full_genomes(0, count)

    paint = jax.jit(jax.vmap(encoding.express))
    live = jax.jit(jax.vmap(lambda genome: compile_genome(genome, OUTPUTS).length))
    keys = jax.random.split(key_vary, count)
    tasks = {name: lambda genomes=genomes: paint(genomes) for name, genomes in kinds.items()}
    for name in ("drifted", "full"):
        tasks[f"mutate {name}"] = lambda genomes=kinds[name]: vary(keys, genomes, genomes, 1)
    costs = interleave(tasks, rounds)
    return {
        "genomes": count,
        "render": {
            name: {
                "images_per_cpu_s": count / costs[name].cpu_s,
                "images_per_wall_s": count / costs[name].wall_s,
                "live_nodes": float(jnp.mean(live(genomes))),
            }
            for name, genomes in kinds.items()
        },
        "mutate": {
            name: {"cpu_ms": costs[f"mutate {name}"].cpu_s * 1e3}
            | {"wall_ms": costs[f"mutate {name}"].wall_s * 1e3}
            for name in ("drifted", "full")
        },
    }


def measure_arrays(
    key: RandomKey, *, candidates: int, niches: int, genes: int, rounds: int
) -> dict[str, Any]:
    """Measure the contest, insertion of genomes of ``genes`` numbers, and their mutation."""
    key_genes, key_scores, key_champions, key_vary = jax.random.split(key, 4)
    genomes = jax.random.uniform(key_genes, (candidates, genes))
    scores = jnp.log(jax.random.uniform(key_scores, (candidates, niches), minval=1e-6))
    archive = fj.evolution.Archive(
        genomes=jax.random.uniform(key_champions, (niches, genes)),
        fitness=scores[0],
        confidence=jnp.exp(scores[0]),
        born=jnp.zeros(niches, jnp.int32),
        parent=jnp.zeros(niches, jnp.int32),
    )
    nobody = jnp.full(candidates, -1, jnp.int32)
    challengers = fj.evolution.Challengers(genomes, scores, jnp.exp(scores), nobody)
    compete, insert = jax.jit(fj.evolution.compete), jax.jit(fj.evolution.insert)
    mutate = jax.jit(
        jax.vmap(lambda key, genes: fj.encodings.polynomial_mutation(key, genes, 0.1, 15.0))
    )
    keys = jax.random.split(key_vary, candidates)
    generation = jnp.int32(1)
    costs = interleave(
        {
            "compete": lambda: compete(archive.fitness, scores),
            "insert": lambda: insert(archive, challengers, generation),
            "polynomial_mutation": lambda: mutate(keys, genomes),
        },
        rounds,
    )
    sizes = {"candidates": candidates, "niches": niches, "genes": genes}
    return sizes | {
        name: {"cpu_ms": cost.cpu_s * 1e3, "wall_ms": cost.wall_s * 1e3}
        for name, cost in costs.items()
    }


def _one(genomes: Any) -> Any:
    """Return the shapes of one genome, given genomes with leading axes."""
    lead = genomes.refused.ndim
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[lead:], leaf.dtype), genomes)
