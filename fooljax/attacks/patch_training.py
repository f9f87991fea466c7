"""How an adversarial patch is trained: on batches of images, in each batch in other places."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.attacks import goals, losses
from fooljax.attacks.attack import sample_keys
from fooljax.attacks.goals import Goal
from fooljax.attacks.patch import Placement, apply_checked
from fooljax.attacks.universal import Universal, UniversalResult, UniversalState, run_universal
from fooljax.attacks.universal_measures import check_images
from fooljax.data import Pictures
from fooljax.types import Classifier, Image, Images, Logits, RandomKey


class _Memory(NamedTuple):
    key: RandomKey
    step: Array
    optimizer: Any


def universal_patch(
    key: RandomKey,
    pixels: int,
    where: Placement | None = None,
    *,
    step_size: float = 0.05,
) -> Universal:
    """Train one patch on batches of images, each time in other places.

    A method for `run_universal`, whose perturbation is the patch. The goal says what it is
    to do: ``reach`` a class as published, or ``leave`` the label.

    Args:
        key: decides the places; batch ``i`` draws from ``fold_in(key, i)``.
        pixels: side of the patch as it is stored.
        where: it may lie.
        step_size: of Adam, in units of [0, 1].

    Raises:
        ValueError: if a number is out of its range.

    Source:
        Brown et al., 2017, arXiv:1712.09665. Athalye et al., 2018, arXiv:1707.07397
        (expectation over transformation).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> method = fj.attacks.universal_patch(jax.random.key(2), pixels=2)
        >>> goal = fj.attacks.reach(jax.numpy.zeros(5, int))
        >>> made = fj.attacks.run_universal(
        ...     method, jax.random.key(3), network, images, goal, steps=2
        ... )
        >>> made.perturbation.shape
        (2, 2, 1)
    """
    key, pixels = checks.key(key), checks.count("pixels", pixels, 2)
    where = Placement() if where is None else checks.kind("where", where, Placement)
    step_size = checks.positive("step_size", step_size)

    def init(shape: tuple[int, ...]) -> tuple[Image, _Memory]:
        if len(shape) != 3:
            raise ValueError(f"a patch is for pictures (h, w, c), got inputs {shape}")
        gray = jnp.full((pixels, pixels, shape[2]), 0.5, jnp.float32)
        return gray, _Memory(key, jnp.int32(0), _ADAM.init(gray))

    def step(
        classifier: Classifier, images: Images, goal: Goal, patch: Image, memory: _Memory
    ) -> tuple[Image, _Memory, Float[Array, ""]]:
        return _improve(where, step_size, classifier, images, goal, patch, memory)

    return Universal(init, step)


_ADAM = optax.scale_by_adam()


@jax.jit
def _improve(
    where: Placement,
    step_size: float,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    patch: Image,
    memory: _Memory,
) -> tuple[Image, _Memory, Float[Array, ""]]:
    key = jax.random.fold_in(memory.key, memory.step)

    def worth(patch: Image) -> tuple[Array, Logits]:
        keys = sample_keys(key, len(images))
        logits = classifier(apply_checked(keys, images, patch, where))
        each = losses.spread_cross_entropy(goal, logits, classifier.num_classes)
        return jnp.mean(jnp.where(jnp.isfinite(each), each, 0.0)), logits

    slope, logits = jax.grad(worth, has_aux=True)(patch)
    slope = jnp.where(jnp.isfinite(slope), slope, 0.0)
    way, optimizer = _ADAM.update(slope, memory.optimizer)
    fooled = jnp.mean(goals.margin(goal, logits, classifier.num_classes) > 0.0)
    patch = jnp.clip(patch + step_size * way, 0.0, 1.0)
    return patch, _Memory(memory.key, memory.step + 1, optimizer), fooled


def train_patch(
    key: RandomKey,
    classifier: Classifier,
    images: Pictures,
    target: int,
    *,
    pixels: int | None = None,
    where: Placement | None = None,
    steps: int = 200,
    batch_size: int = 32,
    step_size: float = 0.05,
    start: UniversalState | None = None,
) -> UniversalResult:
    """Make a patch that turns whatever it lies on into one class.

    Args:
        key: decides the order of the images and the places.
        classifier: the network.
        images: ``[n, h, w, c]``, uint8 or float32 in [0, 1], or a stream, to learn from.
        target: the class to be named.
        pixels: side of the patch as it is stored; as many as its largest diameter in a
            picture has, unless given.
        where: it may lie; `placement` unless given.
        steps: batches in all.
        batch_size: images in a batch.
        step_size: of Adam, in units of [0, 1].
        start: the state of an earlier call, to go on.

    Returns:
        The patch ``[s, s, c]`` as ``perturbation``, and the share of each batch that it
        fooled before it was learned from.

    Raises:
        ValueError: if images or target do not suit the network, or a number is out of range.

    Source:
        Brown et al., 2017, arXiv:1712.09665.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> made = fj.attacks.train_patch(jax.random.key(2), network, images, target=0, steps=3)
        >>> made.perturbation.shape  # half as wide as the images, unless told otherwise
        (2, 2, 1)
    """
    key, images = checks.key(key), check_images(checks.classifier(classifier), images)
    where = Placement() if where is None else checks.kind("where", where, Placement)
    target = checks.count("target", target, 0)
    if target >= checks.columns(classifier):
        raise ValueError(f"target must be below {checks.columns(classifier)}, got {target}")
    shape = classifier.input_shape
    if pixels is None:
        pixels = max(2, math.ceil(float(where.most) * min(shape[:2])))
    key_order, key_places = jax.random.split(key)
    return run_universal(
        universal_patch(key_places, pixels, where, step_size=step_size),
        key_order,
        classifier,
        images,
        goals.reach(jnp.full(len(images), target, jnp.int32)),
        steps=steps,
        batch_size=batch_size,
        start=start,
    )
