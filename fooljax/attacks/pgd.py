"""Perturbations inside a ball: FGSM, BIM and PGD in the maximum and the Euclidean norm."""

import functools
import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax.attacks import goals
from fooljax.attacks.attack import (
    Attack,
    Loss,
    Passes,
    Point,
    RandomKeys,
    gradient_of,
    per_image,
)
from fooljax.attacks.goals import Goal
from fooljax.types import Classifier, Images, Logits, RandomKey

Norm: TypeAlias = Literal["linf", "l2"]


class Ball(NamedTuple):
    """Numbers of a PGD attack, in units of [0, 1].

    Attributes:
        epsilon: radius of the ball.
        step_size: length of a step, in the norm of the ball.
        momentum: share of the last direction that is kept, in [0, 1).
    """

    epsilon: Any
    step_size: Any
    momentum: Any


def _divide(images: Images, sizes: Array) -> Images:
    """Divide each image by its size; those of size 0 stay 0."""
    return images / per_image(jnp.where(sizes > 0.0, sizes, 1.0))


def _lengths(images: Images) -> Array:
    return jnp.linalg.norm(images.reshape(len(images), -1), axis=1)


def project(images: Images, change: Images, epsilon: Float[Array, " b"], norm: Norm) -> Images:
    """Return ``images + change``, moved into the ball around the images and into [0, 1]."""
    if norm == "l2":
        inside = epsilon * (1.0 - 1e-6)  # or rounding leaves the image outside
        length = _lengths(change)
        share = jnp.where(length > inside, inside / length, 1.0)
        return jnp.clip(images + per_image(share) * change, 0.0, 1.0)
    reach = per_image(epsilon)
    moved = jnp.clip(images + jnp.clip(change, -reach, reach), 0.0, 1.0)
    too_far = jnp.abs(moved - images) > reach  # by the rounding of the sum
    return jnp.where(too_far, jnp.nextafter(moved, images), moved)


def _in_cube(key: RandomKey, shape: tuple[int, ...]) -> Array:
    return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)


def _in_ball(key: RandomKey, shape: tuple[int, ...]) -> Array:
    """Draw uniformly from the unit ball (``jax.random.ball`` takes seconds to compile)."""
    key_direction, key_radius = jax.random.split(key)
    direction = jax.random.normal(key_direction, shape)
    radius = jax.random.uniform(key_radius) ** (1.0 / math.prod(shape))
    return radius * direction / jnp.linalg.norm(direction.ravel())


def _start(keys: RandomKeys, ball: Ball, images: Images, norm: Norm, random_start: bool) -> Point:
    direction = jnp.zeros_like(images)
    if not random_start:
        return Point(images, direction)
    draw = _in_cube if norm == "linf" else _in_ball
    change = jax.vmap(lambda key: draw(key, images.shape[1:]))(keys)
    change = per_image(ball.epsilon) * change
    return Point(project(images, change, ball.epsilon, norm), direction)


def _climb(
    keys: RandomKeys,
    ball: Ball,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
    norm: Norm,
    loss: Loss,
) -> tuple[Point, Logits, Passes]:
    del keys
    gradient, logits = gradient_of(loss, classifier, goal, point.images)
    gradient = _divide(gradient, jnp.mean(jnp.abs(gradient), axis=(1, 2, 3)))
    direction = per_image(ball.momentum) * point.memory + gradient
    uphill = jnp.sign(direction) if norm == "linf" else _divide(direction, _lengths(direction))
    change = point.images + per_image(ball.step_size) * uphill - images
    return Point(project(images, change, ball.epsilon, norm), direction), logits, Passes(1, 1)


@functools.cache
def _functions(norm: Norm, random_start: bool, loss: Loss) -> tuple[Callable, Callable]:
    """Equal arguments give the same functions, so equal attacks share a compilation."""
    start = functools.partial(_start, norm=norm, random_start=random_start)
    return start, functools.partial(_climb, norm=norm, loss=loss)


def pgd(
    epsilon: float,
    step_size: float | None = None,
    steps: int = 40,
    *,
    norm: Norm = "linf",
    random_start: bool = False,
    momentum: float = 0.0,
    loss: Loss = goals.cross_entropy,
) -> Attack:
    """Climb the loss by steps of fixed length inside a ball around each image.

    Args:
        epsilon: radius of the ball, in units of [0, 1].
        step_size: length of a step; ``2.5 * epsilon / steps`` unless given.
        steps: number of steps.
        norm: of the ball: ``linf`` (sign steps) or ``l2``.
        random_start: start from a random point of the ball instead of the image.
        momentum: share of the last direction that is kept, in [0, 1).
        loss: ``(goal, logits, num_classes) -> [b]``, raised; ``margin`` is another.

    Returns:
        An attack that keeps the image with the largest margin.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Madry et al., 2018, arXiv:1706.06083. Kurakin et al., 2017,
        arXiv:1607.02533 (BIM: no random start). Dong et al., 2018,
        arXiv:1710.06081 (momentum).
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if not epsilon >= 0.0:
        raise ValueError(f"epsilon must not be negative, got {epsilon}")
    step_size = 2.5 * epsilon / steps if step_size is None else step_size
    if not step_size >= 0.0:
        raise ValueError(f"step_size must not be negative, got {step_size}")
    if not 0.0 <= momentum < 1.0:
        raise ValueError(f"momentum must be in [0, 1), got {momentum}")
    if norm not in ("linf", "l2"):
        raise ValueError(f"norm must be linf or l2, got {norm!r}")
    init, step = _functions(norm, random_start, loss)
    ball = Ball(float(epsilon), float(step_size), float(momentum))
    return Attack(ball, init, step, steps, better="margin")


def fgsm(epsilon: float, *, loss: Loss = goals.cross_entropy) -> Attack:
    """Move every number by ``epsilon`` along the sign of the gradient, once.

    Args:
        epsilon: in units of [0, 1].
        loss: ``(goal, logits, num_classes) -> [b]``, raised; ``margin`` is another.

    Raises:
        ValueError: if ``epsilon`` is negative.

    Source:
        Goodfellow et al., 2015, arXiv:1412.6572.
    """
    return pgd(epsilon, epsilon, 1, loss=loss)
