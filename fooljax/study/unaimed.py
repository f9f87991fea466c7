"""Ways to get images that nobody has made against a network: noise, altered ones, other pictures.

Add yours to the controls at the end.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage
from jaxtyping import Array, Float, Int

from fooljax.study.making import Made, Make, Maker, Makers, Material
from fooljax.study.outputs import logits
from fooljax.study.settings import Making
from fooljax.types import Classifier, Images, RandomKey

_TILES = 4
_BLUR = 2.0  # standard deviation in pixels
_QUIET = 0.005  # standard deviation, in units of [0, 1]

#: ``(key, images) -> images``, as many of the same shape
Change = Callable[[RandomKey, Images], Images]
#: ``(key, shape) -> images``
Draw = Callable[[RandomKey, tuple[int, ...]], Images]
#: Raises ``ValueError`` for a shape that does not suit.
Check = Callable[[tuple[int, ...]], None]


def takes_for(classifier: Classifier, images: Images) -> Int[Array, " n"]:
    """Return the class that a network takes each image for, ``[n]``."""
    columns = logits(classifier, images)[:, : classifier.num_classes]
    return jnp.argmax(columns, axis=1).astype(jnp.int32)


def pictures(images: Images, words: str) -> Maker:
    """Return a control that shows pictures of other things, drawn from ``[n, h, w, c]``."""

    def build(making: Making, shape: tuple[int, ...]) -> Make:
        return _seen(lambda key, material: jax.random.permutation(key, images)[: making.images])

    return Maker("fooling", True, words, "", build, blind=True)


def _seen(draw: Callable[[RandomKey, Material], Images]) -> Make:
    """Make images without the network; they show whatever it takes them for."""

    def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
        images = draw(key, material)
        return Made(images, takes_for(classifier, images))

    return make


def _noise(draw: Draw, words: str, check: Check = lambda shape: None) -> Maker:
    def build(making: Making, shape: tuple[int, ...]) -> Make:
        check(shape)
        return _seen(lambda key, material: draw(key, (making.images, *shape)))

    return Maker("fooling", True, words, "", build, blind=True)


def _altered(change: Change, words: str, check: Check = lambda shape: None) -> Maker:
    def build(making: Making, shape: tuple[int, ...]) -> Make:
        check(shape)
        return _seen(lambda key, material: change(key, material.images[: making.images]))

    return Maker("fooling", True, words, "", build, blind=True)


def uniform(key: RandomKey, shape: tuple[int, ...]) -> Float[Array, "n h w c"]:
    """Draw noise of this shape, evenly from 0 to 1."""
    return jax.random.uniform(key, shape, dtype=jnp.float32)


def quiet(key: RandomKey, shape: tuple[int, ...]) -> Images:
    """Draw faint noise of this shape: of a sound, of 0.01 of full scale (root mean square)."""
    return 0.5 + _QUIET * jax.random.normal(key, shape, dtype=jnp.float32)


def gaussian(key: RandomKey, shape: tuple[int, ...]) -> Float[Array, "n h w c"]:
    """Draw Gaussian noise of this shape around grey, cut off at 0 and 1."""
    return jnp.clip(0.5 + 0.25 * jax.random.normal(key, shape, dtype=jnp.float32), 0.0, 1.0)


def _blurred(key: RandomKey, shape: tuple[int, ...]) -> Float[Array, "n h w c"]:
    """Blur uniform noise along all axes but the channels, and stretch to the full range."""
    widths = (0, *(_BLUR for _ in shape[1:-1]), 0)
    smooth = scipy.ndimage.gaussian_filter(np.asarray(uniform(key, shape)), widths)
    axes = tuple(range(1, len(shape)))
    low, high = (end(smooth, axis=axes, keepdims=True) for end in (np.min, np.max))
    return jnp.asarray((smooth - low) / np.maximum(high - low, 1e-6))


def _permuted(key: RandomKey, images: Images) -> Images:
    """Shuffle the pixels of each image."""
    pixels = images.reshape(len(images), -1, images.shape[-1])
    keys = jax.random.split(key, len(images))
    return jax.vmap(jax.random.permutation)(keys, pixels).reshape(images.shape)


def _inverted(key: RandomKey, images: Images) -> Images:
    return 1.0 - images


def _quarter_turn(key: RandomKey, images: Images) -> Images:
    return jnp.rot90(images, axes=(1, 2))


def _scrambled(key: RandomKey, images: Images) -> Images:
    """Shuffle the tiles of each image, a video's in all frames alike, the pieces of a sound."""
    if images.ndim == 3:
        pieces = images.reshape(len(images), _TILES * _TILES, -1, images.shape[-1])
        keys = jax.random.split(key, len(images))
        return jax.vmap(jax.random.permutation)(keys, pieces).reshape(images.shape)
    if images.ndim == 5:
        return _over_frames(_scrambled, key, images)
    count, height, width, channels = images.shape
    tall, wide = height // _TILES, width // _TILES
    tiles = images.reshape(count, _TILES, tall, _TILES, wide, channels).transpose(0, 1, 3, 2, 4, 5)
    tiles = tiles.reshape(count, _TILES * _TILES, tall, wide, channels)
    tiles = jax.vmap(jax.random.permutation)(jax.random.split(key, count), tiles)
    tiles = tiles.reshape(count, _TILES, _TILES, tall, wide, channels).transpose(0, 1, 3, 2, 4, 5)
    return tiles.reshape(images.shape)


def _mosaic(key: RandomKey, images: Images) -> Images:
    """Put the four quarters of four images together, of sounds one after another."""
    if images.ndim == 5:
        return _over_frames(_mosaic, key, images)
    order = jax.random.permutation(key, len(images))
    others = [images[jnp.roll(order, shift)] for shift in range(4)]
    if images.ndim == 3:
        ends = np.linspace(0, images.shape[1], 5).astype(int)
        parts = [one[:, ends[i] : ends[i + 1]] for i, one in enumerate(others)]
        return jnp.concatenate(parts, axis=1)
    row, column = images.shape[1] // 2, images.shape[2] // 2
    top = jnp.concatenate([others[0][:, :row, :column], others[1][:, :row, column:]], axis=2)
    bottom = jnp.concatenate([others[2][:, row:, :column], others[3][:, row:, column:]], axis=2)
    return jnp.concatenate([top, bottom], axis=1)


def _over_frames(change: Change, key: RandomKey, videos: Images) -> Images:
    """Change videos as pictures whose channels are all frames."""
    count, frames, height, width, channels = videos.shape
    flat = jnp.moveaxis(videos, 1, 3).reshape(count, height, width, frames * channels)
    changed = change(key, flat).reshape(count, height, width, frames, channels)
    return jnp.moveaxis(changed, 3, 1)


def is_picture(shape: tuple[int, ...]) -> None:
    """Refuse what is not ``(h, w, c)``.

    Raises:
        ValueError: naming the shape.
    """
    if len(shape) != 3:
        raise ValueError(f"only pictures (h, w, c) are blurred, cut or turned, got inputs {shape}")


def _has_places(shape: tuple[int, ...]) -> None:
    """Refuse what is no sound, picture or video.

    Raises:
        ValueError: naming the shape.
    """
    if not 2 <= len(shape) <= 4:
        raise ValueError(f"only sounds, pictures and videos are blurred or cut, got inputs {shape}")


def _square(shape: tuple[int, ...]) -> None:
    is_picture(shape)
    if shape[0] != shape[1]:
        raise ValueError(f"quarter_turn needs square images, got {shape}")


def _tiled(shape: tuple[int, ...]) -> None:
    _has_places(shape)
    if len(shape) == 2:
        if shape[0] % _TILES**2:
            raise ValueError(f"scrambled needs a length that {_TILES**2} divides, got {shape}")
    elif shape[-3] % _TILES or shape[-2] % _TILES:
        raise ValueError(f"scrambled needs a height and width that {_TILES} divides, got {shape}")


CONTROLS: Makers = {
    "noise": _noise(uniform, "uniform noise that nobody has changed"),
    "gaussian": _noise(gaussian, "Gaussian noise around grey, cut off at 0 and 1"),
    "quiet_noise": _noise(quiet, "faint noise around grey or silence, of a hundredth of the range"),
    "blurred": _noise(
        _blurred, "uniform noise, blurred and stretched to the full range", _has_places
    ),
    "permuted": _altered(_permuted, "real ones whose pixels are shuffled"),
    "inverted": _altered(_inverted, "real ones with black and white exchanged"),
    "quarter_turn": _altered(
        _quarter_turn, "real ones turned by 90 degrees (some may still be read)", _square
    ),
    "scrambled": _altered(_scrambled, "real ones cut into 16 tiles that are shuffled", _tiled),
    "mosaic": _altered(_mosaic, "put together from quarters of four real ones", _has_places),
}
