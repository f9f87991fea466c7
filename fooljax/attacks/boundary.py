"""The boundary between answers: on which side an image is, and how to come to it from afar."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from fooljax.attacks.attack import RandomKeys, per_image
from fooljax.attacks.pgd import Norm
from fooljax.types import Images, RandomKey

FINEST = 1e-6  # share of the way to the boundary that float32 can still tell apart

#: Whether images reach the goal.
Asked = Callable[[Images], Bool[Array, " b"]]


def distance(images: Images, others: Images, norm: Norm) -> Float[Array, " b"]:
    """Return how far each image is from the other."""
    change = (others - images).reshape(len(images), -1)
    return jnp.linalg.norm(change, ord=2 if norm == "l2" else jnp.inf, axis=1)


def pick(where: Bool[Array, " b"], images: Any, others: Any) -> Any:
    """Take the first images where the condition holds, and the others elsewhere."""
    return jnp.where(per_image(where, images), images, others)


def draws(keys: RandomKeys, index: Array, draw: Callable[[RandomKey], Array]) -> Array:
    """Draw number ``index`` of each sample, ``[b, m, ...]``."""
    one = lambda key: jax.vmap(lambda i: draw(jax.random.fold_in(key, i)))(index)
    return jax.vmap(one)(keys)


def first_noise(
    keys: RandomKeys, asks: Asked, images: Images, together: int
) -> tuple[Images, Bool[Array, " b"], Array]:
    """Return the first noise image that reaches the goal, whether there is one, and the cost."""
    draw = lambda key: jax.random.uniform(key, images.shape[1:], dtype=jnp.float32)
    noise = draws(keys, jnp.arange(together, dtype=jnp.int32), draw)
    reached = asks(noise.reshape(-1, *images.shape[1:])).reshape(-1, together)
    first, found = jnp.argmax(reached, axis=1), jnp.any(reached, axis=1)
    chosen = jax.vmap(lambda row, i: row[i])(noise, first)
    return chosen, found, jnp.where(found, first + 1, together).astype(jnp.int32)


def approach(
    asks: Asked, images: Images, outside: Images, share: Array, moves: Array, norm: Norm
) -> tuple[Images, Array]:
    """Return the nearest image to ``images`` on the way from ``outside`` that reaches the goal.

    The search ends when it is as exact as ``share`` of the way.
    """
    whole = (
        distance(images, outside, norm) if norm == "linf" else jnp.ones(len(images), jnp.float32)
    )

    def blend(way: Array) -> Images:
        if norm == "l2":
            return jnp.clip(images + per_image(way, images) * (outside - images), 0.0, 1.0)
        return jnp.clip(outside, images - per_image(way, images), images + per_image(way, images))

    def open_(low: Array, high: Array) -> Array:
        return moves & (high - low > share * whole)

    def halve(carry):
        low, high, found, spent = carry
        searching = open_(low, high)
        middle = 0.5 * (low + high)
        tried = blend(middle)
        reached = asks(tried)
        low = jnp.where(searching & ~reached, middle, low)
        high = jnp.where(searching & reached, middle, high)
        return low, high, pick(searching & reached, tried, found), spent + searching

    begin = (jnp.zeros(len(images), jnp.float32), whole, outside, jnp.zeros(len(images), jnp.int32))
    _, _, found, spent = jax.lax.while_loop(
        lambda carry: jnp.any(open_(carry[0], carry[1])), halve, begin
    )
    return found, spent
