import jax
import numpy as np
import pytest
import scipy.special
from defense_cases import IMAGES, TRACES, network

from fooljax import attacks, defenses, metrics

BARE = network(0)


def test_probabilities_are_those_of_logits_divided():
    warm = defenses.tempered(BARE, 2.5)
    expected = scipy.special.softmax(np.float64(BARE(IMAGES)) / 2.5, axis=1)
    np.testing.assert_allclose(metrics.probabilities(warm(IMAGES)), expected, atol=1e-6)
    np.testing.assert_array_equal(warm(IMAGES).argmax(axis=1), BARE(IMAGES).argmax(axis=1))
    twice = defenses.tempered(defenses.tempered(BARE, 5.0), 0.5)
    np.testing.assert_allclose(twice(IMAGES), warm(IMAGES), rtol=1e-5)


def test_what_fools_a_network_fools_it_still():
    """An attack on the margin takes the same way to the same images."""
    labels = BARE(IMAGES).argmax(axis=1)
    attack, goal = attacks.pgd(0.2, steps=5), attacks.leave(labels)
    found = [
        attacks.run(attack, jax.random.key(0), one, IMAGES, goal)
        for one in (BARE, defenses.tempered(BARE, 4.0))
    ]
    assert np.sum(found[0].success) > 0
    np.testing.assert_array_equal(found[0].success, found[1].success)


def test_its_own_temperature_makes_a_network_calibrated():
    labels = np.argmax(BARE(IMAGES) + 2 * np.random.default_rng(0).normal(size=(12, 4)), axis=1)
    warm = defenses.tempered(BARE, metrics.temperature(BARE(IMAGES), labels))
    assert metrics.temperature(warm(IMAGES), labels) == pytest.approx(1.0, rel=1e-3)


def test_another_temperature_compiles_nothing():
    ask = jax.jit(lambda one: one(IMAGES))
    ask(defenses.tempered(BARE, 2.0))
    traces = len(TRACES)
    ask(defenses.tempered(network(1), 3.0))
    assert len(TRACES) == traces


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), "warm"])
def test_what_is_no_temperature_is_refused(wrong):
    with pytest.raises(ValueError, match="temperature must be"):
        defenses.tempered(BARE, wrong)
