"""Quality diversity at equal evaluations: fooljax beside QDax and pyribs, on three problems.

    Run:    python -m benchmarks.diversity > diversity.json
    Cost:   some minutes on two CPU cores; needs pip install -e ".[bench]"
    Expect: on the sphere and the arm the peers' QD score within their spread; on fooling
            images more than theirs, as a child competes in all classes

``sphere``: the linear projection of the sphere function (Fontaine et al., 2020,
arXiv:1912.02400), the usual first example. Its two projections are descriptors.

``arm``: the arm repertoire (Vassiliades and Mouret, 2018, arXiv:1804.03906), the usual second
one. Where the arm's tip is are two descriptors.

``fooling``: images that a small network takes for digits, by class, brightness and contrast.
The peers' rule is that of pyribs' tutorial: a child counts for its top class. fooljax has both
rules. The objective is the log-probability, the QD score sums the probabilities.

Genomes lie in [0, 1]; what the peers' emitters put outside is clipped before it is evaluated.
All have the same objective function, batches, emitters, and widths of the first distributions.
The random population of fooljax and of QDax counts as evaluations. Processor time is that of
all generations but the first two, compilation apart.
"""

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import fooljax as fj
from benchmarks.diversity_problems import (
    ISO_SIGMA,
    LINE_SIGMA,
    STD,
    STD_GRADIENT,
    Config,
    Name,
    Problem,
    arm,
    fooling,
    sphere,
    sums,
)
from benchmarks.timing import clock, environment, launch, say
from fooljax.types import Search

MISSING = "not installed: pip install 'fooljax[bench]'"


def searches(problem: Problem, children: int) -> dict[str, Search]:
    """Return fooljax's searches by name."""
    vary = fj.encodings.iso_line_dd(ISO_SIGMA, LINE_SIGMA)
    encoding = fj.encodings.direct(problem.shape, vary, levels=None)
    options: dict[str, Any] = {"grid": problem.grid, "fitness": problem.fitness}
    evolution = fj.evolution
    found = {
        "MAP-Elites": evolution.map_elites(encoding, children, **options),
        "CMA-ME": evolution.cma_me(encoding, children, std=STD, **options),
        "CMA-MEGA": evolution.cma_mega(encoding, children, std=STD_GRADIENT, **options),
        "OMG-MEGA": evolution.omg_mega(encoding, children, std=STD_GRADIENT, **options),
        "DNS": evolution.dominated_novelty(encoding, children, **options),
    }
    if problem.classifier.num_classes > 1:
        own = evolution.map_elites(encoding, children, niches="own", **options)
        found["MAP-Elites, top class"] = own
    return found


def run(problem: Problem, search: Search, config: Config, seed: int) -> dict[str, float]:
    """Search to the end, and sum up the archive."""
    key = jax.random.key(seed)
    advance = lambda state, count: fj.evolution.advance(
        jax.random.clone(key), search, problem.classifier, state, count
    )[0]
    state, _ = fj.evolution.start(jax.random.clone(key), search, problem.classifier)
    state = jax.block_until_ready(advance(state, 2))
    state, cost = clock(lambda: advance(state, config.generations - 2))
    archive = state.archive
    held = np.asarray(archive.born) >= 0
    return sums(problem, np.asarray(archive.fitness)[held]) | {"cpu_s": cost.cpu_s}


def measure(config: Config) -> dict[str, Any]:
    """Measure everything; a JSON document of plain values."""
    from benchmarks import diversity_peers

    document: dict[str, Any] = {"config": vars(config), "environment": environment()}
    installed = {peer: importlib.util.find_spec(peer) is not None for peer in config.peers}
    document["missing"] = {peer: MISSING for peer, there in installed.items() if not there}
    build: dict[Name, Callable[[], Problem]] = {
        "sphere": lambda: sphere(config.genes, config.cells),
        "arm": lambda: arm(config.genes, config.cells),
        "fooling": lambda: fooling(config.train_steps, config.looks),
    }
    for name in config.problems:
        problem = build[name]()
        tasks: dict[str, diversity_peers.Task] = {
            f"fooljax {method}": functools.partial(run, problem, search, config)
            for method, search in searches(problem, config.children).items()
        }
        for peer in (peer for peer, there in installed.items() if there):
            tasks |= diversity_peers.TASKS[peer](problem, config)
        rows = {}
        asked = [
            task for task in tasks if not config.only or any(part in task for part in config.only)
        ]
        seeds = range(config.first_seed, config.first_seed + config.seeds)
        for task in asked:
            rows[task] = _spread([tasks[task](seed) for seed in seeds])
            say(_line(name, task, rows[task]))
        document[name] = rows
    document["evaluations"] = config.children * (config.generations + 1)
    return document


def _line(name: str, task: str, row: dict[str, list[float]]) -> str:
    numbers = ", ".join(
        f"{key} {mean:.4g} ({low:.4g} - {high:.4g})" for key, (mean, low, high) in row.items()
    )
    return f"{name}, {task}: {numbers}"


def _spread(runs: list[dict[str, float]]) -> dict[str, list[float]]:
    """Return mean and 95 % interval (Student's) of each number over the runs."""
    interval = functools.partial(fj.analysis.over_repeats, bounds=(-np.inf, np.inf))
    return {key: list(interval([one[key] for one in runs])) for key in runs[0]}


def summarize(document: dict[str, Any]) -> str:
    """Say in a line for each task what was found: mean, and its 95 % interval over the seeds."""
    lines = [f"{document['evaluations']:,} evaluations"]
    for name in document["config"]["problems"]:
        lines += [_line(name, task, row) for task, row in document[name].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    launch(Config, measure, summarize, prog="python -m benchmarks.diversity", description=__doc__)
