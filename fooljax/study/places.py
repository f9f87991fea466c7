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

    Example:
        >>> from fooljax import study
        >>> study.spread(10, 4).tolist(), study.spread(3, 4).tolist()
        ([0, 3, 6, 9], [0, 1, 2])
    """
    return np.linspace(0, count - 1, min(most, count)).astype(int)


def order_of(seed: int, count: int, **coordinates: Coordinate) -> Int[np.ndarray, " n"]:
    """Return the places of a number of things in random order, which named coordinates decide.

    Args:
        seed: of the run.
        count: how many there are.
        coordinates: what the order belongs to, as `key_of` takes them.

    Example:
        >>> from fooljax import study
        >>> order = study.order_of(0, 5, images="test", repeat=1)
        >>> same = study.order_of(0, 5, repeat=1, images="test")  # names decide
        >>> sorted(order.tolist()), bool((order == same).all())
        ([0, 1, 2, 3, 4], True)
    """
    return np.asarray(jax.random.permutation(key_of(seed, **coordinates), count))


def draw(seed: int, count: int, most: int, **coordinates: Coordinate) -> Int[np.ndarray, " m"]:
    """Return some places of a number of things, drawn at random, in ascending order.

    Args:
        seed: of the run.
        count: how many there are.
        most: how many to draw; all of them, if there are fewer.
        coordinates: as for `order_of`.

    Example:
        >>> from fooljax import study
        >>> places = study.draw(0, 100, 3, images="test")
        >>> len(places), bool((places[1:] > places[:-1]).all())
        (3, True)
    """
    return np.sort(order_of(seed, count, **coordinates)[:most])
