"""Defenses: functions from classifiers to a classifier, so that every attack runs against them."""

from fooljax.defenses.ensemble import Combine, ensemble
from fooljax.defenses.preprocess import gaussian_blur, jpeg, median_filter, quantize
from fooljax.defenses.randomized import expectation, noisy, resize_and_pad
from fooljax.defenses.smoothing import (
    ABSTAIN,
    Certificate,
    certify,
    count_votes,
    decide,
    least_probability,
    predict_smoothed,
    radius_of,
)
from fooljax.defenses.vote import majority_vote, unanimous

__all__ = [
    "ABSTAIN",
    "Certificate",
    "Combine",
    "certify",
    "count_votes",
    "decide",
    "ensemble",
    "expectation",
    "gaussian_blur",
    "jpeg",
    "least_probability",
    "majority_vote",
    "median_filter",
    "noisy",
    "predict_smoothed",
    "quantize",
    "radius_of",
    "resize_and_pad",
    "unanimous",
]
