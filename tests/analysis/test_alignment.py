import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import analysis, attacks
from fooljax.types import Classifier

SHAPE = (1, 2, 1)


def linear(params, images):
    return images.reshape(len(images), -1) @ params


def network(weights):
    return Classifier(jnp.asarray(weights, jnp.float32), linear, SHAPE, 2)


# the margin of class 0 is the difference of the columns, so these are its gradients
DIRECTIONS = np.array([[1.0, 0.0], [3.0, 4.0], [-2.0, 0.0], [0.0, 0.0]])
NETWORKS = [network(np.stack([way, np.zeros(2)], axis=1)) for way in DIRECTIONS]
align = jax.jit(analysis.gradient_alignment, static_argnames="loss")
IMAGES = jax.random.uniform(jax.random.key(0), (3, *SHAPE))


def test_cosines_of_linear_networks_are_those_of_their_weights():
    goal = attacks.reach(jnp.zeros(3, int))
    found = align(NETWORKS, IMAGES, goal)
    expected = [[1.0, 0.6, -1.0], [0.6, 1.0, -0.6], [-1.0, -0.6, 1.0]]
    assert found.shape == (4, 4, 3)
    np.testing.assert_allclose(found[:3, :3], np.repeat(np.array(expected)[..., None], 3, 2), 1e-6)
    assert np.all(np.isnan(found[3])) and np.all(np.isnan(found[:, 3]))


def test_small_slopes_have_a_direction_too():
    """Their squares are 0 in float32."""
    small = [network(1e-25 * np.asarray(one.params)) for one in NETWORKS[:3]]
    goal = attacks.reach(jnp.zeros(3, int))
    np.testing.assert_allclose(
        align(small, IMAGES, goal), align(NETWORKS[:3], IMAGES, goal), atol=1e-6
    )


def test_other_losses_and_wrong_networks():
    goal = attacks.leave(jnp.ones(3, int))
    found = align(NETWORKS[:2], IMAGES, goal, attacks.cross_entropy)
    np.testing.assert_allclose(found[0, 1], 0.6, 1e-5)
    with pytest.raises(ValueError, match="at least one classifier"):
        analysis.gradient_alignment([], IMAGES, goal)
    other = Classifier(jnp.zeros((2, 3)), linear, SHAPE, 3)
    with pytest.raises(ValueError, match=r"the same classes, got \[2, 3\]"):
        analysis.gradient_alignment([NETWORKS[0], other], IMAGES, goal)
