"""Perturbations inside a ball: FGSM, BIM and PGD in the maximum norm, L2 and L1."""

import math
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from optax import projections

from fooljax import chance, checks
from fooljax.attacks import losses
from fooljax.attacks.attack import (
    Attack,
    Loss,
    Passes,
    Point,
    RandomKeys,
    axes_of,
    gradient_of,
    is_flat,
    per_image,
)
from fooljax.attacks.goals import Goal
from fooljax.types import Bound, Classifier, Images, Logits, RandomKey

Norm: TypeAlias = Literal["linf", "l2"]
AnyNorm: TypeAlias = Literal["linf", "l2", "l1"]

_TINY = 1e-12


class Ball(NamedTuple):
    """Numbers of a PGD attack, in units of [0, 1].

    Attributes:
        epsilon: radius of the ball.
        step_size: length of a step, in the norm of the ball.
        momentum: share of the last direction that is kept, in [0, 1).
        sparsity: share of the numbers that a step in L1 leaves as they are.
    """

    epsilon: Any
    step_size: Any
    momentum: Any
    sparsity: Any


def _divide(images: Images, sizes: Array) -> Images:
    """Divide each image by its size; those of size 0 stay 0."""
    return images / per_image(jnp.where(sizes > 0.0, sizes, 1.0), images)


def _lengths(images: Images) -> Array:
    return jnp.linalg.norm(images.reshape(len(images), -1), axis=1)


def project(images: Images, change: Images, epsilon: Float[Array, " b"], norm: AnyNorm) -> Images:
    """Return ``images + change``, moved into the ball around the images and into [0, 1]."""
    if norm == "l1":
        return _project_l1(images, change, epsilon)
    if norm == "l2":
        # every number is rounded by up to 2^-25, which may leave the image outside
        rounding = 2.0**-25 * math.sqrt(math.prod(images.shape[1:]))
        inside = jnp.maximum(epsilon * (1.0 - 1e-6) - rounding, 0.0)
        length = _lengths(change)
        share = jnp.where(length > inside, inside / length, 1.0)
        return jnp.clip(images + per_image(share, images) * change, 0.0, 1.0)
    reach = per_image(epsilon, images)
    moved = jnp.clip(images + jnp.clip(change, -reach, reach), 0.0, 1.0)
    too_far = jnp.abs(moved - images) > reach  # by the rounding of the sum
    return jnp.where(too_far, jnp.nextafter(moved, images), moved)


def _project_l1(images: Images, change: Images, epsilon: Float[Array, " b"]) -> Images:
    """Into [0, 1] first: coming nearer to the images by L1 does not leave it again."""
    inside = epsilon * (1.0 - 1e-5)  # or rounding leaves the image outside
    change = jnp.clip(images + change, 0.0, 1.0) - images
    flat = change.reshape(len(images), -1)
    flat = jax.vmap(projections.projection_l1_ball)(flat, jnp.maximum(inside, _TINY))
    total = jnp.sum(jnp.abs(flat), axis=1)
    change = per_image(jnp.where(total > inside, inside / total, 1.0), images) * flat.reshape(
        images.shape
    )
    moved = jnp.clip(images + change, 0.0, 1.0)
    too_far = jnp.abs(moved - images) > jnp.abs(change)  # by the rounding of the sum
    return jnp.where(too_far, jnp.nextafter(moved, images), moved)


def _steepest(direction: Images, here: Images, sparsity: Float[Array, " b"]) -> Images:
    """Share a step of length 1 in L1 among the steepest numbers that can still move."""
    stuck = jnp.where(direction > 0.0, here >= 1.0, here <= 0.0)
    steepness = jnp.where(stuck, 0.0, jnp.abs(direction)).reshape(len(here), -1)
    size = steepness.shape[1]
    still = jnp.clip(jnp.round(sparsity * size), 0, size - 1).astype(jnp.int32)
    bar = jnp.take_along_axis(jnp.sort(steepness, axis=1), still[:, None], axis=1)
    chosen = ((steepness >= bar) & (steepness > 0.0)).reshape(here.shape)
    return _divide(jnp.sign(direction) * chosen, jnp.sum(chosen, axis=axes_of(chosen)))


def _in_cube(key: RandomKey, shape: tuple[int, ...]) -> Array:
    return chance.uniform(key, shape, minval=-1.0, maxval=1.0)


def _normal(key: RandomKey, shape: tuple[int, ...]) -> Array:
    return chance.normal(key, shape)


def _in_ball(key: RandomKey, shape: tuple[int, ...]) -> Array:
    """Draw uniformly from the unit ball (``jax.random.ball`` takes seconds to compile)."""
    key_direction, key_radius = jax.random.split(key)
    direction = _normal(key_direction, shape)
    radius = jax.random.uniform(key_radius, dtype=jnp.float32) ** (1.0 / math.prod(shape))
    return radius * direction / jnp.linalg.norm(direction.ravel())


def _in_diamond(key: RandomKey, shape: tuple[int, ...]) -> Array:
    """Draw uniformly from the unit ball of L1: exponentials, of which one is left out."""
    key_direction, key_rest = jax.random.split(key)
    direction = jax.random.laplace(key_direction, shape, dtype=jnp.float32)
    return direction / (
        jnp.sum(jnp.abs(direction)) + jax.random.exponential(key_rest, dtype=jnp.float32)
    )


_DRAWS = {"linf": _in_cube, "l2": _in_ball, "l1": _in_diamond}


def start_in_ball(
    keys: RandomKeys, epsilon: Float[Array, " b"], images: Images, norm: AnyNorm
) -> Images:
    """Draw from the ball around each image, uniformly, and move into [0, 1]."""
    change = jax.vmap(lambda key: _DRAWS[norm](key, images.shape[1:]))(keys)
    return project(images, per_image(epsilon, images) * change, epsilon, norm)


def start_on_surface(
    keys: RandomKeys, distance: Float[Array, " b"], images: Images, norm: AnyNorm
) -> Images:
    """Draw from the surface of the ball around each image, and move into [0, 1]."""
    draw = _in_cube if norm == "linf" else _normal
    change = jax.vmap(lambda key: draw(key, images.shape[1:]))(keys)
    order = {"linf": jnp.inf, "l2": 2, "l1": 1}[norm]
    lengths = jnp.linalg.norm(change.reshape(len(change), -1), ord=order, axis=1)
    return project(images, per_image(distance / lengths, images) * change, distance, norm)


def uphill(direction: Images, norm: Norm) -> Images:
    """Return the step of length 1 in the norm that gains most along the direction."""
    if norm == "linf":
        return jnp.sign(direction)
    direction = _divide(direction, jnp.max(jnp.abs(direction), axis=axes_of(direction)))
    return _divide(direction, _lengths(direction))  # squares of 1e-30 would be 0


def _start(
    norm: AnyNorm, random_start: bool, keys: RandomKeys, ball: Ball, images: Images
) -> Point:
    here = start_in_ball(keys, ball.epsilon, images, norm) if random_start else images
    return Point(here, jnp.zeros_like(images))


def _climb(
    norm: AnyNorm,
    loss: Loss,
    keys: RandomKeys,
    ball: Ball,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    del keys
    gradient, logits = gradient_of(loss, classifier, goal, point.images)
    flat = is_flat(gradient)
    gradient = _divide(gradient, jnp.mean(jnp.abs(gradient), axis=axes_of(gradient)))
    direction = per_image(ball.momentum, images) * point.memory + gradient
    if norm == "l1":
        way = _steepest(direction, point.images, ball.sparsity)
    else:
        way = uphill(direction, norm)
    change = point.images + per_image(ball.step_size, images) * way - images
    moved = project(images, change, ball.epsilon, norm)
    return Point(moved, direction), logits, Passes(1, 1, flat)


def pgd(
    epsilon: float,
    step_size: float | None = None,
    steps: int = 40,
    *,
    norm: AnyNorm = "linf",
    random_start: bool = False,
    momentum: float = 0.0,
    sparsity: float = 0.99,
    loss: Loss = losses.success_odds,
) -> Attack:
    """Climb the loss by steps of fixed length inside a ball around each image.

    Args:
        epsilon: radius of the ball, in units of [0, 1].
        step_size: length of a step; ``2.5 * epsilon / steps`` unless given.
        steps: number of steps.
        norm: of the ball: ``linf`` (sign steps), ``l2``, or ``l1`` (a step is
            shared equally among the numbers with the largest gradients that can
            still move inside [0, 1]).
        random_start: start from a random point of the ball instead of the image.
        momentum: share of the last direction that is kept, in [0, 1).
        sparsity: for ``l1``, share of the numbers that a step leaves as they are,
            in [0, 1); at least one number moves.
        loss: ``(goal, logits, num_classes) -> [b]``, raised: ``success_odds``,
            which no scale of the logits flattens, unless given; ``margin``, ``dlr``
            and ``cross_entropy`` are others.

    Returns:
        An attack that keeps the image with the largest margin.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Madry et al., 2018, arXiv:1706.06083. Kurakin et al., 2017,
        arXiv:1607.02533 (BIM: no random start). Dong et al., 2018,
        arXiv:1710.06081 (momentum). Tramer & Boneh, 2019, arXiv:1904.13000,
        section 4 (sparse steps in L1).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.pgd(0.5, steps=20, norm="l2")
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool((found.l2 <= 0.5 + 1e-6).all())
        True
    """
    steps = checks.count("steps", steps)
    epsilon = checks.radius(epsilon, norm)
    step_size = 2.5 * epsilon / steps if step_size is None else step_size
    step_size = checks.not_negative("step_size", step_size)
    momentum = checks.between("momentum", momentum, 0.0, 1.0, "[)")
    sparsity = checks.between("sparsity", sparsity, 0.0, 1.0, "[)")
    checks.choice("norm", norm, ("linf", "l2", "l1"))
    checks.function("loss", loss, "(goal, logits, num_classes) -> [b]")
    init, step = Bound(_start, (norm, random_start)), Bound(_climb, (norm, loss))
    ball = Ball(epsilon, step_size, momentum, sparsity)
    return Attack(ball, init, step, steps, better="margin")


def fgsm(epsilon: float, *, loss: Loss = losses.success_odds_in_one_step) -> Attack:
    """Move every number by ``epsilon`` along the sign of the gradient, once.

    Args:
        epsilon: in units of [0, 1].
        loss: as for ``pgd``.

    Raises:
        ValueError: if ``epsilon`` is negative.

    Source:
        Goodfellow et al., 2015, arXiv:1412.6572.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.fgsm(0.1)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool((found.linf <= 0.1 + 1e-6).all())
        True
    """
    return pgd(epsilon, epsilon, 1, loss=loss)
