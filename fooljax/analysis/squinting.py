"""Whether an image shows its class to somebody who squints: blurred, it is like which class?"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import ArrayLike

from fooljax import checks, printing
from fooljax.data import as_float
from fooljax.defenses.preprocess import blur, blur_matrix
from fooljax.types import Images, RandomKey

_ROUNDING = 1e-5  # of a sum of correlations, each at most 1


class Resemblance(NamedTuple):
    """How like their classes images are.

    Attributes:
        own: correlation of every image with the template of its own class, ``[n]`` in
            [-1, 1]; 0 where one of the two is plain.
        others: mean correlation with the templates of the other classes, ``[n]``.
        named: class whose template every image is most like, ``[n]``.
        p_value: chance that images are as like the templates of their own classes, had
            the classes been called otherwise, in (0, 1].
    """

    own: Float[Array, " n"]
    others: Float[Array, " n"]
    named: Int[Array, " n"]
    p_value: Float[Array, ""]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def templates(
    images: Images | np.ndarray, labels: ArrayLike, num_classes: int
) -> Float[np.ndarray, "k ..."]:
    """Return what tells each class from the others: its mean, less the mean of all means.

    Args:
        images: ``[n, ...]``, uint8, or float32 in [0, 1], some of every class.
        labels: class of every image.
        num_classes: number of classes, two or more.

    Raises:
        ValueError: if images and labels do not go together, or a class has no image.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> images = np.array([0.0, 1.0, 0.0, 0.5]).reshape(2, 2, 1, 1).astype(np.float32)
        >>> analysis.templates(images, [0, 1], num_classes=2).ravel().tolist()
        [0.0, 0.25, 0.0, -0.25]
    """
    num_classes = checks.count("num_classes", num_classes, 2)
    shown = np.asarray(checks.images(images, tuple(np.shape(images)[1:])))
    classes = np.asarray(checks.labels(labels, len(shown), num_classes))
    empty = np.flatnonzero(np.bincount(classes, minlength=num_classes) == 0)
    if empty.size:
        raise ValueError(f"labels must name every class, got none of class {empty[0]}; add images")
    mean = lambda label: shown[classes == label].mean(axis=0, dtype=np.float64).astype(np.float32)
    means = np.stack([mean(label) for label in range(num_classes)])
    means -= means.mean(axis=0, dtype=np.float64).astype(np.float32)  # in place: it may be large
    means /= np.float32(255.0 if shown.dtype == np.uint8 else 1.0)
    return means


def blurred(images: Images | np.ndarray, sigma: float) -> Images:
    """Blur images with a Gaussian, as a look through half-closed eyes does; edges are mirrored.

    Args:
        images: ``[n, h, w, c]``, uint8, or float32 in [0, 1].
        sigma: standard deviation in pixels; 0 leaves them as they are.

    Returns:
        float32 in [0, 1].

    Raises:
        ValueError: if ``sigma`` is negative, or these are no pictures.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> plain = np.full((1, 8, 8, 1), 0.5, np.float32)
        >>> bool(np.allclose(analysis.blurred(plain, sigma=2.0), 0.5))
        True
    """
    matrices = _matrices(np.shape(images), sigma)
    shown = as_float(checks.images(images, tuple(np.shape(images)[1:])))
    return jnp.clip(_blurred(matrices, shown), 0.0, 1.0)


def resemblance(
    images: Images | np.ndarray,
    classes: ArrayLike,
    templates: ArrayLike,
    sigma: float,
    key: RandomKey,
    permutations: int = 5000,
) -> Resemblance:
    """Correlate blurred images with the blurred templates of all classes.

    What all images have in common is subtracted first: their mean. So a ground that they
    share, or the grey of noise, is no likeness.

    The test exchanges the names of the classes, and so counts classes: two images of a
    class are not two independent findings. With ``k`` classes no p-value is below one
    over the factorial of ``k``, nor below one over the permutations and one.

    Args:
        images: ``[n, h, w, c]``, uint8, or float32 in [0, 1], all of one kind.
        classes: what they were made to show, ``[n]``.
        templates: of every class, ``[k, h, w, c]``, from `templates`.
        sigma: standard deviation of the blur in pixels; 0 for none.
        key: decides the permutations.
        permutations: how many.

    Raises:
        ValueError: if shapes or classes do not go together, there are fewer than two
            images or templates, or a number is out of its range.

    Source:
        Phipson and Smyth, 2010, arXiv:1603.05766 (p-values of random permutations).

    Example:
        >>> import jax
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> images = np.random.default_rng(0).random((6, 4, 4, 1), np.float32)
        >>> classes = [0, 1, 2, 0, 1, 2]
        >>> own = analysis.templates(images, classes, num_classes=3)
        >>> found = analysis.resemblance(images, classes, own, 0.0, jax.random.key(0), 20)
        >>> found.named.tolist()
        [0, 1, 2, 0, 1, 2]
    """
    patterns = jnp.asarray(checks.array("templates", templates), jnp.float32)
    if patterns.ndim < 2 or len(patterns) < 2:
        raise ValueError(
            f"templates must be [k, h, w, c] with a k of 2 or more, got {patterns.shape}"
        )
    matrices = _matrices(patterns.shape, sigma)
    shown = as_float(checks.images(images, patterns.shape[1:]))
    if len(shown) < 2:
        raise ValueError(
            f"images must be two or more, got {len(shown)}; what they share is subtracted"
        )
    labels = jnp.asarray(checks.labels(classes, len(shown), len(patterns), "classes"))
    key, permutations = checks.key(key), checks.count("permutations", permutations)
    alike = _correlations(matrices, shown, patterns)
    is_own = jax.nn.one_hot(labels, len(patterns), dtype=bool)
    own = jnp.sum(alike, axis=1, where=is_own)
    others = jnp.mean(alike, axis=1, where=~is_own)
    named = jnp.argmax(alike, axis=1).astype(jnp.int32)
    return Resemblance(own, others, named, _p_value(key, alike, labels, permutations))


def _matrices(shape: tuple[int, ...], sigma: float) -> tuple[Array, Array]:
    if len(shape) != 4:
        raise ValueError(f"only pictures [n, h, w, c] are blurred, got {tuple(shape)}")
    width = checks.not_negative("sigma", sigma)
    row = lambda size: blur_matrix(size, width) if width else np.eye(size, dtype=np.float32)
    return jnp.asarray(row(shape[1])), jnp.asarray(row(shape[2]))


@jax.jit
def _blurred(matrices: tuple[Array, Array], images: Images) -> Images:
    """Blur one image at a time: many large ones would fill the memory twice."""
    return jax.lax.map(lambda image: blur(matrices, image[None])[0], images)


@jax.jit
def _correlations(
    matrices: tuple[Array, Array], images: Images, templates: Float[Array, "k h w c"]
) -> Float[Array, "n k"]:
    mean = jnp.mean(images, axis=0)

    def standard(image: Float[Array, "h w c"]) -> Float[Array, " p"]:
        pixels = blur(matrices, image[None]).reshape(-1)
        pixels = pixels - jnp.mean(pixels)
        length = jnp.linalg.norm(pixels)
        plain = length <= 1e-6 * jnp.sqrt(pixels.size)
        return jnp.where(plain, 0.0, pixels / jnp.where(plain, 1.0, length))

    ways = jax.lax.map(lambda image: standard(image - mean), images)
    patterns = jax.lax.map(standard, templates)
    return jnp.clip(jnp.matmul(ways, patterns.T, precision="highest"), -1.0, 1.0)


@partial(jax.jit, static_argnames="permutations")
def _p_value(
    key: RandomKey, alike: Float[Array, "n k"], classes: Int[Array, " n"], permutations: int
) -> Float[Array, ""]:
    """Compare the sum of own correlations with its like under other names of the classes."""
    count = alike.shape[1]
    totals = jax.ops.segment_sum(alike, classes, count)
    names = jnp.arange(count)

    def by_chance(key: RandomKey) -> Float[Array, ""]:
        return jnp.sum(totals[names, jax.random.permutation(key, names)])

    sums = jax.lax.map(by_chance, jax.random.split(key, permutations), batch_size=500)
    least = jnp.trace(totals) - _ROUNDING * jnp.sum(jnp.abs(totals))
    as_much = jnp.sum(sums >= least, dtype=jnp.float32)
    return (1.0 + as_much) / (1.0 + permutations)
