"""What an attack found: the best image of each sample, how good it is and what it cost."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

from fooljax import checks, metrics, printing
from fooljax.attacks import findings, goals
from fooljax.attacks.findings import Finding
from fooljax.attacks.goals import Goal
from fooljax.data import as_input
from fooljax.types import Classifier, Images


class AttackResult(NamedTuple):
    """The best image found for each sample, never merely the last.

    Of texts, each word that is replaced, deleted or put in counts as a change by 1: ``l1`` is
    the number of edits, as `metrics.edits` counts them.

    Attributes:
        images: ``[b, h, w, c]`` in [0, 1]; texts ``[b, n]`` of ids.
        success: whether the goal is reached.
        margin: by how much; see ``goals.margin``.
        confidence: of the network in the class in question, in [0, 1]: the softmax, unless
            its classes do not exclude each other.
        log_doubt: ``log(1 - p)`` of it, exact where ``confidence`` is 1.
        l0: share of numbers changed, in [0, 1].
        l1: sum of the absolute changes, in units of [0, 1].
        l2: Euclidean length of the perturbation, in units of [0, 1].
        linf: largest change of a number.
        forwards: forward passes that each sample needed.
        gradients: gradient passes that each sample needed.
        flat: how many of these were 0 everywhere before the goal was reached.
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
    flat: Int32[Array, " b"]
    trace: Float[Array, "b t"] | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What makes the success doubtful, if anything; from outside ``jit``."""
        found = findings.stood_still(np.asarray(self.flat), np.asarray(self.gradients))
        return () if found is None else (found,)

    def __repr__(self) -> str:
        """Say in a few lines what came out; the arrays are the fields."""
        fields = (self.success, self.confidence, self.l2, self.linf, self.flat, self.gradients)
        arrays = printing.known(*fields, self.forwards)
        if arrays is None:
            return printing.shapes(self)
        success, confidence, l2, linf, _, gradients, forwards = arrays
        rows = [f"{row.mean():.0%}" for row in success] if success.ndim > 1 and success.size else []
        by_row = f"; by row: {', '.join(rows[:8])}{', ...' if len(rows) > 8 else ''}"
        size = " x ".join(str(side) for side in self.images.shape[success.ndim :])
        far = f"L2 {printing.median(l2[success])}, Linf {printing.median(linf[success])}"
        if self.images.dtype == np.int32:
            far = f"edits {printing.median(l2[success] ** 2)}"
        lines = [
            f"AttackResult: {printing.share(success)} images of {size} reach the goal"
            + (by_row if rows else ""),
            f"  of these, medians: confidence {printing.median(confidence[success])}, {far}",
            f"  passes for an image, medians: {printing.median(forwards)} forward, "
            f"{printing.median(gradients)} backward",
        ]
        lines += [f"  finding: {one.name} ({one.share:.0%} of the images)" for one in self.findings]
        return "\n".join(lines)


def score(
    classifier: Classifier,
    images: Images,
    goal: Goal,
    found: Images,
    forwards: Int32[Array, " b"] | int = 0,
    gradients: Int32[Array, " b"] | int = 0,
    flat: Int32[Array, " b"] | int = 0,
) -> AttackResult:
    """Score found images as anybody would who is given them, which takes one more pass.

    Args:
        classifier: the network.
        images: the originals ``[b, h, w, c]``, from which distances count; floats in
            [0, 1] or uint8, which is divided by 255; texts ``[b, n]`` of ids.
        goal: of every image.
        found: what was made of them, ``[b, h, w, c]``, as ``images``.
        forwards: passes spent before on each sample.
        gradients: the same for gradient passes.
        flat: how many of these were 0 everywhere.

    Raises:
        ValueError: if the images, what was found or the goal do not suit the
            classifier, or are not one for each other.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> found = fj.attacks.score(network, images, goal, images)  # unchanged, hence no success
        >>> bool(found.success.any()), float(found.l2.max())
        (False, 0.0)
    """
    checks.classifier(classifier)
    images = as_input(checks.inputs(images, classifier))
    found = as_input(checks.inputs(found, classifier, "found"))
    if len(found) != len(images):
        raise ValueError(
            f"found must have an image for each of {len(images)} images, got {found.shape}"
        )
    goal = goals.checked(goal, classifier, len(images))
    return score_checked(classifier, images, goal, found, forwards, gradients, flat)


def strongest(
    classifier: Classifier, goal: Goal, candidates: Sequence[Images]
) -> Float[Array, "b h w c"]:
    """Choose for each sample, of several images, the one with the largest margin.

    Args:
        classifier: the network.
        goal: of every sample.
        candidates: what was found in several ways, ``[b, h, w, c]`` each; the first of
            several that are equally good counts, and one with a NaN margin for nothing.

    Raises:
        ValueError: as `score`, and if there are no candidates.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> dark, bright = 0.5 * images, 0.5 + 0.5 * images
        >>> fj.attacks.strongest(network, goal, [images, dark, bright]).shape
        (5, 4, 4, 1)
    """
    if not len(candidates):
        raise ValueError("candidates must be images of at least one attack, got none")
    every = jnp.stack([as_input(jnp.asarray(one)) for one in candidates])
    margins = jnp.stack([score(classifier, one, goal, one).margin for one in every])
    best = jnp.argmax(jnp.where(jnp.isnan(margins), -jnp.inf, margins), axis=0)
    return every[best, jnp.arange(len(best), dtype=jnp.int32)]


def _change(found: Images, images: Images) -> Float[Array, "b p"]:
    """Return by how much each number was changed; of texts, 1 for each edit."""
    if not jnp.issubdtype(images.dtype, jnp.integer):
        return jnp.abs(found - images).reshape(len(images), -1)
    places = jnp.arange(images.shape[1], dtype=jnp.int32)[None]
    return (places < metrics.edits(images, found)[:, None]).astype(jnp.float32)


def score_checked(
    classifier: Classifier,
    images: Images,
    goal: Goal,
    found: Images,
    forwards: Int32[Array, " b"] | int = 0,
    gradients: Int32[Array, " b"] | int = 0,
    flat: Int32[Array, " b"] | int = 0,
) -> AttackResult:
    """Score as ``score`` does, without asking about what has been checked."""
    logits = classifier(found).astype(jnp.float32)
    asked = goals.answer(goal, logits, classifier.num_classes)[:, None]
    classes = classifier.num_classes, classifier.exclusive
    read = lambda measure: jnp.take_along_axis(
        metrics.of_classes(measure, logits, *classes), asked, axis=1
    )[:, 0]
    margin = goals.margin(goal, logits, classifier.num_classes)
    change = _change(found, images)
    spent = lambda passes: jnp.broadcast_to(jnp.asarray(passes, jnp.int32), margin.shape)
    return AttackResult(
        images=found,
        success=margin > 0.0,
        margin=margin,
        confidence=read(metrics.probabilities),
        log_doubt=-jax.nn.softplus(read(metrics.log_odds)),
        l0=jnp.mean(change > 0.0, axis=1),
        l1=jnp.sum(change, axis=1),
        l2=jnp.linalg.norm(change, axis=1),
        linf=jnp.max(change, axis=1),
        forwards=spent(forwards) + 1,
        gradients=spent(gradients),
        flat=spent(flat),
    )
