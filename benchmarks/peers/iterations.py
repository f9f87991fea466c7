"""An iteration in fooljax, QDax and pyribs, with scoring that costs next to nothing.

Equal everywhere: the number of niches, of genes (float32 in [0, 1]), of children
in an iteration, and a full iteration: draw parents, make children, score, insert.

Two kinds of scoring. ``scalar``: a child's niche is its first gene and its
fitness the mean of its genes, which suits the peers' archives best (one
descriptor); fooljax has no such mode. ``classes``: a linear network without
arithmetic gives a logit for each niche, from which come log-probabilities for
all of them; a child's niche is its top class (``own``), or it competes in every
niche (``all``). fooljax also stores softmax probabilities and the parents'
niches, and reports every generation; QDax reports nothing here, and its
polynomial mutation changes exactly, not on average, a tenth of the genes.

fooljax's steps are sent off one by one as its ``advance`` does on a CPU, QDax
runs in ``lax.scan`` as its guides recommend, pyribs in NumPy.
"""

import functools
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.timing import Cost, interleave
from fooljax.types import Classifier, RandomKey

ISO_SIGMA, LINE_SIGMA, RATE, ETA = 0.05, 0.1, 0.1, 15.0
MISSING = "not installed: pip install 'fooljax[bench]'"

Iterate = Callable[[], Any]


def measure_peers(
    key: RandomKey,
    *,
    niches: int,
    genes: int,
    children: int,
    iterations: int,
    rounds: int,
    tile: bool = True,
    peers: Sequence[str] = ("qdax", "ribs"),
) -> dict[str, Any]:
    """Measure an iteration of every implementation, in turn.

    Args:
        key: random key.
        niches: cells of the archive, or classes.
        genes: numbers in a genome.
        children: in one iteration.
        iterations: in one measurement.
        rounds: measurements of each.
        tile: also emulate the rule that a child competes in every niche in
            QDax, by inserting one copy of it for each niche; slow and large.
        peers: modules to compare with, those that are installed.

    Returns:
        Milliseconds per iteration by name, the sizes, and what was missing.
    """
    sizes = {"niches": niches, "genes": genes, "children": children}
    found = {peer: importlib.util.find_spec(peer) is not None for peer in peers}
    tasks = ours(key, iterations=iterations, **sizes)
    heavy: dict[str, Iterate] = {}
    if found.get("qdax"):
        tasks |= qdax(key, iterations=iterations, **sizes)
        if tile:
            heavy = {"qdax, all, iso+line, tiled, classes": qdax_tiled(key, **sizes)}
    if found.get("ribs"):
        tasks |= ribs(iterations=iterations, **sizes)
    row = lambda cost: {"cpu_ms": cost.cpu_s * 1e3, "wall_ms": cost.wall_s * 1e3}
    costs: dict[str, Cost] = {
        name: cost.times(1.0 / iterations) for name, cost in interleave(tasks, rounds).items()
    }
    costs |= interleave(heavy, min(rounds, 3))
    return {
        **sizes,
        "iteration": {name: row(cost) for name, cost in costs.items()},
        "missing": {peer: MISSING for peer, installed in found.items() if not installed},
    }


def _logits(flat: jax.Array, niches: int) -> jax.Array:
    """Give every niche a logit without arithmetic worth mentioning: the genes, then 1 - genes."""
    both = jnp.concatenate([flat, 1.0 - flat], axis=1)
    return jnp.tile(both, (1, -(-niches // both.shape[1])))[:, :niches]


def ours(
    key: RandomKey, niches: int, genes: int, children: int, iterations: int
) -> dict[str, Iterate]:
    """Return some iterations of fooljax by name: of both rules and both operators."""

    def apply(params, images):
        del params
        return _logits(images.reshape(images.shape[0], genes), niches)

    shape = (1, genes, 1)
    classifier = Classifier((), apply, shape, niches)
    operators = {
        "polynomial": fj.encodings.polynomial(RATE, ETA),
        "iso+line": fj.encodings.iso_line_dd(ISO_SIGMA, LINE_SIGMA),
    }

    def task(niche_rule, vary):
        encoding = fj.encodings.direct(shape, vary, levels=None)
        search = fj.evolution.map_elites(encoding, children, niches=niche_rule)
        state = None

        def iterate():
            nonlocal state
            if state is None:
                state = fj.evolution.start(key, search, classifier)[0]
            state, info = fj.evolution.advance(key, search, classifier, state, iterations)
            return info  # the next call consumes the state

        return iterate

    return {
        f"fooljax, {rule}, {name}, classes": task(rule, vary)
        for rule in ("own", "all")
        for name, vary in operators.items()
    }


def _qdax_operators() -> dict[str, dict[str, Any]]:
    from qdax.core.emitters.mutation_operators import isoline_variation, polynomial_mutation

    bounds = {"minval": 0.0, "maxval": 1.0}
    mutate = functools.partial(polynomial_mutation, proportion_to_mutate=RATE, eta=ETA, **bounds)
    line = functools.partial(
        isoline_variation, iso_sigma=ISO_SIGMA, line_sigma=LINE_SIGMA, **bounds
    )
    return {
        "polynomial": {"mutation_fn": mutate, "variation_fn": None, "variation_percentage": 0.0},
        "iso+line": {"mutation_fn": None, "variation_fn": line, "variation_percentage": 1.0},
    }


def _qdax_start(
    key: RandomKey, score: Callable, operator: dict, niches: int, genes: int, children: int
):
    """Return QDax's algorithm, its emitter, and its state after the random population."""
    from qdax.core.containers.mapelites_repertoire import compute_euclidean_centroids
    from qdax.core.emitters.standard_emitters import MixingEmitter
    from qdax.core.map_elites import MAPElites

    emitter = MixingEmitter(batch_size=children, **operator)
    search = MAPElites(score, emitter, metrics_function=lambda repertoire: {})
    centroids = compute_euclidean_centroids((niches,), 0.0, 1.0)
    genomes = jax.random.uniform(key, (children, genes))
    repertoire, emitter_state, _ = search.init(genomes, centroids, key)
    return search, emitter, (repertoire, emitter_state, key)


def qdax(
    key: RandomKey, niches: int, genes: int, children: int, iterations: int
) -> dict[str, Iterate]:
    """Return some iterations of QDax by name: of both operators and both scores."""

    def scalar(genomes, key):
        del key
        return jnp.mean(genomes, axis=1), genomes[:, :1], {}

    def classes(genomes, key):
        del key
        log_probabilities = jax.nn.log_softmax(_logits(genomes, niches))
        top = jnp.argmax(log_probabilities, axis=1)
        return jnp.max(log_probabilities, axis=1), (top[:, None] + 0.5) / niches, {}

    def task(score, operator):
        carry = run = None

        def iterate():
            nonlocal carry, run
            if run is None:
                search, _, carry = _qdax_start(key, score, operator, niches, genes, children)
                several = lambda carry: jax.lax.scan(search.scan_update, carry, (), iterations)[0]
                run = jax.jit(several)
            carry = run(carry)
            return carry

        return iterate

    return {
        f"qdax, own, {name}, {scoring.__name__}": task(scoring, operator)
        for scoring in (scalar, classes)
        for name, operator in _qdax_operators().items()
    }


def qdax_tiled(key: RandomKey, niches: int, genes: int, children: int) -> Iterate:
    """Insert one copy of every child for each niche: ``children * niches * genes`` numbers."""
    cells = (jnp.arange(niches)[:, None] + 0.5) / niches

    def scalar(genomes, key):
        del key
        return jnp.mean(genomes, axis=1), genomes[:, :1], {}

    operator = _qdax_operators()["iso+line"]
    _, emitter, carry = _qdax_start(key, scalar, operator, niches, genes, children)

    @jax.jit
    def step(carry):
        repertoire, emitter_state, key = carry
        key, key_emit = jax.random.split(key)
        genomes, _ = emitter.emit(repertoire, emitter_state, key_emit)
        fitness = jax.nn.log_softmax(_logits(genomes, niches))
        repertoire = repertoire.add(
            jnp.repeat(genomes, niches, axis=0),
            jnp.tile(cells, (children, 1)),
            fitness.reshape(-1),
        )
        return repertoire, emitter_state, key

    def iterate():
        nonlocal carry
        carry = step(carry)
        return carry

    return iterate


def ribs(niches: int, genes: int, children: int, iterations: int) -> dict[str, Iterate]:
    """Return some iterations of pyribs by name: of two emitters and two types of numbers."""
    from ribs.archives import GridArchive
    from ribs.emitters import GaussianEmitter, IsoLineEmitter
    from ribs.schedulers import Scheduler

    start = np.random.default_rng(0).uniform(size=(children, genes)).astype(np.float32)
    limits = {"lower_bounds": np.zeros(genes), "upper_bounds": np.ones(genes)}
    emitters = {
        "gaussian": functools.partial(GaussianEmitter, sigma=ISO_SIGMA),
        "iso+line": functools.partial(IsoLineEmitter, iso_sigma=ISO_SIGMA, line_sigma=LINE_SIGMA),
    }

    def task(make, dtype):
        archive = GridArchive(
            solution_dim=genes, dims=[niches], ranges=[(0.0, 1.0)], dtype=dtype, seed=0
        )
        emitter = make(archive, initial_solutions=start, batch_size=children, seed=0, **limits)
        scheduler = Scheduler(archive, [emitter])

        def iterate():
            for _ in range(iterations):
                genomes = scheduler.ask()
                scheduler.tell(genomes.mean(axis=1), genomes[:, :1])

        return iterate

    return {
        f"pyribs {np.dtype(dtype).name}, own, {name}, scalar": task(make, dtype)
        for name, make in emitters.items()
        for dtype in (np.float32, np.float64)
    }
