"""Gradient ascent against its own arithmetic in numpy, and its published settings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import spread
from scipy import ndimage

import fooljax as fj
from fooljax.attacks import PUBLISHED, Regularization, ascent, leave, published, reach
from fooljax.attacks.regularization import blurred, drop
from fooljax.types import Classifier

SHAPE, CLASSES, COUNT = (7, 9, 3), 5, 3
TARGETS = np.array([0, 3, 4])


def affine(params, images):
    weights, bias = params
    return images.reshape(len(images), -1) @ weights + bias[None]


def make_network(scale, bias=0.0):
    weights = scale * jax.random.normal(jax.random.key(1), (7 * 9 * 3, CLASSES))
    return Classifier((weights, jnp.full(CLASSES, bias)), affine, SHAPE, CLASSES)


def images():
    return jax.random.uniform(jax.random.key(2), (COUNT, *SHAPE), minval=0.3, maxval=0.7)


def without_small(x, worth, percentage):
    return np.where((worth < np.percentile(worth, percentage))[..., None], 0.0, x)


def by_hand(classifier, steps, early, late, max_rate, center, regularization):
    """The published loop, on one image after another in float64."""
    weights, bias = (np.float64(leaf) for leaf in classifier.params)
    finals = []
    for image, target in zip(np.float64(images()), TARGETS, strict=True):
        x = image - center
        for i in range(steps):
            logits = (x + center).ravel() @ weights + bias
            p = np.exp(logits - np.logaddexp.reduce(logits))
            slope = p[target] * (weights[:, target] - weights @ p)
            gradient = slope.reshape(SHAPE)
            gain = min(early, late * (1.0 - p[target]))
            x = x + min(max_rate, gain / (gradient**2).sum()) * gradient
            x = x * (1.0 - regularization.decay)
            if regularization.blur >= 0.3 and i % regularization.blur_every == 0:
                for c in range(SHAPE[2]):
                    x[..., c] = ndimage.gaussian_filter(x[..., c], regularization.blur)
            x = without_small(x, np.linalg.norm(x, axis=-1), regularization.small_norm)
            benefit = (gradient * x).sum(axis=-1)
            x = without_small(x, benefit, regularization.small_benefit)
            influence = abs((gradient * x).sum(axis=-1))
            x = without_small(x, influence, regularization.small_influence)
            x = np.clip(x, -center, 1.0 - center)
        finals.append(x + center)
    return np.stack(finals)


SETTINGS = {name: dict(setting) for name, setting in PUBLISHED.items()} | {
    "everything": {
        "early": 0.1,
        "late": 0.3,
        "regularization": Regularization(0.05, 0.7, 3, 30.0, 20.0, 10.0),
    },
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS.keys())
def test_the_published_loop_by_hand(setting, key):
    setting = {**setting, "steps": 4}
    classifier = make_network(0.2)
    attack = spread(ascent(**setting, max_gain=np.inf, max_rate=50.0, center=0.4), COUNT)
    goal = reach(TARGETS)
    point = attack.init(None, attack.budget, images())
    step = jax.jit(attack.step)
    for _ in range(4):
        point, _, _ = step(None, attack.budget, classifier, images(), goal, point)
    expected = by_hand(
        classifier,
        4,
        setting["early"],
        setting["late"],
        50.0,
        0.4,
        setting.get("regularization", Regularization()),
    )
    np.testing.assert_allclose(point.images, expected, atol=2e-5)


def test_an_unlikely_target_gains_max_gain(key):
    """Far below any probability: log p rises by ``max_gain`` in a step, to first order."""
    weights = 0.1 * jax.random.normal(jax.random.key(3), (7 * 9 * 3, 2))
    unlikely = lambda params, x: affine(params, x) - jnp.array([[0.0, 60.0]])
    classifier = Classifier((weights, jnp.zeros(2)), unlikely, SHAPE, 2)
    attack = spread(ascent(1, max_gain=0.05), COUNT)
    goal, start = reach(jnp.ones(COUNT, int)), attack.init(None, attack.budget, images())
    point, logits, _ = jax.jit(attack.step)(None, attack.budget, classifier, images(), goal, start)
    gain = jnp.diff(classifier(point.images)) - jnp.diff(logits)
    np.testing.assert_allclose(gain, 0.05, rtol=0.02)


@pytest.mark.parametrize("bias", [-8.0, 0.0, 8.0], ids=["unlikely", "even", "certain"])
def test_a_step_gains_what_it_aims_at(bias, key):
    """Two classes and small steps: ``min(early, late * (1 - p))`` to first order."""
    weights = jax.random.normal(jax.random.key(3), (7 * 9 * 3, 2))
    shifted = lambda params, x: affine(params, x) + jnp.array([[0.0, bias]]) * 0.5
    classifier = Classifier((weights, jnp.zeros(2)), shifted, SHAPE, 2)
    goal = reach(jnp.ones(COUNT, int))
    attack = spread(ascent(1, early=1e-5, late=0.01, max_rate=1e9), COUNT)
    start = attack.init(None, attack.budget, images())
    point, logits, _ = jax.jit(attack.step)(None, attack.budget, classifier, images(), goal, start)
    odds = lambda table: np.float64(jnp.diff(table, axis=1)[:, 0])
    before, after = odds(logits), odds(classifier(point.images))
    p = 1.0 / (1.0 + np.exp(-before))
    aim = np.minimum(1e-5, 0.01 / (1.0 + np.exp(before)))
    np.testing.assert_allclose((after - before) * p * (1.0 - p), aim, rtol=0.05)


def test_reaches_certainty_beyond_float32(key):
    classifier = make_network(0.2)
    result = fj.attacks.run(
        ascent(60, early=0.2, late=0.9), key, classifier, images(), reach(TARGETS)
    )
    assert jnp.all(result.success)
    assert jnp.all(result.confidence > 0.999)
    np.testing.assert_allclose(np.exp(result.log_doubt), 1.0 - result.confidence, atol=1e-6)


def test_is_for_targets(key):
    with pytest.raises(ValueError, match="reach goal"):
        fj.attacks.run(ascent(2), key, make_network(0.1), images(), leave(TARGETS))


@pytest.mark.parametrize("sigma", [0.3, 0.4, 1.0, 3.0])
def test_blur_is_that_of_scipy(sigma):
    expected = ndimage.gaussian_filter(np.float64(images()), (0.0, sigma, sigma, 0.0))
    np.testing.assert_allclose(blurred(images(), sigma), expected, atol=1e-6)


@pytest.mark.parametrize("percentage", [0.0, 10.0, 33.3, 90.0, 100.0])
def test_percentiles_are_those_of_numpy(percentage):
    worth = jnp.mean(images(), axis=3)
    kept = np.asarray(drop(images(), worth, percentage)) != 0.0
    bars = np.percentile(worth, percentage, axis=(1, 2), keepdims=True)
    np.testing.assert_array_equal(kept.any(axis=3), np.asarray(worth) >= bars)


def test_published_settings():
    assert {
        "none": {"steps": 500, "early": 0.02, "late": 0.1},
        "decay": {
            "steps": 1500,
            "early": 0.03,
            "late": 0.02,
            "regularization": Regularization(decay=0.01),
        },
        "blur": {
            "steps": 1000,
            "early": 0.03,
            "late": 0.05,
            "regularization": Regularization(decay=0.001, blur=0.4, blur_every=2),
        },
        "sparse": {
            "steps": 1500,
            "early": 0.03,
            "late": 0.05,
            "regularization": Regularization(
                decay=0.001, blur=0.3, blur_every=1, small_norm=20.0, small_influence=20.0
            ),
        },
    } == PUBLISHED
    attack = published("none", steps=7)
    assert attack.steps == 7
    assert attack.budget.max_rate == 1e7 / 255.0**2
    with pytest.raises(ValueError, match="published ascents are none, decay, blur, sparse"):
        published("bluer")


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (ascent, {"steps": 0}),
        (ascent, {"early": 0.0}),
        (ascent, {"late": -0.1}),
        (ascent, {"max_rate": float("nan")}),
        (ascent, {"max_gain": 0.0}),
        (ascent, {"center": 1.5}),
        (Regularization, {"decay": 1.5}),
        (Regularization, {"blur": -1.0}),
        (Regularization, {"blur_every": 0}),
        (Regularization, {"small_norm": 101.0}),
    ],
)
def test_impossible_arguments(make, arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        make(**arguments)
