"""Searches: QDax and pyribs in a child's own niche and in every niche, evosax alone.

A search on a network paints no pattern: genomes are pixels. What it found is judged by the
most certain image of each class, whoever kept it. The cost of an iteration is measured with
scores that cost next to nothing, see ``iterations``.
"""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.peers import iterations
from benchmarks.peers.pairs import Numbers, Pair, Side, Victim

CHILDREN, GENERATIONS = 200, 50
ISO_SIGMA, LINE_SIGMA = 0.05, 0.2
STD = 0.2
Rule = Literal["own", "all"]

_probabilities = jax.jit(lambda classifier, images: fj.metrics.probabilities(classifier(images)))


def judged(victim: Victim, images: np.ndarray, kept: np.ndarray) -> Numbers:
    """Say how sure the network is of the image kept for each class, ``[k, h, w, c]``."""
    sure = np.diagonal(np.asarray(_probabilities(victim.classifier, jnp.asarray(images))))
    return {
        "mean confidence": float(np.mean(np.where(kept, sure, 0.0))),
        "classes found": float(np.mean(kept)),
    }


def _ours(victim: Victim, search: Any) -> Side:
    key = jax.random.key(5)

    def work(repeat: int) -> Any:
        own = jax.random.fold_in(key, repeat)
        state, _ = fj.evolution.start(own, search, victim.classifier)
        state, _ = fj.evolution.advance(own, search, victim.classifier, state, GENERATIONS)
        return state.archive

    def found(archive: Any) -> Numbers:
        return judged(victim, np.asarray(archive.genomes), np.asarray(archive.born) >= 0)

    return Side(work, found)


def _map_elites(victim: Victim, rule: Rule) -> Side:
    vary = fj.encodings.iso_line_dd(ISO_SIGMA, LINE_SIGMA)
    encoding = fj.encodings.direct(victim.classifier.input_shape, vary, levels=None)
    search = fj.evolution.map_elites(encoding, CHILDREN, niches=rule, fitness="prob")
    return _ours(victim, search)


def _entered(rule: Rule, genomes: Any, confidence: Any, numpy: Any) -> tuple[Any, Any, Any]:
    """Return solutions, fitness and niches: an entry for each child, or one for each class too."""
    count, num_classes = confidence.shape
    if rule == "own":
        niche = numpy.argmax(confidence, axis=1)
        return genomes, numpy.max(confidence, axis=1), niche
    every = numpy.tile(numpy.arange(num_classes), count)
    return numpy.repeat(genomes, num_classes, axis=0), confidence.reshape(-1), every


def _qdax_search(rule: Rule, victim: Victim) -> tuple[Side, Side]:
    from qdax.core.containers.mapelites_repertoire import MapElitesRepertoire
    from qdax.core.emitters.mutation_operators import isoline_variation
    from qdax.core.emitters.standard_emitters import MixingEmitter

    classifier = victim.classifier
    shape, num_classes = classifier.input_shape, classifier.num_classes
    bounds = {"iso_sigma": ISO_SIGMA, "line_sigma": LINE_SIGMA, "minval": 0.0, "maxval": 1.0}
    vary = lambda first, second, key: isoline_variation(first, second, key, **bounds)
    emitter = MixingEmitter(None, vary, 1.0, CHILDREN)
    cells = (jnp.arange(num_classes, dtype=jnp.float32)[:, None] + 0.5) / num_classes

    def scored(classifier: Any, genomes: Any) -> tuple[Any, Any, Any]:
        confidence = fj.metrics.probabilities(classifier(genomes.reshape(-1, *shape)))
        solutions, fitness, niche = _entered(rule, genomes, confidence, jnp)
        return solutions, (niche[:, None] + 0.5) / num_classes, fitness

    @jax.jit
    def begin(classifier: Any, key: Any) -> Any:
        genomes = jax.random.uniform(key, (CHILDREN, int(np.prod(shape))))
        solutions, places, fitness = scored(classifier, genomes)
        return MapElitesRepertoire.init(solutions, fitness, places, cells)

    @jax.jit
    def step(classifier: Any, repertoire: Any, key: Any) -> Any:
        genomes, _ = emitter.emit(repertoire, None, key)
        solutions, places, fitness = scored(classifier, genomes)
        return repertoire.add(solutions, places, fitness)

    def work(repeat: int) -> Any:
        key = jax.random.key(repeat)
        with jax.numpy_rank_promotion("allow"):
            repertoire = begin(classifier, key)
            for index in range(GENERATIONS):
                repertoire = step(classifier, repertoire, jax.random.fold_in(key, index))
        return repertoire

    def found(repertoire: Any) -> Numbers:
        kept = np.asarray(repertoire.fitnesses).reshape(-1) > -np.inf
        return judged(victim, np.asarray(repertoire.genotypes).reshape(-1, *shape), kept)

    return _map_elites(victim, rule), Side(work, found)


def _ribs_search(rule: Rule, victim: Victim) -> tuple[Side, Side]:
    from ribs.archives import GridArchive
    from ribs.emitters import IsoLineEmitter

    classifier = victim.classifier
    shape, num_classes = classifier.input_shape, classifier.num_classes
    genes = int(np.prod(shape))

    def work(repeat: int) -> Any:
        archive = GridArchive(
            solution_dim=genes, dims=[num_classes], ranges=[(0, num_classes)], dtype=np.float32
        )
        start = np.random.default_rng(repeat).uniform(size=(CHILDREN, genes))
        emitter = IsoLineEmitter(
            archive,
            initial_solutions=start.astype(np.float32),
            iso_sigma=ISO_SIGMA,
            line_sigma=LINE_SIGMA,
            batch_size=CHILDREN,
            lower_bounds=np.zeros(genes),
            upper_bounds=np.ones(genes),
            seed=repeat,
        )
        # no scheduler: it takes one entry for each child, and this emitter learns from none
        for _ in range(GENERATIONS + 1):
            genomes = np.float32(emitter.ask())
            confidence = np.asarray(_probabilities(classifier, genomes.reshape(-1, *shape)))
            solutions, fitness, niche = _entered(rule, genomes, confidence, np)
            archive.add(solutions, fitness, niche[:, None] + 0.5)
        return archive

    def found(archive: Any) -> Numbers:
        images = np.zeros((num_classes, *shape), np.float32)
        rows = archive.data("index"), archive.data("solution")
        images[rows[0]] = rows[1].reshape(-1, *shape)
        return judged(victim, images, np.isin(np.arange(num_classes), rows[0]))

    return _map_elites(victim, rule), Side(work, found)


def _evosax(victim: Victim) -> tuple[Side, Side]:
    """One strategy for each class, each started at the best of its share of random images."""
    from evosax.algorithms import SNES

    classifier = victim.classifier
    shape, num_classes = classifier.input_shape, classifier.num_classes
    share, genes = CHILDREN // num_classes, int(np.prod(shape))
    with jax.numpy_rank_promotion("allow"):
        algorithm = SNES(population_size=share, solution=jnp.zeros(genes))
    params = algorithm.default_params.replace(std_init=STD)

    def costs(classifier: Any, samples: Any) -> Any:
        images = jnp.clip(samples, 0.0, 1.0).reshape(-1, *shape)
        scores = fj.metrics.log_probabilities(classifier(images))
        rows = scores.reshape(num_classes, share, num_classes)
        return -jnp.take_along_axis(rows, jnp.arange(num_classes)[:, None, None], axis=2)[..., 0]

    @jax.jit
    def begin(classifier: Any, key: Any) -> Any:
        samples = jax.random.uniform(key, (num_classes, share, genes))
        best = jnp.argmin(costs(classifier, samples), axis=1)
        keys = jax.random.split(key, num_classes)
        return jax.vmap(lambda key, mean: algorithm.init(key, mean, params))(
            keys, samples[jnp.arange(num_classes), best]
        )

    @jax.jit
    def step(classifier: Any, state: Any, key: Any) -> Any:
        keys = jax.random.split(key, num_classes)
        samples, state = jax.vmap(lambda key, state: algorithm.ask(key, state, params))(keys, state)
        told = jax.vmap(lambda *one: algorithm.tell(*one, params))
        return told(keys, samples, costs(classifier, samples), state)[0]

    def work(repeat: int) -> Any:
        key = jax.random.key(repeat)
        with jax.numpy_rank_promotion("allow"):
            state = begin(classifier, key)
            for index in range(GENERATIONS):
                state = step(classifier, state, jax.random.fold_in(key, index))
        return state

    def found(state: Any) -> Numbers:
        images = np.clip(np.asarray(state.best_solution), 0.0, 1.0).reshape(-1, *shape)
        return judged(victim, images, np.ones(num_classes, bool))

    encoding = fj.encodings.direct(shape, levels=None)
    search = fj.evolution.strategy("snes", encoding, CHILDREN, std=STD, fitness="logprob")
    return _ours(victim, search), Side(work, found)


def _iteration(
    mine: str, peer: str, make: Callable[..., dict[str, Any]], sizes: dict[str, int]
) -> Callable[[Victim], tuple[Side, Side]]:
    """Compare the cost of iterations, without a network: names of tasks of ``iterations``."""

    def sides(victim: Victim) -> tuple[Side, Side]:
        del victim
        key = jax.random.key(6)
        tasks = iterations.ours(key, **sizes) | make(key, **sizes)
        side = lambda name: Side(lambda repeat: tasks[name](), lambda result: {})
        return side(mine), side(peer)

    return sides


def _tiled(key: Any, **sizes: int) -> dict[str, Any]:
    """Return one iteration of QDax with a copy of every child for each niche."""
    del sizes["iterations"]
    return {"qdax, all, iso+line, tiled, classes": iterations.qdax_tiled(key, **sizes)}


_SIZES = {"niches": 1000, "genes": 784, "children": 400, "iterations": 10}
_TILED = _SIZES | {"niches": 100, "iterations": 1}
_SEARCH = f"{GENERATIONS} generations of {CHILDREN} images, Iso+LineDD"
_COST = "{iterations} iterations, {niches} niches, {children} children of {genes} genes"


def _pair(peer: str, package: str, name: str, work: str, sides: Any, bare: bool = False) -> Pair:
    return Pair("evolution", f"{peer} {name}", package, package, work, sides, bare)


PAIRS = [
    *(
        _pair(peer, package, f"search, {words}", _SEARCH, lambda v, s=search, r=rule: s(r, v))
        for peer, package, search in (
            ("QDax", "qdax", _qdax_search),
            ("pyribs", "ribs", _ribs_search),
        )
        for rule, words in (("own", "own niche"), ("all", "every niche"))
    ),
    _pair(
        "evosax",
        "evosax",
        "search, SNES for each class",
        f"{GENERATIONS} generations of {CHILDREN} images",
        _evosax,
    ),
    *(
        _pair(
            "QDax",
            "qdax",
            f"iteration, own niche, {operator}",
            _COST.format(**_SIZES),
            _iteration(
                f"fooljax, own, {operator}, classes",
                f"qdax, own, {operator}, classes",
                iterations.qdax,
                _SIZES,
            ),
            bare=True,
        )
        for operator in ("iso+line", "polynomial")
    ),
    _pair(
        "QDax",
        "qdax",
        "iteration, every niche, iso+line",
        _COST.format(**_TILED),
        _iteration(
            "fooljax, all, iso+line, classes",
            "qdax, all, iso+line, tiled, classes",
            _tiled,
            _TILED,
        ),
        bare=True,
    ),
    _pair(
        "pyribs",
        "ribs",
        "iteration, own niche, iso+line",
        _COST.format(**_SIZES) + ", its scores easier",
        _iteration(
            "fooljax, own, iso+line, classes",
            "pyribs float32, own, iso+line, scalar",
            lambda key, **sizes: iterations.ribs(**sizes),
            _SIZES,
        ),
        bare=True,
    ),
]
