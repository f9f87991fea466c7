"""Descriptors: what fooling images may look like, as numbers."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks, metrics
from fooljax.data import as_float
from fooljax.types import Bound, Classifier, Images, Logits, Params


class Descriptor(NamedTuple):
    """A measure of images that niches are spread along.

    Attributes:
        measure: ``(classifier, images) -> [b]``.
        low: where the first cell begins.
        high: where the last one ends.
        words: what is measured, as "brightness (mean of the pixels)".
    """

    measure: Callable[[Classifier, Images], Float[Array, " b"]]
    low: float
    high: float
    words: str


def measure(
    descriptors: Sequence[Descriptor], classifier: Classifier, images: Images
) -> Float[Array, "b d"]:
    """Return what each descriptor says of each image, in units of its range.

    0 where the range begins and 1 where it ends, whatever it measures; NaN stays NaN.
    """
    columns = [
        (one.measure(classifier, images).astype(jnp.float32) - one.low) / (one.high - one.low)
        for one in descriptors
    ]
    return jnp.stack(columns, axis=1)


def with_references(classifier: Classifier, images: Images) -> Classifier:
    """Let a classifier carry images that ``nearest`` measures the distance to.

    Its answers stay the same; the images are params, so that others need no compilation.

    Args:
        classifier: any network.
        images: ``[n, h, w, c]`` in [0, 1] or uint8, such as training images.

    Raises:
        ValueError: if the images are none of the network's.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> digits = fj.data.load("digits")
        >>> network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
        >>> network = fj.evolution.with_references(network, digits.train.images[:500])
        >>> far = fj.evolution.DESCRIPTORS["nearest"]  # root mean square of a pixel
        >>> print(far.measure(network, fj.data.as_float(digits.train.images[:2])).round(2))
        [0. 0.]
        >>> noise = jax.random.uniform(jax.random.key(1), (1, 28, 28, 1))
        >>> bool(far.measure(network, noise)[0] > 0.3)
        True
    """
    checks.classifier(classifier)
    references = as_float(checks.images(images, classifier.input_shape))
    return dataclasses.replace(
        classifier,
        params=(classifier.params, references),
        apply=Bound(_without_references, (classifier.apply,)),
    )


def _without_references(
    apply: Callable[[Params, Images], Logits], params: tuple[Params, Images], images: Images
) -> Logits:
    return apply(params[0], images)


def nearest(classifier: Classifier, images: Images) -> Float[Array, " b"]:
    """Return the distance from the nearest reference, as root mean square of a pixel.

    In [0, 1]: 0 for a copy, 1 for a black image where all references are white.

    Args:
        classifier: from ``with_references``.
        images: to measure.

    Raises:
        ValueError: if the classifier carries no references.
    """
    if not (
        isinstance(classifier.apply, Bound) and classifier.apply.function is _without_references
    ):
        raise ValueError(
            "nearest measures the distance to the images of with_references(classifier)"
        )
    flat = images.reshape(len(images), -1)
    others = classifier.params[1].reshape(-1, flat.shape[1])
    squares = jnp.sum(flat**2, axis=1)[:, None] + jnp.sum(others**2, axis=1)[None]
    products = jnp.matmul(flat, others.T, precision=jax.lax.Precision.HIGHEST)
    apart = jnp.min(squares - 2.0 * products, axis=1)
    return jnp.sqrt(jnp.maximum(apart, 0.0) / flat.shape[1])


def _look(of: Callable[[Images], Array]) -> Callable[[Classifier, Images], Array]:
    return lambda classifier, images: of(images)


#: Measures of pictures to choose from, by name.
DESCRIPTORS = {
    "brightness": Descriptor(
        _look(metrics.brightness), 0.0, 1.0, "brightness (mean of the pixels)"
    ),
    "contrast": Descriptor(
        _look(metrics.contrast), 0.0, 0.5, "contrast (standard deviation of the pixels)"
    ),
    "variation": Descriptor(
        _look(metrics.total_variation), 0.0, 0.5, "total variation (difference of neighbors)"
    ),
    "fineness": Descriptor(
        _look(metrics.high_frequency_share), 0.0, 1.0, "share of energy in fine detail"
    ),
    "symmetry": Descriptor(_look(metrics.symmetry), 0.0, 1.0, "likeness of left and right"),
    "nearest": Descriptor(nearest, 0.0, 0.8, "distance from the nearest training image"),
}
