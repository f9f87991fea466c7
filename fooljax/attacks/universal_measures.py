"""What one perturbation does to many images: fooling rates, answers, the control of equal norm."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import Norm
from fooljax.attacks.reads import check_reads
from fooljax.data import Pictures, Stream, as_float, at_once, in_turn
from fooljax.types import Classifier, Image, Images, RandomKey


def fooling_rate(
    classifier: Classifier,
    images: Pictures,
    perturbation: Image,
    goal: Goal | None = None,
    *,
    batch_size: int | None = None,
) -> float:
    """Measure the share of images that a perturbation makes the network mistake.

    Args:
        classifier: the network.
        images: ``[n, h, w, c]``, uint8 or float32 in [0, 1], or a stream; clipped to
            [0, 1] after the perturbation is added.
        perturbation: ``[h, w, c]``.
        goal: of every image; to leave the network's own answer to the clean image
            unless given.
        batch_size: images at a time; decides memory and speed only. 500, or fewer
            large ones, unless given.

    Returns:
        A share in [0, 1]. An image to which the network has no answer (NaN), or
        which it rejects, is not mistaken for another class.

    Raises:
        ValueError: if images, labels or their shapes do not suit the classifier, or
            images are broken.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> fj.attacks.fooling_rate(network, images, jax.numpy.zeros((4, 4, 1)))  # of no change
        0.0
    """
    images = check_images(classifier, images)
    goal, known = goal_of(classifier, images, goal)
    _, reached = _look(classifier, images, perturbation, goal, batch_size)
    return float(np.mean(reached & known))


def perturbed_answers(
    classifier: Classifier,
    images: Pictures,
    perturbation: Image | None = None,
    batch_size: int | None = None,
) -> Int32[np.ndarray, " n"]:
    """Find the network's answer to every image once a perturbation is added.

    Args:
        classifier: the network.
        images: ``[n, h, w, c]``, uint8 or float32 in [0, 1], or a stream; clipped to
            [0, 1] after the perturbation is added.
        perturbation: ``[h, w, c]``; none unless given.
        batch_size: images at a time; decides memory and speed only. 500, or fewer
            large ones, unless given.

    Returns:
        Column of the largest logit of every image, -1 where a logit is NaN.

    Raises:
        ValueError: if the images do not suit the classifier, or are broken.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> fj.attacks.perturbed_answers(network, images).shape
        (5,)
    """
    images = check_images(classifier, images)
    if perturbation is None:
        perturbation = _nothing(classifier)
    return _look(classifier, images, perturbation, None, batch_size)[0]


def share_fooled(
    before: Int32[np.ndarray, " n"],
    after: Int32[np.ndarray, " n"],
    num_classes: int,
    target: int | None = None,
) -> float:
    """Measure from answers how often a perturbation fools.

    Rejections and missing answers, before or after, are no success.

    Args:
        before: answers to the clean images, as of `perturbed_answers`.
        after: answers to the perturbed ones.
        num_classes: number of real classes; larger answers reject.
        target: the class to be named; any other one unless given.

    Returns:
        Share of images taken for another class than before; with a target, share taken
        for it of those that were not before, NaN if there are none.

    Raises:
        ValueError: if there are no answers, not as many before as after, or a number is
            out of its range.

    Example:
        >>> import numpy as np
        >>> from fooljax import attacks
        >>> attacks.share_fooled(np.array([0, 1, 2, 2]), np.array([0, 2, 2, 1]), num_classes=3)
        0.5
    """
    before, after = (np.asarray(checks.whole(one, "answers")) for one in (before, after))
    if before.ndim != 1 or not before.size or before.shape != after.shape:
        raise ValueError(
            f"before and after must be rows [n] of as many answers, got {before.shape} and "
            f"{after.shape}"
        )
    num_classes = checks.count("num_classes", num_classes)
    if target is not None:
        others = (before != target) & (before >= 0)
        return float(np.mean(after[others] == target)) if others.any() else float("nan")
    answered = (before >= 0) & (after >= 0) & (after < num_classes)
    return float(np.mean(answered & (after != before)))


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
        ValueError: if ``epsilon`` is negative, the norm unknown or the shape none.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> change = fj.attacks.random_perturbation(jax.random.key(0), (4, 4, 1), 0.1, "linf")
        >>> bool(jax.numpy.allclose(abs(change), 0.1))
        True
    """
    check_ball(epsilon, norm)
    key, shape = checks.key(key), checks.shape("shape", shape)
    if norm == "linf":
        return epsilon * jax.random.rademacher(key, shape, jnp.float32)
    direction = jax.random.normal(key, shape, dtype=jnp.float32)
    # three lengths, so that projecting brings it onto the sphere
    return project_ball(
        3.0 * epsilon * direction / jnp.linalg.norm(direction.ravel()), epsilon, norm
    )


def check_ball(epsilon: float, norm: str) -> None:
    """Refuse impossible balls.

    Raises:
        ValueError: if ``epsilon`` is negative or the norm unknown.
    """
    checks.radius(epsilon, norm)
    checks.choice("norm", norm, ("linf", "l2"))


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


def check_images(classifier: Classifier, images: Pictures) -> Any:
    """Return a stream, or images on the device, or say what is wrong with them."""
    checks.classifier(classifier)
    if isinstance(images, Stream):
        checks.shape_of_images((len(images), *images.input_shape), classifier.input_shape)
        return images
    check_reads("numbers", classifier)
    return jnp.asarray(checks.images(images, classifier.input_shape))


def _nothing(classifier: Classifier) -> Image:
    return jnp.zeros(classifier.input_shape, jnp.float32)


def goal_of(
    classifier: Classifier, images: Pictures, goal: Goal | None
) -> tuple[Goal, np.ndarray | bool]:
    """Return the goal, and which images have one: those without an answer cannot leave it."""
    if goal is None:
        answers, _ = _look(classifier, images, _nothing(classifier), None, None)
        return goals.leave(np.maximum(answers, 0)), answers >= 0
    return goals.checked(goal, classifier, len(images)), True


def _look(
    classifier: Classifier,
    images: Pictures,
    perturbation: Image,
    goal: Goal | None,
    batch_size: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Answers to all perturbed images, and whether each one's goal is reached."""
    if np.shape(perturbation) != classifier.input_shape:
        got = checks.shown(perturbation)
        raise ValueError(f"the perturbation must be an array {classifier.input_shape}, got {got}")
    if not np.isfinite(perturbation).all():
        raise ValueError("the perturbation must be finite numbers, got NaN or infinities")
    if batch_size is None:
        batch_size = at_once(classifier.input_shape)
    batch_size = checks.count("batch_size", batch_size)
    count = len(images)
    size = min(batch_size, count)
    goal = goal or goals.leave(jnp.zeros(count, jnp.int32))
    answers, reached = np.empty(count, np.int32), np.empty(count, bool)
    parts: list[tuple[int, tuple[Array, Array]]] = []
    for start, held, place in in_turn(images, size):
        if isinstance(images, Stream) and parts:
            jax.block_until_ready(parts[-1][1])  # so that no more than two batches wait there
        parts.append((start, _look_at(classifier, held, perturbation, goal, place, start, size)))
    for start, (answer, reach) in jax.device_get(parts):
        answers[start : start + size], reached[start : start + size] = answer, reach
    return answers, reached


@functools.partial(jax.jit, static_argnames="size")
def _look_at(
    classifier: Classifier,
    images: Array,
    perturbation: Image,
    goal: Goal,
    place: Array,
    start: Array,
    size: int,
) -> tuple[Array, Array]:
    """Answer for ``size`` images from ``place`` on, which have the goals from ``start`` on."""
    part = lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, size)
    batch = jax.lax.dynamic_slice_in_dim(images, place, size)
    logits = classifier(add(as_float(batch), perturbation))
    broken = jnp.any(jnp.isnan(logits), axis=1)
    answers = jnp.where(broken, -1, jnp.argmax(logits, axis=1))
    margin = goals.margin(jax.tree.map(part, goal), logits, classifier.num_classes)
    return answers, (margin > 0.0) & ~broken
