"""The one attack loop: step, keep the best so far, count what it cost."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from fooljax import metrics
from fooljax.attacks import goals
from fooljax.attacks.goals import Goal
from fooljax.types import Classifier, Images, Logits, RandomKey

Better: TypeAlias = Literal["margin", "l2", "linf"]
Budget: TypeAlias = Any
Loss: TypeAlias = Callable[[Goal, Logits, int], Float[Array, " b"]]
RandomKeys: TypeAlias = RandomKey  # one for each sample, [b]

_UNROLLED = 10  # steps that are worth compiling one by one on a CPU


class Point(NamedTuple):
    """Where an attack stands.

    Attributes:
        images: ``[b, h, w, c]`` in [0, 1].
        memory: whatever else the method carries from step to step.
    """

    images: Images
    memory: Any


class AttackResult(NamedTuple):
    """The best image found for each sample, never merely the last.

    Attributes:
        images: ``[b, h, w, c]`` in [0, 1].
        success: whether the goal is reached.
        margin: by how much; see ``goals.margin``.
        confidence: softmax probability of the class in question, in [0, 1].
        log_doubt: ``log(1 - p)`` of it, exact where ``confidence`` is 1.
        l0: share of numbers changed, in [0, 1].
        l2: Euclidean length of the perturbation, in units of [0, 1].
        linf: largest change of a number.
        forwards: forward passes that each sample needed.
        gradients: gradient passes that each sample needed.
    """

    images: Images
    success: Bool[Array, " b"]
    margin: Float[Array, " b"]
    confidence: Float[Array, " b"]
    log_doubt: Float[Array, " b"]
    l0: Float[Array, " b"]
    l2: Float[Array, " b"]
    linf: Float[Array, " b"]
    forwards: Int32[Array, " b"]
    gradients: Int32[Array, " b"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Attack:
    """An iterative attack, as data and pure functions.

    A pytree whose leaves are those of ``budget``; attacks that differ in numbers
    share one compilation.

    Attributes:
        budget: the method's numbers (epsilon, step size, ...), a pytree.
        init: ``(keys, budget, images) -> point``, where to start; one key for
            each sample.
        step: ``(keys, budget, classifier, images, goal, point) -> (point, logits,
            gradients)``, one step; ``logits`` are those of the point it came
            from, so that a step costs no pass of its own to be watched, and
            ``gradients`` says how many passes backward it made. ``images`` are
            the originals.
        steps: how many.
        better: which of two images that reach the goal is kept: the one with
            the larger ``margin``, or the one nearer in ``l2`` or ``linf``.
        stops: whether a sample is left alone once it has reached its goal.
    """

    budget: Budget
    init: Callable[..., Point] = field(metadata={"static": True})
    step: Callable[..., tuple[Point, Logits, int]] = field(metadata={"static": True})
    steps: int = field(metadata={"static": True})
    better: Better = field(metadata={"static": True})
    stops: bool = field(default=False, metadata={"static": True})

    def __call__(
        self, key: RandomKey, classifier: Classifier, images: Images, goal: Goal
    ) -> AttackResult:
        """Attack a batch inside ``jit``; outside, ``run`` also checks what it is given.

        Args:
            key: sample ``i`` draws from ``fold_in(key, i)``; or a key for each.
            classifier: the network.
            images: ``[b, h, w, c]`` in [0, 1].
            goal: of every image.
        """
        keys = fold_in(sample_keys(key, len(images)), 0)
        point = self.init(fold_in(keys, 0), self.budget, images)
        progress = begin(images)._replace(point=point)
        progress = walk(self, keys, classifier, images, goal, progress)
        return finish(classifier, images, goal, progress)


class Progress(NamedTuple):
    """What the loop carries: the point, the best image and how good it is, the counts."""

    point: Point
    best: Images
    reached: Bool[Array, " b"]
    worth: Float[Array, " b"]
    forwards: Int32[Array, " b"]
    gradients: Int32[Array, " b"]


def sample_keys(key: RandomKey, count: int) -> RandomKeys:
    """Give every sample a key of its own, unless it has one."""
    if key.ndim == 1:
        return key
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(count))


def fold_in(keys: RandomKeys, index: Array | int) -> RandomKeys:
    """Fold a number into every sample's key."""
    return jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, index)


def begin(images: Images) -> Progress:
    """Before the first start: nothing found, nothing spent."""
    none = jnp.zeros(len(images), jnp.int32)
    worst = jnp.full(len(images), -jnp.inf, jnp.float32)
    return Progress(Point(images, None), images, none > 0, worst, none, none)


def advance(
    attack: Attack,
    keys: RandomKeys,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    progress: Progress,
    index: Array | int,
) -> Progress:
    """Step ``index``, which draws from ``fold_in(key, index + 1)``."""
    point, logits, passes = attack.step(
        fold_in(keys, index + 1), attack.budget, classifier, images, goal, progress.point
    )
    seen = _keep(attack.better, attack.stops, classifier, images, goal, progress, logits)
    if not attack.stops:
        return seen._replace(point=point, gradients=seen.gradients + passes)
    stay = lambda old, new: jax.vmap(jnp.where)(seen.reached, old, new)
    gradients = seen.gradients + passes * ~seen.reached
    return seen._replace(point=jax.tree.map(stay, progress.point, point), gradients=gradients)


def look(
    better: Better,
    stops: bool,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    progress: Progress,
) -> Progress:
    """Compare the point that the last step went to with the best."""
    logits = classifier(progress.point.images)
    return _keep(better, stops, classifier, images, goal, progress, logits)


def walk(
    attack: Attack,
    keys: RandomKeys,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    progress: Progress,
) -> Progress:
    """Take all steps, as one compiled loop."""
    step = lambda index, progress: advance(attack, keys, classifier, images, goal, progress, index)
    if attack.stops:
        _, progress = jax.lax.while_loop(
            lambda carry: (carry[0] < attack.steps) & ~jnp.all(carry[1].reached),
            lambda carry: (carry[0] + 1, step(*carry)),
            (jnp.int32(0), progress),
        )
    else:
        # XLA's CPU convolutions are several times slower inside a loop than outside
        unroll = attack.steps <= _UNROLLED and jax.default_backend() == "cpu"
        progress = jax.lax.fori_loop(0, attack.steps, step, progress, unroll=unroll)
    return look(attack.better, attack.stops, classifier, images, goal, progress)


def finish(classifier: Classifier, images: Images, goal: Goal, progress: Progress) -> AttackResult:
    """Score the best image of each sample once more, as anybody would who is given it."""
    best = progress.best
    logits = classifier(best)
    asked = goals.answer(goal, logits, classifier.num_classes)[:, None]
    read = lambda scores: jnp.take_along_axis(scores, asked, axis=1)[:, 0]
    margin = goals.margin(goal, logits, classifier.num_classes)
    change = jnp.abs(best - images).reshape(len(images), -1)
    return AttackResult(
        images=best,
        success=margin > 0.0,
        margin=margin,
        confidence=read(metrics.probabilities(logits)),
        log_doubt=-jax.nn.softplus(read(metrics.log_odds(logits))),
        l0=jnp.mean(change > 0.0, axis=1),
        l2=jnp.linalg.norm(change, axis=1),
        linf=jnp.max(change, axis=1),
        forwards=progress.forwards + 1,
        gradients=progress.gradients,
    )


def gradient_of(
    loss: Loss, classifier: Classifier, goal: Goal, images: Images
) -> tuple[Images, Logits]:
    """Return each image's own gradient of the loss, and the logits.

    Where the gradient is not a finite number it is taken to be 0.
    """

    def total(images):
        logits = classifier(images)
        return jnp.sum(loss(goal, logits, classifier.num_classes)), logits

    gradient, logits = jax.grad(total, has_aux=True)(images)
    return jnp.where(jnp.isfinite(gradient), gradient, 0.0), logits


per_image = functools.partial(jnp.expand_dims, axis=(1, 2, 3))


def _keep(
    better: Better,
    stops: bool,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    progress: Progress,
    logits: Logits,
) -> Progress:
    """Compare the present point with the best; NaN never wins."""
    here = progress.point.images
    margin = goals.margin(goal, logits, classifier.num_classes)
    reached = margin > 0.0
    worth = margin
    if better != "margin":
        change = (here - images).reshape(len(images), -1)
        far = jnp.linalg.norm(change, ord=2 if better == "l2" else jnp.inf, axis=1)
        worth = jnp.where(reached, -far, margin)
    wins = jnp.where(reached == progress.reached, worth > progress.worth, reached)
    looked = ~progress.reached if stops else jnp.ones_like(reached)
    return progress._replace(
        best=jnp.where(per_image(wins), here, progress.best),
        reached=reached | progress.reached,
        worth=jnp.where(wins, worth, progress.worth),
        forwards=progress.forwards + looked,
    )
