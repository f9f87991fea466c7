"""FMN where the nearest image is known in every norm, and the rules by which its ball changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import COUNT, SHAPE, make_affine, spread

import fooljax as fj
from fooljax.attacks import confident, fmn, leave, reach, thresholds

TWO = make_affine(3, columns=2)
IMAGES = jax.random.uniform(jax.random.key(4), (COUNT, *SHAPE))
LABELS = jnp.argmax(TWO(IMAGES), axis=1)
PIXELS = IMAGES[0].size
NORMS = ("l0", "l1", "l2", "linf")
ORDERS = {"l0": 0, "l1": 1, "l2": 2, "linf": np.inf}
# how much farther than the nearest image a hundred steps may end
SLACK = {"l0": 0.1, "l1": 0.03, "l2": 0.01, "linf": 0.01}


def slopes():
    """What a pixel's way upwards is worth, and the lead that is to be made up, of each image."""
    weights, logits = np.float64(TWO.params[0]), np.float64(TWO(IMAGES))
    for label, row in zip(np.asarray(LABELS), logits, strict=True):
        yield weights[:, 1 - label] - weights[:, label], row[label] - row[1 - label]


def shared(ways, room, gain, lead):
    """``min(t * ways, room)`` with the least ``t`` that makes up the lead."""
    low, high = 0.0, 100.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        enough = gain @ np.minimum(middle * ways, room) >= lead
        low, high = (low, middle) if enough else (middle, high)
    return np.minimum(high * ways, room)


def nearest(norm, least):
    """Distance of the nearest image in [0, 1] on which the other class leads by ``least``."""
    found = []
    for image, (slope, lead) in zip(np.float64(IMAGES).reshape(COUNT, -1), slopes(), strict=True):
        lead, gain = lead + least, abs(slope)
        room = np.where(slope > 0.0, 1.0 - image, image)
        if norm == "l0":  # the pixels that gain most, all the way
            found.append(1 + np.sum(np.cumsum(np.sort(gain * room)[::-1]) <= lead))
        elif norm == "l1":  # the steepest pixels, all the way; the last one a part of it
            order = np.argsort(-gain)
            before = np.cumsum((gain * room)[order]) - (gain * room)[order]
            way = np.clip((lead - before) / gain[order], 0.0, room[order])
            found.append(way.sum())
        else:  # in proportion to the slopes, or all alike, and no farther than it goes
            ways = gain if norm == "l2" else np.ones(PIXELS)
            found.append(np.linalg.norm(shared(ways, room, gain, lead), ord=ORDERS[norm]))
    return np.array(found)


def distances(result, norm):
    scale = PIXELS if norm == "l0" else 1
    return np.asarray(getattr(result, norm), np.float64) * scale


@pytest.mark.parametrize("norm", NORMS)
def test_finds_the_nearest_image_of_an_affine_network(norm, key):
    goal = confident(reach(1 - LABELS), 0.99)
    result = fj.attacks.run(fmn(100, norm=norm), key, TWO, IMAGES, goal)
    best = nearest(norm, np.log(99.0))
    assert jnp.all(result.success)
    share = distances(result, norm) / best
    assert np.all(share >= 1.0 - 1e-5)
    assert np.all(share <= 1.0 + SLACK[norm]), share


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_the_first_ball_ends_at_the_boundary(norm, key):
    """An affine network's is as far as the lead over the slope's dual norm says."""
    attack = spread(fmn(10, norm=norm))
    point = attack.init(None, attack.budget, IMAGES)
    point, _, _ = jax.jit(attack.step)(None, attack.budget, TWO, IMAGES, leave(LABELS), point)
    dual = {"l1": np.inf, "l2": 2, "linf": 1}[norm]
    far = [lead / np.linalg.norm(slope, ord=dual) for slope, lead in slopes()]
    np.testing.assert_allclose(point.memory.epsilon, far, rtol=1e-4)
    change = np.float64(point.images - IMAGES).reshape(COUNT, -1)
    assert np.all(np.linalg.norm(change, ord=ORDERS[norm], axis=1) <= np.array(far) * (1 + 1e-4))


@pytest.mark.parametrize("norm", ["l0", "l1"])
def test_the_ball_shrinks_when_the_goal_is_reached_and_grows_when_not(norm, key):
    gamma, least, steps = 0.3, 0.001, 16
    attack = spread(fmn(steps, norm=norm, gamma=gamma))
    step = jax.jit(attack.step)
    point = attack.init(None, attack.budget, IMAGES)
    best, seen = np.full(COUNT, np.inf), set()
    for index in range(steps):
        before = point
        point, logits, _ = step(None, attack.budget, TWO, IMAGES, leave(LABELS), before)
        reached = np.argmax(logits, axis=1) != np.asarray(LABELS)
        change = np.float64(before.images - IMAGES).reshape(COUNT, -1)
        far = np.linalg.norm(change, ord=ORDERS[norm], axis=1)
        best = np.where(reached, np.minimum(best, far), best)
        share = least + (gamma - least) * (1 + np.cos(np.pi * index / steps)) / 2
        old, new = np.float64(before.memory.epsilon), np.float64(point.memory.epsilon)
        if norm == "l0":
            smaller = np.minimum(np.minimum(old - 1, np.floor(old * (1 - share))), best)
            larger = np.maximum(old + 1, np.floor(old * (1 + share)))
        else:
            smaller, larger = np.minimum(old * (1 - share), best), old * (1 + share)
            known = best < np.inf
            reached, smaller, larger, new = (a[known] for a in (reached, smaller, larger, new))
        expected = np.maximum(np.where(reached, smaller, larger), 1.0 if norm == "l0" else 0.0)
        np.testing.assert_allclose(new, expected, rtol=1e-5)
        seen |= set(reached.tolist())
        change = np.float64(point.images - IMAGES).reshape(COUNT, -1)
        far = np.linalg.norm(change, ord=ORDERS[norm], axis=1)
        assert np.all(far <= np.float64(point.memory.epsilon) * (1.0 + 1e-5))
    assert seen == {True, False}


def test_thresholds_are_those_of_sorted_numbers():
    numbers = np.random.default_rng(0)
    sizes = abs(numbers.normal(size=(4, 50))).astype(np.float32)
    sizes[1, 10:] = 0.0
    sizes[2] = np.round(sizes[2], 1)  # equal ones
    counts = np.array([1.0, 20.0, 7.0, 50.0], np.float32)
    ordered = np.sort(sizes, axis=1)[:, ::-1]
    expected = [row[int(count) - 1] for row, count in zip(ordered, counts, strict=True)]
    np.testing.assert_array_equal(thresholds.of_largest(sizes, counts), np.float32(expected))
    np.testing.assert_array_equal(thresholds.of_largest(sizes, counts + 50), 0.0)

    totals = np.array([0.0, 1.0, 5.0, 1000.0], np.float32)
    less = np.float64(thresholds.of_sum(sizes, totals))
    left = np.maximum(np.float64(sizes) - less[:, None], 0.0).sum(axis=1)
    np.testing.assert_allclose(left[1:3], totals[1:3], rtol=1e-5)
    np.testing.assert_allclose(less[[0, 3]], [ordered[0, 0], 0.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"norm": "l3"}, "norm must be l0, l1, l2 or linf, got 'l3'"),
        ({"step_size": 0.0}, "step_size must be positive"),
        ({"gamma": 1.0}, "gamma"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        fmn(**arguments)
