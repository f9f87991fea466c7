"""An attack's steps sent off one by one, in a batch that shrinks as samples are done."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from fooljax import interrupts
from fooljax.attacks import attack as loop
from fooljax.attacks.attack import Attack, Progress, RandomKeys
from fooljax.attacks.goals import Goal
from fooljax.types import Classifier, Images

#: Numbers of inputs that were painted and read in vain, after which a smaller batch is compiled:
#: 21,000 looks at 28 x 28 pixels, half a second of a small network on a CPU, as the compilation.
#: What is spent in vain is then at most about twice what knowing the future would spend.
_PATIENCE = 2**24


class Seen(NamedTuple):
    """A point gone through: margins ``[b]``, and whose say something, bool ``[b]``."""

    margin: Array
    looked: Array


def walk_watched(
    tell: Callable[[], None],
    shrinks: bool,
    attack: Attack,
    keys: RandomKeys,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    progress: Progress,
    first: int = 0,
) -> tuple[Progress, list[Seen]]:
    """Take the steps one by one, until every sample is done or there are none left.

    Args:
        tell: called when a step was sent off.
        shrinks: whether samples that are not done may go on in a smaller batch, where the attack
            leaves the others alone; what is seen then ends with the whole batch.
        attack: what to do, numbers for each sample.
        keys: of the samples.
        classifier: the network.
        images: the originals.
        goal: of every image.
        progress: where they are.
        first: index of the first step.

    Returns:
        The progress, and what was seen of the points gone through.
    """
    size, in_vain, points = len(images), 0, list[Seen]()
    shrinks = shrinks and attack.stops and len(images.devices()) == 1
    before = latest = None
    for index in range(first, attack.steps):
        interrupts.check()
        if before is not None:  # never more than two steps ahead of the device
            before.block_until_ready()
        # asking the step before the last one never leaves the device without work
        left = size if before is None or not attack.stops else int(before)
        if not left:
            nothing = jnp.zeros(size, jnp.float32)
            points += [Seen(nothing, nothing > 0.0)] * (attack.steps - index)
            break
        in_vain += (size - left) * images[0].size
        if shrinks and 2 * left <= size and in_vain >= _PATIENCE:
            while size >= 2 * left:
                size //= 2
            # those that are not done, and as many others as fill the batch up
            rows = np.argsort(np.asarray(progress.reached), kind="stable")[:size]
            each = (keys, attack.budget, images, goal, progress)
            keys, budget, images, goal, part = take(each, rows)
            attack = dataclasses.replace(attack, budget=budget)
            part, _ = walk_watched(
                tell, shrinks, attack, keys, classifier, images, goal, part, index
            )
            return _put(progress, rows, part), points
        progress, point, now_left = _advance(
            attack, keys, classifier, images, goal, progress, index
        )
        before, latest = latest, now_left
        points.append(point)
        tell()
    progress = _look(attack.better, attack.stops, classifier, images, goal, progress)
    return progress, [*points, Seen(progress.margin, progress.looked)]


@jax.jit
def take(tree: Any, rows: Array) -> Any:
    """Return some samples' entries of a pytree."""
    return jax.tree.map(lambda leaf: leaf[rows], tree)


@jax.jit
def _put(tree: Any, rows: Array, part: Any) -> Any:
    return jax.tree.map(lambda leaf, new: leaf.at[rows].set(new), tree, part)


def _advance_and_ask(attack: Attack, *arguments: Any) -> tuple[Progress, Seen, Int32[Array, ""]]:
    progress = loop.advance(attack, *arguments)
    return progress, Seen(progress.margin, progress.looked), jnp.sum(~progress.reached)


_advance = jax.jit(_advance_and_ask, donate_argnums=5)
_look = jax.jit(loop.look, static_argnums=(0, 1))
