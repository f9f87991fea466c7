"""Random defenses: what is drawn, from what, and the mean over draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from test_preprocess import eye

from fooljax.defenses import expectation, gaussian_blur, noisy, resize_and_pad
from fooljax.types import Classifier

SHAPE = (9, 12, 2)
IMAGES = np.random.default_rng(5).uniform(size=(4, *SHAPE)).astype(np.float32)
_answer = jax.jit(lambda classifier, images: classifier(images))


def seen(defended, images=IMAGES):
    return np.asarray(_answer(defended, images)).reshape(images.shape)


def test_noise_is_the_same_for_all_images_and_not_cut_off():
    sigma, wide = 0.5, (40, 50, 1)
    images = np.random.default_rng(6).uniform(size=(2, *wide)).astype(np.float32)
    noise = seen(noisy(jax.random.key(1), eye(wide), sigma), images) - images
    np.testing.assert_allclose(noise[0], noise[1], atol=1e-6)
    assert noise.mean() == pytest.approx(0.0, abs=0.05) and noise.std() == pytest.approx(sigma, 0.1)
    assert (noise + images).min() < -0.2 and (noise + images).max() > 1.2
    again = seen(noisy(jax.random.key(1), eye(wide), sigma), images) - images
    other = seen(noisy(jax.random.key(2), eye(wide), sigma), images) - images
    np.testing.assert_array_equal(noise, again)
    assert np.abs(noise - other).mean() > 0.3


def _shrunk(row, share, room):
    """By hand: a triangle as wide as a pixel of the result, or of the image."""
    size, moved = len(row), np.zeros(len(row))
    for to in range(size):
        center = (to + 0.5 - room) / share - 0.5
        if -0.5 <= center <= size - 0.5:
            weight = np.maximum(0.0, 1.0 - np.abs(np.arange(size) - center) * share)
            moved[to] = (weight / weight.sum()) @ row
    return moved


def test_images_shrink_and_move_as_drawn():
    black = []
    for seed in range(3):
        key = jax.random.key(seed)
        found = seen(resize_and_pad(key, eye(SHAPE), 0.5))
        drawn = np.asarray(jax.random.uniform(jax.random.clone(key), (3,)), np.float64)
        share = 0.5 + 0.5 * drawn[0]
        wanted = IMAGES
        for axis, place in ((1, drawn[1]), (2, drawn[2])):
            room = (1.0 - share) * SHAPE[axis - 1] * place
            wanted = np.apply_along_axis(_shrunk, axis, wanted, share, room)
        np.testing.assert_allclose(found, wanted, atol=1e-4)
        black.append((found == 0.0).mean())
    assert len(set(black)) == 3 and max(black) > 0.2


def linear(params, images):
    return images.reshape(len(images), -1) @ params["weights"]


def network(seed):
    weights = jax.random.normal(jax.random.key(seed), (int(np.prod(SHAPE)), 3))
    return Classifier({"weights": weights}, linear, SHAPE, 3)


def test_the_mean_is_of_probabilities():
    key = jax.random.key(4)
    defense = lambda key, classifier: noisy(key, gaussian_blur(classifier, 1.0), 0.3)
    joint = expectation(key, defense, network(0), 5)
    keys = jax.random.split(jax.random.clone(key), 5)
    each = np.stack([_answer(defense(one, network(0)), IMAGES) for one in keys])
    wanted = np.log(scipy.special.softmax(each.astype(np.float64), axis=2).mean(axis=0))
    np.testing.assert_allclose(_answer(joint, IMAGES), wanted, rtol=1e-4, atol=1e-5)
    assert each.std(axis=0).mean() > 0.1
    alone = expectation(jax.random.key(4), defense, network(0), 1)
    one = _answer(defense(jax.random.split(jax.random.key(4), 1)[0], network(0)), IMAGES)
    alone = _answer(alone, IMAGES)
    np.testing.assert_allclose(alone, scipy.special.log_softmax(one, axis=1), rtol=1e-4, atol=1e-5)


def test_weights_are_kept_once_and_nothing_compiles_for_others():
    mean = lambda seed, sigma: expectation(
        jax.random.key(seed), lambda key, one: noisy(key, one, sigma), network(seed), 7
    )
    joint = mean(0, 0.3)
    leaves = [leaf for leaf in jax.tree.leaves(joint.params) if leaf.shape[-1:] == (3,)]
    assert [leaf.shape for leaf in leaves] == [(int(np.prod(SHAPE)), 3)]
    assert jax.tree.structure(joint) == jax.tree.structure(mean(1, 0.7))


def test_the_gradient_is_that_of_the_mean():
    joint = expectation(jax.random.key(5), lambda key, one: noisy(key, one, 0.3), network(1), 4)
    loss_and_slope = jax.jit(jax.value_and_grad(lambda images: jnp.sum(joint(images)[:, 0])))
    way = np.random.default_rng(7).normal(size=IMAGES.shape).astype(np.float32)
    step = 1e-2
    above, below = (loss_and_slope(IMAGES + s * way)[0] for s in (step, -step))
    slope = np.asarray(loss_and_slope(IMAGES)[1])
    assert np.sum(slope * way) == pytest.approx(float(above - below) / (2 * step), rel=0.02)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("inf"), float("nan")])
def test_says_that_sigma_is_impossible(sigma):
    with pytest.raises(ValueError, match=r"sigma must be (positive|a finite number), got"):
        noisy(jax.random.key(0), network(0), sigma)


def test_says_what_else_is_impossible():
    for smallest in (0.0, 1.0):
        with pytest.raises(ValueError, match=r"smallest must be in \(0, 1\)"):
            resize_and_pad(jax.random.key(0), network(0), smallest)
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        expectation(jax.random.key(0), lambda key, one: one, network(0), 0)
