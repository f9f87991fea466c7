"""The thresholds of projections on balls of L0 and L1, without sorting.

Sorting costs a CPU more than a small network does. Numbers of at least 0 stand in the order of
their 31 bits, so trying one bit after another finds a threshold exactly.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

_BITS = 31  # of a float32 without its sign
_SMALLEST = 1 << 23  # the bits of the least number that is written in full


def of_largest(sizes: Float[Array, "b p"], count: Float[Array, " b"]) -> Float[Array, " b"]:
    """Return the largest size that at least so many numbers of a row have.

    Args:
        sizes: at least 0.
        count: whole numbers of at least 1; of more than ``p`` the size is 0.
    """
    return _last(lambda bar: jnp.sum(sizes >= bar[:, None], axis=1) >= count, len(sizes))


def of_sum(sizes: Float[Array, "b p"], total: Float[Array, " b"]) -> Float[Array, " b"]:
    """Return by how much all sizes of a row must shrink, none below 0, to sum up to ``total``.

    Args:
        sizes: at least 0.
        total: at least 0; where the sum is no larger the answer is 0.
    """

    def exceeds(less: Float[Array, " b"]) -> Bool[Array, " b"]:
        return jnp.sum(jnp.maximum(sizes - less[:, None], 0.0), axis=1) > total

    return _last(exceeds, len(sizes))


def _last(
    holds: Callable[[Float[Array, " b"]], Bool[Array, " b"]], count: int
) -> Float[Array, " b"]:
    """Return the largest number at which a condition holds that fails for all larger ones.

    0 where it holds nowhere.
    """
    number = lambda bits: jax.lax.bitcast_convert_type(bits, jnp.float32)

    def try_bit(place: Array, bits: Array) -> Array:
        more = bits + jnp.left_shift(jnp.int32(1), _BITS - 1 - place)
        return jnp.where(holds(number(more)), more, bits)

    bits = jax.lax.fori_loop(0, _BITS, try_bit, jnp.zeros(count, jnp.int32))
    # many processors take smaller numbers for 0, and so does this
    return jnp.where(bits < _SMALLEST, 0.0, number(bits))
