"""Images that a network should not answer, made without looking at any network."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage
from jaxtyping import Float32

from fooljax import data
from fooljax.types import Images, RandomKey

Made = Float32[np.ndarray, "n h w c"]

_TILES = 4
_BLUR = 2.0


def _inverted(key: RandomKey, images: Images) -> Images:
    return 1.0 - images


def _quarter_turn(key: RandomKey, images: Images) -> Images:
    return jnp.rot90(images, axes=(1, 2))


def _scrambled(key: RandomKey, images: Images) -> Images:
    """Shuffle the tiles of each image."""
    count, height, width, channels = images.shape
    tall, wide = height // _TILES, width // _TILES
    tiles = images.reshape(count, _TILES, tall, _TILES, wide, channels).transpose(0, 1, 3, 2, 4, 5)
    tiles = tiles.reshape(count, _TILES * _TILES, tall, wide, channels)
    tiles = jax.vmap(jax.random.permutation)(jax.random.split(key, count), tiles)
    tiles = tiles.reshape(count, _TILES, _TILES, tall, wide, channels).transpose(0, 1, 3, 2, 4, 5)
    return tiles.reshape(images.shape)


def _mosaic(key: RandomKey, images: Images) -> Images:
    """Put the four quarters of four images together."""
    order = jax.random.permutation(key, len(images))
    others = [images[jnp.roll(order, shift)] for shift in range(4)]
    row, column = images.shape[1] // 2, images.shape[2] // 2
    top = jnp.concatenate([others[0][:, :row, :column], others[1][:, :row, column:]], axis=2)
    bottom = jnp.concatenate([others[2][:, row:, :column], others[3][:, row:, column:]], axis=2)
    return jnp.concatenate([top, bottom], axis=1)


#: What can be made of the test images, and the words for it.
ALTERED: dict[str, tuple[Callable[[RandomKey, Images], Images], str]] = {
    "inverted": (_inverted, "test images with black and white exchanged"),
    "quarter-turn": (_quarter_turn, "test images turned by 90 degrees (some may still be read)"),
    "scrambled": (_scrambled, "test images cut into 16 tiles that are shuffled"),
    "mosaic": (_mosaic, "quarters of four test images put together"),
}


def _uniform(key: RandomKey, images: Images) -> Images:
    return jax.random.uniform(key, images.shape, dtype=jnp.float32)


def _gaussian(key: RandomKey, images: Images) -> Images:
    return jnp.clip(0.5 + 0.25 * jax.random.normal(key, images.shape, dtype=jnp.float32), 0.0, 1.0)


def _blurred(key: RandomKey, images: Images) -> Images:
    """Blur uniform noise and stretch each image to the full range."""
    noise = np.asarray(jax.random.uniform(key, images.shape, dtype=jnp.float32))
    smooth = scipy.ndimage.gaussian_filter(noise, (0, _BLUR, _BLUR, 0))
    low, high = (end(smooth, axis=(1, 2, 3), keepdims=True) for end in (np.min, np.max))
    return jnp.asarray((smooth - low) / (high - low))


def _permuted(key: RandomKey, images: Images) -> Images:
    """Shuffle the pixels of each image."""
    pixels = images.reshape(len(images), -1, images.shape[-1])
    keys = jax.random.split(key, len(images))
    return jax.vmap(jax.random.permutation)(keys, pixels).reshape(images.shape)


#: Noise, and the words for it.
NOISE: dict[str, tuple[Callable[[RandomKey, Images], Images], str]] = {
    "uniform noise": (_uniform, "every number drawn evenly from 0 to 1"),
    "Gaussian noise": (_gaussian, "numbers around grey, cut off at 0 and 1"),
    "blurred noise": (_blurred, "uniform noise, blurred and stretched to the full range"),
    "permuted pixels": (_permuted, "test images whose pixels are shuffled"),
}


def unrelated(
    key: RandomKey, images: Images, outliers: tuple[str, ...], data_dir: str | None
) -> dict[str, Made]:
    """Make or load every family of images that nobody has made against a network.

    Args:
        key: decides noise, tiles and shuffles.
        images: clean test images ``[n, h, w, c]``; of each family as many at most.
        outliers: names in ``ALTERED``, or as ``data.load_others`` takes them.
        data_dir: where data sets are kept.

    Raises:
        ValueError, OSError: if a family cannot be had, naming the flag.
    """
    shape, count = tuple(images.shape[1:]), len(images)
    families = {}
    for place, name in enumerate(outliers):
        key_family = jax.random.fold_in(key, place)
        if name in ALTERED:
            if name == "quarter-turn" and shape[0] != shape[1]:
                raise ValueError(f"--outliers: quarter-turn needs square images, got {shape}")
            if name == "scrambled" and (shape[0] % _TILES or shape[1] % _TILES):
                raise ValueError(
                    f"--outliers: scrambled needs a height and width that {_TILES} divides, "
                    f"got {shape}"
                )
            families[name] = np.asarray(ALTERED[name][0](key_family, images))
            continue
        try:
            others = data.load_others(name, shape, data_dir, count)
        except (ValueError, OSError) as error:
            raise ValueError(f"--outliers: {error}") from error
        families[name] = np.asarray(data.as_float(others))
    key_noise = jax.random.fold_in(key, len(outliers))
    for place, (name, (make, _)) in enumerate(NOISE.items()):
        families[name] = np.asarray(make(jax.random.fold_in(key_noise, place), images))
    return families
