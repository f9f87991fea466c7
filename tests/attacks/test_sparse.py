import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import make_affine

import fooljax as fj
from fooljax.attacks import reach


def test_on_a_linear_network_the_best_pixels_go_to_their_best_ends():
    network = make_affine(3)
    targets = jnp.array([0, 1, 2])
    grey = jnp.full((3, 6, 6, 1), 0.3)
    # the loss is the target's own logit, so the slope is a column of the weights everywhere
    loss = lambda goal, logits, k: jnp.take_along_axis(logits, goal.labels[:, None], axis=1)[:, 0]
    attack = fj.attacks.sparse(5, loss=loss)
    found = np.asarray(
        fj.attacks.run(attack, jax.random.key(0), network, grey, reach(targets), trace=True).images
    ).reshape(3, 36)
    weights = np.asarray(network.params[0]).T[:3]
    gain = np.maximum(weights * 0.7, -weights * 0.3)
    for image, row, column in zip(found, gain, weights, strict=True):
        # best so far by margin may be an earlier image: its pixels are the first of the order
        changed = np.flatnonzero(image != np.float32(0.3))
        assert 0 < len(changed) <= 5
        assert set(changed) == set(np.argsort(-row)[: len(changed)])
        np.testing.assert_array_equal(image[changed], column[changed] > 0.0)


def test_all_channels_of_a_pixel_count():
    shape = (2, 2, 3)
    weights = np.zeros((12, 2), np.float32)
    weights[[0, 4], 1] = 2.0  # one channel of pixels 0 and 1
    weights[[6, 7, 8], 1] = 1.0, -1.0, 1.0  # three channels of pixel 2, one of them downwards
    apply = lambda params, images: images.reshape(len(images), -1) @ params
    network = fj.types.Classifier(jnp.asarray(weights), apply, shape, 2)
    images = jnp.full((1, *shape), 0.5)
    attack = fj.attacks.sparse(1)
    found = fj.attacks.run(attack, jax.random.key(0), network, images, reach(jnp.array([1])))
    expected = np.full((1, *shape), 0.5, np.float32)
    expected[0, 1, 0] = 1.0, 0.0, 1.0
    np.testing.assert_array_equal(found.images, expected)


def test_needs_a_pixel():
    with pytest.raises(ValueError, match="pixels must be at least 1, got 0"):
        fj.attacks.sparse(0)
