"""Two ways to one perturbation for all images: gradients of the mean loss, and DeepFool."""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.attacks import goals, losses
from fooljax.attacks.attack import Loss, gradient_of, per_image
from fooljax.attacks.deepfool import deepfool
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import Norm
from fooljax.attacks.result import AttackResult
from fooljax.attacks.run import run_checked
from fooljax.attacks.universal import Universal
from fooljax.attacks.universal_measures import add, check_ball, project_ball
from fooljax.types import Bound, Classifier, Image, Images, Logits, Params

_TINY = 1e-12


class _Pace(NamedTuple):
    """Numbers of the gradient method: radius, length of a step, cap of an image's loss."""

    epsilon: float
    step_size: float
    ceiling: float


def universal_sgd(
    epsilon: float,
    *,
    norm: Norm = "linf",
    step_size: float | None = None,
    optimizer: optax.GradientTransformation | None = None,
    loss: Loss = losses.spread_cross_entropy,
    ceiling: float = 1.0,
) -> Universal:
    """Climb the mean loss of a batch by one perturbation that all its images share.

    Where an image is already clipped, only the part of its gradient that leads
    back into [0, 1] counts.

    Args:
        epsilon: radius of the ball, in units of [0, 1].
        norm: of the ball.
        step_size: length of a step in the norm of the ball: along the sign of the
            gradient (``linf``) or along the gradient (``l2``); a tenth of
            ``epsilon`` unless given.
        optimizer: an optax optimizer in place of such steps. It is told to
            minimize the negative loss; keep the object, for optimizers compare by
            identity and another one compiles anew.
        loss: ``(goal, logits, num_classes) -> [b]``, raised: the cross-entropy of
            logits brought to one spread (see ``scale``) unless given; ``margin`` is another.
        ceiling: an image whose loss is above it counts no more, so that images
            long fooled do not outweigh the rest.

    Raises:
        ValueError: if a number is out of its range, the norm is unknown, or both
            a step size and an optimizer are given.

    Source:
        Shafahi et al., 2020, arXiv:1811.11304.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> method = fj.attacks.universal_sgd(0.2)
        >>> found = fj.attacks.run_universal(
        ...     method, jax.random.key(2), network, images, steps=3, batch_size=5
        ... )
        >>> found.perturbation.shape
        (4, 4, 1)
    """
    check_ball(epsilon, norm)
    if step_size is not None and optimizer is not None:
        raise ValueError("step_size belongs to steps without an optimizer: give one of them")
    ceiling = checks.real("ceiling", ceiling, infinite=True)
    if ceiling == -math.inf:
        raise ValueError("ceiling must be above -inf, or no image counts, got -inf")
    checks.function("loss", loss, "(goal, logits, num_classes) -> [b]")
    pace = _Pace(float(epsilon), _step_size(step_size, epsilon), ceiling)

    def init(shape: tuple[int, ...]) -> tuple[Image, Any]:
        nothing = jnp.zeros(shape, jnp.float32)
        return nothing, () if optimizer is None else optimizer.init(nothing)

    step = functools.partial(_climb, pace, norm=norm, optimizer=optimizer, loss=loss)
    return Universal(init, step)


@functools.partial(jax.jit, static_argnames=("norm", "optimizer", "loss"))
def _climb(
    pace: _Pace,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    perturbation: Image,
    memory: Any,
    *,
    norm: Norm,
    optimizer: optax.GradientTransformation | None,
    loss: Loss,
) -> tuple[Image, Any, Float[Array, ""]]:
    def capped(goal: Goal, logits: Logits, num_classes: int) -> Array:
        return jnp.minimum(loss(goal, logits, num_classes), pace.ceiling)

    slopes, logits = gradient_of(capped, classifier, goal, add(images, perturbation))
    moved = images + perturbation[None]
    idle = ((moved <= 0.0) & (slopes < 0.0)) | ((moved >= 1.0) & (slopes > 0.0))
    slope = jnp.mean(jnp.where(idle, 0.0, slopes), axis=0)
    if optimizer is not None:
        change, memory = optimizer.update(-slope, memory, perturbation)
    else:
        change = pace.step_size * _steepest(slope, norm)
    fooled = jnp.mean(goals.margin(goal, logits, classifier.num_classes) > 0.0)
    return project_ball(perturbation + change, pace.epsilon, norm), memory, fooled


def universal_deepfool(
    epsilon: float,
    *,
    norm: Norm = "linf",
    step_size: float | None = None,
    steps: int = 5,
    candidates: int = 10,
) -> Universal:
    """Follow the increments that DeepFool finds for the images not fooled yet.

    The published method takes one image after another and adds its increment.
    Here those of a batch are found at once, and each image's direction is weighted
    by the inverse of its distance to the boundary: their sum is the gradient of
    the mean logarithm of the distance, and the step follows it as steeply as the
    norm allows. Images that the ball is too small for would outweigh the rest in a
    plain mean.

    An increment is the difference between two images in [0, 1], and it is the
    perturbation itself that it is added to: where one image is clipped, others
    still move.

    Args:
        epsilon: radius of the ball, in units of [0, 1].
        norm: of the ball, and of "near".
        step_size: length of a step in that norm; a tenth of ``epsilon`` unless
            given. There is one step for each batch, so fewer than ten batches do not
            come to the edge of the ball: then take smaller batches, or longer steps.
        steps: of DeepFool in each batch, at most.
        candidates: only boundaries to this many likeliest other classes are
            looked at.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Moosavi-Dezfooli et al., 2017, arXiv:1610.08401, algorithm 1.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> method = fj.attacks.universal_deepfool(0.2)
        >>> found = fj.attacks.run_universal(
        ...     method, jax.random.key(2), network, images, steps=3, batch_size=5
        ... )
        >>> found.perturbation.shape
        (4, 4, 1)
    """
    check_ball(epsilon, norm)
    step_size = _step_size(step_size, epsilon)
    walk = deepfool(steps, norm=norm, candidates=candidates)
    pace = (float(epsilon), float(step_size))

    def init(shape: tuple[int, ...]) -> tuple[Image, tuple[()]]:
        return jnp.zeros(shape, jnp.float32), ()

    def step(
        classifier: Classifier, images: Images, goal: Goal, perturbation: Image, memory: Any
    ) -> tuple[Image, Any, Float[Array, ""]]:
        begun = _add(images, perturbation)
        if goal.targeted:
            classifier, goal = _against_the_rest(classifier, goal)
        # DeepFool draws nothing, and leaves alone what is fooled already
        found = run_checked(walk, jax.random.key(0), classifier, begun, goal)
        changed, fooled = _follow(perturbation, begun, found, *pace, norm=norm)
        return changed, memory, fooled

    return Universal(init, step)


_add = jax.jit(add)


@functools.partial(jax.jit, static_argnames="norm")
def _follow(
    perturbation: Image,
    begun: Images,
    found: AttackResult,
    epsilon: float,
    step_size: float,
    *,
    norm: Norm,
) -> tuple[Image, Array]:
    """Step along the mean of ``increment / distance**2`` of the images not fooled at first."""
    fooled = found.success & (found.gradients == 0)
    far = found.linf if norm == "linf" else found.l2
    # nearer than a step is near enough, or a single image would decide
    weight = jnp.where(fooled, 0.0, 1.0 / jnp.maximum(far, jnp.maximum(step_size, _TINY)) ** 2)
    way = jnp.mean(per_image(weight, begun) * (found.images - begun), axis=0)
    change = step_size * _steepest(way, norm)
    return project_ball(perturbation + change, epsilon, norm), jnp.mean(fooled)


def _steepest(slope: Image, norm: Norm) -> Image:
    """Return the change of length 1 that climbs a slope fastest; none where there is no slope."""
    if norm == "linf":
        return jnp.sign(slope)
    length = jnp.linalg.norm(slope.ravel())
    return slope / jnp.where(length > 0.0, length, 1.0)


def _step_size(step_size: float | None, epsilon: float) -> float:
    step_size = 0.1 * epsilon if step_size is None else step_size
    return checks.not_negative("step_size", step_size)


def _against_the_rest(classifier: Classifier, goal: Goal) -> tuple[Classifier, Goal]:
    """Two classes, the best column that is not the target and the target; the first to leave."""
    two = dataclasses.replace(
        classifier,
        params=(classifier.params, goal.labels),
        apply=Bound(_two_columns, (classifier.apply,)),
        num_classes=2,
    )
    return two, goals.leave(jnp.zeros_like(goal.labels))


def _two_columns(
    apply: Callable[[Params, Images], Logits], params: tuple[Params, Array], images: Images
) -> Logits:
    weights, targets = params
    logits = apply(weights, images)
    is_target = jax.nn.one_hot(targets, logits.shape[1], dtype=bool)
    rest = jnp.max(logits, axis=1, where=~is_target, initial=-jnp.inf)
    target = jnp.max(logits, axis=1, where=is_target, initial=-jnp.inf)
    return jnp.stack([rest, target], axis=1)
