"""DDN: the nearest image in L2, by steps along the gradient on a sphere that grows and shrinks."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from fooljax import checks
from fooljax.attacks import goals, scale
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
from fooljax.types import Classifier, Images, Logits

_LEAST_STEP = 0.01


class Sphere(NamedTuple):
    """Numbers of a DDN attack.

    Attributes:
        gamma: share by which the radius grows or shrinks in a step, in (0, 1).
        first_radius: that of the first step, in units of [0, 1].
        steps: after so many the step size is down to its least.
    """

    gamma: Any
    first_radius: Any
    steps: Any


class Radius(NamedTuple):
    """What an attack remembers of each sample, ``[b]``.

    Attributes:
        radius: of the sphere that the image is on, in units of [0, 1].
        taken: steps so far.
        factor: of the logits (see ``scale``); 0 before the first.
    """

    radius: Array
    taken: Array
    factor: Array


def _start(keys: RandomKeys, sphere: Sphere, images: Images) -> Point:
    del keys
    none = jnp.zeros(len(images), jnp.float32)
    return Point(images, Radius(sphere.first_radius, none, none))


def _walk(
    keys: RandomKeys,
    sphere: Sphere,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    del keys
    radius, taken, held = point.memory

    def climbed(goal: Goal, logits: Logits, num_classes: int) -> Array:
        factor = scale.first(held, logits, num_classes)
        return goals.log_odds(goal, scale.multiply(factor, logits), num_classes)

    slope, logits = gradient_of(climbed, classifier, goal, point.images)
    reached = goals.margin(goal, logits, classifier.num_classes) > 0.0
    farthest = jnp.maximum(images, 1.0 - images).reshape(len(images), -1)
    radius = radius * jnp.where(reached, 1.0 - sphere.gamma, 1.0 + sphere.gamma)
    radius = jnp.minimum(radius, jnp.linalg.norm(farthest, axis=1))
    fall = 0.5 * (1.0 + jnp.cos(jnp.pi * jnp.minimum(taken / sphere.steps, 1.0)))
    step_size = _LEAST_STEP + (1.0 - _LEAST_STEP) * fall
    change = point.images - images + per_image(step_size, images) * uphill(slope, "l2")
    change = per_image(radius, images) * uphill(change, "l2")
    moved = jnp.clip(images + change, 0.0, 1.0)
    memory = Radius(radius, taken + 1.0, scale.first(held, logits, classifier.num_classes))
    return Point(moved, memory), logits, Passes(1, 1, is_flat(slope))


def ddn(steps: int = 100, *, gamma: float = 0.05, first_radius: float = 1.0) -> Attack:
    """Find the nearest image in L2 that reaches the goal.

    Every step follows the gradient, then puts the image on a sphere around the
    original that is smaller than before if the goal was reached and larger if
    not. Step sizes fall from 1 to 0.01 by half a cosine.

    Args:
        steps: number of steps.
        gamma: share by which the radius grows or shrinks in a step, in (0, 1).
        first_radius: that of the first step, in units of [0, 1].

    Returns:
        An attack that keeps the nearest image that reaches the goal.

    Raises:
        ValueError: if a number is out of its range.

    Source:
        Rony et al., 2019, arXiv:1811.09600, algorithm 1, without rounding to
        256 levels.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.ddn(steps=50)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool(found.success.all())
        True
    """
    steps = checks.count("steps", steps)
    gamma = checks.between("gamma", gamma, 0.0, 1.0, "()")
    first_radius = checks.positive("first_radius", first_radius)
    sphere = Sphere(gamma, first_radius, float(steps))
    return Attack(sphere, _start, _walk, steps, better="l2")
