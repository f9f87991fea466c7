"""What part of an image a network sees: its center, or ten crops averaged."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.types import Bound, Classifier, Images, Logits, Params


def center_crop(classifier: Classifier, pixels: int) -> Classifier:
    """Show a network the center of larger images.

    Args:
        classifier: takes square images.
        pixels: height and width of the larger images.

    Returns:
        A classifier of images ``[b, pixels, pixels, c]`` with the same params.

    Raises:
        ValueError: if the images are smaller than what the network takes, or no pictures.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("mlp", jax.random.key(0), (8, 8, 3), 5)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 12, 12, 3))
        >>> seen = fj.models.center_crop(network, pixels=12)
        >>> bool((seen(images) == network(images[:, 2:10, 2:10])).all())
        True
    """
    return _through(classifier, pixels, _center)


def ten_crop(classifier: Classifier, pixels: int) -> Classifier:
    """Average a network's probabilities over the corners, the center, and their mirror images.

    ``crop_probabilities`` tells the ten crops apart.

    Args:
        classifier: takes square images.
        pixels: height and width of the larger images.

    Returns:
        A classifier of images ``[b, pixels, pixels, c]`` with the same params; its
        logits are logarithms of the averaged probabilities.

    Raises:
        ValueError: if the images are smaller than what the network takes, or no pictures,
            or its classes do not exclude each other.

    Source:
        Krizhevsky et al., 2012, section 4.1; Nguyen et al., 2015, arXiv:1412.1897,
        section 3.3, whose crops are at (0, 0), (29, 0), (0, 29), (29, 29) and (14, 14).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("mlp", jax.random.key(0), (8, 8, 3), 5)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 12, 12, 3))
        >>> averaged = fj.models.ten_crop(network, pixels=12)
        >>> each = fj.models.crop_probabilities(network, images)
        >>> bool(abs(jax.nn.softmax(averaged(images)) - each.mean(axis=1)).max() < 1e-5)
        True
    """
    if not checks.kind("classifier", classifier, Classifier).exclusive:
        raise ValueError(
            "ten crops average a softmax, and the classes of this network do not exclude each "
            "other; take models.center_crop"
        )
    return _through(classifier, pixels, _ten)


def crop_probabilities(classifier: Classifier, images: Images) -> Float[Array, "b 10 m"]:
    """Return what a network says of each of the ten crops of ``ten_crop``.

    Args:
        classifier: the network inside, of square images.
        images: at least as large.

    Returns:
        Probabilities in the order: top left, top right, bottom left, bottom right,
        center, and the mirror images of these five.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("mlp", jax.random.key(0), (8, 8, 3), 5)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 12, 12, 3))
        >>> each = fj.models.crop_probabilities(network, images)
        >>> each.shape  # of each image ten opinions, which need not agree
        (2, 10, 5)
    """
    return jax.nn.softmax(
        _ten_logits(classifier.apply, classifier.input_shape[0], classifier.params, images), axis=-1
    )


def _through(classifier: Classifier, pixels: int, view: Callable) -> Classifier:
    checks.kind("classifier", classifier, Classifier)
    pixels = checks.count("pixels", pixels)
    if len(classifier.input_shape) != 3:
        raise ValueError(f"crops are of pictures (h, w, c), got inputs {classifier.input_shape}")
    height, width, channels = classifier.input_shape
    if height != width:
        raise ValueError(f"crops are square, but the network takes {height}x{width} pixels")
    if pixels < height:
        raise ValueError(f"pixels must be at least {height}, got {pixels}")
    return dataclasses.replace(
        classifier,
        apply=Bound(view, (classifier.apply, height)),
        input_shape=(pixels, pixels, channels),
    )


def _center(network: Callable, size: int, params: Params, images: Images) -> Logits:
    top, left = ((images.shape[axis] - size) // 2 for axis in (1, 2))
    return network(params, images[:, top : top + size, left : left + size])


def _ten(network: Callable, size: int, params: Params, images: Images) -> Logits:
    logits = _ten_logits(network, size, params, images)
    return jax.nn.logsumexp(jax.nn.log_softmax(logits, axis=-1), axis=1) - jnp.log(10.0)


def _ten_logits(
    network: Callable, size: int, params: Params, images: Images
) -> Float[Array, "b 10 m"]:
    """Show the crops one after the other: ten times the images would not fit anywhere."""
    far = images.shape[1] - size
    near = far // 2
    corners = ((0, 0), (0, far), (far, 0), (far, far), (near, near))
    crops = [images[:, top : top + size, left : left + size] for top, left in corners]
    crops += [crop[:, :, ::-1] for crop in crops]
    return jnp.stack([network(params, crop) for crop in crops], axis=1)
