"""Transfer matrices and their means against plain loops in numpy."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats

from fooljax import analysis

CLASSES, COLUMNS, TAU = 3, 4, 0.6  # a fourth column rejects
NETWORKS, IMAGES = 4, 200


@pytest.fixture(scope="module")
def logits():
    """Networks that agree more often than by chance; two answers are NaN."""
    random = np.random.default_rng(0)
    common = random.normal(size=(1, IMAGES, COLUMNS))
    logits = 2.0 * (common + random.normal(size=(NETWORKS, IMAGES, COLUMNS)))
    logits[1, 5], logits[2, 6, 0] = np.nan, np.nan
    return logits.astype(np.float32)


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(1).integers(0, CLASSES, IMAGES).astype(np.int32)


def read(one):
    """Answer, or None, and probabilities of one network for one image."""
    if np.isnan(one).any():
        return None, np.zeros(COLUMNS)
    answer = int(np.argmax(one))
    return (answer if answer < CLASSES else None), scipy.special.softmax(one.astype(np.float64))


def compare(verdicts, rows):
    for name, found in verdicts._asdict().items():
        truth = np.array(rows[name]).reshape(NETWORKS, IMAGES)
        if name != "confidence":
            assert 0.01 < truth.mean() < 0.9  # each case occurs
        np.testing.assert_allclose(found, truth, atol=1e-5, err_msg=name)


def test_fooling_images(logits, labels):
    rows = {"same_label": [], "sure_label": [], "any_label": [], "confidence": []}
    for network in range(NETWORKS):
        for image in range(IMAGES):
            answer, share = read(logits[network, image])
            sure = answer is not None and share.max() >= TAU
            rows["same_label"].append(answer == labels[image])
            rows["sure_label"].append(answer == labels[image] and sure)
            rows["any_label"].append(sure)
            rows["confidence"].append(share[labels[image]])
    compare(analysis.judge_fooling(logits, labels, CLASSES, TAU), rows)


@pytest.mark.parametrize("made_for", [0, 2])
def test_perturbed_images(logits, labels, made_for):
    rows = {"same_label": [], "sure_label": [], "any_label": [], "confidence": []}
    for network in range(NETWORKS):
        for image, label in enumerate(labels):
            own, _ = read(logits[made_for, image])
            answer, share = read(logits[network, image])
            wrong = [k for k in range(CLASSES) if k != label]
            with np.errstate(invalid="ignore"):
                scores = [np.nan_to_num(logits[made_for, image, k], nan=np.inf) for k in wrong]
            nearest = wrong[int(np.argmax(scores))]
            same = own is not None and own != label and answer == own
            rows["same_label"].append(same)
            rows["sure_label"].append(same and share[answer] >= TAU)
            rows["any_label"].append(answer is not None and answer != label)
            rows["confidence"].append(share[nearest])
    verdicts = analysis.judge_perturbed(logits, made_for, labels, CLASSES, TAU)
    compare(verdicts, rows)
    mine = np.asarray(verdicts.same_label[made_for])
    np.testing.assert_array_equal(mine, np.asarray(verdicts.any_label[made_for]))


def test_shares_are_means_over_images(logits, labels):
    verdicts = analysis.judge_fooling(logits, labels, CLASSES, TAU)
    for share, leaf in zip(analysis.shares(verdicts), verdicts, strict=True):
        expected = [sum(map(float, row)) / IMAGES for row in np.asarray(leaf)]
        np.testing.assert_allclose(share, expected, rtol=1e-6)


def test_interval_is_that_of_a_t_test():
    values = [0.5, 0.55, 0.48, 0.61]
    interval = analysis.over_repeats(values, 0.9)
    theirs = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(0.9)
    np.testing.assert_allclose(interval, (np.mean(values), *theirs))


def test_interval_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(3).normal(0.5, 0.05, size=(2000, 3))
    intervals = [analysis.over_repeats(row, 0.8) for row in draws]
    covered = np.mean([low <= 0.5 <= high for _, low, high in intervals])
    assert abs(covered - 0.8) < 4 * math.sqrt(0.8 * 0.2 / 2000)


def test_interval_at_the_edges():
    assert analysis.over_repeats([1.0, 1.0]) == (1.0, 1.0, 1.0)
    assert analysis.over_repeats([0.99, 1.0, 0.98]).high == 1.0
    alone = analysis.over_repeats([0.3])
    assert alone.mean == 0.3 and math.isnan(alone.low) and math.isnan(alone.high)
    with pytest.raises(ValueError, match="at least one number"):
        analysis.over_repeats([])
    with pytest.raises(ValueError, match="level must be in"):
        analysis.over_repeats([0.1, 0.2], 1.0)
