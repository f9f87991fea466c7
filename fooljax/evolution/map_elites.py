"""MAP-Elites with one niche for each class, or many that differ in looks."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from fooljax import checks, printing
from fooljax.evolution.archive import Archive, Contest, check_goes_on, insert
from fooljax.evolution.cells import Cells
from fooljax.evolution.cells import check as check_cells
from fooljax.evolution.evaluate import FITNESS, Fitness, evaluate
from fooljax.types import Bound, Classifier, Defense, Encoding, Genome, Image, RandomKey, Search

Niches: TypeAlias = Literal["all", "own"]


class Evolution(NamedTuple):
    """Everything a run of `map_elites` or `omg_mega` needs to go on.

    Attributes:
        archive: the champions.
        generation: generations done; 0 after the random population.
    """

    archive: Archive
    generation: Int32[Array, ""]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


class Generation(NamedTuple):
    """What happened in one generation.

    Attributes:
        confidence: of the champions afterwards, in [0, 1].
        parent: niche of the parent of each new champion; -1 where the niche
            kept its champion or the new one is random.
        taken: whether each niche changed hands.
        jumps: niches taken, counting champions that lasted less than the
            generation.
        traits: the encoding's traits, summed over the children.
    """

    confidence: Float[Array, " k"]
    parent: Int32[Array, " k"]
    taken: Array
    jumps: Int32[Array, ""]
    traits: Mapping[str, Array]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def empty_archive(genome: Genome, niches: int) -> Archive:
    """Return an archive without champions; ``genome`` stands in for them in every niche."""
    rows = lambda leaf: jnp.broadcast_to(leaf, (niches, *leaf.shape))
    nobody = jnp.full(niches, -1, jnp.int32)
    return Archive(
        genomes=jax.tree.map(rows, genome),
        fitness=jnp.full(niches, -jnp.inf, jnp.float32),
        confidence=jnp.zeros(niches, jnp.float32),
        born=nobody,
        parent=nobody,
    )


def report(archive: Archive, contest: Contest, traits: Mapping[str, Array]) -> Generation:
    """Write down what happened in one generation."""
    return Generation(
        confidence=archive.confidence,
        parent=jnp.where(contest.wins, archive.parent, -1),
        taken=contest.wins,
        jumps=contest.jumps,
        traits=traits,
    )


def own_niche(indices: Int32[Array, " b"], logits: Float[Array, "b m"]) -> Array:
    """Admit every child to the niche of its top class only, as textbook MAP-Elites does.

    ``[b, m]`` with a column for every logit; a child whose top column rejects
    enters no niche.
    """
    del indices
    return jax.nn.one_hot(jnp.argmax(logits, axis=-1), logits.shape[-1], dtype=bool)


def ranks(fitness: Float[Array, " k"]) -> Int32[Array, " k"]:
    """Return how many niches up to each one are occupied, for ``draw``."""
    return jnp.cumsum(fitness > -jnp.inf, dtype=jnp.int32)


def draw(key: RandomKey, rank: Int32[Array, " k"], count: int) -> Int32[Array, " count"]:
    """Draw occupied niches, each as likely as the others; 0 if there is none."""
    drawn = jax.random.uniform(key, (count,), dtype=jnp.float32) * rank[-1]
    wanted = jnp.minimum(drawn.astype(rank.dtype), rank[-1] - 1)
    return jnp.argmax(rank[None, :] > wanted[:, None], axis=1).astype(jnp.int32)


def check_search(fitness: str, children: int, init_children: int, micro_batch: int | None) -> None:
    """Refuse impossible settings of a search.

    Raises:
        ValueError: naming the setting.
    """
    checks.choice("fitness", fitness, FITNESS)
    checks.count("children", children)
    checks.count("init_children", init_children)
    if micro_batch is not None:
        checks.count("micro_batch", micro_batch)


class _Settings(NamedTuple):
    """The arguments of ``map_elites``."""

    encoding: Encoding
    children: int
    init_children: int
    fitness: Fitness
    niches: Niches
    grid: Cells | None
    screen: Defense | None
    micro_batch: int | None
    axis_name: str | None


def map_elites(
    encoding: Encoding,
    children: int = 200,
    init_children: int | None = None,
    *,
    fitness: Fitness = "logprob",
    niches: Niches = "all",
    grid: Cells | None = None,
    screen: Defense | None = None,
    micro_batch: int | None = None,
    axis_name: str | None = None,
) -> Search:
    """Keep the best image so far for every class and breed from all of them.

    Each generation draws parents uniformly over the occupied niches (an image
    that holds several is drawn as often), varies them, and lets every child
    compete in every niche.

    Args:
        encoding: the images searched.
        children: children in a generation.
        init_children: size of the random population, ``children`` unless given.
        fitness: what a niche maximises; ``logprob`` and ``margin`` go on where
            a float32 ``prob`` is exactly 1 and can no longer improve; ``logit`` is the
            activation where classes are units (``models.units``).
        niches: ``all`` as in the paper, or ``own`` (a child enters the niche of
            its top class only, textbook MAP-Elites) for comparison.
        grid: of descriptors, from ``grid`` or ``cvt``: every class then has a niche for each
            cell, and keeps the best image of each look. A child competes in its own cell only, of
            all classes or of its top one. Niches are ``k * grid.size``, class by class.
        screen: makes a cheaper network, such as ``models.in_bfloat16``, that looks at
            all children first; those that it places above a champion are shown to the
            network itself, which alone decides. A child that it underrates is lost.
        micro_batch: show the network this many children at a time.
        axis_name: mesh axis to split the children over; see ``evaluate``.

    Returns:
        A search over ``Evolution`` states whose info is a ``Generation``.
        Generation ``i`` draws from ``fold_in(key, i)``, child ``j`` of it from
        ``fold_in`` of that and ``j``, so cutting, resuming or splitting a run
        changes nothing.

    Raises:
        ValueError: if a count is not positive or a name is unknown.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 2.2 and released code.
        Mouret and Clune, 2015, arXiv:1504.04909 (with a grid); Vassiliades et al., 2018,
        arXiv:1610.05729 (with a tessellation).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> search = fj.evolution.map_elites(fj.encodings.direct((8, 8, 1)), children=40)
        >>> key = jax.random.key(1)  # decides all that is random
        >>> state, random = fj.evolution.start(key, search, network)
        >>> state, history = fj.evolution.advance(key, search, network, state, count=50)
        >>> bool((state.archive.confidence > random.confidence).all())
        True
    """
    init_children = children if init_children is None else init_children
    check_search(fitness, children, init_children, micro_batch)
    checks.kind("encoding", encoding, Encoding)
    checks.choice("niches", niches, ("all", "own"))
    if grid is not None:
        check_cells("grid", grid)
    if screen is not None:
        checks.function("screen", screen, "classifier -> classifier")

    settings = _Settings(
        encoding, children, init_children, fitness, niches, grid, screen, micro_batch, axis_name
    )
    return Search(Bound(_init, (settings,)), Bound(_step, (settings,)))


def _init(
    settings: _Settings, key: RandomKey, classifier: Classifier
) -> tuple[Evolution, Generation]:
    encoding, count = settings.encoding, settings.init_children
    key_first = jax.random.fold_in(key, 0)
    # a real genome, not zeros: children start from it if no random image enters a niche
    genome = encoding.init(jax.random.fold_in(key_first, count))
    start = Evolution(empty_archive(genome, _niches(settings, classifier)), jnp.int32(0))
    make = lambda key: (encoding.init(key), jnp.int32(-1))
    return _advance(settings, key_first, classifier, start, make, count)


def _step(
    settings: _Settings, key: RandomKey, classifier: Classifier, evolution: Evolution
) -> tuple[Evolution, Generation]:
    check_goes_on(evolution.archive, settings.encoding, _niches(settings, classifier))
    generation = evolution.generation + 1
    champions = evolution.archive.genomes
    rank = ranks(evolution.archive.fitness)

    def make(key):
        key_parents, key_vary = jax.random.split(key)
        parent, mate = draw(key_parents, rank, 2)
        pick = lambda index: jax.tree.map(lambda leaf: leaf[index], champions)
        child = settings.encoding.vary(key_vary, pick(parent), pick(mate), generation)
        return child, jnp.where(rank[-1] > 0, parent, -1).astype(jnp.int32)

    grown = Evolution(evolution.archive, generation)
    key_generation = jax.random.fold_in(key, generation)
    return _advance(settings, key_generation, classifier, grown, make, settings.children)


def _niches(settings: _Settings, classifier: Classifier) -> int:
    return classifier.num_classes * (1 if settings.grid is None else settings.grid.size)


def _advance(
    settings: _Settings,
    key: RandomKey,
    classifier: Classifier,
    evolution: Evolution,
    make: Callable[[RandomKey], tuple[Genome, Array]],
    count: int,
) -> tuple[Evolution, Generation]:
    """Let ``count`` new images compete for the niches."""
    enter = None
    if settings.niches == "own":
        enter = lambda i, logits: own_niche(i, logits)[:, : classifier.num_classes]
    screen = None if settings.screen is None else (settings.screen, evolution.archive.fitness)
    challengers, traits = evaluate(
        classifier,
        settings.encoding,
        jax.vmap(lambda index: make(jax.random.fold_in(key, index))),
        count,
        fitness=settings.fitness,
        enter=enter,
        grid=settings.grid,
        screen=screen,
        micro_batch=settings.micro_batch,
        axis_name=settings.axis_name,
    )
    archive, contest = insert(
        evolution.archive, challengers, evolution.generation, axis_name=settings.axis_name
    )
    return Evolution(archive, evolution.generation), report(archive, contest, traits)


def express_elites(encoding: Encoding, archive: Archive) -> Image:
    """Express the champions of every niche, ``[k, ...]``; empty niches are all zeros.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> encoding = fj.encodings.direct((8, 8, 1))
        >>> search = fj.evolution.map_elites(encoding, children=20)
        >>> state, _ = fj.evolution.start(jax.random.key(1), search, network)
        >>> images = fj.evolution.express_elites(encoding, state.archive)  # the archive has genomes
        >>> images.shape
        (3, 8, 8, 1)
        >>> said = jax.numpy.diagonal(jax.nn.softmax(network(images)))
        >>> bool(abs(said - state.archive.confidence).max() < 1e-6)
        True
    """
    images = jax.vmap(encoding.express)(archive.genomes)
    filled = jnp.reshape(archive.born >= 0, (-1, *(1,) * (images.ndim - 1)))
    return jnp.where(filled, images, jnp.zeros_like(images))
