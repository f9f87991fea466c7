"""Patches instead of shape: images cut up and shuffled, and how parts act together.

Second derivatives of a network of rectifiers are 0 almost everywhere, so how parts act
together is measured by hiding them: alone, and two at a time.
"""

import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import ArrayLike

from fooljax import checks, printing
from fooljax.analysis.parts import Score, answers_to, scores
from fooljax.data import as_float
from fooljax.types import Classifier, Images, RandomKey


class Interactions(NamedTuple):
    """What hiding parts takes away, one and two at a time.

    Letters: ``n`` images, ``m`` parts, ``q`` pairs of parts.

    Attributes:
        whole: the score of each image as it is, ``[n]``.
        single: what is lost without each part, ``[n, m]``.
        joint: what is lost without both parts of each pair, ``[n, q]``.
        pairs: the parts of each pair, ``[q, 2]``.
    """

    whole: Float[np.ndarray, " n"]
    single: Float[np.ndarray, "n m"]
    joint: Float[np.ndarray, "n q"]
    pairs: Int[np.ndarray, "q 2"]

    @property
    def sums(self) -> Float[np.ndarray, "n q"]:
        """What both parts of each pair take away alone, added up."""
        return self.single[:, self.pairs].sum(axis=2)

    @property
    def pairwise(self) -> Float[np.ndarray, "n q"]:
        """The interaction of each pair: 0 where two losses just add up.

        It is ``f(x) - f(without i) - f(without j) + f(without both)``.
        """
        return self.sums - self.joint

    @property
    def strength(self) -> float:
        """The mean size of an interaction, as a multiple of the mean size of a single loss."""
        return float(np.mean(np.abs(self.pairwise)) / np.mean(np.abs(self.single)))

    def additivity(self, within: bool = False) -> float:
        """Correlate the sum of single losses with the joint loss, over all pairs.

        Args:
            within: compare pairs with others of the same image only.

        Source:
            Brendel and Bethge, 2019, arXiv:1904.00760, section 4.4.
        """
        both = np.stack([self.sums, self.joint]).astype(np.float64)
        both -= both.mean(axis=2 if within else (1, 2), keepdims=True)
        (a, c), (_, b) = both.reshape(2, -1) @ both.reshape(2, -1).T
        return float(c / np.sqrt(a * b)) if a > 0.0 and b > 0.0 else float("nan")

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def interactions(
    classifier: Classifier,
    images: Images | np.ndarray,
    targets: ArrayLike,
    parts: Bool[np.ndarray, "m ..."],
    fill: ArrayLike,
    score: Score = "logit",
    batch_size: int | None = None,
) -> Interactions:
    """Measure what images lose without each part, and without every two of them.

    It takes ``1 + m + m (m - 1) / 2`` forward passes an image: 137 for a grid of 4 x 4.

    Args:
        classifier: the network.
        images: ``[n, h, w, c]`` in [0, 1].
        targets: the class in question of each image, ``[n]``.
        parts: masks of two parts at least, True inside, ``[m, h, w]``.
        fill: shown in the place of hidden parts, as for `answers_to`.
        score: what is lost: the class's logit, or its log-odds.
        batch_size: as for `answers_to`.

    Raises:
        ValueError: as `answers_to`, or if there are fewer than two parts.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> fill = fj.analysis.fills.plain(images, 0.5)
        >>> parts = fj.analysis.masks.grid((4, 4, 1), 2)
        >>> found = fj.analysis.interactions(network, images, labels, parts, fill)
        >>> both = found.single[:, found.pairs].sum(axis=2)
        >>> bool(abs(both - found.joint).max() < 1e-4)  # a linear network adds parts up
        True
    """
    covers = np.asarray(parts, bool)
    if len(covers) < 2:
        raise ValueError(f"parts must be two at least, got {len(covers)}")
    pairs = np.array(list(itertools.combinations(range(len(covers)), 2)))
    hidden = [np.zeros_like(covers[:1]), covers, covers[pairs].any(axis=1)]
    logits = answers_to(classifier, images, ~np.concatenate(hidden), fill, batch_size)
    found = scores(logits, targets, classifier.num_classes, score)
    lost = found[:, :1] - found[:, 1:]
    return Interactions(found[:, 0], lost[:, : len(covers)], lost[:, len(covers) :], pairs)


def shuffled(key: RandomKey, images: Images | np.ndarray, grid: int) -> Float[Array, "n h w c"]:
    """Cut every image into ``grid`` x ``grid`` patches and put them together at random.

    Args:
        key: decides the order; that of an image depends on its place among the images only.
        images: ``[n, h, w, c]`` in [0, 1].
        grid: patches along each side; it has to divide both.

    Raises:
        ValueError: if these are no pictures, or sides cannot be cut so.

    Source:
        Zhang and Zhu, 2019, arXiv:1905.09797 (patch shuffling).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> images = jax.random.uniform(jax.random.key(0), (1, 4, 4, 1))
        >>> mixed = fj.analysis.shuffled(jax.random.key(1), images, grid=2)
        >>> bool((jax.numpy.sort(mixed.ravel()) == jax.numpy.sort(images.ravel())).all())
        True
    """
    grid, key = checks.count("grid", grid), checks.key(key)
    pictures = jnp.asarray(as_float(checks.array("images", images)))
    if pictures.ndim != 4:
        raise ValueError(f"images must be pictures [n, h, w, c], got {pictures.shape}")
    if any(side % grid for side in pictures.shape[1:3]):
        raise ValueError(
            f"grid must divide the sides of {pictures.shape[1:3]}, got {grid}; there are "
            f"{' '.join(map(str, grids(pictures.shape[1:])))}"
        )
    return _shuffled(key, pictures, grid)


def grids(shape: tuple[int, ...]) -> list[int]:
    """Return all numbers of patches that the sides of an image ``(h, w, c)`` can be cut into."""
    height, width = shape[:2]
    both = np.gcd(height, width)
    return [grid for grid in range(1, both + 1) if both % grid == 0]


@functools.partial(jax.jit, static_argnums=2)
def _shuffled(key: RandomKey, images: Images, grid: int) -> Images:
    _, height, width, channels = images.shape
    tall, wide = height // grid, width // grid

    def shuffle(place: Array, image: Array) -> Array:
        patches = image.reshape(grid, tall, grid, wide, channels).swapaxes(1, 2)
        flat = patches.reshape(grid * grid, tall, wide, channels)
        flat = jax.random.permutation(jax.random.fold_in(key, place), flat)
        return flat.reshape(grid, grid, tall, wide, channels).swapaxes(1, 2).reshape(image.shape)

    return jax.vmap(shuffle)(jnp.arange(len(images)), images)
