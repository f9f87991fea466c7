"""SimBA against the published algorithm, step by step in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine
from scipy.fft import idctn

import fooljax as fj
from fooljax.attacks import leave, run, simba
from fooljax.attacks.attack import fold_in, sample_keys
from fooljax.attacks.simba import direction

COUNT = 3
THREE = make_affine(3, columns=3)
STEP = 0.1


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(8), (COUNT, *SHAPE), minval=0.3, maxval=0.7)


def directions(basis, shape):
    size = int(np.prod(shape))
    every = jax.vmap(lambda number: direction(basis, number, shape))(jnp.arange(size))
    return np.asarray(every).reshape(size, size)


def test_single_numbers():
    np.testing.assert_array_equal(directions("pixel", (2, 3, 2)), np.eye(12))


@pytest.mark.parametrize("shape", [(3, 4, 2), (5, 1), (2, 3, 2, 1), (6,)])
def test_cosine_waves_are_those_of_scipy(shape):
    channels = shape[-1] if len(shape) > 1 else 1
    axes = shape[:-1] if len(shape) > 1 else shape
    unit = np.eye(int(np.prod(shape))).reshape(-1, *axes, channels)
    waves = idctn(unit, axes=tuple(range(1, len(axes) + 1)), norm="ortho")
    np.testing.assert_allclose(directions("dct", shape), waves.reshape(len(unit), -1), atol=1e-6)


def test_low_frequencies_have_their_turn_first(images, key):
    attack = simba(basis="dct", low=0.5)
    budget = jax.tree.map(lambda number: jnp.full(COUNT, number), attack.budget)
    order = np.asarray(attack.init(sample_keys(key, COUNT), budget, images).memory.order)
    np.testing.assert_array_equal(np.sort(order, axis=1), np.tile(np.arange(36), (COUNT, 1)))
    highest = np.max(np.unravel_index(order, SHAPE)[:2], axis=0)
    assert np.all(highest[:, :9] < 3) and np.all(np.diff(highest[:, 9:], axis=1) >= 0)
    assert not np.array_equal(order[0], order[1])  # at random within a band


def published(image, label, order, waves, steps, weights, bias):
    """Algorithm 1 of the paper, with the lead of the best wrong class in place of -p."""

    def lead(image):
        logits = np.float64(image).ravel() @ np.float64(weights) + np.float64(bias)
        return np.delete(logits, label).max() - logits[label]

    here, best, queries = np.float64(image), lead(image), 1
    while best <= 0.0:
        for number in order:
            for way in (STEP, -STEP):
                tried = np.clip(here + way * waves[number].reshape(here.shape), 0.0, 1.0)
                if queries == steps + 1:
                    return here, queries
                queries += 1
                if lead(tried) > best:
                    here, best = tried, lead(tried)
                    break
            if best > 0.0:
                break
    return here, queries


@pytest.mark.parametrize("basis", ["pixel", pytest.param("dct", marks=pytest.mark.slow)])
def test_the_same_path_as_published(basis, images, key):
    steps = 60
    attack = simba(step_size=STEP, steps=steps, basis=basis)
    labels = np.asarray(jnp.argmax(THREE(images), axis=1))
    result = run(attack, key, THREE, images, leave(labels))
    budget = jax.tree.map(lambda number: jnp.full(COUNT, number), attack.budget)
    keys = fold_in(fold_in(sample_keys(key, COUNT), 0), 0)  # of the start
    orders = np.asarray(attack.init(keys, budget, images).memory.order)
    waves = directions(basis, SHAPE)
    for i, label in enumerate(labels):
        given = (np.asarray(images[i]), label, orders[i], waves, steps, *THREE.params)
        expected, queries = published(*given)
        np.testing.assert_allclose(result.images[i], expected, atol=1e-5)
        assert result.forwards[i] == queries + 1  # the score
    assert jnp.any(result.success)


def test_it_asks_a_network_that_only_answers(images, key):
    weights, bias = (np.asarray(part) for part in THREE.params)
    answers = fj.models.from_function(
        lambda given: given.reshape(len(given), -1) @ weights + bias, SHAPE, 3
    )
    goal = leave(jnp.argmax(THREE(images), axis=1))
    attack = simba(2.0, STEP, 60)
    mine, same = (run(attack, key, network, images, goal) for network in (answers, THREE))
    np.testing.assert_allclose(mine.images, same.images, atol=1e-6)
    assert jnp.any(mine.success) and not jnp.any(mine.gradients)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": -1.0}, "epsilon"),
        ({"step_size": 0.0}, "step_size"),
        ({"steps": 0}, "steps"),
        ({"low": 0.0}, "low"),
        ({"basis": "haar"}, "basis must be pixel or dct, got 'haar'"),
        ({"loss": "margin"}, "loss"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        simba(**arguments)
