"""Rare shares by fooljax, by Webb et al.'s method and by blackjax's nested sampling.

The problem is the one of Tit, Furon and Rousset: a half-space of normal numbers in 1024
dimensions of probability 1e-12, whose answer is known; or one class of Caffe's LeNet among
uniform images. Each method runs several times from other random numbers. What counts is how
many images the network must look at, and how much processor time passes, until the logarithm
of the share is known to a tenth of a power of ten: the root mean square error (against the
truth, so that bias counts; against the method's own mean where the truth is not known), and
cost times error squared does not depend on how many runs are averaged.

Run: ``python -m benchmarks.volume > volume.json`` (needs the extra ``bench``)
"""

import functools
import importlib.util
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import fooljax as fj
from benchmarks.timing import Cost, clock, environment, launch, say
from benchmarks.volume_peers import Outcome, Problem, by_blackjax, by_webb
from fooljax.analysis import Measure
from fooljax.types import Classifier, RandomKey

Method: TypeAlias = Callable[[Problem, RandomKey, int], Outcome]

WANTED = 0.1  # powers of ten: standard error that costs are reckoned for
MISSING = "not installed: pip install 'fooljax[bench]'"


@dataclass(frozen=True)
class Config:
    """What is measured.

    Attributes:
        dimensions: of the half-space.
        log10_p: logarithm to base 10 of its probability.
        weights: file of Caffe's LeNet; then one of its classes takes the half-space's place.
        label: that class.
        confidence: in it.
        runs: of each method.
        particles: of each method.
        moves: of fooljax, for each particle and level.
        webb_moves: of Webb et al.'s method, for each particle and level.
        slices: of blackjax, for each particle that is replaced.
        seed: decides the random numbers.
    """

    dimensions: int = 1024
    log10_p: float = -12.0
    weights: str | None = None
    label: int = 4
    confidence: float = 0.99
    runs: int = 4
    particles: int = 200
    moves: int = 5
    webb_moves: int = 250
    slices: int = 50
    seed: int = 0


def _same(latent: Array) -> Array:
    return latent


def _half_space(weights: Array, images: Array) -> Array:
    return jnp.concatenate([images @ weights, jnp.zeros((len(images), 1))], axis=1)


def pose(config: Config) -> Problem:
    """Return the problem that the settings name.

    Raises:
        ValueError: if the weights are not LeNet's.
    """
    if config.weights is not None:
        template = fj.models.build("lenet", jax.random.key(0), (28, 28, 1), 10)
        classifier = fj.models.load_weights(config.weights, template)
        goal = math.log(config.confidence / (1.0 - config.confidence))
        uniform = fj.analysis.measures.uniform((28, 28, 1))
        return Problem(classifier, uniform, config.label, goal, math.nan)
    size = config.dimensions
    weights = jnp.full((size, 1), 1.0 / math.sqrt(size))
    classifier = Classifier(weights, _half_space, (size,), 2)
    goal = -statistics.NormalDist().inv_cdf(10.0**config.log10_p)
    return Problem(classifier, Measure("normal", (size,), _same), 0, goal, config.log10_p)


def by_fooljax(problem: Problem, key: RandomKey, particles: int, moves: int) -> Outcome:
    """Use `fooljax.analysis.volume`, one run."""
    found = fj.analysis.volume(
        key,
        problem.classifier,
        problem.measure,
        goals=[problem.goal],
        classes=[problem.label],
        runs=1,
        particles=particles,
        moves=moves,
        images=0,
    )
    return Outcome(float(found.log10_p[0, 0, 0]), int(found.evaluations[0, 0, 0]))


def choose(config: Config) -> dict[str, Method]:
    """Return the methods that there are, with their settings."""
    methods: dict[str, Method] = {
        "fooljax": functools.partial(by_fooljax, moves=config.moves),
        "webb": functools.partial(by_webb, moves=config.webb_moves),
    }
    if importlib.util.find_spec("blackjax") is None:
        say(f"blackjax: {MISSING}")
        return methods
    return methods | {"blackjax": functools.partial(by_blackjax, slices=config.slices)}


def measure_all(config: Config) -> dict[str, Any]:
    """Run every method several times, in turn."""
    problem, rows = pose(config), dict[str, list[tuple[Outcome, Cost]]]()
    methods = choose(config)
    for run in range(config.runs + 1):  # the first one compiles
        for name, method in methods.items():
            key = jax.random.fold_in(jax.random.key(config.seed), run)
            work = functools.partial(method, problem, key, config.particles)
            found, cost = clock(work)
            say(f"{name}, run {run}: {found.log10_p:.2f} by {found.evaluations:,} images")
            if run:
                rows.setdefault(name, []).append((found, cost))
    return {
        "settings": vars(config),
        "environment": environment(),
        "methods": {name: sum_up(some, problem.truth) for name, some in rows.items()},
    }


def sum_up(runs: list[tuple[Outcome, Cost]], truth: float) -> dict[str, float]:
    """Return what a method found, and what a tenth of a power of ten costs by it."""
    found = np.array([outcome.log10_p for outcome, _ in runs])
    images = float(np.mean([outcome.evaluations for outcome, _ in runs]))
    seconds = float(np.mean([cost.cpu_s for _, cost in runs]))
    middle = float(np.mean(found)) if math.isnan(truth) else truth
    square = float(np.mean((found - middle) ** 2))
    return {
        "log10_p": float(np.mean(found)),
        "bias": float(np.mean(found)) - truth,
        "sd": float(np.std(found, ddof=1)) if len(found) > 1 else math.nan,
        "rmse": math.sqrt(square),
        "images": images,
        "cpu_s": seconds,
        "images_for_a_tenth": images * square / WANTED**2,
        "cpu_s_for_a_tenth": seconds * square / WANTED**2,
    }


def summarize(document: dict[str, Any]) -> str:
    """Say it in a table."""
    titles = ("log10_p", "sd", "rmse", "images", "cpu_s", "images_for_a_tenth", "cpu_s_for_a_tenth")
    lines = [f"{'':10}" + "".join(f"{title:>20}" for title in titles)]
    for name, row in document["methods"].items():
        lines.append(f"{name:10}" + "".join(f"{row[title]:>20,.4g}" for title in titles))
    return "\n".join(lines)


if __name__ == "__main__":
    launch(Config, measure_all, summarize, prog="python -m benchmarks.volume", description=__doc__)
