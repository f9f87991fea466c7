"""Differentiable quality diversity: emitters that know where fitness and looks grow."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from fooljax.evolution import cma
from fooljax.evolution.archive import check_goes_on, insert
from fooljax.evolution.cells import Cells
from fooljax.evolution.emitters import (
    Emitters,
    Settings,
    either,
    populate,
    rank,
    sample_each,
    settings,
    show,
    tell_each,
)
from fooljax.evolution.evaluate import Fitness, evaluate, read
from fooljax.evolution.map_elites import Evolution, Generation, draw, ranks, report
from fooljax.types import Bound, Classifier, Encoding, RandomKey, Search


def cma_mega(
    encoding: Encoding,
    children: int = 200,
    *,
    emitters: int | None = None,
    std: float = 0.1,
    grid: Cells | None = None,
    fitness: Fitness = "logprob",
    micro_batch: int | None = None,
    axis_name: str | None = None,
) -> Search:
    """Search along gradients whose mixture CMA-ES learns from what the archive gains.

    Each emitter has a point and a class. It takes the gradients of the class's fitness and
    of every descriptor there, makes its children by adding random multiples of them, and
    adapts the distribution of the multiples to the children that the archive took in the
    niches of the class, as ``cma_me`` does. The point moves to their weighted mean. It is
    the first of its children itself. An emitter without gain starts again at an elite.

    Args:
        encoding: the images searched; genomes must be one array of floats, and what is
            painted must change with them smoothly, as ``direct(shape, levels=None)``'s.
        children: in a generation, an equal share for each emitter, its point among them. As
            many gradients more as there are emitters are taken.
        emitters: how many; one for 20 children unless given.
        std: standard deviation of the multiples, each gradient being as long as a change of
            every gene by 1.
        grid: see ``map_elites``; without it there is the gradient of fitness alone.
        fitness: see ``map_elites``.
        micro_batch: show the network this many children at a time.
        axis_name: mesh axis to split the children over; see ``evaluate``. Points and their
            gradients are computed on every device.

    Returns:
        A search over ``Emitters`` states, as that of ``cma_me``.

    Raises:
        ValueError: if a setting is impossible, the genomes are something else, or what they
            paint has no gradient.

    Source:
        Fontaine and Nikolaidis, 2021, arXiv:2106.03894, algorithm 1 (CMA-MEGA, with a step of
        1 and the parents chosen by filter). The multiples of fitness have either sign, as in
        pyribs. Images are kept in [0, 1] by clipping.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> smooth = fj.encodings.direct((8, 8, 1), levels=None)  # gray changes by any amount
        >>> search, key = fj.evolution.cma_mega(smooth, children=40, emitters=2), jax.random.key(1)
        >>> state, random = fj.evolution.start(key, search, network)
        >>> state, history = fj.evolution.advance(key, search, network, state, count=20)
        >>> bool((state.archive.confidence > random.confidence).all())
        True
    """
    given = settings(encoding, children, emitters, std, grid, fitness, micro_batch, axis_name)
    _refuse_steps(encoding)
    return Search(Bound(_init_points, (given,)), Bound(_step_points, (given,)))


def omg_mega(
    encoding: Encoding,
    children: int = 200,
    *,
    std: float = 0.1,
    grid: Cells | None = None,
    fitness: Fitness = "logprob",
    micro_batch: int | None = None,
    axis_name: str | None = None,
) -> Search:
    """Vary elites along the gradients of fitness and looks, by random multiples.

    A child is an elite plus a normal multiple of the gradient of each descriptor, and a
    positive one of the fitness of the elite's class. It takes one gradient for each child.

    Args:
        encoding: see ``cma_mega``.
        children: in a generation.
        std: standard deviation of the multiples; see ``cma_mega``.
        grid: see ``map_elites``; without it there is the gradient of fitness alone.
        fitness: see ``map_elites``.
        micro_batch: show the network this many children at a time.
        axis_name: mesh axis to split the children over; see ``evaluate``.

    Returns:
        A search over ``Evolution`` states whose info is a ``Generation``.

    Raises:
        ValueError: see ``cma_mega``.

    Source:
        Fontaine and Nikolaidis, 2021, arXiv:2106.03894, algorithm 2 (OMG-MEGA).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> smooth = fj.encodings.direct((8, 8, 1), levels=None)  # gray changes by any amount
        >>> search, key = fj.evolution.omg_mega(smooth, children=20), jax.random.key(1)
        >>> state, random = fj.evolution.start(key, search, network)
        >>> state, history = fj.evolution.advance(key, search, network, state, count=10)
        >>> bool((state.archive.confidence > random.confidence).all())
        True
    """
    given = settings(encoding, children, 1, std, grid, fitness, micro_batch, axis_name)
    _refuse_steps(encoding)
    return Search(Bound(_init_random, (given,)), Bound(_step_random, (given,)))


def _refuse_steps(encoding: Encoding) -> None:
    genome = encoding.init(jax.random.key(0))
    slope = jax.grad(lambda genes: jnp.sum(encoding.express(genes)))(genome)
    if not jnp.any(slope != 0.0):
        raise ValueError(
            "encoding: what it paints does not change smoothly with a genome, so that there is no "
            "gradient; give one without levels, as direct(shape, levels=None)"
        )


def gradients(
    given: Settings,
    classifier: Classifier,
    genomes: Float[Array, "b ..."],
    goal: Int32[Array, " b"],
) -> Float[Array, "b 1+d n"]:
    """Return where the fitness of a class grows, and every descriptor, as far as one all genes.

    Each has the length of a change of every gene by 1 (``sqrt(n)``), or is 0 where nothing
    changes, or no number is known.
    """
    paint = jax.vmap(given.encoding.express)

    def fitness(genomes: Array) -> Array:
        scores = read(given.fitness, classifier, classifier(paint(genomes)))
        return jnp.sum(jnp.take_along_axis(scores, goal[:, None], axis=1))

    along = [jax.grad(fitness)(genomes)]
    for one in () if given.grid is None else given.grid.descriptors:
        look = lambda genomes, one=one: jnp.sum(one.measure(classifier, paint(genomes)))
        along.append(jax.grad(look)(genomes))
    slopes = jnp.stack([slope.reshape(len(genomes), -1) for slope in along], axis=1)
    slopes = jnp.where(jnp.isfinite(slopes), slopes, 0.0)
    # by the largest first: squares of small numbers would vanish
    largest = jnp.max(jnp.abs(slopes), axis=2, keepdims=True)
    slopes = slopes / jnp.where(largest > 0.0, largest, 1.0)
    length = jnp.sqrt(jnp.mean(slopes**2, axis=2, keepdims=True))
    return slopes / jnp.where(length > 0.0, length, 1.0)


def branch(
    points: Float[Array, "b ..."], slopes: Float[Array, "b c n"], multiples: Float[Array, "b p c"]
) -> Float[Array, "b p ..."]:
    """Add multiples of gradients to points, and clip to [0, 1]."""
    steps = jnp.einsum("bpc,bcn->bpn", multiples, slopes, precision=jax.lax.Precision.HIGHEST)
    moved = points[:, None] + steps.reshape(*steps.shape[:2], *points.shape[1:])
    return jnp.clip(moved, 0.0, 1.0)


def _in_batches(given: Settings, classifier: Classifier, points: Array, goal: Array) -> Array:
    """Take gradients of at most so many points at a time as the network is shown."""
    step, count = given.micro_batch, len(points)
    if step is None or step >= count:
        return gradients(given, classifier, points, goal)
    at = jnp.minimum(jnp.arange(-(-count // step) * step, dtype=jnp.int32), count - 1)
    one = lambda index: gradients(given, classifier, points[index], goal[index])
    found = jax.lax.map(one, at.reshape(-1, step))
    return found.reshape(-1, *found.shape[2:])[:count]


def _init_points(
    given: Settings, key: RandomKey, classifier: Classifier
) -> tuple[Emitters, Generation]:
    key_population, key_origin = jax.random.split(jax.random.fold_in(key, 0))
    archive, info = populate(given, key_population, classifier)
    origin = draw(key_origin, ranks(archive.fitness), given.emitters)
    points = archive.genomes[origin]
    return Emitters(archive, jnp.int32(0), origin, _undecided(given), points), info


def _undecided(given: Settings) -> cma.Cma:
    """Return distributions of multiples around 0."""
    along = 1 + (0 if given.grid is None else len(given.grid.descriptors))
    zeros = jnp.zeros((given.emitters, along), jnp.float32)
    return jax.vmap(lambda mean: cma.begin(mean, given.std, separable=False))(zeros)


def _step_points(
    given: Settings, key: RandomKey, classifier: Classifier, state: Emitters
) -> tuple[Emitters, Generation]:
    check_goes_on(state.archive, given.encoding, classifier.num_classes * given.cells)
    key_sample, key_origin = jax.random.split(jax.random.fold_in(key, state.generation + 1))
    fenced = jax.lax.optimization_barrier
    goal, points = state.origin // given.cells, fenced(jnp.asarray(state.points))
    slopes = fenced(_in_batches(given, classifier, points, goal))
    multiples = sample_each(key_sample, state.distributions, given.share - 1)
    children = fenced(branch(points, slopes, multiples))
    shown = jnp.concatenate([points[:, None], children], axis=1)
    archive, info, gains = show(given, classifier, state, shown)
    order, parents = rank(jax.tree.map(lambda leaf: leaf[:, 1:], gains))
    told = tell_each(state.distributions, multiples, order, parents)
    means = fenced(jax.vmap(mean_of_parents)(children, order, parents))
    again = (parents == 0) | jax.vmap(cma.collapsed)(told)
    origin = draw(key_origin, ranks(archive.fitness), given.emitters)
    fresh = (origin, _undecided(given), archive.genomes[origin])
    moved = either(again, fresh, (state.origin, told, means))
    return Emitters(archive, state.generation + 1, *moved), info


def mean_of_parents(
    children: Float[Array, "p ..."], order: Int32[Array, " p"], parents: Int32[Array, ""]
) -> Float[Array, "..."]:
    """Return the mean of the best children, weighted as CMA-ES does."""
    weights = cma.recombination(parents, len(children))
    return jnp.tensordot(weights, children[order], axes=1, precision=jax.lax.Precision.HIGHEST)


def _init_random(
    given: Settings, key: RandomKey, classifier: Classifier
) -> tuple[Evolution, Generation]:
    archive, info = populate(given, key, classifier)
    return Evolution(archive, jnp.int32(0)), info


def _step_random(
    given: Settings, key: RandomKey, classifier: Classifier, state: Evolution
) -> tuple[Evolution, Generation]:
    check_goes_on(state.archive, given.encoding, classifier.num_classes * given.cells)
    generation = state.generation + 1
    key_generation = jax.random.fold_in(key, generation)
    rank, elites = ranks(state.archive.fitness), state.archive.genomes
    along = 1 + (0 if given.grid is None else len(given.grid.descriptors))

    def choose(index: Array) -> tuple[Array, Array]:
        key_parent, key_vary = jax.random.split(jax.random.fold_in(key_generation, index))
        drawn = given.std * jax.random.normal(key_vary, (along,), jnp.float32)
        return draw(key_parent, rank, 1)[0], drawn.at[0].set(jnp.abs(drawn[0]))

    def make(indices: Int32[Array, " b"]) -> tuple[Array, Array]:
        parent, multiples = jax.vmap(choose)(indices)
        slopes = gradients(given, classifier, elites[parent], parent // given.cells)
        children = branch(elites[parent], slopes, multiples[:, None])[:, 0]
        return children, jnp.where(rank[-1] > 0, parent, -1)

    challengers, traits = evaluate(
        classifier,
        given.encoding,
        make,
        given.children,
        fitness=given.fitness,
        grid=given.grid,
        micro_batch=given.micro_batch,
        axis_name=given.axis_name,
    )
    archive, contest = insert(state.archive, challengers, generation, axis_name=given.axis_name)
    return Evolution(archive, generation), report(archive, contest, traits)
