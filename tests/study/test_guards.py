"""What a score tells apart, by hand."""

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from fooljax import attacks, study
from fooljax.types import Classifier


def test_what_is_detected_by_hand():
    random = np.random.default_rng(0)
    known, scores = random.normal(2.0, 1.0, 50), random.normal(0.0, 1.0, 50)
    counts = np.arange(50) % 2 == 0
    found = study.detect(known, scores, {"accepted_95": 0.5, "accepted_99": -1.0}, counts)
    assert found.keys() == study.DETECTION.keys()
    assert found["accepted_95"] == np.mean(counts & (scores >= 0.5))
    assert found["accepted_99"] == np.mean(counts & (scores >= -1.0))
    is_known, both = np.repeat([1, 0], 50), np.concatenate([known, scores])
    assert found["auroc"] == pytest.approx(roc_auc_score(is_known, both))
    assert found["aupr_id_pos"] == pytest.approx(average_precision_score(is_known, both))
    assert found["aupr_ood_pos"] == pytest.approx(average_precision_score(1 - is_known, -both))
    least = np.sort(known)[::-1][int(np.ceil(0.95 * 50)) - 1]
    assert found["fpr95_id_pos"] == np.mean(scores >= least)


def test_how_sure_a_network_is_and_whom_it_answers():
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.3, 0.1, 0.6], [0.5, 0.5, 1e-9]], np.float32))
    logits = np.concatenate([logits, np.full((1, 3), np.nan, np.float32)])
    odds, given = study.certainty(logits, 2)  # the last column rejects
    np.testing.assert_allclose(study.confidence(odds), [0.7, 0.3, 0.5, 0.0], atol=1e-6)
    np.testing.assert_array_equal(given, [True, False, True, False])


def test_curves_lie_between_the_networks(tmp_path):
    known, others = {"energy": [np.ones(4), np.ones(4)]}, {"energy": [np.zeros(4), np.ones(4)]}
    figure = study.roc("roc", known, others, "A curve. Of two networks.")
    figure.draw(tmp_path / "roc.png")
    right = [np.array([True, True, False, True])] * 2
    figure = study.coverage("coverage", {"energy": [np.arange(4.0)] * 2}, right, "Another.")
    figure.draw(tmp_path / "coverage.png")
    assert all((tmp_path / f"{name}.png").stat().st_size > 1000 for name in ("roc", "coverage"))


def test_the_strongest_of_several_images():
    """The margin is the pixel itself; a NaN never wins."""

    def apply(params, images):
        value = images.reshape(len(images), -1)[:, :1]
        return jnp.concatenate([value, jnp.zeros_like(value)], axis=1) * params

    network = Classifier(jnp.float32(1.0), apply, (1, 1, 1), 2)
    pictures = lambda *values: jnp.asarray(values, jnp.float32).reshape(-1, 1, 1, 1)
    goal = attacks.reach(jnp.zeros(3, jnp.int32))
    found = attacks.strongest(network, goal, [pictures(0.1, 0.9, 0.5), pictures(0.4, 0.2, 0.5)])
    np.testing.assert_allclose(np.asarray(found).ravel(), [0.4, 0.9, 0.5], rtol=1e-6)


def test_a_guard_keeps_its_promise_and_names_what_cannot_learn():
    import jax

    from fooljax import data, models

    random = np.random.default_rng(1)
    images = random.uniform(size=(40, 4, 4, 1)).astype(np.float32)
    known = data.from_arrays(images, np.arange(40) % 4)
    network = models.build("softmax", jax.random.key(0), (4, 4, 1), 4)
    guard = study.guards("--methods", ["energy"], network, known, jnp.asarray(images))["energy"]
    accepted = np.asarray(study.logits(guard.classifier, jnp.asarray(images))).argmax(axis=1) < 4
    assert accepted.mean() == 0.95 and guard.limits["accepted_99"] <= guard.limits["accepted_95"]
    few = data.from_arrays(images[:4], np.arange(4))
    with pytest.raises(ValueError, match="--methods openmax: OpenMax needs two known images"):
        study.guards("--methods", ["openmax"], network, few, jnp.asarray(images))
    with pytest.raises(ValueError, match="--methods: unknown 'openmox'; did you mean openmax"):
        study.guards("--methods", ["openmox"], network, few, jnp.asarray(images))


def test_what_thresholds_do_to_clean_images():
    """Counted by hand: two of four are accepted at 0.5, one of them right; none at 2."""
    scores, right = np.array([0.1, 0.5, 0.4, 0.9]), np.array([True, False, True, True])
    found = study.keep(scores, right, {"accepted_95": 0.5, "accepted_99": 2.0})
    assert found.keys() == study.KEPT.keys()
    assert (found["accepted_95"], found["accepted_95_right"]) == (0.5, 0.5)
    assert found["accepted_99"] == 0.0 and np.isnan(found["accepted_99_right"])
