"""Steps along the gradient's signs where the gain is known: in a linear network."""

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.analysis import sign_steps
from fooljax.types import Classifier


def test_steps_on_a_linear_network_are_the_prediction(key):
    """Two classes: the log-odds are linear, so gain = epsilon * L1 at any length."""
    weights = jax.random.normal(key, (16, 2))
    network = Classifier(
        weights, lambda params, images: images.reshape(len(images), -1) @ params, (4, 4, 1), 2
    )
    images = jax.random.uniform(jax.random.key(1), (6, 4, 4, 1))
    labels, epsilons = jnp.array([0, 1, 0, 1, 0, 1]), jnp.array([0.01, 0.3, 5.0])
    found = sign_steps(jax.random.key(2), network, images, labels, epsilons)
    difference = np.float64(weights[:, 1] - weights[:, 0])
    l1 = abs(difference).sum()
    np.testing.assert_allclose(found.l1, l1, rtol=1e-5)
    predicted = np.repeat(np.float64(epsilons)[:, None] * l1, 6, axis=1)
    np.testing.assert_allclose(found.gain, predicted, rtol=1e-4)
    side = np.where(np.asarray(labels) == 0, 1.0, -1.0)
    signs = np.asarray(found.signs).reshape(6, 16)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    np.testing.assert_allclose(
        found.random[2], 5.0 * side * (signs @ difference), rtol=1e-4, atol=1e-4
    )
    uphill = 5.0 * side[:, None] * np.sign(difference)
    flat = np.asarray(images).reshape(6, 16)
    inside = side * ((np.clip(flat + uphill, 0, 1) - flat) @ difference)
    np.testing.assert_allclose(found.inside[2], inside, rtol=1e-4)
