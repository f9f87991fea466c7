"""Sufficient subsets where the smallest one is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import analysis
from fooljax.analysis import masks
from fooljax.types import Classifier

SHAPE = (4, 4, 1)
WEIGHTS = np.random.default_rng(0).normal(size=16).astype(np.float32)
IMAGES = np.random.default_rng(1).uniform(0.1, 1.0, size=(3, *SHAPE)).astype(np.float32)
BLACK = np.zeros_like(IMAGES)
EASY = 0.6


def score(params, x):
    """A weighted sum, and how much one or the other, or both, of two pixels say."""
    weights, either, both, product, ground = params
    small, large = jnp.minimum(x[:, 3], x[:, 9]), jnp.maximum(x[:, 3], x[:, 9])
    return x @ weights + either * large + both * small + product * x[:, 0] * x[:, 15] - ground


def apply(params, images):
    return jnp.stack([jnp.zeros(len(images)), score(params, images.reshape(len(images), -1))], 1)


def network(weights=0.0, either=0.0, both=0.0, product=0.0, ground=0.0):
    """All of one function: one program serves every test."""
    weights = np.broadcast_to(np.float32(weights), 16)
    params = [jnp.asarray(one, jnp.float32) for one in (weights, either, both, product, ground)]
    return Classifier(tuple(params), apply, SHAPE, 2)


LINEAR = network(WEIGHTS)
ONES = np.ones_like(IMAGES)
ALL = [1, 1, 1]


def test_pixels_of_a_linear_network_go_in_the_exact_order():
    """Those that speak against the class most go first."""
    found = analysis.sufficient(LINEAR, IMAGES, ALL, BLACK, EASY)
    for image in range(3):
        parts = np.sort(IMAGES[image].ravel() * WEIGHTS)
        expected = [parts[gone:].sum() for gone in range(16)]
        np.testing.assert_allclose(found.path[image], expected, rtol=1e-4, atol=1e-5)
        last = max(gone for gone in range(16) if expected[gone] >= np.log(EASY / (1 - EASY)))
        assert found.share[image] == (16 - last) / 16 == found.masks[image].mean()
        kept = np.argsort(IMAGES[image].ravel() * WEIGHTS)[last:]
        assert set(np.flatnonzero(found.masks[image])) == set(kept)
    assert found.reached.all() and found.left.tolist() == [1 - i / 16 for i in range(16)]


def test_batches_find_the_same_subsets():
    expected = analysis.sufficient(LINEAR, IMAGES, [1, 0, 1], BLACK, EASY)
    found = analysis.sufficient(LINEAR, IMAGES, [1, 0, 1], BLACK, EASY, 1, 2)
    np.testing.assert_array_equal(found.masks, expected.masks)
    np.testing.assert_allclose(found.path, expected.path, rtol=1e-5, atol=1e-6)


def test_steps_of_several_pixels_end_with_the_rest():
    found = analysis.sufficient(LINEAR, IMAGES, ALL, BLACK, EASY, 5)
    parts = np.sort(IMAGES[0].ravel() * WEIGHTS)
    np.testing.assert_allclose(found.path[0], [parts[n:].sum() for n in (0, 5, 10, 15)], rtol=1e-4)


@pytest.mark.parametrize(("logic", "size"), [("either", 1), ("both", 2)])
def test_one_of_two_pixels_is_enough_or_both_are_needed(logic, size):
    two = network(**{logic: 8.0}, ground=3.0)
    found = analysis.sufficient(two, ONES, ALL, BLACK, 0.99)
    exact = analysis.sufficient_parts(two, ONES, ALL, masks.pixels(SHAPE), BLACK, 0.99)
    for each in (found, exact):
        assert each.reached.all() and each.masks.sum(axis=(1, 2)).tolist() == [size] * 3
        assert set(np.flatnonzero(each.masks[0])) <= {3, 9}


def test_certainty_does_not_hide_what_matters():
    """At log-odds of 100 the probability is 1 and flat; a ranking by it would be blind."""
    strong = network(100.0 * (np.arange(16) == 5) + 0.01 * (np.arange(16) == 6))
    found = analysis.sufficient(strong, ONES, ALL, BLACK, 0.99)
    assert np.flatnonzero(found.masks[0]).tolist() == [5]


def test_nothing_is_enough_for_what_never_is_certain():
    found = analysis.sufficient(network(-1.0), ONES, ALL, BLACK, 0.99)
    assert not found.reached.any() and found.masks.all() and found.share.tolist() == [1.0] * 3


def test_the_best_blocks_by_brute_force():
    """Backward by exact trials, against plain numpy."""
    blocks, bent = masks.grid(SHAPE, 2), network(WEIGHTS, -1.0, 2.0, 3.0)
    found = analysis.sufficient_parts(bent, IMAGES, ALL, blocks, BLACK, EASY)
    params = tuple(np.asarray(one) for one in bent.params)
    for image, path in zip(IMAGES.reshape(3, 16), found.path, strict=True):
        odds = lambda kept, image=image: float(score(params, (image * kept.ravel())[None])[0])
        left, expected = [0, 1, 2, 3], [odds(np.ones(16))]
        while len(left) > 1:
            trials = [[b for b in left if b != a] for a in left]
            left = max(trials, key=lambda some: odds(blocks[some].any(axis=0)))
            expected.append(odds(blocks[left].any(axis=0)))
        np.testing.assert_allclose(path, expected, rtol=1e-4, atol=1e-5)


def test_controls_are_what_they_say(key):
    found = analysis.sufficient(LINEAR, IMAGES, ALL, BLACK, EASY)
    white = np.ones_like(IMAGES)
    told = analysis.controls(
        key, LINEAR, IMAGES, ALL, found, BLACK, {"white": white}, dilations=(1, 3)
    )
    assert list(told) == ["dilated 1", "dilated 3", "random", "on white"]
    parts = IMAGES.reshape(3, 16) * WEIGHTS
    np.testing.assert_allclose(told["dilated 3"], parts.sum(axis=1), rtol=1e-4, atol=1e-5)
    grown = np.pad(found.masks, ((0, 0), (1, 1), (1, 1)))
    grown = np.max([grown[:, y : y + 4, x : x + 4] for y in range(3) for x in range(3)], axis=0)
    expected = (parts * grown.reshape(3, 16)).sum(axis=1)
    np.testing.assert_allclose(told["dilated 1"], expected, rtol=1e-4, atol=1e-5)
    kept = found.masks.reshape(3, 16)
    expected = (parts * kept).sum(axis=1) + (~kept * WEIGHTS).sum(axis=1)
    np.testing.assert_allclose(told["on white"], expected, rtol=1e-4, atol=1e-5)
    drawn = masks.scattered(jax.random.key(0), SHAPE, kept.sum(axis=1)).reshape(3, 16)
    assert drawn.sum(axis=1).tolist() == kept.sum(axis=1).tolist()
    np.testing.assert_allclose(told["random"], (parts * drawn).sum(axis=1), rtol=1e-4, atol=1e-5)
