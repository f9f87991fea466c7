"""What is left of a network's confidence without each connected part of an image."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from fooljax import printing
from fooljax.analysis import masks as parts_of
from fooljax.analysis.parts import answers_to, scores
from fooljax.types import Classifier, Images


class Removals(NamedTuple):
    """What is left of an image's confidence without each of its components.

    Attributes:
        components: the parts of each image.
        whole: log-odds of the target in the image as it is, ``[n]``.
        without: without each part, ``[n, m]``; NaN where an image has no such part.
        alone: with nothing but this part, ``[n, m]``; NaN likewise.
    """

    components: parts_of.Components
    whole: Float[np.ndarray, " n"]
    without: Float[np.ndarray, "n m"]
    alone: Float[np.ndarray, "n m"]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def without_each_component(
    classifier: Classifier,
    images: Images | np.ndarray,
    targets: ArrayLike,
    tolerance: float = 0.25,
    most: int = 64,
    batch_size: int | None = None,
) -> Removals:
    """Paint away one connected part of each image after the other, in its median color.

    Args:
        classifier: the network.
        images: ``[n, h, w, c]`` in [0, 1].
        targets: the class in question of each image, ``[n]``.
        tolerance: how far the ground may be from its color, in units of [0, 1].
        most: parts of an image that are tried, the largest ones.
        batch_size: as for `answers_to`.

    Raises:
        ValueError: as `answers_to`, or if a number or a target is out of its range.

    Source:
        Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897, Figure 10, by hand there.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.numpy.zeros((1, 4, 4, 1)).at[0, 1, 1].set(1.0)  # a dot on a ground
        >>> found = fj.analysis.without_each_component(network, images, targets=[0])
        >>> found.without.shape
        (1, 1)
    """
    parts = parts_of.components(images, tolerance, most)
    shown = np.concatenate([np.ones_like(parts.masks[:, :1]), ~parts.masks, parts.masks], axis=1)
    logits = answers_to(classifier, images, shown, parts_of.ground(images), batch_size)
    found = scores(logits, targets, classifier.num_classes, "log_odds")
    whole, without, alone = np.split(found, [1, 1 + parts.masks.shape[1]], axis=1)
    missing = np.arange(parts.masks.shape[1]) >= parts.counts[:, None]
    blank = lambda values: np.where(missing, np.nan, values)
    return Removals(parts, whole[:, 0], blank(without), blank(alone))
