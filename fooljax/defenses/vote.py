"""Several networks that vote: by majority, or all of them or nothing.

Votes have no gradient. The classifiers here answer exactly as the vote does, and
carry the gradient of how near each class is to winning it, so that every attack
runs against them and its author knows the defense.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import metrics
from fooljax.defenses.gradients import straight_through
from fooljax.defenses.members import check_members, join
from fooljax.types import Bound, Classifier, Logits

_TIE_BREAK = 1e-3  # votes that a mean probability of 1 is worth
_FLOOR = 1e-9  # votes of a class that nobody names


def majority_vote(classifiers: Sequence[Classifier]) -> Classifier:
    """Let every network name one column, and answer what most of them name.

    The logits are ``log((votes + 0.001 * mean probability + 1e-9) / members)``. So
    ties go to the class with the larger mean probability, logits stay finite, and
    the confidence is the share of votes, up to 0.1 % of one vote: it exceeds 0.99
    only where all of fewer than a hundred members agree. A member that rejects
    votes for the column by which it does so. NaN of one member is NaN of the whole.

    An adversary has to turn ``members // 2 + 1`` networks to the same class, no
    matter which. The gradient of a class's logit is therefore that of the soft
    minimum of its lead in those so many networks where the lead is largest. Attacks
    that infer distances from the logits' size (DeepFool) do not suit a staircase;
    those that follow the gradient's direction (``pgd``, ``ddn``, Adam) do.

    Args:
        classifiers: one or more, as for ``ensemble``.

    Returns:
        A classifier whose ``params`` is the tuple of the members' params, with as
        many columns as they have.

    Raises:
        ValueError: if there is no classifier or they do not fit together.

    Source:
        Hansen and Salamon, 1990, Neural Network Ensembles (voting); Athalye et al.,
        2018, arXiv:1802.00420 (a gradient for what has none).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> networks = [fj.models.build("softmax", jax.random.key(i), (4, 4, 1), 3) for i in (0, 1)]
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> fj.defenses.majority_vote(networks)(images).shape
        (5, 3)
    """
    return join(classifiers, _vote)


def unanimous(classifiers: Sequence[Classifier]) -> Classifier:
    """Answer a class if every network names it, and reject otherwise.

    The logit of a class is its lead over the best other column in the network where
    that lead is smallest, positive for the class that all name and for no other; one
    more column, of logit 0, stands for "we do not agree". Columns by which members
    reject are never agreed on. The confidence in an accepted class is at most
    ``1 / (1 + exp(-lead))`` of the least convinced member. Where a member's own two
    best classes tie, the lead is 0 and nobody has won.

    Forward the smallest lead, exactly; the gradient is that of a soft minimum, so
    that an adversary pushes all members that do not agree yet and not only one.

    Args:
        classifiers: one or more, as for ``ensemble``.

    Returns:
        A classifier whose ``params`` is the tuple of the members' params, with
        ``num_classes + 1`` columns.

    Raises:
        ValueError: if there is no classifier or they do not fit together.

    Source:
        Chow, 1970, On Optimum Recognition Error and Reject Tradeoff (answering or
        not); Tramer et al., 2020, arXiv:2002.08347 (one loss for all conditions).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> networks = [fj.models.build("softmax", jax.random.key(i), (4, 4, 1), 3) for i in (0, 1)]
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> fj.defenses.unanimous(networks)(images).shape  # the last column: they do not agree
        (5, 4)
    """
    check_members(classifiers)
    num_classes = classifiers[0].num_classes
    return join(classifiers, Bound(_agree, (num_classes,)))


def _vote(logits: Float[Array, "n b m"]) -> Logits:
    mean = jnp.mean(metrics.probabilities(logits), axis=0)
    named = jax.nn.one_hot(jnp.argmax(logits, axis=2), logits.shape[2], dtype=jnp.float32)
    votes = jnp.sum(named, axis=0) + _TIE_BREAK * mean + _FLOOR
    nearness = _soft_minimum_of_largest(metrics.margins(logits), len(logits) // 2 + 1)
    return straight_through(jnp.log(votes) - jnp.log(len(logits)), nearness)


def _agree(num_classes: int, logits: Float[Array, "n b m"]) -> Logits:
    lead = metrics.margins(logits)[:, :, :num_classes]
    nearness = _soft_minimum_of_largest(lead, len(logits))
    classes = straight_through(jnp.min(lead, axis=0), nearness)
    return jnp.pad(classes, ((0, 0), (0, 1)))


def _soft_minimum_of_largest(leads: Float[Array, "n b m"], count: int) -> Float[Array, "b m"]:
    """Return a smooth lower bound of the ``count``-th largest lead over the members."""
    largest = jnp.sort(leads, axis=0)[len(leads) - count :]
    return -jax.nn.logsumexp(-largest, axis=0)
