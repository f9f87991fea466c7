"""Goals against numpy, their thresholds, and the gradients of the loss."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from fooljax.attacks import confident, leave, reach

CLASSES = 4
answer, cross_entropy, leads, margin = (  # one program for each shape, not one for each operation
    jax.jit(function, static_argnums=2)
    for function in (
        fj.attacks.answer,
        fj.attacks.cross_entropy,
        fj.attacks.leads,
        fj.attacks.margin,
    )
)
LABELS = np.arange(60) % CLASSES


@jax.jit
def slope(goal, table):
    return jax.grad(lambda t: jnp.sum(fj.attacks.cross_entropy(goal, t, CLASSES)))(table)


def logits(columns, scale=5.0):
    return np.random.default_rng(0).normal(0.0, scale, (60, columns)).astype(np.float32)


def obvious(labels, table, targeted):
    """Margin and answer, one image and one column after another."""
    margins, answers = [], []
    for label, row in zip(labels, table, strict=True):
        wanted = [c for c in range(CLASSES) if (c == label) == targeted]
        rest = [row[c] for c in range(len(row)) if c not in wanted]
        best = max(wanted, key=lambda c: row[c])
        margins.append(row[best] - max(rest))
        answers.append(best)
    return np.array(margins), np.array(answers)


@pytest.mark.parametrize("columns", [CLASSES, CLASSES + 1, CLASSES + 3])
@pytest.mark.parametrize("goal", [reach, leave])
def test_margin_and_answer(goal, columns):
    table = logits(columns)
    margins, answers = obvious(LABELS, table, goal is reach)
    np.testing.assert_array_equal(margin(goal(LABELS), table, CLASSES), margins)
    np.testing.assert_array_equal(answer(goal(LABELS), table, CLASSES), answers)


def test_a_rejected_image_has_left_nothing():
    table = jnp.array([[1.0, 2.0, 5.0], [1.0, 2.0, 0.0], [3.0, 2.0, 0.0]])
    found = margin(leave(jnp.zeros(3, int)), table, 2)
    np.testing.assert_array_equal(found, [-3.0, 1.0, -1.0])


def test_a_rejection_can_be_left_and_reached():
    table = jnp.array([[1.0, 2.0, 5.0], [1.0, 6.0, 5.0]])
    column = jnp.full(2, 2)
    np.testing.assert_array_equal(margin(leave(column), table, 2), [-3.0, 1.0])
    np.testing.assert_array_equal(margin(reach(column), table, 2), [3.0, -1.0])


def test_leads_of_every_column():
    table = jnp.array([[1.0, 2.0, 0.5, 1.5]])  # the last one rejects
    found = leads(leave(jnp.array([0])), table, 3)
    np.testing.assert_array_equal(found, [[-jnp.inf, 0.5, -1.0, -jnp.inf]])


@pytest.mark.parametrize("tau", [0.3, 0.5, 0.99, 1.0 - 1e-7, 1.0 - 1e-12])
def test_confidence_is_asked_for_beyond_float32(tau):
    """Two classes, so that the log-odds are the lead."""
    least = np.log(tau) - np.log1p(-tau)
    lead = least + np.array([-1e-3, 1e-3])
    table = jnp.stack([jnp.zeros(2), lead], axis=1)
    goal = confident(reach(jnp.ones(2, int)), tau)
    found = margin(goal, table, 2)
    np.testing.assert_array_equal(found > 0.0, (lead > least) & (lead > 0.0))
    np.testing.assert_allclose(found, np.minimum(lead, lead - least), atol=1e-5)


def test_the_sterner_demand_holds():
    goal = confident(confident(reach(jnp.zeros(2, int)), 0.99), 0.5)
    np.testing.assert_allclose(goal.least_log_odds, np.log(99.0), rtol=1e-6)


@pytest.mark.parametrize("tau", [0.0, 1.0, -1.0, float("nan")])
def test_impossible_confidence(tau):
    with pytest.raises(ValueError, match="tau must be"):
        confident(reach(jnp.zeros(2, int)), tau)


def test_nan_reaches_nothing():
    table = jnp.array([[jnp.nan, 1.0, 2.0], [0.0, 1.0, jnp.nan], [0.0, 1.0, 2.0]])
    for goal in (leave(jnp.zeros(3, int)), confident(leave(jnp.zeros(3, int)), 0.1)):
        np.testing.assert_array_equal(margin(goal, table, 3) > 0.0, [False, False, True])


def test_cross_entropy_is_that_of_the_label():
    table = logits(CLASSES)
    log_p = table - np.logaddexp.reduce(np.float64(table), axis=1, keepdims=True)
    log_p = np.take_along_axis(log_p, LABELS[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(cross_entropy(reach(LABELS), table, CLASSES), log_p, rtol=2e-6)
    np.testing.assert_allclose(cross_entropy(leave(LABELS), table, CLASSES), -log_p, rtol=2e-6)


@pytest.mark.parametrize("scale", [1.0, 5.0, 40.0])
@pytest.mark.parametrize("columns", [CLASSES, CLASSES + 2])
@pytest.mark.parametrize("kind", [reach, leave])
def test_gradients_of_the_cross_entropy(kind, columns, scale):
    """Softmax over all columns against softmax over those that do not satisfy the goal."""
    table = logits(columns, scale)
    gradient = slope(kind(LABELS), table)
    column = np.arange(columns)[None]
    is_label = column == LABELS[:, None]
    wanted = is_label if kind is reach else ~is_label & (column < CLASSES)
    exact = np.float64(table)
    share = lambda where: (
        np.exp(exact - np.logaddexp.reduce(np.where(where, exact, -np.inf), axis=1)[:, None])
        * np.where(where, 1.0, 0.0)
    )
    odds = np.logaddexp.reduce(np.where(wanted, exact, -np.inf), axis=1) - np.logaddexp.reduce(
        np.where(wanted, -np.inf, exact), axis=1
    )
    odds = odds[:, None]
    weight = 1.0 / (1.0 + np.exp(odds if kind is reach else -odds))
    expected = weight * (share(wanted) - share(~wanted))
    np.testing.assert_allclose(gradient, expected, rtol=2e-4, atol=1e-35)


def test_goals_are_data():
    """Other labels and another confidence are not another program."""
    count = [0]

    @jax.jit
    def look(goal, table):
        count[0] += 1
        return margin(goal, table, CLASSES)

    table = logits(CLASSES)
    look(reach(LABELS), table)
    look(confident(reach(LABELS[::-1]), 0.9), table)
    assert count == [1]
    assert dataclasses.asdict(fj.attacks.leave(LABELS))["targeted"] is False
