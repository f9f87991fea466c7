"""Defenses: functions from classifiers to a classifier, so that every attack runs against them."""

from fooljax.defenses.catalog import CATALOG, Entry, own_defense
from fooljax.defenses.ensemble import Combine, ensemble
from fooljax.defenses.feature_scores import mahalanobis, nearest_neighbor
from fooljax.defenses.gradients import straight_through, with_gradient_of
from fooljax.defenses.known_words import known_words
from fooljax.defenses.odin import odin
from fooljax.defenses.openmax import openmax
from fooljax.defenses.preprocess import gaussian_blur, jpeg, median_filter, quantize
from fooljax.defenses.randomized import expectation, noisy, resize_and_pad
from fooljax.defenses.rejection import Threshold, calibrate, reject
from fooljax.defenses.scores import Score, energy, judge, maximum_logit, maximum_probability
from fooljax.defenses.scores_catalog import SCORES, ScoreEntry
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
from fooljax.defenses.sounds import low_pass, mu_law, resample, time_shift
from fooljax.defenses.tempered import Tempered, tempered
from fooljax.defenses.vote import majority_vote, unanimous

__all__ = [
    "ABSTAIN",
    "CATALOG",
    "SCORES",
    "Certificate",
    "Combine",
    "Entry",
    "Score",
    "ScoreEntry",
    "Tempered",
    "Threshold",
    "calibrate",
    "certify",
    "count_votes",
    "decide",
    "energy",
    "ensemble",
    "expectation",
    "gaussian_blur",
    "jpeg",
    "judge",
    "known_words",
    "least_probability",
    "low_pass",
    "mahalanobis",
    "majority_vote",
    "maximum_logit",
    "maximum_probability",
    "median_filter",
    "mu_law",
    "nearest_neighbor",
    "noisy",
    "odin",
    "openmax",
    "own_defense",
    "predict_smoothed",
    "quantize",
    "radius_of",
    "reject",
    "resample",
    "resize_and_pad",
    "straight_through",
    "tempered",
    "time_shift",
    "unanimous",
    "with_gradient_of",
]
