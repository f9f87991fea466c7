import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats

from fooljax import metrics

random = np.random.default_rng(0)
LOGITS = random.normal(0.0, 2.0, (2000, 5))
SHARES = scipy.special.softmax(LOGITS, axis=1)
TRUTH = np.array([random.choice(5, p=share) for share in SHARES])  # the logits are the truth
SURE, RIGHT = SHARES.max(axis=1), SHARES.argmax(axis=1) == TRUTH


def test_a_calibrated_network_lies_on_the_diagonal():
    """Its calibration error is that of counting: sqrt(2 p (1 - p) / (pi n)) in each bin."""
    found = metrics.reliability(SURE, RIGHT)
    full = found.counts > 0
    spread = np.sqrt(2 * found.confidence * (1 - found.confidence) / (np.pi * found.counts))
    expected = np.sum(found.counts[full] * spread[full]) / 2000
    assert found.error == pytest.approx(expected, rel=0.8) and found.error < 0.03
    inside = (found.low <= found.confidence) & (found.confidence <= found.high)
    assert inside[full].mean() >= 0.85


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_bins_of_equal_width_are_those_of_the_calibration_error(bins):
    found = metrics.reliability(SURE, RIGHT, bins)
    error = metrics.expected_calibration_error(SURE, RIGHT, bins)
    assert found.error == pytest.approx(error) and found.counts.sum() == 2000
    for i in range(bins):
        inside = (i / bins < SURE) & ((i + 1) / bins >= SURE)
        assert found.counts[i] == inside.sum()
        if inside.any():
            assert found.accuracy[i] == pytest.approx(RIGHT[inside].mean())
            assert found.confidence[i] == pytest.approx(SURE[inside].mean())
            limits = scipy.stats.beta.ppf(
                [0.025, 0.975],
                [RIGHT[inside].sum(), RIGHT[inside].sum() + 1],
                [(~RIGHT[inside]).sum() + 1, (~RIGHT[inside]).sum()],
            )
            limits = np.where(np.isnan(limits), [0.0, 1.0], limits)
            assert (found.low[i], found.high[i]) == pytest.approx(tuple(limits))
        else:
            assert np.isnan(found.accuracy[i]) and (found.low[i], found.high[i]) == (0.0, 1.0)


def test_bins_of_equal_mass_hold_as_many_each():
    found = metrics.reliability(SURE, RIGHT, 10, "mass")
    assert set(found.counts) == {200}
    order = np.argsort(SURE).reshape(10, 200)
    np.testing.assert_allclose(found.accuracy, RIGHT[order].mean(axis=1))
    np.testing.assert_allclose(found.confidence, SURE[order].mean(axis=1))
    tied = metrics.reliability([0.3, 0.9, 0.9, 0.9], [0, 1, 0, 1], 4, "mass")
    assert sorted(tied.counts) == [0, 0, 1, 3]  # what is equal is not torn apart


def test_scores_by_hand():
    logits = np.log([[0.7, 0.2, 0.1], [0.25, 0.25, 0.5]]) + np.array([[5.0], [-3.0]])
    by_hand = (0.3**2 + 0.2**2 + 0.1**2 + 0.25**2 + 0.75**2 + 0.5**2) / 2
    assert metrics.brier(logits, [0, 1]) == pytest.approx(by_hand)
    surprise = -(np.log(0.7) + np.log(0.25)) / 2
    assert metrics.negative_log_likelihood(logits, [0, 1]) == pytest.approx(surprise)
    far = np.array([[1000.0, 0.0]])
    assert metrics.negative_log_likelihood(far, [1]) == pytest.approx(1000.0)
    assert metrics.brier(far, [1]) == pytest.approx(2.0)


def test_temperature_undoes_a_factor():
    once = metrics.temperature(LOGITS, TRUTH)
    assert once == pytest.approx(1.0, abs=0.1)
    assert metrics.temperature(3.0 * LOGITS, TRUTH) == pytest.approx(3.0 * once, rel=1e-6)
    assert metrics.temperature(LOGITS + 7.0, TRUTH) == pytest.approx(once, rel=1e-6)
    score = lambda t: metrics.negative_log_likelihood(3.0 * LOGITS / t, TRUTH)
    peer = scipy.optimize.minimize_scalar(score, bounds=(0.5, 10.0), method="bounded").x
    assert metrics.temperature(3.0 * LOGITS, TRUTH) == pytest.approx(peer, rel=1e-4)


def test_temperature_has_ends():
    assert metrics.temperature([[1.0, 0.0], [0.0, 2.0]], [0, 1]) == 0.01  # all are right
    assert metrics.temperature([[1.0, 0.0], [0.0, 2.0]], [1, 0]) == 100.0  # all are wrong


REFUSED = {
    "bins must be at least 1, got 0": lambda: metrics.reliability([0.5], [1], 0),
    "equal must be width or mass, got 'size'": lambda: metrics.reliability(
        [0.5], [1], equal="size"
    ),
    r"confidence must be in \[0, 1\]": lambda: metrics.reliability([1.5], [1]),
    r"level must be in \(0, 1\), got 1": lambda: metrics.reliability([0.5], [1], level=1.0),
    r"logits must be \[n, m\]": lambda: metrics.brier([1.0, 2.0], [0, 1]),
    "logits must be finite": lambda: metrics.temperature([[np.nan, 1.0]], [0]),
    r"labels must be in \[0, 2\), got 2": lambda: metrics.negative_log_likelihood(
        [[0.0, 1.0]], [2]
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_is_refused(message):
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()
