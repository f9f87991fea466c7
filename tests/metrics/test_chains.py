"""Diagnostics of chains against what is known of autoregressive ones."""

import numpy as np
import pytest

from fooljax.metrics import mixing


def autoregressive(memory, chains=8, steps=4000, seed=0):
    """Chains whose next number is ``memory`` times the last one, and noise."""
    noise = np.random.default_rng(seed).normal(size=(steps, chains))
    traces = [noise[0] / np.sqrt(1 - memory**2)]
    for one in noise[1:]:
        traces.append(memory * traces[-1] + one)
    return np.array(traces).T


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9, -0.3])
def test_an_independent_draw_takes_as_long_as_it_should(memory):
    """(1 + a) / (1 - a) steps: a closed form."""
    found = mixing(autoregressive(memory))
    assert found.time == pytest.approx((1 + memory) / (1 - memory), rel=0.15)
    assert found.effective == pytest.approx(32_000 / found.time)
    assert 0.999 < found.r_hat < 1.02


def test_chains_at_different_places_are_told():
    """R-hat squared is the spread of all over that of one: 1 + the variance of their places."""
    places = np.linspace(-2.0, 2.0, 8)[:, None]
    found = mixing(autoregressive(0.0) + places)
    assert found.r_hat == pytest.approx(np.sqrt(1 + np.repeat(places, 2).var(ddof=1)), rel=0.02)
    assert found.effective < 50


def test_a_drift_is_told_from_one_chain():
    assert mixing(np.linspace(0.0, 1.0, 100)[None]).r_hat > 1.5


def test_chains_that_never_move():
    found = mixing(np.arange(3.0)[:, None].repeat(10, axis=1))
    assert np.isinf(found.r_hat) and found.effective == 0.0


@pytest.mark.parametrize("traces", [np.ones((2, 3)), np.ones(9), np.full((2, 9), np.nan)])
def test_impossible_traces(traces):
    with pytest.raises(ValueError, match="traces must be"):
        mixing(traces)
