"""Transfer: what other networks say of images that were made for one of them.

Letters in shapes: ``m`` networks, ``n`` images, ``k`` columns of the logits. An
answer is the column with the largest logit; one from ``num_classes`` on rejects and
is no success of anybody, and neither is NaN.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Bool, Float, Int32
from numpy.typing import ArrayLike

from fooljax import checks, metrics, printing
from fooljax.metrics import Interval


class Verdicts(NamedTuple):
    """What every network says of images made for one of them; or the shares of it.

    The label in question is the class that a fooling image was made to show, or
    the wrong class that a perturbed image was taken for by the network that it was
    made for.

    Attributes:
        same_label: whether the network's answer is the label in question.
        sure_label: whether in addition its confidence in it is at least ``tau``.
        any_label: for a fooling image whether the network's answer is any real
            class, with a confidence of at least ``tau``; for a perturbed one
            whether it is any wrong class, however uncertain.
        confidence: of the network in the label in question, in [0, 1].
    """

    same_label: Bool[Array, "m n"] | Float[Array, " m"]
    sure_label: Bool[Array, "m n"] | Float[Array, " m"]
    any_label: Bool[Array, "m n"] | Float[Array, " m"]
    confidence: Float[Array, "m n"] | Float[Array, " m"]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def judge_fooling(
    logits: Float[Array | np.ndarray, "m n k"],
    targets: Int32[Array | np.ndarray, " n"],
    num_classes: int,
    tau: float,
) -> Verdicts:
    """Judge images that show nothing and were made to be taken for ``targets``.

    Args:
        logits: of every network.
        targets: the class that each image was made to show.
        num_classes: number of real classes; later columns reject.
        tau: confidence, in (0, 1), from which on a network counts as sure.

    Raises:
        ValueError: if there are no logits of so many classes, or ``targets`` or ``tau``
            are impossible.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> logits = np.array([[[0.0, 9.0]], [[9.0, 0.0]]])  # of two networks
        >>> analysis.judge_fooling(logits, np.array([1]), 2, tau=0.9).same_label.tolist()
        [[True], [False]]
    """
    logits, targets, tau = _checked(logits, targets, "targets", num_classes, tau)
    return _judge_fooling(logits, targets, num_classes, tau)


@functools.partial(jax.jit, static_argnames="num_classes")
def _judge_fooling(logits: Array, targets: Array, num_classes: int, tau: float) -> Verdicts:
    answer, confidence = _answers(logits, num_classes)
    return _verdicts(logits, answer == targets[None], confidence >= tau, targets, tau)


def judge_perturbed(
    logits: Float[Array | np.ndarray, "m n k"],
    made_for: int,
    labels: Int32[Array | np.ndarray, " n"],
    num_classes: int,
    tau: float,
) -> Verdicts:
    """Judge real images of ``labels`` that were perturbed to be mistaken by one network.

    Where that network was not fooled there is no wrong label, so no network says
    the same one; ``confidence`` is then that in the wrong class that came nearest.
    Choose images whose originals all networks get right, or their mistakes count.

    Args:
        logits: of every network.
        made_for: index of the network that the images were made for.
        labels: the true class of each image.
        num_classes: number of real classes; later columns reject.
        tau: confidence, in (0, 1), from which on a network counts as sure.

    Raises:
        ValueError: as ``judge_fooling``; or if there is no network ``made_for``.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> logits = np.array([[[0.0, 9.0]], [[9.0, 0.0]]])  # of two networks; 0 is true
        >>> analysis.judge_perturbed(logits, 0, np.array([0]), 2, tau=0.9).any_label.tolist()
        [[True], [False]]
    """
    logits, labels, tau = _checked(logits, labels, "labels", num_classes, tau)
    made_for = checks.count("made_for", made_for, 0)
    if made_for >= len(logits):
        raise ValueError(f"made_for must be in [0, {len(logits)}), got {made_for}")
    return _judge_perturbed(logits, made_for, labels, num_classes, tau)


@functools.partial(jax.jit, static_argnames="num_classes")
def _judge_perturbed(
    logits: Array, made_for: int, labels: Array, num_classes: int, tau: float
) -> Verdicts:
    answer, _ = _answers(logits, num_classes)
    wrong = (answer >= 0) & (answer != labels[None])
    column = jnp.arange(logits.shape[-1], dtype=jnp.int32)[None]
    rivals = (column != labels[:, None]) & (column < num_classes)
    nearest = jnp.argmax(jnp.where(rivals, logits[made_for], -jnp.inf), axis=-1)
    same = (answer == nearest[None]) & wrong[made_for][None]
    return _verdicts(logits, same, wrong, nearest, tau)


def shares(verdicts: Verdicts) -> Verdicts:
    """Average verdicts over the images: a row of the transfer matrices, ``[m]`` each.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> logits = np.array([[[0.0, 9.0]], [[9.0, 0.0]]])
        >>> verdicts = analysis.judge_fooling(logits, np.array([1]), 2, tau=0.9)
        >>> analysis.shares(verdicts).same_label.tolist()
        [1.0, 0.0]
    """
    return Verdicts(*(np.mean(np.asarray(leaf, np.float64), axis=-1) for leaf in verdicts))


def over_repeats(
    shares: ArrayLike, level: float = 0.95, bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval:
    """Give the mean of independent repeats a confidence interval by Student's t.

    It says how much the mean would change with other random numbers behind the
    images, the networks being what they are; where all repeats agree it has no
    width, and from a single repeat, or where the mean is infinite, no limits (NaN).

    Args:
        shares: ``[repeats]``, in [0, 1] unless there are other bounds.
        level: of confidence, in (0, 1).
        bounds: where the interval is cut off, for a mean cannot lie beyond them.

    Raises:
        ValueError: if there is no repeat or ``level`` is not in (0, 1).

    Example:
        >>> from fooljax import analysis
        >>> mean, low, high = analysis.over_repeats([0.4, 0.5, 0.6])
        >>> round(mean, 3), low < 0.5 < high
        (0.5, True)
    """
    values = np.asarray(shares, np.float64) if _are_numbers(shares) else np.zeros((0, 0))
    if values.ndim != 1 or not values.size:
        raise ValueError(f"shares must be a row of at least one number, got {checks.shown(shares)}")
    level = checks.between("level", level, 0.0, 1.0, "()")
    mean, count = float(values.mean()), values.size
    if count == 1 or not np.isfinite(mean):
        return Interval(mean, float("nan"), float("nan"))
    wide = scipy.stats.t.ppf(0.5 + level / 2, count - 1) * values.std(ddof=1) / np.sqrt(count)
    low, high = bounds
    return Interval(mean, max(low, float(mean - wide)), min(high, float(mean + wide)))


def _checked(
    logits: Any, labels: Any, name: str, num_classes: int, tau: float
) -> tuple[Array, Array, float]:
    """Return logits of several networks, labels of their images, and a confidence."""
    found = jnp.asarray(checks.array("logits", logits))
    num_classes = checks.count("num_classes", num_classes)
    if found.ndim != 3 or 0 in found.shape or found.shape[2] < num_classes:
        raise ValueError(
            f"logits must be [m, n, k] with k of {num_classes} or more, got {found.shape}"
        )
    if not jnp.issubdtype(found.dtype, jnp.floating):
        raise ValueError(f"logits must be floating point numbers, got {found.dtype}")
    labels = jnp.asarray(checks.labels(labels, found.shape[1], found.shape[2], name))
    return found, labels, checks.between("tau", tau, 0.0, 1.0, "()")


def _are_numbers(given: Any) -> bool:
    return np.asarray(checks.array("shares", given)).dtype.kind in "biuf"


def _answers(logits: Array, num_classes: int) -> tuple[Array, Array]:
    """Each network's answer, -1 for a rejection or NaN, and its confidence in it, ``[m, n]``."""
    probabilities = metrics.probabilities(logits)
    top = jnp.argmax(logits, axis=-1)
    confidence = jnp.max(probabilities, axis=-1)
    answered = (top < num_classes) & ~jnp.isnan(confidence)
    return jnp.where(answered, top, -1), jnp.where(answered, confidence, 0.0)


def _verdicts(logits: Array, same: Array, any_label: Array, labels: Array, tau: float) -> Verdicts:
    probabilities = jnp.nan_to_num(metrics.probabilities(logits))
    asked = jnp.broadcast_to(labels[None, :, None], (*logits.shape[:2], 1))
    confidence = jnp.take_along_axis(probabilities, asked, axis=-1)[..., 0]
    return Verdicts(same, same & (confidence >= tau), any_label, confidence)
