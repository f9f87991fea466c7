"""What ``benchmarks.diversity`` searches, and how large: two standard problems, and fooling images.

``sphere`` and ``arm`` are no networks: their objective is the logit of the only class of a
``Classifier`` that computes it, and what they are told apart by are descriptors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from fooljax.evolution import Descriptor, Grid
from fooljax.evolution.evaluate import FITNESS, Fitness
from fooljax.types import Classifier

LARGEST = 5.12  # of a coordinate of the sphere
#: How far children lie from their parents, in all packages: Iso+LineDD's two parts, and the first
#: standard deviation of evolution strategies, without and with gradients.
ISO_SIGMA, LINE_SIGMA, STD, STD_GRADIENT = 0.05, 0.2, 0.2, 0.1

Name = Literal["sphere", "arm", "fooling"]


@dataclass(frozen=True)
class Config:
    """What to measure, and how large.

    Attributes:
        children: in a generation, 20 of each emitter.
        generations: after the random population.
        genes: of the sphere; joints of the arm.
        cells: along each descriptor of the sphere and of the arm.
        looks: along brightness and contrast.
        train_steps: of the network.
        seeds: runs of everything.
        first_seed: of these.
        only: parts of the names of searches, as in "CMA-ME"; all unless given.
        problems: ``sphere``, ``arm``, ``fooling``.
        peers: modules to compare with.
    """

    children: int = 200
    generations: int = 100
    genes: int = 100
    cells: int = 30
    looks: int = 8
    train_steps: int = 200
    seeds: int = 3
    first_seed: int = 0
    only: tuple[str, ...] = ()
    problems: tuple[Name, ...] = ("sphere", "arm", "fooling")
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


def arm(joints: int, cells: int) -> Problem:
    """Return the arm repertoire: reach every place in the plane with all joints bent alike.

    A gene in [0, 1] is the angle of a joint from -pi to pi to the part before it. The parts
    are of one length, the arm is 1/2 long and fixed in the middle of the square of
    descriptors; of its cells those in the circle around it can be reached. The objective is
    100 where all angles are equal, and 0 at a variance of pi squared, the largest.
    """

    def reach(images: jax.Array, along: Callable[[jax.Array], jax.Array]) -> jax.Array:
        angles = (2.0 * images.reshape(len(images), -1) - 1.0) * jnp.pi
        return 0.5 + 0.5 * jnp.mean(along(jnp.cumsum(angles, axis=1)), axis=1)

    def apply(params: Any, images: jax.Array) -> jax.Array:
        objective = 100.0 * (1.0 - 4.0 * jnp.var(images.reshape(len(images), -1), axis=1))
        return jnp.stack([objective, jnp.zeros_like(objective)], axis=1)

    tip = [
        Descriptor(lambda _, images: reach(images, jnp.cos), 0.0, 1.0, "right"),
        Descriptor(lambda _, images: reach(images, jnp.sin), 0.0, 1.0, "up"),
    ]
    classifier = Classifier((), apply, (1, joints, 1), 1)
    return Problem(classifier, fj.evolution.grid(tip, cells), "logit")


def fooling(train_steps: int, cells: int) -> Problem:
    """Return images of digits that a small trained network is to be certain of."""
    digits = fj.data.load("digits")
    network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
    recipe = fj.training.quick(steps=train_steps)._asdict()
    network, _ = fj.training.fit(jax.random.key(1), network, digits.train, **recipe)
    looks = [fj.evolution.DESCRIPTORS[name] for name in ("brightness", "contrast")]
    return Problem(network, fj.evolution.grid(looks, cells), "logprob")


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
