"""JSMA: few values changed, the pair first that helps the target most and the others least."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, is_flat
from fooljax.attacks.goals import Goal
from fooljax.types import Bound, Classifier, Images, Logits


class Changes(NamedTuple):
    """Numbers of JSMA.

    Attributes:
        epsilon: values that may change.
        theta: by how much a value changes at once; negative to darken.
    """

    epsilon: Any
    theta: Any


def _start(keys: RandomKeys, budget: Changes, images: Images) -> Point:
    del keys, budget
    return Point(images, ())


def _change(
    pairs: bool,
    keys: RandomKeys,
    budget: Changes,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """Change the values with the largest saliency; nothing where none has any."""
    del keys
    here = point.images
    wanted, others, logits = _derivatives(classifier, goal, here)
    rows = lambda array: array.reshape(len(here), -1)
    theta = jnp.asarray(budget.theta)[:, None]
    sign, now = jnp.sign(theta), rows(here)
    changed = now != rows(images)
    # new values only while there is room for as many as are chosen together
    left = jnp.asarray(budget.epsilon) - jnp.sum(changed, axis=1)
    free = changed | (left >= (2 if pairs else 1))[:, None]
    free &= now != jnp.where(theta > 0.0, 1.0, 0.0)
    pick = jax.vmap(best_pair if pairs else best_single)
    chosen = pick(sign * rows(wanted), -sign * rows(others), free)
    found = jnp.where(chosen, jnp.clip(now + theta, 0.0, 1.0), now).reshape(here.shape)
    return Point(found, ()), logits, Passes(1, 2, is_flat(wanted))


def _derivatives(
    classifier: Classifier, goal: Goal, images: Images
) -> tuple[Images, Images, Logits]:
    """Return the derivatives of the wanted logit and of the sum of all others, and the logits."""

    def both(images: Images) -> tuple[tuple[Array, Array], Logits]:
        logits = classifier(images)
        asked = goals.answer(goal, logits, classifier.num_classes)
        asked = jax.lax.stop_gradient(asked)[:, None]
        wanted = jnp.take_along_axis(logits, asked, axis=1)[:, 0]
        return (jnp.sum(wanted), jnp.sum(logits) - jnp.sum(wanted)), logits

    _, back, logits = jax.vjp(both, images, has_aux=True)
    one, none = jnp.ones((), logits.dtype), jnp.zeros((), logits.dtype)
    slopes = [back(which)[0] for which in ((one, none), (none, one))]
    wanted, others = (jnp.where(jnp.isfinite(slope), slope, 0.0) for slope in slopes)
    return wanted, others, logits


def best_pair(
    wanted: Float[Array, " n"], against: Float[Array, " n"], free: Bool[Array, " n"]
) -> Bool[Array, " n"]:
    """Mark the two values whose saliency together is largest; none if no two have any.

    The saliency of two is ``(w_i + w_j) (a_i + a_j)`` where both sums are positive. It
    grows with each of the four numbers, so a value that two others surpass in both of
    its numbers need not be looked at. Only the few that are left are paired with all:
    nothing of ``n x n`` numbers is ever made.

    Args:
        wanted: by how much the target gains when a value changes.
        against: by how much the other classes together lose.
        free: which values may be chosen.
    """
    places = jnp.arange(len(wanted), dtype=jnp.int32)
    wanted, against = (jnp.where(free, one, -jnp.inf) for one in (wanted, against))
    order = jnp.lexsort((-against, -wanted)).astype(jnp.int32)
    gains, losses = wanted[order], against[order]
    kept = _not_surpassed(losses)
    candidates = jnp.argsort(~kept, stable=True).astype(jnp.int32)

    def pair(index: Array, best: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        one = candidates[index]
        gain, loss = gains[one] + gains, losses[one] + losses
        worth = jnp.where((places != one) & (gain > 0.0) & (loss > 0.0), gain * loss, 0.0)
        other = jnp.argmax(worth).astype(jnp.int32)
        better = worth[other] > best[0]
        now = (worth[other], one, other)
        return jax.tree.map(lambda new, old: jnp.where(better, new, old), now, best)

    none = (jnp.zeros((), gains.dtype), jnp.int32(0), jnp.int32(0))
    worth, one, other = jax.lax.fori_loop(0, jnp.sum(kept, dtype=jnp.int32), pair, none)
    return (worth > 0.0) & ((places == order[one]) | (places == order[other]))


def _not_surpassed(numbers: Float[Array, " n"]) -> Bool[Array, " n"]:
    """Mark the numbers that fewer than two before them are at least as large as."""

    def two_largest(left: tuple[Array, Array], right: tuple[Array, Array]) -> tuple[Array, Array]:
        first = jnp.maximum(left[0], right[0])
        second = jnp.maximum(jnp.minimum(left[0], right[0]), jnp.maximum(left[1], right[1]))
        return first, second

    none = jnp.full_like(numbers, -jnp.inf)
    _, second = jax.lax.associative_scan(two_largest, (numbers, none))
    return numbers > jnp.concatenate([none[:1], second[:-1]])


def best_single(
    wanted: Float[Array, " n"], against: Float[Array, " n"], free: Bool[Array, " n"]
) -> Bool[Array, " n"]:
    """Mark the value with the largest saliency of its own; none if none has any."""
    worth = jnp.where(free & (wanted > 0.0) & (against > 0.0), wanted * against, 0.0)
    places = jnp.arange(len(worth), dtype=jnp.int32)
    return (worth > 0.0) & (places == jnp.argmax(worth).astype(jnp.int32))


def jsma(
    epsilon: float, *, theta: float = 1.0, steps: int | None = None, pairs: bool = True
) -> Attack:
    """Change the values, two at a time, that raise the target's logit and lower the others.

    The saliency of a pair is what the target's logit gains by its change times what all
    other logits lose together, by gradient; where one of them goes the wrong way it is
    none. A value that has reached its end is out; a sample none of whose pairs has a
    saliency is left alone. An image counts as done with its first success.

    The published attack has a target. Without one, each step goes toward the likeliest
    wrong class of the moment.

    Args:
        epsilon: how many values (pixels times channels) may change; the published gamma
            is this divided by all values.
        theta: by how much each changes at once, in units of [0, 1]; positive ones only
            brighten and negative ones only darken. Below 1 a value may be chosen again.
        steps: pairs that are changed, at most; as many as ``epsilon`` and ``theta`` allow
            unless given.
        pairs: whether two are chosen together, as published, or one at a time.

    Raises:
        ValueError: if a number is out of its range, or theta is 0.

    Source:
        Papernot et al., 2016, arXiv:1511.07528, algorithms 2 and 3.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.jsma(4)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool((16 * found.l0 <= 4).all())
        True
    """
    epsilon = checks.not_negative("epsilon", epsilon)
    theta = checks.between("theta", theta, -1.0, 1.0)
    if theta == 0.0:
        raise ValueError("theta must not be 0, or no value changes; give 1.0 or -1.0")
    if steps is None:
        values = int(epsilon) * int(1.0 / abs(theta) + 0.999)
        steps = max(1, -(-values // 2) if pairs else values)
    steps = checks.count("steps", steps)
    change = Bound(_change, (bool(pairs),))
    return Attack(Changes(epsilon, theta), _start, change, steps, better="margin", stops=True)
