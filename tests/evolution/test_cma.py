"""CMA-ES with any number of parents, against plain loops in double precision and pyribs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.evolution import cma


def by_hand(state, samples, order, parents):
    """Hansen's tutorial (arXiv:1604.00772, section A), one number after the other."""
    mean, sigma, covariance, path, path_sigma, updates = state
    n, separable = len(mean), covariance.ndim == 1
    weights = [np.log(parents + 0.5) - np.log(i + 1) for i in range(parents)]
    weights = [w / sum(weights) for w in weights]
    effective = 1 / sum(w * w for w in weights)
    faster = (n + 2) / 3 if separable else 1.0
    cc = (4 + effective / n) / (n + 4 + 2 * effective / n)
    cs = (effective + 2) / (n + effective + 5)
    c1 = min(1.0, faster * 2 / ((n + 1.3) ** 2 + effective))
    cmu = min(1 - c1, faster * 2 * (effective - 2 + 1 / effective) / ((n + 2) ** 2 + effective))
    damping = 1 + 2 * max(0, np.sqrt((effective - 1) / (n + 1)) - 1) + cs
    full = np.diag(covariance) if separable else covariance
    y = [(samples[order[i]] - mean) / sigma for i in range(parents)]
    step = sum(w * one for w, one in zip(weights, y, strict=True))
    values, axes = np.linalg.eigh(full)
    white = axes @ np.diag(values**-0.5) @ axes.T @ step
    path_sigma = (1 - cs) * path_sigma + np.sqrt(cs * (2 - cs) * effective) * white
    updates += 1
    length = np.sum(path_sigma**2) / n
    calm = length / (1 - (1 - cs) ** (2 * updates)) < 2 + 4 / (n + 1)
    path = (1 - cc) * path + calm * np.sqrt(cc * (2 - cc) * effective) * step
    c1a = c1 * (1 - (1 - calm) * cc * (2 - cc))
    many = sum(w * np.outer(one, one) for w, one in zip(weights, y, strict=True))
    full = (1 - c1a - cmu) * full + c1 * np.outer(path, path) + cmu * many
    return (
        mean + sigma * step,
        sigma * np.exp(min(1.0, cs / damping * (length - 1) / 2)),
        np.diag(full) if separable else full,
        path,
        path_sigma,
        updates,
    )


@pytest.mark.parametrize("separable", [False, True])
def test_updates_are_those_of_the_tutorial(separable):
    rng = np.random.default_rng(0)
    state = cma.begin(jnp.asarray([0.3, -1.0, 2.0]), 0.5, separable)
    other = tuple(np.asarray(leaf, float) for leaf in state)
    update = jax.jit(cma.update)
    for parents in (3, 1, 7, 2, 8, 4):
        samples = other[0] + other[1] * rng.normal(size=(8, 3)) * [1.0, 2.0, 0.5]
        order = rng.permutation(8)
        state = update(state, jnp.float32(samples), jnp.int32(order), jnp.int32(parents))
        other = by_hand(other, samples, order, parents)
    for mine, theirs in zip(state, other, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=1e-5)


def test_without_parents_nothing_moves():
    state = cma.begin(jnp.ones(3), 0.5, False)
    found = cma.update(state, jnp.zeros((4, 3)), jnp.arange(4), jnp.int32(0))
    assert found.updates == 1
    jax.tree.map(np.testing.assert_array_equal, found._replace(updates=state.updates), state)


@pytest.mark.parametrize("separable", [False, True])
def test_samples_have_the_covariance_of_the_distribution(separable, key):
    spread = np.array([4.0, 1.0, 0.25]) if separable else np.array([[2.0, 1.0], [1.0, 1.0]])
    start = cma.begin(jnp.zeros(len(spread)), 0.5, separable)
    state = start._replace(covariance=jnp.asarray(spread, jnp.float32))
    samples = np.asarray(cma.sample(key, state, 20_000))
    expected = 0.25 * (np.diag(spread) if separable else spread)
    np.testing.assert_allclose(np.cov(samples.T), expected, atol=0.03)


def test_what_is_of_no_more_use():
    round_ = cma.begin(jnp.zeros(2), 0.5, True)
    assert not cma.collapsed(round_)
    assert cma.collapsed(round_._replace(sigma=jnp.float32(1e-12)))
    assert cma.collapsed(round_._replace(covariance=jnp.asarray([1.0, 1e-15])))
    assert cma.collapsed(round_._replace(mean=jnp.asarray([jnp.nan, 0.0])))


@pytest.mark.slow
def test_first_update_of_pyribs():
    """Mean, step size and path agree. Its covariance takes the path times c1 squared, for c1."""
    opt = pytest.importorskip("ribs.emitters.opt", reason="compares with pyribs")
    peer = opt.CMAEvolutionStrategy(sigma0=0.5, solution_dim=3, batch_size=12, seed=0)
    peer.reset(np.zeros(3))
    samples = np.array(peer.ask())
    order = np.argsort(samples @ [1.0, -2.0, 0.5])
    peer.tell(order, np.zeros((12, 1)), 5)
    begin = cma.begin(jnp.zeros(3), 0.5, False)
    found = cma.update(begin, jnp.float32(samples), jnp.int32(order), jnp.int32(5))
    np.testing.assert_allclose(found.mean, peer.mean, rtol=1e-5)
    np.testing.assert_allclose(found.sigma, peer.sigma, rtol=1e-5)
    np.testing.assert_allclose(found.path_sigma, peer.ps, rtol=1e-4)
    np.testing.assert_allclose(found.path, peer.pc / 0.5, rtol=1e-4)
    c1 = peer._calc_strat_params(5)[4]
    outer = np.outer(peer.pc, peer.pc)
    ours = peer.cov.cov - c1**2 * outer + c1 * outer / 0.5**2
    np.testing.assert_allclose(found.covariance, ours, rtol=1e-4, atol=1e-6)
