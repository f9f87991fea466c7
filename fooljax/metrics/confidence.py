"""Confidence from logits, also where float32 probabilities have long become exactly 1.

A float32 softmax is exactly 1.0 from a lead of 16.6 on, so it can neither rank two
certain images nor say how certain the network is. The log-odds
``log(p / (1 - p))`` keep growing with the lead; log-probabilities follow from
them without rounding to 0.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Logits = Float[Array, "*b m"]
Scores = Float[Array, "*b m"]


def _top_two(logits: Logits) -> tuple[Array, Array, Array]:
    """The highest logit, the highest of the rest, and where the highest stands."""
    is_top = jax.nn.one_hot(jnp.argmax(logits, axis=-1), logits.shape[-1], dtype=bool)
    rest = jnp.where(is_top, -jnp.inf, logits)
    return jnp.max(logits, axis=-1, keepdims=True), jnp.max(rest, axis=-1, keepdims=True), is_top


def margins(logits: Logits) -> Scores:
    """Each class's lead over the best of the others; positive for the top class only.

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> metrics.margins(jnp.array([3.0, 1.0, 0.0])).tolist()
        [2.0, -2.0, -3.0]
    """
    top, second, is_top = _top_two(logits)
    return logits - jnp.where(is_top, second, top)


def log_odds(logits: Logits) -> Scores:
    """``log(p / (1 - p))`` of every class: its logit minus the log-sum-exp of the others.

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> metrics.log_odds(jnp.array([40.0, 0.0])).tolist()  # its softmax is exactly 1
        [40.0, -40.0]
    """
    top, second, is_top = _top_two(logits)
    rest = jnp.exp(jnp.where(is_top, -jnp.inf, logits - second))  # so that gradients stay finite
    log_rest = second + jnp.log(jnp.sum(rest, axis=-1, keepdims=True))
    # for a class below the top the others sum to at least e^top, so nothing cancels
    weight = jnp.exp(logits - top)
    total = jnp.sum(weight, axis=-1, keepdims=True)
    log_others = top + jnp.log(jnp.maximum(total - weight, 1.0))
    return logits - jnp.where(is_top, log_rest, log_others)


def log_probabilities(logits: Logits) -> Scores:
    """Log-softmax that keeps its resolution near 0: two certain images still differ.

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> sure, surer = metrics.log_probabilities(jnp.array([[40.0, 0.0], [50.0, 0.0]]))[:, 0]
        >>> bool(sure < surer < 0.0)
        True
    """
    return -jax.nn.softplus(-log_odds(logits))


def probabilities(logits: Logits) -> Scores:
    """Softmax in float32: what a network's user reads as its confidence, in [0, 1].

    NaN where a logit is NaN or positive infinity: compiled for a CPU the exponential of NaN
    can be any number (JAX 0.10: 15.0), so it is not left to softmax.

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> metrics.probabilities(jnp.array([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """
    logits = logits.astype(jnp.float32)
    broken = jnp.any(jnp.isnan(logits) | (logits == jnp.inf), axis=-1, keepdims=True)
    return jnp.where(broken, jnp.nan, jax.nn.softmax(logits, axis=-1))


def of_classes(
    measure: Callable[[Logits], Scores], logits: Logits, num_classes: int, exclusive: bool
) -> Scores:
    """Measure the logits of a network, whether its classes exclude each other or not.

    Args:
        measure: `margins`, `log_odds`, `log_probabilities` or `probabilities`.
        logits: ``[*b, m]``.
        num_classes: number of real classes; later columns reject.
        exclusive: as of the `Classifier`. If not, every real class is measured against the
            columns that reject alone.

    Example:
        >>> import jax.numpy as jnp
        >>> import numpy as np
        >>> from fooljax import metrics
        >>> logits = jnp.array([4.0, 3.0, 0.0])  # dog, animal; and none of these
        >>> for exclusive in (True, False):
        ...     read = metrics.of_classes(metrics.probabilities, logits, 2, exclusive)
        ...     print(np.asarray(read)[:2].round(2))
        [0.72 0.27]
        [0.98 0.95]
    """
    measured = measure(logits)
    if exclusive:
        return measured
    none = jax.nn.logsumexp(logits[..., num_classes:], axis=-1, keepdims=True)
    classes = logits[..., :num_classes]
    alone = measure(jnp.stack([classes, jnp.broadcast_to(none, classes.shape)], axis=-1))[..., 0]
    return jnp.concatenate([alone, measured[..., num_classes:]], axis=-1)


def against_none(logits: Logits, num_classes: int) -> Logits:
    """Shift logits of classes that do not exclude each other to their log-odds.

    The columns that reject say together 0 then, each its share of that.

    Args:
        logits: ``[*b, m]``.
        num_classes: number of real classes; later columns reject.

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import metrics
        >>> metrics.against_none(jnp.array([4.0, 3.0, 1.0]), 2).tolist()  # dog, animal; none
        [3.0, 2.0, 0.0]
    """
    logits = logits.astype(jnp.float32)
    return logits - jax.nn.logsumexp(logits[..., num_classes:], axis=-1, keepdims=True)


def mean_probability(
    logits: Float[Array, "n *b m"], num_classes: int, exclusive: bool = True
) -> Logits:
    """Return logits of the mean probability that several answers give to each class.

    Args:
        logits: of ``n`` answers.
        num_classes: number of real classes; later columns reject.
        exclusive: as of the `Classifier`. If not, the probability is the score that
            `of_classes` reads, of each class by itself.

    Example:
        >>> import jax.numpy as jnp
        >>> import numpy as np
        >>> from fooljax import metrics
        >>> logits = jnp.array([[4.0, 3.0, 0.0], [-4.0, 3.0, 0.0]])  # dog, animal; none: of two
        >>> whole = metrics.mean_probability(logits, 2, exclusive=False)
        >>> read = metrics.of_classes(metrics.probabilities, whole, 2, exclusive=False)
        >>> print(np.asarray(read)[:2].round(2))  # of a dog they are not agreed
        [0.5  0.95]
    """
    if exclusive:
        return _log_mean(log_probabilities(logits))
    odds = against_none(logits, num_classes)
    heard, missed = (_log_mean(jax.nn.log_sigmoid(sign * odds)) for sign in (1.0, -1.0))
    none = _log_mean(odds[..., num_classes:])
    return jnp.concatenate([(heard - missed)[..., :num_classes], none], axis=-1)


def _log_mean(logs: Float[Array, "n *b m"]) -> Float[Array, "*b m"]:
    return jax.nn.logsumexp(logs, axis=0) - jnp.log(len(logs))
