"""Certificates under attack where the truth is known: a linear network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.analysis import Trial, pool, try_certificates
from fooljax.defenses import expectation, noisy
from fooljax.types import Classifier

SIGMA, HOW = 0.1, {"steps": 20, "selection": 20, "samples": 300, "alpha": 0.01}


@pytest.fixture(scope="module")
def trial():
    weights = jnp.array([[-4.0, 4.0]] * 16)
    apply = lambda params, images: (images - 0.5).reshape(len(images), -1) @ params
    network = Classifier(weights, apply, (4, 4, 1), 2)
    means = jnp.array([0.3, 0.42, 0.4999, 0.55, 0.7])
    images = jnp.broadcast_to(means[:, None, None, None], (5, 4, 4, 1))
    defense = lambda key, classifier: noisy(key, classifier, SIGMA)
    through = expectation(jax.random.key(1), defense, network, 8)
    return try_certificates(jax.random.key(0), network, through, images, SIGMA, **HOW)


def test_attacks_break_none_inside_and_most_far_outside(trial):
    np.testing.assert_array_equal(trial.answers, [0, 0, -1, 1, 1])
    distance = 4 * np.abs(np.array([0.3, 0.42, 0.4999, 0.55, 0.7]) - 0.5)
    assert np.all(trial.radii <= distance + 1e-6)
    np.testing.assert_array_equal(trial.certain, [True, True, False, True, True])
    assert not trial.broken.any() and trial.inside[2] == trial.beyond[2] == -2
    # three radii lead beyond the boundary where the certificate is not far below the truth
    reached = trial.certain & (3.0 * trial.radii > 1.3 * distance)
    assert reached.sum() == 2 and np.all(trial.broken_beyond[reached])
    numbers = trial.numbers(0.01)
    assert numbers["attacked"] == 4 and numbers["broken"] == 0 and numbers["sound"]
    assert numbers["chance"] == 1.0 and numbers["abstained"] == 0.2
    assert numbers["broken_beyond"] == trial.broken_beyond.sum() / 4


def test_too_many_failures_are_not_sound():
    answers = np.zeros(10, int)
    broken = lambda count: Trial(answers, np.ones(10), np.arange(10) < count, answers)
    chances = [broken(count).numbers(0.05)["chance"] for count in range(4)]
    exact = [1.0, 1 - 0.95**10, 1 - 0.95**10 - 10 * 0.05 * 0.95**9]
    np.testing.assert_allclose(chances[:3], exact)
    assert broken(2).numbers(0.05)["sound"] and not broken(4).numbers(0.05)["sound"]
    whole = pool([broken(1), broken(2)])
    assert len(whole.radii) == 20 and whole.numbers(0.05)["broken"] == 3


def test_nothing_certain_is_no_failure():
    none = Trial(np.full(3, -1), np.zeros(3), np.full(3, -2), np.full(3, -2))
    numbers = none.numbers(0.01)
    assert numbers["sound"] and numbers["attacked"] == 0 and np.isnan(numbers["broken_beyond"])
    with pytest.raises(ValueError, match="alpha must be in"):
        none.numbers(1.0)
    with pytest.raises(ValueError, match="at least one"):
        pool([])
