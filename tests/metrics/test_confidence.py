import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import metrics


def exact_log_odds(logits):
    """One class after another in float64."""
    logits = np.asarray(logits, np.float64)
    odds = np.empty_like(logits)
    for c in range(logits.shape[-1]):
        others = np.delete(logits, c, axis=-1)
        top = others.max(axis=-1, keepdims=True)
        odds[..., c] = logits[..., c] - top[..., 0] - np.log(np.exp(others - top).sum(axis=-1))
    return odds


def exact_margins(logits):
    logits = np.asarray(logits, np.float64)
    others = [np.delete(logits, c, axis=-1).max(axis=-1) for c in range(logits.shape[-1])]
    return logits - np.stack(others, axis=-1)


def leads():
    """Class 1 leads by 1, 2, ..., 200 over nine others of which some are tied."""
    rest = np.array([0.0, 0.0, -0.5, -1.0, -30.0, 0.0, -2.0, -3.0, 0.0])
    return np.stack([np.insert(rest, 1, float(lead)) for lead in range(1, 201)])


@jax.jit
def measured(logits):
    return {
        measure.__name__: measure(logits)
        for measure in (
            metrics.log_odds,
            metrics.log_probabilities,
            metrics.margins,
            metrics.probabilities,
        )
    }


LOGITS = {
    "leads 1 to 200": leads(),
    "random": np.random.default_rng(0).normal(0.0, 10.0, (300, 10)),
    "close": np.random.default_rng(1).normal(0.0, 0.01, (100, 1000)),
    "two classes": np.random.default_rng(2).normal(0.0, 30.0, (100, 2)),
    "two leading": np.array([[7.0, 7.0, 1.0], [-3.0, -90.0, -3.0]]),
    "all equal": np.full((2, 5), 3.25),
    "far from zero": np.array([[1000.0, 1001.0, 990.0], [-1000.0, -1016.0, -1001.0]]),
    "more batch axes": np.random.default_rng(3).normal(0.0, 5.0, (2, 3, 4)),
    "one image": np.array([1.0, 5.0, -2.0]),
}


@pytest.fixture(params=LOGITS.values(), ids=LOGITS.keys())
def logits(request):
    return request.param.astype(np.float32)


def test_log_odds(logits):
    found = np.asarray(measured(logits)["log_odds"])
    assert found.shape == logits.shape
    assert found.dtype == np.float32
    # a float32 logit itself is rounded by this much
    np.testing.assert_allclose(
        found, exact_log_odds(logits), rtol=1e-6, atol=4e-7 * max(8.0, abs(logits).max())
    )


def test_log_probabilities(logits):
    odds = exact_log_odds(logits)
    exact = -np.logaddexp(0.0, -odds)
    found = np.asarray(measured(logits)["log_probabilities"], np.float64)
    assert np.all(found <= 0.0)
    normal = odds < 85.0  # from here on the value itself leaves the range of float32
    np.testing.assert_allclose(
        found[normal], exact[normal], rtol=4e-7 * max(20.0, abs(logits).max())
    )
    np.testing.assert_allclose(found[~normal], 0.0, atol=1e-36)


def test_margins(logits):
    np.testing.assert_allclose(
        measured(logits)["margins"], exact_margins(logits), atol=2e-7 * abs(logits).max()
    )


def test_probabilities(logits):
    exact = np.exp(logits - np.logaddexp.reduce(np.float64(logits), axis=-1, keepdims=True))
    np.testing.assert_allclose(measured(logits)["probabilities"], exact, rtol=1e-4, atol=1e-30)


def test_larger_leads_count_where_probabilities_are_one():
    logits = leads().astype(np.float32)
    assert np.all(np.asarray(measured(logits)["probabilities"])[20:, 1] == 1.0)
    assert np.all(np.diff(np.asarray(measured(logits)["log_odds"])[:, 1]) > 0.0)
    assert np.all(np.diff(np.asarray(measured(logits)["margins"])[:, 1]) > 0.0)
    assert np.all(np.diff(np.asarray(measured(logits)["log_probabilities"])[:80, 1]) > 0.0)


def test_only_the_top_class_has_a_positive_margin():
    logits = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    positive = np.asarray(measured(logits)["margins"]) > 0.0
    np.testing.assert_array_equal(positive, np.eye(6, dtype=bool)[logits.argmax(axis=1)])
    tied = np.asarray(measured(jnp.array([2.0, 2.0, 0.0]))["margins"])
    np.testing.assert_array_equal(tied, [0.0, 0.0, -2.0])


def test_nan_stays_visible():
    logits = jnp.array([[1.0, jnp.nan, 0.0]])
    assert all(np.isnan(np.asarray(found)).all() for found in measured(logits).values())


gradients = jax.jit(jax.jacobian(metrics.log_odds))


@pytest.mark.parametrize("lead", [1.0, 20.0, 90.0, 1000.0])
def test_gradients_stay_finite(lead):
    logits = jnp.array([lead, 0.0, -lead])
    slopes = np.asarray(gradients(logits))
    # d/dz_c = [c is top] - softmax over the others
    others = np.exp([0.0, -lead]) / np.exp([0.0, -lead]).sum()
    np.testing.assert_allclose(slopes[0], [1.0, *-others], atol=1e-6)
    assert np.isfinite(slopes).all()
