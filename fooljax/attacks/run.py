"""Attacks from outside ``jit``: inputs checked, in batches, with restarts, stopped early."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from fooljax import backend, checks, interrupts
from fooljax.attacks import attack as loop
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Budget, Point, Progress, RandomKeys
from fooljax.attacks.goals import Goal
from fooljax.attacks.reads import Reads, check_reads, check_target
from fooljax.attacks.result import AttackResult
from fooljax.attacks.walking import Seen, take, walk_watched
from fooljax.data import as_input
from fooljax.types import Classifier, Images, RandomKey


def run(
    attack: Attack,
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    *,
    batch_size: int | None = None,
    restarts: int = 1,
    start: Any = None,
    trace: bool = False,
    on_step: Callable[[int], None] | None = None,
) -> AttackResult:
    """Attack images from outside ``jit``: the same path as calling the attack.

    On a CPU the steps are sent off one by one (a compiled loop around a
    convolution's gradient runs off XLA's fast path there), and an attack that leaves
    alone what is done goes on in a smaller batch once that pays. Elsewhere all steps are
    one program, unless somebody wants to watch.

    Args:
        attack: what to do.
        key: sample ``i`` draws from ``fold_in(key, i)``, whatever the batch; or a
            key for each sample.
        classifier: the network; new weights do not recompile.
        images: ``[n, h, w, c]``, floats in [0, 1] or uint8, which is divided by 255; texts
            ``[n, l]`` of ids.
        goal: of every image.
        batch_size: attack at most so many images at a time; all unless given.
        restarts: how often to start, each time from other random numbers; the
            best image is kept, so only attacks with a random start gain.
        start: where to begin instead of at the images themselves: other images,
            or whatever the attack begins at, a pytree with an entry for each image.
        trace: keep the margins of all points, for plots of how an attack went.
        on_step: called with the number of steps sent off so far.

    Raises:
        ValueError: if images, labels or their shapes do not suit the classifier,
            or a number is out of its range.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.pgd(1.0, steps=20)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> float(found.success.mean())
        1.0
    """
    checks.kind("attack", attack, Attack)
    classifier, images, goal = checked(classifier, images, goal, attack.reads)
    if getattr(start, "shape", ()) == images.shape:
        start = as_input(checks.inputs(start, classifier, "start"))
    if on_step is not None:
        checks.function("on_step", on_step, "of the number of steps sent off")
    return run_checked(
        attack,
        checks.keys(key, len(images)),
        classifier,
        images,
        goal,
        batch_size=batch_size,
        restarts=restarts,
        start=start,
        trace=trace,
        on_step=on_step,
    )


def run_checked(
    attack: Attack,
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    *,
    batch_size: int | None = None,
    restarts: int = 1,
    start: Any = None,
    trace: bool = False,
    on_step: Callable[[int], None] | None = None,
) -> AttackResult:
    """Attack as ``run`` does, without asking again about what has been ``checked``.

    Raises:
        ValueError: if a number is out of its range, or the network has no class that the
            attack goes toward.
    """
    check_target(attack.budget, classifier)
    if batch_size is not None:
        batch_size = checks.count("batch_size", batch_size)
    attack = dataclasses.replace(attack, steps=checks.count("attack.steps", attack.steps, 0))
    restarts = checks.count("restarts", restarts)
    count = len(images)
    if start is not None and any(jnp.shape(one)[:1] != (count,) for one in jax.tree.leaves(start)):
        raise ValueError(f"start must have an entry for each of {count} images")
    keys, budget = _sample_keys(key, count), _for_each(attack.budget, count)
    size = min(batch_size or count, count)
    sent = 0

    def tell() -> None:
        nonlocal sent
        sent += 1
        if on_step is not None:
            on_step(sent)

    watched = trace or on_step is not None or attack.steps == 0 or backend.on_cpu()
    walk = functools.partial(walk_watched, tell, not trace) if watched else _walk_unwatched
    results = []
    for first in range(0, count, size):
        interrupts.check()
        # the last batch is filled up with its last image: no other shape, no other program
        rows = np.minimum(np.arange(first, first + size), count - 1)
        part = take(_Batch(keys, budget, images, goal, start), rows)
        attack_part = dataclasses.replace(attack, budget=part.budget)
        progress = _begin(part.images)
        seen: list[Seen] = []
        for restart in range(restarts):
            begin_at = part.images if part.start is None else part.start
            walk_keys, point = _start(attack.init, part.keys, restart, part.budget, begin_at)
            progress = progress._replace(point=point)
            progress, points = walk(
                attack_part, walk_keys, classifier, part.images, part.goal, progress
            )
            seen += points
        result = _finish(classifier, part.images, part.goal, progress)
        if trace:
            result = result._replace(trace=_stack(seen))
        results.append(result)
    result = results[0] if len(results) == 1 else _join(results, count)
    return result._replace(trace=_without_the_unseen(*result.trace)) if trace else result


class _Batch(NamedTuple):
    """What belongs to each sample, leaves ``[b, ...]``."""

    keys: RandomKeys
    budget: Budget
    images: Images
    goal: Goal
    start: Any


def _walk_unwatched(attack: Attack, *arguments: Any) -> tuple[Progress, list[Seen]]:
    return _walk(attack, *arguments), []


def checked(
    classifier: Classifier, images: Any, goal: Goal, reads: Reads = "numbers"
) -> tuple[Classifier, Images, Goal]:
    """Return what an attack is given, images as float32, or say what is wrong with it.

    Raises:
        ValueError: inside ``jit``, and if the images or the goal do not suit the
            classifier.
    """
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((images, goal))):
        raise ValueError("run is for outside jit; inside, call the attack itself")
    classifier = checks.classifier(classifier)
    check_reads(reads, classifier)
    images = as_input(checks.inputs(images, classifier))
    return classifier, images, goals.checked(goal, classifier, len(images))


@functools.partial(jax.jit, static_argnums=0)
def _start(
    init: Callable[..., Point], keys: RandomKeys, restart: int, budget: Budget, begin_at: Any
) -> tuple[RandomKeys, Point]:
    """Return the keys of this start, and where it is; start 0 is that of calling the attack."""
    keys = loop.fold_in(keys, restart)
    return keys, init(loop.fold_in(keys, 0), budget, begin_at)


@functools.partial(jax.jit, static_argnums=1)
def _join(results: list[AttackResult], count: int) -> AttackResult:
    return jax.tree.map(lambda *parts: jnp.concatenate(parts)[:count], *results)


def _without_the_unseen(margins: Array, looked: Array) -> Array:
    """Return margins that are NaN where there was no look."""
    with jax.debug_nans(False):  # these are meant
        return _nan_unless(looked, margins)


_sample_keys = jax.jit(loop.sample_keys, static_argnums=1)
_for_each = jax.jit(loop.for_each, static_argnums=1)
_stack = jax.jit(lambda seen: jax.tree.map(lambda *each: jnp.stack(each, axis=1), *seen))
_nan_unless = jax.jit(lambda looked, margins: jnp.where(looked, margins, jnp.nan))
_begin = jax.jit(loop.begin)
_walk = jax.jit(loop.walk)
_finish = jax.jit(loop.finish)
