"""The ratio and the log-probability that attacks climb, against their formulas in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import attacks, defenses
from fooljax.attacks import confident, leave, losses, reach
from fooljax.types import Classifier

# one program for each shape, not one for each operation
cross_entropy, dlr, log_chance, margin, selective = (
    jax.jit(loss, static_argnums=2)
    for loss in (
        attacks.cross_entropy,
        attacks.dlr,
        losses.log_chance,
        attacks.margin,
        attacks.selective,
    )
)
dlr_toward = jax.jit(losses.dlr_toward, static_argnums=3)
CLASSES = 5
LOGITS = 3.0 * np.asarray(jax.random.normal(jax.random.key(0), (40, CLASSES + 2)))
LABELS = np.arange(40) % CLASSES
GOALS = {"leave": leave(LABELS), "reach": reach(LABELS)}


def ratio_by_hand(row, label, targeted, classes):
    ordered = sorted(row[:classes], reverse=True)
    real = [row[c] for c in range(classes) if c != label]
    rejected = list(row[classes:])
    if targeted:
        return (row[label] - max(real + rejected)) / (ordered[0] - (ordered[2] + ordered[3]) / 2)
    return (max(real) - max([row[label], *rejected])) / (ordered[0] - ordered[2])


@pytest.mark.parametrize("columns", [CLASSES, CLASSES + 2], ids=["plain", "rejects"])
@pytest.mark.parametrize("name", GOALS)
def test_dlr_is_the_formula(name, columns):
    logits = LOGITS[:, :columns]
    found = dlr(GOALS[name], logits, CLASSES)
    expected = [
        ratio_by_hand(row, label, name == "reach", CLASSES)
        for row, label in zip(np.float64(logits), np.asarray(LABELS), strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_dlr_toward_a_class_asks_to_overtake_the_label_only():
    target = (LABELS + 1) % CLASSES
    found = np.asarray(dlr_toward(np.float32(target), GOALS["leave"], LOGITS, CLASSES))
    for row, label, way, value in zip(np.float64(LOGITS), LABELS, target, found, strict=True):
        ordered = sorted(row[:CLASSES], reverse=True)
        lead = row[way] - max(row[label], row[CLASSES:].max())
        np.testing.assert_allclose(
            value, lead / (ordered[0] - (ordered[2] + ordered[3]) / 2), rtol=1e-5
        )


@pytest.mark.parametrize("classes", [3, 4, 5])
@pytest.mark.parametrize("name", GOALS)
def test_dlr_ignores_scale_and_shift(name, classes):
    goal = {"leave": leave, "reach": reach}[name](LABELS % classes)
    logits = LOGITS[:, : classes + 1]
    ratio = lambda logits: dlr(goal, logits, classes)
    for scale in (1e-6, 1.0, 1e6):
        after = ratio(np.float32(scale) * (logits - np.float32(3.0)))
        np.testing.assert_allclose(after, ratio(logits), rtol=1e-4, atol=1e-5)


def test_two_classes_leave_the_margin():
    pair = LOGITS[:, :2]
    label = LABELS % 2
    lead = 2.0 * pair[np.arange(40), label] - pair.sum(axis=1)
    np.testing.assert_allclose(dlr(leave(label), pair, 2), -lead, rtol=1e-4)
    np.testing.assert_allclose(dlr(reach(label), pair, 2), lead, rtol=1e-4)


def test_a_demand_on_confidence_leaves_the_ratio_alone():
    goal = GOALS["leave"]
    before, after = (dlr(g, LOGITS, CLASSES) for g in (goal, confident(goal, 0.999)))
    np.testing.assert_array_equal(after, before)


HARD = jnp.array(
    [
        [1.0] * 5,  # all equal
        [2.0, 2.0, 2.0, 2.0, 1.0],  # the best tie
        [1e4, 0.0, -1e4, 3.0, 2.0],  # certain
        [0.0, 0.0, 0.0, 0.0, 50.0],  # rejected, or a class, as many as there are
        [-1e6, 1.0, 0.0, 0.5, 0.1],  # the label is far behind
    ]
)


# as 4 classes of 5 columns, so 3 with columns that reject and 5 with a fourth class
@pytest.mark.parametrize("classes", [2, 3, pytest.param(4, marks=pytest.mark.slow), 5])
def test_everything_stays_finite(classes):
    label, target = np.zeros(len(HARD), int), np.ones(len(HARD), np.float32)
    toward = lambda goal, logits, classes: dlr_toward(target, goal, logits, classes)
    pairs = [(loss, goal(label)) for loss in (dlr, log_chance) for goal in (leave, reach)]

    def value_and_slope(logits, loss, goal):
        value, pull = jax.vjp(lambda logits: loss(goal, logits, classes), logits)
        return value, pull(jnp.ones(len(HARD)))[0]

    each = jax.jit(
        lambda z: [value_and_slope(z, *pair) for pair in (*pairs, (toward, pairs[0][1]))]
    )
    for value, slope in each(HARD):
        assert np.all(np.isfinite(value)) and np.all(np.isfinite(slope))


def test_a_label_cannot_be_climbed_toward():
    label = jnp.array([0])
    climb = lambda logits: jnp.sum(dlr_toward(jnp.zeros(1), leave(label), logits, CLASSES))
    value, slope = jax.jit(jax.value_and_grad(climb))(LOGITS[:1])
    assert value == 0.0
    np.testing.assert_array_equal(slope, 0.0)


@pytest.mark.parametrize("name", GOALS)
def test_log_chance_is_the_log_of_what_would_do(name):
    p = np.exp(np.float64(LOGITS))
    p /= p.sum(axis=1, keepdims=True)
    column = np.arange(CLASSES + 2)[None]
    is_label = column == LABELS[:, None]
    wanted = is_label if name == "reach" else ~is_label & (column < CLASSES)
    expected = np.log(np.where(wanted, p, 0.0).sum(axis=1))
    found = log_chance(GOALS[name], LOGITS, CLASSES)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    if name == "reach":
        np.testing.assert_allclose(found, cross_entropy(GOALS[name], LOGITS, CLASSES), rtol=1e-6)


@pytest.mark.parametrize("name", GOALS)
def test_selective_leads_to_the_class_first_and_then_to_acceptance(name):
    goal, found = GOALS[name], np.asarray(selective(GOALS[name], LOGITS, CLASSES))
    margins = np.asarray(margin(goal, LOGITS, CLASSES))
    seen = set()
    for row, label, value, reached in zip(LOGITS, LABELS, found, margins, strict=True):
        others = np.delete(row[:CLASSES], label).max()
        behind = row[label] - others if name == "reach" else others - row[label]
        if behind <= 0.0:
            assert value == pytest.approx(behind)
        else:  # success is above 1, and more margin is better
            assert value > 0.0 and (value > 1.0) == (reached > 0.0)
        seen.add((behind > 0.0, reached > 0.0))
    assert len(seen) == 3
    ahead = found > 0.0
    order = np.argsort(margins[ahead])
    assert np.all(np.diff(found[ahead][order]) >= 0.0)


def test_selective_is_the_margin_where_rejection_is_the_question():
    nobody = np.full(len(LABELS), CLASSES)
    for goal in (reach(nobody), leave(nobody)):
        np.testing.assert_array_equal(
            selective(goal, LOGITS, CLASSES), margin(goal, LOGITS, CLASSES)
        )


def test_selective_crosses_where_a_network_rejects_between_two_classes():
    """Accepted at both ends of a line of two logits; on the way only this loss always rises."""
    classifier = defenses.reject(
        Classifier((), lambda _, images: 8.0 * images.reshape(len(images), -1), (1, 2, 1), 2),
        defenses.maximum_probability(),
        defenses.Threshold(3.0, 4.0),
    )
    along = np.linspace(0.05, 0.95, 19, dtype=np.float32)
    images = np.stack([1.0 - along, along], axis=1).reshape(-1, 1, 2, 1)
    goal = reach(np.ones(19, np.int32))

    @jax.jit
    def values_and_slopes(images):
        logits, pull = jax.vjp(classifier, images)

        def of(loss):
            total, slope = jax.vjp(lambda logits: loss(goal, logits, 2), logits)
            gradient = pull(slope(jnp.ones(19))[0])[0][:, 0, :, 0]
            return total, gradient[:, 1] - gradient[:, 0]

        return of(selective), of(margin)

    (values, rising), (_, sometimes) = values_and_slopes(images)
    assert np.all(np.asarray(rising) > 0.0)
    assert not np.all(np.asarray(sometimes) > 0.0)
    assert np.all(np.diff(values) > 0.0)
