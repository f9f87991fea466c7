"""HopSkipJump: walk along the boundary, knowing only on which side of it an image is."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import chance, checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, fold_in, per_image
from fooljax.attacks.boundary import FINEST, Asked, approach, distance, draws, first_noise, pick
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import Norm
from fooljax.types import Classifier, Images, Logits, RandomKey

_HALVINGS = 25  # of a step; float32 has no shorter ones
_FIRST_PROBE = 0.1  # length of the first probes, in units of [0, 1]


class Hops(NamedTuple):
    """Numbers of HopSkipJump.

    Attributes:
        directions: probes of the first iteration; iteration ``t`` makes
            ``sqrt(t)`` times as many.
        most: probes of an iteration, at most.
        gamma: how exact the search for the boundary is, and how long the probes
            are; larger is coarser and longer.
    """

    directions: Any
    most: Any
    gamma: Any


class _Probes(NamedTuple):
    """Sums over the probes made so far: of directions, and of answers (1 or -1)."""

    made: Array
    toward: Images
    total: Images
    answers: Float[Array, " b"]


def _draw(key: RandomKey, shape: tuple[int, ...], norm: Norm) -> Array:
    """Draw a direction of length 1."""
    if norm == "l2":
        drawn = chance.normal(key, shape)
    else:
        drawn = chance.uniform(key, shape, minval=-1.0, maxval=1.0)
    return drawn / jnp.linalg.norm(drawn.ravel())


def _uphill(
    keys: RandomKeys,
    asks: Asked,
    at: Images,
    length: Float[Array, " b"],
    count: Array,
    norm: Norm,
    together: int,
) -> Images:
    """Estimate the direction away from the boundary from ``count`` probes of each sample."""
    length = per_image(jnp.where(length > 0.0, length, 1.0), at)[:, None]

    def probe(probes: _Probes) -> _Probes:
        index = probes.made + jnp.arange(together, dtype=jnp.int32)
        drawn = draws(keys, index, lambda key: _draw(key, at.shape[1:], norm))
        tried = jnp.clip(at[:, None] + length * drawn, 0.0, 1.0)
        drawn = (tried - at[:, None]) / length  # what the clipping has left of it
        reached = asks(tried.reshape(-1, *at.shape[1:])).reshape(-1, together)
        counts = index[None] < count[:, None]
        answers = jnp.where(counts, jnp.where(reached, 1.0, -1.0), 0.0).astype(jnp.float32)
        add = lambda weights: jnp.einsum("bm,bm...->b...", weights, drawn)
        return _Probes(
            probes.made + together,
            probes.toward + add(answers),
            probes.total + add(counts.astype(jnp.float32)),
            probes.answers + jnp.sum(answers, axis=1),
        )

    none = jnp.zeros_like(at)
    begin = _Probes(jnp.int32(0), none, none, jnp.zeros(len(at), jnp.float32))
    probes = jax.lax.while_loop(lambda probes: jnp.any(probes.made < count), probe, begin)
    mean = probes.answers / jnp.maximum(count, 1)
    # the mean answer is no information about the direction, unless all are the same
    mean = jnp.where(jnp.abs(mean) == 1.0, 0.0, mean)
    toward = probes.toward - per_image(mean, at) * probes.total
    if norm == "linf":
        return jnp.sign(toward)
    size = distance(none, toward, "l2")
    return toward / per_image(jnp.where(size > 0.0, size, 1.0), toward)


def _leap(
    asks: Asked, at: Images, direction: Images, length: Float[Array, " b"], moves: Array
) -> tuple[Images, Array]:
    """Go as far as the longest of ``length / 2^i`` that still reaches the goal."""

    def halve(carry):
        tries, open_, found, spent = carry
        tried = jnp.clip(at + per_image(length * 0.5**tries, at) * direction, 0.0, 1.0)
        reached = open_ & asks(tried)
        spent = spent + open_
        return tries + 1.0, open_ & ~reached, pick(reached, tried, found), spent

    _, _, found, spent = jax.lax.while_loop(
        lambda carry: jnp.any(carry[1]) & (carry[0] < _HALVINGS),
        halve,
        (jnp.float32(0.0), moves, at, jnp.zeros(len(at), jnp.int32)),
    )
    return found, spent


def _start(keys: RandomKeys, hops: Hops, images: Images) -> Point:
    del keys, hops
    return Point(images, jnp.zeros(len(images), jnp.float32))


def _hop(
    keys: RandomKeys,
    hops: Hops,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
    norm: Norm,
    together: int,
) -> tuple[Point, Logits, Passes]:
    """Probe, leap and return to the boundary; the first time, find the boundary.

    The memory counts the visits to the boundary of each sample.
    """

    def margins(logits: Logits) -> Array:
        every = lambda leaf: jnp.repeat(leaf, len(logits) // len(images), axis=0)
        return goals.margin(jax.tree.map(every, goal), logits, classifier.num_classes)

    asks = lambda tried: margins(classifier(tried)) > 0.0
    key_noise, key_probes = fold_in(keys, 0), fold_in(keys, 1)
    here, visits = point.images, point.memory
    logits = classifier(here)
    margin = margins(logits)
    begins = visits == 0.0
    # an image of which the network says nothing is left as it is
    seeks = begins & ~(margin > 0.0) & ~jnp.isnan(margin)
    noise, found, cost_noise = jax.lax.cond(
        jnp.any(seeks),
        lambda: first_noise(key_noise, asks, images, together),
        lambda: (here, jnp.zeros_like(seeks), jnp.zeros(len(here), jnp.int32)),
    )

    far = distance(images, here, norm)
    hops_now = ~begins & (far > 0.0)
    root = jnp.sqrt(jnp.maximum(visits, 1.0))
    count = jnp.floor(jnp.minimum(hops.directions * root, hops.most)).astype(jnp.int32)
    count = jnp.where(hops_now, count, 0)
    size = math.prod(images.shape[1:])
    exact = hops.gamma / size**1.5 if norm == "l2" else hops.gamma / size**2
    reach = far * exact * (math.sqrt(size) if norm == "l2" else size)
    reach = jnp.where(visits == 1.0, _FIRST_PROBE, reach)
    direction = _uphill(key_probes, asks, here, reach, count, norm, together)
    leapt, cost_leap = _leap(asks, here, direction, far / root, hops_now)

    outside = pick(seeks, noise, leapt)
    moves = hops_now | (begins & (margin > 0.0) & (far > 0.0)) | (seeks & found)
    boundary, cost = approach(asks, images, outside, jnp.maximum(exact, FINEST), moves, norm)
    spent = 1 + jnp.where(seeks, cost_noise, 0) + count + cost_leap + cost
    return Point(pick(moves, boundary, here), visits + moves), logits, Passes(spent, 0)


@functools.cache
def _step(norm: Norm, together: int) -> Callable:
    """Equal arguments give the same function, so equal attacks share a compilation."""
    return functools.partial(_hop, norm=norm, together=together)


def hop_skip_jump(
    steps: int = 50,
    *,
    norm: Norm = "l2",
    directions: int = 100,
    most: int = 10_000,
    gamma: float = 1.0,
    together: int = 20,
) -> Attack:
    """Find a near image that reaches the goal, knowing of each only whether it does.

    Give images that reach the goal as ``run(..., start=...)``. Without, the first
    steps try uniform noise until some reaches it; for a ``reach`` goal it rarely
    does, and the sample reports failure.

    Args:
        steps: number of iterations; the first walks from the start to the
            boundary, every other probes, leaps and returns to it.
        norm: in which "near" is meant, ``l2`` or ``linf``.
        directions: probes of the first iteration; iteration ``t`` makes
            ``sqrt(t)`` times as many.
        most: probes of an iteration, at most.
        gamma: how exact the search for the boundary is, and how long the probes
            are; larger is coarser and longer.
        together: probes of each sample, and noise images, that the network is
            shown in one pass. Bounds the memory; decides nothing else but how
            much noise a step tries.

    Returns:
        An attack that keeps the nearest image that reaches the goal, and counts
        the forward passes that each sample needed.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Chen et al., 2020, arXiv:1904.02144 (its code: probes of 0.1 at first).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.hop_skip_jump(steps=3, directions=20)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> int(found.gradients.sum())  # it sees none
        0
    """
    steps, together = checks.count("steps", steps), checks.count("together", together)
    directions, most = checks.count("directions", directions), checks.count("most", most)
    gamma = checks.positive("gamma", gamma)
    checks.choice("norm", norm, ("l2", "linf"))
    hops = Hops(float(directions), float(most), gamma)
    return Attack(hops, _start, _step(norm, together), steps, better=norm)
