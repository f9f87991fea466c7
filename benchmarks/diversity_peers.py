"""The searches of QDax and pyribs that ``benchmarks.diversity`` compares with."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from benchmarks.diversity_problems import (
    ISO_SIGMA,
    LINE_SIGMA,
    STD,
    STD_GRADIENT,
    scorer,
    slopes,
    sums,
)
from benchmarks.timing import clock

if TYPE_CHECKING:
    from benchmarks.diversity_problems import Config, Problem

Task = Callable[[int], dict[str, float]]

_FULL = 200  # genes up to which a full covariance is affordable
_SHARE = 20  # children of an emitter


def _ribs(problem: "Problem", config: "Config") -> dict[str, Task]:
    """Return pyribs' MAP-Elites, CMA-ME and CMA-MEGA over a grid archive."""
    from ribs.archives import GridArchive
    from ribs.emitters import (
        EvolutionStrategyEmitter,
        GradientArborescenceEmitter,
        IsoLineEmitter,
    )
    from ribs.schedulers import Scheduler

    genes, many = int(np.prod(problem.shape)), config.children // _SHARE
    score, along = scorer(problem), slopes(problem)

    def lines(archive, seed):
        start = np.random.default_rng(seed).uniform(size=(config.children, genes))
        limits = {"lower_bounds": np.zeros(genes), "upper_bounds": np.ones(genes)}
        sigmas = {"iso_sigma": ISO_SIGMA, "line_sigma": LINE_SIGMA}
        return [
            IsoLineEmitter(
                archive,
                initial_solutions=start,
                batch_size=config.children,
                seed=seed,
                **sigmas,
                **limits,
            )
        ]

    def strategies(archive, seed):
        starts = np.random.default_rng(seed).uniform(size=(many, genes))
        kind = "cma_es" if genes <= _FULL else "sep_cma_es"
        return [
            EvolutionStrategyEmitter(
                archive,
                x0=x0,
                sigma0=STD,
                ranker="2imp",
                es=kind,
                batch_size=_SHARE,
                seed=1000 * seed + name,
            )
            for name, x0 in enumerate(starts)
        ]

    def arborescences(archive, seed):
        starts = np.random.default_rng(seed).uniform(size=(many, genes))
        return [
            GradientArborescenceEmitter(
                archive,
                x0=x0,
                sigma0=STD_GRADIENT * np.sqrt(genes),
                lr=1.0,
                grad_opt="gradient_ascent",
                batch_size=_SHARE - 1,
                seed=1000 * seed + name,
            )
            for name, x0 in enumerate(starts)
        ]

    def task(emitters: Callable, gradients: bool) -> Task:
        def once(seed: int) -> dict[str, float]:
            archive = GridArchive(
                solution_dim=genes,
                dims=problem.dims,
                ranges=[(0.0, 1.0)] * len(problem.dims),
                seed=seed,
                dtype=np.float32,
            )
            scheduler = Scheduler(archive, emitters(archive, seed))

            def generation() -> None:
                if gradients:
                    points = scheduler.ask_dqd()
                    scheduler.tell_dqd(*map(np.asarray, score(points)), np.array(along(points)))
                solutions = scheduler.ask()
                scheduler.tell(*map(np.asarray, score(solutions)))

            for _ in range(3):
                generation()

            def rest() -> None:
                for _ in range(config.generations - 2):
                    generation()

            _, cost = clock(rest)
            return sums(problem, archive.data("objective")) | {"cpu_s": cost.cpu_s}

        return once

    return {
        "pyribs MAP-Elites": task(lines, False),
        "pyribs CMA-ME": task(strategies, False),
        "pyribs CMA-MEGA": task(arborescences, True),
    }


def _qdax(problem: "Problem", config: "Config") -> dict[str, Task]:
    """Return QDax's MAP-Elites, and CMA-ME where a full covariance is affordable."""
    from qdax.core.containers.mapelites_repertoire import compute_euclidean_centroids
    from qdax.core.emitters.cma_improvement_emitter import CMAImprovementEmitter
    from qdax.core.emitters.cma_pool_emitter import CMAPoolEmitter
    from qdax.core.emitters.mutation_operators import isoline_variation
    from qdax.core.emitters.standard_emitters import MixingEmitter
    from qdax.core.map_elites import MAPElites

    genes, many = int(np.prod(problem.shape)), config.children // _SHARE
    score = scorer(problem)
    scoring = lambda genomes, key: (*score(genomes), {})
    centroids = compute_euclidean_centroids(tuple(problem.dims), 0.0, 1.0)
    bounds = {"minval": 0.0, "maxval": 1.0, "iso_sigma": ISO_SIGMA, "line_sigma": LINE_SIGMA}
    line = MixingEmitter(
        mutation_fn=None,
        variation_fn=functools.partial(isoline_variation, **bounds),
        variation_percentage=1.0,
        batch_size=config.children,
    )

    def task(emitter: Any, rounds: int) -> Task:
        search = MAPElites(scoring, emitter, metrics_function=lambda repertoire: {})

        @functools.partial(jax.jit, static_argnums=1)
        def go(carry, count):
            return jax.lax.scan(search.scan_update, carry, (), count * rounds)[0]

        def once(seed: int) -> dict[str, float]:
            key_start, key_init, key = jax.random.split(jax.random.key(seed), 3)
            start = jax.random.uniform(key_start, (config.children, genes))
            carry = (*search.init(start, centroids, key_init)[:2], key)
            count = config.generations // 2
            carry = jax.block_until_ready(go(carry, count))
            carry, cost = clock(lambda: go(carry, count))
            fitness = np.asarray(carry[0].fitnesses).reshape(-1)
            share = (config.generations - 2) / count
            found = sums(problem, fitness[fitness > -np.inf])
            return found | {"cpu_s": cost.cpu_s * share}

        return once

    found = {"QDax MAP-Elites": task(line, 1)}
    if genes <= _FULL:
        one = CMAImprovementEmitter(
            batch_size=_SHARE, genotype_dim=genes, centroids=centroids, sigma_g=STD
        )
        found["QDax CMA-ME"] = task(CMAPoolEmitter(num_states=many, emitter=one), many)
    return found


TASKS: dict[str, Callable[["Problem", "Config"], dict[str, Task]]] = {
    "ribs": _ribs,
    "qdax": _qdax,
}
