import functools

import jax
import numpy as np
import pytest
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from fooljax.encodings import direct
from fooljax.evolution import (
    DESCRIPTORS,
    cma_me,
    cma_mega,
    dominated_novelty,
    grid,
    map_elites,
    omg_mega,
    repeat,
    strategy,
)
from fooljax.types import Search

AXIS = "children"
GRID = grid([DESCRIPTORS["brightness"]._replace(low=0.4, high=0.6), DESCRIPTORS["symmetry"]], 5)
SMOOTH = direct((4, 4, 1), levels=None)
# 22 children in batches of 4: two children of padding on 1 device, ten on 8
SEARCHES = {
    "all": lambda toy, axis: map_elites(toy.encoding, 22, micro_batch=4, axis_name=axis),
    "own": lambda toy, axis: map_elites(
        toy.encoding, 22, 9, niches="own", micro_batch=4, axis_name=axis
    ),
    "grid": lambda toy, axis: map_elites(
        toy.encoding, 22, grid=GRID, micro_batch=4, axis_name=axis
    ),
    "cma_me": lambda toy, axis: cma_me(
        toy.encoding, 22, emitters=2, grid=GRID, micro_batch=4, axis_name=axis
    ),
    "cma_mega": lambda toy, axis: cma_mega(
        SMOOTH, 22, emitters=5, grid=GRID, micro_batch=4, axis_name=axis
    ),
    "omg_mega": lambda toy, axis: omg_mega(SMOOTH, 22, grid=GRID, micro_batch=4, axis_name=axis),
    "dominated": lambda toy, axis: dominated_novelty(
        toy.encoding, 22, grid=GRID, micro_batch=4, axis_name=axis
    ),
    "snes": lambda toy, axis: strategy("snes", toy.encoding, 22, micro_batch=4, axis_name=axis),
}


def over(devices, search):
    """The search with its children split over devices, everything else whole on each."""
    mesh = jax.make_mesh((devices,), (AXIS,), axis_types=(AxisType.Auto,))
    split = lambda f, n: jax.shard_map(
        f, mesh=mesh, in_specs=(P(),) * n, out_specs=P(), check_vma=False
    )
    return Search(split(search.init, 2), split(search.step, 3))


def evolve(search, classifier, keys, generations=4):
    """Start and step in one program: compilation is what these tests cost."""

    @jax.jit
    def go(keys):
        state, first = search.init(jax.random.clone(keys), classifier)
        step = lambda i, both: search.step(jax.random.clone(keys), classifier, both[0])
        return jax.lax.fori_loop(0, generations, step, (state, first)), first

    return jax.device_get(go(keys))


@pytest.fixture(scope="module")
def whole(toy):
    """What each search finds without a mesh, run once."""
    keys = jax.random.split(jax.random.key(5), 2)

    @functools.cache
    def found(name):
        return evolve(repeat(SEARCHES[name](toy, None)), toy.rejecting, jax.random.clone(keys))

    return keys, found


@pytest.mark.parametrize(
    "name, devices",
    [
        ("all", 8),
        ("grid", 8),
        pytest.param("grid", 1, marks=pytest.mark.slow),
        pytest.param("grid", 2, marks=pytest.mark.slow),
        pytest.param("all", 2, marks=pytest.mark.slow),
        pytest.param("snes", 8, marks=pytest.mark.slow),
        pytest.param("cma_me", 8, marks=pytest.mark.slow),
        pytest.param("cma_mega", 8, marks=pytest.mark.slow),
        pytest.param("omg_mega", 8, marks=pytest.mark.slow),
        pytest.param("dominated", 8, marks=pytest.mark.slow),
        pytest.param("all", 1, marks=pytest.mark.slow),
        pytest.param("all", 4, marks=pytest.mark.slow),
        pytest.param("snes", 2, marks=pytest.mark.slow),
        pytest.param("own", 4, marks=pytest.mark.slow),
    ],
)
def test_champions_do_not_depend_on_the_devices(name, devices, toy, whole, same):
    keys, found = whole
    (expected, info), first = found(name)
    assert np.isfinite(expected.archive.fitness).any() and np.all(expected.generation == 4)
    search = over(devices, repeat(SEARCHES[name](toy, AXIS)))
    (state, last), start = evolve(search, toy.rejecting, jax.random.clone(keys))
    same(state.archive, expected.archive)
    same((last, start), (info, first))


def test_micro_batches_change_only_the_order_of_work(toy, whole):
    """Without them the whole population is one batch: equal up to rounding."""
    keys, found = whole
    search = repeat(map_elites(toy.encoding, 22))
    (at_once, _), first = evolve(search, toy.rejecting, jax.random.clone(keys))
    (in_turn, _), expected = found("all")
    np.testing.assert_allclose(first.confidence, expected.confidence, rtol=1e-5)
    np.testing.assert_allclose(at_once.archive.fitness, in_turn.archive.fitness, rtol=1e-4)
