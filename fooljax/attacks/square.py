"""Square attack: random squares on the corners of the ball, kept when the margin grows."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, fold_in
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import Norm, project
from fooljax.attacks.square_l2 import bumps, span, tiles
from fooljax.types import Classifier, Image, Images, Logits, RandomKey

# of 10,000 queries, those after which squares have half the area
_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


class Squares(NamedTuple):
    """Numbers of a square attack.

    Attributes:
        epsilon: radius of the ball, in units of [0, 1].
        share: share of the image that the first squares cover, in (0, 1].
        queries: number of candidates that the schedule of the shares counts on.
    """

    epsilon: Any
    share: Any
    queries: Any


class Accepted(NamedTuple):
    """What the next square is painted on.

    Attributes:
        images: the best candidates since the stripes, ``[b, h, w, c]``.
        margin: of these, ``[b]``.
        looks: candidates looked at, the image itself and the stripes included.
    """

    images: Images
    margin: Float[Array, " b"]
    looks: Float[Array, " b"]


def as_picture(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how an input of any rank is laid out to paint squares on it.

    A sound ``(t, c)`` becomes one row, in which squares are spans of time; the frames of a
    video ``(t, h, w, c)`` stand one below the other.
    """
    if len(shape) == 2:
        return (1, *shape)
    return (math.prod(shape[:-2]), *shape[-2:])


def side(squares: Squares, count: Array, height: int, width: int) -> Array:
    """Return the side of square ``count``, counted from 0, in pixels.

    Its area is a share of the image that is halved at fixed parts of the queries; in one
    row it is the length of a span.
    """
    # squared off against rounding: at exactly 11 of 10,000 the first has passed
    passed = [count >= (at + 1) * (1.0 - 1e-6) * squares.queries / 1e4 for at in _HALVINGS]
    share = squares.share * 0.5 ** sum(one.astype(jnp.float32) for one in passed)
    area, shorter = share * height * width, min(height, width)
    row = shorter == 1
    wanted = jnp.round(area if row else jnp.sqrt(area))
    return jnp.clip(wanted, 1.0, max((max(height, width) if row else shorter) - 1.0, 1.0))


def _corners(images: Images, epsilon: Float[Array, " b"]) -> tuple[Images, Images]:
    """Return the darkest and the brightest images of the ball."""
    everywhere = jnp.full_like(images, jnp.inf)
    low, high = (project(images, way, epsilon, "linf") for way in (-everywhere, everywhere))
    return low, high


def _stripes(keys: RandomKeys, images: Images, epsilon: Float[Array, " b"]) -> Images:
    """Paint columns one pixel wide, each channel up or down."""
    low, high = _corners(images, epsilon)
    _, _, width, channels = images.shape
    up = jax.vmap(lambda key: jax.random.bernoulli(key, shape=(1, width, channels)))(keys)
    return jnp.where(up, high, low)


def _square(key: RandomKey, low: Image, high: Image, accepted: Image, size: Array) -> Image:
    """Paint one square, each channel up or down, so that it changes something."""
    height, width, channels = low.shape
    # one draw for all compiles several times faster than one for each
    chances = jax.random.uniform(key, (3 + channels,), dtype=jnp.float32)
    rows, columns = span(chances[0], height, size), span(chances[1], width, size)
    window = rows[:, None, None] & columns[None, :, None]
    up = chances[None, None, 3:] < 0.5
    same = jnp.all(~window | (jnp.where(up, high, low) == accepted))
    # uniform among the others: one to all of the channels flipped
    patterns = 2 ** min(channels, 20) - 1
    flips = 1 + jnp.floor(chances[2] * patterns).astype(jnp.int32)
    flips = (flips >> jnp.arange(channels, dtype=jnp.int32)[None, None]) % 2 == 1
    up = jnp.where(same, up ^ flips, up)
    return jnp.where(window, jnp.where(up, high, low), accepted)


def _squares(
    keys: RandomKeys,
    images: Images,
    accepted: Images,
    epsilon: Float[Array, " b"],
    size: Float[Array, " b"],
) -> Images:
    low, high = _corners(images, epsilon)
    return jax.vmap(_square)(keys, low, high, accepted, size)


# the first candidates, and all others
_PAINTERS = {"linf": (_stripes, _squares), "l2": (tiles, bumps)}


def _start(keys: RandomKeys, squares: Squares, images: Images) -> Point:
    del keys, squares
    none = jnp.zeros(len(images), jnp.float32)
    return Point(images, Accepted(images, none - jnp.inf, none))


def _paint(
    keys: RandomKeys,
    squares: Squares,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
    norm: Norm,
) -> tuple[Point, Logits, Passes]:
    """Look at a candidate, keep or drop it, and paint the next."""
    logits = classifier(point.images)
    margin = goals.margin(goal, logits, classifier.num_classes)
    before: Accepted = point.memory
    wins = (margin > before.margin) | (before.looks <= 1.0)  # the stripes are always taken
    accepted = Accepted(
        jax.vmap(jnp.where)(wins, point.images, before.images),
        jnp.where(wins, jnp.where(jnp.isnan(margin), -jnp.inf, margin), before.margin),
        before.looks + 1.0,
    )
    picture = (len(images), *as_picture(images.shape[1:]))
    flat, best = images.reshape(picture), accepted.images.reshape(picture)
    size = side(squares, before.looks - 1.0, *picture[1:3])
    begin, go_on = _PAINTERS[norm]
    first = begin(fold_in(keys, 0), flat, squares.epsilon)
    later = go_on(fold_in(keys, 1), flat, best, squares.epsilon, size)
    candidate = jax.vmap(jnp.where)(before.looks == 0.0, first, later).reshape(images.shape)
    return Point(candidate, accepted), logits, Passes(1, 0)


@functools.cache
def _step(norm: Norm) -> Callable:
    """Equal norms give the same function, so equal attacks share a compilation."""
    return functools.partial(_paint, norm=norm)


def square(
    epsilon: float,
    steps: int = 5000,
    *,
    norm: Norm = "linf",
    share: float = 0.8,
    schedule: int | None = None,
) -> Attack:
    """Search the surface of the ball with random squares; uses scores, not gradients.

    The image itself is looked at first, then one candidate after another, each
    kept if the goal's margin grows. In the maximum norm these are vertical stripes
    and then squares at random places, every channel painted in the brightest or the
    darkest color of the ball. In L2 they are a grid of bumps and then single ones,
    which take the length of their change from another place.

    Args:
        epsilon: radius of the ball, in units of [0, 1].
        steps: number of candidates.
        norm: of the ball, ``linf`` or ``l2``.
        share: share of the image that the first squares cover, in (0, 1].
        schedule: number of candidates over which the squares shrink; ``steps`` unless given.

    Returns:
        An attack that stops at the first image that reaches the goal. Each step
        is one forward pass.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Andriushchenko et al., 2020, arXiv:1912.00049 (the square is always one
        that changes something, as in the published code).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.square(0.1, steps=50)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> int(found.gradients.sum())  # it sees none
        0
    """
    steps = checks.count("steps", steps)
    epsilon = checks.radius(epsilon, norm)
    share = checks.between("share", share, 0.0, 1.0, "(]")
    checks.choice("norm", norm, ("linf", "l2"))
    schedule = steps if schedule is None else checks.count("schedule", schedule)
    squares = Squares(epsilon, share, float(schedule))
    return Attack(squares, _start, _step(norm), steps, better="margin", stops=True)
