"""FAB: the nearest wrong answer, by steps onto linearized boundaries that lean to the original."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, is_flat, per_image
from fooljax.attacks.goals import Goal
from fooljax.attacks.hyperplane import toward_hyperplane
from fooljax.attacks.pgd import AnyNorm, start_on_surface
from fooljax.types import Bound, Classifier, Images, Logits

_ORDER: dict[str, tuple[Any, Any]] = {  # of the norm, and of the one of slopes that is dual to it
    "linf": (jnp.inf, 1),
    "l2": (2, 2),
    "l1": (1, jnp.inf),
}
_RADIUS = {"linf": 0.3, "l2": 1.0, "l1": 5.0}
_LEAST = 1e-8  # of a distance that another is compared with


class Lean(NamedTuple):
    """Numbers of a FAB attack.

    Attributes:
        overshoot: what a step onto a boundary is multiplied by.
        lean: largest weight of the original in a step.
        backward: share of the change that is kept once the goal is reached, in (0, 1).
        radius: random starts are half as far, or half as far as the nearest image found.
        steps: from one start to the next.
        target: wrong class of a ``leave`` goal that is gone toward; -1 if any.
    """

    overshoot: Any
    lean: Any
    backward: Any
    radius: Any
    steps: Any
    target: Any


class Course(NamedTuple):
    """What a walk remembers of each sample, ``[b]``.

    Attributes:
        taken: steps so far.
        nearest: distance of the nearest image found; inf at first.
    """

    taken: Float[Array, " b"]
    nearest: Float[Array, " b"]


def _lengths(change: Images, order: Any) -> Float[Array, " b"]:
    return jnp.linalg.norm(change.reshape(len(change), -1), ord=order, axis=1)


def _start(keys: RandomKeys, budget: Lean, images: Images) -> Point:
    del keys, budget
    none = jnp.zeros(len(images), jnp.float32)
    return Point(images, Course(none, none + jnp.inf))


def _boundary(
    classifier: Classifier,
    goal: Goal,
    here: Images,
    target: Float[Array, " b"],
    candidates: int,
    dual: Any,
) -> tuple[Float[Array, " b"], Images, Array]:
    """Return by how much the nearest linearized boundary is missed, its slope, what was flat."""
    k = classifier.num_classes
    logits, pull = jax.vjp(classifier, here)
    leads, pull_leads = jax.vjp(lambda logits: goals.leads(goal, logits, k), logits)
    column = jnp.arange(k, dtype=jnp.int32)[None]
    asked = (target[:, None] < 0.0) | (column == target.astype(jnp.int32)[:, None])
    short, classes = jax.lax.top_k(jnp.where(asked, leads[:, :k], -jnp.inf), candidates)

    def toward(rival: Array) -> Array:
        return pull(*pull_leads(jax.nn.one_hot(rival, leads.shape[1], dtype=leads.dtype)))[0]

    if candidates == 1:
        slopes = toward(classes[:, 0])[None]
    else:
        slopes = jax.vmap(toward, in_axes=1)(classes)  # [r, b, h, w, c]
    slopes = jnp.where(jnp.isfinite(slopes), slopes, 0.0)
    steep = jax.vmap(lambda slope: _lengths(slope, dual))(slopes)
    far = jnp.abs(short.T) / jnp.where(steep > 0.0, steep, 1.0)
    far = jnp.where((steep > 0.0) & jnp.isfinite(far), far, jnp.inf)
    nearest = jnp.argmin(far, axis=0)
    pick = lambda table: jax.vmap(lambda row, i: row[i], in_axes=(1, 0))(table, nearest)
    lead = jnp.where(jnp.isfinite(pick(far)), pick(short.T), 0.0)
    flat = jnp.where(jnp.all(jax.vmap(is_flat)(slopes), axis=0), candidates, 0)
    return lead, pick(slopes), flat


def _walk(
    norm: AnyNorm,
    candidates: int,
    starts_again: bool,
    keys: RandomKeys,
    budget: Lean,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """Look at the point, perhaps go back towards the original, then step onto a boundary."""
    k = classifier.num_classes
    if k < 2:
        raise ValueError("FAB looks for the nearest boundary: give it a network of two classes")
    order, dual = _ORDER[norm]
    was: Course = point.memory
    logits = classifier(point.images)
    reached = goals.margin(goal, logits, k) > 0.0
    change = point.images - images
    nearest = jnp.where(reached, jnp.minimum(was.nearest, _lengths(change, order)), was.nearest)
    kept = jnp.where(reached, budget.backward, 1.0)
    here = images + per_image(kept, images) * change
    if starts_again:
        again = (was.taken > 0.0) & (was.taken % budget.steps == 0.0)
        distance = 0.5 * jnp.minimum(budget.radius, nearest)
        begun = start_on_surface(keys, distance, images, norm)
        here = jnp.where(per_image(again, here), begun, here)

    candidates = 1 if goal.targeted else min(candidates, k - 1)
    lead, slopes, flat = _boundary(classifier, goal, here, budget.target, candidates, dual)
    # what the original lacks of the same plane
    lacks = -lead + jnp.sum((slopes * (here - images)).reshape(len(here), -1), axis=1)
    step = toward_hyperplane(here, slopes, -lead, norm)
    from_original = toward_hyperplane(images, slopes, lacks, norm)
    way, way_back = (jnp.maximum(_lengths(one, order), _LEAST) for one in (step, from_original))
    lean = per_image(jnp.minimum(way / (way + way_back), budget.lean), here)
    beyond = per_image(budget.overshoot, here)
    step = (1.0 - lean) * beyond * step + lean * (images - here + beyond * from_original)
    moved = jnp.clip(here + jnp.where(jnp.isfinite(step), step, 0.0), 0.0, 1.0)
    return Point(moved, Course(was.taken + 1.0, nearest)), logits, Passes(2, candidates, flat)


def fab(
    steps: int = 100,
    *,
    norm: AnyNorm = "linf",
    restarts: int = 1,
    radius: float | None = None,
    target: int = -1,
    candidates: int = 10,
    overshoot: float = 1.05,
    lean: float = 0.1,
    backward: float = 0.9,
) -> Attack:
    """Find the nearest image that reaches the goal, in the maximum norm, L2 or L1.

    Every step looks for the nearest linearized boundary, goes a little beyond it, inside
    [0, 1], and leans towards where the original would meet it. An image that reaches the
    goal is moved back towards the original, and the walk goes on along the boundary. There
    is no step size to choose, and the scale of the logits changes nothing.

    Args:
        steps: from each start.
        norm: in which "near" is meant: ``linf``, ``l2`` or ``l1``.
        restarts: number of starts: the image itself, then random points near it.
        radius: of the ball on whose surface, at half its radius, random starts are drawn,
            in units of [0, 1]; less once a nearer image is found. 0.3, 1 or 5 unless given.
        target: for ``leave`` goals: look only at the boundary to this wrong class (FAB-T);
            what counts as success stays the same. -1 for none. The budget's ``target`` may
            be an array with a class for each sample.
        candidates: otherwise, at the boundaries to this many likeliest wrong classes; as
            published at all of them. A ``reach`` goal has but one boundary.
        overshoot: what a step onto a boundary is multiplied by.
        lean: largest weight of the original in a step, in [0, 1].
        backward: share of the change that is kept once the goal is reached, in (0, 1).

    Returns:
        An attack that keeps the nearest image that reaches the goal. Each step is two
        passes forward, and one backward for each boundary that it looks at.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Croce & Hein, 2020, arXiv:1907.02044, algorithm 1, without its final search
        between the image found and the original; with ``target`` as in
        arXiv:2003.01690, section 5.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.fab(20, norm="l2")
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool(found.success.all())
        True
    """
    steps, restarts = checks.count("steps", steps), checks.count("restarts", restarts)
    checks.choice("norm", norm, tuple(_ORDER))
    radius = checks.not_negative("radius", _RADIUS[norm] if radius is None else radius)
    target = checks.count("target", target, -1)
    candidates = 1 if target >= 0 else checks.count("candidates", candidates)
    overshoot = checks.positive("overshoot", overshoot)
    lean = checks.between("lean", lean, 0.0, 1.0)
    backward = checks.between("backward", backward, 0.0, 1.0, "()")
    budget = Lean(overshoot, lean, backward, radius, float(steps), float(target))
    step = Bound(_walk, (norm, candidates, restarts > 1))
    return Attack(budget, _start, step, steps * restarts, better=norm)
