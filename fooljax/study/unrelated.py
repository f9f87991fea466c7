"""Images that nobody has made against a network: noise, and other pictures."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8
from numpy.typing import ArrayLike

from fooljax import data
from fooljax.runtime import inputs
from fooljax.runtime.victim_data import blame
from fooljax.study.cells import key_of
from fooljax.study.run import Run, Settings


def noises(
    seed: int, shape: tuple[int, ...], count: int
) -> dict[str, UInt8[np.ndarray, "n h w c"]]:
    """Make uniform noise, and Gaussian noise around grey.

    Args:
        seed: of the run.
        shape: of an image.
        count: of images of each kind.
    """

    def draw(name: str, kind: Callable[..., Array]) -> Float[Array, "n h w c"]:
        return kind(key_of(seed, images=name), (count, *shape), dtype=jnp.float32)

    uniform = draw("uniform noise", jax.random.uniform)
    gaussian = jnp.clip(0.5 + 0.25 * draw("Gaussian noise", jax.random.normal), 0.0, 1.0)
    return {"uniform noise": as_bytes(uniform), "Gaussian noise": as_bytes(gaussian)}


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
