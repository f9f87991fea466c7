"""Szegedy's attack where the nearest boundary is known, and against SciPy's L-BFGS-B."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from attack_cases import CLASSES, COUNT, LEAVE, REACH, SHAPE, make_affine, spread

import fooljax as fj
from fooljax.attacks import confident, lbfgs, leave
from fooljax.attacks.losses import log_chance

TWO = make_affine(3, columns=2)


def middle():
    return jax.random.uniform(jax.random.key(4), (COUNT, *SHAPE), minval=0.3, maxval=0.7)


def boundary(least=0.0):
    """Distance to the plane on which the other class leads by ``least``."""
    weights = np.float64(TWO.params[0])
    logits = np.float64(TWO(middle()))
    lead = abs(logits[:, 1] - logits[:, 0]) + least
    return lead / np.linalg.norm(weights[:, 1] - weights[:, 0])


LABELS = jnp.argmax(TWO(middle()), axis=1)


@pytest.mark.parametrize(
    ("goal", "least"),
    [(leave(LABELS), 0.0), (confident(leave(LABELS), 0.8), np.log(4.0))],
    ids=["leave", "confident"],
)
def test_finds_the_boundary_of_an_affine_network(goal, least, key):
    result = fj.attacks.run(lbfgs(12, rounds=14), key, TWO, middle(), goal)
    assert jnp.all(result.success)
    np.testing.assert_allclose(result.l2, boundary(least), rtol=0.01)
    assert np.all(np.asarray(result.l2) >= boundary(least) * (1.0 - 1e-5))


# the loss of a reach goal is held against numpy in test_losses.py
@pytest.mark.parametrize(
    "goal",
    [LEAVE, pytest.param(REACH, marks=pytest.mark.slow)],
    ids=["leave", "reach"],
)
def test_minimizes_as_scipy_does(goal, classifier, images):
    """One round at fixed weights: the value of SciPy's bounded minimum, or a lower one."""
    c = np.float32([0.03, 0.1, 0.3, 1.0, 3.0])
    attack = spread(lbfgs(60, rounds=1))
    attack = dataclasses.replace(attack, budget=attack.budget._replace(first_c=jnp.asarray(c)))
    step = jax.jit(attack.step)
    point = attack.init(None, attack.budget, images)
    for _ in range(59):
        point, _, _ = step(None, attack.budget, classifier, images, goal, point)
    place = point.memory.place
    change = (np.asarray(place.images) - np.asarray(images)).reshape(COUNT, -1)
    ours = c * (change**2).sum(axis=1) + np.asarray(place.loss)

    def value(flat, image, goal, c):
        x = flat.reshape(1, *SHAPE)
        return c * jnp.sum((x - image) ** 2) - jnp.sum(log_chance(goal, classifier(x), CLASSES))

    value_and_grad = jax.jit(jax.value_and_grad(value))
    originals = np.asarray(images)
    for i in range(COUNT):
        alone = jax.tree.map(lambda leaf, i=i: np.asarray(leaf)[i : i + 1], goal)

        def look_at(flat, i=i, alone=alone):
            found, slope = value_and_grad(np.float32(flat), originals[i : i + 1], alone, c[i])
            return float(found), np.float64(slope)

        start = np.float64(originals[i]).ravel()
        best = scipy.optimize.minimize(
            look_at, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * start.size
        )
        assert ours[i] <= best.fun + 2e-3 * (look_at(start)[0] - best.fun) + 1e-5, i


def test_brackets_the_weight_and_halves_the_bracket():
    """Weights rise while the goal stays reached and fall while it is not."""
    attack = spread(lbfgs(10, rounds=12, first_c=1e-3))
    step = jax.jit(attack.step)
    point = attack.init(None, attack.budget, middle())
    c, low, high = np.full(COUNT, 1e-3), np.zeros(COUNT), np.full(COUNT, np.inf)
    for _ in range(12):
        np.testing.assert_allclose(point.memory.bracket.c, c, rtol=1e-4)
        for _ in range(10):
            point, _, _ = step(None, attack.budget, TWO, middle(), leave(LABELS), point)
        said = np.argmax(TWO(point.memory.place.images), axis=1)
        reached = said != np.asarray(LABELS)
        low, high = np.where(reached, c, low), np.where(reached, high, c)
        c = np.where(np.isinf(high), 10.0 * c, np.where(low == 0.0, c / 10.0, np.sqrt(low * high)))
    assert np.all(low > 0.0) and np.all(high / low < 1.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"steps": 0}, "steps"), ({"rounds": 0}, "rounds"), ({"first_c": 0.0}, "first_c")],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        lbfgs(**arguments)
