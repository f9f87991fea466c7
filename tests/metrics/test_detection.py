"""Known against unknown: pair counting, scikit-learn, closed forms and every kind of tie."""

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import average_precision_score, roc_auc_score

from fooljax import metrics

_numbers = np.random.default_rng(0)
SCORES = {
    "continuous": (_numbers.normal(1.0, 1.0, 70), _numbers.normal(0.0, 2.0, 70)),
    "few values": (_numbers.integers(2, 7, 60), _numbers.integers(0, 5, 60)),
    "unequal sizes": (_numbers.integers(2, 7, 90), _numbers.integers(0, 5, 20)),
    "all equal": (np.full(40, 3.0), np.full(40, 3.0)),
    "apart": (np.arange(5.0, 10.0), np.arange(0.0, 5.0)),
    "the wrong way round": (np.arange(0.0, 5.0), np.arange(5.0, 10.0)),
    "differ by a rounding": (np.array([1.0, 1.0 + 1e-15]), np.array([1.0, 1.0 - 1e-15])),
    "one each": (np.array([1.0]), np.array([1.0])),
}


@pytest.fixture(params=SCORES.values(), ids=SCORES.keys())
def scores(request):
    return tuple(np.asarray(one, np.float64) for one in request.param)


def count_pairs(known, outliers):
    wins = [(a > b) + 0.5 * (a == b) for a in known for b in outliers]
    return np.mean(wins)


def test_auroc_counts_pairs(scores):
    known, outliers = scores
    assert metrics.auroc(known, outliers) == pytest.approx(count_pairs(known, outliers))
    assert metrics.auroc(known, outliers) + metrics.auroc(outliers, known) == pytest.approx(1.0)


def test_equal_to_scikit_learn_on_ties():
    for _ in range(20):
        known, outliers = _numbers.integers(0, 6, 50), _numbers.integers(0, 6, 50) - 1
        positive = np.repeat([True, False], 50)
        both = np.concatenate([known, outliers])
        assert metrics.auroc(known, outliers) == pytest.approx(roc_auc_score(positive, both))
        assert metrics.aupr_id_pos(known, outliers) == pytest.approx(
            average_precision_score(positive, both)
        )
        assert metrics.aupr_ood_pos(known, outliers) == pytest.approx(
            average_precision_score(~positive, -both)
        )


def step_by_step_precision(positive, negative):
    """Average precision with one weight for all positive, one for all negative images."""
    found, total = 0.0, 0.0
    for value in np.unique(np.concatenate([positive, negative]))[::-1]:
        hits, misses = np.mean(positive >= value), np.mean(negative >= value)
        total += (hits - found) * hits / (hits + misses)
        found = hits
    return total


def test_average_precision_does_not_depend_on_prevalence(scores):
    known, outliers = scores
    often = np.repeat(outliers, 7)
    for measure, positive, negative in (
        (metrics.aupr_id_pos, known, outliers),
        (metrics.aupr_ood_pos, -outliers, -known),
    ):
        assert measure(known, outliers) == pytest.approx(step_by_step_precision(positive, negative))
        assert measure(known, often) == pytest.approx(measure(known, outliers))


def test_chance_is_one_half_whatever_the_sizes():
    for measure in (metrics.auroc, metrics.aupr_id_pos, metrics.aupr_ood_pos):
        assert measure(np.zeros(10), np.zeros(500)) == pytest.approx(0.5)


def test_the_two_fpr95_of_two_gaussians():
    """Known N(1, 1), outliers N(-1, standard deviation 2): both conventions in closed form."""
    n, z = 200_000, scipy.stats.norm.ppf(0.95)
    quantiles = scipy.stats.norm.ppf((np.arange(n) + 0.5) / n)
    known, outliers = 1.0 + quantiles, -1.0 + 2.0 * quantiles
    id_pos, ood_pos = scipy.stats.norm.sf((1 - z + 1) / 2), scipy.stats.norm.cdf(-1 + 2 * z - 1)
    assert round(id_pos, 3) == 0.430 and round(ood_pos, 3) == 0.901
    assert metrics.fpr95_id_pos(known, outliers) == pytest.approx(id_pos, abs=1e-4)
    assert metrics.fpr95_ood_pos(known, outliers) == pytest.approx(ood_pos, abs=1e-4)
    area = scipy.stats.norm.cdf(2.0 / np.sqrt(5.0))
    assert metrics.auroc(known[::100], outliers[::100]) == pytest.approx(area, abs=1e-3)


def slow_fpr95(positive, negative):
    """Try every threshold: the highest that keeps 95 % of the positive ones."""
    good = [t for t in positive if 100 * np.sum(positive >= t) >= 95 * len(positive)]
    return np.mean(negative >= max(good))


def test_fpr95_by_trying_every_threshold(scores):
    known, outliers = scores
    assert metrics.fpr95_id_pos(known, outliers) == slow_fpr95(known, outliers)
    assert metrics.fpr95_ood_pos(known, outliers) == slow_fpr95(-outliers, -known)


def test_ties_at_the_threshold_are_accepted():
    known = np.concatenate([np.full(10, 1.0), np.full(90, 2.0)])  # 1.0 is needed for 95 %
    assert metrics.fpr95_id_pos(known, np.array([0.0, 1.0, 1.0, 3.0])) == 0.75
    outliers = np.concatenate([np.full(90, 0.0), np.full(10, 1.0)])
    assert metrics.fpr95_ood_pos(np.array([0.5, 1.0, 1.0, 3.0]), outliers) == 0.75


@pytest.mark.parametrize("count", [20, 40, 60, 100, 140, 180, 1000, 7, 1])
@pytest.mark.parametrize("percent", [95, 99, 90, 7])
def test_a_threshold_accepts_as_much_as_asked_and_no_more(count, percent):
    known = np.random.default_rng(count).permutation(count).astype(float)
    threshold = metrics.acceptance_threshold(known, percent / 100)
    accepted = int(np.sum(known >= threshold))
    assert accepted == -(-percent * count // 100)  # in whole numbers: rounded up
    assert metrics.share_accepted(known, threshold) == accepted / count


def test_infinite_scores_have_a_place():
    known, outliers = np.array([np.inf, 1.0, 0.0]), np.array([-np.inf, 0.0, 1.0])
    assert metrics.auroc(known, outliers) == pytest.approx(count_pairs(known, outliers))
    assert metrics.fpr95_id_pos(known, outliers) == pytest.approx(2 / 3)


def test_roc_curve(scores):
    known, outliers = scores
    curve = metrics.roc_curve(known, outliers)
    assert curve.false_positives[0] == curve.true_positives[0] == 0.0
    assert curve.false_positives[-1] == curve.true_positives[-1] == 1.0
    area = np.trapezoid(curve.true_positives, curve.false_positives)
    assert area == pytest.approx(metrics.auroc(known, outliers))


MEASURES = ("auroc", "aupr_id_pos", "aupr_ood_pos", "fpr95_id_pos", "fpr95_ood_pos", "roc_curve")


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "at least one number"),
        ([[1.0]], "row"),
        ([0.0, np.nan], "must not be NaN, got NaN at 1"),
    ],
)
def test_bad_scores_are_named(measure, place, wrong, message):
    arguments = [[1.0, 2.0], [0.0, 1.0]]
    arguments[place] = wrong
    with pytest.raises(ValueError, match=f"{('known', 'outliers')[place]}.*{message}"):
        getattr(metrics, measure)(*arguments)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan"), 95])
def test_impossible_rates(rate):
    with pytest.raises(ValueError, match=r"true_positive_rate must be in \(0, 1\)"):
        metrics.acceptance_threshold([1.0], rate)


def test_the_curve_is_read_where_so_many_outliers_are_accepted(scores):
    """By counting: no threshold accepts more known images at the price of no more outliers."""
    known, outliers = scores
    curve = metrics.roc_curve(known, outliers)
    for threshold in np.unique(np.concatenate(scores)):
        price, gained = np.mean(outliers >= threshold), np.mean(known >= threshold)
        assert curve.at(price) >= gained - 1e-9
    assert curve.at([1.0]) == 1.0
    jump = metrics.Roc(np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(jump.at([0.0, 0.5, 1.0]), [0.5, 0.75, 1.0])
