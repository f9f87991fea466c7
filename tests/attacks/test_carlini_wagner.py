"""Carlini and Wagner's attack where the nearest boundary is known, and its search for a weight."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import COUNT, SHAPE, make_affine, spread

import fooljax as fj
from fooljax.attacks import carlini_wagner, confident, leave, reach

TWO = make_affine(3, columns=2)


def images():
    return jax.random.uniform(jax.random.key(4), (COUNT, *SHAPE), minval=0.3, maxval=0.7)


def boundary(least=0.0):
    """Distance to the plane on which the other class leads by ``least``."""
    weights = np.float64(TWO.params[0])
    logits = np.float64(TWO(images()))
    lead = abs(logits[:, 1] - logits[:, 0]) + least
    return lead / np.linalg.norm(weights[:, 1] - weights[:, 0])


LABELS = jnp.argmax(TWO(images()), axis=1)


@pytest.mark.parametrize(
    ("goal", "least"),
    [
        (leave(LABELS), 0.0),
        pytest.param(reach(1 - LABELS), 0.0, marks=pytest.mark.slow),  # with two classes the same
        (confident(leave(LABELS), 0.8), np.log(4.0)),
    ],
    ids=["leave", "reach", "confident"],
)
def test_finds_the_boundary_of_an_affine_network(goal, least, key):
    attack = carlini_wagner(100, rounds=8, first_c=0.1)
    result = fj.attacks.run(attack, key, TWO, images(), goal)
    assert jnp.all(result.success)
    np.testing.assert_allclose(result.l2, boundary(least), rtol=0.01)
    assert np.all(np.asarray(result.l2) >= boundary(least) * (1.0 - 1e-5))


def test_kappa_aims_beyond_the_boundary(key):
    """With one large weight the descent ends where the lead is kappa."""
    attack = carlini_wagner(300, rounds=1, first_c=10.0, kappa=2.0)
    result = fj.attacks.run(attack, key, TWO, images(), leave(LABELS), trace=True)
    np.testing.assert_allclose(result.trace[:, -20:-1], 2.0, atol=0.2)


def test_searches_for_the_weight(key):
    """Against the rule in plain numbers: ten times as much until enough, then halves."""
    attack = spread(carlini_wagner(40, rounds=8, first_c=1e-3, step_size=0.02))
    step = jax.jit(attack.step)
    point = attack.init(None, attack.budget, images())
    c, low, high = np.full(COUNT, 1e-3), np.zeros(COUNT), np.full(COUNT, np.inf)
    for _ in range(8):
        np.testing.assert_allclose(point.memory.bracket.c, c, rtol=1e-4)
        found = np.zeros(COUNT, bool)
        for _ in range(40):
            point, logits, _ = step(None, attack.budget, TWO, images(), leave(LABELS), point)
            found |= np.argmax(logits, axis=1) != np.asarray(LABELS)
        low, high = np.where(found, low, c), np.where(found, c, high)
        c = np.where(np.isinf(high), 10.0 * c, (low + high) / 2.0)
        np.testing.assert_array_equal(point.images, images())
    assert np.any(low > 0.0) and np.all(np.isfinite(high))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"rounds": 0}, "rounds"),
        ({"step_size": 0.0}, "step_size"),
        ({"first_c": -1.0}, "first_c"),
        ({"kappa": -1.0}, "kappa"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        carlini_wagner(**arguments)
