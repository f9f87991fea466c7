"""Quality diversity at equal evaluations: fooljax beside QDax and pyribs, on two problems.

    Run:    python -m benchmarks.diversity > diversity.json
    Cost:   some minutes on two CPU cores; needs pip install -e ".[bench]"
    Expect: on the sphere the peers' QD score within a few per cent, but for pyribs' CMA-ME,
            whose full covariance gives a tenth more; on fooling images more than theirs, as a
            child competes in all classes

``sphere``: the linear projection of the sphere function (Fontaine et al., 2020,
arXiv:1912.02400), the usual first example. Its objective is no network's: it is the logit of
the only class of a ``Classifier`` that computes it, its two projections are descriptors.

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
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.timing import clock, environment, launch, say
from fooljax.evolution import Descriptor, Grid
from fooljax.evolution.evaluate import FITNESS, Fitness
from fooljax.types import Classifier, Search

ISO_SIGMA, LINE_SIGMA, STD, STD_GRADIENT = 0.05, 0.2, 0.2, 0.1
LARGEST = 5.12  # of a coordinate of the sphere
MISSING = "not installed: pip install 'fooljax[bench]'"


@dataclass(frozen=True)
class Config:
    """What to measure, and how large.

    Attributes:
        children: in a generation, 20 of each emitter.
        generations: after the random population.
        genes: of the sphere.
        cells: along each projection of the sphere.
        looks: along brightness and contrast.
        train_steps: of the network.
        seeds: runs of everything.
        problems: ``sphere``, ``fooling``.
        peers: modules to compare with.
    """

    children: int = 200
    generations: int = 100
    genes: int = 100
    cells: int = 30
    looks: int = 8
    train_steps: int = 200
    seeds: int = 3
    problems: tuple[str, ...] = ("sphere", "fooling")
    peers: tuple[str, ...] = ("qdax", "ribs")


class Problem(NamedTuple):
    """What is searched.

    Attributes:
        classifier: its logits are objectives.
        grid: niches of each class.
        fitness: what a niche maximises.
    """

    classifier: Classifier
    grid: Grid
    fitness: Fitness

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a genome."""
        return self.classifier.input_shape

    @property
    def dims(self) -> list[int]:
        """Cells along each axis of a peer's archive: the class first, if there are many."""
        classes = [self.classifier.num_classes] * (self.classifier.num_classes > 1)
        return classes + [self.grid.cells] * len(self.grid.descriptors)

    def worth(self, fitness: np.ndarray) -> np.ndarray:
        """Return what a niche adds to the QD score."""
        return np.exp(fitness) if self.fitness == "logprob" else fitness


def sphere(genes: int, cells: int) -> Problem:
    """Return the linear projection problem, its objective in [0, 100]."""
    half, worst = genes // 2, genes * (1.4 * LARGEST) ** 2
    points = lambda images: (2.0 * images.reshape(len(images), -1) - 1.0) * LARGEST

    def apply(params: Any, images: jax.Array) -> jax.Array:
        apart = jnp.sum((points(images) - 0.4 * LARGEST) ** 2, axis=1)
        objective = 100.0 * (1.0 - apart / worst)
        return jnp.stack([objective, jnp.zeros_like(objective)], axis=1)

    end = LARGEST * half
    first = lambda _, images: jnp.sum(points(images)[:, :half], axis=1)
    second = lambda _, images: jnp.sum(points(images)[:, half:], axis=1)
    projections = [Descriptor(first, -end, end, "first"), Descriptor(second, -end, end, "second")]
    classifier = Classifier((), apply, (1, genes, 1), 1)
    return Problem(classifier, fj.evolution.grid(projections, cells), "logit")


def fooling(train_steps: int, cells: int) -> Problem:
    """Return images of digits that a small trained network is to be certain of."""
    digits = fj.data.load("digits")
    network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
    recipe = fj.training.quick(steps=train_steps)._asdict()
    network, _ = fj.training.fit(jax.random.key(1), network, digits.train, **recipe)
    looks = [fj.evolution.DESCRIPTORS[name] for name in ("brightness", "contrast")]
    return Problem(network, fj.evolution.grid(looks, cells), "logprob")


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


def sums(problem: Problem, fitness: np.ndarray) -> dict[str, float]:
    """Sum up the objectives of what an archive holds."""
    cells, worth = int(np.prod(problem.dims)), problem.worth(np.asarray(fitness, np.float64))
    return {
        "qd_score": float(worth.sum() / cells),
        "coverage": len(worth) / cells,
        "best": float(worth.max()),
    }


def scorer(problem: Problem):
    """Return a program of flat genomes: objective, and measures in [0, 1], the class first."""

    @jax.jit
    def score(classifier: Classifier, genes: jax.Array) -> tuple[jax.Array, jax.Array]:
        images = jnp.clip(genes, 0.0, 1.0).reshape(-1, *problem.shape)
        fitness = FITNESS[problem.fitness](classifier(images))[:, : classifier.num_classes]
        looks = [
            (one.measure(classifier, images) - one.low) / (one.high - one.low)
            for one in problem.grid.descriptors
        ]
        if classifier.num_classes > 1:
            looks = [(jnp.argmax(fitness, axis=1) + 0.5) / classifier.num_classes, *looks]
        return jnp.max(fitness, axis=1), jnp.clip(jnp.stack(looks, axis=1), 0.0, 1.0)

    return lambda genes: score(problem.classifier, genes)


def slopes(problem: Problem):
    """Return a program of flat genomes: gradients ``[b, 1 + measures, n]`` of ``scorer``."""
    score = scorer(problem)

    @jax.jit
    def along(genes: jax.Array) -> jax.Array:
        parts = [jax.grad(lambda genes: jnp.sum(score(genes)[0]))(genes)]
        for axis in range(len(problem.dims)):
            one = lambda genes, axis=axis: jnp.sum(score(genes)[1][:, axis])
            parts.append(jax.grad(one)(genes))
        return jnp.stack(parts, axis=1)

    return along


def measure(config: Config) -> dict[str, Any]:
    """Measure everything; a JSON document of plain values."""
    from benchmarks import diversity_peers

    document: dict[str, Any] = {"config": vars(config), "environment": environment()}
    installed = {peer: importlib.util.find_spec(peer) is not None for peer in config.peers}
    document["missing"] = {peer: MISSING for peer, there in installed.items() if not there}
    for name in config.problems:
        problem = (
            sphere(config.genes, config.cells)
            if name == "sphere"
            else fooling(config.train_steps, config.looks)
        )
        tasks: dict[str, diversity_peers.Task] = {
            f"fooljax {method}": functools.partial(run, problem, search, config)
            for method, search in searches(problem, config.children).items()
        }
        for peer in (peer for peer, there in installed.items() if there):
            tasks |= diversity_peers.TASKS[peer](problem, config)
        rows = {}
        for task, once in tasks.items():
            rows[task] = _spread([once(seed) for seed in range(config.seeds)])
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
    """Return mean, least and most of each number over the runs."""
    found = {key: [one[key] for one in runs] for key in runs[0]}
    return {key: [float(np.mean(of)), min(of), max(of)] for key, of in found.items()}


def summarize(document: dict[str, Any]) -> str:
    """Say in a line for each task what was found: mean, and the range over the seeds."""
    lines = [f"{document['evaluations']:,} evaluations"]
    for name in document["config"]["problems"]:
        lines += [_line(name, task, row) for task, row in document[name].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    launch(Config, measure, summarize, prog="python -m benchmarks.diversity", description=__doc__)
