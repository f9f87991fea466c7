"""Evolution strategies that see only the network's scores, one for each image."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, fold_in, per_image
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import Norm, project
from fooljax.evolution.distributions import Distributions, costs, distributions, find
from fooljax.types import Classifier, Images, Logits


class Radius(NamedTuple):
    """The one number of this attack that is data.

    Attributes:
        epsilon: radius of the ball, in units of [0, 1].
    """

    epsilon: Any


@functools.cache
def _configured(
    strategy: str, population: int, std: float, shape: tuple[int, ...]
) -> Distributions:
    return distributions(find(strategy), population, shape, std)


def _start(
    keys: RandomKeys, radius: Radius, images: Images, strategy: str, population: int, std: float
) -> Point:
    del radius
    begin = _configured(strategy, population, std, images.shape[1:]).init
    return Point(images, begin(keys, jnp.zeros_like(images)))


def _evolve(
    keys: RandomKeys,
    radius: Radius,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
    strategy: str,
    population: int,
    std: float,
    norm: Norm,
) -> tuple[Point, Logits, Passes]:
    """One generation of every image's search; its best child is looked at next."""
    _, ask, tell = _configured(strategy, population, std, images.shape[1:])
    key_ask, key_tell = fold_in(keys, 0), fold_in(keys, 1)
    genomes, asked = ask(key_ask, point.memory)  # [b, p, h, w, c], in units of epsilon
    epsilon = jnp.repeat(radius.epsilon, population)
    every = lambda leaf: jnp.repeat(leaf, population, axis=0)
    change = genomes.reshape(-1, *images.shape[1:]) * per_image(epsilon, images)
    children = project(every(images), change, epsilon, norm)
    said = classifier(jnp.concatenate([point.images, children]))
    logits, said = said[: len(images)], said[len(images) :]
    margins = goals.margin(jax.tree.map(every, goal), said, classifier.num_classes)
    margins = margins.reshape(len(images), population)
    best = jnp.argmax(jnp.where(jnp.isnan(margins), -jnp.inf, margins), axis=1)
    children = children.reshape(genomes.shape)
    memory, _ = tell(key_tell, genomes, costs(margins), asked)
    moved = jax.vmap(lambda litter, i: litter[i])(children, best)
    return Point(moved, memory), logits, Passes(population + 1, 0)


@functools.cache
def _functions(strategy: str, population: int, std: float, norm: Norm) -> tuple[Callable, Callable]:
    """Equal arguments give the same functions, so equal attacks share a compilation."""
    init = functools.partial(_start, strategy=strategy, population=population, std=std)
    step = functools.partial(_evolve, strategy=strategy, population=population, std=std, norm=norm)
    return init, step


def score_evolution(
    epsilon: float,
    strategy: str = "snes",
    *,
    population: int = 50,
    steps: int = 100,
    std: float = 0.5,
    norm: Norm = "linf",
) -> Attack:
    """Search the ball around each image with an evolution strategy of its own.

    Every image has a normal distribution over perturbations, started around none.
    Each step samples a population, projects it into the ball and moves the
    distribution toward the samples with the larger margins. No gradient is used.

    Args:
        epsilon: radius of the ball, in units of [0, 1].
        strategy: a distribution-based algorithm of evosax in any case, such as
            ``snes``, ``open_es``, ``pgpe`` or ``sep_cma_es``.
        population: samples in a step; each is a forward pass.
        steps: number of generations.
        std: standard deviation of the first samples, in units of epsilon.
        norm: of the ball, ``linf`` or ``l2``.

    Returns:
        An attack that stops at the first image that reaches the goal. A step is
        ``population + 1`` forward passes, one of which looks again at the best
        sample of the step before.

    Raises:
        ValueError: if a number is out of its range, the norm or the strategy is
            unknown, or the strategy cannot use such a population.

    Source:
        Ilyas et al., 2018, arXiv:1804.08598 (natural evolution strategies as an
        attack); Wierstra et al., 2014, JMLR 15 (SNES); Lange, 2022,
        arXiv:2212.04180 (evosax).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.score_evolution(0.2, population=10, steps=10)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool((found.linf <= 0.2 + 1e-6).all())
        True
    """
    steps = checks.count("steps", steps)
    population = checks.count("population", population, 2)
    checks.kind("strategy", strategy, str)
    epsilon = checks.radius(epsilon, norm)
    std = checks.positive("std", std)
    checks.choice("norm", norm, ("linf", "l2"))
    _configured(strategy.lower(), population, std, (2, 2, 1))
    init, step = _functions(strategy.lower(), population, std, norm)
    return Attack(Radius(epsilon), init, step, steps, better="margin", stops=True)
