"""CMA-ES with as many parents as there happen to be, for emitters of quality diversity.

evosax's take a fixed number of parents; an emitter's are those children that the archive
took, whose number nobody knows beforehand. Functions of one distribution; callers ``vmap``.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from fooljax.types import RandomKey

_WIDEST = 1e14  # ratio of the largest and the smallest variance that is still worth something
_SMALLEST = 1e-11  # standard deviation that is


class Cma(NamedTuple):
    """A normal distribution, and the memory of where it moved.

    Attributes:
        mean: of the samples.
        sigma: step size.
        covariance: ``[n, n]``, or its diagonal ``[n]`` where nothing else is learned.
        path: sum of the steps of the mean, for the covariance.
        path_sigma: the same in units of the distribution, for the step size.
        updates: how many there were.
    """

    mean: Float[Array, " n"]
    sigma: Float[Array, ""]
    covariance: Float[Array, "..."]
    path: Float[Array, " n"]
    path_sigma: Float[Array, " n"]
    updates: Int32[Array, ""]


def begin(mean: Float[Array, " n"], sigma: float, separable: bool) -> Cma:
    """Return a round distribution of standard deviation ``sigma``.

    Args:
        mean: where it stands.
        sigma: in units of a coordinate.
        separable: learn the diagonal of the covariance alone, for high dimensions.
    """
    ones = jnp.ones_like(mean)
    still = jnp.zeros_like(mean)
    shape = ones if separable else jnp.diag(ones)
    return Cma(mean, jnp.float32(sigma), shape, still, still, jnp.int32(0))


def sample(key: RandomKey, state: Cma, count: int) -> Float[Array, "count n"]:
    """Draw from the distribution."""
    normal = jax.random.normal(key, (count, state.mean.size), jnp.float32)
    axes, lengths = _axes(state.covariance)
    steps = normal * lengths[None]
    return state.mean[None] + state.sigma * (steps if axes is None else steps @ axes.T)


def recombination(parents: Int32[Array, ""], count: int) -> Float[Array, " count"]:
    """Return the weights of children by rank: falling over the parents, 0 for all others."""
    rank = jnp.arange(1, count + 1, dtype=jnp.float32)
    weights = jnp.maximum(jnp.log(parents.astype(jnp.float32) + 0.5) - jnp.log(rank), 0.0)
    weights = jnp.where(rank <= parents, weights, 0.0)
    return weights / jnp.maximum(jnp.sum(weights), 1e-30)


def update(
    state: Cma,
    samples: Float[Array, "count n"],
    order: Int32[Array, " count"],
    parents: Int32[Array, ""],
) -> Cma:
    """Move toward the best samples.

    Args:
        state: what they were drawn from.
        samples: as drawn.
        order: their indices, best first.
        parents: how many of them count; with none nothing changes but the number of updates.

    Source:
        Hansen, 2016, arXiv:1604.00772, without negative weights; Ros and Hansen, 2008, PPSN
        (separable: both rates of the covariance are (n + 2) / 3 times as high).
    """
    n, count = state.mean.size, len(samples)
    weights = recombination(parents, count)
    effective = 1.0 / jnp.maximum(jnp.sum(weights**2), 1e-30)
    faster = (n + 2) / 3 if state.covariance.ndim == 1 else 1.0
    keep_path = (4 + effective / n) / (n + 4 + 2 * effective / n)
    keep_sigma = (effective + 2) / (n + effective + 5)
    one = jnp.minimum(faster * 2 / ((n + 1.3) ** 2 + effective), 1.0)
    many = jnp.minimum(
        1 - one, faster * 2 * (effective - 2 + 1 / effective) / ((n + 2) ** 2 + effective)
    )
    damping = 1 + keep_sigma + 2 * jnp.maximum(0.0, jnp.sqrt((effective - 1) / (n + 1)) - 1)

    steps = (samples[order] - state.mean[None]) / state.sigma
    step = weights @ steps
    path_sigma = (1 - keep_sigma) * state.path_sigma + jnp.sqrt(
        keep_sigma * (2 - keep_sigma) * effective
    ) * _whiten(state.covariance, step)
    updates = state.updates + 1
    length = jnp.sum(path_sigma**2) / n
    expected = 1 - (1 - keep_sigma) ** (2.0 * updates.astype(jnp.float32))
    calm = jnp.where(length / expected < 2 + 4 / (n + 1), 1.0, 0.0)
    path = (1 - keep_path) * state.path + calm * jnp.sqrt(
        keep_path * (2 - keep_path) * effective
    ) * step
    kept = 1 - many - one * (1 - (1 - calm) * keep_path * (2 - keep_path))
    if state.covariance.ndim == 1:
        covariance = kept * state.covariance + one * path**2 + many * (weights @ steps**2)
    else:
        spread = jnp.einsum("i,ij,ik->jk", weights, steps, steps)
        covariance = kept * state.covariance + one * jnp.outer(path, path) + many * spread
    growth = jnp.minimum(1.0, keep_sigma / damping * (length - 1) / 2)
    moved = Cma(
        state.mean + state.sigma * step,
        state.sigma * jnp.exp(growth),
        covariance,
        path,
        path_sigma,
        updates,
    )
    still = state._replace(updates=updates)
    return jax.tree.map(lambda new, old: jnp.where(parents > 0, new, old), moved, still)


def collapsed(state: Cma) -> Bool[Array, ""]:
    """Tell a distribution that is of no more use: a point, a line, or no number."""
    _, lengths = _axes(state.covariance)
    longest, shortest = jnp.max(lengths), jnp.min(lengths)
    usable = (state.sigma * longest > _SMALLEST) & (longest**2 < _WIDEST * shortest**2)
    return ~(usable & jnp.all(jnp.isfinite(state.mean)))


def _axes(covariance: Array) -> tuple[Array | None, Float[Array, " n"]]:
    """Return the axes in columns (None: the coordinates), and the deviation along each."""
    if covariance.ndim == 1:
        return None, jnp.sqrt(jnp.maximum(covariance, 0.0))
    values, axes = jnp.linalg.eigh((covariance + covariance.T) / 2)
    return axes, jnp.sqrt(jnp.maximum(values, 0.0))


def _whiten(covariance: Array, step: Float[Array, " n"]) -> Float[Array, " n"]:
    """Return a step in units of the distribution."""
    axes, lengths = _axes(covariance)
    safe = jnp.maximum(lengths, 1e-20)
    return step / safe if axes is None else axes @ ((axes.T @ step) / safe)
