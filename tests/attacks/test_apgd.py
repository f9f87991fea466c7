"""APGD against a slow transcription of its algorithm, and where the best image is known."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import CLASSES, COUNT, LABELS, LEAVE, SHAPE, make_affine, spread

import fooljax as fj
from fooljax.attacks import apgd, dlr, leave, pgd, reach

STEPS = 50


def test_looks_back_when_the_paper_does():
    """Checkpoints ``ceil(p_j * steps)``, ``p_j`` as in section 4 of the paper."""
    for steps in (100, 50, 37):
        schedule = apgd(0.1, steps).budget
        p = [0.0, 0.22]
        while p[-1] < 1.0:
            p.append(p[-1] + max(p[-1] - p[-2] - 0.03, 0.06))
        expected = [math.ceil(round(x * steps, 9)) for x in p[1:]]
        found, gap, at = [], schedule.first_gap, schedule.first_gap
        while at < p[-1] * steps + 1e-6:
            found.append(math.ceil(at - 1e-3))
            gap = max(gap - schedule.sooner, schedule.least_gap)
            at += gap
        assert found == expected


def project(x, center, epsilon, norm):
    change = x - center
    if norm == "linf":
        change = np.clip(change, -epsilon, epsilon)
    else:
        change = change * min(1.0, epsilon / max(np.linalg.norm(change), 1e-30))
    return np.clip(center + change, 0.0, 1.0)


def transcribed(image, look_at, epsilon, norm, steps):
    """Algorithm 1 for one image; ``look_at(x)`` returns loss and gradient. Yields points."""
    p = [0.0, 0.22]
    while p[-1] < 1.0:
        p.append(p[-1] + max(p[-1] - p[-2] - 0.03, 0.06))
    checkpoints = [math.ceil(round(x * steps, 9)) for x in p]
    unit = np.sign if norm == "linf" else lambda g: g / np.linalg.norm(g)
    eta = 2.0 * epsilon
    etas, tops = {}, {}  # at the checkpoints
    x = before = image
    losses, top = [], None
    for k in range(steps + 1):
        loss, slope = look_at(x)
        losses.append(loss)
        if top is None or loss > top[1]:
            top = (x, loss, slope)
        if k in checkpoints:
            etas[k], tops[k] = eta, top[1]
            if k > 0:
                last = checkpoints[checkpoints.index(k) - 1]
                rises = sum(losses[i + 1] > losses[i] for i in range(last, k))
                stands = etas[last] == etas[k] and tops[last] == tops[k]
                if rises < 0.75 * (k - last) or stands:
                    eta, x, slope = eta / 2.0, top[0], top[2]
        yield x, eta
        z = project(x + eta * unit(slope), image, epsilon, norm)
        share = 1.0 if k == 0 else 0.75
        onward = x + share * (z - x) + (1 - share) * (x - before)
        x, before = project(onward, image, epsilon, norm), x


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_follows_the_algorithm_step_by_step(norm, classifier, images):
    epsilon = {"linf": 0.2, "l2": 1.0}[norm]
    attack = spread(apgd(epsilon, STEPS, norm=norm, random_start=False))

    def loss_of(x, goal, factor):
        logits = factor * classifier(x)
        column = jnp.arange(logits.shape[1])[None]
        others = (column < CLASSES) & (column != goal.labels[:, None])
        inside = jax.nn.logsumexp(logits, axis=1, where=others)
        outside = jax.nn.logsumexp(logits, axis=1, where=~others)
        return jnp.sum(inside - outside)

    value_and_grad = jax.jit(jax.value_and_grad(loss_of))
    walkers = []
    for i in range(COUNT):
        goal = leave(LABELS[i : i + 1])

        # log-odds, of logits that spread by 15 at the start
        factor = 15.0 / np.ptp(np.asarray(classifier(images[i : i + 1]))[0, :CLASSES])

        def look_at(x, goal=goal, factor=factor):
            loss, slope = value_and_grad(jnp.asarray(x, jnp.float32)[None], goal, factor)
            return float(loss), np.float64(slope[0])

        walkers.append(transcribed(np.float64(images[i]), look_at, epsilon, norm, STEPS))
    step = jax.jit(attack.step)
    point = attack.init(None, attack.budget, images)
    halvings = np.zeros(COUNT)
    for k in range(38):  # later the sign of a gradient that is 0 up to rounding decides
        point, _, _ = step(None, attack.budget, classifier, images, LEAVE, point)
        for i, walker in enumerate(walkers):
            x, eta = next(walker)
            assert point.memory.step_size[i] == pytest.approx(eta), (k, i)
            apart = abs(np.asarray(point.memory.last[i]) - x)
            assert np.median(apart) < 1e-5 and np.mean(apart < 1e-3) > 0.9, (k, i)
            halvings[i] = math.log2(2.0 * epsilon / eta)
    assert halvings.max() >= 2


def test_the_scale_is_that_of_the_start(classifier, images):
    """Losses are compared from step to step, so logits are multiplied by one number."""
    loud = dataclasses.replace(
        classifier, apply=lambda params, x: 1000.0 * classifier.apply(params, x)
    )
    attack = spread(apgd(0.2, STEPS, random_start=False))
    step = jax.jit(attack.step)
    point = attack.init(None, attack.budget, images)
    for _ in range(5):
        point, _, _ = step(None, attack.budget, loud, images, LEAVE, point)
    first = np.asarray(loud(images))[:, :CLASSES]
    np.testing.assert_allclose(point.memory.factor, 15.0 / np.ptp(first, axis=1), rtol=1e-5)
    logits = np.float64(loud(point.memory.last)) * np.float64(point.memory.factor)[:, None]
    for row, label, loss in zip(logits, LABELS, point.memory.loss, strict=True):
        rivals = np.delete(row[:CLASSES], label)
        rest = row[[int(label), CLASSES]]
        expected = np.logaddexp.reduce(rivals) - np.logaddexp.reduce(rest)
        assert float(loss) == pytest.approx(expected, rel=1e-4, abs=1e-4)


# in Linf it also follows its algorithm, and is run toward targets below
@pytest.mark.parametrize(
    ("norm", "epsilon"), [pytest.param("linf", 0.1, marks=pytest.mark.slow), ("l2", 0.5)]
)
def test_on_a_linear_network_is_the_optimum(norm, epsilon, key):
    network = make_affine(3, columns=2)
    images = jax.random.uniform(jax.random.key(4), (COUNT, *SHAPE), minval=0.4, maxval=0.6)
    goal = reach(jnp.ones(COUNT, int))
    result = fj.attacks.run(apgd(epsilon, 30, norm=norm), key, network, images, goal)
    weights = np.asarray(network.params[0])
    way = (weights[:, 1] - weights[:, 0]).reshape(SHAPE)
    way = np.sign(way) if norm == "linf" else way / np.linalg.norm(way)
    np.testing.assert_allclose(result.images, images + epsilon * way[None], atol=2e-3)
    assert np.asarray(getattr(result, norm)).max() <= np.float32(epsilon)


@pytest.mark.slow
def test_is_not_worse_than_pgd(classifier, key):
    """As many steps, and PGD's step size as usually chosen."""
    images = jax.random.uniform(jax.random.key(2), (60, *SHAPE)).at[:, -1, -1, 0].set(0.5)
    goal = reach(jnp.arange(60) % CLASSES)
    ours, theirs = (
        fj.attacks.run(attack, key, classifier, images, goal)
        for attack in (apgd(0.1, STEPS, random_start=False), pgd(0.1, steps=STEPS))
    )
    assert 0.0 < theirs.success.mean() <= ours.success.mean()
    assert ours.margin.mean() > theirs.margin.mean()


def test_a_target_is_climbed_toward(classifier, images, key):
    """Every sample its own class; success is still any wrong one, and -1 is no target."""
    attack = apgd(0.3, 20, random_start=False, loss=dlr)
    target = jnp.array([3.0, 2.0, 1.0, 0.0, -1.0])
    aimed = dataclasses.replace(attack, budget=attack.budget._replace(target=target))
    result = fj.attacks.run(aimed, key, classifier, images, LEAVE)
    plain = fj.attacks.run(attack, key, classifier, images, LEAVE)
    logits = np.asarray(classifier(result.images))
    before = np.asarray(classifier(images))
    for i in range(4):
        label, way = int(LABELS[i]), int(target[i])
        assert logits[i, way] - logits[i, label] > before[i, way] - before[i, label] + 1.0
    np.testing.assert_array_equal(result.images[4], plain.images[4])
    assert np.any(np.asarray(result.images[:4]) != np.asarray(plain.images[:4]))
    np.testing.assert_array_equal(
        result.success, fj.attacks.margin(LEAVE, jnp.asarray(logits), CLASSES) > 0.0
    )


@pytest.mark.parametrize("make", [apgd, lambda epsilon, **more: fj.attacks.fab(5, **more)])
def test_a_class_that_the_network_lacks_is_no_target(make, classifier, images, key):
    """Not that of a column that rejects, either; wherever attack and network meet first."""
    message = rf"target must be in \[0, {CLASSES}\), a class of the network, .* got {CLASSES}\b"
    for meet in (
        lambda attack: fj.attacks.run(attack, key, classifier, images, LEAVE),
        lambda attack: fj.attacks.sweep(lambda _: attack, [0.1], key, classifier, images, LEAVE),
        lambda attack: jax.jit(lambda images: attack(key, classifier, images, LEAVE))(images),
    ):
        with pytest.raises(ValueError, match=message):
            meet(make(0.1, target=CLASSES))
    each = jnp.array([0.0, 1.0, 99.0, -1.0, 2.0])
    attack = make(0.1, target=0)
    with pytest.raises(ValueError, match=r"got 99\b"):
        meet(dataclasses.replace(attack, budget=attack.budget._replace(target=each)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": -0.1}, "epsilon"),
        ({"epsilon": 8}, "8 of 255 levels are 8 / 255"),
        ({"epsilon": 0.1, "steps": 0}, "steps"),
        ({"epsilon": 0.1, "norm": "l1"}, "norm"),
        ({"epsilon": 0.1, "target": -2}, "target"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        apgd(**arguments)
