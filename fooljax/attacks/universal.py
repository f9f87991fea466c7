"""One perturbation for a whole data set: the loop over batches."""

import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks, interrupts, printing
from fooljax.attacks.goals import Goal
from fooljax.attacks.universal_measures import check_images, goal_of
from fooljax.data import Pictures, Stream, as_float, read
from fooljax.types import Classifier, Image, Images, RandomKey


class UniversalState(NamedTuple):
    """Where the making of a universal perturbation stands.

    Attributes:
        perturbation: ``[h, w, c]``, inside the ball.
        memory: whatever else the method carries from batch to batch.
        steps: batches seen so far.
    """

    perturbation: Image
    memory: Any
    steps: int

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


class Universal(NamedTuple):
    """A way to improve one perturbation batch by batch, called from outside ``jit``.

    Attributes:
        init: ``shape -> (perturbation, memory)``, where to start.
        step: ``(classifier, images, goal, perturbation, memory) -> (perturbation,
            memory, fooled)``; ``fooled`` is the share of the batch that the
            perturbation it came from fools.
    """

    init: Callable[[tuple[int, ...]], tuple[Image, Any]]
    step: Callable[[Classifier, Images, Goal, Image, Any], tuple[Image, Any, Float[Array, ""]]]


class UniversalResult(NamedTuple):
    """One perturbation for all images, and how it came about.

    Attributes:
        perturbation: ``[h, w, c]``, the last one, in units of [0, 1].
        fooled: share of each batch that was fooled before it was learned from,
            one number for each step taken by this call.
        state: to go on from.
    """

    perturbation: Image
    fooled: Float[np.ndarray, " steps"]
    state: UniversalState

    def __repr__(self) -> str:
        """Say in two lines what came out; the arrays are the fields."""
        arrays = printing.known(self.perturbation, self.fooled)
        if arrays is None:
            return printing.shapes(self)
        change, fooled = arrays
        size = " x ".join(str(side) for side in change.shape)
        largest, length = np.abs(change).max(initial=0.0), np.linalg.norm(change)
        last = fooled[-10:].mean() if fooled.size else float("nan")
        return (
            f"UniversalResult: a change of {size}, Linf {largest:.4g}, L2 {length:.4g}\n"
            f"  {fooled.size} batches; share fooled, mean of the last ten: {last:.4g}"
        )


def run_universal(
    method: Universal,
    key: RandomKey,
    classifier: Classifier,
    images: Pictures,
    goal: Goal | None = None,
    *,
    steps: int,
    batch_size: int = 100,
    start: UniversalState | None = None,
    on_step: Callable[[int], None] | None = None,
) -> UniversalResult:
    """Make one perturbation that fools a network about as many images as possible.

    Every pass over the images takes them in another order, which depends on the
    key and the number of the pass only; images beyond the last whole batch wait
    for another pass. Steps are sent off one by one: a compiled loop around a
    convolution's gradient runs off XLA's fast path on CPUs.

    Args:
        method: ``universal_sgd`` or ``universal_deepfool``.
        key: decides the order of the images.
        classifier: the network; new weights do not recompile.
        images: ``[n, h, w, c]``, uint8 or float32 in [0, 1], to learn from; or a stream,
            of which only the pictures of these steps are read, ahead of time. The result
            is the same as if all were in memory.
        goal: of every image; to leave the network's own answer to the clean image
            unless given.
        steps: number of batches in all, those before ``start`` included.
        batch_size: images in a batch; all of them if there are fewer.
        start: the state of an earlier call with the same other arguments, to go
            on as if it had not been cut.
        on_step: called with the number of batches sent off so far.

    Raises:
        ValueError: if images, labels or their shapes do not suit the classifier,
            a number is out of its range, ``start`` is of other images, or a picture of a
            stream is broken.
        OSError: if a picture of a stream is no longer there.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> method = fj.attacks.universal_sgd(0.2)
        >>> found = fj.attacks.run_universal(
        ...     method, jax.random.key(2), network, images, steps=10, batch_size=5
        ... )
        >>> bool(abs(found.perturbation).max() <= 0.2)
        True
    """
    checks.kind("method", method, Universal)
    key, classifier = checks.key(key), checks.classifier(classifier)
    batch_size, steps = checks.count("batch_size", batch_size), checks.count("steps", steps)
    if start is not None:
        checks.kind("start", start, UniversalState)
    images = check_images(classifier, images)
    perturbation, memory = method.init(classifier.input_shape)
    state = start or UniversalState(perturbation, memory, 0)
    if jnp.shape(state.perturbation) != perturbation.shape:
        raise ValueError(
            f"start must hold a perturbation {perturbation.shape}, as this method makes one for "
            f"these images, got {jnp.shape(state.perturbation)}"
        )
    if steps < state.steps:
        raise ValueError(f"steps must be at least those of start, {state.steps}, got {steps}")
    learned = _learned_from(key, classifier, images, goal, batch_size, state.steps, steps)
    fooled: list[Array] = []
    for step, (batch, goal_of_batch) in enumerate(learned, state.steps):
        interrupts.check()
        waiting = 1 if isinstance(images, Stream) else 2  # batches
        if len(fooled) >= waiting:
            jax.block_until_ready(fooled[-waiting])
        perturbation, memory, share = method.step(
            classifier, batch, goal_of_batch, state.perturbation, state.memory
        )
        state = UniversalState(perturbation, memory, step + 1)
        fooled.append(share)
        if on_step is not None:
            on_step(step + 1)
    trace = np.asarray(jax.device_get(fooled), np.float32)
    return UniversalResult(state.perturbation, trace, state)


def _learned_from(
    key: RandomKey,
    classifier: Classifier,
    images: Any,
    goal: Goal | None,
    batch_size: int,
    first: int,
    last: int,
) -> Iterator[tuple[Images, Goal]]:
    """Draw the batches of the steps from ``first`` until before ``last``, and their goals."""
    if goal is not None or not isinstance(images, Stream):
        goal, _ = goal_of(classifier, images, goal)
    count = len(images)
    size = min(batch_size, count)
    each = count // size  # batches in a pass
    for epoch in range(first // each, -(-last // each)):
        order = _order(key, epoch, count)
        steps = range(max(first - epoch * each, 0), min(last - epoch * each, each))
        if isinstance(images, Stream) and steps:
            rows = np.asarray(order)[steps.start * size : steps.stop * size]
            made = read(images, rows, size)
            for batch, mine in zip(made, rows.reshape(-1, size), strict=True):
                held = jnp.asarray(batch.images)
                if goal is None:
                    yield _float(held), goal_of(classifier, held, None)[0]
                else:
                    yield _float(held), jax.tree.map(operator.itemgetter(mine), goal)
        else:
            yield from (_take(images, goal, order, step, size) for step in steps)


_float = jax.jit(as_float)


@functools.partial(jax.jit, static_argnames="count")
def _order(key: RandomKey, epoch: int, count: int) -> Array:
    return jax.random.permutation(jax.random.fold_in(key, epoch), count)


@functools.partial(jax.jit, static_argnames="size")
def _take(images: Array, goal: Goal, order: Array, batch: int, size: int) -> tuple[Images, Goal]:
    rows = jax.lax.dynamic_slice_in_dim(order, batch * size, size)
    return as_float(images[rows]), jax.tree.map(lambda leaf: leaf[rows], goal)
