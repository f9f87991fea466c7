"""What a network that may reject makes of clean images and of fooling ones, by hand."""

import math

import numpy as np
import pytest

from fooljax import study

# two classes and a column that rejects
SHARES = np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.995, 0.004, 0.001]])
LOGITS = np.log(SHARES).astype(np.float32)


def test_clean_images_by_hand():
    found = study.on_clean(LOGITS, np.array([0, 0, 1, 0]), 2)
    assert found.keys() == study.QUALITIES.keys()
    assert (found["clean_accuracy"], found["clean_rejected"]) == (0.5, 0.25)
    assert found["clean_mean_confidence"] == pytest.approx((0.9 + 0.7 + 0.2 + 0.995) / 4, rel=1e-5)
    # of the three that are answered: bins of 0.9 and 0.7, and one of 0.995
    errors = [abs(1 - 0.9), abs(0 - 0.7), abs(1 - 0.995)]
    assert found["ece"] == pytest.approx(np.mean(errors), abs=1e-5)
    assert math.isnan(study.on_clean(LOGITS[2:3], np.array([0]), 2)["ece"])


def test_fooling_images_by_hand():
    known = np.log(np.array([0.8, 0.6]) / np.array([0.2, 0.4]))  # two clean images
    limits = {"accepted_95": math.log(0.65 / 0.35), "accepted_99": math.log(0.15 / 0.85)}
    cost = np.array([10.0, np.inf, np.inf, 30.0])
    found = study.on_fooling(LOGITS, 2, known, limits, cost)
    assert found.keys() == study.MEASURES.keys()
    assert (found["accepted_95"], found["accepted_99"]) == (0.75, 0.75)  # one is rejected
    assert (found["sure_99"], found["reached_99"]) == (0.25, 0.5)
    assert found["auroc"] == 3 / 8  # pairs in which the clean image scores higher
    assert found["evaluations_to_99"] == math.inf
    nobody = study.on_fooling(LOGITS, 2, known, limits, np.full(4, np.nan))
    assert math.isnan(nobody["reached_99"]) and math.isnan(nobody["evaluations_to_99"])


def test_gradients_mislead_where_evolution_gets_far_more_past():
    makers = {name: study.MAKERS[name] for name in ("direct", "cppn", "ascent", "signs", "noise")}
    passed = {"direct": 0.2, "cppn": 0.8, "ascent": 0.1, "signs": 0.3, "noise": 1.0}
    assert study.misled(passed, makers) == ("cppn", 0.8, 0.3)
    assert study.misled({**passed, "signs": 0.6}, makers) is None
    assert study.misled({"cppn": 1.0, "direct": 1.0}, makers) is None  # nobody used a gradient
    assert study.misled({"ascent": 0.0, "noise": 1.0}, makers) is None
