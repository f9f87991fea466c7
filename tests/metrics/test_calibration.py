import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from fooljax import metrics


def test_calibration_error_by_hand():
    # bins of 1/15: 0.2 closes (2/15, 3/15], 0.21 and 0.25 share the next, 1.0 the last
    confidence = np.array([0.2, 0.21, 0.25, 1.0, 1.0, 0.0])
    right = np.array([True, False, True, True, False, False])
    by_hand = (abs(0.2 - 1) + 2 * abs(0.23 - 0.5) + 2 * abs(1.0 - 0.5) + 0.0) / 6
    assert metrics.expected_calibration_error(confidence, right) == pytest.approx(by_hand)
    all_together = abs(confidence.mean() - right.mean())
    assert metrics.expected_calibration_error(confidence, right, 1) == pytest.approx(all_together)


def test_calibration_error_bin_by_bin():
    numbers = np.random.default_rng(0)
    confidence = numbers.uniform(0.1, 1.0, 500)
    right = numbers.uniform(size=500) < confidence**2
    total = 0.0
    for i in range(15):
        inside = (confidence > i / 15) & (confidence <= (i + 1) / 15)
        if inside.any():
            total += inside.sum() * abs(right[inside].mean() - confidence[inside].mean())
    assert metrics.expected_calibration_error(confidence, right) == pytest.approx(total / 500)
    assert total / 500 > 0.1


def test_on_images_that_show_nothing_it_is_the_mean_confidence():
    confidence = np.random.default_rng(1).uniform(size=100)
    wrong = np.zeros(100, bool)
    found = metrics.expected_calibration_error(confidence, wrong)
    assert found == pytest.approx(metrics.confidence_summary(confidence).mean)


def test_confidence_summary_at_its_limits():
    found = metrics.confidence_summary([0.5, 0.95, 0.99, 0.9999, 1.0])
    assert (found.share_95, found.share_99, found.share_9999) == (0.8, 0.6, 0.4)
    assert found.median == 0.99 and found.mean == pytest.approx(4.4399 / 5)
    assert found.quantile_95 == pytest.approx(0.9999 + 0.8 * 1e-4)
    assert found.quantile_99 == pytest.approx(0.9999 + 0.96 * 1e-4)


def test_coverage_curve_against_every_threshold():
    numbers = np.random.default_rng(2)
    scores, right = numbers.integers(0, 9, 80), numbers.uniform(size=80) < 0.6
    curve = metrics.coverage_curve(scores, right)
    for i, threshold in enumerate(sorted(set(scores.tolist()), reverse=True)):
        kept = scores >= threshold
        assert curve.coverage[i] == pytest.approx(kept.mean())
        assert curve.accuracy[i] == pytest.approx(accuracy_score(right[kept], np.ones(kept.sum())))
    assert len(curve.coverage) == len(set(scores.tolist())) and curve.coverage[-1] == 1.0


WRONG = {
    "no images": ((), (), {}, "at least one"),
    "NaN": ((0.1, np.nan), (True, True), {}, "NaN at 1"),
    "above 1": ((0.1, 1.5), (True, True), {}, r"confidence must be in \[0, 1\]"),
    "shapes": ((0.1, 0.5), (True,), {}, r"right must be \(2,\), got \(1,\)"),
    "bins": ((0.1,), (True,), {"bins": 0}, "bins must be at least 1, got 0"),
}


@pytest.mark.parametrize(("confidence", "right", "more", "message"), WRONG.values(), ids=WRONG)
def test_what_is_refused(confidence, right, more, message):
    with pytest.raises(ValueError, match=message):
        metrics.expected_calibration_error(confidence, right, **more)


def test_the_accuracy_is_read_between_thresholds():
    curve = metrics.coverage_curve([3.0, 2.0, 1.0, 0.0], [True, True, False, False])
    np.testing.assert_allclose(curve.at([0.25, 0.5, 0.75, 1.0]), [1.0, 1.0, 2 / 3, 0.5])
    np.testing.assert_allclose(curve.at(0.875), 0.5 * (2 / 3 + 0.5))
