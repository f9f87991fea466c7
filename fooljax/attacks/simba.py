"""SimBA: one direction of a basis after another, kept where the network's scores say so."""

import math
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Loss, Passes, Point, RandomKeys, per_image
from fooljax.attacks.boundary import pick
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import project
from fooljax.attacks.shapes import with_channels
from fooljax.types import Bound, Classifier, Image, Images, Logits

Basis: TypeAlias = Literal["pixel", "dct"]


class Strides(NamedTuple):
    """Numbers of SimBA.

    Attributes:
        epsilon: radius of the ball in L2, in units of [0, 1].
        step_size: length of a step along a direction.
        low: share of the frequencies of each axis that come first, in (0, 1].
    """

    epsilon: Any
    step_size: Any
    low: Any


class Kept(NamedTuple):
    """What the next step starts from.

    Attributes:
        images: the best so far, ``[b, ...]``.
        worth: their loss, ``[b]``.
        order: in which directions are tried, ``[b, d]``.
        at: place in that order of the direction tried last; -1 before the first.
        back: whether it was tried the other way round, ``[b]``.
    """

    images: Images
    worth: Float[Array, " b"]
    order: Int32[Array, "b d"]
    at: Int32[Array, " b"]
    back: Bool[Array, " b"]


def _stage(shape: tuple[int, ...], low: Float[Array, " b"]) -> Float[Array, "b d"]:
    """Return when each direction has its turn: the low frequencies first, then wider bands."""
    *lengths, channels = with_channels(shape)
    index = np.indices((*lengths, channels)).reshape(len(lengths) + 1, -1)[:-1]
    share = np.float32(np.max(index / np.reshape(lengths, (-1, 1)), axis=0))
    beyond = (jnp.asarray(share)[None] - low[:, None]) / low[:, None]
    return jnp.where(beyond < 0.0, 0.0, 1.0 + jnp.floor(4.0 * beyond))


def direction(basis: Basis, number: Array, shape: tuple[int, ...]) -> Image:
    """Return a direction of length 1, orthogonal to those of other numbers.

    Args:
        basis: ``pixel``, one number of the input; or ``dct``, one cosine wave in one channel.
        number: of the direction, int32 in [0, d) with ``d`` the size of the input.
        shape: of the input; the last axis has channels, unless it is the only one.
    """
    if basis == "pixel":
        return jax.nn.one_hot(number, math.prod(shape), dtype=jnp.float32).reshape(shape)
    full = with_channels(shape)
    *frequencies, channel = jnp.unravel_index(number, full)
    wave = jax.nn.one_hot(channel, full[-1], dtype=jnp.float32)
    for frequency, length in zip(frequencies[::-1], full[-2::-1], strict=True):
        place = jnp.arange(length, dtype=jnp.float32) + 0.5
        size = jnp.sqrt(jnp.where(frequency == 0, 1.0, 2.0) / length)
        along = size * jnp.cos(jnp.pi / length * frequency * place)
        wave = jnp.tensordot(along, wave, 0)
    return wave.reshape(shape)


def _start(basis: Basis, keys: RandomKeys, strides: Strides, images: Images) -> Point:
    shape = images.shape[1:]
    draw = lambda key: jax.random.uniform(key, (math.prod(shape),), dtype=jnp.float32)
    turn = jax.vmap(draw)(keys)
    if basis == "dct":
        turn = turn + _stage(shape, strides.low)
    order = jnp.argsort(turn, axis=1).astype(jnp.int32)
    none = jnp.zeros(len(images), jnp.int32)
    worth = jnp.full(len(images), -jnp.inf, jnp.float32)
    return Point(images, Kept(images, worth, order, none - 1, none > 0))


def _try(
    basis: Basis,
    loss: Loss,
    keys: RandomKeys,
    strides: Strides,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """Look at a candidate, keep or drop it, and go along the next direction, or back."""
    del keys
    before: Kept = point.memory
    logits = classifier(point.images)
    worth = loss(goal, logits, classifier.num_classes)
    first = before.at < 0
    wins = first | (worth > before.worth)
    best = pick(wins, point.images, before.images)
    back = ~wins & ~before.back
    at = before.at + jnp.where(back, 0, 1)
    number = jax.vmap(lambda order, i: order[i % order.size])(before.order, at)
    way = jax.vmap(lambda number: direction(basis, number, images.shape[1:]))(number)
    stride = strides.step_size * jnp.where(back, -1.0, 1.0)
    change = best - images + per_image(stride, images) * way
    moved = project(images, change, strides.epsilon, "l2")
    kept = Kept(best, jnp.where(wins, worth, before.worth), before.order, at, back)
    return Point(moved, kept), logits, Passes(1, 0)


def simba(
    epsilon: float = math.inf,
    step_size: float = 0.2,
    steps: int = 1000,
    *,
    basis: Basis = "pixel",
    low: float = 0.125,
    loss: Loss = goals.margin,
) -> Attack:
    """Step along one direction of a basis after another, by the network's scores only.

    The image itself is looked at first. Then directions follow in random order: a step one
    way is tried, and if the loss does not grow, one the other way; whichever makes it grow
    is kept. When all have had their turn they have it again.

    Args:
        epsilon: radius of the ball in L2 that steps are projected into, in units of
            [0, 1]. Without one, as published, ``n`` kept steps have at most the length
            ``sqrt(n) * step_size``.
        step_size: length of a step.
        steps: number of candidates; each is a forward pass.
        basis: ``pixel``, single numbers; or ``dct``, cosine waves in one channel, the low
            frequencies first.
        low: for ``dct``, share of the frequencies of each axis that come first, in (0, 1];
            each later band is a quarter of that wider.
        loss: ``(goal, logits, num_classes) -> [b]``, to grow.

    Returns:
        An attack that stops at the first image that reaches the goal.

    Raises:
        ValueError: if a number is out of its range or the basis is unknown.

    Source:
        Guo et al., 2019, arXiv:1905.07121, algorithm 1, with the margin in place of the
        probability, which the scale of the logits may round to 0 or 1.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.simba(step_size=0.5, steps=30)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> int(found.gradients.sum())  # it sees none
        0
    """
    epsilon = checks.not_negative("epsilon", epsilon, infinite=True)
    step_size = checks.positive("step_size", step_size)
    low = checks.between("low", low, 0.0, 1.0, "(]")
    checks.choice("basis", basis, ("pixel", "dct"))
    checks.function("loss", loss, "(goal, logits, num_classes) -> [b]")
    init, step = Bound(_start, (basis,)), Bound(_try, (basis, loss))
    strides = Strides(epsilon, step_size, low)
    return Attack(strides, init, step, checks.count("steps", steps), better="margin", stops=True)
