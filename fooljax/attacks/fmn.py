"""FMN: the nearest image in L0, L1, L2 or Linf, in a ball that grows and shrinks."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from fooljax import checks
from fooljax.attacks import goals, thresholds
from fooljax.attacks.attack import (
    Attack,
    Passes,
    Point,
    RandomKeys,
    gradient_of,
    is_flat,
    per_image,
)
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import uphill
from fooljax.attacks.shapes import Norm, length
from fooljax.types import Bound, Classifier, Images, Logits

_LEAST_STEP = 0.01  # share of the first step's length that the last one has
_LEAST_GAMMA = 0.001  # of the last step
_DUAL: dict[Norm, Norm] = {"l1": "linf", "l2": "l2", "linf": "l1"}


class Ball(NamedTuple):
    """Numbers of an FMN attack.

    Attributes:
        step_size: Euclidean length of the first step, in units of [0, 1].
        gamma: share by which epsilon grows or shrinks at the first step, in (0, 1).
        steps: after so many both are down to their least.
    """

    step_size: Any
    gamma: Any
    steps: Any


class Search(NamedTuple):
    """What an attack remembers of each sample, ``[b]``.

    Attributes:
        epsilon: radius of the ball in the attack's norm; of L0 how many numbers change.
        nearest: distance of the nearest image that reached the goal; infinite if none did.
        taken: steps so far.
    """

    epsilon: Array
    nearest: Array
    taken: Array


def _start(norm: Norm, keys: RandomKeys, ball: Ball, images: Images) -> Point:
    del keys, ball
    none = jnp.zeros(len(images), jnp.float32)
    first = none + (1.0 if norm == "l0" else jnp.inf)
    return Point(images, Search(first, none + jnp.inf, none))


def _resize(
    search: Search, reached: Bool[Array, " b"], gamma: Array, boundary: Float[Array, " b"]
) -> Float[Array, " b"]:
    """Return the next epsilon: smaller, larger, or the boundary's distance if none is known.

    Args:
        search: the last epsilon; the nearest distance, this image's included.
        reached: whether this image reaches the goal.
        gamma: share by which epsilon changes.
        boundary: how far the boundary seems to be.
    """
    grown = jnp.where(search.nearest < jnp.inf, search.epsilon * (1.0 + gamma), boundary)
    shrunk = jnp.minimum(search.epsilon * (1.0 - gamma), search.nearest)
    return jnp.where(reached, shrunk, grown)


def _recount(search: Search, reached: Bool[Array, " b"], gamma: Array) -> Float[Array, " b"]:
    """Return the next epsilon of L0, a count: it changes by 1 at least."""
    grown = jnp.maximum(search.epsilon + 1.0, jnp.floor(search.epsilon * (1.0 + gamma)))
    shrunk = jnp.minimum(search.epsilon - 1.0, jnp.floor(search.epsilon * (1.0 - gamma)))
    shrunk = jnp.minimum(shrunk, search.nearest)
    return jnp.maximum(jnp.where(reached, shrunk, grown), 1.0)


def _project(change: Images, epsilon: Float[Array, " b"], norm: Norm) -> Images:
    """Return the change in the ball that is nearest in L2."""
    sizes = jnp.abs(change).reshape(len(change), -1)
    if norm == "l0":
        kept = sizes >= thresholds.of_largest(sizes, epsilon)[:, None]
        return jnp.where(kept.reshape(change.shape), change, 0.0)
    if norm == "l1":
        less = per_image(thresholds.of_sum(sizes, epsilon), change)
        return jnp.sign(change) * jnp.maximum(jnp.abs(change) - less, 0.0)
    if norm == "linf":
        return jnp.clip(change, -per_image(epsilon, change), per_image(epsilon, change))
    far = length(change, "l2")
    return change * per_image(jnp.where(far > epsilon, epsilon / far, 1.0), change)


def _walk(
    norm: Norm,
    keys: RandomKeys,
    ball: Ball,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    del keys
    was: Search = point.memory
    slope, logits = gradient_of(goals.margin, classifier, goal, point.images)
    margin = goals.margin(goal, logits, classifier.num_classes)
    reached = margin > 0.0
    far = length(point.images - images, norm)
    nearest = jnp.where(reached, jnp.minimum(was.nearest, far), was.nearest)
    search = Search(was.epsilon, nearest, was.taken + 1.0)

    fall = 0.5 * (1.0 + jnp.cos(jnp.pi * jnp.minimum(was.taken / ball.steps, 1.0)))
    gamma = _LEAST_GAMMA + (ball.gamma - _LEAST_GAMMA) * fall
    if norm == "l0":
        epsilon = _recount(search, reached, gamma)
    else:
        boundary = far + jnp.abs(margin) / length(slope, _DUAL[norm])
        epsilon = _resize(search, reached, gamma, boundary)
    farthest = length(jnp.maximum(images, 1.0 - images), norm)
    # as far as possible, too, where no slope says how far the boundary is
    epsilon = jnp.where(epsilon < farthest, epsilon, farthest)

    step_size = ball.step_size * (_LEAST_STEP + (1.0 - _LEAST_STEP) * fall)
    stuck = jnp.where(slope > 0.0, point.images >= 1.0, point.images <= 0.0)
    way = uphill(jnp.where(stuck, 0.0, slope), "l2")
    moved = jnp.clip(point.images + per_image(step_size, images) * way, 0.0, 1.0)
    change = _project(moved - images, epsilon, norm)
    here = Point(jnp.clip(images + change, 0.0, 1.0), search._replace(epsilon=epsilon))
    return here, logits, Passes(1, 1, is_flat(slope))


def fmn(
    steps: int = 100, *, norm: Norm = "l2", step_size: float = 1.0, gamma: float = 0.05
) -> Attack:
    """Find the nearest image in L0, L1, L2 or Linf that reaches the goal.

    Every step follows the gradient of the margin, then puts the image into a ball around
    the original. The first balls are as large as the margin and its slope say that the
    boundary is far; once the goal was reached they are smaller than the nearest image's
    distance whenever an image reaches it, and larger whenever one does not. In L0 a ball
    counts the numbers that change, and begins at 1. The step size and the share by which
    balls change fall by half a cosine, to 0.01 of the first and to 0.001.

    Args:
        steps: number of steps.
        norm: in which near is near: ``l0``, ``l1``, ``l2`` or ``linf``.
        step_size: Euclidean length of the first step, in units of [0, 1].
        gamma: share by which the first ball grows or shrinks, in (0, 1).

    Returns:
        An attack that keeps the nearest image that reaches the goal.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Pintor et al., 2021, arXiv:2102.12827, algorithm 1, without starting points; but
        numbers at 0 and 1 take no part in steps that would lead them out, and others are
        cut off there before the ball: what leads nowhere takes no room in it.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.fmn(steps=50, norm="l1")
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool(found.success.all())
        True
    """
    steps = checks.count("steps", steps)
    checks.choice("norm", norm, ("l0", "l1", "l2", "linf"))
    step_size = checks.positive("step_size", step_size)
    gamma = checks.between("gamma", gamma, 0.0, 1.0, "()")
    init, step = Bound(_start, (norm,)), Bound(_walk, (norm,))
    return Attack(Ball(step_size, gamma, float(steps)), init, step, steps, better=norm)
