"""Draw images from a network's own weights: the more a logit says, the likelier the image.

The density of class ``c`` is ``exp(tilt * logit_c(x)) q(x) / Z``, with images of ``q`` drawn
by a measure. Chains walk in the measure's latent space, where the reference is standard
normal; a step leaves the density as it is, exactly, for any size of the step.
"""

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import ArrayLike

from fooljax import backend, checks, interrupts, metrics, printing
from fooljax.analysis import langevin
from fooljax.analysis.langevin import LARGEST, Chains, Density, Rows
from fooljax.analysis.measures import Measure
from fooljax.types import Classifier, Logits, RandomKey

#: What of a class counts, by name: logits or, which other classes' logits lower, log-odds.
SCORES: dict[str, Callable[[Logits], Array]] = {
    "logit": lambda logits: logits,
    "log_odds": metrics.log_odds,
}


class Samples(NamedTuple):
    """Where chains ended, and how they went.

    Letters: ``k`` classes, ``m`` chains of each, ``t`` steps.

    Attributes:
        images: last states, in [0, 1].
        latents: the same in the measure's latent space.
        confidence: softmax probability of the chain's class in its last state, in [0, 1].
        scores: the chain's logit (or log-odds) after each step, those of the burn-in too.
        acceptance: mean probability that a step after the burn-in was accepted.
        step_size: with which the chain went on after the burn-in, in (0, 2].
        burn_in: steps in which the step size was still adapted; later ones count.
    """

    images: Float[Array, "k m ..."]
    latents: Float[Array, "k m ..."]
    confidence: Float[Array, "k m"]
    scores: Float[Array, "k m t"]
    acceptance: Float[Array, "k m"]
    step_size: Float[Array, "k m"]
    burn_in: int

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def sample(
    key: RandomKey,
    classifier: Classifier,
    measure: Measure,
    tilt: float,
    *,
    classes: ArrayLike | None = None,
    chains: int = 8,
    steps: int = 600,
    burn_in: int | None = None,
    step_size: float = 0.1,
    score: Literal["logit", "log_odds"] = "logit",
    batch_size: int | None = None,
) -> Samples:
    """Draw images of some classes from the density that the network's logits tilt.

    Preconditioned Crank-Nicolson Langevin with acceptance: a step costs one gradient, all
    classes and chains go in one batch, and a linear logit accepts every step. During the
    burn-in each chain adapts its own step size, by its own acceptance alone; after it the
    size is fixed, so the density is invariant exactly. Nothing depends on how many chains
    go together: chain ``j`` of class ``c`` draws from ``fold_in(fold_in(key, c), j)``.

    Args:
        key: decides everything.
        classifier: the network; new weights do not recompile.
        measure: how images are drawn where the logit says nothing; its images are those
            that the classifier takes.
        tilt: factor of the logit: 1 reads the weights literally (softmax), more is colder.
            0 draws from the measure itself. No other value compiles anew.
        classes: ``[k]``, each once; all of them unless given.
        chains: of each class, each from its own draw of the measure.
        steps: of each chain, burn-in included.
        burn_in: first steps, in which the step size adapts; half of all unless given.
        step_size: to begin with, in (0, 2]; 2 forgets the place that a step starts from.
        score: the class's ``logit``, or its ``log_odds``.
        batch_size: chains that go at a time; all unless given.

    Raises:
        ValueError: if the measure does not suit the classifier, or a number is out of its
            range.

    Source:
        Dai, Lu and Wu, 2015, arXiv:1412.6296 (the density). Cotter, Roberts, Stuart and
        White, 2013, Statistical Science 28, section 4.3 (the step; pCNL).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> measure = fj.analysis.measures.gaussian((4, 4, 1), sigma=0.1)
        >>> found = fj.analysis.sample(
        ...     jax.random.key(2), network, measure, tilt=1.0, chains=2, steps=10
        ... )
        >>> found.images.shape  # classes, chains
        (3, 2, 4, 4, 1)
    """
    classifier, key = checks.classifier(classifier), checks.key(key)
    measure = checked_measure(measure, classifier)
    tilt = checks.not_negative("tilt", tilt)
    labels = _labels(classes, classifier.num_classes)
    chains, steps = checks.count("chains", chains), checks.count("steps", steps, 2)
    burn_in = steps // 2 if burn_in is None else checks.count("burn_in", burn_in, 0)
    if burn_in >= steps:
        raise ValueError(f"burn_in must be less than steps, {steps}, got {burn_in}")
    step_size = checks.between("step_size", step_size, 0.0, LARGEST, "(]")
    density = Density(measure, SCORES[checks.choice("score", score, SCORES)])
    count = len(labels) * chains
    size = min(count, count if batch_size is None else checks.count("batch_size", batch_size))
    every = _rows(key, jnp.asarray(labels), chains)
    parts = []
    for first in range(0, count, size):
        # the last batch is filled up with its last chain: no other shape, no other program
        places = np.minimum(np.arange(first, first + size), count - 1)
        rows = Rows(*(leaf[places] for leaf in every))
        begun = langevin.begin(density, classifier, rows, tilt, step_size, steps)
        done = _walk(density, classifier, rows, tilt, burn_in, steps, begun)
        parts.append(_finish(measure, classifier, rows, burn_in, steps, done))
    return Samples(**_join(parts, len(labels), chains), burn_in=burn_in)


def checked_measure(measure: Measure, classifier: Classifier) -> Measure:
    """Return a measure whose images are those that a classifier takes.

    Raises:
        ValueError: if it is none, or paints images of another shape.
    """
    checks.kind("measure", measure, Measure, "as measures.uniform(classifier.input_shape)")
    image = jax.eval_shape(measure.paint, jax.ShapeDtypeStruct(measure.shape, jnp.float32))
    if image.shape != tuple(classifier.input_shape):
        raise ValueError(
            f"measure must paint images {tuple(classifier.input_shape)}, as the classifier takes "
            f"them, got {image.shape}"
        )
    return measure


def _labels(classes: ArrayLike | None, num_classes: int) -> Int[np.ndarray, " k"]:
    if classes is None:
        return np.arange(num_classes)
    given = np.asarray(checks.whole(classes, "classes"))
    if given.ndim != 1 or not given.size or len(np.unique(given)) < given.size:
        raise ValueError(f"classes must be a row of different labels, got {checks.shown(classes)}")
    return np.asarray(checks.labels(given, len(given), num_classes, "classes"))


@functools.partial(jax.jit, static_argnums=2)
def _rows(key: RandomKey, labels: Int[Array, " k"], chains: int) -> Rows:
    of_class = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, labels)
    fold = jax.vmap(jax.vmap(jax.random.fold_in, in_axes=(None, 0)), in_axes=(0, None))
    return Rows(fold(of_class, jnp.arange(chains)).reshape(-1), jnp.repeat(labels, chains))


def _walk(
    density: Density,
    classifier: Classifier,
    rows: Rows,
    tilt: float,
    burn_in: int,
    steps: int,
    chains: Chains,
) -> Chains:
    """Take all steps: one by one on a CPU, whose convolutions are slow in a compiled loop."""
    if not backend.on_cpu():
        return langevin.advance_all(density, classifier, rows, tilt, burn_in, steps, chains)
    for index in range(steps):
        interrupts.check()
        chains = langevin.advance(density, classifier, rows, tilt, burn_in, index, chains)
        if index % 2:  # never far ahead of the device, so that it can be stopped
            chains.accepted.block_until_ready()
    return chains


@functools.partial(jax.jit, static_argnums=0)
def _finish(
    measure: Measure,
    classifier: Classifier,
    rows: Rows,
    burn_in: Array,
    steps: Array,
    chains: Chains,
) -> dict[str, Array]:
    """Return the fields of ``Samples``, with one axis for all chains."""
    images = jax.vmap(measure.paint)(chains.place.latents)
    shares = metrics.probabilities(classifier(images))
    return {
        "images": images,
        "latents": chains.place.latents,
        "confidence": jnp.take_along_axis(shares, rows.targets[:, None], axis=1)[:, 0],
        "scores": chains.trace.T,
        "acceptance": chains.accepted / (steps - burn_in),
        "step_size": jnp.exp(chains.log_step),
    }


@functools.partial(jax.jit, static_argnums=(1, 2))
def _join(parts: list[dict[str, Array]], classes: int, chains: int) -> dict[str, Array]:
    """Put batches together, an axis for classes and one for chains."""

    def fold(*each: Array) -> Array:
        whole = jnp.concatenate(each)[: classes * chains]
        return whole.reshape(classes, chains, *whole.shape[1:])

    return jax.tree.map(fold, *parts)
