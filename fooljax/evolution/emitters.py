"""CMA-ME: many normal distributions that move toward what the archive gains most from."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from fooljax import checks
from fooljax.evolution import cma
from fooljax.evolution.archive import Archive, check_goes_on, insert
from fooljax.evolution.cells import Cells
from fooljax.evolution.cells import check as check_cells
from fooljax.evolution.evaluate import Fitness, evaluate
from fooljax.evolution.map_elites import Generation, check_search, draw, map_elites, ranks, report
from fooljax.evolution.strategies import genome_shape
from fooljax.types import Bound, Classifier, Encoding, RandomKey, Search

SHARE = 20  # children of an emitter, if nobody says
_BEYOND = 2.0  # standard deviations beyond a limit at which genes on it start


class Emitters(NamedTuple):
    """Everything a run of `cma_me` or `cma_mega` needs to go on.

    Attributes:
        archive: the champions.
        generation: generations done; 0 after the random population.
        origin: the niche that each emitter last started from; its class is what it improves.
        distributions: of each emitter, leaves ``[e, ...]``.
        points: where gradients are taken, ``[e, ...]``; None of emitters that take none.
    """

    archive: Archive
    generation: Int32[Array, ""]
    origin: Int32[Array, " e"]
    distributions: cma.Cma
    points: Float[Array, "e ..."] | None


class Gains(NamedTuple):
    """What the archive gains from children in the class that they were made for.

    Attributes:
        status: 2 if a child fills an empty niche, 1 if it beats a champion, else 0.
        value: its fitness, or by how much it is fitter than the champion.
    """

    status: Int32[Array, " b"]
    value: Float[Array, " b"]


class Settings(NamedTuple):
    """What all searches with emitters are told: see ``cma_me``."""

    encoding: Encoding
    children: int
    emitters: int
    shape: tuple[int, ...]
    std: float
    grid: Cells | None
    fitness: Fitness
    micro_batch: int | None
    axis_name: str | None

    @property
    def share(self) -> int:
        """Children of an emitter."""
        return self.children // self.emitters

    @property
    def cells(self) -> int:
        """Niches of a class."""
        return 1 if self.grid is None else self.grid.size


def settings(
    encoding: Encoding,
    children: int,
    emitters: int | None,
    std: float,
    grid: Cells | None,
    fitness: Fitness,
    micro_batch: int | None,
    axis_name: str | None,
) -> Settings:
    """Check what a search with emitters is told.

    Raises:
        ValueError: naming the argument.
    """
    check_search(fitness, children, children, micro_batch)
    checks.kind("encoding", encoding, Encoding)
    if grid is not None:
        check_cells("grid", grid)
    many = max(1, children // SHARE) if emitters is None else checks.count("emitters", emitters)
    if children < 3 * many:
        raise ValueError(
            f"children: at least 3 for each of {many} emitters are needed, got {children}"
        )
    shape, std = genome_shape(encoding), float(checks.positive("std", std))
    return Settings(encoding, children, many, shape, std, grid, fitness, micro_batch, axis_name)


def cma_me(
    encoding: Encoding,
    children: int = 200,
    *,
    emitters: int | None = None,
    std: float = 0.2,
    grid: Cells | None = None,
    fitness: Fitness = "logprob",
    micro_batch: int | None = None,
    axis_name: str | None = None,
) -> Search:
    """Search with improvement emitters: CMA-ES that climbs what the archive gains.

    Each emitter has a normal distribution that starts at an elite, whose class it is to
    improve. Where the elite's genes lie on 0 or 1 it starts two standard deviations outside,
    so that nearly all children keep them; from the limit itself half would not. Children that
    fill an empty niche of that class rank before those that beat a champion, and these by how
    much they do; they alone are parents of the distribution. All children compete in all
    classes. An emitter none of whose children won in its class starts again, at an elite drawn
    from all.

    Args:
        encoding: the images searched; genomes must be one array of floats, clipped to [0, 1]
            before they are painted.
        children: in a generation, an equal share for each emitter.
        emitters: how many; one for 20 children unless given.
        std: standard deviation of the first samples, in units of a gene.
        grid: see ``map_elites``; without it a class is one niche.
        fitness: see ``map_elites``.
        micro_batch: show the network this many children at a time.
        axis_name: mesh axis to split the children over; see ``evaluate``. The distributions
            stay whole on every device.

    Returns:
        A search over ``Emitters`` states whose info is a ``Generation``. The parent of a new
        champion is the niche that its emitter last started from.

    Raises:
        ValueError: if a setting is impossible, or the genomes are something else.

    Source:
        Fontaine et al., 2020, arXiv:1912.02400 (improvement emitter); Ros and Hansen, 2008,
        PPSN (the diagonal of a covariance, as images have too many numbers for all of it).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> encoding = fj.encodings.direct((8, 8, 1))
        >>> search, key = fj.evolution.cma_me(encoding, children=40, emitters=2), jax.random.key(1)
        >>> state, random = fj.evolution.start(key, search, network)
        >>> state, history = fj.evolution.advance(key, search, network, state, count=20)
        >>> bool(state.archive.confidence.mean() > random.confidence.mean())
        True
    """
    given = settings(encoding, children, emitters, std, grid, fitness, micro_batch, axis_name)
    return Search(Bound(_init, (given,)), Bound(_step, (given,)))


def populate(given: Settings, key: RandomKey, classifier: Classifier) -> tuple[Archive, Generation]:
    """Fill an archive with random images."""
    search = map_elites(
        given.encoding,
        given.children,
        fitness=given.fitness,
        grid=given.grid,
        micro_batch=given.micro_batch,
        axis_name=given.axis_name,
    )
    evolution, info = search.init(key, classifier)
    return evolution.archive, info


def _init(given: Settings, key: RandomKey, classifier: Classifier) -> tuple[Emitters, Generation]:
    key_population, key_origin = jax.random.split(jax.random.fold_in(key, 0))
    archive, info = populate(given, key_population, classifier)
    origin = draw(key_origin, ranks(archive.fitness), given.emitters)
    return Emitters(archive, jnp.int32(0), origin, begin(given, archive, origin), None), info


def begin(given: Settings, archive: Archive, origin: Int32[Array, " e"]) -> cma.Cma:
    """Start at elites; beyond 0 and 1 where they lie on it, or half of the children would not."""
    flat = archive.genomes[origin].reshape(len(origin), -1)
    beyond = _BEYOND * given.std
    means = jnp.where(flat <= 0.0, -beyond, jnp.where(flat >= 1.0, 1.0 + beyond, flat))
    return jax.vmap(lambda mean: cma.begin(mean, given.std, separable=True))(means)


def _step(
    given: Settings, key: RandomKey, classifier: Classifier, state: Emitters
) -> tuple[Emitters, Generation]:
    check_goes_on(state.archive, given.encoding, classifier.num_classes * given.cells)
    key_sample, key_origin = jax.random.split(jax.random.fold_in(key, state.generation + 1))
    samples = sample_each(key_sample, state.distributions, given.share)
    genomes = jnp.clip(samples, 0.0, 1.0).reshape(given.emitters, -1, *given.shape)
    archive, info, gains = show(given, classifier, state, genomes)
    order, parents = rank(gains)
    told = tell_each(state.distributions, samples, order, parents)
    again = (parents == 0) | jax.vmap(cma.collapsed)(told)
    origin = draw(key_origin, ranks(archive.fitness), given.emitters)
    fresh = begin(given, archive, origin)
    origin, distributions = either(again, (origin, fresh), (state.origin, told))
    return Emitters(archive, state.generation + 1, origin, distributions, None), info


def sample_each(key: RandomKey, distributions: cma.Cma, count: int) -> Float[Array, "e count n"]:
    """Draw from the distribution of each emitter."""
    emitters = len(distributions.sigma)
    keys = jax.vmap(lambda index: jax.random.fold_in(key, index))(
        jnp.arange(emitters, dtype=jnp.int32)
    )
    one = lambda key, distribution: cma.sample(key, distribution, count)
    return jax.lax.optimization_barrier(
        jax.vmap(one)(keys, jax.lax.optimization_barrier(distributions))
    )


def tell_each(distributions: cma.Cma, *told: Array) -> cma.Cma:
    """Update the distribution of each emitter; the same arithmetic whatever is around it."""
    distributions, *rest = jax.lax.optimization_barrier((distributions, *told))
    return jax.lax.optimization_barrier(jax.vmap(cma.update)(distributions, *rest))


def either(choose: Array, one, other):
    """Take rows of one pytree or of another."""
    return jax.tree.map(lambda a, b: jax.vmap(jnp.where)(choose, a, b), one, other)


def show(
    given: Settings, classifier: Classifier, state: Emitters, genomes: Float[Array, "e p ..."]
) -> tuple[Archive, Generation, Gains]:
    """Show children to the network; what the archive gains from them, ``[e, p]`` each."""
    emitters, share = genomes.shape[:2]
    flat = genomes.reshape(emitters * share, *given.shape)
    whose = lambda index: jnp.minimum(index // share, emitters - 1)  # of padding: any
    generation = state.generation + 1
    held = state.archive.born[state.origin] >= 0  # none is before there is an elite
    parent = jnp.where(held, state.origin, -1)
    challengers, traits = evaluate(
        classifier,
        given.encoding,
        lambda indices: (flat[indices], parent[whose(indices)]),
        emitters * share,
        fitness=given.fitness,
        grid=given.grid,
        micro_batch=given.micro_batch,
        axis_name=given.axis_name,
    )
    count = challengers.parent.size
    first = 0 if given.axis_name is None else jax.lax.axis_index(given.axis_name) * count
    local = first + jnp.arange(count, dtype=jnp.int32)
    goal = state.origin[whose(local)] // given.cells
    gains = gain(state.archive.fitness, challengers.scores, goal, classifier.num_classes)
    if given.axis_name is not None:
        name = given.axis_name
        gains = jax.tree.map(lambda leaf: jax.lax.all_gather(leaf, name, tiled=True), gains)
    archive, contest = insert(state.archive, challengers, generation, axis_name=given.axis_name)
    gains = jax.tree.map(lambda leaf: leaf[: len(flat)].reshape(emitters, share), gains)
    return archive, report(archive, contest, traits), gains


def gain(
    fitness: Float[Array, " k"],
    scores: Float[Array, "b k"],
    goal: Int32[Array, " b"],
    num_classes: int,
) -> Gains:
    """Tell what an archive gains from each child by itself, in the niches of one class."""
    cells = fitness.size // num_classes
    own = jax.vmap(lambda row, label: row.reshape(num_classes, cells)[label])(scores, goal)
    own = jnp.where(jnp.isnan(own), -jnp.inf, own)
    cell = jnp.argmax(own, axis=1)
    score, bar = jnp.max(own, axis=1), fitness[goal * cells + cell]
    empty, better = bar == -jnp.inf, score > bar
    status = jnp.where(better, 1 + empty.astype(jnp.int32), 0)
    return Gains(status, score - jnp.where(empty, 0.0, bar))


def rank(gains: Gains) -> tuple[Int32[Array, "e p"], Int32[Array, " e"]]:
    """Return the children of each emitter, best first, and how many the archive took."""
    order = jnp.lexsort((-gains.value, -gains.status), axis=-1).astype(jnp.int32)
    return order, jnp.sum(gains.status > 0, axis=1, dtype=jnp.int32)
