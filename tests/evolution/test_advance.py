"""How a search is run: cut, repeated, compiled once, left alone on its device."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from search_history import GENERATIONS, run

from fooljax.encodings import cppn, direct
from fooljax.evolution import DESCRIPTORS, advance, grid, map_elites, repeat, start
from fooljax.evolution.run import _start, _step, _steps
from fooljax.types import Classifier


def test_keys_decide(toy, history, same):
    search = map_elites(toy.encoding, 12)
    again, _ = run(search, toy.classifier)
    other, _ = run(search, toy.classifier, 1, seed=1)
    same(again, history[0])
    assert np.all(other[0].archive.fitness != history[0][0].archive.fitness)


@pytest.mark.parametrize("chunk", [3, 7, GENERATIONS])
def test_chunks_change_nothing(chunk, toy, history, same):
    states, infos = run(map_elites(toy.encoding, 12), toy.classifier, chunk=chunk)
    same(states[-1], history[0][-1])
    same(infos, history[1])


def test_one_program_for_a_chunk(toy, history, same):
    """The path of accelerators, which runs any number of steps up to a capacity."""
    search, key = map_elites(toy.encoding, 12), jax.random.key(0)
    state, _ = start(jax.random.clone(key), search, toy.classifier)
    compiled = _steps._cache_size()
    for count, before in ((5, 0), (8, 5)):
        state, infos = _steps(
            jax.random.clone(key), search, toy.classifier, state, jnp.int32(count), capacity=8
        )
        part = lambda leaves, rows: jax.tree.map(lambda leaf: leaf[rows], leaves)
        steps = slice(before + 1, before + count + 1)
        same(part(infos, slice(count)), part(history[1], steps))
    assert _steps._cache_size() == compiled + 1
    same(jax.device_get(state), history[0][13])


@pytest.mark.on_cpu("side by side, sums are rounded otherwise: see the next test")
def test_repeats_are_single_runs(toy, same):
    search = map_elites(toy.encoding, 12)
    keys = jax.random.split(jax.random.key(3), 4)
    state, first = start(jax.random.clone(keys), repeat(search), toy.classifier)
    state, infos = advance(jax.random.clone(keys), repeat(search), toy.classifier, state, 3)
    for row, key in enumerate(jax.random.clone(keys)):
        single, info = start(jax.random.clone(key), search, toy.classifier)
        same(jax.tree.map(lambda leaf: leaf[row], first), info)  # noqa: B023
        single, info = advance(key, search, toy.classifier, single, 3)
        same(jax.tree.map(lambda leaf: leaf[row], state), single)  # noqa: B023
        same(jax.tree.map(lambda leaf: leaf[:, row], infos), info)  # noqa: B023


@pytest.mark.slow
def test_repeats_side_by_side(toy):
    """What ``repeat`` does on accelerators."""
    search = map_elites(toy.encoding, 12)
    keys = jax.random.split(jax.random.key(3), 4)
    many = jax.jit(jax.vmap(lambda key: search.init(key, toy.classifier)))
    state, _ = start(jax.random.clone(keys), repeat(search), toy.classifier)
    np.testing.assert_allclose(many(keys)[0].archive.fitness, state.archive.fitness, rtol=1e-5)


def test_no_recompilation(toy, history):
    """Neither for other weights nor for settings made anew."""
    sizes = _start._cache_size(), _step._cache_size()
    states, _ = run(map_elites(direct((4, 4, 1)), 12), toy.make(seed=1), 1)
    assert (_start._cache_size(), _step._cache_size()) == sizes
    assert np.all(states[-1].archive.fitness != history[0][1].archive.fitness)


LOOKS = grid([DESCRIPTORS["brightness"]], cells=2)
OTHERS = {
    "more classes": ({"num_classes": 4}, {}, "state: it has 3 niches, this search has 4"),
    "a grid": ({}, {"grid": LOOKS}, "state: it has 3 niches, this search has 6"),
    "another encoding": ({}, {"encoding": cppn((8, 8, 1))}, "state: its genomes"),
    "another shape": ({}, {"encoding": direct((4, 16, 1))}, "state: its genomes"),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_state_of_something_else_is_refused(other):
    change, settings, message = other
    apply = lambda params, images: images.reshape(len(images), -1) @ params
    network = Classifier(jnp.ones((64, 4)), apply, (8, 8, 1), 3)
    search, key = map_elites(direct((8, 8, 1)), 4), jax.random.key(0)
    state, _ = start(key, search, network)
    again = map_elites(**{"encoding": direct((8, 8, 1)), "children": 4} | settings)
    with pytest.raises(ValueError, match=message):
        advance(key, again, dataclasses.replace(network, **change), state, 1)


def test_images_of_another_shape_are_refused():
    """Also by networks that would take as many numbers in any shape."""
    apply = lambda params, images: images.reshape(len(images), -1) @ params
    network = Classifier(jnp.ones((64, 3)), apply, (4, 16, 1), 3)
    with pytest.raises(
        ValueError, match=r"paints images \(8, 8, 1\), the classifier takes \(4, 16"
    ):
        start(jax.random.key(0), map_elites(direct((8, 8, 1)), 4), network)
