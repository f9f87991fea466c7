"""How parts act together, and shuffling, where the answer is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import analysis
from fooljax.analysis import masks
from fooljax.types import Classifier

SHAPE = (4, 4, 1)
IMAGES = np.random.default_rng(1).uniform(size=(3, *SHAPE)).astype(np.float32)
BLOCKS = masks.grid(SHAPE, 2)
BLACK = np.zeros_like(IMAGES)


def network(score):
    apply = lambda params, images: jnp.stack([jnp.zeros(len(images)), score(images)], 1)
    return Classifier((), apply, SHAPE, 2)


def block(images, number):
    return (images * BLOCKS[number][None, ..., None]).sum(axis=(1, 2, 3))


def test_parts_of_a_sum_do_not_interact():
    """Integers, so that sums are exact whatever their order."""
    whole = np.round(8 * IMAGES) / 8
    found = analysis.interactions(
        network(lambda x: 3.0 * x.sum(axis=(1, 2, 3))), whole, [1, 1, 1], BLOCKS, BLACK
    )
    assert np.all(found.pairwise == 0.0) and found.strength == 0.0
    assert found.additivity() == pytest.approx(1.0) == found.additivity(within=True)


def test_parts_of_a_product_interact_by_their_product():
    score = lambda x: block(x, 0) * block(x, 3) + block(x, 1)
    found = analysis.interactions(network(score), IMAGES, [1, 1, 1], BLOCKS, BLACK)
    assert found.pairs.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    product = block(IMAGES, 0) * block(IMAGES, 3)
    expected = np.zeros((3, 6))
    expected[:, 2] = product
    np.testing.assert_allclose(found.pairwise, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.single[:, 0], product, rtol=1e-5)
    sums, joint = found.sums.ravel(), found.joint.ravel()
    assert found.additivity() == pytest.approx(np.corrcoef(sums, joint)[0, 1], abs=1e-6)
    sums, joint = (one - one.mean(1, keepdims=True) for one in (found.sums, found.joint))
    by_image = (sums * joint).sum() / np.sqrt((sums**2).sum() * (joint**2).sum())
    assert found.additivity(within=True) == pytest.approx(by_image, abs=1e-6)


def test_one_patch_is_the_image_and_many_keep_all_pixels(key):
    pictures = np.random.default_rng(2).uniform(size=(4, 6, 12, 3)).astype(np.float32)
    np.testing.assert_array_equal(analysis.shuffled(key, pictures, 1), pictures)
    found = np.asarray(analysis.shuffled(jax.random.key(1), pictures, 3))
    for before, after in zip(pictures, found, strict=True):
        cut = lambda one: one.reshape(3, 2, 3, 4, 3).swapaxes(1, 2).reshape(9, -1)
        assert sorted(map(tuple, cut(before))) == sorted(map(tuple, cut(after)))
        assert not np.array_equal(before, after)
    few = analysis.shuffled(jax.random.key(1), pictures[:2], 3)
    np.testing.assert_array_equal(few, found[:2])


def test_a_bag_of_patches_does_not_see_the_order(key):
    """The mean answer of a network that looks at patches alone, and one that sees the whole."""
    weights = np.random.default_rng(3).normal(size=(4, 2)).astype(np.float32)

    def bag(params, images):
        patches = images.reshape(-1, 2, 2, 2, 2).swapaxes(2, 3).reshape(-1, 4, 4)
        return jnp.tanh(patches @ weights).mean(axis=1)

    patchwise = Classifier((), bag, SHAPE, 2)
    mixed = analysis.shuffled(key, IMAGES, 2)
    assert not np.array_equal(mixed, IMAGES)
    np.testing.assert_allclose(patchwise(mixed), patchwise(IMAGES), rtol=1e-5, atol=1e-6)
    finer = analysis.shuffled(jax.random.key(3), IMAGES, 4)
    assert np.abs(patchwise(finer) - patchwise(IMAGES)).max() > 1e-3
