"""DDN where the nearest boundary is known, and the rule by which its sphere changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import COUNT, SHAPE, make_affine, spread

import fooljax as fj
from fooljax.attacks import confident, ddn, leave

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
    [(leave(LABELS), 0.0), (confident(leave(LABELS), 0.8), np.log(4.0))],
    ids=["leave", "confident"],
)
def test_finds_the_boundary_of_an_affine_network(goal, least, key):
    result = fj.attacks.run(ddn(150), key, TWO, images(), goal)
    assert jnp.all(result.success)
    np.testing.assert_allclose(result.l2, boundary(least), rtol=0.01)
    assert np.all(np.asarray(result.l2) >= boundary(least) * (1.0 - 1e-5))


def test_the_sphere_shrinks_when_the_goal_is_reached_and_grows_when_not(key):
    attack = spread(ddn(40, gamma=0.1, first_radius=0.3))
    step = jax.jit(attack.step)
    point = attack.init(None, attack.budget, images())
    for _ in range(20):
        before = point
        point, logits, _ = step(None, attack.budget, TWO, images(), leave(LABELS), before)
        reached = np.argmax(logits, axis=1) != np.asarray(LABELS)
        factor = np.where(reached, 0.9, 1.1)
        np.testing.assert_allclose(
            point.memory.radius, np.asarray(before.memory.radius) * factor, rtol=1e-5
        )
        change = np.asarray(point.images - images()).reshape(COUNT, -1)
        np.testing.assert_allclose(np.linalg.norm(change, axis=1), point.memory.radius, rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"steps": 0}, "steps"), ({"gamma": 1.0}, "gamma"), ({"first_radius": 0.0}, "first_radius")],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ddn(**arguments)
