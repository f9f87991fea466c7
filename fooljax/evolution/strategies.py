"""Evolution strategies from evosax, one independent search for each class."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

from fooljax import checks
from fooljax.evolution.archive import Archive, check_goes_on, insert
from fooljax.evolution.distributions import costs, distributions, find
from fooljax.evolution.evaluate import Fitness, evaluate
from fooljax.evolution.map_elites import Generation, check_search, empty_archive, report
from fooljax.types import Bound, Classifier, Encoding, RandomKey, Search


class Strategies(NamedTuple):
    """Everything a run of `strategy` needs to go on.

    Attributes:
        archive: the champions.
        generation: generations done; 0 after the random population.
        distributions: the evosax state of every class, leaves ``[k, ...]``.
    """

    archive: Archive
    generation: Int32[Array, ""]
    distributions: Any


def genome_shape(encoding: Encoding) -> tuple[int, ...]:
    """Return the shape of genomes that are one array of floats.

    Raises:
        ValueError: if they are something else.
    """
    leaves = jax.tree.leaves(jax.eval_shape(lambda: encoding.init(jax.random.key(0))))
    if len(leaves) != 1 or not jnp.issubdtype(leaves[0].dtype, jnp.floating):
        raise ValueError(
            "a strategy searches genomes that are one array of floats, such as direct's; "
            f"this encoding's genomes have {len(leaves)} arrays of types "
            f"{', '.join(sorted({str(leaf.dtype) for leaf in leaves}))} (a CPPN is a growing graph)"
        )
    return leaves[0].shape


class _Settings(NamedTuple):
    """The arguments of ``strategy``: the algorithm by its class, the shape of a genome."""

    encoding: Encoding
    children: int
    kind: Any
    shape: tuple[int, ...]
    std: float
    fitness: Fitness
    micro_batch: int | None
    axis_name: str | None


def strategy(
    name: str,
    encoding: Encoding,
    children: int = 200,
    *,
    std: float = 0.2,
    fitness: Fitness = "logprob",
    micro_batch: int | None = None,
    axis_name: str | None = None,
) -> Search:
    """Search for every class by itself with an evolution strategy.

    Each class has a normal distribution of its own, started at the best of its
    share of the random population. Every generation it samples its share of the
    children, which compete in the niche of that class only.

    Args:
        name: a distribution-based algorithm of evosax in any case, such as
            ``snes``, ``sep_cma_es``, ``open_es`` or ``pgpe``. Those that keep a
            full covariance matrix need memory quadratic in the genome.
        encoding: the images searched; genomes must be one array of floats,
            clipped to [0, 1] before they are painted.
        children: children in a generation; each of ``k`` classes gets
            ``children // k``.
        std: standard deviation of the first samples, in units of a gene. On
            MNIST pixels 0.2 to 0.3 found the most certain images, 0.05 was slow.
        fitness: what a niche maximises, see ``map_elites``.
        micro_batch: show the network this many children at a time.
        axis_name: mesh axis to split the children over; see ``evaluate``. The
            distributions stay whole on every device.

    Returns:
        A search over ``Strategies`` states whose info is a ``Generation``, with
        the class itself as the parent of its new champions. A generation draws
        from ``fold_in(key, i)``, as in ``map_elites``. Its ``init`` and
        ``step`` raise ``ValueError`` if a class gets fewer than two children,
        or a number that the algorithm cannot use (some need an even one).

    Raises:
        ValueError: if the name is unknown, the genomes are not one array of
            floats, ``std`` is not positive, or a setting of the search is
            impossible.

    Source:
        Lange, 2022, arXiv:2212.04180 (evosax).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> encoding = fj.encodings.direct((8, 8, 1))
        >>> search, key = fj.evolution.strategy("snes", encoding, children=60), jax.random.key(1)
        >>> state, random = fj.evolution.start(key, search, network)
        >>> state, _ = fj.evolution.advance(key, search, network, state, count=20)
        >>> bool((state.archive.confidence > random.confidence).all())
        True
    """
    check_search(fitness, children, children, micro_batch)
    checks.kind("encoding", encoding, Encoding)
    std = checks.positive("std", std)
    kind, shape = find(name, "name"), genome_shape(encoding)

    settings = _Settings(
        encoding, children, kind, shape, float(std), fitness, micro_batch, axis_name
    )
    return Search(Bound(_init, (settings,)), Bound(_step, (settings,)))


def _init(
    settings: _Settings, key: RandomKey, classifier: Classifier
) -> tuple[Strategies, Generation]:
    k = classifier.num_classes
    population = _share(settings, k)
    key_genomes, key_strategy = jax.random.split(jax.random.fold_in(key, 0))
    genomes = jax.vmap(settings.encoding.init)(_keys(key_genomes, k * population))
    nobody = jnp.full(k, -1, jnp.int32)
    archive, info, _ = _compete(
        settings, classifier, empty_archive(genomes[0], k), jnp.int32(0), genomes, nobody
    )
    begin = distributions(settings.kind, population, settings.shape, settings.std).init
    means = begin(_keys(key_strategy, k), archive.genomes)
    return Strategies(archive, jnp.int32(0), means), info


def _step(
    settings: _Settings, key: RandomKey, classifier: Classifier, state: Strategies
) -> tuple[Strategies, Generation]:
    k = classifier.num_classes
    check_goes_on(state.archive, settings.encoding, k)
    population = _share(settings, k)
    _, ask, tell = distributions(settings.kind, population, settings.shape, settings.std)
    generation = state.generation + 1
    key_ask, key_tell = jax.random.split(jax.random.fold_in(key, generation))
    samples, asked = ask(_keys(key_ask, k), state.distributions)
    archive, info, scores = _compete(
        settings,
        classifier,
        state.archive,
        generation,
        jnp.clip(samples, 0.0, 1.0),
        jnp.arange(k, dtype=jnp.int32),
    )
    told, _ = tell(_keys(key_tell, k), samples, costs(scores), asked)
    return Strategies(archive, generation, told), info


def _compete(
    settings: _Settings,
    classifier: Classifier,
    archive: Archive,
    generation: Int32[Array, ""],
    genomes: Array,
    parent: Int32[Array, " k"],
) -> tuple[Archive, Generation, Array]:
    """Let genomes ``[k, p, ...]`` compete, each in the niche of its row; return their scores."""
    axis_name, k = settings.axis_name, classifier.num_classes
    population = _share(settings, k)
    flat = genomes.reshape(k * population, *settings.shape)
    niche = lambda index: jnp.minimum(index // population, k - 1)  # of padding: any
    challengers, traits = evaluate(
        classifier,
        settings.encoding,
        lambda indices: (flat[indices], parent[niche(indices)]),
        k * population,
        fitness=settings.fitness,
        enter=lambda index, logits: jax.nn.one_hot(niche(index), k, dtype=bool),
        micro_batch=settings.micro_batch,
        axis_name=axis_name,
    )
    first = 0 if axis_name is None else jax.lax.axis_index(axis_name)
    share = challengers.parent.size
    own = niche(first * share + jnp.arange(share, dtype=jnp.int32))
    scores = challengers.scores[jnp.arange(share, dtype=jnp.int32), own]
    if axis_name is not None:
        scores = jax.lax.all_gather(scores, axis_name, tiled=True)
    archive, contest = insert(archive, challengers, generation, axis_name=axis_name)
    scores = scores[: k * population].reshape(k, population)
    return archive, report(archive, contest, traits), scores


def _share(settings: _Settings, num_classes: int) -> int:
    """Return how many children each class gets."""
    if settings.children < 2 * num_classes:
        raise ValueError(
            f"a strategy needs at least 2 children for each of {num_classes} classes, "
            f"got {settings.children} children"
        )
    return settings.children // num_classes


def _keys(key: RandomKey, count: int) -> RandomKey:
    return jax.vmap(lambda index: jax.random.fold_in(key, index))(
        jnp.arange(count, dtype=jnp.int32)
    )
