"""What a network says along straight lines: rays to far away, and how far its tangent holds."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from fooljax import checks, printing
from fooljax.data import as_float
from fooljax.types import Classifier, Images


class TangentReach(NamedTuple):
    """How well the tangent at images foretells the logits on the way to others.

    Letters: ``s`` places on the way, ``b`` images.

    Attributes:
        error: squared distance between foretold and true change of the centered logits.
        change: squared length of the true change.
    """

    error: Float[Array, "s b"]
    change: Float[Array, "s b"]

    @property
    def r2(self) -> Float[Array, " s"]:
        """Share of the change that the tangent explains, of all images together.

        1 for a linear network; below 0 where no change at all would be the better guess.
        """
        return 1.0 - jnp.sum(self.error, axis=1) / jnp.sum(self.change, axis=1)

    @property
    def each(self) -> Float[Array, "s b"]:
        """The same for every image; NaN where the logits do not change."""
        return 1.0 - self.error / self.change

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def along(
    classifier: Classifier, images: Images | np.ndarray, directions: ArrayLike, lengths: ArrayLike
) -> Float[Array, "s b m"]:
    """Return the logits along straight lines: of ``image + length * direction``.

    From black in the direction of an image the line is a ray through it; in the
    direction from one image to another, a segment up to length 1. Lines may leave [0, 1].

    Args:
        classifier: the network; new weights and lengths do not recompile.
        images: where the lines begin, ``[b, ...]`` in [0, 1].
        directions: of the lines, ``[b, ...]``, of any length.
        lengths: ``[s]``, in lengths of the direction.

    Raises:
        ValueError: if the images or directions do not suit the classifier, or there are
            no lengths.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> fj.analysis.along(network, images, images, [0.0, 1.0, 10.0]).shape
        (3, 2, 3)
    """
    classifier, start = _start(classifier, images)
    ways = jnp.asarray(checks.array("directions", directions), jnp.float32)
    if ways.shape != start.shape:
        raise ValueError(f"directions must be {start.shape} as images, got {ways.shape}")
    places = checks.row("lengths", lengths).astype(np.float32)
    return jnp.stack([_at(classifier, start, ways, place) for place in places])


def tangent_reach(
    classifier: Classifier, images: Images | np.ndarray, ends: Images | np.ndarray, steps: ArrayLike
) -> TangentReach:
    """Compare the logits on the way to other images with what the tangent foretells.

    Of every image's logits their mean is subtracted, for probabilities do not depend on
    it. Costs a forward pass for each step, and one with its derivative; of a network that
    computes outside of JAX (`models.from_torch`) a gradient for each class.

    Args:
        classifier: the network; new weights and steps do not recompile.
        images: where the tangent touches, ``[b, ...]`` in [0, 1].
        ends: of the ways, as many.
        steps: places on the way, ``[s]``: 0 is the image, 1 the end.

    Raises:
        ValueError: if the images do not suit the classifier, or there are no steps.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> found = fj.analysis.tangent_reach(network, images, images[::-1], [0.5, 1.0])
        >>> bool((found.error < 1e-6 * found.change).all())  # a linear network is its tangent
        True
    """
    classifier, start = _start(classifier, images)
    goals = as_float(checks.images(ends, classifier.input_shape, "ends"))
    if goals.shape != start.shape:
        raise ValueError(f"ends must be as many as images, {len(start)}, got {len(goals)}")
    places, ways = checks.row("steps", steps).astype(np.float32), goals - start
    before, slope = _tangent(classifier, start, ways)
    found = [_compare(classifier, start, ways, before, slope, place) for place in places]
    return TangentReach(*(jnp.stack(part) for part in zip(*found, strict=True)))


def _start(classifier: Classifier, images: Images | np.ndarray) -> tuple[Classifier, Images]:
    classifier = checks.classifier(classifier)
    return classifier, as_float(checks.images(images, classifier.input_shape))


@jax.jit
def _at(classifier: Classifier, images: Images, ways: Images, length: Array) -> Array:
    return classifier(images + length * ways)


def _centered(classifier: Classifier, images: Images) -> Float[Array, "b k"]:
    logits = classifier(images)[:, : classifier.num_classes]
    return logits - jnp.mean(logits, axis=1, keepdims=True)


def _tangent(classifier: Classifier, images: Images, ways: Images) -> tuple[Array, Array]:
    try:
        return _forward(classifier, images, ways)
    except TypeError as error:  # PyTorch has gradients only
        if "custom_vjp" not in str(error):
            raise
    return _backward(classifier, images, ways)


@jax.jit
def _forward(classifier: Classifier, images: Images, ways: Images) -> tuple[Array, Array]:
    return jax.jvp(lambda shown: _centered(classifier, shown), (images,), (ways,))


@jax.jit
def _backward(classifier: Classifier, images: Images, ways: Images) -> tuple[Array, Array]:
    """The same from a gradient for each class."""
    before, back = jax.vjp(lambda shown: _centered(classifier, shown), images)
    axes = tuple(range(1, images.ndim))
    slope = lambda row: jnp.sum(back(jnp.broadcast_to(row, before.shape))[0] * ways, axes)
    return before, jax.lax.map(slope, jnp.eye(classifier.num_classes)).T


@jax.jit
def _compare(
    classifier: Classifier, images: Images, ways: Images, before: Array, slope: Array, step: Array
) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
    change = _centered(classifier, images + step * ways) - before
    return jnp.sum((change - step * slope) ** 2, axis=1), jnp.sum(change**2, axis=1)
