"""What an attack on one network does to the others, where several take turns."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fooljax import checks


class TurnEffects(NamedTuple):
    """What turns do to the networks whose turn it is not.

    Attributes:
        change: mean change of their margins.
        undone: share that is lost of what had been won with them (margins above 0), in
            [0, 1]; 0 if nothing had been.
    """

    change: float
    undone: float


def turn_effects(before: ArrayLike, after: ArrayLike) -> TurnEffects:
    """Measure what every turn of an attack does to the networks whose turn it is not.

    Args:
        before: margins of the originals on every network, ``[m, n]``, as
            ``attacks.InTurn`` has them.
        after: margins after every turn, ``[r, m, m, n]``.

    Raises:
        ValueError: if there are fewer than two networks, or the shapes do not fit.

    Example:
        >>> from fooljax import analysis
        >>> start = [[-1.0], [-2.0]]  # of two networks, about one image
        >>> turns = [[[[3.0], [-4.0]], [[-1.0], [5.0]]]]  # the second undoes the first
        >>> analysis.turn_effects(start, turns)
        TurnEffects(change=-3.0, undone=1.0)
    """
    start = np.asarray(checks.array("before", before))
    every = np.asarray(checks.array("after", after))
    count = len(start) if start.ndim == 2 else 0
    if count < 2 or every.ndim != 4 or not len(every) or every.shape[1:] != (count, *start.shape):
        raise ValueError(
            "before must be [m, n] of two networks or more, and after [r, m, m, n]; got "
            f"{start.shape} and {every.shape}"
        )
    states = np.concatenate([start[None], every.reshape(-1, *start.shape)])
    turns = np.arange(len(states) - 1) % count
    waits = turns[:, None] != np.arange(count)[None]  # [turn, network]
    was, now = states[:-1][waits], states[1:][waits]
    won = was > 0.0
    lost = float(np.mean(now[won] <= 0.0)) if won.any() else 0.0
    return TurnEffects(float(np.mean(now - was)), lost)
