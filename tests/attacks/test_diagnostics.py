"""Broken networks are found out, a sound one is left alone, each rule at its threshold."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from broken_networks import BROKEN, blobs, train, turn_round

import fooljax as fj
from fooljax.attacks import findings
from fooljax.models import findings as answers

TEST = blobs(40, seed=1)
GOAL = fj.attacks.leave(TEST.labels)
SHORT = {"steps": 8, "restarts": 2, "queries": 60}


@pytest.fixture(scope="module")
def sound():
    return train()


def diagnose(network, *args, images=TEST.images, **settings):
    found = fj.attacks.diagnose(
        jax.random.key(0), network, jnp.asarray(images), GOAL, *args, **settings
    )
    return {one.name: one for one in found}


@pytest.mark.slow
def test_a_sound_network_has_no_findings(sound):
    for epsilon in (0.1, 0.2):
        assert diagnose(sound, epsilon, **SHORT) == {}


# as a stopped gradient; rounding is found out in test_masked_gradients.py too
NOT_QUICK = pytest.mark.skipif(
    "optimization_level=0" in os.environ.get("XLA_FLAGS", ""),
    reason="its gradient is finite only where XLA optimizes: XLA_FLAGS= python -m pytest",
)
ALIKE = {"step", "quantized"}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(one, marks=pytest.mark.slow)
        if one in ALIKE
        else pytest.param(one, marks=NOT_QUICK)
        if one == "batch statistics"
        else one
        for one in BROKEN
    ],
)
def test_a_broken_network_is_found_out(case, sound):
    name, break_it = BROKEN[case]
    found = diagnose(break_it(sound))
    assert list(found) == [name]
    at_a_corner = np.any((TEST.images == 0.0), axis=(1, 2, 3)).mean()
    wanted = at_a_corner if case == "gradient not finite" else 1.0
    assert wanted > 0.0 and found[name].share == pytest.approx(wanted)
    assert f"{found[name].share:.0%}" in found[name].message


@pytest.mark.slow
def test_gradients_that_mislead_are_found_out_by_attacks(sound):
    network = turn_round(sound)
    assert diagnose(network) == {}
    found = diagnose(network, 0.15, **SHORT)
    assert {"gradient-free attack wins", "full range resists"} == set(found)


def test_images_out_of_range_are_all_that_is_said(sound):
    images = np.array(TEST.images)
    images[3, 0, 0, 0], images[5] = 1.5, np.nan
    found = diagnose(sound, 0.1, images=images)
    assert list(found) == ["images out of range"]
    assert found["images out of range"].share == 2 / 40


def test_falling_success():
    fall = lambda success, count=100: findings.falling_success(
        "steps", [1, 10, 100], success, count
    )
    assert fall([0.1, 0.5, 0.9]) is None
    assert fall([0.5, 0.5, 0.48]) is None  # luck
    assert fall([0.5, 0.5, 0.4], count=10) is None  # one image
    found = fall([0.5, 0.2, 0.6])
    assert found.name == "success falls with steps" and found.share == pytest.approx(0.3)
    assert "by 30% of the images when steps goes from 1 to 10" in found.message


@pytest.mark.slow
def test_success_that_falls_with_epsilon(sound):
    """A network that gives its usual answer to whatever is far from grey."""

    def apply(params, images):
        far = jnp.max(jnp.abs(images - 0.5), axis=(1, 2, 3))[:, None] > 0.35
        usual = jax.nn.one_hot(jnp.zeros(len(images), int), 4)
        lead = jnp.sum(images - 0.5, axis=(1, 2, 3))[:, None] * jnp.arange(4.0)[None]
        return jnp.where(far, usual, 0.3 * usual + lead)

    network = fj.types.Classifier(None, apply, (6, 6, 1), 4)
    images = jnp.full((40, 6, 6, 1), 0.5)
    goal = fj.attacks.leave(jnp.zeros(40, int))
    found = fj.attacks.diagnose(
        jax.random.key(0), network, images, goal, 0.3, steps=1, restarts=1, queries=2
    )
    assert "success falls with epsilon" in {one.name for one in found}


def test_thresholds():
    few, none = np.arange(100) < 2, np.zeros(100, bool)
    assert findings.free_wins(none, few, "noise") is None
    assert findings.free_wins(none, np.arange(100) < 3, "noise").share == 0.03
    assert findings.free_wins(~none, ~none, "noise") is None
    assert findings.full_range_resists(0.12, 10, 1000) is None
    assert findings.full_range_resists(0.13, 10, 1000).share == 0.13
    logits = np.array([[0.0, 10.0], [0.0, 10.0]])
    repeats = np.stack([logits, logits + np.array([[0.0, 9e-4], [0.0, 1.1e-3]])])
    assert answers.random_outputs(repeats).share == 0.5
    assert answers.batch_dependence(logits, repeats[1]).share == 0.5
    slopes = np.full((2, 1, 2, 1), 50.0)  # allow 1e-3 at a nudge of 1e-5, times 10, and 1e-3
    assert findings.rough_outputs(np.array([0.0108, -0.0112]), slopes, logits).share == 0.5
    assert answers.probabilities(np.array([[0.5, 0.5], [1.0, 0.0]])).share == 1.0
    assert answers.probabilities(np.array([[0.5, 0.5], [0.9, 0.2]])) is None


def test_targets_are_refused(sound):
    goal = fj.attacks.reach(TEST.labels)
    with pytest.raises(ValueError, match="leave goal"):
        fj.attacks.diagnose(jax.random.key(0), sound, jnp.asarray(TEST.images), goal)
