"""The loop and what surrounds it: the best so far, batches, restarts, checks."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import (
    CASES,
    CLASSES,
    COUNT,
    LABELS,
    LEAVE,
    SHAPE,
    make_params,
    spread,
    two_layers,
)

import fooljax as fj
from fooljax.attacks import Attack, Passes, Point, leave, pgd, run, walking
from fooljax.types import Classifier

RANDOM = pgd(0.1, 0.04, 4, random_start=True)


def stride(keys, budget, classifier, images, goal, point):
    """Walk straight on, by ``budget`` a step."""
    del keys, images, goal
    moved = point.images + budget[:, None, None, None]
    return Point(moved, None), classifier(point.images), Passes(1, 1)


def stay(keys, budget, images):
    del keys, budget
    return Point(images, None)


def peak(most, images):
    """Class 1 leads by at most ``most``, where the mean of the image is 0.6."""
    mean = jnp.mean(images, axis=(1, 2, 3))
    return jnp.stack([jnp.abs(mean - 0.6), jnp.full_like(mean, most)], axis=1)


PEAK = fj.types.Classifier(jnp.float32(0.15), peak, SHAPE, 2)
HIDDEN = dataclasses.replace(PEAK, params=jnp.float32(-0.85))  # the same program
BLACK_AND_GREY = jnp.stack([jnp.full(SHAPE, 0.0), jnp.full(SHAPE, 0.35)])


@pytest.mark.parametrize("better", ["margin", "l2"])
def test_keeps_the_best_and_not_the_last(better, key):
    attack = Attack(0.2, stay, stride, 4, better)
    result = run(attack, key, PEAK, BLACK_AND_GREY, leave(jnp.zeros(2, int)))
    means = np.asarray(result.images).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(means, [0.6, 0.55], atol=1e-6)
    assert np.all(result.success)


@pytest.mark.parametrize(("better", "found"), [("margin", 0.6), ("l2", 0.5), ("linf", 0.5)])
def test_of_two_successes_the_better_is_kept(better, found, key):
    attack = Attack(0.1, stay, stride, 5, better)
    result = run(attack, key, PEAK, jnp.full((2, *SHAPE), 0.4), leave(jnp.zeros(2, int)))
    np.testing.assert_allclose(np.asarray(result.images).mean(axis=(1, 2, 3)), found, atol=1e-6)


def test_of_failures_the_nearest_to_success_is_kept(key):
    for better in ("margin", "l2"):
        attack = Attack(0.2, stay, stride, 4, better)
        result = run(attack, key, HIDDEN, jnp.zeros((2, *SHAPE)), leave(jnp.zeros(2, int)))
        np.testing.assert_allclose(np.asarray(result.images).mean(axis=(1, 2, 3)), 0.6, atol=1e-6)
        assert not np.any(result.success)


@pytest.mark.parametrize("batch_size", [2, COUNT, 100])
def test_batches_change_nothing(batch_size, classifier, images, key):
    """Up to how a matrix product on a CPU sums in another shape."""
    given = (RANDOM, key, classifier, images, LEAVE)
    found, whole = run(*given, batch_size=batch_size), run(*given)
    assert found.images.shape == images.shape
    compare = lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-6)
    jax.tree.map(compare, found, whole)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.attack.stops])
def test_a_batch_that_shrinks_changes_nothing(name, images, key, monkeypatch):
    """Every image but one is at its goal from the beginning."""
    case, network = CASES[name], Classifier(make_params(0, CLASSES), two_layers, SHAPE, CLASSES)
    said = network(images)
    top, last = said.argmax(axis=1), said.argmin(axis=1)
    labels = jnp.where(case.goal.targeted == (jnp.arange(COUNT) != 2), top, last)
    goal = dataclasses.replace(case.goal, labels=labels, least_log_odds=jnp.full(COUNT, -jnp.inf))
    whole = run(case.attack, key, network, images, goal)
    sizes, put = [], walking._put
    monkeypatch.setattr(walking, "_PATIENCE", 1)
    note = lambda tree, rows, part: sizes.append(len(rows)) or put(tree, rows, part)
    monkeypatch.setattr(walking, "_put", note)
    shrunk = run(case.attack, key, network, images, goal)
    assert sizes == [1]
    compare = lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-6)
    jax.tree.map(compare, shrunk, whole)


# unrolled too in test_attack_contract.py
@pytest.mark.parametrize(
    "steps", [pytest.param(3, marks=pytest.mark.slow), 12], ids=["unrolled", "as a loop"]
)
def test_the_same_inside_jit(steps, classifier, images, key):
    attack = dataclasses.replace(RANDOM, steps=steps)
    given = (key, classifier, images, LEAVE)
    compare = lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-6)
    jax.tree.map(compare, jax.jit(attack)(*given), run(attack, *given))


def test_restarts_keep_the_best(classifier, images, key):
    results = [run(RANDOM, key, classifier, images, LEAVE, restarts=r) for r in (1, 2, 5)]
    margins = np.stack([result.margin for result in results])
    assert np.all(np.diff(margins, axis=0) >= -1e-6)
    assert np.any(np.diff(margins, axis=0) > 1e-4)
    np.testing.assert_array_equal(results[2].forwards, 5 * (RANDOM.steps + 1) + 1)
    np.testing.assert_array_equal(results[2].gradients, 5 * RANDOM.steps)


def test_more_steps_from_the_same_start_are_never_worse(classifier, images, key):
    more = dataclasses.replace(RANDOM, steps=8)
    few, many = (run(attack, key, classifier, images, LEAVE) for attack in (RANDOM, more))
    assert jnp.all(many.margin >= few.margin - 1e-6)


def test_a_trace_has_the_margin_of_every_point(key):
    attack = Attack(0.2, stay, stride, 3, "margin")
    twice, goal = jnp.tile(BLACK_AND_GREY, (2, 1, 1, 1)), leave(jnp.zeros(4, int))
    result = run(attack, key, PEAK, twice, goal, restarts=2, batch_size=2, trace=True)
    means = np.array([[0.0, 0.2, 0.4, 0.6], [0.35, 0.55, 0.75, 0.95]])
    wanted = np.tile(0.15 - abs(means - 0.6), (2, 2))
    np.testing.assert_allclose(result.trace, wanted, atol=1e-6)
    goal = leave(jnp.zeros(2, int))
    attack = dataclasses.replace(attack, steps=4, stops=True)
    left = run(attack, key, PEAK, BLACK_AND_GREY, goal, trace=True).trace
    assert left.shape == (2, 5)
    np.testing.assert_array_equal(np.isnan(left[1]), [False, False, True, True, True])


def test_every_sample_has_numbers_of_its_own(classifier, images, key):
    """One run with an epsilon for each image is as many runs."""
    epsilons = jnp.linspace(0.0, 0.2, COUNT)
    budget = RANDOM.budget._replace(epsilon=epsilons)
    mixed = run(dataclasses.replace(RANDOM, budget=budget), key, classifier, images, LEAVE)
    for i, epsilon in enumerate(epsilons):
        budget = RANDOM.budget._replace(epsilon=epsilon)
        one = run(dataclasses.replace(RANDOM, budget=budget), key, classifier, images, LEAVE)
        np.testing.assert_array_equal(one.images[i], mixed.images[i])


def test_numbers_for_other_images_are_refused(classifier, images, key):
    """Not taken for those that happen to be there."""
    few = dataclasses.replace(RANDOM, budget=RANDOM.budget._replace(epsilon=jnp.array([0.1, 0.2])))
    with pytest.raises(ValueError, match=rf"budget must be numbers, or \[{COUNT}\], .* got \(2,"):
        run(few, key, classifier, images, LEAVE)


def test_starts_elsewhere(classifier, images, key):
    """From another image, but in the ball around the one given."""
    attack = pgd(0.3, 0.0, 1)
    image = np.asarray(images)
    result = run(attack, key, classifier, images, LEAVE, start=np.clip(image + 0.9, 0.0, 1.0))
    np.testing.assert_allclose(result.images, np.clip(image + 0.3, 0.0, 1.0), atol=1e-6)
    with pytest.raises(ValueError, match="an entry for each of 5 images"):
        run(attack, key, classifier, images, LEAVE, start=images[:2])


def test_tells_how_far_it_is(classifier, images, key):
    sent = []
    run(RANDOM, key, classifier, images, LEAVE, batch_size=2, restarts=2, on_step=sent.append)
    assert sent == list(range(1, 3 * 2 * RANDOM.steps + 1))


def test_samples_do_not_share_their_random_numbers(classifier, images, key):
    start = spread(pgd(0.1, 0.0, 1, random_start=True, loss=fj.attacks.margin))
    keys = jax.random.split(key, COUNT)
    points = jax.jit(start.init)(keys, start.budget, np.full(images.shape, np.float32(0.5))).images
    assert len(np.unique(np.asarray(points).reshape(COUNT, -1)[:, 0])) == COUNT


WRONG = {
    "too bright": (lambda x: x.at[1, 0, 0, 0].set(1.5), LABELS, r"in \[0, 1\].* to 1.5"),
    "too dark": (lambda x: x - 0.5, LABELS, r"images must be in \[0, 1\]"),
    "nan": (
        lambda x: x.at[1, 0, 0, 0].set(jnp.nan),
        LABELS,
        r"in \[0, 1\], got NaN",
    ),
    "whole numbers": (lambda x: (255 * x).astype(int), LABELS, "floats .* or bytes .* got int32"),
    "one image": (lambda x: x[0], LABELS, r"must be \[n, h, w, c\]"),
    "another size": (lambda x: x[:, :4], LABELS, r"\(6, 6, 1\), got \(5, 4, 6, 1\)"),
    "no images": (lambda x: x[:0], LABELS[:0], r"at least one image, .* \(0, 6, 6, 1\)"),
    "few labels": (lambda x: x, LABELS[:2], "a label for each of 5 images"),
    "one hot": (lambda x: x, jnp.zeros((COUNT, CLASSES)), r"one for each image, got \(5, 4\)"),
    "negative label": (lambda x: x, LABELS.at[0].set(-1), r"labels must be in .* got -1"),
    "large label": (lambda x: x, LABELS.at[0].set(5), r"labels must be in \[0, 5\), got 5"),
}


@pytest.mark.parametrize(("spoil", "labels", "message"), WRONG.values(), ids=WRONG.keys())
def test_says_what_is_wrong(spoil, labels, message, classifier, images, key):
    with pytest.raises(ValueError, match=message):
        run(RANDOM, key, classifier, spoil(images), leave(labels))


def test_impossible_numbers(classifier, images, key):
    for name in ("batch_size", "restarts"):
        with pytest.raises(ValueError, match=name):
            run(RANDOM, key, classifier, images, LEAVE, **{name: 0})


def test_refuses_to_run_inside_jit(classifier, images, key):
    with pytest.raises(ValueError, match="outside jit"):
        jax.jit(lambda x: run(RANDOM, key, classifier, x, LEAVE))(images)


def test_a_column_that_rejects_is_a_label_too(classifier, images, key):
    rejected = jnp.full(COUNT, CLASSES)
    result = run(RANDOM, key, classifier, images, leave(rejected))
    says = jnp.argmax(classifier(result.images), axis=1)
    np.testing.assert_array_equal(result.success, says < CLASSES)


def test_numpy_images_and_labels(classifier, images, key):
    given = np.asarray(images, np.float64)
    found = run(RANDOM, key, classifier, given, leave(np.asarray(LABELS)))
    assert found.images.dtype == jnp.float32


def test_bytes_are_divided_outside_run_too(classifier, images, key):
    """What is attacked are the pictures, not numbers up to 255."""
    pictures = jnp.round(255.0 * images).astype(jnp.uint8)
    found = pgd(0.1, 0.04, 1)(key, classifier, pictures, LEAVE)
    same = pgd(0.1, 0.04, 1)(key, classifier, pictures / jnp.float32(255.0), LEAVE)
    np.testing.assert_array_equal(found.images, same.images)
    assert found.linf.max() <= np.float32(0.1)
