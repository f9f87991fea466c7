"""Images that nobody has made against a network: altered, noise, other pictures."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage
from jaxtyping import Float32, UInt8
from numpy.typing import ArrayLike

from fooljax import data
from fooljax.runtime import inputs
from fooljax.runtime.victim_data import blame
from fooljax.study.cells import key_of
from fooljax.study.run import Run, Settings
from fooljax.types import Images, RandomKey

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


def noises(
    seed: int, shape: tuple[int, ...], count: int
) -> dict[str, UInt8[np.ndarray, "n h w c"]]:
    """Make uniform noise, and Gaussian noise around grey.

    Args:
        seed: of the run.
        shape: of an image.
        count: of images of each kind.
    """
    like = jnp.zeros((count, *shape), jnp.float32)
    kinds = ("uniform noise", "Gaussian noise")
    return {name: as_bytes(NOISE[name][0](key_of(seed, images=name), like)) for name in kinds}


def unrelated(
    run: Run[Settings], flag: str, names: Sequence[str], images: Images
) -> dict[str, Float32[np.ndarray, "n h w c"]]:
    """Make or load every kind of images that nobody has made against a network.

    Args:
        run: its seed decides noise, tiles and shuffles; it remembers other pictures.
        flag: that asked for them, with its dashes.
        names: those of `ALTERED`, or as ``data.load_others`` takes them; the kinds of
            `NOISE` follow.
        images: clean test images ``[n, h, w, c]``; of each kind as many at most.

    Raises:
        ValueError, OSError: if a kind cannot be had, naming the flag.
    """
    shape, count = tuple(images.shape[1:]), len(images)
    kinds = {name: None for name in names} | dict.fromkeys(NOISE)
    found = {}
    for name in kinds:
        key = key_of(run.config.run.seed, images=name)
        if name == "quarter-turn" and shape[0] != shape[1]:
            raise ValueError(f"{flag}: quarter-turn needs square images, got {shape}")
        if name == "scrambled" and (shape[0] % _TILES or shape[1] % _TILES):
            raise ValueError(
                f"{flag}: scrambled needs a height and width that {_TILES} divides, got {shape}"
            )
        if name in ALTERED or name in NOISE:
            found[name] = np.asarray((ALTERED | NOISE)[name][0](key, images))
        else:
            others = load_others(run, flag, [name], shape, count)[name]
            found[name] = np.asarray(data.as_float(others))
    return found


def load_others(
    run: Run[Settings], flag: str, names: Sequence[str], shape: tuple[int, ...], most: int
) -> dict[str, UInt8[np.ndarray, "n h w c"]]:
    """Load pictures of other things, in the size that a network takes.

    Args:
        run: remembers which pictures it was begun with.
        flag: that asked for them, with its dashes.
        names: as ``data.load_others`` takes them.
        shape: of an image.
        most: of images of each kind.

    Raises:
        ValueError, OSError: if they cannot be had, or are others than the run was begun
            with, naming the flag.
    """
    with blame(flag):
        found = {
            name: data.load_others(name, shape, run.config.victim.data_dir, most) for name in names
        }
    inputs.same_images(run.folder, {f"{flag} {name}": one for name, one in found.items()})
    return found


def as_bytes(images: ArrayLike) -> UInt8[np.ndarray, "..."]:
    """Round images in [0, 1] as a picture file does."""
    return np.round(np.asarray(images) * 255.0).astype(np.uint8)
