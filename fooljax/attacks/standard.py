"""One number for robustness: a fixed cascade of attacks, of which the worst case counts."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fooljax import checks
from fooljax.attacks import findings, goals, standard_versions
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, fold_in, sample_keys
from fooljax.attacks.diagnostics import diagnose
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import Norm
from fooljax.attacks.result import AttackResult
from fooljax.attacks.run import checked, run_checked
from fooljax.attacks.standard_result import Stage, StandardResult
from fooljax.attacks.standard_versions import QUERIES, SQUARE, STEPS, TARGETS, VERSIONS, Version
from fooljax.types import Classifier, Images, Logits, RandomKey


def standard(
    key: RandomKey | RandomKeys,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    epsilon: float,
    *,
    norm: Norm = "linf",
    version: Version = "fooljax",
    steps: int = STEPS,
    targets: int = TARGETS,
    queries: int = QUERIES,
    batch_size: int = 250,
    on_stage: Callable[[Stage], None] | None = None,
) -> StandardResult:
    """Attack in several ways, one after the other: APGD, APGD toward each likely class, squares.

    Each attack gets the images that resisted all before it, and leaves a sample
    alone once it is fooled. An image that the network rejects is not fooled; one
    at which it answers NaN has not resisted.

    The versions:

    - ``fooljax``: as above; what APGD climbs is read from logits of one spread.
    - ``autoattack``: AutoAttack's "standard" with its settings, for numbers that stand
      beside RobustBench's. APGD on the cross-entropy, from the surface of the ball, the
      same toward each likely class, FAB toward each, then squares that shrink half as fast.
    - ``plus``: AutoAttack's "plus". APGD on the cross-entropy and on the DLR, five starts
      each, FAB from five starts, squares, then APGD and FAB toward each likely class.

    Args:
        key: sample ``i`` draws from ``fold_in(key, i)``, whatever the batch; or a key for
            each sample.
        classifier: the network; new weights do not recompile.
        images: ``[n, h, w, c]`` in [0, 1].
        goal: to leave their labels.
        epsilon: radius of the ball, in units of [0, 1].
        norm: of the ball.
        version: which attacks, and with which settings.
        steps: of each APGD and FAB.
        targets: APGD and FAB are sent toward so many of the wrong classes, the likeliest
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
        Croce & Hein, 2020, arXiv:2003.01690 (AutoAttack); its settings from the published
        code, the steps of each attack from the papers.

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
    checks.choice("version", version, VERSIONS)
    targets, queries = checks.count("targets", targets, 0), checks.count("queries", queries, 0)
    classifier, images, goal = checked(classifier, images, goal)
    batch_size = checks.count("batch_size", batch_size)
    if goal.targeted:
        raise ValueError("standard asks whether labels can be left: give it a leave goal")
    count = len(images)
    key_attacks, key_checks = _two_keys(checks.keys(key, count))
    given = _Given(sample_keys(key_attacks, count), images, goal)
    size = min(batch_size, count)

    worst = _attack_rows(_NOTHING, classifier, given, np.arange(count), size)
    right = _resisting(worst).size
    stages = [Stage("clean", count, right, int(worst.forwards.sum()), 0)]
    rivals = _rivals(classifier, given, targets, size)
    cascade = standard_versions.stages(version, epsilon, norm, steps, queries, rivals)
    wins, number = None, 0
    for name, attacks in cascade.items():
        if on_stage is not None:
            on_stage(stages[-1])
        before = worst.success
        # the attacks of "fooljax" have always drawn alike
        keys = [None if version == "fooljax" else number + i for i in range(len(attacks))]
        number += len(attacks)
        numbered = list(zip(keys, attacks, strict=True))
        worst, stage = _climb_stage(name, numbered, classifier, given, worst, size, epsilon)
        stages.append(stage)
        if name == SQUARE:
            fooled = np.asarray(before), np.asarray(worst.success)
            wins = findings.free_wins(*fooled, "square attack")
    if on_stage is not None:
        on_stage(stages[-1])
    found = diagnose(
        jnp.ravel(key_checks)[0], classifier, images[:size], jax.tree.map(lambda x: x[:size], goal)
    )
    found += worst.findings + (() if wins is None else (wins,))
    return StandardResult(
        jax.tree.map(jnp.asarray, worst),
        tuple(stages),
        right / count,
        _resisting(worst).size / count,
        found,
        standard_versions.described(version, steps, targets, queries),
    )


class _Given(NamedTuple):
    """What belongs to each sample, leaves ``[n, ...]``."""

    keys: RandomKeys
    images: Images
    goal: Goal


@jax.jit
def _two_keys(key: RandomKey | RandomKeys) -> tuple[RandomKey | RandomKeys, RandomKey | RandomKeys]:
    """Split the key, or the key of each sample."""
    if key.ndim == 0:
        one, other = jax.random.split(key)
        return one, other
    each = jax.vmap(jax.random.split)(key)
    return each[:, 0], each[:, 1]


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


def _rivals(
    classifier: Classifier, given: _Given, targets: int, size: int
) -> Float[np.ndarray, "r n"]:
    """Return the likeliest wrong classes of each sample, the likeliest in the first row."""
    count, rivals = len(given.images), min(targets, classifier.num_classes - 1)
    if rivals <= 0:
        return np.zeros((0, count), np.float32)
    likely = [
        np.asarray(_likely(classifier, *_take((given.images, given.goal), rows), rivals))
        for rows in _batches(np.arange(count), size)
    ]
    return np.concatenate(likely)[:count].astype(np.float32).T


def _climb_stage(
    name: str,
    attacks: list[tuple[int | None, Attack]],
    classifier: Classifier,
    given: _Given,
    worst: AttackResult,
    size: int,
    epsilon: float,
) -> tuple[AttackResult, Stage]:
    """Send each attack, with a number for its keys, at what resisted those before it."""
    attacked = _resisting(worst).size
    spent = worst.forwards.sum(), worst.gradients.sum()
    for number, attack in attacks:
        rows = _resisting(worst)
        if rows.size == 0:
            break
        own = given if number is None else given._replace(keys=_fold_in(given.keys, number))
        found = _attack_rows(attack, classifier, own, rows, size)
        if attack.better != "margin":  # the nearest image, which may be outside the ball
            inside = getattr(found, str(attack.better)) <= np.float32(epsilon)
            margin: Any = np.where(inside, found.margin, -np.inf)
            found = found._replace(margin=margin)
        worst = _merge(worst, rows, found)
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


_fold_in = jax.jit(fold_in)


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
