"""The archive of class-elites, and the contest for its niches."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from fooljax import backend, printing
from fooljax.types import Encoding, Genome


class Archive(NamedTuple):
    """The champion of every niche.

    Niches are classes, or cells of what images look like for each class: class by class, the
    cells of the first one first.

    Attributes:
        genomes: champions; every leaf has a leading axis of length ``k``.
        fitness: what the contest compares; ``-inf`` marks an empty niche.
        confidence: softmax probability of the niche's class, in [0, 1]; 0 where
            the niche is empty.
        born: generation in which the champion was made, -1 where empty.
        parent: niche its parent held, -1 for random images and empty niches.
    """

    genomes: Genome
    fitness: Float[Array, " k"]
    confidence: Float[Array, " k"]
    born: Int32[Array, " k"]
    parent: Int32[Array, " k"]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def check_goes_on(archive: Archive, encoding: Encoding, niches: int) -> None:
    """Refuse to go on with champions of another encoding, network or grid.

    Args:
        archive: of the state that a search is to go on from.
        encoding: of the search.
        niches: how many the search has for the network's classes.

    Raises:
        ValueError: if the genomes are of another encoding, or the number of niches differs.
    """
    about = lambda genome: (
        jax.tree.structure(genome),
        [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(genome)],
    )
    wanted = jax.eval_shape(encoding.init, jax.random.key(0))
    held = jax.eval_shape(
        lambda genomes: jax.tree.map(lambda leaf: leaf[0], genomes), archive.genomes
    )
    if about(held) != about(wanted):
        raise ValueError(
            "state: its genomes are not those of this search's encoding; go on with the encoding "
            "that it was begun with, or start anew"
        )
    if archive.fitness.size != niches:
        raise ValueError(
            f"state: it has {archive.fitness.size} niches, this search has {niches} for this "
            "network's classes; go on with the network and the grid that it was begun with, or "
            "start anew"
        )


class Challengers(NamedTuple):
    """Candidates for every niche at once.

    Attributes:
        genomes: every leaf has a leading axis of length ``b``.
        scores: fitness of each candidate in each niche; ``-inf`` where it may
            not compete.
        confidence: softmax probability of each class; every class has equally many niches.
        parent: niche of each candidate's parent, -1 if it has none.
        looks: what each descriptor says of them, in units of its range; None without any.
    """

    genomes: Genome
    scores: Float[Array, "b k"]
    confidence: Float[Array, "b classes"]
    parent: Int32[Array, " b"]
    looks: Float[Array, "b d"] | None = None

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


class Contest(NamedTuple):
    """Outcome for every niche.

    Attributes:
        winner: index of the candidate that ends up in the niche, -1 for none.
        wins: whether the niche changes hands.
        jumps: how many candidates took a niche on the way, summed over niches:
            one-by-one insertion counts those that are replaced again.
    """

    winner: Int32[Array, " k"]
    wins: Bool[Array, " k"]
    jumps: Int32[Array, ""]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def _compete_in_turn(incumbent: Array, scores: Array) -> Contest:
    def meet(carry, candidate):
        bar, winner, jumps, index = carry
        better = candidate > bar
        bar = jnp.where(better, candidate, bar)
        return (bar, jnp.where(better, index, winner), jumps + better, index + 1), None

    none = jnp.zeros(incumbent.shape, jnp.int32)
    (_, winner, jumps, _), _ = jax.lax.scan(meet, (incumbent, none - 1, none, jnp.int32(0)), scores)
    return Contest(winner, winner >= 0, jnp.sum(jumps, dtype=jnp.int32))


def _compete_at_once(incumbent: Array, scores: Array) -> Contest:
    bars = jnp.maximum(jax.lax.cummax(scores, axis=0), incumbent[None, :])
    before = jnp.concatenate([incumbent[None, :], bars[:-1]])
    wins = bars[-1] > incumbent
    winner = jnp.where(wins, jnp.argmax(scores, axis=0), -1).astype(jnp.int32)
    return Contest(winner, wins, jnp.sum(scores > before, dtype=jnp.int32))


def compete(incumbent: Float[Array, " k"], scores: Float[Array, "b k"]) -> Contest:
    """Let every candidate compete in every niche.

    Equal to inserting the candidates one by one with a strict ``>``: ties keep
    the incumbent, then the earliest candidate. A NaN score never wins.

    Args:
        incumbent: fitness to beat.
        scores: fitness of the candidates, ``b >= 1``.

    Returns:
        Who takes which niche.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, released code (one niche for each
        class, every child compared with the champion of every class).

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import evolution
        >>> champions = jnp.array([0.5, 0.9])  # of two niches
        >>> children = jnp.array([[0.4, 0.2], [0.7, 0.9], [0.6, 0.1]])
        >>> contest = evolution.compete(champions, children)
        >>> contest.winner.tolist()  # the second child takes one; a tie keeps the other champion
        [1, -1]
    """
    scores = jnp.where(jnp.isnan(scores), -jnp.inf, scores)
    # on a CPU one pass in turn beats argmax and running maximum twentyfold (400
    # candidates in 1000 niches: 0.25 against 6 CPU-ms); elsewhere steps are dear
    return backend.by_device(incumbent, scores, cpu=_compete_in_turn, accelerator=_compete_at_once)


def _hand_over(mine: Array, leaf: Array, axis_name: str) -> Array:
    """Give every device the rows that one of them owns, bit for bit (-0.0 stays -0.0)."""
    unsigned = jnp.dtype(f"uint{8 * leaf.dtype.itemsize}")
    bits = jax.lax.bitcast_convert_type(leaf, unsigned)
    bits = jax.vmap(lambda keep, row: jnp.where(keep, row, 0))(mine, bits)
    return jax.lax.bitcast_convert_type(jax.lax.psum(bits, axis_name), leaf.dtype)


def insert(
    archive: Archive, challengers: Challengers, generation: Array, axis_name: str | None = None
) -> tuple[Archive, Contest]:
    """Give every niche to the best challenger that beats its champion.

    Args:
        archive: the champions so far.
        challengers: the candidates; with ``axis_name``, this device's share,
            shares being in the order of the devices.
        generation: written down as the birth of the winners.
        axis_name: mesh axis over which candidates are split. Devices then
            exchange their best scores and only the winners move; the result is
            that of one device holding all candidates.

    Returns:
        The new archive and the contest (with ``axis_name``, its ``winner``
        counts within the winning device).

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax.evolution import Archive, Challengers, insert
        >>> empty = Archive(
        ...     genomes=jnp.zeros((2, 4)), fitness=jnp.full(2, -jnp.inf), confidence=jnp.zeros(2),
        ...     born=jnp.array([-1, -1]), parent=jnp.array([-1, -1]),
        ... )
        >>> sure = jnp.array([[0.9, 0.1], [0.6, 0.4]])  # of two images, of two classes
        >>> images = Challengers(jnp.eye(2, 4), jnp.log(sure), sure, parent=jnp.array([-1, -1]))
        >>> archive, contest = insert(empty, images, generation=jnp.int32(0))
        >>> print(contest.winner, archive.confidence)
        [0 1] [0.9 0.4]
    """
    bar = archive.fitness
    if axis_name is None:
        contest = compete(bar, challengers.scores)
        mine, wins, jumps = contest.wins, contest.wins, contest.jumps
    else:
        scores = challengers.scores
        best = jnp.max(jnp.where(jnp.isnan(scores), -jnp.inf, scores), axis=0)
        device = jax.lax.axis_index(axis_name)
        everyone = jax.lax.all_gather(best, axis_name)
        rank = jnp.arange(everyone.shape[0], dtype=jnp.int32)
        earlier = jnp.where((rank < device)[:, None], everyone, -jnp.inf)
        contest = compete(jnp.maximum(bar, jnp.max(earlier, axis=0)), scores)
        claims = jax.lax.all_gather(contest.wins, axis_name)
        owner = jnp.max(jnp.where(claims, rank[:, None], -1), axis=0)
        mine, wins = owner == device, owner >= 0
        jumps = jax.lax.psum(contest.jumps, axis_name)

    niche = jnp.arange(bar.size, dtype=jnp.int32)
    label = niche // (bar.size // challengers.confidence.shape[1])
    taken = Archive(
        genomes=jax.tree.map(lambda leaf: leaf[contest.winner], challengers.genomes),
        fitness=challengers.scores[contest.winner, niche],
        confidence=challengers.confidence[contest.winner, label],
        born=jnp.broadcast_to(generation, bar.shape),
        parent=challengers.parent[contest.winner],
    )
    if axis_name is not None:
        taken = jax.tree.map(lambda leaf: _hand_over(mine, leaf, axis_name), taken)
    keep = lambda new, old: jax.vmap(jnp.where)(wins, new, old)
    return jax.tree.map(keep, taken, archive), Contest(contest.winner, wins, jumps)
