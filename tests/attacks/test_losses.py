"""The ratio and the log-probability that attacks climb, against their formulas in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.attacks import confident, cross_entropy, dlr, leave, reach
from fooljax.attacks.losses import dlr_toward, log_chance

CLASSES = 5
LOGITS = 3.0 * jax.random.normal(jax.random.key(0), (40, CLASSES + 2))
LABELS = jnp.arange(40) % CLASSES
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
    found = dlr_toward(jnp.float32(target), GOALS["leave"], LOGITS, CLASSES)
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
    ratio = jax.jit(lambda logits: dlr(goal, logits, classes))
    for scale in (1e-6, 1.0, 1e6):
        after = ratio(scale * (logits - 3.0))
        np.testing.assert_allclose(after, ratio(logits), rtol=1e-4, atol=1e-5)


def test_two_classes_leave_the_margin():
    pair = LOGITS[:, :2]
    label = LABELS % 2
    own = jnp.take_along_axis(pair, label[:, None], axis=1)[:, 0]
    lead = 2.0 * own - jnp.sum(pair, axis=1)
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


@pytest.mark.parametrize("classes", [2, 3, 4, 5])
def test_everything_stays_finite(classes):
    label, target = jnp.zeros(1, int), jnp.ones(1)
    pairs = [(loss, goal(label)) for loss in (dlr, log_chance) for goal in (leave, reach)]

    def climbed(row):
        logits = row[None]
        values = [loss(goal, logits, classes) for loss, goal in pairs]
        return jnp.concatenate([*values, dlr_toward(target, leave(label), logits, classes)])

    values, slopes = jax.jit(lambda z: (jax.vmap(climbed)(z), jax.vmap(jax.jacrev(climbed))(z)))(
        HARD
    )
    assert np.all(np.isfinite(values)) and np.all(np.isfinite(slopes))


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
    is_label = column == np.asarray(LABELS)[:, None]
    wanted = is_label if name == "reach" else ~is_label & (column < CLASSES)
    expected = np.log(np.where(wanted, p, 0.0).sum(axis=1))
    found = log_chance(GOALS[name], LOGITS, CLASSES)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    if name == "reach":
        np.testing.assert_allclose(found, cross_entropy(GOALS[name], LOGITS, CLASSES), rtol=1e-6)
