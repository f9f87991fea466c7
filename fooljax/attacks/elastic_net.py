"""EAD: the nearest image in L1, by shrinking the change at every step, with a share of L2."""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.attacks import goals, scale
from fooljax.attacks.attack import (
    Attack,
    Better,
    Passes,
    Point,
    RandomKeys,
    choose,
    gradient_of,
    is_flat,
    per_image,
)
from fooljax.attacks.carlini_wagner import Bracket, next_round
from fooljax.attacks.goals import Goal
from fooljax.attacks.shapes import length
from fooljax.types import Bound, Classifier, Images, Logits


class Trade(NamedTuple):
    """Numbers of the attack.

    Attributes:
        first_c: weight of the margin against the distance, to begin with; logits hundreds
            apart count less (see ``scale``).
        beta: weight of the L1 norm against the squared L2 norm, and by how much every
            change shrinks at a step, in units of [0, 1].
        step_size: share of the gradient that the first step of a round takes.
        kappa: margin that is aimed at, in logits.
        steps: in a round, at one weight.
    """

    first_c: Any
    beta: Any
    step_size: Any
    kappa: Any
    steps: Any


class Descent(NamedTuple):
    """What the attack remembers of each sample.

    Attributes:
        ahead: where the next gradient is taken, ``[b, h, w, c]``: the image, pushed on by
            what it has moved last.
        bracket: of the search for the weight.
        beta: as in the numbers, for the distance, ``[b]``.
        factor: of the logits (see ``scale``); 0 before the first.
    """

    ahead: Images
    bracket: Bracket
    beta: Float[Array, " b"]
    factor: Float[Array, " b"]


def _start(keys: RandomKeys, trade: Trade, images: Images) -> Point:
    del keys
    none = jnp.zeros(len(images), jnp.float32)
    bracket = Bracket(trade.first_c, none, jnp.full_like(none, jnp.inf), none, none)
    return Point(images, Descent(images, bracket, trade.beta, none))


def _distance(point: Point, images: Images) -> Float[Array, " b"]:
    """Return the elastic net's distance: ``beta * L1 + L2 ** 2``."""
    change = point.images - images
    return point.memory.beta * length(change, "l1") + length(change, "l2") ** 2


def _shrink(moved: Images, images: Images, beta: Float[Array, " b"]) -> Images:
    """Take ``beta`` from every change: those that are no larger are undone; stay in [0, 1]."""
    change, less = moved - images, per_image(beta, images)
    high, low = jnp.minimum(moved - less, 1.0), jnp.maximum(moved + less, 0.0)
    return jnp.where(change > less, high, jnp.where(change < -less, low, images))


def _descend(
    accelerated: bool,
    keys: RandomKeys,
    trade: Trade,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """Judge the image; after the last step of a round go back, with another weight; then step."""
    del keys
    k = classifier.num_classes
    was: Descent = point.memory
    logits = classifier(point.images)
    margin = goals.margin(goal, logits, k)
    enough = (margin > 0.0) & (margin >= trade.kappa)
    bracket = was.bracket._replace(found=jnp.maximum(was.bracket.found, jnp.float32(enough)))
    over = bracket.taken >= trade.steps
    bracket = choose(over, next_round(bracket), bracket)
    here, ahead = choose(over, (images, images), (point.images, was.ahead))

    def capped(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
        return jnp.minimum(goals.margin(goal, logits, num_classes), trade.kappa)

    slope, logits_ahead = gradient_of(capped, classifier, goal, ahead)
    satisfied = goals.margin(goal, logits_ahead, k) >= trade.kappa
    factor = scale.first(was.factor, logits, k, most=1.0)
    slope_of_all = 2.0 * (ahead - images) - per_image(bracket.c * factor, images) * slope
    rate = trade.step_size * jnp.sqrt(jnp.maximum(1.0 - bracket.taken / trade.steps, 0.0))
    moved = _shrink(ahead - per_image(rate, images) * slope_of_all, images, trade.beta)
    speed = bracket.taken / (bracket.taken + 3.0) if accelerated else jnp.zeros_like(rate)
    bracket = bracket._replace(taken=bracket.taken + 1.0)
    ahead = moved + per_image(speed, images) * (moved - here)
    flat = is_flat(slope) & ~satisfied
    return Point(moved, Descent(ahead, bracket, was.beta, factor)), logits, Passes(2, 1, flat)


def elastic_net(
    steps: int = 1000,
    *,
    rounds: int = 9,
    beta: float = 1e-3,
    rule: Literal["en", "l1"] = "en",
    step_size: float = 0.01,
    first_c: float = 1e-3,
    kappa: float = 0.0,
    accelerated: bool = True,
) -> Attack:
    """Find an image that reaches the goal and is near in L1 and L2 together.

    Every round minimizes ``|x - x0|_2^2 + beta * |x - x0|_1 + c * max(kappa - margin, 0)``:
    a step down the gradient of all but the L1 norm, then every change shrinks by ``beta``,
    so that most of them are 0. Step sizes fall to 0 by a square root. Between rounds the
    weight ``c`` is searched for that is just enough; each begins at the image.

    Args:
        steps: in each round, a gradient and two forward passes each.
        rounds: weights that are tried.
        beta: weight of L1, and how much each change shrinks at a step, in units of [0, 1].
        rule: which image that reaches the goal is kept: the nearest in ``l1``, or by the
            elastic net ``en``, ``beta * L1 + L2^2``.
        step_size: share of the gradient that a round's first step takes.
        first_c: first weight of the margin; ten times as much until one is enough.
        kappa: margin that the descent aims at, in logits; what is kept is still the
            nearest image that reaches the goal.
        accelerated: take gradients ahead of the image, in the direction of its last move
            (FISTA); without, at the image itself (ISTA).

    Returns:
        An attack of ``steps * rounds`` steps.

    Raises:
        ValueError: if a number is out of its range or the rule is unknown.

    Source:
        Chen et al., 2018, arXiv:1709.04114, algorithm 1. Beck & Teboulle, 2009, SIAM J.
        Imaging Sci. 2(1) (FISTA).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.elastic_net(steps=30, rounds=4, first_c=1.0)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> found.l1.shape
        (5,)
    """
    steps, rounds = checks.count("steps", steps), checks.count("rounds", rounds)
    checks.choice("rule", rule, ("en", "l1"))
    trade = Trade(
        checks.positive("first_c", first_c),
        checks.not_negative("beta", beta),
        checks.positive("step_size", step_size),
        checks.not_negative("kappa", kappa),
        float(steps),
    )
    better: Better = _distance if rule == "en" else "l1"
    step = Bound(_descend, (bool(accelerated),))
    return Attack(trade, _start, step, steps * rounds, better=better)
