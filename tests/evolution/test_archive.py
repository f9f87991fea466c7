import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from fooljax.evolution import Archive, Challengers, compete, insert
from fooljax.evolution.archive import _compete_at_once, _compete_in_turn

CHILDREN, NICHES = 24, 7


def one_by_one(bars, scores):
    """The released loop: every child against the champion of every class."""
    bars = np.array(bars)
    winner, jumps = np.full(bars.size, -1), 0
    for child, row in enumerate(scores):
        for niche, score in enumerate(row):
            if score > bars[niche]:  # False for NaN
                bars[niche], winner[niche] = score, child
                jumps += 1
    return bars, winner, jumps


def contests():
    """Few distinct values, so that ties abound; and everything that is not a number."""
    rng = np.random.default_rng(0)
    values = {
        "ties": [0.0, 0.25, 0.5],
        "signed zeros": [-0.0, 0.0, -1.0],
        "nan": [np.nan, 0.5, 1.0, 0.0],
        "infinities": [np.inf, -np.inf, 0.5, np.nan],
        "only nan": [np.nan],
        "only -inf": [-np.inf],
    }
    for name, choice in values.items():
        for bar in (-np.inf, 0.0, 0.5):
            bars = np.full(NICHES, bar, np.float32)
            bars[0] = -np.inf
            yield name, bars, rng.choice(choice, (CHILDREN, NICHES)).astype(np.float32)
    for _ in range(5):
        bars, scores = rng.random(NICHES), rng.random((CHILDREN, NICHES)) ** 0.2
        yield "distinct", np.float32(bars), np.float32(scores)


CONTESTS = list(contests())


@pytest.mark.parametrize("contest", [compete, _compete_in_turn, _compete_at_once])
def test_contest_is_the_sequential_loop(contest):
    contest = jax.jit(contest)
    for name, bars, scores in CONTESTS:
        if contest.__wrapped__ is not compete:  # which has cleared them away by then
            scores = np.where(np.isnan(scores), -np.inf, scores)
        found = contest(bars, scores)
        _, winner, jumps = one_by_one(bars, scores)
        np.testing.assert_array_equal(found.winner, winner, err_msg=name)
        np.testing.assert_array_equal(found.wins, winner >= 0, err_msg=name)
        assert found.jumps == jumps, name


def cast(scores, seed=0):
    """Challengers with mixed genomes, some of them -0.0."""
    rng = np.random.default_rng(seed)
    count = len(scores)
    genomes = {
        "pixels": np.where(rng.random((count, 3)) < 0.3, -0.0, rng.random((count, 3))),
        "graph": rng.integers(-1, 9, count),
        "small": rng.integers(0, 200, (count, 2)),
    }
    return Challengers(
        genomes={
            "pixels": jnp.asarray(genomes["pixels"], jnp.float32),
            "graph": jnp.asarray(genomes["graph"], jnp.int32),
            "small": jnp.asarray(genomes["small"], jnp.uint8),
        },
        scores=jnp.asarray(scores, jnp.float32),
        confidence=jnp.asarray(rng.random(scores.shape), jnp.float32),
        parent=jnp.asarray(rng.integers(0, NICHES, count), jnp.int32),
    )


def champions(bars):
    old = cast(np.zeros((NICHES, NICHES)), seed=1)
    return Archive(old.genomes, jnp.asarray(bars), old.confidence[0], old.parent + 50, old.parent)


def replay(archive, challengers, winner, generation):
    """What the archive must hold after the given children won."""
    take = lambda old, new: np.stack(
        [old[c] if w < 0 else new[w] for c, w in enumerate(winner)]
    ).astype(old.dtype)
    scored = lambda old, new: np.stack(
        [old[c] if w < 0 else new[w, c] for c, w in enumerate(winner)]
    )
    old, new = jax.tree.map(np.asarray, (archive, challengers))
    return Archive(
        genomes=jax.tree.map(take, old.genomes, new.genomes),
        fitness=scored(old.fitness, new.scores),
        confidence=scored(old.confidence, new.confidence),
        born=np.where(winner >= 0, generation, old.born).astype(np.int32),
        parent=take(old.parent, new.parent),
    )


def test_insertion_is_the_sequential_loop(same):
    put = jax.jit(insert)
    for _, bars, scores in CONTESTS:
        archive, challengers = champions(bars), cast(scores)
        found, contest = put(archive, challengers, jnp.int32(9))
        bars_after, winner, jumps = one_by_one(bars, scores)
        same(found, replay(archive, challengers, winner, 9))
        np.testing.assert_array_equal(found.fitness, bars_after)
        assert contest.jumps == jumps


@pytest.mark.parametrize("devices", [1, 2, 4, 8])
def test_insertion_over_devices(devices, same):
    mesh = jax.make_mesh((devices,), ("children",), axis_types=(AxisType.Auto,))
    put = functools.partial(insert, axis_name="children")

    @jax.jit
    @functools.partial(
        jax.shard_map, mesh=mesh, in_specs=(P(), P("children"), P()), out_specs=P(), check_vma=False
    )
    def split(archive, challengers, generation):
        found, contest = put(archive, challengers, generation)
        return found, (contest.wins, contest.jumps)

    for _, bars, scores in CONTESTS:
        archive, challengers = champions(bars), cast(scores)
        found, (wins, jumps) = split(archive, challengers, jnp.int32(9))
        _, winner, jumps_expected = one_by_one(bars, scores)
        same(found, replay(archive, challengers, winner, 9))
        np.testing.assert_array_equal(wins, winner >= 0)
        assert jumps == jumps_expected
