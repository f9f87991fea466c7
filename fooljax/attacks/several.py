"""Several networks and one image for all of them: attacked in turn, scored on each."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

from fooljax import checks, interrupts, printing
from fooljax.attacks import attack as loop
from fooljax.attacks.attack import Attack, RandomKeys
from fooljax.attacks.goals import Goal
from fooljax.attacks.result import AttackResult, score_checked
from fooljax.attacks.run import checked, run_checked
from fooljax.data import as_float
from fooljax.types import Classifier, Images, RandomKey


class InTurn(NamedTuple):
    """What came of attacking several networks one after the other.

    Letters: ``r`` rounds, ``m`` networks, ``n`` images.

    Attributes:
        images: ``[n, h, w, c]`` in [0, 1]; of the image before the first turn and
            those after every turn the one whose least margin over the networks is
            largest, never merely the last.
        success: whether it reaches the goal on every network.
        margins: of that image, on every network.
        before: margins of the originals, on every network.
        after: margins after each turn; ``after[r, i, j]`` is what network ``j``
            says once network ``i`` has had its turn in round ``r``.
        forwards: forward passes that each image needed, on all networks together.
        gradients: gradient passes that each image needed.
    """

    images: Images
    success: Bool[Array, " n"]
    margins: Float[Array, "m n"]
    before: Float[Array, "m n"]
    after: Float[Array, "r m m n"]
    forwards: Int32[Array, " n"]
    gradients: Int32[Array, " n"]

    def __repr__(self) -> str:
        """Say in a few lines what came out; the arrays are the fields."""
        arrays = printing.known(self.success, self.margins)
        if arrays is None:
            return printing.shapes(self)
        success, margins = arrays
        alone = ", ".join(f"{share:.0%}" for share in np.mean(margins > 0.0, axis=1)[:8])
        return (
            f"InTurn: {printing.share(success)} images reach the goal on all of "
            f"{len(margins)} networks\n  on each: {alone}"
        )


def in_turn(
    attack: Attack,
    key: RandomKey,
    classifiers: Sequence[Classifier],
    images: Images,
    goal: Goal,
    *,
    rounds: int = 1,
    batch_size: int | None = None,
) -> InTurn:
    """Attack one network after the other, each time from the image found so far.

    For the joint attack, attack ``defenses.ensemble(classifiers, "margins")``. In
    turn, what is won on one network may be lost again on another; ``after`` shows
    it. Budgets and distances count from the originals all the time. From outside
    ``jit``.

    Args:
        attack: what to do at every turn; one that goes on from its start, such as
            ``pgd`` or ``ascent``. (``deepfool`` counts its changes from the
            originals, so it does not.)
        key: sample ``i`` draws from ``fold_in(key, i)``, whatever the batch, and
            anew at every turn; or a key for each sample.
        classifiers: the networks, in the order of their turns.
        images: ``[n, h, w, c]`` in [0, 1].
        goal: of every image, the same on all networks.
        rounds: how many turns each network has.
        batch_size: look at no more images at a time; at all unless given.

    Raises:
        ValueError: if there is no network, they have other classes, or ``run``
            refuses something.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> networks = [fj.models.build("softmax", jax.random.key(i), (4, 4, 1), 3) for i in (0, 1)]
        >>> images = jax.random.uniform(jax.random.key(2), (5, 4, 4, 1))
        >>> goal = fj.attacks.reach(jax.numpy.zeros(5, int))
        >>> attack = fj.attacks.pgd(1.0, steps=20)
        >>> found = fj.attacks.in_turn(attack, jax.random.key(3), networks, images, goal)
        >>> found.margins.shape
        (2, 5)
    """
    checks.kind("attack", attack, Attack)
    rounds = checks.count("rounds", rounds)
    classifiers = checks.classifiers(classifiers)
    _, images, goal = checked(classifiers[0], images, goal)
    key = checks.keys(key, len(images))
    found, spent = [images], []
    for turn in range(rounds * len(classifiers)):
        result = run_checked(
            attack,
            _turn_keys(key, len(images), turn),
            classifiers[turn % len(classifiers)],
            images,
            goal,
            batch_size=batch_size,
            start=found[-1],
        )
        found.append(result.images)
        spent.append((result.forwards, result.gradients))
    looks = [on_each(classifiers, images, goal, one, batch_size=batch_size) for one in found]
    return _summarize(found, [look.margin for look in looks], spent, rounds)


@functools.partial(jax.jit, static_argnames="rounds")
def _summarize(
    found: list[Images], margins: list[Array], spent: list[tuple[Array, Array]], rounds: int
) -> InTurn:
    """Choose each sample's image and add up the passes; index 0 is before the first turn."""
    all_margins = jnp.stack(margins)
    looks, m, n = all_margins.shape
    least = jnp.min(all_margins, axis=1)
    best = jnp.argmax(jnp.where(jnp.isnan(least), -jnp.inf, least), axis=0)  # ties: the earliest
    chosen = jax.vmap(lambda column, i: column[:, i], (2, 0), 1)(all_margins.swapaxes(0, 1), best)
    forwards, gradients = jax.tree.map(lambda *counts: sum(counts), *spent)
    return InTurn(
        images=jax.vmap(lambda column, i: column[i], (1, 0))(jnp.stack(found), best),
        success=jnp.all(chosen > 0.0, axis=0),
        margins=chosen,
        before=all_margins[0],
        after=all_margins[1:].reshape(rounds, m, m, n),
        forwards=forwards + looks * m,
        gradients=gradients,
    )


def on_each(
    classifiers: Sequence[Classifier],
    images: Images,
    goal: Goal,
    found: Images,
    *,
    batch_size: int | None = None,
) -> AttackResult:
    """Score the same images on several networks; from outside ``jit``.

    Args:
        classifiers: the networks; architectures may differ.
        images: the originals ``[n, h, w, c]``, from which distances count.
        goal: of every image.
        found: what was made of them, ``[n, h, w, c]`` in [0, 1].
        batch_size: look at no more images at a time; at all unless given.

    Returns:
        As ``score`` gives it, every leaf with a leading axis for the networks,
        ``[m, n]``; only ``images`` has none.

    Raises:
        ValueError: if there is no network or they have other classes, or
            ``batch_size`` is less than 1.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> networks = [fj.models.build("softmax", jax.random.key(i), (4, 4, 1), 3) for i in (0, 1)]
        >>> images = jax.random.uniform(jax.random.key(2), (5, 4, 4, 1))
        >>> goal = fj.attacks.reach(jax.numpy.zeros(5, int))
        >>> fj.attacks.on_each(networks, images, goal, images).success.shape
        (2, 5)
    """
    classifiers = checks.classifiers(classifiers)
    if batch_size is not None:
        batch_size = checks.count("batch_size", batch_size)
    _, images, goal = checked(classifiers[0], images, goal)
    found = as_float(checks.images(found, classifiers[0].input_shape, "found"))
    count = len(images)
    if len(found) != count:
        raise ValueError(f"found must have an image for each of {count} images, got {len(found)}")
    size = min(batch_size or count, count)
    parts = []
    for first in range(0, count, size):
        interrupts.check()
        # filled up with the last image: no other shape, no other program
        rows = np.minimum(np.arange(first, first + size), count - 1)
        parts.append(_score(classifiers, images, goal, found, rows))
    joined = parts[0] if len(parts) == 1 else _join(parts, count)
    return joined._replace(images=found)


@jax.jit
def _score(
    classifiers: tuple[Classifier, ...], images: Images, goal: Goal, found: Images, rows: Array
) -> AttackResult:
    part = jax.tree.map(lambda leaf: leaf[rows], (images, goal, found))
    nothing = jnp.zeros(0, jnp.float32)  # instead of the images, the same for all
    each = [score_checked(one, *part)._replace(images=nothing) for one in classifiers]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)


@functools.partial(jax.jit, static_argnums=1)
def _join(parts: list[AttackResult], count: int) -> AttackResult:
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves, axis=1)[:, :count], *parts)


@functools.partial(jax.jit, static_argnums=1)
def _turn_keys(key: RandomKey, count: int, turn: int) -> RandomKeys:
    return loop.fold_in(loop.sample_keys(key, count), turn)
