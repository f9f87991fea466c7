"""DeepFool: the nearest wrong answer, by walking to the nearest linearized boundary."""

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, per_image
from fooljax.attacks.goals import Goal
from fooljax.types import Classifier, Images, Logits


class Overshoot(NamedTuple):
    """The one number of DeepFool.

    Attributes:
        overshoot: share by which the perturbation is stretched past the boundary.
    """

    overshoot: Array | float


def _start(keys: RandomKeys, budget: Overshoot, images: Images) -> Point:
    del keys, budget
    return Point(images, jnp.zeros_like(images))


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
    """One pass forward and one backward for each candidate class."""
    del keys
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
    unit = slope / per_image(length) if norm == "l2" else jnp.sign(slope)
    # a little further, or rounding leaves the image on the boundary
    step = per_image(way * (1.0 + 1e-5) + 1e-6) * unit
    change = point.memory + jnp.where(per_image(jnp.isfinite(way)), step, 0.0)
    moved = jnp.clip(images + per_image(1.0 + budget.overshoot) * change, 0.0, 1.0)
    return Point(moved, change), logits, Passes(1, candidates)


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
    network that may reject, has a farther one.

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
    """
    steps = checks.count("steps", steps)
    candidates = checks.count("candidates", candidates)
    overshoot = checks.not_negative("overshoot", overshoot)
    checks.choice("norm", norm, ("l2", "linf"))
    return Attack(Overshoot(overshoot), _start, _step(norm, candidates), steps, norm, stops=True)
