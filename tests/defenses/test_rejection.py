"""Scores against scipy, scikit-learn and loops; thresholds and the column that rejects."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from defense_cases import CLASSES, CLEAN, IMAGES, KNOWN, SHAPE, TRACES, hidden_layer, network
from sklearn.covariance import EmpiricalCovariance
from sklearn.neighbors import NearestNeighbors

from fooljax import attacks, defenses, models
from fooljax.types import Classifier

NETWORK = network(0)
SHOWN = jnp.concatenate([IMAGES, CLEAN[:20]])
(LOGITS, HIDDEN), (ASKED, FEATURES) = (
    [np.asarray(one, np.float64) for one in jax.jit(hidden_layer)(NETWORK.params, images)]
    for images in (KNOWN, SHOWN)
)
LABELS = LOGITS.argmax(axis=1)

answer = jax.jit(lambda classifier, images: classifier(images))
margin = jax.jit(attacks.margin, static_argnums=2)


def score_of(score):
    return defenses.judge(NETWORK, score, SHOWN)[1]


def test_scores_of_logits():
    probability = scipy.special.softmax(ASKED, axis=1).max(axis=1)
    found = score_of(defenses.maximum_probability())
    np.testing.assert_allclose(scipy.special.expit(found), probability, rtol=1e-5)
    np.testing.assert_allclose(score_of(defenses.maximum_logit()), ASKED.max(axis=1), rtol=1e-5)
    energy = 2.0 * scipy.special.logsumexp(ASKED / 2.0, axis=1)
    np.testing.assert_allclose(score_of(defenses.energy(2.0)), energy, rtol=1e-5)


def test_only_real_classes_count():
    """A column that rejects is no class to be sure of, but it takes probability away."""
    logits = jnp.array([[1.0, 0.0, 5.0]])
    read = jax.jit(lambda score: score.read(score.statistics, logits, logits, 2)[0])
    assert read(defenses.maximum_logit()) == 1.0
    assert read(defenses.energy()) == pytest.approx(np.log(np.e + 1.0))
    sure = scipy.special.softmax([1.0, 0.0, 5.0])[0]
    found = float(read(defenses.maximum_probability()))
    assert scipy.special.expit(found) == pytest.approx(sure)


@pytest.mark.parametrize(("epsilon", "temperature"), [(0.0, 1.0), (0.02, 1.0), (0.02, 1000.0)])
def test_odin_in_closed_form(epsilon, temperature):
    """Of a linear network: the step from its weights, the probability from scipy, in float64."""
    weights = np.random.default_rng(0).normal(size=(64, CLASSES))
    flat = lambda images: images.reshape(len(images), -1)
    linear = Classifier(jnp.float32(weights), lambda p, x: flat(x) @ p, SHAPE, CLASSES)
    images = np.float64(flat(SHOWN))
    chances = scipy.special.softmax(images @ weights / temperature, axis=1)
    slopes = weights.T[(images @ weights).argmax(axis=1)] - chances @ weights.T
    moved = (images + epsilon * np.sign(slopes)) @ weights / temperature
    surest = scipy.special.softmax(moved, axis=1).max(axis=1)
    odds = temperature * np.log((CLASSES - 1) * surest / (1.0 - surest))
    score = defenses.odin(linear, epsilon, temperature)
    found = defenses.judge(linear, score, SHOWN)[1]
    np.testing.assert_allclose(found, odds, rtol=1e-4, atol=1e-4)


def test_odin_counts_columns_that_reject_as_others():
    """It is finite, too, where one of them leads by far, or the answer does."""
    read = defenses.odin(NETWORK, 0.0, 1.0).read
    logits = jnp.array([[1.0, 0.0, 500.0], [500.0, 0.0, 0.0], [2.0, 2.0, 2.0]])
    found = jax.jit(lambda logits: read(jnp.float32(1.0), logits, logits, 2))(logits)
    np.testing.assert_allclose(found, [np.log(2.0) - 499.0, 500.0, 0.0], atol=1e-4)


def test_mahalanobis_is_that_of_scikit_learn():
    score = defenses.mahalanobis(NETWORK, KNOWN, LABELS, hidden_layer)
    means = np.stack([HIDDEN[np.equal(LABELS, label)].mean(axis=0) for label in range(CLASSES)])
    model = EmpiricalCovariance(assume_centered=True).fit(HIDDEN - means[LABELS])
    away = np.stack([model.mahalanobis(FEATURES - mean) for mean in means])
    np.testing.assert_allclose(score_of(score), -away.min(axis=0), rtol=1e-3)
    assert np.ptp(away.min(axis=0)) > 10.0


def test_a_direction_without_variance_is_left_out():
    """A feature that is the sum of two others makes the covariance singular."""

    def dependent(params, images):
        logits, hidden = hidden_layer(params, images)
        return logits, jnp.concatenate([hidden, hidden[:, :1] + hidden[:, 1:2]], axis=1)

    alone = score_of(defenses.mahalanobis(NETWORK, KNOWN, LABELS, hidden_layer))
    both = score_of(defenses.mahalanobis(NETWORK, KNOWN, LABELS, dependent))
    np.testing.assert_allclose(both, alone, rtol=1e-3)


@pytest.mark.parametrize("neighbors", [1, 7])
def test_nearest_neighbor_is_that_of_scikit_learn(neighbors):
    unit = lambda features: features / np.linalg.norm(features, axis=1, keepdims=True)
    tree = NearestNeighbors(n_neighbors=neighbors).fit(unit(HIDDEN))
    distances, _ = tree.kneighbors(unit(FEATURES))
    score = defenses.nearest_neighbor(NETWORK, KNOWN, neighbors, hidden_layer)
    np.testing.assert_allclose(score_of(score), -(distances[:, -1] ** 2), atol=1e-5)


def slow_openmax(tail, revised):
    """One image and one class after another, as the paper's algorithm 2 is written."""
    scores = []
    for logits in ASKED:
        heights = logits - logits.min()
        kept, unknown = heights.copy(), 0.0
        for rank, label in enumerate(np.argsort(-logits)[:revised]):
            own = LOGITS[np.equal(LABELS, label)]
            far = np.sort(np.linalg.norm(own - own.mean(axis=0), axis=1))[-tail:]
            shape, _, scale = scipy.stats.weibull_min.fit(far, floc=0.0)
            distance = np.linalg.norm(logits - own.mean(axis=0))
            chance = scipy.stats.weibull_min.cdf(distance, shape, scale=scale)
            lost = (revised - rank) / revised * chance
            kept[label] = heights[label] * (1.0 - lost)
            unknown += heights[label] * lost
        probability = scipy.special.softmax([unknown, *kept])[0]
        scores.append(np.log1p(-probability) - np.log(probability))
    return scores


@pytest.mark.parametrize(("tail", "revised"), [(5, 2), (20, 10)])
def test_openmax_step_by_step(tail, revised):
    found = score_of(defenses.openmax(NETWORK, KNOWN, LABELS, tail, revised))
    by_hand = slow_openmax(tail, min(revised, CLASSES))
    np.testing.assert_allclose(found, by_hand, rtol=2e-3, atol=2e-3)
    assert np.ptp(found) > 3.0


def test_openmax_has_a_slope_where_the_distribution_has_none():
    score = defenses.openmax(NETWORK, KNOWN, LABELS)
    far = 50.0 * jnp.eye(CLASSES)  # unlike every known image
    read = lambda logits: score.read(score.statistics, logits, logits, CLASSES)
    slopes = np.asarray(jax.jit(jax.grad(lambda logits: jnp.sum(read(logits))))(far))
    distances = np.linalg.norm(far[:, None] - np.asarray(score.statistics.means)[None], axis=2)
    weibull = score.statistics
    density = scipy.stats.weibull_min.pdf(distances, weibull.shape, scale=weibull.scale)
    assert density.max() < 1e-6  # the exact slope is that of the logits alone
    assert np.isfinite(slopes).all() and (abs(slopes).max(axis=1) > 1e-3).all()
    # toward the mean logits of its likeliest class an answer becomes known again
    toward = np.diagonal(slopes)
    assert (toward < 0.0).all()


def pixels(statistics, logits, features, num_classes):
    return features[:, 0]


def two_pixels(params, images):
    return images.reshape(len(images), -1) @ params, images.reshape(len(images), -1)


def test_the_column_leads_exactly_below_the_threshold():
    """Down to the last bit of the score, however large the logits are."""
    plain = Classifier(1e6 * jnp.eye(2), lambda p, x: two_pixels(p, x)[0], (1, 2, 1), 2)
    score = defenses.Score((), pixels, two_pixels)
    threshold = np.float32(0.3)
    firsts = np.array(
        [threshold, np.nextafter(threshold, 1.0), np.nextafter(threshold, 0.0), 0.0, 1.0, 0.31],
        np.float32,
    )
    images = jnp.stack([jnp.asarray(firsts), jnp.full(6, 0.5)], axis=1).reshape(6, 1, 2, 1)
    guarded = defenses.reject(plain, score, float(threshold))
    logits = answer(guarded, images)
    accepted = firsts >= threshold
    np.testing.assert_array_equal(np.argmax(logits, axis=1) < 2, accepted)
    best = np.argmax(np.asarray(logits)[:, :2], axis=1)
    np.testing.assert_array_equal(margin(attacks.reach(best), logits, 2) > 0.0, accepted)
    np.testing.assert_array_equal(logits[:, :2], plain(images))


@pytest.fixture(scope="module")
def guarded():
    score = defenses.energy()
    threshold = defenses.calibrate(NETWORK, score, CLEAN, 0.9)
    return defenses.reject(NETWORK, score, threshold), score, threshold


def test_the_margin_is_the_smaller_of_lead_and_surplus(guarded):
    network_, score, (value, scale) = guarded
    logits = answer(network_, SHOWN)
    surplus = scale * (score_of(score) - value)
    ordered = np.sort(ASKED, axis=1)
    best = ASKED.argmax(axis=1)
    found = lambda goal: np.asarray(margin(goal, logits, CLASSES))
    lead = np.minimum(ordered[:, -1] - ordered[:, -2], surplus)
    np.testing.assert_allclose(found(attacks.reach(best)), lead, rtol=1e-3, atol=1e-4)
    nobody = np.full(len(SHOWN), CLASSES)
    np.testing.assert_allclose(found(attacks.leave(nobody)), surplus, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found(attacks.reach(nobody)), -surplus, rtol=1e-3, atol=1e-4)
    assert (surplus > 0.0).any() and (surplus < 0.0).any()


def test_calibration_accepts_what_was_asked_in_units_of_the_lead(guarded):
    _, score, (value, scale) = guarded
    logits, scores = defenses.judge(NETWORK, score, CLEAN)
    assert np.sum(scores >= value) == 90  # of 100
    ordered = np.sort(logits, axis=1)
    lead = np.median(ordered[:, -1] - ordered[:, -2])
    assert scale * (np.median(scores) - value) == pytest.approx(lead, rel=1e-5)


def test_another_threshold_compiles_nothing(guarded):
    network_, *_ = guarded
    answer(network_, SHOWN)
    before = len(TRACES)
    answer(defenses.reject(NETWORK, defenses.energy(3.0), 1.5), SHOWN)
    assert len(TRACES) == before


def test_rejections_add_up(guarded):
    """A network that rejects already gets one column more; both keep their say."""
    network_, *_ = guarded
    twice = defenses.reject(network_, defenses.maximum_logit(), 8.0)
    logits = answer(twice, SHOWN)
    assert logits.shape[1] == CLASSES + 2 and twice.num_classes == CLASSES
    either = (np.argmax(answer(network_, SHOWN), axis=1) == CLASSES) | (ASKED.max(axis=1) < 8.0)
    np.testing.assert_array_equal(np.argmax(logits, axis=1) >= CLASSES, either)
    assert either.any() and not either.all()


def broken(statistics, logits, features, num_classes):
    return jnp.full(len(logits), jnp.nan)


ONE_CLASS = np.zeros(len(KNOWN), int)
WRONG = {
    "no clean images": (
        lambda: defenses.calibrate(NETWORK, defenses.energy(), CLEAN[:0]),
        "images must hold at least one image",
    ),
    "scores are NaN": (
        lambda: defenses.calibrate(NETWORK, defenses.Score((), broken), CLEAN),
        "scores that are NaN, as 100 of 100",
    ),
    "rate": (
        lambda: defenses.calibrate(NETWORK, defenses.energy(), CLEAN, 95),
        r"true_positive_rate must be in \(0, 1\), got 95",
    ),
    "shape": (
        lambda: defenses.calibrate(NETWORK, defenses.energy(), CLEAN[:, :5]),
        r"images must be \[n, h, w, c\] with \(h, w, c\) = \(8, 8, 1\)",
    ),
    "threshold": (
        lambda: defenses.reject(NETWORK, defenses.energy(), float("nan")),
        "threshold must be a number, got nan",
    ),
    "scale": (
        lambda: defenses.reject(NETWORK, defenses.energy(), defenses.Threshold(1.0, 0.0)),
        "scale must be positive, got 0.0",
    ),
    "another network's features": (
        lambda: defenses.reject(
            dataclasses.replace(NETWORK, params={}),
            defenses.mahalanobis(NETWORK, KNOWN, LABELS, hidden_layer),
            1.0,
        ),
        "the classifier fails on images",
    ),
    "temperature": (lambda: defenses.energy(0.0), "temperature must be positive, got 0.0"),
    "neighbors": (
        lambda: defenses.nearest_neighbor(NETWORK, KNOWN, 301),
        r"neighbors must be in \[1, 300\], got 301",
    ),
    "no known images": (
        lambda: defenses.mahalanobis(NETWORK, KNOWN[:0], LABELS[:0]),
        "at least one image",
    ),
    "too few labels": (
        lambda: defenses.mahalanobis(NETWORK, KNOWN, LABELS[:-1]),
        r"labels must be \[300\], one for each image, got \(299,\)",
    ),
    "labels": (
        lambda: defenses.mahalanobis(NETWORK, KNOWN, LABELS + 1),
        r"labels must be in \[0, 4\), got 4 at index",
    ),
    "an empty class": (
        lambda: defenses.mahalanobis(NETWORK, KNOWN, ONE_CLASS),
        "class 1 has none",
    ),
    "equal images": (
        lambda: defenses.mahalanobis(NETWORK, jnp.zeros((8, *SHAPE)), np.arange(8) % 4),
        "do not vary within the classes",
    ),
    "tail": (lambda: defenses.openmax(NETWORK, KNOWN, LABELS, 1), "tail must be at least 2"),
    "step": (lambda: defenses.odin(NETWORK, -0.1), "epsilon must not be negative"),
    "odin's T": (lambda: defenses.odin(NETWORK, temperature=0.0), "temperature must be"),
    "revised": (
        lambda: defenses.openmax(NETWORK, KNOWN, LABELS, revised=0),
        "revised must be at least 1",
    ),
    "never right": (
        lambda: defenses.openmax(NETWORK, KNOWN, (LABELS + 1) % CLASSES),
        "class 0 has 0",
    ),
    "answers": (
        lambda: defenses.mahalanobis(
            dataclasses.replace(NETWORK, params=jax.tree.map(jnp.log, NETWORK.params)),
            KNOWN,
            LABELS,
        ),
        "NaN or infinity",
    ),
    "features of a plain function": (
        lambda: models.penultimate(NETWORK),
        r"write a function \(params, images\) -> \(logits, features\) yourself",
    ),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
