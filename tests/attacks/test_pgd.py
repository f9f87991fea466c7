"""PGD and FGSM where the best image in the ball is known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine, spread

import fooljax as fj
from fooljax.attacks import fgsm, leave, pgd, reach
from fooljax.attacks.pgd import project
from fooljax.types import Classifier

TWO = make_affine(3, columns=2)
COUNT = 5
GOALS = {"leave": leave(jnp.zeros(COUNT, int)), "reach": reach(jnp.ones(COUNT, int))}


def draw(low, high):
    return jax.random.uniform(jax.random.key(4), (COUNT, *SHAPE), minval=low, maxval=high)


def uphill():
    """Toward class 1: the gradient of its lead, as an image."""
    weights, _ = TWO.params
    return np.asarray(weights[:, 1] - weights[:, 0]).reshape(SHAPE)


@pytest.mark.parametrize(
    ("attack", "goal"),
    {
        "fgsm": (fgsm(0.1), "leave"),
        "pgd": (pgd(0.1), "leave"),
        "random": (pgd(0.1, random_start=True), "leave"),
        "momentum": (pgd(0.1, momentum=0.9), "leave"),
        "margin": (pgd(0.1, loss=fj.attacks.margin), "reach"),
    }.values(),
    ids=["fgsm", "pgd", "random", "momentum", "margin"],
)
@pytest.mark.parametrize("low", [0.2, 0.0], ids=["inside", "at the edge"])
def test_linf_on_a_linear_network_is_the_optimum(attack, goal, low, key):
    """Every pixel moves by epsilon uphill, or as far as [0, 1] goes."""
    images = draw(low, 1.0 - low)
    result = fj.attacks.run(attack, key, TWO, images, GOALS[goal])
    best = np.clip(np.asarray(images) + 0.1 * np.sign(uphill()), 0.0, 1.0)
    np.testing.assert_allclose(result.images, best, atol=1e-6)


@pytest.mark.parametrize("random_start", [False, True])
def test_l2_on_a_linear_network_is_the_optimum(random_start, key):
    images = draw(0.4, 0.6)
    attack = pgd(0.5, 0.2, 30, norm="l2", random_start=random_start)
    result = fj.attacks.run(attack, key, TWO, images, GOALS["leave"])
    best = np.asarray(images) + 0.5 * uphill() / np.linalg.norm(uphill())
    np.testing.assert_allclose(result.images, best, atol=2e-3 if random_start else 2e-6)
    np.testing.assert_allclose(result.l2, 0.5, rtol=1e-5)


def test_l2_at_the_edge_comes_close_to_the_optimum(key):
    """The optimum is ``clip(scale * gradient)`` with the scale that fills the ball."""
    images = draw(0.0, 1.0)
    result = fj.attacks.run(pgd(2.0, 0.05, 200, norm="l2"), key, TWO, images, GOALS["leave"])
    bias = np.diff(np.float64(TWO.params[1]))[0]
    for image, found in zip(np.float64(images), np.asarray(result.margin), strict=True):
        low, high = 0.0, 100.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            change = np.clip(image + middle * uphill(), 0.0, 1.0) - image
            low, high = (middle, high) if np.linalg.norm(change) < 2.0 else (low, middle)
        before, best = (np.sum(one * uphill()) + bias for one in (image, image + change))
        assert before + 0.98 * (best - before) <= found <= best + 1e-4


def test_steps_have_the_length_given(key):
    images = draw(0.4, 0.6)
    for norm, length in (("linf", lambda r: r.linf), ("l2", lambda r: r.l2)):
        result = fj.attacks.run(pgd(1.0, 0.03, 2, norm=norm), key, TWO, images, GOALS["leave"])
        np.testing.assert_allclose(length(result), 0.06, rtol=1e-4)


def best_in_l1(image, epsilon):
    """The budget goes to the largest slopes, each as far as its bound, until it is spent."""
    best, left = np.float64(image).copy(), epsilon
    way = uphill()
    for at in sorted(np.ndindex(SHAPE), key=lambda at: -abs(way[at])):
        room = 1.0 - best[at] if way[at] > 0.0 else best[at]
        best[at] += np.sign(way[at]) * min(room, left)
        left -= min(room, left)
    return best


@pytest.mark.parametrize("low", [0.0, 0.3], ids=["at the edge", "inside"])
def test_l1_on_a_linear_network_is_the_optimum(low, key):
    images, epsilon = draw(low, 1.0 - low), 2.5
    attack = pgd(epsilon, 0.02, 250, norm="l1", loss=fj.attacks.margin)
    result = fj.attacks.run(attack, key, TWO, images, GOALS["leave"])
    best = np.stack([best_in_l1(image, epsilon) for image in np.asarray(images)])
    lead = lambda x: ((x - np.float64(images)) * uphill()).sum(axis=(1, 2, 3))
    assert np.all(lead(np.float64(result.images)) <= lead(best) * (1.0 + 1e-6))
    assert np.all(lead(np.float64(result.images)) >= 0.995 * lead(best))
    assert np.all(result.l1 <= np.float32(epsilon))
    assert np.all(result.l1 >= 0.999 * epsilon)


def test_l1_steps_move_as_many_numbers_as_asked(key):
    images = draw(0.4, 0.6)
    for sparsity, count in ((0.99, 1), (0.75, 9), (0.0, 36)):
        attack = pgd(9.0, 0.09, 1, norm="l1", sparsity=sparsity)
        result = fj.attacks.run(attack, key, TWO, images, GOALS["leave"])
        np.testing.assert_allclose(result.l0, count / 36)
        np.testing.assert_allclose(result.l1, 0.09, rtol=1e-4)
        np.testing.assert_allclose(result.linf, 0.09 / count, rtol=1e-4)


def test_l1_of_the_result_is_never_above_epsilon(key):
    """Many numbers, each rounded on its own: exact sums in double precision."""
    images = jax.random.uniform(key, (20, 40, 40, 3))
    change = jax.random.normal(jax.random.key(1), images.shape)
    epsilon = jnp.linspace(0.0, 300.0, 20)
    moved = jax.jit(project, static_argnums=3)(images, change, epsilon, "l1")
    length = abs(np.float64(moved) - np.float64(images)).sum(axis=(1, 2, 3))
    assert np.all(length <= np.float64(epsilon))
    assert np.all(length >= 0.9999 * np.float64(epsilon))
    assert np.all((moved >= 0.0) & (moved <= 1.0))


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_random_starts_fill_the_ball(norm, key):
    """Uniform: a quarter of them within half the radius, and every sample elsewhere."""
    attack = spread(pgd(0.4, norm=norm, random_start=True), 2000)
    images = jnp.full((2000, 1, 2, 1), 0.5)
    point = jax.jit(attack.init)(jax.random.split(key, 2000), attack.budget, images)
    change = np.asarray(point.images).reshape(2000, 2) - np.float32(0.5)
    far = np.linalg.norm(change, {"linf": np.inf, "l2": 2, "l1": 1}[norm], axis=1)
    assert far.max() <= 0.4 + 1e-6
    assert abs((far < 0.2).mean() - 0.25) < 0.04
    assert np.all(abs(change.mean(axis=0)) < 0.02)
    assert len(np.unique(change[:, 0])) > 1900


def test_the_last_image_is_not_the_best(key):
    """A margin that peaks: large steps pass the peak, and come back, and pass it."""
    network = Classifier(
        None,
        lambda _, x: jnp.stack(
            [2 * jnp.abs(jnp.mean(x, (1, 2, 3)) - 0.5), jnp.full(len(x), 0.1)], 1
        ),
        SHAPE,
        2,
    )
    images = jnp.full((COUNT, *SHAPE), 0.2)
    result = fj.attacks.run(pgd(0.8, 0.27, 4), key, network, images, GOALS["leave"])
    # 0.2 -> 0.47 -> 0.74 -> 0.47 -> 0.74: the last is a failure
    np.testing.assert_allclose(result.images, 0.47, atol=1e-6)
    assert np.all(result.success)


def test_vanishing_gradients_still_give_steps(key):
    """Certain networks: the gradient of the loss is 1e-30, its direction is not."""
    weights, _ = TWO.params
    certain = dataclasses.replace(TWO, params=(weights * 1e-25, jnp.array([12.0, 0.0])))
    images = draw(0.4, 0.6)
    for attack in (fgsm(0.1), pgd(0.1, 0.1, 1, norm="l2")):
        each = spread(attack, COUNT)
        start = each.init(None, each.budget, images)
        point, _, _ = jax.jit(attack.step)(
            None, each.budget, certain, images, GOALS["leave"], start
        )
        change = np.asarray(point.images - images).reshape(COUNT, -1)
        size = np.linalg.norm(change, axis=1) if attack != fgsm(0.1) else abs(change).max(axis=1)
        np.testing.assert_allclose(size, 0.1, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": -0.1}, "epsilon"),
        ({"epsilon": float("nan")}, "epsilon"),
        ({"epsilon": 0.1, "steps": 0}, "steps"),
        ({"epsilon": 0.1, "step_size": -1.0}, "step_size"),
        ({"epsilon": 0.1, "momentum": 1.0}, "momentum"),
        ({"epsilon": 0.1, "norm": "l0"}, "norm"),
        ({"epsilon": 0.1, "norm": "l1", "sparsity": 1.0}, "sparsity"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        pgd(**arguments)
