"""Substitutes of a linear victim, which softmax regression can learn exactly."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from fooljax.analysis import attack_through, train_substitute
from fooljax.attacks import leave, pgd
from fooljax.types import Classifier

SHAPE, CLASSES, COUNT = (5, 5, 1), 3, 40
RECIPE = fj.training.quick(300, 50, 0.1)
PGD = pgd(0.1, 0.03, 5)


def affine(weights, images):
    return (images - 0.5).reshape(len(images), -1) @ weights


VICTIM = Classifier(jax.random.normal(jax.random.key(5), (25, CLASSES)), affine, SHAPE, CLASSES)


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(6), (600, *SHAPE))


@pytest.fixture(scope="module")
def untrained():
    return fj.models.build("softmax", jax.random.key(7), SHAPE, CLASSES)


@pytest.fixture(scope="module")
def substitute(untrained, images):
    return train_substitute(jax.random.key(0), VICTIM, untrained, images[COUNT:], RECIPE)


def test_learns_from_the_labels_alone(substitute, untrained, images, key):
    """A victim that says nothing but its label gives the same substitute."""
    hard = dataclasses.replace(
        VICTIM, apply=lambda w, x: jax.nn.one_hot(jnp.argmax(affine(w, x), axis=1), CLASSES)
    )
    same = train_substitute(key, hard, untrained, images[COUNT:], RECIPE)
    assert substitute.queries == 600 - COUNT
    jax.tree.map(np.testing.assert_array_equal, same, substitute)
    assert substitute.losses[-1] < 0.3 * substitute.losses[0]


@pytest.mark.slow
def test_what_fools_the_substitute_fools_the_victim(substitute, images, key):
    """More than signs drawn at random, and no more than with the victim's own weights."""
    goal = leave(jnp.argmax(VICTIM(images[:COUNT]), axis=1))
    given = (key, substitute.classifier, VICTIM, images[:COUNT], goal)
    found = attack_through(PGD, *given, batch_size=15)
    logits = np.asarray(VICTIM(found.on_victim.images))
    fooled = logits.argmax(axis=1) != np.asarray(goal.labels)
    np.testing.assert_array_equal(found.on_victim.success, fooled)
    np.testing.assert_array_equal(found.on_victim.forwards, 1)
    np.testing.assert_array_equal(found.on_victim.images, found.on_substitute.images)
    np.testing.assert_array_equal(found.on_victim.gradients, 0)
    said = [np.argmax(network(images[:COUNT]), axis=1) for network in (VICTIM, given[1])]
    np.testing.assert_allclose(found.agreement, np.mean(said[0] == said[1]))
    assert found.agreement > 0.8
    signs = jnp.where(jax.random.bernoulli(key, shape=images[:COUNT].shape), 0.1, -0.1)
    noisy = np.asarray(VICTIM(jnp.clip(images[:COUNT] + signs, 0.0, 1.0))).argmax(axis=1)
    noise = np.mean(noisy != np.asarray(goal.labels))
    own = np.mean(fj.attacks.run(PGD, key, VICTIM, images[:COUNT], goal).success)
    assert noise + 0.3 < fooled.mean() <= own


@pytest.mark.slow
def test_the_victim_as_its_own_substitute(images, key):
    goal = leave(jnp.argmax(VICTIM(images[:COUNT]), axis=1))
    found = attack_through(PGD, key, VICTIM, VICTIM, images[:COUNT], goal)
    np.testing.assert_allclose(found.on_victim.margin, found.on_substitute.margin, atol=1e-5)
    assert found.agreement == 1.0


def test_says_what_is_wrong(untrained, images, key):
    broken = dataclasses.replace(VICTIM, params=VICTIM.params * jnp.nan)
    with pytest.raises(ValueError, match="NaN to 600 of 600 images"):
        train_substitute(key, broken, untrained, images, RECIPE)
    rejects = dataclasses.replace(VICTIM, num_classes=2)
    two = fj.models.build("softmax", key, SHAPE, 2)
    with pytest.raises(ValueError, match=r"labels must be in \[0, 1\]"):
        train_substitute(key, rejects, two, images, RECIPE)
    small = fj.models.build("softmax", key, (4, 4, 1), CLASSES)
    with pytest.raises(ValueError, match=r"victim takes images \(5, 5, 1\), the substitute"):
        attack_through(PGD, key, small, VICTIM, images, leave(jnp.zeros(600, int)))
