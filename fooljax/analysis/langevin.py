"""One step of Langevin chains that leaves a network's tilted density as it is, exactly."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from fooljax import chance
from fooljax.analysis.measures import Measure
from fooljax.types import Classifier, Logits, RandomKey

TARGET = 0.574  # acceptance at which such steps travel farthest (Roberts, Rosenthal, 1998)
LARGEST = 2.0  # a step of this size forgets the place that it starts from


class Density(NamedTuple):
    """What is static of a density ``exp(tilt * score) q``: a program for each.

    Attributes:
        measure: how images of ``q`` are drawn.
        score: ``logits [b, m] -> scores [b, >= k]`` of every class.
    """

    measure: Measure
    score: Callable[[Logits], Array]


class Rows(NamedTuple):
    """What belongs to each chain from outside, leaves ``[n]``."""

    keys: RandomKey
    targets: Int[Array, " n"]


class Place(NamedTuple):
    """Where chains are, and what the network says of it.

    Attributes:
        latents: ``[n, ...]``.
        scores: ``[n]``, without the tilt.
        slope: ``[n, ...]``, gradient of the tilted score in the latent.
    """

    latents: Float[Array, "n ..."]
    scores: Float[Array, " n"]
    slope: Float[Array, "n ..."]


class Chains(NamedTuple):
    """Chains under way, leaves ``[n, ...]``; ``trace [t, n]`` is theirs, too."""

    place: Place
    log_step: Float[Array, " n"]
    accepted: Float[Array, " n"]
    trace: Float[Array, "t n"]


@functools.partial(jax.jit, static_argnums=(0, 5))
def begin(
    density: Density,
    classifier: Classifier,
    rows: Rows,
    tilt: Array,
    step_size: Array,
    steps: int,
) -> Chains:
    """Draw where each chain begins, from the measure."""
    keys = jax.vmap(jax.random.fold_in, in_axes=(0, None))(rows.keys, 0)
    shape = density.measure.shape
    latents = jax.vmap(lambda key: chance.normal(key, shape))(keys)
    nothing = jnp.zeros(len(rows.targets), jnp.float32)
    return Chains(
        _look(density, classifier, rows.targets, tilt, latents),
        jnp.full_like(nothing, jnp.log(step_size)),
        nothing,
        jnp.zeros((steps, len(nothing)), jnp.float32),
    )


def step(
    density: Density,
    classifier: Classifier,
    rows: Rows,
    tilt: Array,
    burn_in: Array,
    index: Array,
    chains: Chains,
) -> Chains:
    """Propose a place for every chain, and go there or stay: step ``index``.

    During the burn-in each chain adapts its step size, by its own acceptance alone.
    """
    here, shape = chains.place, density.measure.shape
    keys = jax.vmap(jax.random.fold_in, in_axes=(0, None))(rows.keys, index + 1)
    noise, chance = jax.vmap(functools.partial(_draw, shape))(keys)
    wide = lambda numbers: numbers.reshape(-1, *(1 for _ in shape))
    size = jnp.exp(chains.log_step)
    length = wide(size)
    drift = (2.0 - length) * here.latents + 2.0 * length * here.slope
    moved = (drift + jnp.sqrt(8.0 * length) * noise) / (2.0 + length)
    there = _look(density, classifier, rows.targets, tilt, moved)
    gained = tilt * (there.scores - here.scores)
    ratio = jax.vmap(log_ratio)(size, here.latents, there.latents, gained, here.slope, there.slope)
    ratio = jnp.where(jnp.isnan(ratio), -jnp.inf, ratio)  # the network has no answer there
    acceptance = jnp.exp(jnp.minimum(ratio, 0.0))
    goes = chance < acceptance
    place = jax.tree.map(
        lambda new, old: jnp.where(goes if new.ndim == 1 else wide(goes), new, old), there, here
    )
    adapting = index < burn_in
    gain = 2.0 * (jnp.float32(index) + 1.0) ** -0.6  # Robbins and Monro: less and less
    adapted = jnp.minimum(chains.log_step + gain * (acceptance - TARGET), jnp.log(LARGEST))
    return Chains(
        place,
        jnp.where(adapting, adapted, chains.log_step),
        chains.accepted + jnp.where(adapting, 0.0, acceptance),
        chains.trace.at[index].set(place.scores),
    )


def log_ratio(
    step: Array, here: Array, there: Array, gained: Array, slope: Array, new_slope: Array
) -> Array:
    """Log of target times proposal, backward over forward, of one chain's step.

    Args:
        step: size of the step.
        here: latent ``[...]`` that it starts from.
        there: latent that it proposes.
        gained: by how much the tilted score is higher there.
        slope: gradient of the tilted score here.
        new_slope: the same there.

    Source:
        Cotter et al., 2013, section 4.3: ``rho(u, v) - rho(v, u)`` with ``Phi`` the tilted
        score with its sign changed.
    """
    along = jnp.sum((there - here) * (slope + new_slope))
    bent = jnp.sum((there + here - slope - new_slope) * (slope - new_slope))
    return gained - 0.5 * along - 0.25 * step * bent


def _look(
    density: Density,
    classifier: Classifier,
    targets: Int[Array, " n"],
    tilt: Array,
    latents: Float[Array, "n ..."],
) -> Place:
    """Read scores and slopes: one forward and one backward pass."""

    def tilted(latents: Array) -> tuple[Array, Array]:
        columns = density.score(classifier(jax.vmap(density.measure.paint)(latents)))
        scores = jnp.take_along_axis(columns, targets[:, None], axis=1)[:, 0]
        return tilt * jnp.sum(scores), scores

    slope, scores = jax.grad(tilted, has_aux=True)(latents)
    return Place(latents, scores.astype(jnp.float32), slope)


def _draw(shape: tuple[int, ...], key: RandomKey) -> tuple[Array, Array]:
    """Draw normal noise, and a number in [0, 1) that decides on acceptance."""
    key_move, key_accept = jax.random.split(key)
    noise = chance.normal(key_move, shape)
    return noise, jax.random.uniform(key_accept, dtype=jnp.float32)


advance = jax.jit(step, static_argnums=0, donate_argnums=6)


@functools.partial(jax.jit, static_argnums=0, donate_argnums=6)
def advance_all(
    density: Density,
    classifier: Classifier,
    rows: Rows,
    tilt: Array,
    burn_in: Array,
    steps: Array,
    chains: Chains,
) -> Chains:
    """Take all steps in one program."""
    one = functools.partial(step, density, classifier, rows, tilt, burn_in)
    return jax.lax.fori_loop(0, steps, one, chains)
