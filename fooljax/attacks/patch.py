"""An adversarial patch: a round sticker that makes one class of whatever it lies on, anywhere."""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int32

from fooljax import checks
from fooljax.attacks import goals, losses
from fooljax.attacks.attack import RandomKeys, sample_keys
from fooljax.attacks.goals import Goal
from fooljax.attacks.transforms import turned
from fooljax.attacks.universal import Universal, UniversalResult, UniversalState, run_universal
from fooljax.attacks.universal_measures import check_images
from fooljax.data import Pictures, as_float, at_once, in_turn
from fooljax.types import Classifier, Image, Images, Logits, RandomKey


class Placement(NamedTuple):
    """Where a patch may lie; every picture draws its own place, uniformly.

    Attributes:
        least: smallest diameter, as a share of the picture's shorter side.
        most: largest diameter, likewise; the patch always lies inside the picture.
        degrees: turned either way.
    """

    least: Any = 0.2
    most: Any = 0.5
    degrees: Any = 45.0


class _Memory(NamedTuple):
    key: RandomKey
    step: Array
    optimizer: Any


def placement(least: float = 0.2, most: float = 0.5, degrees: float = 45.0) -> Placement:
    """Return where a patch may lie.

    Args:
        least: smallest diameter, as a share of the picture's shorter side, in (0, 1].
        most: largest one.
        degrees: how far it is turned either way.

    Raises:
        ValueError: if a number is out of its range, or ``least`` is above ``most``.
    """
    least = checks.between("least", least, 0.0, 1.0, "(]")
    most = checks.between("most", most, 0.0, 1.0, "(]")
    if least > most:
        raise ValueError(f"least must be at most {most}, the largest diameter, got {least}")
    return Placement(least, most, checks.between("degrees", degrees, 0.0, 180.0))


def apply_patch(
    key: RandomKey | RandomKeys, images: Images, patch: Image, where: Placement | None = None
) -> Images:
    """Put a patch on every image, each somewhere else.

    Differentiable in both; pixels of the patch are interpolated linearly.

    Args:
        key: image ``i`` draws from ``fold_in(key, i)``; or a key for each.
        images: ``[b, h, w, c]`` in [0, 1].
        patch: ``[s, s, c]`` in [0, 1], of which the inscribed circle is shown.
        where: it may lie; `placement` unless given.

    Raises:
        ValueError: if the images are no pictures or the patch does not suit them.
    """
    images = jnp.asarray(images)
    if images.ndim != 4:
        raise ValueError(f"a patch is for pictures [b, h, w, c], got images {images.shape}")
    images = as_float(checks.images(images, images.shape[1:]))
    patch, where = _checked(patch, where, images.shape[3])
    return _apply_to_all(sample_keys(key, len(images)), images, patch, where)


def _checked(
    patch: Any, where: Placement | None, channels: int
) -> tuple[Float[Array, "s s c"], Placement]:
    patch = jnp.asarray(patch)
    if patch.ndim != 3 or patch.shape != (len(patch), len(patch), channels):
        raise ValueError(
            f"the patch must be square and have the images' channels, [s, s, {channels}], got "
            f"{patch.shape}"
        )
    patch = as_float(checks.images(patch[None], patch.shape, "the patch"))[0]
    return patch, Placement() if where is None else checks.kind("where", where, Placement)


@jax.jit
def _apply_to_all(keys: RandomKeys, images: Images, patch: Image, where: Placement) -> Images:
    return jax.vmap(functools.partial(_apply_to_one, patch, where))(keys, images)


def _apply_to_one(patch: Image, where: Placement, key: RandomKey, image: Image) -> Image:
    height, width, _ = image.shape
    key_size, key_place, key_angle = jax.random.split(key, 3)
    share = jax.random.uniform(key_size, (), jnp.float32, where.least, where.most)
    radius = 0.5 * share * min(height, width)
    sides = jnp.array([height, width], jnp.float32)
    free = jax.random.uniform(key_place, (2,), jnp.float32)
    center = radius + free * (sides - 2.0 * radius) - 0.5  # of pixels' centers
    angle = jnp.deg2rad(
        jax.random.uniform(key_angle, (), jnp.float32, -where.degrees, where.degrees)
    )
    rows, columns = (jnp.arange(side, dtype=jnp.float32) for side in (height, width))
    places = jnp.stack(jnp.meshgrid(rows, columns, indexing="ij")) - center[:, None, None]
    inside = jnp.sum(places**2, axis=0) <= radius**2
    scale = 0.5 * len(patch) / radius
    there = scale * jnp.einsum("ij,jhw->ihw", turned(angle), places) + 0.5 * (len(patch) - 1)
    sample = lambda channel: jax.scipy.ndimage.map_coordinates(
        channel, [there[0], there[1]], order=1, mode="nearest"
    )
    covered = jnp.clip(jax.vmap(sample, in_axes=2, out_axes=2)(patch), 0.0, 1.0)  # rounding
    return jnp.where(inside[..., None], covered, image)


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
        logits = classifier(_apply_to_all(keys, images, patch, where))
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


def patched_answers(
    key: RandomKey,
    classifier: Classifier,
    images: Pictures,
    patch: Image,
    where: Placement | None = None,
    batch_size: int | None = None,
) -> Int32[np.ndarray, " n"]:
    """Find the network's answer to every image with a patch on it.

    Args:
        key: decides the places, as for `apply_patch`.
        classifier: the network.
        images: ``[n, h, w, c]``, uint8 or float32 in [0, 1], or a stream.
        patch: ``[s, s, c]`` in [0, 1].
        where: it may lie; `placement` unless given.
        batch_size: images at a time; decides memory and speed only.

    Returns:
        Column of the largest logit of every image, -1 where a logit is NaN.

    Raises:
        ValueError: if images or patch do not suit the network or each other.
    """
    key, images = checks.key(key), check_images(classifier, images)
    patch, where = _checked(patch, where, classifier.input_shape[-1])
    size = min(len(images), batch_size or at_once(classifier.input_shape))
    answers = np.empty(len(images), np.int32)
    for start, held, place in in_turn(images, size):
        rows = np.arange(start, start + size, dtype=np.int32)
        batch = held[place : place + size]
        answers[rows] = _answers(classifier, key, rows, batch, patch, where)
    return answers


@jax.jit
def _answers(
    classifier: Classifier, key: RandomKey, rows: Array, images: Array, patch: Image, where: Any
) -> Int32[Array, " b"]:
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, rows)
    logits = classifier(_apply_to_all(keys, as_float(images), patch, where))
    broken = jnp.any(jnp.isnan(logits), axis=1)
    return jnp.where(broken, -1, jnp.argmax(logits, axis=1)).astype(jnp.int32)
