"""How many images there are, and what tells them apart: closed forms, brute force, a peer."""

import itertools

import jax
import numpy as np
import pytest

from fooljax.analysis import cosine, effective_number, explained


def near(values):
    """The kernel of the published example."""
    return np.exp(-np.abs(values - values.T))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_orthogonal_images_count_each_and_copies_count_once(count):
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(9, 9)))[0]
    lengths = np.linspace(0.5, 3.0, count)[:, None]
    assert effective_number(lengths * turned[:count]) == pytest.approx(count)
    assert effective_number(lengths * turned[:1]) == pytest.approx(1.0)
    assert effective_number(np.repeat(turned[:2], count, axis=0)) == pytest.approx(2.0)


def test_the_published_example():
    """Of the Vendi score's README, which cuts the digits off."""
    assert 2.9999 < effective_number([[0], [0], [10], [10], [20], [20]], near) < 3.0


def test_between_two_images_it_is_the_entropy_of_their_angle():
    """Eigenvalues of [[1, c], [c, 1]] / 2 are (1 + c) / 2 and (1 - c) / 2."""
    for angle in (0.1, 1.0, 2.5):
        half = np.array([1 + np.cos(angle), 1 - np.cos(angle)]) / 2
        told = effective_number([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
        assert told == pytest.approx(np.exp(-np.sum(half * np.log(half))))


def test_black_images_are_one_more():
    features = np.vstack([np.eye(3), np.zeros((3, 3))])
    np.testing.assert_array_equal(cosine(features)[3:, 3:], 1.0)
    np.testing.assert_array_equal(cosine(features)[:3], np.eye(3, 6))
    halves = np.array([1, 1, 1, 3]) / 6
    assert effective_number(features) == pytest.approx(np.exp(-np.sum(halves * np.log(halves))))


def pseudo_f(distances, labels):
    """Anderson's statistic in his own words: sums of squared distances, no centers."""
    count, groups = len(labels), np.unique(labels)
    pairs = list(itertools.combinations(range(count), 2))
    total = sum(distances[i, j] ** 2 for i, j in pairs) / count
    inside = sum(
        distances[i, j] ** 2 / np.sum(labels == labels[i])
        for i, j in pairs
        if labels[i] == labels[j]
    )
    share = (total - inside) / total
    return share / (1 - share) * (count - len(groups)) / (len(groups) - 1), share


def drawn(seed, count=12, groups=3, apart=0.0):
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % groups)
    return random.normal(size=(count, 4)) + apart * labels[:, None], labels


def distances(features):
    return np.linalg.norm(features[:, None] - features[None], axis=2)


@pytest.mark.parametrize("apart", [0.0, 0.7])
def test_the_share_is_that_of_squared_distances(apart, key):
    features, labels = drawn(1, apart=apart)
    labels[:2] = labels[2]  # unequal groups
    found = explained(features, labels, 3, key)
    assert found.share == pytest.approx(pseudo_f(distances(features), labels)[1])


def test_the_null_is_that_of_all_arrangements(key):
    """Six images in two groups can be arranged in 20 ways: p is known exactly."""
    features, _ = drawn(2, count=6)
    labels = np.array([0, 0, 0, 1, 1, 1])
    every = [np.isin(np.arange(6), chosen) for chosen in itertools.combinations(range(6), 3)]
    shares = [pseudo_f(distances(features), one)[1] for one in every]
    exact = np.mean(np.array(shares) >= shares[-1] - 1e-9)
    found = explained(features, labels, 4000, key)
    assert found.p_value == pytest.approx(exact, abs=0.03)
    assert found.chance == pytest.approx(np.mean(shares), abs=0.01)
    assert found.chance == pytest.approx(1 / 5, abs=0.01)  # (groups - 1) / (images - 1)


def test_p_of_random_labels_is_uniform():
    import scipy.stats

    values = [explained(*drawn(seed), 99, jax.random.key(seed)).p_value for seed in range(100, 300)]
    assert scipy.stats.kstest(values, "uniform").pvalue > 0.01


def test_within_blocks_other_groups_do_not_hide_an_effect(key):
    """Runs that differ a little within classes that differ a lot."""
    classes, runs = np.divmod(np.arange(40), 4)
    features = np.random.default_rng(3).normal(size=(40, 5))
    features += 20.0 * np.random.default_rng(4).normal(size=(10, 5))[classes]
    features[:, 0] += 2.0 * runs
    key_free, key_within = jax.random.split(key)
    free = explained(features, runs, 199, key_free)
    within = explained(features, runs, 199, key_within, within=classes)
    assert free.share == within.share
    assert free.p_value > 0.9 and within.p_value == 1 / 200
    of_classes = explained(features, classes, 1, jax.random.key(9)).share
    assert within.chance == pytest.approx((1 - of_classes) * 3 / 30, rel=0.1)


def test_the_peer_says_the_same(key):
    skbio = pytest.importorskip("skbio")
    features, labels = drawn(5, apart=0.4)
    theirs = skbio.stats.distance.permanova(
        skbio.DistanceMatrix(distances(features)), labels, permutations=999
    )
    found = explained(features, labels, 999, key)
    ratio = found.share / (1 - found.share) * 9 / 2
    assert ratio == pytest.approx(theirs["test statistic"])
    assert found.p_value == pytest.approx(theirs["p-value"], abs=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda key: effective_number(np.zeros((0, 3))), "features must be finite"),
        (lambda key: effective_number([[np.nan]]), "features must be finite"),
        (lambda key: effective_number(np.eye(2), lambda x: 2 * x), "kernel must give 1"),
        (
            lambda key: effective_number(np.eye(2), lambda x: 3 - 2 * x),
            "kernel must be positive semidefinite, has eigenvalue -1",
        ),
        (lambda key: explained(np.eye(2), [0, 1], 0, key), "permutations must be at least 1"),
        (lambda key: explained(np.eye(2), [0, 1, 1], 9, key), "need a label for each of 2 images"),
        (lambda key: explained(np.eye(2), [1, 1], 9, key), "groups must have two different labels"),
    ],
)
def test_what_cannot_be_counted_is_refused(call, message, key):
    with pytest.raises(ValueError, match=message):
        call(key)


def test_nothing_is_explained_of_equal_images(key):
    found = explained(np.ones((4, 1)), [0, 0, 1, 1], 9, key)
    assert np.isnan([found.share, found.chance, found.p_value, *found.null]).all()
