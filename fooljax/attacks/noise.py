"""The control of every attack: noise of the same size that knows nothing of the network."""

import functools
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax import chance, checks
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, per_image
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import project
from fooljax.types import Classifier, Images, Logits


class Size(NamedTuple):
    """How large the noise is.

    Attributes:
        epsilon: in the norm of the noise, in units of [0, 1].
    """

    epsilon: Array | float


def _draw(keys: RandomKeys, size: Size, images: Images, norm: Literal["linf", "l2"]) -> Point:
    if norm == "linf":
        signs = jax.vmap(lambda key: jax.random.rademacher(key, images.shape[1:], jnp.float32))
        change = signs(keys)
    else:
        change = jax.vmap(lambda key: chance.normal(key, images.shape[1:]))(keys)
        lengths = jnp.linalg.norm(change.reshape(len(images), -1), axis=1)
        change = change / per_image(lengths, change)
    epsilon = jnp.asarray(size.epsilon)
    # projected, or rounding leaves it outside
    return Point(project(images, per_image(epsilon, images) * change, epsilon, norm), None)


def _redraw(
    keys: RandomKeys,
    size: Size,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
    norm: Literal["linf", "l2"],
) -> tuple[Point, Logits, Passes]:
    del goal
    return _draw(keys, size, images, norm), classifier(point.images), Passes(1, 0)


@functools.cache
def _functions(norm: Literal["linf", "l2"]):
    return functools.partial(_draw, norm=norm), functools.partial(_redraw, norm=norm)


def noise(epsilon: float, *, norm: Literal["linf", "l2"] = "linf", draws: int = 10) -> Attack:
    """Draw noise of a size, again and again, and keep the most harmful.

    Every number moves by ``epsilon`` up or down (``linf``), or the image moves by
    ``epsilon`` in a random direction (``l2``); what leaves [0, 1] is cut off.

    Args:
        epsilon: size of the noise, in units of [0, 1].
        norm: in which it has that size.
        draws: how many are tried, at least two.

    Raises:
        ValueError: if a number is out of its range.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.noise(0.1, draws=3)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool((found.linf <= 0.1 + 1e-6).all())
        True
    """
    epsilon, draws = checks.radius(epsilon, norm), checks.count("draws", draws, 2)
    checks.choice("norm", norm, ("linf", "l2"))
    init, step = _functions(norm)
    return Attack(Size(epsilon), init, step, draws - 1, better="margin")
