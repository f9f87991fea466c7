"""Places spread evenly over many."""

import numpy as np
from jaxtyping import Int


def spread(count: int, most: int) -> Int[np.ndarray, " m"]:
    """Return places of a number of things, first and last among them, rounded down.

    Args:
        count: how many there are.
        most: how many to choose; all of them, if there are fewer.
    """
    return np.linspace(0, count - 1, min(most, count)).astype(int)
