"""Turn and shift a picture, nothing else: the worst of a grid, or of a few random draws."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from fooljax import checks
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys
from fooljax.attacks.goals import Goal
from fooljax.attacks.transforms import resample, turned
from fooljax.types import Bound, Classifier, Image, Images, Logits, RandomKey


class Moves(NamedTuple):
    """How far a picture may move.

    Attributes:
        degrees: turned either way.
        shift: moved each way, as a share of the side.
        grid: angles, and shifts down and to the right, of the grid.
    """

    degrees: Any
    shift: Any
    grid: Any


def _start(keys: RandomKeys, budget: Moves, images: Images) -> Point:
    del keys, budget
    if images.ndim != 4:
        raise ValueError(
            f"spatial is for pictures (h, w, c), got inputs {images.shape[1:]}; for others take "
            "contrast, brightness or salt_and_pepper"
        )
    return Point(images, jnp.zeros(len(images), jnp.int32))


def _try_next(
    at_random: bool,
    keys: RandomKeys,
    budget: Moves,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """Look at one pose, and take the next; number 0 is the picture as it is."""
    del goal
    poses = jax.vmap(_drawn)(keys) if at_random else _on_grid(point.memory, budget.grid)
    made = jax.vmap(moved)(poses, jnp.asarray(budget.degrees), jnp.asarray(budget.shift), images)
    return Point(made, point.memory + 1), classifier(point.images), Passes(1, 0)


def _drawn(key: RandomKey) -> Float[Array, " 3"]:
    return jax.random.uniform(key, (3,), jnp.float32, -1.0, 1.0)


def _on_grid(index: Int32[Array, " b"], grid: Array) -> Float[Array, "b 3"]:
    """Return the poses with these numbers; the grid ends at the largest moves."""
    side = jnp.round(jnp.asarray(grid)).astype(jnp.int32)
    place = jnp.stack([index % side, index // side % side, index // side**2], axis=1)
    step = 2.0 / jnp.maximum(side - 1, 1)
    first = jnp.where(side > 1, -1.0, 0.0)
    return jnp.clip(first[:, None] + step[:, None] * (place % side[:, None]), -1.0, 1.0)


def moved(
    pose: Float[Array, " 3"], degrees: Array | float, shift: Array | float, image: Image
) -> Image:
    """Turn a picture about its center, then shift it; what comes in from outside is black.

    Args:
        pose: angle (counterclockwise), down and to the right, each in [-1, 1] of the
            largest.
        degrees: the largest angle.
        shift: the largest shift, as a share of the side.
        image: ``[h, w, c]``.
    """
    height, width, _ = image.shape
    turn = turned(jnp.deg2rad(pose[0] * degrees))
    by = shift * pose[1:] * jnp.array([height, width], jnp.float32)
    return resample(image, turn, -turn @ by, beyond="constant")


def spatial(
    degrees: float = 30.0, shift: float = 0.1, *, grid: int = 5, draws: int | None = None
) -> Attack:
    """Turn and shift a picture, and keep the pose that harms most.

    Pixels in between are interpolated linearly, and what was outside is black. The
    picture as it is counts as one of the poses.

    Args:
        degrees: how far it is turned either way, at most.
        shift: how far it is shifted down, up, left and right, at most, as a share of the
            side; the paper's 3 of 28 and 24 of 224 pixels are 0.107.
        grid: angles, shifts down and shifts to the right that are tried, all with all.
        draws: try so many random poses instead of the grid; the paper's worst of ten.

    Returns:
        An attack that asks for scores only and keeps the pose with the largest margin.

    Raises:
        ValueError: if a number is out of its range; when it runs, if the inputs are no
            pictures.

    Source:
        Engstrom et al., 2019, arXiv:1712.02779.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.spatial(degrees=20, grid=3)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool((found.forwards == 3**3 + 2).all())  # poses, the picture as it is, the score
        True
    """
    degrees = checks.between("degrees", degrees, 0.0, 180.0)
    shift = checks.between("shift", shift, 0.0, 1.0)
    grid = checks.count("grid", grid)
    steps = grid**3 if draws is None else checks.count("draws", draws)
    step = Bound(_try_next, (draws is not None,))
    return Attack(Moves(degrees, shift, float(grid)), _start, step, steps, better="margin")
