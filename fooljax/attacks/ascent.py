"""Fooling images by gradient ascent: from noise, grey or any image to a certain answer."""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int32

from fooljax import checks
from fooljax.attacks import goals, scale, spaces
from fooljax.attacks.attack import (
    Attack,
    Better,
    Passes,
    Point,
    RandomKeys,
    gradient_of,
    is_flat,
    per_image,
)
from fooljax.attacks.goals import Goal
from fooljax.attacks.regularization import Regularization, regularize, variation_slope
from fooljax.attacks.spaces import Fixed, Moving, Space
from fooljax.attacks.transforms import Transform, transform
from fooljax.types import Bound, Classifier, Images, Logits

Rule: TypeAlias = Literal["progress", "adam"]
Objective: TypeAlias = Literal["probability", "logit"]

_TINY = 1e-30
_FIRST_SPREAD = 5.0  # of logits of noise
_GROWTH = 16.0  # of that spread; then the logits are scaled down, or p would be exactly 1
_ADAM = optax.scale_by_adam()


class Pace(NamedTuple):
    """How an ascent steps, and around which grey it decays.

    Attributes:
        early: gain in probability aimed at while it is low.
        late: share of what is missing to 1 that is aimed at later.
        max_gain: upper limit of the gain in log-probability aimed at.
        max_rate: upper limit of the learning rate, in units of the space.
        center: grey level that decay and dropped pixels go back to.
        step_size: of Adam, in units of the space.
    """

    early: Array | float
    late: Array | float
    max_gain: Array | float
    max_rate: Array | float
    center: Array | float
    step_size: Array | float


class Way(NamedTuple):
    """What is climbed, and where: the arguments of ``ascent`` that are no numbers of it."""

    space: Space
    rule: Rule
    objective: Objective
    regularization: Regularization
    transforms: tuple[Transform, ...]
    diversity: float


class Memory(NamedTuple):
    """Where an ascent stands in its space.

    Attributes:
        moving: what ascends.
        fixed: what belongs to each sample and stays.
        adam: what Adam remembers; None under the other rule.
        done: steps so far.
        spread: of the first logits, or a share of the largest so far; decides the scale.
    """

    moving: Moving
    fixed: Fixed
    adam: Any
    done: Int32[Array, " b"]
    spread: Float[Array, " b"]


def _start(space: Space, rule: Rule, keys: RandomKeys, pace: Pace, begin_at: Any) -> Point:
    del pace
    moving, fixed = space.start(keys, begin_at)
    adam = jax.vmap(_ADAM.init)(moving) if rule == "adam" else None
    done = jnp.zeros(len(jax.tree.leaves(moving)[0]), jnp.int32)
    memory = Memory(moving, fixed, adam, done, jnp.zeros(len(done), jnp.float32))
    return Point(space.paint(moving, fixed), memory)


def _progress(pace: Pace, log_p: Array, slope: Moving) -> Moving:
    """Return the step that gains, to first order, what the pace asks for."""
    p, doubt = jnp.exp(log_p), -jnp.expm1(log_p)
    wanted = jnp.minimum(pace.early, pace.late * doubt)
    square = lambda leaf: jnp.sum(leaf.reshape(len(leaf), -1) ** 2, axis=1)
    steepness = sum(square(leaf) for leaf in jax.tree.leaves(slope))
    # d log p = dp / p, and to first order log p gains length * steepness
    gain = jnp.minimum(wanted / jnp.maximum(p, _TINY), pace.max_gain)
    limit = pace.max_rate * jnp.maximum(p, _TINY)
    return _scaled(slope, jnp.minimum(limit, gain / jnp.maximum(steepness, _TINY)))


def _scaled(tree: Moving, numbers: Array) -> Moving:
    """Multiply every sample's entries by its number."""
    return jax.vmap(lambda number, leaves: jax.tree.map(lambda leaf: number * leaf, leaves))(
        numbers, tree
    )


def _climb(
    way: Way,
    keys: RandomKeys,
    pace: Pace,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    del images
    if not goal.targeted:
        raise ValueError("ascent raises a target's probability: give it a reach goal")
    space, regularization = way.space, way.regularization
    moving, fixed, adam, done, spread = point.memory

    def usual(logits: Logits, num_classes: int) -> tuple[Array, Logits]:
        here = scale.spread(logits, num_classes)
        held = jnp.where(spread > 0.0, jnp.maximum(spread, here / _GROWTH), here)
        factor = scale.unless_usual(held, _FIRST_SPREAD)
        return held, scale.multiply(factor, logits)

    def log_chance(goal: Goal, logits: Logits, num_classes: int) -> Array:
        return goals.cross_entropy(goal, usual(logits, num_classes)[1], num_classes)

    def raised(goal: Goal, logits: Logits, num_classes: int) -> Array:
        # d p = p d log p, and log p keeps a gradient where p is 1e-30 or 1 - 1e-30
        climbs = way.objective == "logit"
        height = goals.logit(goal, logits) if climbs else log_chance(goal, logits, num_classes)
        if way.diversity > 0.0:
            height = height - way.diversity * likeness(goal, logits[:, :num_classes])
        return height

    move = lambda images: transform(way.transforms, keys, images)
    seen, undo = jax.vjp(move, point.images) if way.transforms else (point.images, lambda g: (g,))
    seen, logits = gradient_of(raised, classifier, goal, seen)
    (seen,) = undo(seen)
    flat = is_flat(seen)
    if regularization.total_variation > 0.0:
        answered = per_image(jnp.isfinite(jnp.sum(logits, axis=1)), seen)
        cost = regularization.total_variation * variation_slope(point.images)
        seen = jnp.where(answered, seen - cost, seen)
    _, pull_back = jax.vjp(lambda moving: space.paint(moving, fixed), moving)
    (slope,) = pull_back(seen)
    slope = jax.tree.map(lambda leaf: jnp.where(jnp.isfinite(leaf), leaf, 0.0), slope)
    if way.rule == "adam":
        step, adam = jax.vmap(lambda slope, state: _ADAM.update(slope, state))(slope, adam)
        step = _scaled(step, jnp.asarray(pace.step_size))
    else:
        log_p = log_chance(goal, logits, classifier.num_classes)
        step = _progress(pace, log_p, slope)
    moved = jax.tree.map(jnp.add, moving, step)
    if regularization.changes_pixels:
        center = per_image(jnp.asarray(pace.center), moved)
        moved = center + regularize(moved - center, slope, done, regularization)
    moved = space.settle(moved)
    memory = Memory(moved, fixed, adam, done + 1, usual(logits, classifier.num_classes)[0])
    return Point(space.paint(moved, fixed), memory), logits, Passes(1, 1, flat)


def likeness(goal: Goal, logits: Logits) -> Float[Array, " b"]:
    """Return how alike an image's logits are to those of others with its target, on average.

    Alike is the correlation over all classes, in [-1, 1]; 0 for an image without others.

    Args:
        goal: of a batch ``b``.
        logits: ``[b, k]``.
    """
    rows = logits - jnp.mean(logits, axis=1, keepdims=True)
    rows = rows * jax.lax.rsqrt(jnp.sum(rows**2, axis=1, keepdims=True) + _TINY)
    same = (goal.labels[:, None] == goal.labels[None, :]) & ~jnp.eye(len(rows), dtype=bool)
    return jnp.sum(rows @ rows.T, axis=1, where=same) / jnp.maximum(jnp.sum(same, axis=1), 1)


def ascent(
    steps: int = 500,
    *,
    space: Space | None = None,
    rule: Rule = "progress",
    objective: Objective = "probability",
    transforms: Sequence[Transform] = (),
    diversity: float = 0.0,
    early: float = 0.02,
    late: float = 0.1,
    max_gain: float = 1.0,
    max_rate: float = math.inf,
    center: float = 0.5,
    step_size: float = 0.05,
    regularization: Regularization | None = None,
) -> Attack:
    """Raise the probability of a target class, step by step, without a budget.

    The probability is the network's own, unless its first logits are all but equal or
    hundreds apart: then it is that of logits scaled to a spread of 5, so that
    multiplying them by a number does not stop the ascent.

    The images given to the attack are where it starts: noise, grey, anything
    (a space that cannot begin at images says so).

    Args:
        steps: number of steps.
        space: where to search; ``spaces.pixels()`` unless given.
        rule: ``progress`` aims in each step at a gain in probability of
            ``min(early, late * (1 - p))`` and goes as far as that takes to first
            order; ``adam`` follows Adam.
        objective: ``probability`` of the target, or its ``logit`` whatever the others are,
            which is a unit's activation where classes are units (``models.units``). That
            needs ``adam``, and keeps the image with the largest logit.
        transforms: random changes, another draw in each step, through which the network
            looks: ``(transforms.jitter(8),)``. Then the best image so far is the one that
            did best under its changes.
        diversity: weight of how alike the logits of images with the same target are in the
            batch, `likeness`, which is subtracted from what is raised. With it, and only
            then, an image depends on its batch.
        early: gain aimed at in one step while the probability is low.
        late: share of what is missing to 1 that is aimed at later.
        max_gain: upper limit of the gain in log-probability aimed at in one
            step. From a probability of 1e-12 the rule alone would leap; the
            published settings stop it by ``max_rate`` and then hardly move.
        max_rate: upper limit of the learning rate on the probability, in units
            of the space ([0, 1] for pixels).
        center: grey level that decay and dropped pixels go back to.
        step_size: of Adam, in units of the space.
        regularization: what keeps the image smooth or sparse; nothing unless
            given. A total variation that is paid for counts as part of the
            log-probability raised.

    Returns:
        An attack, for ``reach`` goals, that keeps the image with the largest
        margin, or logit.

    Raises:
        ValueError: if a number is out of its range, the rule or the objective is unknown,
            they do not go together, or the regularization changes pixels in another space.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 3.9 and its published
        code; Olah, Mordvintsev and Schubert, 2017, Feature Visualization (transforms,
        diversity); Yosinski et al., 2015, arXiv:1506.06579 (regularizers); Kingma and
        Ba, 2015, arXiv:1412.6980 (Adam).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> grey, goal = jax.numpy.full((3, 4, 4, 1), 0.5), fj.attacks.reach(jax.numpy.arange(3))
        >>> attack = fj.attacks.ascent(steps=50)
        >>> found = fj.attacks.run(attack, jax.random.key(1), network, grey, goal)
        >>> bool(found.success.all())
        True
    """
    steps = checks.count("steps", steps)
    pace = Pace(
        checks.positive("early", early),
        checks.positive("late", late),
        checks.positive("max_gain", max_gain, infinite=True),
        checks.positive("max_rate", max_rate, infinite=True),
        checks.between("center", center, 0.0, 1.0),
        checks.positive("step_size", step_size),
    )
    checks.choice("rule", rule, ("progress", "adam"))
    checks.choice("objective", objective, ("probability", "logit"))
    if objective == "logit" and rule != "adam":
        raise ValueError('the objective "logit" needs the rule "adam": progress is of probability')
    for one in transforms:
        checks.function("transforms", one, "(key, image) -> image")
    diversity = checks.not_negative("diversity", diversity)
    if space is not None:
        checks.kind("space", space, Space)
    if regularization is not None:
        checks.kind("regularization", regularization, Regularization)
    space, regularization = space or spaces.pixels(), regularization or Regularization()
    if regularization.changes_pixels and space != spaces.pixels():
        raise ValueError("regularization of pixels needs the space of pixels")
    way = Way(space, rule, objective, regularization, tuple(transforms), diversity)
    better: Better = "logit" if objective == "logit" else "margin"
    return Attack(pace, Bound(_start, (space, rule)), Bound(_climb, (way,)), steps, better)
