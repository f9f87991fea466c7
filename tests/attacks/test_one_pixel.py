"""The one pixel attack against all places and extreme colors of a tiny picture."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from fooljax.attacks import leave, margin, one_pixel, run
from fooljax.attacks.one_pixel import _vary, paint
from fooljax.types import Classifier

SHAPE, COUNT, CLASSES = (4, 4, 2), 3, 3


def logits_of(weights, images):
    hidden = jnp.tanh(images.reshape(len(images), -1) @ weights[0])
    return hidden @ weights[1]


@pytest.fixture(scope="module")
def network():
    key_first, key_second = jax.random.split(jax.random.key(5))
    first = jax.random.normal(key_first, (32, 8)) / 3.0
    return Classifier((first, jax.random.normal(key_second, (8, CLASSES))), logits_of, SHAPE, 3)


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(8), (COUNT, *SHAPE), minval=0.3, maxval=0.7)


@pytest.fixture(scope="module")
def goal(network, images):
    return leave(jnp.argmax(network(images), axis=1))


def test_nearly_the_best_of_all_places_and_extreme_colors(network, images, goal, key):
    tried = np.repeat(np.asarray(images)[:, None], 64, axis=1)
    colors = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
    for i, (row, column, color) in enumerate(itertools.product(range(4), range(4), colors)):
        tried[:, i, row, column] = color
    said = network(tried.reshape(-1, *SHAPE))
    every = leave(jnp.repeat(goal.labels, 64))
    best = np.asarray(margin(every, said, CLASSES)).reshape(COUNT, 64).max(axis=1)
    before = np.asarray(margin(goal, network(images), CLASSES))
    result = run(one_pixel(steps=25, population=40), key, network, images, goal)
    gained = np.asarray(result.margin) - before
    hopeless = best <= 0.0
    assert np.all(result.success | hopeless) and np.any(hopeless)
    assert np.all(gained[hopeless] >= 0.9 * (best - before)[hopeless])
    changed = np.any(np.asarray(result.images != images), axis=-1).sum(axis=(1, 2))
    np.testing.assert_array_equal(changed, 1)


def test_no_more_pixels_than_told(network, images, goal, key):
    result = run(one_pixel(3, steps=3, population=10), key, network, images, goal)
    changed = np.any(np.asarray(result.images != images), axis=-1).sum(axis=(1, 2))
    assert np.all((changed >= 1) & (changed <= 3))
    assert not np.any(result.gradients)


@pytest.mark.parametrize("shape", [(3, 5, 2), (7, 1), (2, 3, 4, 3), (6,)])
def test_pixels_go_where_their_genes_say(shape):
    axes, channels = (shape[:-1], shape[-1]) if len(shape) > 1 else (shape, 1)
    random = np.random.default_rng(0)
    genome = np.float32(random.uniform(size=(6, len(axes) + channels)))
    genome[4, : len(axes)] = genome[1, : len(axes)]  # the same place: the last one counts
    genome[5, : len(axes)] = 1.0  # not beyond the end
    expected = np.zeros((*axes, channels), np.float32)
    for pixel in genome:
        place = np.minimum((pixel[: len(axes)] * axes).astype(int), np.array(axes) - 1)
        expected[tuple(place)] = pixel[len(axes) :]
    painted = jax.jit(paint)(jnp.zeros(shape), jnp.asarray(genome))
    np.testing.assert_array_equal(painted, expected.reshape(shape))


def test_a_child_has_three_parents(key):
    """Genomes are numbered so that a child tells which; too few to leave [0, 1]."""
    count, weight = 5, 1.0 / 32.0
    numbers = 0.4 + 0.01 * np.array([0.0, 1.0, 3.0, 7.0, 15.0])
    genomes = jnp.asarray(np.float32(numbers))[:, None, None]
    triples = list(itertools.permutations(range(count), 3))
    possible = np.array([numbers[a] + weight * (numbers[b] - numbers[c]) for a, b, c in triples])
    keys = jax.random.split(key, 400)
    children = np.asarray(jax.vmap(_vary, (0, None, None))(keys, genomes, weight)).ravel()
    apart = abs(children[:, None] - possible[None])
    assert np.all(apart.min(axis=1) < 1e-6)
    seen = [triples[i] for i in apart.argmin(axis=1)]
    assert {one for one, *_ in seen} == set(range(count))
    counts = np.bincount([two for _, two, _ in seen], minlength=count)
    assert np.all(abs(counts - 400.0) < 100.0)  # five standard deviations


def test_it_asks_a_network_that_only_answers(network, images, goal, key):
    first, second = (np.asarray(part) for part in network.params)
    answers = fj.models.from_function(
        lambda given: np.tanh(given.reshape(len(given), -1) @ first) @ second, SHAPE, CLASSES
    )
    attack = one_pixel(3, steps=3, population=10)
    mine, same = (run(attack, key, one, images, goal) for one in (answers, network))
    np.testing.assert_array_equal(mine.success, same.success)
    np.testing.assert_allclose(mine.margin, same.margin, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pixels": 0}, "pixels"),
        ({"steps": 0}, "steps"),
        ({"population": 3}, "population must be at least 4, got 3"),
        ({"weight": 0.0}, "weight"),
        ({"loss": None}, "loss"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        one_pixel(**arguments)
