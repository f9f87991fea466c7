"""One perturbation for a whole data set: the loop over batches, and what it is measured by."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from fooljax.attacks import goals
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import Norm
from fooljax.data import as_float
from fooljax.types import Classifier, Image, Images, RandomKey

_BATCH = 500


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


def run_universal(
    method: Universal,
    key: RandomKey,
    classifier: Classifier,
    images: Array,
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
        images: ``[n, h, w, c]``, uint8 or float32 in [0, 1], to learn from.
        goal: of every image; to leave the network's own answer to the clean image
            unless given.
        steps: number of batches in all, those before ``start`` included.
        batch_size: images in a batch; all of them if there are fewer.
        start: the state of an earlier call with the same other arguments, to go
            on as if it had not been cut.
        on_step: called with the number of batches sent off so far.

    Raises:
        ValueError: if images, labels or their shapes do not suit the classifier,
            or a number is out of its range.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    perturbation, memory = method.init(classifier.input_shape)
    state = start or UniversalState(perturbation, memory, 0)
    if steps < max(1, state.steps):
        least = "at least 1" if start is None else f"at least those of start, {state.steps}"
        raise ValueError(f"steps must be {least}, got {steps}")
    images = _checked(classifier, images)
    goal, _ = _goal_of(classifier, images, goal)
    count = len(images)
    size = min(batch_size, count)
    batches = count // size
    ordered, order = -1, None
    fooled = []
    for step in range(state.steps, steps):
        if step // batches != ordered:
            ordered = step // batches
            order = _order(key, ordered, count)
        batch, goal_of_batch = _take(images, goal, order, step % batches, size)
        perturbation, memory, share = method.step(
            classifier, batch, goal_of_batch, state.perturbation, state.memory
        )
        state = UniversalState(perturbation, memory, step + 1)
        fooled.append(share)
        if on_step is not None:
            on_step(step + 1)
    trace = np.asarray(jax.device_get(fooled), np.float32)
    return UniversalResult(state.perturbation, trace, state)


def fooling_rate(
    classifier: Classifier,
    images: Array,
    perturbation: Image,
    goal: Goal | None = None,
    *,
    batch_size: int = _BATCH,
) -> float:
    """Measure the share of images that a perturbation makes the network mistake.

    Args:
        classifier: the network.
        images: ``[n, h, w, c]``, uint8 or float32 in [0, 1]; clipped to [0, 1]
            after the perturbation is added.
        perturbation: ``[h, w, c]``.
        goal: of every image; to leave the network's own answer to the clean image
            unless given.
        batch_size: images at a time; decides memory and speed only.

    Returns:
        A share in [0, 1]. An image to which the network has no answer (NaN), or
        which it rejects, is not mistaken for another class.

    Raises:
        ValueError: if images, labels or their shapes do not suit the classifier.
    """
    images = _checked(classifier, images)
    goal, known = _goal_of(classifier, images, goal)
    _, reached = _look(classifier, images, perturbation, goal, batch_size)
    return float(np.mean(reached & known))


def perturbed_answers(
    classifier: Classifier,
    images: Array,
    perturbation: Image | None = None,
    batch_size: int = _BATCH,
) -> Int32[np.ndarray, " n"]:
    """Find the network's answer to every image once a perturbation is added.

    Args:
        classifier: the network.
        images: ``[n, h, w, c]``, uint8 or float32 in [0, 1]; clipped to [0, 1]
            after the perturbation is added.
        perturbation: ``[h, w, c]``; none unless given.
        batch_size: images at a time; decides memory and speed only.

    Returns:
        Column of the largest logit of every image, -1 where a logit is NaN.

    Raises:
        ValueError: if the images do not suit the classifier.
    """
    images = _checked(classifier, images)
    if perturbation is None:
        perturbation = _nothing(classifier)
    return _look(classifier, images, perturbation, None, batch_size)[0]


def random_perturbation(
    key: RandomKey, shape: tuple[int, ...], epsilon: float, norm: Norm
) -> Image:
    """Draw a perturbation on the sphere: the control for a universal one.

    Args:
        key: decides it.
        shape: ``(h, w, c)``.
        epsilon: radius, in units of [0, 1].
        norm: ``linf``, a random sign for each number; ``l2``, a random direction.

    Raises:
        ValueError: if ``epsilon`` is negative or the norm unknown.
    """
    check_ball(epsilon, norm)
    if norm == "linf":
        return epsilon * jax.random.rademacher(key, shape, jnp.float32)
    direction = jax.random.normal(key, shape)
    # three lengths, so that projecting brings it onto the sphere
    return project_ball(
        3.0 * epsilon * direction / jnp.linalg.norm(direction.ravel()), epsilon, norm
    )


def check_ball(epsilon: float, norm: str) -> None:
    """Refuse impossible balls.

    Raises:
        ValueError: if ``epsilon`` is negative or the norm unknown.
    """
    if not 0.0 <= epsilon < float("inf"):
        raise ValueError(f"epsilon must be a number that is not negative, got {epsilon}")
    if norm not in ("linf", "l2"):
        raise ValueError(f"norm must be linf or l2, got {norm!r}")


def project_ball(perturbation: Image, epsilon: Array | float, norm: Norm) -> Image:
    """Return the nearest perturbation whose norm is at most ``epsilon``."""
    if norm == "linf":
        return jnp.clip(perturbation, -epsilon, epsilon)
    inside = epsilon * (1.0 - 1e-6)  # or rounding leaves it outside
    length = jnp.linalg.norm(perturbation.ravel())
    return perturbation * jnp.where(length > inside, inside / length, 1.0)


def add(images: Images, perturbation: Image) -> Images:
    """Add one perturbation to every image and clip to [0, 1]."""
    return jnp.clip(images + perturbation[None], 0.0, 1.0)


def _checked(classifier: Classifier, images: Array) -> Array:
    """Return the images on the device, or say what is wrong with them."""
    images = jnp.asarray(images)
    if images.ndim != 4 or len(images) == 0 or images.shape[1:] != classifier.input_shape:
        raise ValueError(
            f"images must be [n, h, w, c] with (h, w, c) = {classifier.input_shape}, "
            f"got {images.shape}"
        )
    if images.dtype not in (jnp.uint8, jnp.float32):
        raise ValueError(f"images must be uint8 or float32 in [0, 1], got {images.dtype}")
    return images


def _nothing(classifier: Classifier) -> Image:
    return jnp.zeros(classifier.input_shape, jnp.float32)


def _goal_of(
    classifier: Classifier, images: Array, goal: Goal | None
) -> tuple[Goal, np.ndarray | bool]:
    """Return the goal, and which images have one: those without an answer cannot leave it."""
    if goal is None:
        answers, _ = _look(classifier, images, _nothing(classifier), None, _BATCH)
        return goals.leave(np.maximum(answers, 0)), answers >= 0
    if goal.labels.shape != (len(images),):
        raise ValueError(
            f"the goal must have a label for each of {len(images)} images, "
            f"got labels {goal.labels.shape}"
        )
    return goal, True


def _look(
    classifier: Classifier,
    images: Array,
    perturbation: Image,
    goal: Goal | None,
    batch_size: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Answers to all perturbed images, and whether each one's goal is reached."""
    if perturbation.shape != classifier.input_shape:
        raise ValueError(
            f"the perturbation must be {classifier.input_shape}, got {perturbation.shape}"
        )
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    count = len(images)
    size = min(batch_size, count)
    goal = goal or goals.leave(jnp.zeros(count, jnp.int32))
    answers, reached = np.empty(count, np.int32), np.empty(count, bool)
    # the last batch begins earlier rather than being shorter: one compilation
    starts = [min(start, count - size) for start in range(0, count, size)]
    parts = [_look_at(classifier, images, perturbation, goal, start, size) for start in starts]
    for start, (answer, reach) in zip(starts, jax.device_get(parts), strict=True):
        answers[start : start + size], reached[start : start + size] = answer, reach
    return answers, reached


@functools.partial(jax.jit, static_argnames="size")
def _look_at(
    classifier: Classifier,
    images: Array,
    perturbation: Image,
    goal: Goal,
    start: Array,
    size: int,
) -> tuple[Array, Array]:
    part = lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, size)
    logits = classifier(add(as_float(part(images)), perturbation))
    broken = jnp.any(jnp.isnan(logits), axis=1)
    answers = jnp.where(broken, -1, jnp.argmax(logits, axis=1))
    margin = goals.margin(jax.tree.map(part, goal), logits, classifier.num_classes)
    return answers, (margin > 0.0) & ~broken


@functools.partial(jax.jit, static_argnames="count")
def _order(key: RandomKey, epoch: int, count: int) -> Array:
    return jax.random.permutation(jax.random.fold_in(key, epoch), count)


@functools.partial(jax.jit, static_argnames="size")
def _take(images: Array, goal: Goal, order: Array, batch: int, size: int) -> tuple[Images, Goal]:
    rows = jax.lax.dynamic_slice_in_dim(order, batch * size, size)
    return as_float(images[rows]), jax.tree.map(lambda leaf: leaf[rows], goal)
