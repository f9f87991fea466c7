"""Square attack: its schedule, its candidates, and networks where the answer is known."""

import bisect
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine, spread

from fooljax.attacks import leave, pgd, run, square
from fooljax.attacks.square import Squares, side
from fooljax.attacks.square_l2 import bump, bumps, tiles
from fooljax.types import Classifier

COUNT = 5


LINEAR = make_affine(3, columns=2)


def stairs(params, images):
    """A linear network, or steps instead of its slopes: one program."""
    weights, steps_only = params
    return LINEAR.apply(weights, jnp.where(steps_only, jnp.round(images * 10.0) / 10.0, images))


TWO, STEPS = (
    Classifier((LINEAR.params, jnp.array(steps_only)), stairs, SHAPE, 2)
    for steps_only in (False, True)
)


@pytest.mark.parametrize("queries", [10_000, 5000, 300])
def test_the_published_schedule(queries):
    """Half the area after 10, 50, 200 ... of 10,000 queries, as in the published table."""
    asked = np.unique(np.r_[np.arange(0, queries, 7), np.arange(min(60, queries)), 201, 299])
    if queries == 10_000:
        asked = np.unique(np.r_[asked, 200, 500, 501, 1000, 1001, 8000, 8001, 9999])
    table = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000]
    halved = [bisect.bisect_left(table, int(i / queries * 10_000)) for i in asked]
    wanted = np.round(np.sqrt(0.8 * 0.5 ** np.array(halved) * 1000 * 1000))
    found = side(Squares(0.1, 0.8, float(queries)), jnp.float32(asked), 1000, 1000)
    np.testing.assert_array_equal(found, wanted)


def test_sides_fit_into_the_image():
    for height, width in ((28, 28), (5, 9), (1, 1)):
        found = side(Squares(0.1, 1.0, 100.0), jnp.arange(100.0), height, width)
        assert found[0] == max(min(height, width) - 1, 1)
        assert found[-1] == 1


def test_candidates_are_stripes_and_then_squares(key):
    """On the corners of the ball; one sign for each channel; never without a change."""
    shape, epsilon, steps = (8, 8, 3), 0.1, 40
    weights = jax.random.normal(key, (192, 2))
    network = Classifier(weights, lambda w, x: x.reshape(len(x), -1) @ w, shape, 2)
    images = jax.random.uniform(jax.random.key(1), (COUNT, *shape), minval=0.3, maxval=0.7)
    attack = spread(square(epsilon, steps))
    step = jax.jit(attack.step)
    point = attack.init(None, attack.budget, images)
    np.testing.assert_array_equal(point.images, images)
    goal, margins, moved = leave(jnp.zeros(COUNT, int)), [], 0
    for i in range(steps):
        keys = jax.random.split(jax.random.fold_in(key, i), COUNT)
        point, _, _ = step(keys, attack.budget, network, images, goal, point)
        change = np.asarray(point.images - images)
        np.testing.assert_allclose(abs(change), epsilon, atol=1e-6)
        if i == 0:
            assert np.all((change > 0) == (change[:, :1] > 0))
            assert 0.3 < np.mean(change > 0) < 0.7
            continue
        margins.append(point.memory.margin)
        size = int(side(square(epsilon, steps).budget, jnp.float32(i - 1), 8, 8))
        for one, before, candidate in zip(
            change, point.memory.images, np.asarray(point.images), strict=True
        ):
            changed = candidate != np.asarray(before)
            rows, columns, channels = np.nonzero(changed)
            assert len(rows) > 0 and np.ptp(rows) < size and np.ptp(columns) < size
            signs = {(c, s) for c, s in zip(channels, one[changed] > 0, strict=True)}
            assert len(signs) == len(set(channels))
            moved += 1
    margins = np.array(margins)
    assert np.all(np.diff(margins[1:], axis=0) >= 0.0) and moved == COUNT * (steps - 1)


def lead(images):
    """How far class 1 is behind, and how much of that a step of 1 in Linf gains."""
    logits = np.float64(LINEAR(images))
    weights = np.float64(LINEAR.params[0])
    return logits[:, 0] - logits[:, 1], np.abs(weights[:, 1] - weights[:, 0]).sum()


@pytest.mark.parametrize(("share", "breaks"), [(1.4, True), (0.98, False)])
def test_a_linear_network_falls_exactly_beyond_its_margin(share, breaks, key):
    images = jax.random.uniform(key, (COUNT, *SHAPE), minval=0.4, maxval=0.6)
    behind, gain = lead(images)
    low = jnp.asarray(np.where(behind > 0, 0.0, 1.0))  # label: what it says now
    attack = square(0.1, 300)
    budget = attack.budget._replace(epsilon=jnp.float32(share * abs(behind) / gain))
    result = run(
        dataclasses.replace(attack, budget=budget), key, TWO, images, leave(low.astype(int))
    )
    np.testing.assert_array_equal(result.success, breaks)


def test_a_network_without_gradients_falls_all_the_same(key):
    """Steps instead of slopes: PGD stands still, squares do not."""
    images = jax.random.uniform(key, (COUNT, *SHAPE), minval=0.4, maxval=0.6)
    label = jnp.argmax(STEPS(images), axis=1)
    held = run(pgd(0.3, 0.1, 5), key, STEPS, images, leave(label))
    np.testing.assert_array_equal(held.images, images)
    assert not jnp.any(held.success)
    assert jnp.all(run(square(0.3, 300), key, STEPS, images, leave(label)).success)


def test_what_is_reached_costs_nothing_more(key):
    images = jax.random.uniform(key, (COUNT, *SHAPE), minval=0.4, maxval=0.6)
    wrong = 1 - jnp.argmax(TWO(images), axis=1)
    result = run(square(0.1, 300), key, TWO, images, leave(wrong))
    np.testing.assert_array_equal(result.images, images)
    np.testing.assert_array_equal(result.forwards, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": -0.1}, "epsilon"),
        ({"epsilon": float("nan")}, "epsilon"),
        ({"epsilon": 0.1, "steps": 0}, "steps"),
        ({"epsilon": 0.1, "share": 0.0}, "share"),
        ({"epsilon": 0.1, "share": 1.1}, "share"),
        ({"epsilon": 0.1, "norm": "l1"}, "norm"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        square(**arguments)


def two_hills(size):
    """Rectangle upon rectangle, as the paper adds them up."""
    halves = []
    for rows, sign in ((size // 2, 1.0), (size - size // 2, -1.0)):
        hill = np.zeros((rows, size))
        for i in range(max(rows, size) // 2 + 1):
            top, left = max(rows // 2 - i, 0), max(size // 2 - i, 0)
            hill[top : rows // 2 + i + 1, left : size // 2 + i + 1] += 1.0 / (i + 1) ** 2
        halves.append(sign * hill / np.linalg.norm(hill))
    return np.concatenate(halves) / np.sqrt(2.0)


@pytest.mark.parametrize("size", [3, 5, 8, 11])
def test_bumps_are_sums_of_rectangles(size):
    """Anywhere in an image of 12 by 14, and nothing around them."""
    top, left = 1, 12 - size
    index = lambda length, first: jnp.arange(float(length)) - first
    found = jax.jit(bump)(jnp.float32(size), index(12, top)[:, None], index(14, left)[None])
    wanted = np.zeros((12, 14))
    wanted[top : top + size, left : left + size] = two_hills(size)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(
    "shape", [(12, 10, 3), pytest.param((4, 4, 1), marks=pytest.mark.slow)], ids=str
)
def test_bumps_fill_the_ball_and_move_at_most_two_windows(shape, key):
    """Length taken elsewhere goes into one window; what is outside is only stretched."""
    images = jnp.full((COUNT, *shape), 0.5)
    epsilon = jnp.linspace(0.1, 0.5, COUNT)
    keys = jax.random.split(key, (4, COUNT))
    move = jax.jit(bumps)
    length = lambda found: np.linalg.norm(np.asarray(found - images).reshape(COUNT, -1), axis=1)
    before = jax.jit(tiles)(keys[0], images, epsilon)
    np.testing.assert_allclose(length(before), epsilon, rtol=1e-4)
    for step, size in enumerate([3.0, 3.0, 1.0], start=1):
        after = move(keys[step], images, before, epsilon, jnp.full(COUNT, size))
        np.testing.assert_allclose(length(after), epsilon, rtol=1e-4)
        for old, new in zip(np.asarray(before - images), np.asarray(after - images), strict=True):
            same = np.isclose(old, new, rtol=1e-3, atol=1e-6).all(axis=2)
            assert not same.all() and (~same).sum() <= 2 * 9
        before = after


@pytest.mark.parametrize(("share", "breaks"), [(1.5, True), (0.98, False)])
def test_l2_on_a_linear_network(share, breaks, key):
    images = jax.random.uniform(key, (COUNT, *SHAPE), minval=0.4, maxval=0.6)
    weights = np.float64(LINEAR.params[0])
    behind = np.diff(np.float64(LINEAR(images)), axis=1)[:, 0]
    nearest = abs(behind) / np.linalg.norm(weights[:, 1] - weights[:, 0])
    attack = square(0.1, 400, norm="l2")
    budget = attack.budget._replace(epsilon=jnp.float32(share * nearest))
    goal = leave(jnp.argmax(TWO(images), axis=1))
    result = run(dataclasses.replace(attack, budget=budget), key, TWO, images, goal)
    np.testing.assert_array_equal(result.success, breaks)
