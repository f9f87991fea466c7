"""What an attack found: the best image of each sample, how good it is and what it cost."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from fooljax import metrics
from fooljax.attacks import goals
from fooljax.attacks.goals import Goal
from fooljax.types import Classifier, Images


class AttackResult(NamedTuple):
    """The best image found for each sample, never merely the last.

    Attributes:
        images: ``[b, h, w, c]`` in [0, 1].
        success: whether the goal is reached.
        margin: by how much; see ``goals.margin``.
        confidence: softmax probability of the class in question, in [0, 1].
        log_doubt: ``log(1 - p)`` of it, exact where ``confidence`` is 1.
        l0: share of numbers changed, in [0, 1].
        l1: sum of the absolute changes, in units of [0, 1].
        l2: Euclidean length of the perturbation, in units of [0, 1].
        linf: largest change of a number.
        forwards: forward passes that each sample needed.
        gradients: gradient passes that each sample needed.
        trace: margin of every point that the attack went through, ``[b, t]``, NaN
            after a sample was left alone; None unless asked for.
    """

    images: Images
    success: Bool[Array, " b"]
    margin: Float[Array, " b"]
    confidence: Float[Array, " b"]
    log_doubt: Float[Array, " b"]
    l0: Float[Array, " b"]
    l1: Float[Array, " b"]
    l2: Float[Array, " b"]
    linf: Float[Array, " b"]
    forwards: Int32[Array, " b"]
    gradients: Int32[Array, " b"]
    trace: Float[Array, "b t"] | None = None


def score(
    classifier: Classifier,
    images: Images,
    goal: Goal,
    found: Images,
    forwards: Int32[Array, " b"] | int = 0,
    gradients: Int32[Array, " b"] | int = 0,
) -> AttackResult:
    """Score found images as anybody would who is given them, which takes one more pass.

    Args:
        classifier: the network.
        images: the originals ``[b, h, w, c]``, from which distances count.
        goal: of every image.
        found: what was made of them, ``[b, h, w, c]`` in [0, 1].
        forwards: passes spent before on each sample.
        gradients: the same for gradient passes.
    """
    logits = classifier(found)
    asked = goals.answer(goal, logits, classifier.num_classes)[:, None]
    read = lambda scores: jnp.take_along_axis(scores, asked, axis=1)[:, 0]
    margin = goals.margin(goal, logits, classifier.num_classes)
    change = jnp.abs(found - images).reshape(len(images), -1)
    spent = lambda passes: jnp.broadcast_to(jnp.asarray(passes, jnp.int32), margin.shape)
    return AttackResult(
        images=found,
        success=margin > 0.0,
        margin=margin,
        confidence=read(metrics.probabilities(logits)),
        log_doubt=-jax.nn.softplus(read(metrics.log_odds(logits))),
        l0=jnp.mean(change > 0.0, axis=1),
        l1=jnp.sum(change, axis=1),
        l2=jnp.linalg.norm(change, axis=1),
        linf=jnp.max(change, axis=1),
        forwards=spent(forwards) + 1,
        gradients=spent(gradients),
    )
