"""What is compared: one piece of work, done by fooljax and by a peer."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fooljax.data import Dataset
from fooljax.types import Classifier

Numbers = dict[str, float]


class Victim(NamedTuple):
    """A network, and what is done to it.

    Attributes:
        name: of the network.
        classifier: the network.
        images: float32 ``[n, h, w, c]`` in [0, 1], which it recognizes.
        labels: of them, int32 ``[n]``.
        unseen: other images that it recognizes, to test on.
        known: training images.
        epsilon: radius of balls in the maximum norm, in units of [0, 1].
    """

    name: str
    classifier: Classifier
    images: np.ndarray
    labels: np.ndarray
    unseen: np.ndarray
    known: Dataset
    epsilon: float

    def some(self, count: int) -> "Victim":
        """Return the same with the first images only."""
        return self._replace(images=self.images[:count], labels=self.labels[:count])


class Side(NamedTuple):
    """The work as one library does it.

    Attributes:
        work: does it, given the number of the repeat, from which all random numbers follow.
        found: says in numbers what came out; called after ``work``, and not timed.
    """

    work: Callable[[int], Any]
    found: Callable[[Any], Numbers]


class Pair(NamedTuple):
    """The same work for two.

    Attributes:
        question: attacks, evolution, scores or certification.
        name: of the pair, the peer first.
        package: the peer, as it is installed.
        module: the peer, as it is imported.
        work: what both do, and their budget.
        sides: ``victim -> (fooljax, peer)``.
        bare: whether it is done without a network, hence once for all networks.
    """

    question: str
    name: str
    package: str
    module: str
    work: str
    sides: Callable[[Victim], tuple[Side, Side]]
    bare: bool = False
