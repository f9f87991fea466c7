"""How linear a network is: what one step along the sign of the gradient gains."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int
from numpy.typing import ArrayLike

from fooljax import checks, metrics, printing
from fooljax.data import as_float
from fooljax.types import Classifier, Images, RandomKey


class SignSteps(NamedTuple):
    """Steps of several lengths from images, measured in log-odds against their labels.

    Letters: ``e`` lengths, ``b`` images.

    Attributes:
        start: log-odds before any step.
        l1: sum of the sizes of the gradient's entries; times a length it is the gain of a
            linear network.
        gain: of steps along the gradient's signs.
        random: of steps of equal size with random signs.
        inside: as ``gain``, where no step leaves [0, 1].
        uphill: the gradient's signs.
        signs: the random signs.
    """

    start: Float[Array, " b"]
    l1: Float[Array, " b"]
    gain: Float[Array, "e b"]
    random: Float[Array, "e b"]
    inside: Float[Array, "e b"]
    uphill: Float[Array, "b ..."]
    signs: Float[Array, "b ..."]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def sign_steps(
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    labels: Int[Array, " b"],
    epsilons: ArrayLike,
) -> SignSteps:
    """Take steps of every length: along the gradient's sign, with random signs, inside [0, 1].

    Args:
        key: decides the random signs.
        classifier: the network; new weights do not recompile.
        images: ``[b, ...]`` in [0, 1].
        labels: whose log-odds are to fall.
        epsilons: lengths ``[e]``, in units of [0, 1].

    Raises:
        ValueError: if the images or labels do not suit the classifier, or there are no
            lengths.

    Source:
        Goodfellow, Shlens and Szegedy, 2015, arXiv:1412.6572, section 3.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> found = fj.analysis.sign_steps(jax.random.key(2), network, images, labels, [0.01, 0.1])
        >>> bool((found.gain[1] < found.gain[0]).all() or (found.gain[1] > found.gain[0]).all())
        True
    """
    classifier, key = checks.classifier(classifier), checks.key(key)
    images = as_float(checks.images(images, classifier.input_shape))
    labels = jnp.asarray(checks.labels(labels, len(images), classifier.num_classes))
    lengths = jnp.asarray(checks.row("epsilons", epsilons), jnp.float32)
    return _sign_steps(key, classifier, images, labels, lengths)


@jax.jit
def _sign_steps(
    key: RandomKey, classifier: Classifier, images: Images, labels: Array, epsilons: Array
) -> SignSteps:
    odds = lambda images: metrics.log_odds(classifier(images))
    doubt = lambda images: -jnp.take_along_axis(odds(images), labels[:, None], 1)[:, 0]
    start = doubt(images)
    slope = jax.grad(lambda images: jnp.sum(doubt(images)))(images)
    uphill, signs = jnp.sign(slope), jax.random.rademacher(key, images.shape, jnp.float32)

    def gains(epsilon: Array) -> tuple[Array, Array, Array]:
        moved = images + epsilon * uphill
        return (
            doubt(moved) - start,
            doubt(images + epsilon * signs) - start,
            doubt(jnp.clip(moved, 0.0, 1.0)) - start,
        )

    gain, random, inside = jax.lax.map(gains, epsilons)
    l1 = jnp.sum(jnp.abs(slope), axis=tuple(range(1, images.ndim)))
    return SignSteps(start, l1, gain, random, inside, uphill, signs)
