"""Brendel and Bethge's attack: from afar to the boundary, and along it to the nearest place."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import (
    Attack,
    Passes,
    Point,
    RandomKeys,
    gradient_of,
    is_flat,
    per_image,
)
from fooljax.attacks.boundary import approach, distance, first_noise, pick
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import Norm
from fooljax.attacks.trust_region import solve
from fooljax.types import Bound, Classifier, Images, Logits

_SHARE = 2.0**-10  # of the way from the start that the first boundary is exact to
_DRAWS = 20  # noise images tried in a pass, to begin with


class Walk(NamedTuple):
    """Numbers of the walk.

    Attributes:
        from_noise: whether to begin at noise, as published, which no gradient near the image
            can mislead; otherwise at the image itself, which finds nearer ones in fewer
            steps, and at noise only where the gradient is 0 everywhere.
        rate: first radius of the trust region, for each number of an image.
        halvings: of the radius, spread evenly over the steps.
        overshoot: how far beyond the boundary a step aims that comes from before it,
            as a share of the way; 1 is exactly there.
        momentum: share of the last normal of the boundary that is kept, in [0, 1).
        steps: that the halvings are spread over.
    """

    rate: Any
    halvings: Any
    overshoot: Any
    momentum: Any
    steps: Any


class Course(NamedTuple):
    """What the walk remembers of each sample.

    Attributes:
        normal: of the boundary, a running mean, ``[b, ...]``.
        taken: steps along the boundary so far, ``[b]``.
        begun: whether there was a step, ``[b]``.
    """

    normal: Images
    taken: Float[Array, " b"]
    begun: Bool[Array, " b"]


def _start(keys: RandomKeys, walk: Walk, images: Images) -> Point:
    del keys, walk
    none = jnp.zeros(len(images), jnp.float32)
    return Point(images, Course(jnp.zeros_like(images), none, none > 0.0))


def _walk(
    norm: Norm,
    from_noise: bool,
    keys: RandomKeys,
    walk: Walk,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """Step along the boundary, or toward it; the first time, perhaps come to it from afar."""
    k = classifier.num_classes

    def asks(tried: Images) -> Array:
        every = lambda leaf: jnp.repeat(leaf, len(tried) // len(images), axis=0)
        return goals.margin(jax.tree.map(every, goal), classifier(tried), k) > 0.0

    here, course = point.images, point.memory
    slope, logits = gradient_of(goals.margin, classifier, goal, here)
    margin = goals.margin(goal, logits, k)
    reached, begins = margin > 0.0, ~course.begun
    away, flat = distance(images, here, norm) > 0.0, is_flat(slope)
    seeks = begins & ~reached & jnp.isfinite(margin) & (flat | from_noise)

    def come() -> tuple[Images, Array, Array]:
        """Try noise where the start is no success, and halve the way back."""
        noise, found, spent = first_noise(keys, asks, images, _DRAWS)
        moves = (seeks & found) | (begins & reached & away)
        outside, share = pick(seeks, noise, here), jnp.full_like(margin, _SHARE)
        boundary, cost = approach(asks, images, outside, share, moves, norm)
        return boundary, moves, jnp.where(seeks, spent, 0) + cost

    stay = here, jnp.zeros_like(begins), jnp.zeros(len(here), jnp.int32)
    boundary, came, spent = jax.lax.cond(jnp.any(seeks | (begins & reached)), come, lambda: stay)

    kept = per_image(jnp.where(course.taken > 0.0, walk.momentum, 0.0), here)
    normal = kept * course.normal + (1.0 - kept) * slope
    size = images.size / len(images)
    radius = walk.rate * size * 0.5 ** jnp.floor(walk.halvings * course.taken / walk.steps)
    met = reached | (course.taken > 0.0)
    radius = jnp.where(met, radius, math.sqrt(size))  # no step is longer, inside [0, 1]
    aim = -jnp.where(reached, 2.0 - walk.overshoot, walk.overshoot) * margin
    # the original itself, already at the goal, is as near as can be
    goes = jnp.isfinite(margin) & ~(reached & ~away)
    # until then straight to the boundary: pulled back to the original, it may never come to it
    near = pick(met, images, here)
    change = solve(near, here, normal, jnp.where(goes, aim, 0.0), radius, norm)
    moved = pick(goes, jnp.clip(here + change, 0.0, 1.0), here)
    taken = jnp.where(met & ~came, course.taken + 1.0, 0.0)
    course = Course(normal, taken, jnp.ones_like(course.begun))
    passes = Passes(1 + spent, 1, flat)
    return Point(pick(came, boundary, moved), course), logits, passes


def brendel_bethge(
    steps: int = 100,
    *,
    norm: Norm = "l2",
    from_noise: bool = True,
    rate: float = 1e-3,
    halvings: int = 10,
    overshoot: float = 1.1,
    momentum: float = 0.8,
) -> Attack:
    """Find a near image that reaches the goal: from afar to the boundary, then along it.

    Each step goes to the place nearest to the original that the linearized boundary has
    inside a trust region and inside [0, 1]; where the boundary is out of reach, as far
    toward it as possible. Before the boundary was met a step
    goes straight to it, however far.

    Give images that reach the goal as ``run(..., start=...)``. Without, the first step
    tries uniform noise and halves the way back to the boundary; where no noise reaches the
    goal, as for most ``reach`` goals, the walk begins at the image itself.

    Args:
        steps: number of steps; the first comes to the boundary.
        norm: in which "near" is meant, ``l2`` or ``linf``.
        from_noise: whether to begin at noise, as published, where no slope near the image can
            mislead. Otherwise the walk begins at the image itself, from which it comes
            nearer in fewer steps, and at noise only where the gradient there is 0.
        rate: first radius of the trust region, for each number of the input: 0.784 in L2
            for a picture of 28 x 28 unless given.
        halvings: of the radius, spread evenly over the steps; published were 20 of 1,000
            steps.
        overshoot: how far beyond the boundary a step aims that comes from before it, as a
            share of the way, in [1, 2); 1 is exactly there.
        momentum: share of the last normal of the boundary that is kept, in [0, 1).

    Returns:
        An attack that keeps the nearest image that reaches the goal. Each step is a
        gradient; the first needs some ten to thirty forward passes besides.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Brendel et al., 2019, arXiv:1907.01003, section 3; the rate, and the momentum of
        the normal, are those of its code.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.brendel_bethge(steps=6)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool(found.success.all())
        True
    """
    steps, halvings = checks.count("steps", steps), checks.count("halvings", halvings, 0)
    rate = checks.positive("rate", rate)
    overshoot = checks.between("overshoot", overshoot, 1.0, 2.0, "[)")
    momentum = checks.between("momentum", momentum, 0.0, 1.0, "[)")
    checks.choice("norm", norm, ("l2", "linf"))
    walk = Walk(rate, float(halvings), overshoot, momentum, float(steps))
    return Attack(walk, _start, Bound(_walk, (norm, bool(from_noise))), steps, better=norm)
