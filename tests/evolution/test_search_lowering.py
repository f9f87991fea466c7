"""A chunk of every search has a rule for each of its operations on an accelerator."""

import jax
import jax.numpy as jnp
import pytest
from evosax.algorithms import distribution_based_algorithms
from lowering import assert_lowers

from fooljax.encodings import cppn, direct
from fooljax.evolution import (
    DESCRIPTORS,
    advance,
    cma_me,
    cma_mega,
    cvt,
    dominated_novelty,
    grid,
    map_elites,
    omg_mega,
    repeat,
    start,
    strategy,
)
from fooljax.evolution.distributions import _UNUSABLE
from fooljax.evolution.run import _start, _steps
from fooljax.models import in_bfloat16
from fooljax.runtime import devices

pytestmark = pytest.mark.usefixtures("accelerator")
SHAPE = (4, 4, 1)
GRID = grid([one for name, one in DESCRIPTORS.items() if name != "nearest"], 2)
CELLS = cvt([DESCRIPTORS["brightness"], DESCRIPTORS["contrast"]], 3)
STRATEGIES = sorted(set(distribution_based_algorithms) - set(_UNUSABLE))
SEARCHES = {
    "direct": lambda axis: map_elites(direct(SHAPE), 12, axis_name=axis),
    "cppn": lambda axis: map_elites(cppn(SHAPE, 10, 16), 12, axis_name=axis),
    "bytes, own niches, screened": lambda axis: map_elites(
        direct(SHAPE, storage="uint8"), 12, niches="own", screen=in_bfloat16, axis_name=axis
    ),
    "a grid, own niches, screened": lambda axis: map_elites(
        direct(SHAPE), 12, niches="own", grid=GRID, screen=in_bfloat16, axis_name=axis
    ),
    "cma_me": lambda axis: cma_me(direct(SHAPE), 12, emitters=2, grid=CELLS, axis_name=axis),
    "cma_mega": lambda axis: cma_mega(
        direct(SHAPE, levels=None), 12, emitters=3, grid=CELLS, micro_batch=2, axis_name=axis
    ),
    "omg_mega": lambda axis: omg_mega(
        direct(SHAPE, levels=None), 12, grid=CELLS, micro_batch=2, axis_name=axis
    ),
    "dominated": lambda axis: dominated_novelty(direct(SHAPE), 12, grid=CELLS, axis_name=axis),
    "in batches": lambda axis: map_elites(direct(SHAPE), 12, micro_batch=2, axis_name=axis),
    **{
        name: lambda axis, name=name: strategy(name, direct(SHAPE), 12, axis_name=axis)
        for name in STRATEGIES
    },
}
SLOW = [pytest.param(one, marks=pytest.mark.slow) for one in SEARCHES]
DIRECT_FIRST = ["direct", *SLOW[1:]]


def assert_chunk_lowers(search, classifier, keys):
    state, _ = jax.eval_shape(lambda keys: start(keys, search, classifier), keys)
    given = {"search": search, "classifier": classifier, "state": state}
    assert_lowers(_steps, keys, **given, count=jnp.int32(1), capacity=3)


@pytest.mark.parametrize("name", SLOW)
def test_on_one_device(name, toy, key):
    search, keys = repeat(SEARCHES[name](None)), jax.random.split(key, 2)
    assert_lowers(_start, keys, search=search, classifier=toy.classifier)
    assert_chunk_lowers(search, toy.classifier, keys)


@pytest.mark.parametrize("name", DIRECT_FIRST)
def test_on_a_mesh(name, toy, key):
    search = devices.spread(repeat(SEARCHES[name](devices.AXIS)), devices.mesh(2))
    assert_chunk_lowers(search, toy.classifier, jax.random.split(key, 2))


@pytest.mark.slow
@pytest.mark.parametrize("name", DIRECT_FIRST)
def test_no_transfer_inside_a_chunk(name, toy, key):
    """The number of steps goes to the device on purpose, and nothing else does."""
    search, keys = repeat(SEARCHES[name](None)), jax.random.split(key, 2)
    state, _ = start(jax.random.clone(keys), search, toy.classifier)
    for count in (2, 1):
        state, _ = advance(jax.random.clone(keys), search, toy.classifier, state, count, 3)
    sizes = _steps._cache_size()
    with jax.transfer_guard("disallow"):
        for count in (2, 1):
            state, infos = advance(jax.random.clone(keys), search, toy.classifier, state, count, 3)
            assert len(infos.parent) == count
    assert _steps._cache_size() == sizes
