"""Szegedy's attack: the nearest image in L2, by a quasi-Newton method inside [0, 1]."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.attacks import goals, scale
from fooljax.attacks.attack import (
    Attack,
    Passes,
    Point,
    RandomKeys,
    axes_of,
    choose,
    gradient_of,
    is_flat,
    per_image,
)
from fooljax.attacks.goals import Goal
from fooljax.attacks.losses import log_chance
from fooljax.types import Classifier, Images, Logits

_ENOUGH = 1e-4  # share of the fall promised by the gradient that a step must bring

_newton = optax.scale_by_lbfgs(memory_size=8)


class Weight(NamedTuple):
    """Numbers of the attack.

    Attributes:
        first_c: weight of the squared distance, to begin with.
        steps: gradients in a round, at one weight.
    """

    first_c: Any
    steps: Any


class Place(NamedTuple):
    """An image that was looked at, ``[b, ...]``.

    Attributes:
        images: ``[b, h, w, c]``.
        loss: minus the log-probability of success.
        slope: its gradient.
        reached: 1 if the goal is reached.
    """

    images: Images
    loss: Array
    slope: Images
    reached: Array


class Bracket(NamedTuple):
    """What is known of the weight that a sample can bear; numbers are ``[b]``.

    Attributes:
        c: weight in this round.
        low: largest weight that left the goal reached; 0 if none did.
        high: smallest weight that did not; infinite if all did.
        taken: steps in this round so far.
    """

    c: Array
    low: Array
    high: Array
    taken: Array


class Descent(NamedTuple):
    """What the attack remembers of each sample.

    Attributes:
        place: the last image that was accepted.
        direction: from there, ``[b, h, w, c]``.
        length: share of the direction that is being tried, ``[b]``.
        newton: the state of the quasi-Newton method; leaves ``[b, ...]``.
        bracket: of the search for the weight.
        begun: 0 before anything was accepted, ``[b]``.
        factor: of the logits (see ``scale``); 0 before the first.
    """

    place: Place
    direction: Images
    length: Array
    newton: optax.OptState
    bracket: Bracket
    begun: Array
    factor: Float[Array, " b"]


def _start(keys: RandomKeys, weight: Weight, images: Images) -> Point:
    del keys
    none = jnp.zeros(len(images), jnp.float32)
    still = jnp.zeros_like(images)
    return Point(
        images,
        Descent(
            place=Place(images, none, still, none),
            direction=still,
            length=none,
            newton=jax.vmap(_newton.init)(images),
            bracket=Bracket(weight.first_c, none, jnp.full_like(none, jnp.inf), none),
            begun=none,
            factor=none,
        ),
    )


def _dot(one: Images, other: Images) -> Float[Array, " b"]:
    return jnp.sum(one * other, axis=axes_of(one))


def _value(place: Place, images: Images, c: Array) -> Float[Array, " b"]:
    change = place.images - images
    return c * _dot(change, change) + place.loss


def _gradient(place: Place, images: Images, c: Array) -> Images:
    return per_image(2.0 * c, images) * (place.images - images) + place.slope


def _next_round(bracket: Bracket, reached: Array) -> Bracket:
    """Ten times the weight or a tenth, until it is bracketed; then halve in logarithms."""
    low = jnp.where(reached > 0.0, bracket.c, bracket.low)
    high = jnp.where(reached > 0.0, bracket.high, bracket.c)
    between = jnp.sqrt(low) * jnp.sqrt(high)
    c = jnp.where(high == jnp.inf, 10.0 * low, jnp.where(low == 0.0, 0.1 * high, between))
    return Bracket(c, low, high, jnp.zeros_like(c))


def _turn(newton: optax.OptState, place: Place, gradient: Images) -> tuple[Images, optax.OptState]:
    """Return where to go from here, and the method's new memory.

    Numbers that the gradient pushes out of [0, 1] stay; pairs of negative
    curvature make the method begin anew.
    """
    step, bend = place.images - newton.params, gradient - newton.updates
    curved = (newton.count == 0) | (_dot(step, bend) > 1e-6 * _dot(step, step))
    newton = choose(curved, newton, jax.vmap(_newton.init)(place.images))
    direction, newton = jax.vmap(_newton.update)(gradient, newton, place.images)
    stuck = jnp.where(gradient > 0.0, place.images <= 0.0, place.images >= 1.0)
    free = jnp.where(stuck, 0.0, gradient)
    direction = jnp.where(stuck, 0.0, -direction)
    falls = _dot(direction, free) < 0.0
    size = jnp.sqrt(_dot(free, free))
    steepest = -free / per_image(jnp.maximum(size, 1.0), free)
    return jnp.where(per_image(falls, direction), direction, steepest), newton


def _descend(
    keys: RandomKeys,
    weight: Weight,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """Judge the image tried, then try another: further on from it, or nearer to the last one."""
    del keys
    k = classifier.num_classes
    was = point.memory

    def climbed(goal: Goal, logits: Logits, num_classes: int) -> Array:
        factor = scale.first(was.factor, logits, num_classes, most=1.0)
        return log_chance(goal, scale.multiply(factor, logits), num_classes)

    slope, logits = gradient_of(climbed, classifier, goal, point.images)
    reached = jnp.float32(goals.margin(goal, logits, k) > 0.0)
    tried = Place(point.images, -climbed(goal, logits, k), -slope, reached)
    c = was.bracket.c

    promised = _dot(_gradient(was.place, images, c), tried.images - was.place.images)
    bar = _value(was.place, images, c) + _ENOUGH * promised
    accepted = (was.begun == 0.0) | (_value(tried, images, c) <= bar)
    place = choose(accepted, tried, was.place)
    bracket = was.bracket._replace(taken=was.bracket.taken + 1.0)
    over = bracket.taken >= weight.steps
    bracket = choose(over, _next_round(bracket, place.reached), bracket)

    # another weight is another function: what was learned of the old one misleads
    afresh = jax.vmap(_newton.init)(place.images)
    newton = choose(over, afresh, was.newton)
    gradient = _gradient(place, images, bracket.c)
    direction, turned = _turn(newton, place, gradient)
    turns = accepted | over
    descent = Descent(
        place=place,
        direction=jnp.where(per_image(turns, direction), direction, was.direction),
        length=jnp.where(turns, 1.0, 0.5 * was.length),
        newton=choose(turns, turned, newton),
        bracket=bracket,
        begun=jnp.ones_like(was.begun),
        factor=scale.first(was.factor, logits, k, most=1.0),
    )
    moved = place.images + per_image(descent.length, place.images) * descent.direction
    return Point(jnp.clip(moved, 0.0, 1.0), descent), logits, Passes(1, 1, is_flat(slope))


def lbfgs(steps: int = 20, *, rounds: int = 12, first_c: float = 1.0) -> Attack:
    """Find the nearest image in L2 that reaches the goal, by a quasi-Newton method.

    Every round minimizes ``c * |x - x0|^2 - log p``, with ``p`` the probability
    of what would satisfy the goal (logits hundreds apart count
    less, see ``scale``), by L-BFGS inside [0, 1]: a step that does not
    bring enough is halved, and every image tried costs one gradient. Between
    rounds the largest weight ``c`` is searched for that leaves the goal reached;
    a round begins where the last one ended.

    Args:
        steps: in each round, a gradient each.
        rounds: weights that are tried.
        first_c: first weight; ten times as much or a tenth until it is bracketed.

    Returns:
        An attack of ``steps * rounds`` steps that keeps the nearest image that
        reaches the goal.

    Raises:
        ValueError: if a number is out of its range.

    Source:
        Szegedy et al., 2014, arXiv:1312.6199, section 4.1, with the squared
        length of the perturbation, which is smooth at 0. Bertsekas, 1982,
        SIAM J. Control Optim. 20(2) (projected quasi-Newton steps).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.lbfgs(steps=10, rounds=4)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> found.l2.shape
        (5,)
    """
    steps, rounds = checks.count("steps", steps), checks.count("rounds", rounds)
    weight = Weight(checks.positive("first_c", first_c), float(steps))
    return Attack(weight, _start, _descend, steps * rounds, better="l2")
