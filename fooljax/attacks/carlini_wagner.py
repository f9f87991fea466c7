"""Carlini and Wagner's attack: the nearest image in L2, by Adam on distance and margin."""

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
    choose,
    gradient_of,
    is_flat,
    per_image,
)
from fooljax.attacks.goals import Goal
from fooljax.types import Classifier, Images, Logits

_INSIDE = 0.999999  # the inverse of tanh is infinite at the edge of [0, 1]

_adam = optax.scale_by_adam()


class Trade(NamedTuple):
    """Numbers of the attack.

    Attributes:
        first_c: weight of the margin against the squared distance, to begin with;
            logits hundreds apart count less (see ``scale``).
        step_size: learning rate of Adam, dimensionless.
        kappa: margin that is aimed at, in logits.
        steps: in a round, at one weight.
    """

    first_c: Any
    step_size: Any
    kappa: Any
    steps: Any


class Bracket(NamedTuple):
    """What is known of the weight that a sample needs; numbers are ``[b]``.

    Attributes:
        c: weight in this round.
        low: largest weight that was too small; 0 if none was.
        high: smallest weight that was enough; infinite if none was.
        found: 1 if this round has reached the goal.
        taken: steps in this round so far.
    """

    c: Array
    low: Array
    high: Array
    found: Array
    taken: Array


class Descent(NamedTuple):
    """What the attack remembers of each sample.

    Attributes:
        bent: the image before ``tanh``, ``[b, h, w, c]``.
        adam: the state of the optimizer; leaves ``[b, ...]``.
        bracket: of the search for the weight.
        factor: of the logits (see ``scale``); 0 before the first.
    """

    bent: Array
    adam: optax.OptState
    bracket: Bracket
    factor: Float[Array, " b"]


def _bend(images: Images) -> Array:
    return jnp.arctanh(_INSIDE * (2.0 * images - 1.0))


def _start(keys: RandomKeys, trade: Trade, images: Images) -> Point:
    del keys
    bent, none = _bend(images), jnp.zeros(len(images), jnp.float32)
    bracket = Bracket(trade.first_c, none, jnp.full_like(none, jnp.inf), none, none)
    return Point(images, Descent(bent, jax.vmap(_adam.init)(bent), bracket, none))


def next_round(bracket: Bracket) -> Bracket:
    """Ten times the weight until one is enough, then halve the bracket."""
    found = bracket.found > 0.0
    low = jnp.where(found, bracket.low, bracket.c)
    high = jnp.where(found, bracket.c, bracket.high)
    c = jnp.where(high < jnp.inf, 0.5 * (low + high), 10.0 * bracket.c)
    none = jnp.zeros_like(c)
    return Bracket(c, low, high, none, none)


def _descend(
    keys: RandomKeys,
    trade: Trade,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """One step of Adam; the last one of a round goes back to the image, with another weight."""
    del keys
    k = classifier.num_classes
    bent, adam, bracket, factor = point.memory

    def capped(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
        return jnp.minimum(goals.margin(goal, logits, num_classes), trade.kappa)

    slope, logits = gradient_of(capped, classifier, goal, point.images)
    margin = goals.margin(goal, logits, k)
    enough = (margin > 0.0) & (margin >= trade.kappa)
    flat = is_flat(slope)
    factor = scale.first(factor, logits, k, most=1.0)
    slope = 2.0 * (point.images - images) - per_image(bracket.c * factor, images) * slope
    slope = slope * 0.5 * (1.0 - jnp.tanh(bent) ** 2)
    direction, adam = jax.vmap(_adam.update)(slope, adam)
    bent = bent - per_image(trade.step_size, images) * direction
    bracket = bracket._replace(
        found=jnp.maximum(bracket.found, jnp.float32(enough)), taken=bracket.taken + 1.0
    )
    here = Point(0.5 + 0.5 * jnp.tanh(bent), Descent(bent, adam, bracket, factor))

    original = _bend(images)
    afresh = Descent(original, jax.vmap(_adam.init)(original), next_round(bracket), factor)
    point = choose(bracket.taken >= trade.steps, Point(images, afresh), here)
    return point, logits, Passes(1, 1, flat)


def carlini_wagner(
    steps: int = 1000,
    *,
    rounds: int = 9,
    step_size: float = 0.01,
    first_c: float = 1e-3,
    kappa: float = 0.0,
) -> Attack:
    """Find the nearest image in L2 that reaches the goal, patiently.

    Every round minimizes ``|x - x0|^2 + c * max(kappa - margin, 0)`` by Adam, in
    a space that ``tanh`` maps to [0, 1]; between rounds the weight ``c`` is
    searched for that is just enough. The margin is the goal's, demands on
    confidence included.

    Args:
        steps: in each round, a gradient each.
        rounds: weights that are tried.
        step_size: learning rate of Adam, dimensionless.
        first_c: first weight; ten times as much until one is enough.
        kappa: margin that the descent aims at, in logits. What is kept is still
            the nearest image that reaches the goal: to be sure of a certain
            answer ask for a ``confident`` goal.

    Returns:
        An attack of ``steps * rounds`` steps that keeps the nearest image that
        reaches the goal.

    Raises:
        ValueError: if a number is out of its range.

    Source:
        Carlini & Wagner, 2017, arXiv:1608.04644, section VI-A.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.carlini_wagner(steps=30, rounds=4, first_c=1.0)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> found.l2.shape
        (5,)
    """
    steps, rounds = checks.count("steps", steps), checks.count("rounds", rounds)
    trade = Trade(
        checks.positive("first_c", first_c),
        checks.positive("step_size", step_size),
        checks.not_negative("kappa", kappa),
        float(steps),
    )
    return Attack(trade, _start, _descend, steps * rounds, better="l2")
