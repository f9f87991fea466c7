"""DeepFool: the nearest wrong answer, by walking to the nearest linearized boundary."""

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, is_flat, per_image
from fooljax.attacks.goals import Goal
from fooljax.types import Classifier, Images, Logits

_LEAST = 1e-6  # of a step over a boundary, in the norm
_DOUBLINGS = 40.0  # of it, at most


class Overshoot(NamedTuple):
    """The one number of DeepFool.

    Attributes:
        overshoot: share by which the perturbation is stretched past the boundary.
    """

    overshoot: Array | float


class Course(NamedTuple):
    """What a walk remembers of each sample.

    Attributes:
        change: the perturbation so far, before it is stretched, ``[b, h, w, c]``.
        margin: of the point before this one, ``[b]``; inf at first.
        ties: looks in a row at which nothing had moved, ``[b]``.
    """

    change: Images
    margin: Float[Array, " b"]
    ties: Float[Array, " b"]


def _start(keys: RandomKeys, budget: Overshoot, images: Images) -> Point:
    del keys, budget
    none = jnp.zeros(len(images), jnp.float32)
    return Point(images, Course(jnp.zeros_like(images), none + jnp.inf, none))


def _told_apart(logits: Logits) -> Float[Array, " b"]:
    """Return the least difference that the logits' type can tell apart at their size."""
    size = jnp.abs(logits).astype(jnp.float32)
    largest = jnp.max(jnp.where(jnp.isfinite(size), size, 0.0), axis=1)
    return float(jnp.finfo(logits.dtype).eps) * largest


def _walk(
    keys: RandomKeys,
    budget: Overshoot,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
    norm: Literal["l2", "linf"],
    candidates: int,
) -> tuple[Point, Logits, Passes]:
    """One pass forward and one backward for each candidate class.

    A step ends a little beyond the boundary, by what the logits' type can tell apart,
    or two classes tie. Where they tie all the same, or nothing has moved, because the
    network calculates more coarsely than its answer shows, the next step goes twice
    as far beyond.
    """
    del keys
    was: Course = point.memory
    k = classifier.num_classes
    if goal.targeted or k < 2:
        raise ValueError(
            "DeepFool looks for the nearest other class: give it a leave goal and two classes"
        )
    candidates = min(candidates, k - 1)
    logits, pull = jax.vjp(classifier, point.images)
    leads, pull_leads = jax.vjp(lambda logits: goals.leads(goal, logits, k), logits)
    short, classes = jax.lax.top_k(leads[:, :k], candidates)

    def toward(rival: Array) -> Array:
        return pull(*pull_leads(jax.nn.one_hot(rival, leads.shape[1], dtype=leads.dtype)))[0]

    slopes = jax.vmap(toward, in_axes=1)(classes)  # [r, b, h, w, c]
    slopes = jnp.where(jnp.isfinite(slopes), slopes, 0.0)
    flat = slopes.reshape(*slopes.shape[:2], -1)
    dual = jnp.linalg.norm(flat, ord=2 if norm == "l2" else 1, axis=2)
    far = jnp.where(dual > 0.0, jnp.maximum(-short.T, 0.0) / dual, jnp.inf)
    nearest = jnp.argmin(jnp.where(jnp.isnan(far), jnp.inf, far), axis=0)
    pick = lambda table: jax.vmap(lambda row, i: row[i], in_axes=(1, 0))(table, nearest)
    slope, length, way = pick(slopes), pick(dual), pick(far)
    unit = slope / per_image(length, slope) if norm == "l2" else jnp.sign(slope)
    coarse, margin = _told_apart(logits), short[:, 0]
    tied = (margin >= -coarse) | (margin == was.margin)
    ties = jnp.where(tied, was.ties + 1.0, 0.0)
    beyond = _LEAST + coarse / jnp.where(length > 0.0, length, 1.0)
    beyond = beyond * 2.0 ** jnp.minimum(ties, _DOUBLINGS)
    step = per_image(way * (1.0 + 1e-5) + beyond, unit) * unit
    change = was.change + jnp.where(per_image(jnp.isfinite(way), step), step, 0.0)
    moved = jnp.clip(
        images + per_image(jnp.asarray(1.0 + budget.overshoot), images) * change, 0.0, 1.0
    )
    flat = jnp.where(jnp.all(jax.vmap(is_flat)(slopes), axis=0), candidates, 0)
    return Point(moved, Course(change, margin, ties)), logits, Passes(1, candidates, flat)


@functools.cache
def _step(norm: Literal["l2", "linf"], candidates: int) -> Callable:
    return functools.partial(_walk, norm=norm, candidates=candidates)


def deepfool(
    steps: int = 50,
    *,
    norm: Literal["l2", "linf"] = "l2",
    overshoot: float = 0.02,
    candidates: int = 10,
) -> Attack:
    """Find the nearest image with another label; for ``leave`` goals.

    The boundary that it walks to is that of the goal: a ``confident`` goal, or a
    network that may reject, has a farther one. It steps over it by as much as the
    type of the logits can tell apart, so that a network in half precision is not left
    at a tie.

    Args:
        steps: at most so many linearizations; most images need fewer than five.
        norm: in which "near" is meant, ``l2`` or ``linf``.
        overshoot: share by which the perturbation is stretched past the
            boundary.
        candidates: only boundaries to this many likeliest other classes are
            looked at.

    Returns:
        An attack that stops at the first image that reaches the goal.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Moosavi-Dezfooli et al., 2016, arXiv:1511.04599.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.deepfool()
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool(found.success.all())
        True
    """
    steps = checks.count("steps", steps)
    candidates = checks.count("candidates", candidates)
    overshoot = checks.not_negative("overshoot", overshoot)
    checks.choice("norm", norm, ("l2", "linf"))
    return Attack(Overshoot(overshoot), _start, _step(norm, candidates), steps, norm, stops=True)
