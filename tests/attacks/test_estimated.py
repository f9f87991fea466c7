"""Estimated gradients where the gradient, and what estimates scatter by, are known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine

import fooljax as fj
from fooljax.attacks import leave, margin, nes, run, spsa
from fooljax.attacks.estimated import estimate

COUNT = 4
TWO = make_affine(3, columns=2)
GRADIENT = np.diff(np.float64(TWO.params[0]), axis=1)[:, 0]  # of the margin, leaving class 0
_estimate = jax.jit(estimate, static_argnums=(5, 6, 7))


@pytest.mark.parametrize(("draw", "sign"), [("normal", 1.0), ("signs", -1.0)])
def test_mean_and_variance_are_those_of_the_formula(draw, sign, key):
    """Also at 0 and at 1, where probes have room on one side only."""
    count, pairs = 2000, 2
    images = jax.random.uniform(jax.random.key(1), SHAPE)
    images = images.at[0].set(0.0).at[1].set(1.0)
    images = jnp.broadcast_to(images, (count, *SHAPE))
    goal = leave(jnp.zeros(count, jnp.int32))
    keys = jax.random.split(key, count)
    probe = jnp.full(count, 0.01)
    found, logits = _estimate(keys, TWO, goal, images, probe, pairs, draw, margin)
    np.testing.assert_allclose(logits, TWO(images), rtol=1e-5)
    found = np.float64(found).reshape(count, -1)
    variance = (np.sum(GRADIENT**2) + sign * GRADIENT**2) / pairs
    scatter = np.sqrt(variance / count)
    assert np.all(abs(found.mean(axis=0) - GRADIENT) <= 5.0 * scatter)
    # the variance of a variance: 5 standard errors of heavy tails are some 20 %
    np.testing.assert_allclose(found.var(axis=0, ddof=1), variance, rtol=0.25)


ATTACKS = {
    "nes": nes(0.1, 0.03, 60, pairs=10),
    "nes l2": nes(0.1, 0.1, 60, pairs=10, momentum=0.5, norm="l2"),
    "spsa": spsa(0.1, 0.01, 60, pairs=10),
    "spsa l2": spsa(0.1, 0.02, 60, pairs=10, norm="l2"),
}


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(8), (COUNT, *SHAPE), minval=0.4, maxval=0.6)


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.slow] * (one != "spsa")) for one in ATTACKS]
)
def test_a_linear_network_falls_only_beyond_its_margin(name, images, key):
    norm = "l2" if "l2" in name else "linf"
    behind = abs(np.diff(np.float64(TWO(images)), axis=1)[:, 0])
    nearest = behind / np.linalg.norm(GRADIENT, ord={"l2": 2, "linf": 1}[norm])
    goal = leave(jnp.argmax(TWO(images), axis=1))
    attack = ATTACKS[name]
    for share, breaks in ((1.4, True), (0.98, False)):
        budget = attack.budget._replace(epsilon=jnp.float32(share * nearest))
        result = run(dataclasses.replace(attack, budget=budget), key, TWO, images, goal)
        np.testing.assert_array_equal(result.success, breaks)
        assert np.all(np.asarray(getattr(result, norm)) <= 1.00001 * share * nearest)
    assert not np.any(result.gradients)
    np.testing.assert_array_equal(result.forwards, 60 * 21 + 2)


def test_it_asks_a_network_that_only_answers(images, key):
    weights, bias = (np.asarray(part) for part in TWO.params)
    inside = []

    def answer(given):
        inside.append(given.min() >= 0.0 and given.max() <= 1.0)
        return given.reshape(len(given), -1) @ weights + bias

    answers = fj.models.from_function(answer, SHAPE, 2)
    goal = leave(jnp.argmax(TWO(images), axis=1))
    result = run(nes(0.2, 0.05, 10, pairs=5), key, answers, images.at[:, 0].set(0.0), goal)
    assert jnp.any(result.success) and all(inside)


@pytest.mark.parametrize("attack", [nes, spsa])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": -0.1}, "epsilon"),
        ({"epsilon": 0.1, "step_size": -0.1}, "step_size"),
        ({"epsilon": 0.1, "steps": 0}, "steps"),
        ({"epsilon": 0.1, "pairs": 0}, "pairs"),
        ({"epsilon": 0.1, "probe": 0.5}, "probe"),
        ({"epsilon": 0.1, "norm": "l1"}, "norm"),
        ({"epsilon": 0.1, "loss": "margin"}, "loss"),
    ],
)
def test_impossible_arguments(attack, arguments, message):
    with pytest.raises(ValueError, match=message):
        attack(**arguments)


def test_momentum_is_a_share():
    with pytest.raises(ValueError, match="momentum"):
        nes(0.1, momentum=1.0)
