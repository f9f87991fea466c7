"""One function's answers with another one's gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import attacks
from fooljax.defenses import ensemble, with_gradient_of
from fooljax.types import Classifier

SHAPE = (1, 2, 1)


def linear(params, images):
    return images.reshape(len(images), -1) @ params


def staircase(params, images):
    return jnp.floor(linear(params, images))


PARAMS = jnp.array([[3.0, -2.0], [0.5, 4.0]])
IMAGES = jax.random.uniform(jax.random.key(0), (5, *SHAPE))


def test_answers_of_one_and_the_gradient_of_the_other():
    stairs = Classifier(PARAMS, staircase, SHAPE, 2)
    attacked = with_gradient_of(stairs, linear)
    np.testing.assert_array_equal(attacked(IMAGES), stairs(IMAGES))
    total = jax.jit(jax.grad(lambda images: jnp.sum(attacked(images)[:, 1])))
    expected = np.broadcast_to(np.asarray(PARAMS)[:, 1].reshape(SHAPE), IMAGES.shape)
    np.testing.assert_allclose(total(IMAGES), expected, rtol=1e-6)
    assert attacked.apply == with_gradient_of(stairs, linear).apply


@pytest.mark.parametrize(("stand_in", "sees"), [(False, False), (True, True)])
def test_a_certain_member_hides_the_others_from_the_mean_of_probabilities(stand_in, sees):
    """One member is sure of class 0 whatever is shown; the other one has to be won.

    It is 40 nats away from class 0: what it adds to the mean probability, and the
    slope of that, is lost in float32 beside the certain member's.
    """
    sure = Classifier({"w": jnp.zeros((2, 2)), "b": jnp.array([9.0, 0.0])}, affine, SHAPE, 2)
    far = Classifier(
        {"w": jnp.array([[80.0, 0.0], [0.0, 0.0]]), "b": jnp.array([-40.0, 0.0])}, affine, SHAPE, 2
    )
    joint = ensemble((sure, far))
    if stand_in:
        joint = with_gradient_of(joint, ensemble((sure, far), "log_probabilities").apply)
    goal = attacks.confident(attacks.reach(jnp.zeros(1, int)), 0.9)
    climb = attacks.ascent(12, rule="adam", step_size=0.1)
    found = attacks.run(climb, jax.random.key(1), joint, jnp.zeros((1, *SHAPE)), goal)
    assert bool(found.success[0]) == sees


def affine(params, images):
    return images.reshape(len(images), -1) @ params["w"] + params["b"][None]
