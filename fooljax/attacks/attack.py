"""The one attack loop: step, keep the best so far, count what it cost."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from fooljax import backend, checks
from fooljax.attacks import goals
from fooljax.attacks.goals import Goal
from fooljax.attacks.reads import Reads, check_reads, check_target
from fooljax.attacks.result import AttackResult, score_checked
from fooljax.attacks.shapes import Norm, length
from fooljax.attacks.shapes import axes_of as axes_of
from fooljax.attacks.shapes import for_each as for_each
from fooljax.attacks.shapes import per_image as per_image
from fooljax.types import Classifier, Images, Logits, RandomKey

Distance: TypeAlias = Callable[["Point", Images], Float[Array, " b"]]
Better: TypeAlias = Literal["margin", "logit", "shorter"] | Norm | Distance
Budget: TypeAlias = Any
Loss: TypeAlias = Callable[[Goal, Logits, int], Float[Array, " b"]]
RandomKeys: TypeAlias = RandomKey  # one for each sample, [b]

_UNROLLED = 10  # steps that are worth compiling one by one on a CPU


class Point(NamedTuple):
    """Where an attack stands.

    Attributes:
        images: ``[b, h, w, c]`` in [0, 1].
        memory: whatever else the method carries from step to step; every leaf
            has a leading axis ``b``.
    """

    images: Images
    memory: Any


class Passes(NamedTuple):
    """What a step cost each sample: numbers, or an int32 ``[b]``.

    Attributes:
        forwards: passes forward, those that made the step's logits included.
        gradients: passes backward.
        flat: how many of these were 0 everywhere, so that they say nothing.
    """

    forwards: Array | int
    gradients: Array | int
    flat: Array | int = 0


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Attack:
    """An iterative attack, as data and pure functions.

    A pytree whose leaves are numbers, those of ``budget`` and ``steps``; attacks that
    differ in numbers share one compilation.

    Attributes:
        budget: the method's numbers (epsilon, step size, ...), a pytree of
            scalars, or of arrays ``[b]`` that give each sample its own.
        init: ``(keys, budget, images) -> point``, where to start; one key and one
            of each of the budget's numbers for each sample.
        step: ``(keys, budget, classifier, images, goal, point) -> (point, logits,
            passes)``, one step; ``logits`` are those of the point it came from,
            so that a step costs no pass of its own to be watched. ``images`` are
            the originals; keys and numbers are one for each sample.
        steps: how many; with none the images are looked at as they are.
        better: which of two images that reach the goal is kept: the one with
            the larger ``margin``, the one nearer in a norm (``l0``, ``l1``, ``l2``, ``linf``)
            or by a function ``(point, images) -> [b]``, or of texts the ``shorter``. Or of
            any two that with the larger ``logit``.
        stops: whether a sample is left alone once it has reached its goal.
        reads: what it changes; other inputs are refused.
    """

    budget: Budget
    init: Callable[..., Point] = field(metadata={"static": True})
    step: Callable[..., tuple[Point, Logits, Passes]] = field(metadata={"static": True})
    steps: int
    better: Better = field(metadata={"static": True})
    stops: bool = field(default=False, metadata={"static": True})
    reads: Reads = field(default="numbers", metadata={"static": True})

    def __call__(
        self, key: RandomKey, classifier: Classifier, images: Images, goal: Goal
    ) -> AttackResult:
        """Attack a batch inside ``jit``; outside, ``run`` also checks what it is given.

        An attack that the compiled function closes over has its few steps unrolled on a
        CPU. One that it takes as an argument may have other numbers, also of steps,
        and compiles nothing anew.

        Args:
            key: sample ``i`` draws from ``fold_in(key, i)``; or a key for each.
            classifier: the network.
            images: ``[b, h, w, c]`` in [0, 1], or uint8; texts ``[b, n]`` of ids.
            goal: of every image.

        Raises:
            ValueError: if the network takes other inputs than the attack changes, or has
                no class that it goes toward.
        """
        check_reads(self.reads, classifier)
        check_target(self.budget, classifier)
        divisor = 255 if self.reads == "numbers" and images.dtype == jnp.uint8 else 1
        images = images.astype(jnp.float32 if self.reads == "numbers" else jnp.int32)
        images = images / divisor if divisor > 1 else images
        keys = fold_in(sample_keys(key, len(images)), 0)
        attack = dataclasses.replace(self, budget=for_each(self.budget, len(images)))
        progress = begin(images)._replace(
            point=attack.init(fold_in(keys, 0), attack.budget, images)
        )
        progress = walk(attack, keys, classifier, images, goal, progress)
        return finish(classifier, images, goal, progress)


class Progress(NamedTuple):
    """What the loop carries: the point, the best image and how good it is, the counts.

    ``margin`` is that of the image looked at last, which says something only where
    ``looked``: a sample that is left alone is not looked at any more.
    """

    point: Point
    best: Images
    margin: Float[Array, " b"]
    looked: Bool[Array, " b"]
    reached: Bool[Array, " b"]
    worth: Float[Array, " b"]
    forwards: Int32[Array, " b"]
    gradients: Int32[Array, " b"]
    flat: Int32[Array, " b"]


def sample_keys(key: RandomKey, count: int) -> RandomKeys:
    """Give every sample a key of its own, unless it has one."""
    key = checks.keys(key, count)
    if key.ndim == 1:
        return key
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(count, dtype=jnp.int32))


def fold_in(keys: RandomKeys, index: Array | int) -> RandomKeys:
    """Fold a number into every sample's key."""
    return jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, index)


def begin(images: Images) -> Progress:
    """Before the first start: nothing found, nothing spent."""
    none = jnp.zeros(len(images), jnp.int32)
    worst = jnp.full(len(images), -jnp.inf, jnp.float32)
    return Progress(Point(images, None), images, worst, none > 0, none > 0, worst, none, none, none)


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
    seen = _keep(attack.better, attack.stops, classifier, images, goal, progress, logits, passes)
    kept = choose(seen.reached, progress.point, point) if attack.stops else point
    return seen._replace(point=kept)


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
    return _keep(better, stops, classifier, images, goal, progress, logits, Passes(1, 0))


def walk(
    attack: Attack,
    keys: RandomKeys,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    progress: Progress,
) -> Progress:
    """Take all steps, as one compiled loop; a few on a CPU as none, if they are known."""
    step = lambda index, progress: advance(attack, keys, classifier, images, goal, progress, index)
    if attack.stops:
        _, progress = jax.lax.while_loop(
            lambda carry: (carry[0] < attack.steps) & ~jnp.all(carry[1].reached),
            lambda carry: (carry[0] + 1, step(*carry)),
            (jnp.int32(0), progress),
        )
    else:
        # XLA's CPU convolutions are several times slower inside a loop than outside
        few = isinstance(attack.steps, int) and attack.steps <= _UNROLLED
        progress = jax.lax.fori_loop(
            0, attack.steps, step, progress, unroll=few and backend.on_cpu()
        )
    return look(attack.better, attack.stops, classifier, images, goal, progress)


def finish(classifier: Classifier, images: Images, goal: Goal, progress: Progress) -> AttackResult:
    """Score the best image of each sample."""
    spent = progress.forwards, progress.gradients, progress.flat
    return score_checked(classifier, images, goal, progress.best, *spent)


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


def is_flat(gradient: Images) -> Bool[Array, " b"]:
    """Return where an image's gradient is 0 everywhere."""
    return ~jnp.any(gradient != 0.0, axis=axes_of(gradient))


def choose(condition: Bool[Array, " b"], new: Any, old: Any) -> Any:
    """Take each sample's entries from the first pytree where the condition holds."""
    return jax.tree.map(lambda a, b: jax.vmap(jnp.where)(condition, a, b), new, old)


def _keep(
    better: Better,
    stops: bool,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    progress: Progress,
    logits: Logits,
    passes: Passes,
) -> Progress:
    """Compare the present point with the best, and count; NaN never wins.

    A sample that is left alone pays for the look that finds it done, and for
    nothing after it.
    """
    here = progress.point.images
    margin = goals.margin(goal, logits, classifier.num_classes)
    reached = margin > 0.0
    worth = margin
    if better == "logit":
        worth = goals.logit(goal, logits)
    elif better == "shorter":
        worth = jnp.where(reached, -jnp.sum(here != 0, axis=1, dtype=jnp.float32), margin)
    elif better != "margin":
        far = better(progress.point, images) if callable(better) else length(here - images, better)
        worth = jnp.where(reached, -far, margin)
    alike = (reached == progress.reached) | (better == "logit")
    wins = jnp.where(alike, worth > progress.worth, reached)
    done, leaves = progress.reached & stops, reached & stops
    forwards = jnp.where(leaves, 1, passes.forwards)
    # at the goal there may be nothing left to climb
    flat = jnp.where(done | reached, 0, jnp.int32(passes.flat))
    return progress._replace(
        best=jnp.where(per_image(wins, progress.best), here, progress.best),
        margin=margin,
        looked=~done,
        reached=reached | progress.reached,
        worth=jnp.where(wins, worth, progress.worth),
        forwards=progress.forwards + jnp.where(done, 0, forwards),
        gradients=progress.gradients + jnp.where(done | leaves, 0, passes.gradients),
        flat=progress.flat + flat,
    )
