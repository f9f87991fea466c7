"""Particles of adaptive multilevel splitting on their devices: drawn, moved, selected.

All crowds lie one after another in one array. Whatever is shown to the network goes
through in batches of one size, so that a particle's arithmetic does not depend on how many
devices there are, nor on which crowds have ended.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int

from fooljax import chance
from fooljax.analysis.measures import Measure
from fooljax.types import Classifier, Logits, RandomKey

_SMALLEST, _LARGEST = 1e-3, 0.99  # step of a move
_WANTED = 0.3  # share of moves to be taken
_GAIN = 1.0


class Settings(NamedTuple):
    """What is static: a program for each.

    Attributes:
        measure: how images are drawn.
        score: ``logits [b, m] -> scores [b, >= k]`` of every class, to be large.
        particles: of each crowd, ``n``.
        moves: of every particle between two levels.
        keep: share of the particles that is meant to survive a level.
        mesh: devices that share the particles, along its only axis; None is one device.
    """

    measure: Measure
    score: Callable[[Logits], Array]
    particles: int
    moves: int
    keep: float
    mesh: Mesh | None


class Crowds(NamedTuple):
    """Independent crowds, one for each class and run; ``g`` of them.

    Attributes:
        run: number of the run; with the class it decides the random numbers.
        label: the class whose score is to be large.
        level: that no particle may fall to, or below.
        step: of a move, in [0.001, 0.99].
    """

    run: Int[Array, " g"]
    label: Int[Array, " g"]
    level: Float[Array, " g"]
    step: Float[Array, " g"]


class Particles(NamedTuple):
    """All particles, crowd after crowd, or some of them on the move.

    Attributes:
        latents: ``[b, *shape]``.
        scores: of their images; NaN counts as minus infinity.
        taken: moves that did not fall below the level.
    """

    latents: Float[Array, "b ..."]
    scores: Float[Array, " b"]
    taken: Int[Array, " b"]


class Selection(NamedTuple):
    """What a level does to the crowds.

    Attributes:
        level: the score that is left behind.
        alive: particles strictly above it: with ties the share is known all the same.
        acceptance: share of the moves taken since the level before.
        step: for the next moves.
        parents: index of the particle that each place goes on from.
    """

    level: Float[Array, " g"]
    alive: Int[Array, " g"]
    acceptance: Float[Array, " g"]
    step: Float[Array, " g"]
    parents: Int[Array, " gn"]


def _share(settings: Settings, function: Callable, whole: int, split_up: int) -> Callable:
    """Give each device its part of the last arguments, and all of the first ones."""
    if settings.mesh is None:
        return function
    (axis,) = settings.mesh.axis_names
    specs = (PartitionSpec(),) * whole + (PartitionSpec(axis),) * split_up
    return jax.shard_map(
        function,
        mesh=settings.mesh,
        in_specs=specs,
        out_specs=PartitionSpec(axis),
        check_vma=False,
    )


def _keys(settings: Settings, key: RandomKey, crowds: Crowds, rows: Array) -> RandomKey:
    """Return a key for every particle: of its run, class and number."""
    run, label = (_of_crowds(settings, leaf, rows) for leaf in crowds[:2])
    one = lambda *numbers: functools.reduce(jax.random.fold_in, numbers, key)
    return jax.vmap(one)(run, label, rows % settings.particles)


def _judge(
    settings: Settings, classifier: Classifier, label: Array, latents: Array
) -> Float[Array, " b"]:
    scores = settings.score(classifier(jax.vmap(settings.measure.paint)(latents)))
    own = jnp.take_along_axis(scores, label[:, None], axis=1)[:, 0]
    return jnp.where(jnp.isnan(own), -jnp.inf, own)


def _of_crowds(settings: Settings, values: Array, rows: Array) -> Array:
    return values.at[rows // settings.particles].get(mode="clip")


def _normal(settings: Settings, keys: RandomKey) -> Array:
    shape = settings.measure.shape
    return jax.vmap(lambda key: chance.normal(key, shape))(keys)


@functools.partial(jax.jit, static_argnums=0)
def draw(
    settings: Settings, key: RandomKey, classifier: Classifier, crowds: Crowds, rows: Array
) -> Particles:
    """Draw particles of any crowds from the measure."""

    def new(key: RandomKey, classifier: Classifier, crowds: Crowds, rows: Array) -> Particles:
        keys = _keys(settings, key, crowds, rows)
        latents = _normal(settings, jax.vmap(lambda key: jax.random.fold_in(key, 0))(keys))
        label = _of_crowds(settings, crowds.label, rows)
        scores = _judge(settings, classifier, label, latents)
        return Particles(latents, scores, jnp.zeros(rows.shape, jnp.int32))

    return _share(settings, new, 3, 1)(key, classifier, crowds, rows)


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=7)
def move(
    settings: Settings,
    moves: int,
    key: RandomKey,
    classifier: Classifier,
    crowds: Crowds,
    moment: tuple[Array, Array],
    rows: Array,
    some: Particles,
) -> Particles:
    """Move particles of any crowds, each within its own level."""

    def walk(
        key: RandomKey,
        classifier: Classifier,
        crowds: Crowds,
        moment: tuple[Array, Array],
        rows: Array,
        some: Particles,
    ) -> Particles:
        keys = _keys(settings, key, crowds, rows)
        keys = jax.vmap(lambda key: jax.random.fold_in(key, moment[0]))(keys)
        label, level, step = (_of_crowds(settings, leaf, rows) for leaf in crowds[1:])
        wide = lambda values: values.reshape(-1, *(1,) * (some.latents.ndim - 1))
        stay, go = wide(jnp.sqrt(1.0 - step**2)), wide(step)

        def one(index: Any, some: Particles) -> Particles:
            now = jax.vmap(lambda key: jax.random.fold_in(key, moment[1] + index))(keys)
            latents = stay * some.latents + go * _normal(settings, now)
            scores = _judge(settings, classifier, label, latents)
            above = scores > level
            return Particles(
                latents=jnp.where(wide(above), latents, some.latents),
                scores=jnp.where(above, scores, some.scores),
                taken=some.taken + above,
            )

        return one(0, some) if moves == 1 else jax.lax.fori_loop(0, moves, one, some)

    return _share(settings, walk, 4, 2)(key, classifier, crowds, moment, rows, some)


@functools.partial(jax.jit, static_argnums=0)
def take(settings: Settings, everybody: Particles, rows: Array) -> Particles:
    """Fetch particles, and set out to count the moves that they take."""
    some = jax.tree.map(lambda leaf: leaf.at[rows].get(mode="clip"), everybody)
    some = some._replace(taken=jnp.zeros_like(some.taken))
    if settings.mesh is None:
        return some
    place = NamedSharding(settings.mesh, PartitionSpec(settings.mesh.axis_names[0]))
    return jax.lax.with_sharding_constraint(some, place)


@functools.partial(jax.jit, donate_argnums=0)
def put(everybody: Particles, rows: Array, some: Particles) -> Particles:
    """Put particles back where they belong; rows beyond the last are nobody's."""
    return jax.tree.map(lambda whole, part: whole.at[rows].set(part, mode="drop"), everybody, some)


@jax.jit
def resample(everybody: Particles, parents: Array) -> Particles:
    """Let every place go on from its parent."""
    return jax.tree.map(lambda leaf: leaf[parents], everybody)


@functools.partial(jax.jit, static_argnums=0)
def select(
    settings: Settings,
    key: RandomKey,
    number: int | Array,
    crowds: Crowds,
    scores: Float[Array, " gn"],
    taken: Int[Array, " gn"],
) -> Selection:
    """Find each crowd's level, and a living parent for each that is not strictly above it."""
    count, most = crowds.label.shape[0], settings.particles
    lowest = most - round(most * settings.keep)

    def one(
        run: Array, label: Array, step: Array, scores: Array, taken: Array
    ) -> tuple[Array, ...]:
        # the number of a particle that there is not, so nobody else's random numbers
        own = functools.reduce(jax.random.fold_in, (run, label, most, number), key)
        level = jnp.sort(scores)[lowest - 1]
        above = scores > level
        alive = jnp.sum(above, dtype=jnp.int32)
        drawn = jax.random.uniform(own, (most,), jnp.float32) * alive
        place = jnp.minimum(drawn.astype(jnp.int32), jnp.maximum(alive - 1, 0))
        parent = jnp.where(above, jnp.arange(most), jnp.argsort(~above, stable=True)[place])
        acceptance = jnp.mean(taken.astype(jnp.float32)) / settings.moves
        adapted = jnp.clip(step * jnp.exp(_GAIN * (acceptance - _WANTED)), _SMALLEST, _LARGEST)
        return level, alive, acceptance, jnp.where(number > 0, adapted, step), parent

    by_crowd = lambda values: values.reshape(count, most)
    level, alive, acceptance, step, parent = jax.vmap(one)(
        crowds.run, crowds.label, crowds.step, by_crowd(scores), by_crowd(taken)
    )
    first = most * jnp.arange(count, dtype=jnp.int32)
    return Selection(level, alive, acceptance, step, (first[:, None] + parent).ravel())
