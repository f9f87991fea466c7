"""Random changes that a picture must survive while it ascends: another draw in each step.

A picture that is moved a little in each step cannot hang on exact pixels: what is left is
what the network sees after a shift too.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.attacks.attack import RandomKeys, fold_in
from fooljax.types import Bound, Image, Images, RandomKey

#: ``(key, image [h, w, c]) -> image [h, w, c]``; equal ones compare equal.
Transform: TypeAlias = Callable[[RandomKey, Image], Image]


def jitter(pixels: int) -> Transform:
    """Shift a picture by up to so many pixels each way; what leaves one side enters opposite.

    Raises:
        ValueError: if ``pixels`` is not positive.

    Source:
        Mordvintsev, Olah and Tyka, 2015, Inceptionism (jitter).
    """
    return Bound(_jitter, (checks.count("pixels", pixels),))


def scale(least: float = 0.9, most: float = 1.1) -> Transform:
    """Enlarge a picture about its center by a factor between two; edges are drawn out.

    Raises:
        ValueError: if the factors are not positive and in order.

    Source:
        Olah, Mordvintsev and Schubert, 2017, Feature Visualization.
    """
    least, most = checks.positive("least", least), checks.positive("most", most)
    if least > most:
        raise ValueError(f"least must be at most {most}, got {least}")
    return Bound(_scale, (least, most))


def rotate(degrees: float = 10.0) -> Transform:
    """Turn a picture about its center by up to so many degrees either way.

    Raises:
        ValueError: if ``degrees`` is not in [0, 180].

    Source:
        Olah, Mordvintsev and Schubert, 2017, Feature Visualization.
    """
    return Bound(_rotate, (checks.between("degrees", degrees, 0.0, 180.0),))


def transform(transforms: Sequence[Transform], keys: RandomKeys, images: Images) -> Images:
    """Apply several transforms to each image, one after the other.

    Args:
        transforms: the first one first; none leaves images as they are.
        keys: one for each image, ``[b]``; transform ``i`` draws from ``fold_in(key, i)``.
        images: ``[b, h, w, c]``.

    Raises:
        ValueError: if the images are no pictures.
    """
    if transforms and images.ndim != 4:
        raise ValueError(f"transforms are for pictures (h, w, c), got inputs {images.shape[1:]}")
    for i, one in enumerate(transforms):
        images = jax.vmap(one)(fold_in(keys, i), images)
    return images


def _jitter(pixels: int, key: RandomKey, image: Image) -> Image:
    return jnp.roll(image, jax.random.randint(key, (2,), -pixels, pixels + 1), (0, 1))


def _scale(least: float, most: float, key: RandomKey, image: Image) -> Image:
    factor = jax.random.uniform(key, (), jnp.float32, least, most)
    return resample(image, jnp.eye(2, dtype=jnp.float32) / factor)


def _rotate(degrees: float, key: RandomKey, image: Image) -> Image:
    angle = jnp.deg2rad(jax.random.uniform(key, (), jnp.float32, -degrees, degrees))
    return resample(image, turned(angle))


def turned(angle: Array) -> Float[Array, "2 2"]:
    """Return the matrix for `resample` that turns a picture by an angle, in radians."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([jnp.stack([cos, sin]), jnp.stack([-sin, cos])])


def resample(
    image: Image,
    matrix: Float[Array, "2 2"],
    shift: Float[Array, "2"] | None = None,
    beyond: Literal["nearest", "constant"] = "nearest",
) -> Image:
    """Return the picture whose pixel at ``p`` from the center is that at ``matrix @ p + shift``.

    In between pixels it is interpolated linearly.

    Args:
        image: ``[h, w, c]``.
        matrix: from (down, right) in the new picture to (down, right) in the old one.
        shift: in pixels (down, right) of the old picture; none unless given.
        beyond: what is beyond the edges: the edge goes on, or black.
    """
    height, width, _ = image.shape
    center = jnp.array([(height - 1) / 2, (width - 1) / 2], jnp.float32)
    rows, columns = jnp.meshgrid(*(jnp.arange(n, dtype=jnp.float32) for n in image.shape[:2]))
    places = jnp.stack([rows.T, columns.T]) - center[:, None, None]
    origin = center if shift is None else center + shift
    there = jnp.einsum("ij,jhw->ihw", matrix, places) + origin[:, None, None]
    sample = lambda channel: jax.scipy.ndimage.map_coordinates(
        channel, [there[0], there[1]], order=1, mode=beyond
    )
    return jax.vmap(sample, in_axes=2, out_axes=2)(image)
