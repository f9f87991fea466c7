"""Which of a network's params are weights, and which of these training changes."""

from typing import Any

import jax
import jax.numpy as jnp

from fooljax.types import Params


def is_weight(leaf: Any) -> bool:
    """Tell arrays of real or complex numbers from counters, random keys and Python numbers."""
    return hasattr(leaf, "dtype") and bool(jnp.issubdtype(leaf.dtype, jnp.inexact))


def trained_part(params: Params) -> Params:
    """Return the params that training changes, with None in place of all others.

    Weights do, apart from those beside an entry called ``params``: running averages of a
    Flax module, numbers of a defense.
    """
    found, structure = jax.tree_util.tree_flatten_with_path(params)
    paths = [tuple(_key(key) for key in path) for path, _ in found]
    parents = {path[:i] for path in paths for i, key in enumerate(path) if key == "params"}

    def changes(path: tuple, leaf: Any) -> bool:
        beside = any(path[:i] in parents and key != "params" for i, key in enumerate(path))
        return is_weight(leaf) and not beside

    leaves = [
        leaf if changes(path, leaf) else None for path, (_, leaf) in zip(paths, found, strict=True)
    ]
    return jax.tree.unflatten(structure, leaves)


def put_back(part: Params, params: Params) -> Params:
    """Return params with a part of them, as ``trained_part`` gives it, in its place."""
    return jax.tree.map(
        lambda new, old: old if new is None else new,
        part,
        params,
        is_leaf=lambda leaf: leaf is None,
    )


def _key(key: Any) -> Any:
    """Return the name or the number by which a container holds an entry."""
    for attribute in ("key", "name", "idx"):
        if hasattr(key, attribute):
            return getattr(key, attribute)
    return key
