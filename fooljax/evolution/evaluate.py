"""Make children, show them to the network, and write down what it says of them."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32

from fooljax import metrics
from fooljax.evolution.archive import Challengers
from fooljax.types import Classifier, Encoding, Genome, Logits

Fitness: TypeAlias = Literal["logprob", "margin", "prob"]
Entry: TypeAlias = Callable[[Int32[Array, " b"], Logits], Bool[Array, "b k"]]

FITNESS = {
    "logprob": metrics.log_probabilities,
    "margin": metrics.margins,
    "prob": metrics.probabilities,
}


def evaluate(
    classifier: Classifier,
    encoding: Encoding,
    make: Callable[[Array], tuple[Genome, Array]],
    children: int,
    *,
    fitness: Fitness,
    enter: Entry | None = None,
    micro_batch: int | None = None,
    axis_name: str | None = None,
) -> tuple[Challengers, Mapping[str, Array]]:
    """Score children ``0 .. children - 1`` in every niche.

    Args:
        classifier: the network.
        encoding: how genomes become images.
        make: ``child index -> (genome, parent niche)``.
        children: how many.
        fitness: what a niche maximises: log-probability, margin or probability.
        enter: ``(child indices [b], logits [b, m]) -> bool [b, k]``, the niches
            each child may compete in; all of them unless given.
        micro_batch: show the network this many children at a time. Bounds the
            memory, and makes the arithmetic of a child independent of how
            children are split over devices.
        axis_name: mesh axis over which children are split; each device
            evaluates its own consecutive share.

    Returns:
        The (local) challengers, and the traits of all children, summed.
    """
    devices = 1 if axis_name is None else jax.lax.axis_size(axis_name)
    step = micro_batch or 1
    share = -(-children // (devices * step)) * step
    first = 0 if axis_name is None else jax.lax.axis_index(axis_name) * share
    indices = first + jnp.arange(share, dtype=jnp.int32)

    def score(indices: Int32[Array, " b"]) -> tuple[Challengers, Mapping[str, Array]]:
        genomes, parent = jax.vmap(make)(indices)
        logits = classifier(jax.vmap(encoding.express)(genomes))
        k = classifier.num_classes
        scores = FITNESS[fitness](logits)[:, :k]
        confidence = metrics.probabilities(logits)[:, :k]
        real = indices < children
        allowed = real[:, None] & ~jnp.isnan(confidence)
        if enter is not None:
            allowed = allowed & enter(indices, logits)
        traits = jax.vmap(encoding.traits)(genomes)
        counted = jax.tree.map(lambda trait: jnp.where(real, trait, 0), traits)
        return Challengers(
            genomes=genomes,
            scores=jnp.where(allowed, scores, -jnp.inf),
            confidence=confidence,
            parent=parent,
        ), counted

    if micro_batch is None:
        challengers, traits = score(indices)
    else:
        # the barriers keep one batch from being compiled into its surroundings
        fenced = lambda batch: jax.lax.optimization_barrier(
            score(jax.lax.optimization_barrier(batch))
        )
        batches = jax.lax.map(fenced, indices.reshape(-1, micro_batch))
        merge = lambda leaf: leaf.reshape(-1, *leaf.shape[2:])
        challengers, traits = jax.tree.map(merge, batches)
    totals = jax.tree.map(lambda trait: jnp.sum(trait, axis=0), traits)
    if axis_name is not None:
        totals = jax.lax.psum(totals, axis_name)
    return challengers, totals
