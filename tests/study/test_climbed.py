"""Images climbed to for every class, and what it took, counted by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from fooljax import study
from fooljax.study.evolved import Evolved

SHAPE, STEPS, CLASSES = (4, 4, 1), 3, np.array([2, 0])


def test_climbs_are_those_of_one_and_cost_what_they_say(toy):
    attack = fj.attacks.ascent(STEPS)
    images = jax.random.uniform(jax.random.key(0), (6, *SHAPE))
    found = study.climb_repeats(jax.random.key(1), toy, attack, images, CLASSES, searched=5)
    assert found.images.shape == (3, 2, *SHAPE) and found.odds.shape == (3, 2, STEPS + 1)
    said = jax.nn.log_softmax(toy(found.images.reshape(6, *SHAPE)))
    own = np.float64(said)[np.arange(6), np.tile(CLASSES, 3)].reshape(3, 2)
    np.testing.assert_allclose(np.log(found.confidence), own, atol=1e-4)
    np.testing.assert_allclose(found.odds[..., -1], own - np.log(-np.expm1(own)), atol=1e-3)
    begun = np.asarray(jax.nn.softmax(toy(images)))[np.arange(6), np.tile(CLASSES, 3)]
    odds = np.log(begun / (1.0 - begun)).reshape(3, 2)
    np.testing.assert_allclose(found.odds[..., 0], odds, atol=1e-3)
    assert np.all(np.diff(found.odds, axis=2) >= 0.0)
    # before the first step a pass for each class, and with every step a gradient pass more
    assert found.passes.tolist() == [5 + 2 * (2 * step + 1) for step in range(STEPS + 1)]
    assert found.gradients.tolist() == [2 * STEPS] * 3
    assert found.forwards.tolist() == [5 + 2 * (STEPS + 2)] * 3  # the last one asks the result


def test_evolutions_say_the_same():
    history = np.float32([[[0.5, 0.9, 1.0], [0.0, 0.25, 0.25]]])
    evolved = Evolved(np.zeros((1, 2, *SHAPE)), history[..., -1], history)
    found = study.as_climbed(evolved, children=7)
    assert found.passes.tolist() == [7.0, 14.0, 21.0]
    assert (found.forwards.tolist(), found.gradients.tolist()) == ([21], [0])
    assert found.odds[0, 0, :2] == pytest.approx([0.0, np.log(9.0)], abs=1e-6)
    assert found.odds[0, 1, 1] == pytest.approx(-np.log(3.0))
    assert np.isfinite(found.odds).all()


def test_what_the_network_says_of_any_number_of_images(toy):
    images = np.random.default_rng(0).integers(0, 256, (101, *SHAPE), np.uint8)
    said = study.all_logits(toy, images)
    wanted = (images / 255.0).reshape(101, -1) @ np.asarray(toy.params)
    np.testing.assert_allclose(said, wanted, atol=1e-5)


def test_the_first_real_one_of_each_class(toy):
    images = np.arange(4 * 16, dtype=np.uint8).reshape(4, *SHAPE)
    data = fj.data.Dataset(jnp.asarray(images), jnp.array([1, 0, 1, 0]), ("a", "b", "c"))
    prepared = study.Prepared(toy, data.class_names, 1.0, "", fj.data.Splits(data, data))
    found = study.real_ones(prepared, [1, 2, 0])
    assert set(found) == {0, 2}  # there is none of class 2
    np.testing.assert_allclose(found[0], images[0] / 255.0, atol=1e-6)
    np.testing.assert_allclose(found[2], images[1] / 255.0, atol=1e-6)
    assert study.real_ones(prepared._replace(splits=None), [0]) == {}
