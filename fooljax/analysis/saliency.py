"""Which pixels a network's answer hangs on: gradients, averaged and added up along paths."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from fooljax import chance, checks
from fooljax.analysis.backward import BackwardRule, backward
from fooljax.data import as_float
from fooljax.types import Classifier, Images, RandomKey


def saliency(
    classifier: Classifier,
    images: Images,
    labels: Int[Array, " b"],
    rule: BackwardRule = "gradient",
) -> Float[Array, "b ..."]:
    """Return what goes back from one logit of each image to its pixels.

    By ``gradient`` it is the gradient; times the image it is the method of that name. By
    ``guided`` and ``deconvnet`` it is a picture that hardly depends on the last layers'
    weights (Adebayo et al., 2018, arXiv:1810.03292): never show it without the map of
    `shuffle_top` beside it.

    Args:
        classifier: the network, or a layer of it, ``models.units``.
        images: ``[b, ...]``, floats in [0, 1] or uint8.
        labels: class, or unit, of each image whose logit it is about.
        rule: what goes back; see `backward`.

    Returns:
        Maps of the images' shape, float32; logits per unit of [0, 1].

    Raises:
        ValueError: if images or labels do not suit the classifier.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("mlp", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> fj.analysis.saliency(network, images, labels, rule="guided").shape
        (2, 4, 4, 1)
    """
    classifier, images, labels = _checked(classifier, images, labels)
    return _slope(backward(classifier, rule), images, labels)


def smooth_saliency(
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    labels: Int[Array, " b"],
    *,
    sigma: float = 0.15,
    samples: int = 16,
    rule: BackwardRule = "gradient",
) -> Float[Array, "b ..."]:
    """Average the map over images with noise added.

    Args:
        key: decides the noise; image ``i`` draws from ``fold_in(key, i)``.
        classifier: the network.
        images: ``[b, ...]``, floats in [0, 1] or uint8.
        labels: class of each image.
        sigma: standard deviation of the noise, in units of [0, 1].
        samples: noisy images that are averaged over.
        rule: what goes back; see `backward`.

    Raises:
        ValueError: if a number is out of its range, or as `saliency`.

    Source:
        Smilkov et al., 2017, arXiv:1706.03825 (SmoothGrad).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("mlp", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> key = jax.random.key(2)
        >>> fj.analysis.smooth_saliency(key, network, images, labels, samples=4).shape
        (2, 4, 4, 1)
    """
    key, sigma = checks.key(key), checks.not_negative("sigma", sigma)
    samples = checks.count("samples", samples)
    classifier, images, labels = _checked(classifier, images, labels)
    return _smooth(key, backward(classifier, rule), images, labels, sigma, samples)


def integrated_gradients(
    classifier: Classifier,
    images: Images,
    labels: Int[Array, " b"],
    baseline: Any = 0.0,
    *,
    steps: int = 32,
) -> Float[Array, "b ..."]:
    """Add up gradients along the straight path from a baseline, times the way.

    The map adds up to the logit's change from the baseline to the image, but for the error
    of the midpoint rule; for a linear network exactly.

    Args:
        classifier: the network.
        images: ``[b, ...]``, floats in [0, 1] or uint8.
        labels: class of each image.
        baseline: a number, an image or images, in [0, 1].
        steps: points on the path.

    Raises:
        ValueError: if ``steps`` is not positive or the baseline has another shape, or as
            `saliency`.

    Source:
        Sundararajan, Taly and Yan, 2017, arXiv:1703.01365.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> maps = fj.analysis.integrated_gradients(network, images, labels, steps=4)
        >>> maps.shape
        (2, 4, 4, 1)
    """
    steps = checks.count("steps", steps)
    classifier, images, labels = _checked(classifier, images, labels)
    start = jnp.asarray(baseline, jnp.float32)
    if start.shape not in ((), images.shape[1:], images.shape):
        raise ValueError(
            f"baseline must be a number, an image {images.shape[1:]} or an image for each, "
            f"{images.shape}; got {start.shape}"
        )
    if start.ndim != images.ndim:
        start = jnp.broadcast_to(start[None] if start.ndim else start, images.shape)
    return _integrated(classifier, images, labels, start, steps)


def _checked(classifier: Any, images: Any, labels: Any) -> tuple[Classifier, Images, Array]:
    classifier = checks.classifier(classifier)
    images = as_float(checks.images(images, classifier.input_shape))
    columns = checks.columns(classifier)
    return classifier, images, jnp.asarray(checks.labels(labels, len(images), columns))


def _slope_of(classifier: Classifier, images: Images, labels: Array) -> Images:
    def total(images: Images) -> Array:
        return jnp.sum(jnp.take_along_axis(classifier(images), labels[:, None], axis=1))

    return jax.grad(total)(images)


_slope = jax.jit(_slope_of)


@functools.partial(jax.jit, static_argnums=5)
def _smooth(
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    labels: Array,
    sigma: float,
    samples: int,
) -> Images:
    each = jnp.arange(len(images), dtype=jnp.int32)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, each)

    def one(index: Array) -> Images:
        folded = jax.vmap(jax.random.fold_in, (0, None))(keys, index)
        shape = images.shape[1:]
        noise = jax.vmap(lambda key: chance.normal(key, shape))(folded)
        return _slope_of(classifier, images + sigma * noise, labels)

    return _mean(one, samples, images)


@functools.partial(jax.jit, static_argnums=4)
def _integrated(
    classifier: Classifier, images: Images, labels: Array, baseline: Images, steps: int
) -> Images:
    way = images - baseline

    def one(index: Array) -> Images:
        return _slope_of(classifier, baseline + (index + 0.5) / steps * way, labels)

    return way * _mean(one, steps, images)


def _mean(one: Any, count: int, like: Images) -> Images:
    total = jax.lax.fori_loop(
        0, count, lambda i, total: total + one(i), jnp.zeros(like.shape, jnp.float32)
    )
    return total / count
