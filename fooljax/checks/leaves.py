"""What may be among a network's params."""

from typing import Any

import jax
import numpy as np

from fooljax.checks.kinds import shown


def leaves(params: Any, name: str = "classifier") -> None:
    """Refuse what is neither an array nor a number among params, by its place.

    Args:
        params: of a network.
        name: of the network.

    Raises:
        ValueError: if a leaf is a text, a function or another object.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        if isinstance(leaf, jax.Array | jax.ShapeDtypeStruct | bool | int | float | complex):
            continue
        if isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind not in "OUSMm":
            continue
        place = jax.tree_util.keystr(path, simple=True, separator=".")
        raise ValueError(
            f"params of the {name} must be arrays and numbers, got {shown(leaf)} as "
            f"{place or 'all of them'}; what is no number belongs into apply"
        )
