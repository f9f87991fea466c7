"""One number for robustness: a fixed cascade of attacks, of which the worst case counts."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from fooljax import checks
from fooljax.attacks import findings, goals
from fooljax.attacks.apgd import apgd
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, sample_keys
from fooljax.attacks.diagnostics import diagnose
from fooljax.attacks.goals import Goal
from fooljax.attacks.result import AttackResult
from fooljax.attacks.run import checked, run_checked
from fooljax.attacks.square import square
from fooljax.attacks.standard_result import Stage, StandardResult
from fooljax.types import Classifier, Images, Logits, RandomKey


def standard(
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    epsilon: float,
    *,
    norm: Literal["linf", "l2"] = "linf",
    steps: int = 100,
    targets: int = 9,
    queries: int = 5000,
    batch_size: int = 250,
    on_stage: Callable[[Stage], None] | None = None,
) -> StandardResult:
    """Attack with APGD on the cross-entropy, APGD toward each likely class, then squares.

    Each attack gets the images that resisted all before it, and leaves a sample
    alone once it is fooled. An image that the network rejects is not fooled; one
    at which it answers NaN has not resisted.

    Args:
        key: sample ``i`` draws from ``fold_in(key, i)``, whatever the batch.
        classifier: the network; new weights do not recompile.
        images: ``[n, h, w, c]`` in [0, 1].
        goal: to leave their labels.
        epsilon: radius of the ball, in units of [0, 1].
        norm: of the ball.
        steps: of each APGD.
        targets: APGD is sent toward so many of the wrong classes, the likeliest
            first; 0 for none.
        queries: of the square attack; 0 for none.
        batch_size: images at a time; decides memory and speed only.
        on_stage: called after each stage.

    Returns:
        The worst case of each image, and how many survived each stage.

    Raises:
        ValueError: if the goal is targeted, a number is out of its range, or as
            ``run`` does.

    Source:
        Croce & Hein, 2020, arXiv:2003.01690 (AutoAttack), without its FAB attack
        and with one start of each attack.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> found = fj.attacks.standard(
        ...     jax.random.key(2), network, images, goal, 0.3, steps=10, queries=50
        ... )
        >>> [stage.name for stage in found.stages]
        ['clean', 'apgd', 'apgd toward classes', 'square']
    """
    targets, queries = checks.count("targets", targets, 0), checks.count("queries", queries, 0)
    batch_size = checks.count("batch_size", batch_size)
    classifier, images, goal = checked(classifier, images, goal)
    if goal.targeted:
        raise ValueError("standard asks whether labels can be left: give it a leave goal")
    count = len(images)
    key_attacks, key_checks = jax.random.split(checks.key(key))
    given = _Given(sample_keys(key_attacks, count), images, goal)
    size = min(batch_size, count)

    worst = _attack_rows(_NOTHING, classifier, given, np.arange(count), size)
    right = _resisting(worst).size
    stages = [Stage("clean", count, right, int(worst.forwards.sum()), 0)]
    cascade = _cascade(classifier, given, epsilon, norm, steps, targets, queries, size)
    by_gradient = worst.success
    for name, attacks in cascade.items():
        if on_stage is not None:
            on_stage(stages[-1])
        if name == _FREE:
            by_gradient = worst.success
        worst, stage = _climb_stage(name, attacks, classifier, given, worst, size)
        stages.append(stage)
    if on_stage is not None:
        on_stage(stages[-1])
    found = diagnose(key_checks, classifier, images[:size], jax.tree.map(lambda x: x[:size], goal))
    found += worst.findings
    if _FREE in cascade:
        wins = findings.free_wins(
            np.asarray(by_gradient), np.asarray(worst.success), "square attack"
        )
        found += (wins,) if wins is not None else ()
    return StandardResult(
        jax.tree.map(jnp.asarray, worst),
        tuple(stages),
        right / count,
        _resisting(worst).size / count,
        found,
    )


class _Given(NamedTuple):
    """What belongs to each sample, leaves ``[n, ...]``."""

    keys: RandomKeys
    images: Images
    goal: Goal


_FREE = "square"


def _stay(keys: RandomKeys, budget: Any, images: Images) -> Point:
    del keys, budget
    return Point(images, ())


def _wait(
    keys: RandomKeys,
    budget: Any,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    del keys, budget, images, goal
    return point, classifier(point.images), Passes(1, 0)


_NOTHING = Attack((), _stay, _wait, 0, better="margin")  # looks at the images as they are


def _cascade(
    classifier: Classifier,
    given: _Given,
    epsilon: float,
    norm: Literal["linf", "l2"],
    steps: int,
    targets: int,
    queries: int,
    size: int,
) -> dict[str, list[Attack]]:
    """Return the attacks of each stage; the budgets may have a number for each sample."""
    climb = dataclasses.replace(apgd(epsilon, steps, norm=norm), stops=True)
    cascade = {"apgd": [climb]}
    rivals = min(targets, classifier.num_classes - 1)
    if rivals > 0:
        likely = [
            np.asarray(_likely(classifier, *_take((given.images, given.goal), rows), rivals))
            for rows in _batches(np.arange(len(given.images)), size)
        ]
        classes = np.concatenate(likely)[: len(given.images)].astype(np.float32)
        cascade["apgd toward classes"] = [
            dataclasses.replace(climb, budget=climb.budget._replace(target=toward))
            for toward in classes.T
        ]
    if queries > 0:
        cascade[_FREE] = [square(epsilon, queries, norm=norm)]
    return cascade


def _climb_stage(
    name: str,
    attacks: list[Attack],
    classifier: Classifier,
    given: _Given,
    worst: AttackResult,
    size: int,
) -> tuple[AttackResult, Stage]:
    """Send each attack at what resisted those before it."""
    attacked = _resisting(worst).size
    spent = worst.forwards.sum(), worst.gradients.sum()
    for attack in attacks:
        rows = _resisting(worst)
        if rows.size == 0:
            break
        worst = _merge(worst, rows, _attack_rows(attack, classifier, given, rows, size))
    forwards, gradients = worst.forwards.sum() - spent[0], worst.gradients.sum() - spent[1]
    return worst, Stage(name, attacked, _resisting(worst).size, int(forwards), int(gradients))


def _resisting(worst: AttackResult) -> Int[np.ndarray, " left"]:
    return np.flatnonzero(worst.margin <= 0.0)  # not where it is NaN


def _batches(rows: Int[np.ndarray, " n"], size: int) -> list[Int[np.ndarray, " size"]]:
    """Cut into batches of one size, the last filled up with its last row."""
    filled = -(-len(rows) // size) * size
    return np.split(rows[np.minimum(np.arange(filled), len(rows) - 1)], filled // size)


def _attack_rows(
    attack: Attack,
    classifier: Classifier,
    given: _Given,
    rows: Int[np.ndarray, " left"],
    size: int,
) -> AttackResult:
    """Attack some of the samples, in batches of one size, so that nothing recompiles.

    Returns:
        The result of each row, in numpy.
    """
    parts = []
    for batch in _batches(rows, size):
        part = _take(given, batch)
        each = lambda number, batch=batch: number[batch] if np.ndim(number) else number
        own = dataclasses.replace(attack, budget=jax.tree.map(each, attack.budget))
        parts.append(
            jax.device_get(run_checked(own, part.keys, classifier, part.images, part.goal))
        )
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[: len(rows)], *parts)


def _merge(
    worst: AttackResult, rows: Int[np.ndarray, " left"], found: AttackResult
) -> AttackResult:
    """Keep the image with the larger margin, and add up what both cost."""
    wins = found.margin > worst.margin[rows]

    def put(old: Any, new: Any) -> Any:
        old = old.copy()
        old[rows[wins]] = new[wins]
        return old

    def add(old: Any, new: Any) -> Any:
        old = old.copy()
        old[rows] += new
        return old

    return jax.tree.map(put, worst, found)._replace(
        forwards=add(worst.forwards, found.forwards),
        gradients=add(worst.gradients, found.gradients),
        flat=add(worst.flat, found.flat),
    )


@jax.jit
def _take(tree: Any, rows: Array) -> Any:
    return jax.tree.map(lambda leaf: leaf[rows], tree)


@functools.partial(jax.jit, static_argnums=3)
def _likely(
    classifier: Classifier, images: Images, goal: Goal, rivals: int
) -> Int[Array, "b rivals"]:
    """Return the wrong classes that lead most, the likeliest first."""
    k = classifier.num_classes
    leads = goals.leads(goal, classifier(images), k)[:, :k]
    return jax.lax.top_k(leads, rivals)[1]
