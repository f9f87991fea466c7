"""What a training step lowers.

Every loss takes the logits ``[b, m]`` of a batch, its labels ``[b]`` and the number
of real classes ``k``, and returns one number. A label of ``k`` or more marks an
outlier, an image of no class: ``cross_entropy`` wants a column of the logits for it,
``trades`` uses one if there is one, the others want the network to be unsure of it.
"""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from fooljax import checks
from fooljax.types import Logits

Loss: TypeAlias = Callable[[Logits, Int[Array, " b"], int], Float[Array, ""]]


def cross_entropy(logits: Logits, labels: Int[Array, " b"], num_classes: int) -> Float[Array, ""]:
    """Return the mean of ``-log p`` of the labels; they may name any column."""
    del num_classes
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))


@checks.cache  # equal settings are the same function, and are compiled once
def outlier_exposure(weight: float = 0.5) -> Loss:
    """Ask for the same probability of every class on outliers.

    Args:
        weight: of the outliers' mean cross-entropy to the uniform distribution,
            relative to that of the labels.

    Raises:
        ValueError: if ``weight`` is not positive.

    Source:
        Hendrycks, Mazeika and Dietterich, 2019, arXiv:1812.04606, section 4.
    """
    _check_weight(weight)

    def loss(logits: Logits, labels: Array, num_classes: int) -> Array:
        uniform = -jnp.mean(jax.nn.log_softmax(logits)[:, :num_classes], axis=1)
        return _known(logits, labels, num_classes) + weight * _mean(uniform, labels >= num_classes)

    return loss


@checks.cache
def energy_bounded(weight: float = 0.1, low: float = -23.0, high: float = -5.0) -> Loss:
    """Push the energy ``-log sum exp`` of real images below a bound, of outliers above another.

    Args:
        weight: of the mean squared excess over both bounds, relative to the labels'
            cross-entropy.
        low: bound that real images are to stay below.
        high: bound that outliers are to stay above.

    Raises:
        ValueError: if ``weight`` is not positive or ``low`` is not below ``high``.

    Source:
        Liu et al., 2020, arXiv:2010.03759, section 3.2 (its bounds for CIFAR-10).
    """
    _check_weight(weight)
    low, high = checks.real("low", low), checks.real("high", high)
    if not low < high:
        raise ValueError(f"low must be below high, got {low} and {high}")

    def loss(logits: Logits, labels: Array, num_classes: int) -> Array:
        energy, outlier = -jax.nn.logsumexp(logits[:, :num_classes], axis=1), labels >= num_classes
        inside = _mean(jax.nn.relu(energy - low) ** 2, ~outlier)
        outside = _mean(jax.nn.relu(high - energy) ** 2, outlier)
        return _known(logits, labels, num_classes) + weight * (inside + outside)

    return loss


@checks.cache
def low_confidence(weight: float = 1.0) -> Loss:
    """Lower the log-probability of whatever class an outlier is taken for.

    Args:
        weight: of the outliers' mean largest log-probability, relative to the labels'
            cross-entropy.

    Raises:
        ValueError: if ``weight`` is not positive.

    Source:
        Hein, Andriushchenko and Bitterwolf, 2019, arXiv:1812.05720, equation 6.
    """
    _check_weight(weight)

    def loss(logits: Logits, labels: Array, num_classes: int) -> Array:
        surest = jnp.max(jax.nn.log_softmax(logits)[:, :num_classes], axis=1)
        return _known(logits, labels, num_classes) + weight * _mean(surest, labels >= num_classes)

    return loss


@checks.cache
def trades(beta: float = 1.0) -> Loss:
    """Weigh being right on images as they are against answering the same on changed ones.

    The batch has the changed images in its second half, in the order of the first.

    Args:
        beta: weight of the mean Kullback-Leibler divergence from the answers to the
            changed images to those to the originals.

    Raises:
        ValueError: if ``beta`` is not positive.

    Source:
        Zhang et al., 2019, arXiv:1901.08573, equation 5 and released code.
    """
    checks.positive("beta", beta)

    def loss(logits: Logits, labels: Array, num_classes: int) -> Array:
        del num_classes
        originals, changed = jnp.split(logits, 2)
        right = _known(originals, labels[: len(originals)], logits.shape[1])
        return right + beta * jnp.mean(divergence(originals, changed))

    return loss


def divergence(originals: Logits, changed: Logits) -> Float[Array, " b"]:
    """Kullback-Leibler divergence of the answers to originals, from those to changed images."""
    log_p, log_q = jax.nn.log_softmax(originals), jax.nn.log_softmax(changed)
    return jnp.sum(jnp.exp(log_p) * (log_p - log_q), axis=1)


def _known(logits: Logits, labels: Array, columns: int) -> Array:
    """Mean cross-entropy of the labels below ``columns``."""
    known = jnp.minimum(labels, columns - 1)
    each = optax.softmax_cross_entropy_with_integer_labels(logits, known)
    return _mean(each, labels < columns)


def _mean(values: Float[Array, " b"], where: Array) -> Array:
    """Mean over some samples; 0 if there are none."""
    return jnp.sum(jnp.where(where, values, 0.0)) / jnp.maximum(jnp.sum(where), 1)


def _check_weight(weight: float) -> None:
    checks.positive("the weight", weight)
