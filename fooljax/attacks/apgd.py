"""APGD: PGD that chooses its own step size, from how the loss went."""

from typing import Any, Literal, NamedTuple, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array

from fooljax import checks
from fooljax.attacks import goals, losses, scale
from fooljax.attacks.attack import (
    Attack,
    Loss,
    Passes,
    Point,
    RandomKeys,
    gradient_of,
    is_flat,
    per_image,
)
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import Norm, project, start_in_ball, start_on_surface, uphill
from fooljax.types import Bound, Classifier, Images, Logits

RandomStart: TypeAlias = bool | Literal["surface"]

_MOMENTUM = 0.75  # share of a step that is new
_LEAST_RISES = 0.75  # share of steps that must raise the loss, or the step size is halved


class Schedule(NamedTuple):
    """Numbers of an APGD attack.

    Attributes:
        epsilon: radius of the ball, in units of [0, 1].
        target: wrong class that a ``leave`` goal is climbed toward; -1 if any.
        first_gap: steps before the step size is looked at for the first time.
        sooner: by how many steps each later look follows sooner.
        least_gap: least number of steps between two looks.
    """

    epsilon: Any
    target: Any
    first_gap: Any
    sooner: Any
    least_gap: Any


class Course(NamedTuple):
    """What a climb remembers of each sample; numbers are ``[b]``.

    Attributes:
        last: the image before this one.
        top: the image with the highest loss so far.
        top_slope: the gradient there.
        top_loss: the loss there.
        loss: that of the image before this one.
        rises: steps since the last look that raised the loss.
        taken: steps since the last look.
        gap: steps from the last look to the next one, a fraction too.
        next_look: steps after which it comes, rounded up.
        step_size: in the norm of the ball, in units of [0, 1].
        checked_loss: ``top_loss`` at the last look.
        halved: 1 if the last look halved the step size.
        total: steps taken.
        factor: what log-odds multiply the logits by; 0 before the first step.
    """

    last: Images
    top: Images
    top_slope: Images
    top_loss: Array
    loss: Array
    rises: Array
    taken: Array
    gap: Array
    next_look: Array
    step_size: Array
    checked_loss: Array
    halved: Array
    total: Array
    factor: Array


def _start(
    norm: Norm, random_start: RandomStart, keys: RandomKeys, schedule: Schedule, images: Images
) -> Point:
    here = images
    if random_start:
        draw = start_on_surface if random_start == "surface" else start_in_ball
        here = draw(keys, schedule.epsilon, images, norm)
    none = jnp.zeros(len(images), jnp.float32)
    lowest = jnp.full(len(images), -jnp.inf, jnp.float32)
    course = Course(
        last=here,
        top=here,
        top_slope=jnp.zeros_like(here),
        top_loss=lowest,
        loss=lowest,
        rises=none,
        taken=none,
        gap=schedule.first_gap,
        next_look=schedule.first_gap,
        step_size=2.0 * schedule.epsilon,
        checked_loss=lowest,
        halved=none,
        total=none,
        factor=none,
    )
    return Point(here, course)


def _climb(
    norm: Norm,
    loss: Loss | None,
    keys: RandomKeys,
    schedule: Schedule,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """Look at the point, perhaps halve the step size and go back, then take a step."""
    del keys
    was = point.memory

    def held(logits: Logits, num_classes: int) -> Array:
        return jnp.where(was.factor > 0.0, was.factor, scale.climbed(logits, num_classes))

    def odds(goal: Goal, logits: Logits, num_classes: int) -> Array:
        # losses are compared from step to step, so the factor stays that of the start
        factor = held(logits, num_classes)
        return goals.log_odds(goal, scale.multiply(factor, logits), num_classes)

    def climbed(goal: Goal, logits: Logits, num_classes: int) -> Array:
        plain = (loss or odds)(goal, logits, num_classes)
        if goal.targeted:
            return plain
        toward = losses.dlr_toward(schedule.target, goal, logits, num_classes)
        return jnp.where(schedule.target >= 0.0, toward, plain)

    slope, logits = gradient_of(climbed, classifier, goal, point.images)
    flat = is_flat(slope)
    here_loss = climbed(goal, logits, classifier.num_classes)
    first = was.total == 0.0

    higher = here_loss > was.top_loss
    pick = lambda condition, new, old: jnp.where(per_image(condition, new), new, old)
    top = pick(higher, point.images, was.top)
    top_slope = pick(higher, slope, was.top_slope)
    top_loss = jnp.where(higher, here_loss, was.top_loss)
    rises = was.rises + jnp.where(first, 0.0, here_loss > was.loss)
    taken = was.taken + jnp.where(first, 0.0, 1.0)

    # the loss to beat by the first look is that of the start
    checked_loss = jnp.where(first, here_loss, was.checked_loss)
    look = was.total >= was.next_look - 1e-3  # sums of fractions are not exact
    stalls = (was.halved == 0.0) & (checked_loss >= top_loss)
    halve = look & ((rises < _LEAST_RISES * taken) | stalls)
    step_size = jnp.where(halve, 0.5 * was.step_size, was.step_size)
    here = pick(halve, top, point.images)
    slope = pick(halve, top_slope, slope)

    ahead = here + per_image(step_size, here) * uphill(slope, norm)
    ahead = project(images, ahead - images, schedule.epsilon, norm)
    share = per_image(jnp.where(first, 1.0, _MOMENTUM), here)
    change = here + share * (ahead - here) + (1.0 - share) * (here - was.last) - images
    gap = jnp.maximum(was.gap - schedule.sooner, schedule.least_gap)
    course = Course(
        last=here,
        top=top,
        top_slope=top_slope,
        top_loss=top_loss,
        loss=here_loss,
        rises=jnp.where(look, 0.0, rises),
        taken=jnp.where(look, 0.0, taken),
        gap=jnp.where(look, gap, was.gap),
        next_look=was.next_look + jnp.where(look, gap, 0.0),
        step_size=step_size,
        checked_loss=jnp.where(look, top_loss, checked_loss),
        halved=jnp.where(look, jnp.float32(halve), was.halved),
        total=was.total + 1.0,
        factor=held(logits, classifier.num_classes),
    )
    moved = project(images, change, schedule.epsilon, norm)
    return Point(moved, course), logits, Passes(1, 1, flat)


def apgd(
    epsilon: float,
    steps: int = 100,
    *,
    norm: Norm = "linf",
    loss: Loss | None = None,
    random_start: RandomStart = True,
    target: int = -1,
) -> Attack:
    """Climb the loss inside a ball with momentum and a step size that halves by itself.

    The first steps are ``2 * epsilon`` long. At fixed steps, closer together as
    the attack goes on, it looks back: if fewer than three quarters of the steps
    raised the loss, or the best loss stood still, the step size is halved and
    the attack goes on from the best image.

    Args:
        epsilon: radius of the ball, in units of [0, 1].
        steps: number of steps, by which the looks are spaced.
        norm: of the ball: ``linf`` (sign steps) or ``l2``.
        loss: ``(goal, logits, num_classes) -> [b]``, raised; ``dlr`` is one. Unless given,
            the log-odds of success, of logits multiplied by one number for each image that
            brings those of the start to one spread (see ``scale``).
        random_start: start from a random point of the ball instead of the image, or of its
            ``"surface"``, as AutoAttack does.
        target: for ``leave`` goals: climb the ratio ``losses.dlr_toward`` this
            wrong class, whatever the loss; what counts as success stays the
            same. -1 for none. The budget's ``target`` may be an array with a
            class for each sample.

    Returns:
        An attack that keeps the image with the largest margin.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Croce & Hein, 2020, arXiv:2003.01690, algorithm 1 and section 4.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.apgd(0.1, steps=20)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool((found.linf <= 0.1 + 1e-6).all())
        True
    """
    steps = checks.count("steps", steps)
    epsilon = checks.radius(epsilon, norm)
    target = checks.count("target", target, -1)
    checks.choice("norm", norm, ("linf", "l2"))
    if not isinstance(random_start, bool):
        checks.choice("random_start", random_start, ("surface",))
    if loss is not None:
        checks.function("loss", loss, "(goal, logits, num_classes) -> [b]")
    gaps = max(0.22 * steps, 1.0), 0.03 * steps, max(0.06 * steps, 1.0)
    init, step = Bound(_start, (norm, random_start)), Bound(_climb, (norm, loss))
    return Attack(Schedule(epsilon, float(target), *gaps), init, step, steps, "margin")
