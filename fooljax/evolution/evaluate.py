"""Make children, show them to the network, and write down what it says of them."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from fooljax import metrics
from fooljax.evolution.archive import Challengers
from fooljax.evolution.cells import Cells, settle
from fooljax.evolution.descriptors import measure
from fooljax.types import Classifier, Defense, Encoding, Genome, Images, Logits

Fitness: TypeAlias = Literal["logprob", "margin", "prob", "logit"]
Entry: TypeAlias = Callable[[Int32[Array, " b"], Logits], Bool[Array, "b k"]]

FITNESS = {
    "logprob": metrics.log_probabilities,
    "margin": metrics.margins,
    "prob": metrics.probabilities,
    "logit": lambda logits: logits.astype(jnp.float32),
}
_AGAIN = 32  # images that are looked at again together


def evaluate(
    classifier: Classifier,
    encoding: Encoding,
    make: Callable[[Int32[Array, " b"]], tuple[Genome, Int32[Array, " b"]]],
    children: int,
    *,
    fitness: Fitness,
    enter: Entry | None = None,
    grid: Cells | None = None,
    screen: tuple[Defense, Float[Array, " niches"]] | None = None,
    micro_batch: int | None = None,
    axis_name: str | None = None,
) -> tuple[Challengers, Mapping[str, Array]]:
    """Score children ``0 .. children - 1`` in every niche.

    Args:
        classifier: the network.
        encoding: how genomes become images.
        make: ``child indices [b] -> (genomes, parent niches)``, leaves ``[b, ...]``.
        children: how many.
        fitness: what a niche maximises: log-probability, margin, probability or the logit
            itself, that is the activation where classes are units (``models.units``).
        enter: ``(child indices [b], logits [b, m]) -> bool [b, k]``, the niches
            each child may compete in; all of them unless given.
        grid: gives every class a niche for each of its cells, ``k * grid.size`` in all, class
            by class; a child then competes in its own cell only.
        screen: what makes a cheaper network of the classifier, and the fitness to beat.
            That network looks at every child first, and only those that it places above
            some niche's bar are shown to the classifier, whose word alone counts.
        micro_batch: show the network this many children at a time. Bounds the
            memory, and makes the arithmetic of a child independent of how
            children are split over devices.
        axis_name: mesh axis over which children are split; each device
            evaluates its own consecutive share.

    Returns:
        The (local) challengers, and the traits of all children, summed.

    Raises:
        ValueError: if what is painted is no image of the network's.
    """
    devices = 1 if axis_name is None else jax.lax.axis_size(axis_name)
    step = micro_batch or 1
    share = -(-children // (devices * step)) * step
    first = 0 if axis_name is None else jax.lax.axis_index(axis_name) * share
    indices = first + jnp.arange(share, dtype=jnp.int32)

    def score(indices: Int32[Array, " b"]) -> tuple[Challengers, Mapping[str, Array]]:
        genomes, parent = make(indices)
        images = jax.vmap(encoding.express)(genomes)
        if images.shape[1:] != tuple(classifier.input_shape):
            raise ValueError(
                f"the encoding paints images {images.shape[1:]}, the classifier takes "
                f"{tuple(classifier.input_shape)}; make the encoding of that shape"
            )
        k = classifier.num_classes
        spread, looks = lambda scores: scores, None
        if grid is not None:
            looks = measure(grid.descriptors, classifier, images)
            inside = jax.nn.one_hot(settle(grid, looks), grid.size, dtype=bool)
            spread = lambda scores: _into_cells(scores, inside)
        seen = indices < children
        if screen is None:
            logits = classifier(images)
        else:
            cheaper, bar = screen
            rough = read(fitness, classifier, cheaper(classifier)(images))[:, :k]
            seen = seen & jnp.any(spread(rough) > bar[None], axis=-1)
            logits = _look_again(classifier, images, seen)
        scores = read(fitness, classifier, logits)[:, :k]
        confidence = read("prob", classifier, logits)[:, :k]
        allowed = seen[:, None] & ~jnp.isnan(confidence)
        if enter is not None:
            allowed = allowed & enter(indices, logits)
        real = indices < children
        traits = jax.vmap(encoding.traits)(genomes)
        counted = jax.tree.map(lambda trait: jnp.where(real, trait, 0), traits)
        return Challengers(
            genomes=genomes,
            scores=spread(jnp.where(allowed, scores, -jnp.inf)),
            confidence=confidence,
            parent=parent,
            looks=looks,
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


def read(fitness: Fitness, classifier: Classifier, logits: Logits) -> Float[Array, "b m"]:
    """Return the fitness of images in every class, by their logits."""
    measure = FITNESS[fitness]
    return metrics.of_classes(measure, logits, classifier.num_classes, classifier.exclusive)


def _into_cells(scores: Float[Array, "b k"], inside: Bool[Array, "b cells"]) -> Array:
    """Give each child its scores in its own cell of every class, ``-inf`` in all others."""
    spread = jnp.where(inside[:, None, :], scores[:, :, None], -jnp.inf)
    return spread.reshape(len(scores), -1)


def _look_again(classifier: Classifier, images: Images, promising: Bool[Array, " b"]) -> Logits:
    """Return the logits of promising images, a few at a time, and zeros for the others."""
    count = len(images)
    some = min(_AGAIN, count)
    order = jnp.nonzero(promising, size=-(-count // some) * some, fill_value=count)[0]
    blank = jax.eval_shape(classifier, images)

    def look(carry):
        done, logits = carry
        chosen = jax.lax.dynamic_slice_in_dim(order, done, some)
        found = classifier(jnp.take(images, chosen, axis=0, mode="clip"))
        return done + some, logits.at[chosen].set(found, mode="drop")

    start = (jnp.int32(0), jnp.zeros(blank.shape, blank.dtype))
    return jax.lax.while_loop(lambda carry: carry[0] < jnp.sum(promising), look, start)[1]
