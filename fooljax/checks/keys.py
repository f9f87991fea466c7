"""Random keys: typed ones as they are, legacy ones wrapped."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.checks.kinds import shown
from fooljax.types import RandomKey


def typed(given: Any, name: str = "key") -> RandomKey:
    """Return typed keys of any shape; see ``key``."""
    return _typed(given, name)


def key(given: Any, name: str = "key") -> RandomKey:
    """Return one typed key; a legacy one gives the same numbers.

    Args:
        given: as ``jax.random.key(0)`` or ``jax.random.PRNGKey(0)`` returns it.
        name: of the argument.

    Raises:
        ValueError: if it is no random key, or several.
    """
    typed = _typed(given, name)
    if typed.ndim:
        raise ValueError(
            f"{name} must be one random key, got an array of keys {typed.shape}; give one of them"
        )
    return typed


def keys(given: Any, count: int, name: str = "key") -> RandomKey:
    """Return one typed key, or ``[count]`` of them where each sample was given its own.

    Args:
        given: a key, or an array or a list of keys; legacy ones too.
        count: number of samples.
        name: of the argument.

    Raises:
        ValueError: if they are no random keys, or of another number.
    """
    typed = _typed(given, name)
    if typed.shape not in ((), (count,)):
        raise ValueError(
            f"{name} must be one random key, or one for each of {count} samples, got an array of "
            f"keys {typed.shape}"
        )
    return typed


def _typed(given: Any, name: str) -> RandomKey:
    if isinstance(given, Sequence) and not isinstance(given, str | bytes) and len(given):
        return jnp.stack([_typed(one, name) for one in given])
    dtype = getattr(given, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key):
        return given
    if dtype == np.uint32 and getattr(given, "ndim", 0):
        try:
            return jax.random.wrap_key_data(jnp.asarray(given))
        except (TypeError, ValueError):
            pass  # of another shape than key data have
    raise ValueError(f"{name} must be a random key, as jax.random.key(0), got {shown(given)}")
