"""Other ways to estimate rare shares: Webb et al.'s, and nested sampling by blackjax."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import fooljax as fj
from fooljax.analysis import Measure
from fooljax.types import Classifier, RandomKey


class Problem(NamedTuple):
    """A share to find: where the score of a latent reaches a goal.

    Attributes:
        classifier: its log-odds of ``label`` are the score.
        measure: how images are drawn.
        label: the class.
        goal: of the score.
        truth: logarithm to base 10 of the share, NaN if nobody knows.
    """

    classifier: Classifier
    measure: Measure
    label: int
    goal: float
    truth: float


class Outcome(NamedTuple):
    """What a run found: logarithm to base 10 of the share, and images looked at."""

    log10_p: float
    evaluations: int


@functools.partial(jax.jit, static_argnames=("measure", "label"))
def score(
    measure: Measure, label: int, classifier: Classifier, latents: Float[Array, "b ..."]
) -> Float[Array, " b"]:
    """Return the log-odds of a class for several latents."""
    logits = classifier(jax.vmap(measure.paint)(latents))
    return fj.metrics.log_odds(logits)[:, label]


def by_webb(problem: Problem, key: RandomKey, particles: int, moves: int) -> Outcome:
    """Use multilevel splitting with Metropolis-Hastings moves in the latents themselves.

    A tenth survives each level; a move is uniform in a box whose width each chain adapts
    after a level (by 1.02 or 0.5, towards a share of 0.124 taken). It begins at a tenth, which
    is near the best for normal numbers in 1024 dimensions.

    Source: Webb et al., 2019, arXiv:1811.07209, algorithm 1, and its released code.
    """
    count, measure, label = particles, problem.measure, problem.label
    latents = jax.random.normal(jax.random.fold_in(key, 0), (count, *measure.shape))
    scores, log_p, spent = score(measure, label, problem.classifier, latents), 0.0, count
    widths = jnp.full(count, 0.1)
    for level in range(1, 1000):
        found = np.asarray(scores)
        least = min(float(np.quantile(found, 0.9)), problem.goal)
        alive = np.flatnonzero(found >= least)
        log_p += math.log(len(alive) / count)
        if least >= problem.goal:
            return Outcome(log_p / math.log(10.0), spent)
        now = jax.random.fold_in(key, level)
        parents = jnp.asarray(alive)[jax.random.randint(now, (count,), 0, len(alive))]
        chains = Chains(latents[parents], scores[parents], widths[parents], jnp.zeros(count))
        for move in range(moves):
            own = jax.random.fold_in(now, move)
            chains = _walk(measure, label, own, problem.classifier, least, chains)
        latents, scores, widths, taken = chains
        widths = widths * jnp.where(taken / moves > 0.124, 1.02, 0.5)
        spent += count * moves
    return Outcome(-math.inf, spent)


class Chains(NamedTuple):
    """Chains of Webb et al.'s method; ``taken`` counts the moves since the level began."""

    latents: Array
    scores: Array
    widths: Array
    taken: Array


@functools.partial(jax.jit, static_argnames=("measure", "label"))
def _walk(
    measure: Measure,
    label: int,
    key: RandomKey,
    classifier: Classifier,
    least: float | Array,
    chains: Chains,
) -> Chains:
    key_box, key_take = jax.random.split(key)
    latents, scores, widths, taken = chains
    wide = lambda values: values.reshape(-1, *(1,) * (latents.ndim - 1))
    axes = tuple(range(1, latents.ndim))
    box = jax.random.uniform(key_box, latents.shape, minval=-1.0, maxval=1.0)
    moved = latents + wide(widths) * box
    density = 0.5 * (jnp.sum(latents**2, axes) - jnp.sum(moved**2, axes))
    seen = score(measure, label, classifier, moved)
    chance = jnp.log(jax.random.uniform(key_take, scores.shape))
    takes = (seen >= least) & (chance < density)
    return Chains(
        jnp.where(wide(takes), moved, latents),
        jnp.where(takes, seen, scores),
        widths,
        taken + takes,
    )


def by_blackjax(problem: Problem, key: RandomKey, particles: int, slices: int) -> Outcome:
    """Use nested slice sampling, half of the particles replaced at a time.

    The covariance of 200 particles in 1024 dimensions has no inverse, so slices go in
    directions of the prior's own, the identity. Each slice looks at both ends of its bracket,
    once more for each expansion, and once for each point that it tries.
    """
    step = _nested(problem.measure, problem.label, particles, slices)
    count, killed = particles, particles // 2
    latents = jax.random.normal(jax.random.fold_in(key, 0), (count, *problem.measure.shape))
    state, log_p, spent = step.init(problem.classifier, latents), 0.0, count
    shrink = -1.0 / np.arange(count, count - killed, -1.0)
    for number in range(1, 10_000):
        lowest = np.sort(np.asarray(state.particles.loglikelihood))
        below = int(np.searchsorted(lowest, problem.goal))
        if below <= killed:
            # what is left above the goal, in the same expectation of logarithms
            log_p += float(np.sum(-1.0 / np.arange(count, count - below, -1.0)))
            return Outcome(log_p / math.log(10.0), spent)
        state, info = step.step(problem.classifier, jax.random.fold_in(key, number), state)
        log_p += float(np.sum(shrink))
        cut = info.update_info
        looked = 2 + np.asarray(cut.num_expansions) + np.asarray(cut.num_shrink)
        spent += int(np.sum(looked))
    return Outcome(-math.inf, spent)


class Nested(NamedTuple):
    """blackjax's sampler for a network that is given each time."""

    init: Callable[[Classifier, Array], Any]
    step: Callable[[Classifier, RandomKey, Any], tuple[Any, Any]]


@functools.cache
def _nested(measure: Measure, label: int, particles: int, slices: int) -> Nested:
    import blackjax

    identity = lambda key, state, info, params: {
        "covariance_factor": jnp.eye(math.prod(measure.shape))
    }

    def sampler(classifier: Classifier) -> Any:
        return blackjax.nss(
            lambda latent: -0.5 * jnp.sum(latent**2),
            lambda latent: score(measure, label, classifier, latent[None])[0],
            num_inner_steps=slices,
            num_delete=particles // 2,
            inner_kernel_params=identity,
        )

    return Nested(
        jax.jit(lambda classifier, latents: sampler(classifier).init(latents)),
        jax.jit(lambda classifier, key, state: sampler(classifier).step(key, state)),
    )
