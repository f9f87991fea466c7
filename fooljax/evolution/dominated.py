"""Dominated novelty search: images compete by how far those are that are better and alike."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from fooljax import checks
from fooljax.evolution.archive import Archive, Challengers, check_goes_on, insert
from fooljax.evolution.cells import Cells
from fooljax.evolution.cells import check as check_cells
from fooljax.evolution.evaluate import Fitness, evaluate
from fooljax.evolution.map_elites import (
    Generation,
    check_search,
    draw,
    empty_archive,
    ranks,
    report,
)
from fooljax.types import Bound, Classifier, Encoding, Genome, RandomKey, Search

_CLASSES_AT_ONCE = 16  # whose distances are in memory together


class Population(NamedTuple):
    """The images that are bred, equally many for each class.

    Attributes:
        genomes: every leaf has leading axes ``[k, m]``.
        fitness: for the class; ``-inf`` marks an empty place.
        looks: what each descriptor says of them, in units of its range.
        niche: of the class and the look of each, in the archive; -1 where empty.
    """

    genomes: Genome
    fitness: Float[Array, "k m"]
    looks: Float[Array, "k m d"]
    niche: Int32[Array, "k m"]


class Dominated(NamedTuple):
    """Everything a run of `dominated_novelty` needs to go on.

    Attributes:
        archive: the best image of every niche so far, which nothing is bred from.
        generation: generations done; 0 after the random population.
        population: the images that are bred.
    """

    archive: Archive
    generation: Int32[Array, ""]
    population: Population


class _Settings(NamedTuple):
    """The arguments of ``dominated_novelty``."""

    encoding: Encoding
    children: int
    grid: Cells
    neighbors: int
    fitness: Fitness
    micro_batch: int | None
    axis_name: str | None


def dominated_novelty(
    encoding: Encoding,
    children: int = 200,
    *,
    grid: Cells,
    neighbors: int = 3,
    fitness: Fitness = "logprob",
    micro_batch: int | None = None,
    axis_name: str | None = None,
) -> Search:
    """Breed from images that nothing better is like, without niches to compete in.

    Every class has a population of its own, as large as it has cells. An image is worth its
    mean distance, in looks, from the nearest ones that the network is surer of; the surest of
    all is worth most. Each generation those worth most stay, and every child competes in
    every class. Beside it, an archive of cells keeps the best that was ever found, so that
    numbers and pages are those of ``map_elites``; nothing is bred from it.

    Args:
        encoding: the images searched.
        children: images in a generation, and in the random population.
        grid: the descriptors that distances are measured in (each range is one unit long), and
            the archive's cells.
        neighbors: how many fitter ones the mean is over; as many as there are, if fewer.
        fitness: see ``map_elites``.
        micro_batch: show the network this many children at a time.
        axis_name: mesh axis to split the children over; see ``evaluate``. The populations
            stay whole on every device.

    Returns:
        A search over ``Dominated`` states whose info is a ``Generation``. The parent of a new
        champion is the niche of its parent's class and look, which another image may hold.

    Raises:
        ValueError: if a setting is impossible.

    Source:
        Bahlous-Boldi, Faldor et al., 2025, arXiv:2502.00593. Of equally fit images, the older
        one counts as the fitter, so that copies do not stay side by side.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> looks = fj.evolution.grid([fj.evolution.DESCRIPTORS["brightness"]], cells=4)
        >>> encoding = fj.encodings.direct((8, 8, 1))
        >>> search = fj.evolution.dominated_novelty(encoding, children=20, grid=looks)
        >>> key = jax.random.key(1)
        >>> state, _ = fj.evolution.start(key, search, network)
        >>> state, _ = fj.evolution.advance(key, search, network, state, count=10)
        >>> state.archive.confidence.shape  # three classes, of four brightnesses each
        (12,)
    """
    check_search(fitness, children, children, micro_batch)
    checks.kind("encoding", encoding, Encoding)
    check_cells("grid", grid)
    neighbors = checks.count("neighbors", neighbors)
    settings = _Settings(encoding, children, grid, neighbors, fitness, micro_batch, axis_name)
    return Search(Bound(_init, (settings,)), Bound(_step, (settings,)))


def _init(
    settings: _Settings, key: RandomKey, classifier: Classifier
) -> tuple[Dominated, Generation]:
    encoding, k, grid = settings.encoding, classifier.num_classes, settings.grid
    key_first = jax.random.fold_in(key, 0)
    genome = encoding.init(jax.random.fold_in(key_first, settings.children))
    shape = (k, grid.size)
    population = Population(
        jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (*shape, *leaf.shape)), genome),
        jnp.full(shape, -jnp.inf, jnp.float32),
        jnp.zeros((*shape, len(grid.descriptors)), jnp.float32),
        jnp.full(shape, -1, jnp.int32),
    )
    start = Dominated(empty_archive(genome, k * grid.size), jnp.int32(0), population)

    def make(index):
        return encoding.init(jax.random.fold_in(key_first, index)), jnp.int32(-1)

    return _advance(settings, classifier, start, make)


def _step(
    settings: _Settings, key: RandomKey, classifier: Classifier, state: Dominated
) -> tuple[Dominated, Generation]:
    niches = classifier.num_classes * settings.grid.size
    check_goes_on(state.archive, settings.encoding, niches)
    generation = state.generation + 1
    key_generation = jax.random.fold_in(key, generation)
    bred = state.population
    rank, niche = ranks(bred.fitness.reshape(-1)), bred.niche.reshape(-1)
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), bred.genomes)

    def make(index):
        key_parents, key_vary = jax.random.split(jax.random.fold_in(key_generation, index))
        parent, mate = draw(key_parents, rank, 2)
        pick = lambda place: jax.tree.map(lambda leaf: leaf[place], flat)
        return settings.encoding.vary(key_vary, pick(parent), pick(mate), generation), niche[parent]

    return _advance(settings, classifier, Dominated(state.archive, generation, bred), make)


def _advance(settings, classifier, state: Dominated, make) -> tuple[Dominated, Generation]:
    """Let new images into the archive, and into the populations."""
    axis_name = settings.axis_name
    challengers, traits = evaluate(
        classifier,
        settings.encoding,
        jax.vmap(make),
        settings.children,
        fitness=settings.fitness,
        grid=settings.grid,
        micro_batch=settings.micro_batch,
        axis_name=axis_name,
    )
    archive, contest = insert(state.archive, challengers, state.generation, axis_name=axis_name)
    if axis_name is not None:
        gather = lambda leaf: jax.lax.all_gather(leaf, axis_name, tiled=True)
        challengers = jax.tree.map(gather, challengers)
    population = survive(state.population, challengers, settings.neighbors)
    info = report(archive, contest, traits)
    return Dominated(archive, state.generation, population), info


def survive(population: Population, children: Challengers, neighbors: int) -> Population:
    """Keep in every class the images that are worth most, members first where equal.

    Those that stay keep their places; new ones take the places of those that leave.
    """
    k, places = population.fitness.shape
    by_class = children.scores.reshape(-1, k, places)
    scores, cell = jnp.max(by_class, axis=2).T, jnp.argmax(by_class, axis=2).T  # [k, b]
    looks = jnp.asarray(children.looks)
    looks = jnp.where(jnp.isnan(looks), 0.0, looks)  # such a child has no score

    def one(members: tuple[Array, Array], scores: Array) -> Int32[Array, " m"]:
        fitness, own = members
        worth = competition(
            jnp.concatenate([fitness, scores]), jnp.concatenate([own, looks]), neighbors
        )
        best = jnp.argsort(-worth, stable=True)[:places]
        stays = jnp.zeros(worth.shape, bool).at[best].set(True)
        free = jnp.argsort(stays[:places], stable=True)  # the places of those that leave first
        new = jnp.argsort(~stays[places:], stable=True)  # the children that stay first
        turn = jnp.arange(places, dtype=jnp.int32)
        taken = places + new[jnp.minimum(turn, len(new) - 1)]
        leaving = places - jnp.sum(stays[:places])
        return turn.at[free].set(jnp.where(turn < leaving, taken, free).astype(jnp.int32))

    source = jax.lax.map(
        lambda rows: one(rows[:2], rows[2]),
        (population.fitness, population.looks, scores),
        batch_size=min(k, _CLASSES_AT_ONCE),
    )
    child, old = source - places, jnp.minimum(source, places - 1)

    def mix(members: Array, new: Array) -> Array:
        """Take from members ``[k, m, ...]`` or from rows of children of each class."""
        kept = jax.vmap(lambda rows, at: rows[at])(members, old)
        return jax.vmap(jax.vmap(jnp.where))(child >= 0, new, kept)

    at = jnp.maximum(child, 0)
    own_class = jnp.arange(k, dtype=jnp.int32)[:, None]
    return Population(
        jax.tree.map(lambda rows, new: mix(rows, new[at]), population.genomes, children.genomes),
        mix(population.fitness, scores[own_class, at]),
        mix(population.looks, looks[at]),
        mix(population.niche, (own_class * places + cell[own_class, at]).astype(jnp.int32)),
    )


def competition(
    fitness: Float[Array, " n"], looks: Float[Array, "n d"], neighbors: int
) -> Float[Array, " n"]:
    """Return each image's mean distance from the nearest fitter ones.

    Infinite for the fittest; ``-inf`` for what has no fitness. Of equals the first is fitter.
    """
    place = jnp.arange(len(fitness), dtype=jnp.int32)
    mine, theirs = fitness[:, None], fitness[None]
    fitter = (theirs > mine) | ((theirs == mine) & (place[None] < place[:, None]))
    apart = jnp.sqrt(jnp.sum((looks[:, None] - looks[None]) ** 2, axis=-1))
    apart = jnp.where(fitter & (theirs > -jnp.inf), apart, jnp.inf)
    near = -jax.lax.top_k(-apart, min(neighbors, len(fitness)))[0]
    known = near < jnp.inf
    mean = jnp.sum(jnp.where(known, near, 0.0), axis=1) / jnp.maximum(jnp.sum(known, axis=1), 1)
    worth = jnp.where(known[:, 0], mean, jnp.inf)
    return jnp.where(fitness > -jnp.inf, worth, -jnp.inf)
