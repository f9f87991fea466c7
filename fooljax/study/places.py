"""Which of many things are taken: places spread evenly over them, or in random order."""

import jax
import numpy as np
from jaxtyping import Int

from fooljax.study.cells import Coordinate, key_of


def spread(count: int, most: int) -> Int[np.ndarray, " m"]:
    """Return places of a number of things, first and last among them, rounded down.

    Args:
        count: how many there are.
        most: how many to choose; all of them, if there are fewer.
    """
    return np.linspace(0, count - 1, min(most, count)).astype(int)


def order_of(seed: int, count: int, **coordinates: Coordinate) -> Int[np.ndarray, " n"]:
    """Return the places of a number of things in random order, which named coordinates decide.

    Args:
        seed: of the run.
        count: how many there are.
        coordinates: what the order belongs to, as `key_of` takes them.
    """
    return np.asarray(jax.random.permutation(key_of(seed, **coordinates), count))


def draw(seed: int, count: int, most: int, **coordinates: Coordinate) -> Int[np.ndarray, " m"]:
    """Return some places of a number of things, drawn at random, in ascending order.

    Args:
        seed: of the run.
        count: how many there are.
        most: how many to draw; all of them, if there are fewer.
        coordinates: as for `order_of`.
    """
    return np.sort(order_of(seed, count, **coordinates)[:most])
