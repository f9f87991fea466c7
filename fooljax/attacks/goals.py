"""What counts as success: one margin for each image, positive exactly when it is reached."""

import dataclasses
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from fooljax import checks, metrics
from fooljax.types import Classifier, Logits

_MEANT = "write attacks.leave(labels), or attacks.reach(labels)"


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Goal:
    """What an attack wants the network to say; build it with ``reach`` or ``leave``.

    A pytree: labels and thresholds are data, so that one compiled attack serves
    all of them.

    Attributes:
        labels: column to reach, or to leave, ``[b]``.
        least_log_odds: how certain the network must be of its answer, as
            ``log(p / (1 - p))``; ``-inf`` if any certainty will do.
        targeted: whether ``labels`` are to be reached.
        exclusive: whether to reach a class means to outdo all others, or the columns that
            reject alone; attacks set it to that of their `Classifier`.
    """

    labels: Int32[Array, " b"]
    least_log_odds: Float[Array, " b"]
    targeted: bool = field(metadata={"static": True})
    exclusive: bool = field(default=True, metadata={"static": True})


def reach(labels: Int32[Array, " b"]) -> Goal:
    """Make the network answer ``labels`` (a targeted attack).

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> goal = attacks.reach(jnp.array([2]))  # "answer 2"
        >>> float(attacks.margin(goal, jnp.array([[0.0, 3.0, 1.0]]), num_classes=3)[0])  # not yet
        -2.0
    """
    return _goal(labels, targeted=True)


def leave(labels: Int32[Array, " b"]) -> Goal:
    """Make the network answer any real class but ``labels`` (an untargeted attack).

    An image that the network rejects has not been mistaken for another class.
    Labels may themselves be columns that reject: then any real class will do.

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> goal = attacks.leave(jnp.array([2]))  # "anything but 2"
        >>> float(attacks.margin(goal, jnp.array([[0.0, 3.0, 1.0]]), num_classes=3)[0])
        2.0
    """
    return _goal(labels, targeted=False)


def confident(goal: Goal, tau: float) -> Goal:
    """Ask in addition that the network's answer has a confidence above ``tau``.

    Raises:
        ValueError: if ``tau`` is not in (0, 1).

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> goal = attacks.confident(attacks.leave(jnp.array([2])), 0.99)
        >>> bool(attacks.margin(goal, jnp.array([[0.0, 3.0, 1.0]]), num_classes=3)[0] > 0)
        False
    """
    checks.kind("goal", goal, Goal, _MEANT)
    tau = checks.between("tau", tau, 0.0, 1.0, "()")
    least = jnp.full_like(goal.least_log_odds, np.log(tau) - np.log1p(-tau))
    return dataclasses.replace(goal, least_log_odds=jnp.maximum(goal.least_log_odds, least))


def checked(goal: Goal, classifier: Classifier, count: int) -> Goal:
    """Return a goal of so many images, with labels that the network has.

    Args:
        goal: of every image.
        classifier: the network.
        count: number of images.

    Raises:
        ValueError: if it is no goal (labels are none yet), or its labels are not one
            for each image, or no columns of the logits.
    """
    checks.kind("goal", goal, Goal, _MEANT)
    if goal.labels.shape != (count,):
        rows = goal.labels.ndim == 2 and len(goal.labels) == count
        remedy = "; of one-hot rows give labels.argmax(1)" if rows else ""
        raise ValueError(
            f"the goal must have a label for each of {count} images, got labels "
            f"{goal.labels.shape}{remedy}"
        )
    labels = checks.labels(goal.labels, count, checks.columns(classifier), "the goal's labels")
    return dataclasses.replace(goal, labels=jnp.asarray(labels), exclusive=classifier.exclusive)


def leads(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, "b m"]:
    """Return for each column by how much it would satisfy the goal; ``-inf`` if it never does.

    For a target: its lead over the best other column, or where classes do not exclude each
    other over the columns that reject. For a true class: the
    lead of every other real class over it and over the columns that reject.
    With a demand on confidence, the smaller of that and the surplus of log-odds.

    Args:
        goal: of a batch ``b``.
        logits: ``[b, m]``.
        num_classes: number of real classes; later columns reject.

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> goal = attacks.leave(jnp.array([2]))
        >>> attacks.leads(goal, jnp.array([[0.0, 3.0, 1.0]]), num_classes=3).tolist()
        [[-1.0, 2.0, -inf]]
    """
    logits = logits.astype(jnp.float32)
    wanted = _wanted(goal, logits, num_classes)
    rival = _rivals(goal, wanted, num_classes)
    rest = jnp.max(logits, axis=1, keepdims=True, where=rival, initial=-jnp.inf)
    least = goal.least_log_odds[:, None]
    odds = metrics.of_classes(metrics.log_odds, logits, num_classes, goal.exclusive)
    surplus = jnp.where(least == -jnp.inf, jnp.inf, odds - least)
    return jnp.where(wanted, jnp.minimum(logits - rest, surplus), -jnp.inf)


def margin(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
    """Return the largest of the ``leads``: positive exactly where the goal is reached.

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> goal = attacks.leave(jnp.array([2]))
        >>> attacks.margin(goal, jnp.array([[0.0, 3.0, 1.0]]), num_classes=3).tolist()
        [2.0]
    """
    return jnp.max(leads(goal, logits, num_classes), axis=1)


def answer(goal: Goal, logits: Logits, num_classes: int) -> Int32[Array, " b"]:
    """Return the class in question: the target, or the likeliest wrong one.

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> goal = attacks.leave(jnp.array([1]))
        >>> attacks.answer(goal, jnp.array([[0.0, 3.0, 1.0]]), num_classes=3).tolist()
        [2]
    """
    wanted = _wanted(goal, logits, num_classes)
    return jnp.argmax(jnp.where(wanted, logits, -jnp.inf), axis=1).astype(jnp.int32)


def cross_entropy(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
    """Return what gradient attacks usually raise: log p of the target, or -log p of the label.

    A network that may reject counts its rejections to the label: being rejected
    is no success. Gradients survive where p is 1e-30 or 1 - 1e-30; they are exactly 0
    from a lead of some 100 on, where those of ``losses.success_odds`` are not.

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> goal = attacks.leave(jnp.array([0]))
        >>> float(attacks.cross_entropy(goal, jnp.array([[0.0, 9.0]]), num_classes=2)[0]) > 9.0
        True
    """
    odds = log_odds(goal, logits, num_classes)
    return -jax.nn.softplus(-odds) if goal.targeted else jax.nn.softplus(odds)


def log_odds(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
    """Return ``log(p / (1 - p))`` of all columns that satisfy the goal together.

    Of a class that does not exclude others it is the class's own.
    """
    logits = logits.astype(jnp.float32)
    wanted = _wanted(goal, logits, num_classes)
    rival = _rivals(goal, wanted, num_classes)
    inside, outside = (jax.nn.logsumexp(logits, axis=1, where=which) for which in (wanted, rival))
    return inside - outside


def logit(goal: Goal, logits: Logits) -> Float[Array, " b"]:
    """Return the logit of each image's label: the activation where classes are units."""
    return jnp.take_along_axis(logits.astype(jnp.float32), goal.labels[:, None], axis=1)[:, 0]


def _goal(labels: Int32[Array, " b"], targeted: bool) -> Goal:
    labels = jnp.asarray(checks.whole(labels, "labels"))
    if labels.ndim != 1 and not isinstance(labels, jax.core.Tracer):
        rows = "; of one-hot rows give labels.argmax(1)" if labels.ndim == 2 else ""
        got = labels.shape if labels.ndim else f"the number {labels}"
        raise ValueError(f"labels must be [b], one for each image, got {got}{rows}")
    return Goal(labels, jnp.full(labels.shape, -jnp.inf, jnp.float32), targeted)


def _wanted(goal: Goal, logits: Logits, num_classes: int) -> Array:
    """Mark the columns that would satisfy the goal, bool ``[b, m]``."""
    column = jnp.arange(logits.shape[-1], dtype=jnp.int32)[None, :]
    is_label = column == goal.labels[:, None]
    return is_label if goal.targeted else ~is_label & (column < num_classes)


def _rivals(goal: Goal, wanted: Array, num_classes: int) -> Array:
    """Mark the columns that speak against the goal, bool ``[b, m]``."""
    if goal.exclusive or not goal.targeted:
        return ~wanted
    rejects = lambda column: column >= num_classes
    columns = jnp.arange(wanted.shape[-1], dtype=jnp.int32)[None, :]
    return rejects(columns) != rejects(goal.labels[:, None])
