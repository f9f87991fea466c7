import dataclasses
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import metrics
from fooljax.encodings import cppn, direct
from fooljax.evolution import advance, express_elites, repeat, start, strategy
from fooljax.evolution.distributions import costs
from fooljax.evolution.run import _start, _step
from fooljax.types import Encoding

OTHERS = [
    "Open_ES", "LM_MA_ES",
    "ars", "asebo", "cma_es", "cr_fm_nes", "des", "esmc", "guidedes", "hillclimbing", "ma_es",
    "rm_es", "sep_cma_es", "simplees", "xnes", "iamalgam_univariate", "pgpe", "noisereusees",
]  # fmt: skip


def run(search, classifier, counts=(12,), seed=0):
    key = jax.random.key(seed)
    state, info = start(jax.random.clone(key), search, classifier)
    states, infos = [jax.device_get(state)], [jax.tree.map(lambda leaf: leaf[None], info)]
    for count in counts:
        state, info = advance(jax.random.clone(key), search, classifier, state, count)
        states.append(jax.device_get(state))
        infos.append(info)
    return states, jax.tree.map(lambda *leaves: np.concatenate(leaves), *infos)


@pytest.mark.parametrize(
    "name", ["snes", *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
)
def test_strategies_improve_every_niche(name, toy):
    states, infos = run(strategy(name, toy.encoding, 24), toy.classifier)
    first, last = states[0].archive, states[-1].archive
    assert np.all(last.fitness > first.fitness + 0.1)
    assert np.all(np.diff(infos.confidence, axis=0) >= 0.0)
    assert last.genomes.min() >= 0.0 and last.genomes.max() <= 1.0
    images = express_elites(toy.encoding, last)
    scores = np.asarray(metrics.log_probabilities(toy.classifier(images)))
    np.testing.assert_allclose(last.fitness, np.diag(scores), rtol=1e-5)
    taken = np.argwhere(infos.taken[1:])
    assert np.all(infos.parent[0] == -1) and len(taken) > 0
    assert np.all(infos.parent[1:][infos.taken[1:]] == taken[:, 1])  # each class its own parent
    assert np.all(infos.parent[1:][~infos.taken[1:]] == -1)
    np.testing.assert_array_equal(last.parent, np.where(last.born > 0, np.arange(3), -1))


def test_cutting_changes_nothing(toy, same):
    search = strategy("snes", toy.encoding, 24)
    (*_, whole), infos = run(search, toy.classifier, (12,))
    (*_, cut), pieces = run(search, toy.classifier, (1, 1, 10))
    same(whole, cut)
    same(infos, pieces)


@pytest.mark.slow
@pytest.mark.skipif(
    "optimization_level=0" in os.environ.get("XLA_FLAGS", ""),
    reason="two programs round alike only where XLA optimizes them: XLA_FLAGS= python -m pytest",
)
def test_repeats_are_single_runs(toy, same):
    search = strategy("snes", toy.encoding, 24)
    keys = jax.random.split(jax.random.key(3), 2)
    state, _ = start(jax.random.clone(keys), repeat(search), toy.classifier)
    state, _ = advance(jax.random.clone(keys), repeat(search), toy.classifier, state, 2)
    for row, key in enumerate(jax.random.clone(keys)):
        single, _ = start(jax.random.clone(key), search, toy.classifier)
        single, _ = advance(key, search, toy.classifier, single, 2)
        same(jax.tree.map(lambda leaf: leaf[row], state), single)  # noqa: B023


def test_niches_are_independent(toy, same):
    """What the last class is worth changes nothing in the other classes' searches.

    A rejecting column far above the others makes them too small to count in
    each other's odds.
    """
    search, states = strategy("snes", toy.encoding, 24), []
    for worth in (1.0, 0.5):
        classifier = toy.make(columns=4, bias=[0.0, 0.0, 0.0, 90.0])
        kernel = classifier.params["kernel"].at[:, 2].mul(worth)
        params = classifier.params | {"kernel": kernel.at[:, 3].set(0.0)}
        classifier = dataclasses.replace(classifier, params=params)
        states.append(run(search, classifier, (5,))[0][-1])
    searched = lambda state: (state.archive.genomes, state.archive.fitness, state.distributions)
    rows = lambda state: jax.tree.map(lambda leaf: leaf[:2], searched(state))
    same(rows(states[0]), rows(states[1]))
    assert states[0].archive.fitness[2] != states[1].archive.fitness[2]


def test_children_that_break_the_network_lose(toy):
    states, _ = run(strategy("snes", toy.encoding, 24), toy.sometimes_nan, (12,))
    archive = states[-1].archive
    assert np.isfinite(archive.fitness).all() and archive.born.max() > 0
    assert np.all(np.asarray(express_elites(toy.encoding, archive))[:, 0, 0] <= 0.7)
    assert np.all(np.isfinite(states[-1].distributions.mean))


def test_costs():
    scores = jnp.array([[1.0, jnp.nan, -2.0], [-jnp.inf, 3.0, jnp.nan], [jnp.nan] * 3])
    np.testing.assert_array_equal(costs(scores), [[-1.0, 2.0, 2.0], [-3.0] * 3, [0.0] * 3])


def test_no_recompilation(toy):
    """Neither for other weights, nor for the state after a step, nor for equal settings."""
    state, _ = start(jax.random.key(1), strategy("snes", toy.encoding, 24), toy.classifier)
    advance(jax.random.key(1), strategy("snes", toy.encoding, 24), toy.classifier, state, 1)
    sizes = _start._cache_size(), _step._cache_size()
    run(strategy("snes", direct((4, 4, 1)), 24), toy.make(seed=1), (2, 1))
    assert (_start._cache_size(), _step._cache_size()) == sizes


def test_no_transfer_inside_a_chunk(toy, key):
    search = strategy("snes", toy.encoding, 24)
    state, _ = start(jax.random.clone(key), search, toy.classifier)
    state, _ = advance(jax.random.clone(key), search, toy.classifier, state, 2)
    with jax.transfer_guard("disallow"):
        advance(key, search, toy.classifier, state, 2)


def test_impossible_arguments(toy):
    with pytest.raises(ValueError, match=r"one of ars, .* snes, xnes, got 'adam'"):
        strategy("adam", toy.encoding)
    with pytest.raises(ValueError, match="std must be positive, got 0"):
        strategy("snes", toy.encoding, std=0.0)
    with pytest.raises(ValueError, match="fitness must be logprob, margin, prob or logit, got 'x'"):
        strategy("snes", toy.encoding, fitness="x")
    with pytest.raises(ValueError, match="children must be at least 1, got 0"):
        strategy("snes", toy.encoding, 0)
    with pytest.raises(ValueError, match=r"5 arrays of types float32, int32 .*growing graph"):
        strategy("snes", cppn((4, 4, 1)))
    pair = Encoding(lambda key: (jnp.zeros(2), jnp.zeros(2)), *toy.encoding[1:])
    with pytest.raises(ValueError, match="2 arrays of types float32"):
        strategy("snes", pair)


def test_impossible_shares(toy, key):
    with pytest.raises(ValueError, match="at least 2 children for each of 3 classes, got 5"):
        start(key, strategy("snes", toy.encoding, 5), toy.classifier)
    with pytest.raises(ValueError, match=r"PGPE with 3 children: .* even"):
        start(key, strategy("pgpe", toy.encoding, 9), toy.classifier)
