"""An adversarial patch: a round sticker that makes one class of whatever it lies on, anywhere."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from fooljax import checks
from fooljax.attacks.attack import RandomKeys, sample_keys
from fooljax.attacks.transforms import turned
from fooljax.attacks.universal_measures import check_images
from fooljax.data import Pictures, as_float, at_once, in_turn
from fooljax.types import Classifier, Image, Images, RandomKey


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


def placement(least: float = 0.2, most: float = 0.5, degrees: float = 45.0) -> Placement:
    """Return where a patch may lie.

    Args:
        least: smallest diameter, as a share of the picture's shorter side, in (0, 1].
        most: largest one.
        degrees: how far it is turned either way.

    Raises:
        ValueError: if a number is out of its range, or ``least`` is above ``most``.

    Example:
        >>> from fooljax import attacks
        >>> attacks.placement(0.3, 0.3).most
        0.3
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

    Example:
        >>> import jax
        >>> from fooljax import attacks
        >>> black, white = jax.numpy.zeros((2, 20, 20, 1)), jax.numpy.ones((8, 8, 1))
        >>> covered = attacks.apply_patch(
        ...     jax.random.key(0), black, white, attacks.placement(0.5, 0.5)
        ... )
        >>> bool(0.15 < covered.mean() < 0.25)  # a circle half as wide covers a fifth
        True
    """
    images = jnp.asarray(images)
    if images.ndim != 4:
        raise ValueError(f"a patch is for pictures [b, h, w, c], got images {images.shape}")
    images = as_float(checks.images(images, images.shape[1:]))
    patch, where = _checked(patch, where, images.shape[3])
    return apply_checked(sample_keys(key, len(images)), images, patch, where)


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
def apply_checked(keys: RandomKeys, images: Images, patch: Image, where: Placement) -> Images:
    """Put a patch on images as `apply_patch` does, without asking about what has been checked."""
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

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> patch = jax.numpy.ones((2, 2, 1))
        >>> fj.attacks.patched_answers(jax.random.key(2), network, images, patch).shape
        (5,)
    """
    key, images = checks.key(key), check_images(classifier, images)
    patch, where = _checked(patch, where, classifier.input_shape[-1])
    if batch_size is None:
        batch_size = at_once(classifier.input_shape)
    size = min(len(images), checks.count("batch_size", batch_size))
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
    logits = classifier(apply_checked(keys, as_float(images), patch, where))
    broken = jnp.any(jnp.isnan(logits), axis=1)
    return jnp.where(broken, -1, jnp.argmax(logits, axis=1)).astype(jnp.int32)
