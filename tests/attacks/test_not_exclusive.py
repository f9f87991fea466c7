"""Networks whose classes do not exclude each other: each is heard or not, by its own score."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import attacks, defenses, encodings, evolution, metrics, study
from fooljax.defenses import reads
from fooljax.types import Classifier

LOGITS = jnp.array([[4.0, 3.0, -5.0, 0.0], [-1.0, -2.0, -0.5, 0.0], [9.0, 9.0, 9.0, 0.0]])
SCORES = 1.0 / (1.0 + np.exp(-np.asarray(LOGITS)[:, :3], dtype=np.float64))


def hear(params, images):
    """Hear a dog and an animal wherever there is light on the left, and rain on the right."""
    left, right = (40.0 * side.mean(axis=(1, 2, 3)) - 20.0 for side in jnp.split(images, 2, axis=2))
    return jnp.stack([left, left, right - 4.0, jnp.zeros_like(left)], axis=1)


NETWORK = Classifier((), hear, (4, 4, 1), 3, exclusive=False)


def test_the_confidence_of_a_class_is_its_own_score():
    read = lambda measure: np.asarray(metrics.of_classes(measure, LOGITS, 3, False))
    np.testing.assert_allclose(read(metrics.probabilities)[:, :3], SCORES, rtol=1e-5)
    np.testing.assert_allclose(read(metrics.log_odds)[:, :3], LOGITS[:, :3], rtol=1e-5)
    np.testing.assert_allclose(read(metrics.log_probabilities)[:, :3], np.log(SCORES), rtol=1e-5)
    as_before = metrics.of_classes(metrics.probabilities, LOGITS, 3, True)
    np.testing.assert_array_equal(as_before, metrics.probabilities(LOGITS))
    np.testing.assert_array_equal(read(metrics.probabilities)[:, 3], as_before[:, 3])


@pytest.mark.parametrize("label", range(3))
def test_a_class_is_reached_where_it_is_heard(label):
    goal = attacks.reach(jnp.full(3, label))
    alone = dataclasses.replace(goal, exclusive=False)
    own = LOGITS[:, label]
    np.testing.assert_allclose(attacks.margin(alone, LOGITS, 3), own, rtol=1e-6)
    loss = attacks.cross_entropy(alone, LOGITS, 3)
    np.testing.assert_allclose(loss, np.log(SCORES[:, label]), rtol=1e-5)
    sure = attacks.margin(attacks.confident(alone, 0.99), LOGITS, 3) > 0.0
    np.testing.assert_array_equal(sure, SCORES[:, label] > 0.99)
    slopes = jax.grad(lambda logits: attacks.cross_entropy(alone, logits, 3).sum())(LOGITS)
    others = np.delete(np.arange(3), label)
    assert np.all(slopes[:, label] > 0.0) and np.all(slopes[:, others] == 0.0)


def test_none_of_them_is_reached_where_nothing_is_heard():
    goal = dataclasses.replace(attacks.reach(jnp.full(3, 3)), exclusive=False)
    np.testing.assert_allclose(attacks.margin(goal, LOGITS, 3), [-4.0, 0.5, -9.0])


@pytest.mark.parametrize("attack", [attacks.ascent(120), attacks.pgd(1.0, 0.02, steps=60)])
def test_classes_that_go_together_are_both_climbed(attack, key):
    """A softmax over all would give none of the two more than a half."""
    images = 0.4 + 0.2 * jax.random.uniform(key, (3, 4, 4, 1))
    found = attacks.run(attack, key, NETWORK, images, attacks.reach(jnp.arange(3)))
    assert np.all(found.confidence > 0.99) and np.all(found.success)
    scores = jax.nn.sigmoid(NETWORK(found.images))[jnp.arange(3), jnp.arange(3)]
    np.testing.assert_allclose(found.confidence, scores, rtol=1e-5)
    outdone = dataclasses.replace(NETWORK, exclusive=True)
    softmax = attacks.run(attack, key, outdone, images, attacks.reach(jnp.arange(3)))
    assert np.all(softmax.confidence[:2] <= 0.5 + 1e-6)


@pytest.mark.parametrize("fitness", ["logprob", "margin", "prob"])
def test_each_niche_keeps_the_highest_score(fitness, key):
    search = evolution.map_elites(encodings.direct((4, 4, 1)), 50, fitness=fitness)
    state, _ = evolution.start(key, search, NETWORK)
    state, _ = evolution.advance(key, search, NETWORK, state, 20)
    images = jax.vmap(encodings.direct((4, 4, 1)).express)(state.archive.genomes)
    scores = np.diagonal(jax.nn.sigmoid(NETWORK(images)[:, :3]))
    np.testing.assert_allclose(state.archive.confidence, scores, rtol=1e-5)
    assert np.all(scores > 0.9)


def test_defenses_change_nothing_about_it():
    assert not defenses.gaussian_blur(NETWORK, 1.0).exclusive
    assert not reads.answered(NETWORK, (), lambda params, logits: logits).exclusive


def test_the_page_says_what_confidence_is():
    assert "the network's own score of the class" in study.confidence_of(NETWORK)


def test_a_column_for_none_of_them_is_needed(key):
    bare = dataclasses.replace(NETWORK, apply=lambda params, images: hear(params, images)[:, :3])
    with pytest.raises(ValueError, match="a column more than its 3 classes"):
        attacks.run(attacks.pgd(0.1), key, bare, jnp.zeros((1, 4, 4, 1)), attacks.reach([0]))
