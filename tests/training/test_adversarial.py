"""Training on what an attack makes of the batch."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from fooljax.attacks import leave, pgd
from fooljax.data import Dataset, load
from fooljax.models import build
from fooljax.training import adversarial, adversarial_minibatches, evaluate, fit, quick

SHAPE, EPSILON = (3, 3, 1), 0.1
ATTACK = pgd(EPSILON, EPSILON, 3, random_start=True)


@pytest.fixture(scope="module")
def pictures():
    """Every pixel of a picture has the brightness that no other picture has."""
    bright = np.linspace(0.2, 0.8, 8, dtype=np.float32)
    images = np.broadcast_to(bright[:, None, None, None], (8, *SHAPE))
    return Dataset(images, np.arange(8, dtype=np.int32) % 2, ("a", "b"))


@pytest.fixture(scope="module")
def linear():
    network = build("softmax", jax.random.key(7), SHAPE, 2)
    slope = np.where(np.arange(9) % 2, 1.0, -1.0).astype(np.float32)
    kernel = jnp.stack([slope, -slope], axis=1)
    return dataclasses.replace(network, params={"fc": {"kernel": kernel, "bias": jnp.zeros(2)}})


def draw(sampler, network, pictures):
    return jax.tree.map(np.asarray, jax.jit(sampler)(jax.random.key(1), network, pictures))


def test_the_batch_is_attacked_as_far_as_it_goes(linear, pictures):
    """On a linear network the worst image of the ball is known."""
    images, labels = draw(adversarial_minibatches(64, ATTACK, gated=False), linear, pictures)
    weights = np.asarray(linear.params["fc"]["kernel"]).reshape(*SHAPE, 2)
    toward_1 = np.sign(weights[..., 1] - weights[..., 0])
    worst = np.where(labels == 0, EPSILON, -EPSILON)[:, None, None, None] * toward_1
    originals = images - worst
    assert np.ptp(originals.reshape(64, -1), axis=1).max() < 1e-6  # one brightness, as drawn
    drawn = np.round((originals[:, 0, 0, 0] - 0.2) / 0.6 * 7).astype(int)
    np.testing.assert_array_equal(labels, drawn % 2)
    assert set(drawn) == set(range(8))


def test_what_the_network_does_not_know_is_shown_as_it_is(linear, pictures):
    """This one answers 1 whatever it sees, until it is attacked."""
    bias = {"bias": jnp.array([0.0, 2.0])}
    biased = dataclasses.replace(linear, params={"fc": {**linear.params["fc"], **bias}})
    assert np.all(np.argmax(biased(pictures.images), axis=1) == 1)
    images, labels = draw(adversarial_minibatches(64, ATTACK), biased, pictures)
    spread = np.ptp(images.reshape(64, -1), axis=1)
    np.testing.assert_allclose(spread, np.where(labels == 1, 2 * EPSILON, 0.0), atol=1e-6)


def test_equal_settings_are_one_sampler():
    again = pgd(EPSILON, EPSILON, 3, random_start=True)
    assert adversarial_minibatches(4, ATTACK) == adversarial_minibatches(4, again)
    assert adversarial_minibatches(4, ATTACK) is not adversarial_minibatches(4, ATTACK, gated=False)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        adversarial_minibatches(0, ATTACK)
    with pytest.raises(ValueError, match="epsilon must not be negative"):
        adversarial(epsilon=-0.1)


def resisting(network, data, epsilon, attack=pgd):
    images, goal = fj.data.as_float(data.images), leave(data.labels)
    found = fj.attacks.run(attack(epsilon), jax.random.key(2), network, images, goal)
    return 1.0 - float(np.mean(found.success))


@pytest.mark.slow
def test_it_makes_a_network_more_robust(key):
    digits = load("digits")
    start = build("mlp", key, digits.train.input_shape, 10)
    recipes = quick(steps=200), adversarial(steps=200, learning_rate=3e-3, epsilon=0.1)
    usual, robust = (
        fit(jax.random.key(1), start, digits.train, **recipe._asdict())[0] for recipe in recipes
    )
    test = jax.tree.map(lambda leaf: leaf[:100], digits.test)
    assert evaluate(robust, digits.test) > 0.9
    assert resisting(robust, test, 0.1) > resisting(usual, test, 0.1) + 0.3


@pytest.mark.slow
def test_the_usual_order_of_attacks(key):
    """One step is weaker than many, many weaker than restarts, and the cascade is strongest."""
    digits = load("digits")
    start = build("mlp", key, digits.train.input_shape, 10)
    recipe = adversarial(steps=1500, learning_rate=3e-3, epsilon=0.2)
    network, _ = fit(jax.random.key(1), start, digits.train, **recipe._asdict())
    images, goal = fj.data.as_float(digits.test.images[:200]), leave(digits.test.labels[:200])
    given = lambda: (jax.random.key(2), network, images, goal)
    attack = pgd(0.2, 0.01, 100, random_start=True)
    by_step = fj.attacks.run(fj.attacks.fgsm(0.2), *given()).success.mean()
    by_steps = fj.attacks.run(attack, *given()).success.mean()
    by_restarts = fj.attacks.run(attack, *given(), restarts=10).success.mean()
    found = fj.attacks.standard(*given(), 0.2, queries=2000)
    by_cascade = 1.0 - found.robust_accuracy
    assert by_step < by_steps - 0.02
    assert by_steps <= by_restarts <= by_cascade + 0.01
    assert found.findings == ()
    assert fj.attacks.diagnose(*given(), 0.2) == ()
