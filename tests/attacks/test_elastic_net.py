"""EAD against the published algorithm in numpy, and where the nearest image is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import COUNT, SHAPE, make_affine, spread
from test_fmn import nearest

import fooljax as fj
from fooljax.attacks import confident, elastic_net, leave

TWO = make_affine(3, columns=2)
IMAGES = jax.random.uniform(jax.random.key(4), (COUNT, *SHAPE))
LABELS = jnp.argmax(TWO(IMAGES), axis=1)
STEPS, ROUNDS, BETA, SIZE, FIRST = 6, 3, 0.02, 0.1, 0.3


def published(image, label, weights, bias, accelerated):
    """Yield every image that algorithm 1 looks at, an affine network of two classes."""
    slope = weights[:, 1 - label] - weights[:, label]
    lead = lambda x: slope @ x + bias[1 - label] - bias[label]
    c, low, high = FIRST, 0.0, np.inf
    for _ in range(ROUNDS):
        x = y = image
        found = False
        for k in range(STEPS):
            gradient = 2 * (y - image) - c * slope * (lead(y) < 0)
            z = y - SIZE * np.sqrt(1 - k / STEPS) * gradient
            shrunk = np.sign(z - image) * np.maximum(abs(z - image) - BETA, 0.0)
            new = np.clip(image + shrunk, 0.0, 1.0)
            y = new + (k / (k + 3) * (new - x) if accelerated else 0.0)
            x = new
            found |= lead(x) > 0
            yield x
        low, high = (low, c) if found else (c, high)
        c = 10 * c if high == np.inf else (low + high) / 2


@pytest.mark.parametrize("accelerated", [True, False])
def test_every_step_is_the_published_one(accelerated):
    attack = elastic_net(
        STEPS,
        rounds=ROUNDS,
        beta=BETA,
        step_size=SIZE,
        first_c=FIRST,
        accelerated=accelerated,
    )
    attack = spread(attack)
    step = jax.jit(attack.step)
    point = attack.init(None, attack.budget, IMAGES)
    ours = []
    for _ in range(attack.steps):
        point, _, _ = step(None, attack.budget, TWO, IMAGES, leave(LABELS), point)
        ours.append(np.asarray(point.images).reshape(COUNT, -1))
    weights, bias = map(np.float64, TWO.params)
    flat = np.float64(IMAGES).reshape(COUNT, -1)
    for i, label in enumerate(np.asarray(LABELS)):
        theirs = list(published(flat[i], label, weights, bias, accelerated))
        np.testing.assert_allclose(np.stack(ours)[:, i], theirs, atol=2e-5)
    assert np.mean(ours[-1] == flat.astype(np.float32)) > 0.3  # what is not worth it is undone


@pytest.mark.slow
def test_finds_the_nearest_image_of_an_affine_network(key):
    goal = confident(leave(LABELS), 0.99)
    attack = elastic_net(200, rounds=8, beta=0.01, rule="l1", first_c=0.1)
    result = fj.attacks.run(attack, key, TWO, IMAGES, goal)
    best = nearest("l1", np.log(99.0))
    assert jnp.all(result.success)
    assert np.all(np.asarray(result.l1) >= best * (1.0 - 1e-5))
    assert np.all(np.asarray(result.l1) <= 1.04 * best)


def test_each_rule_keeps_what_is_nearest_by_it(key):
    """They go the same way, so that neither can beat the other by its own rule."""
    beta = 0.1
    kept = {
        rule: fj.attacks.run(
            elastic_net(15, rounds=3, beta=beta, rule=rule, step_size=0.1, first_c=1.0),
            key, TWO, IMAGES, leave(LABELS),
        )
        for rule in ("en", "l1")
    }  # fmt: skip
    elastic = {rule: np.asarray(beta * one.l1 + one.l2**2) for rule, one in kept.items()}
    assert all(one.success.all() for one in kept.values())
    assert np.all(elastic["en"] <= elastic["l1"] * (1 + 1e-6))
    assert np.all(kept["l1"].l1 <= kept["en"].l1 * (1 + 1e-6))
    assert np.any(elastic["en"] < elastic["l1"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        ({"beta": -1.0}, "beta must not be negative"),
        ({"rule": "l2"}, "rule must be en or l1, got 'l2'"),
        ({"step_size": 0.0}, "step_size must be positive"),
        ({"first_c": 0.0}, "first_c must be positive"),
        ({"kappa": -1.0}, "kappa must not be negative"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        elastic_net(**arguments)
