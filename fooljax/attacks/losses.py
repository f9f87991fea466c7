"""What gradient attacks climb: log-odds, the difference of logits ratio, log-probabilities.

All of them are raised, and read a goal as ``goals.margin`` does: being rejected
counts as the label.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax.attacks import goals, scale
from fooljax.attacks.goals import Goal
from fooljax.types import Logits

_LEAST_SPREAD = 1e-6  # share of the range of all logits
_SHARED = 10.0  # the spread at which universal perturbations fool as many as by cross-entropy
_ONE_STEP = 25.0  # the same of FGSM


def success_odds(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
    """Return the log-odds of success, of logits brought to one spread (see ``scale``).

    Like the cross-entropy it leads away from the label and toward all rivals that are
    near; but it never goes flat, and a network that multiplies its logits by any
    number does not change its direction. In units of the logits.

    Args:
        goal: of a batch ``b``.
        logits: ``[b, m]``.
        num_classes: number of real classes; later columns reject.

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> goal, logits = attacks.leave(jnp.array([0])), jnp.array([[1.0, 3.0]])
        >>> one, large = (attacks.success_odds(goal, c * logits, 2) for c in (1.0, 100.0))
        >>> bool(jnp.allclose(large, 100.0 * one))  # it grows with the logits, its direction stays
        True
    """
    factor = scale.climbed(logits, num_classes)
    return goals.log_odds(goal, scale.multiply(factor, logits), num_classes) / factor


def success_odds_in_one_step(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
    """Return ``success_odds`` at a larger spread: one long step needs one rival, not several."""
    factor = scale.climbed(logits, num_classes, _ONE_STEP)
    return goals.log_odds(goal, scale.multiply(factor, logits), num_classes) / factor


def spread_cross_entropy(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
    """Return ``goals.cross_entropy`` of logits brought to one spread (see ``scale``).

    For a perturbation that many images share: the surest of them count least.
    """
    factor = scale.climbed(logits, num_classes, _SHARED)
    return goals.cross_entropy(goal, scale.multiply(factor, logits), num_classes)


def dlr(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
    """Return the difference of logits ratio: the margin in units of the logits' own spread.

    A network that multiplies its logits by any number, or adds one to them, does
    not change it, so gradients do not vanish where it is certain. Demands on
    confidence are left out of the margin, and columns that reject out of the
    spread.

    The spread, over real classes in falling order, is ``z1 - z3`` for ``leave``
    and ``z1 - (z3 + z4) / 2`` for ``reach``; with three classes ``z1 - (z2 + z3)
    / 2`` for ``reach``; with two nothing invariant has a gradient, so it is the
    margin itself.

    Args:
        goal: of a batch ``b``.
        logits: ``[b, m]``.
        num_classes: number of real classes; later columns reject.

    Source:
        Croce & Hein, 2020, arXiv:2003.01690, equations 6 and 7.

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> goal, logits = attacks.leave(jnp.array([0])), jnp.array([[1.0, 3.0, 0.0, -1.0]])
        >>> one, large = (attacks.dlr(goal, c * logits, 4) for c in (1.0, 100.0))
        >>> bool(jnp.allclose(one, large))
        True
    """
    lead = jnp.max(_leads(goal, logits, num_classes), axis=1)
    return lead / _spread(logits, num_classes, goal.targeted)


def dlr_toward(
    target: Float[Array, " b"], goal: Goal, logits: Logits, num_classes: int
) -> Float[Array, " b"]:
    """Return the targeted ratio of a ``leave`` goal: the lead of one wrong class over the label.

    Unlike the ratio of a ``reach`` goal it does not ask that third classes stay
    behind: overtaking the label (and the columns that reject) is success.

    Args:
        target: a real class other than the label.
        goal: of a batch ``b``, to leave labels.
        logits: ``[b, m]``.
        num_classes: number of real classes; later columns reject.

    Source:
        Croce & Hein, 2020, arXiv:2003.01690, equation 7.
    """
    column = jnp.clip(target, 0, num_classes - 1).astype(jnp.int32)[:, None]
    leads = _leads(goal, logits, num_classes)
    lead = jnp.take_along_axis(leads, column, axis=1)[:, 0]
    lead = jnp.where(lead == -jnp.inf, 0.0, lead)  # the target is the label
    return lead / _spread(logits, num_classes, targeted=True)


def selective(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
    """Return what to climb on a network that rejects: first the answer, then acceptance.

    While another real class leads, it is the lead of the best wanted class over it,
    at most 0, whatever the columns that reject say. Then it is a positive number
    that grows with the margin. Between classes a network may reject, and the margin
    may grow in both directions from there; this loss always leads across. Goals that
    want a rejection, or any real class, are the margin alone.

    Args:
        goal: of a batch ``b``.
        logits: ``[b, m]``.
        num_classes: number of real classes; later columns reject.

    Source:
        Bryniarski et al., 2021, arXiv:2106.15023 (selective projection: one of two
        gradients at a time).

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> goal = attacks.leave(jnp.array([0]))  # three classes, and a column that rejects
        >>> attacks.selective(goal, jnp.array([[0.0, 3.0, 1.0, 2.0]]), num_classes=3).shape
        (1,)
    """
    logits = logits.astype(jnp.float32)
    column = jnp.arange(logits.shape[1], dtype=jnp.int32)[None]
    leads = _leads(goal, logits, num_classes)
    wanted = leads > -jnp.inf
    rivals = ~wanted & (column < num_classes)
    best = jnp.max(logits, axis=1, where=wanted, initial=-jnp.inf)
    behind = best - jnp.max(logits, axis=1, where=rivals, initial=-jnp.inf)
    margin = jnp.max(leads, axis=1)
    below = jnp.minimum(margin, 0.0)  # so that the branch not taken has a finite gradient
    ahead = jnp.where(margin > 0.0, 1.0 + margin, 1.0 / (1.0 - below))
    rejection = jnp.any(wanted & (column >= num_classes), axis=1) | ~jnp.any(rivals, axis=1)
    if goal.targeted and not goal.exclusive:  # no other class is in the way
        return margin
    return jnp.where(rejection, margin, jnp.where(behind > 0.0, ahead, behind))


def log_chance(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, " b"]:
    """Return the log-probability of all columns that satisfy the goal together.

    For a target it is minus the usual cross-entropy. For a label to be left it
    is bounded above, where ``goals.cross_entropy`` is not: a trade against
    distance then has an optimum.
    """
    return -jax.nn.softplus(-goals.log_odds(goal, logits, num_classes))


def _leads(goal: Goal, logits: Logits, num_classes: int) -> Float[Array, "b m"]:
    """Return the leads, whatever confidence the goal demands."""
    least = jnp.full_like(goal.least_log_odds, -jnp.inf)
    return goals.leads(dataclasses.replace(goal, least_log_odds=least), logits, num_classes)


def _spread(logits: Logits, num_classes: int, targeted: bool) -> Float[Array, " b"]:
    logits = logits.astype(jnp.float32)
    if num_classes < 3:
        return jnp.ones(len(logits), jnp.float32)
    ordered = jnp.sort(logits[:, :num_classes], axis=1)[:, ::-1]
    if not targeted:
        low = ordered[:, 2]
    else:
        low = jnp.mean(ordered[:, 2:4] if num_classes > 3 else ordered[:, 1:3], axis=1)
    spread = ordered[:, 0] - low
    # where the best classes tie, a share of what any logits differ by
    least = _LEAST_SPREAD * (jnp.max(logits, axis=1) - jnp.min(logits, axis=1))
    spread = jnp.maximum(spread, least)
    return jnp.where(spread > 0.0, spread, 1.0)
