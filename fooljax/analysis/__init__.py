"""What attacks on many networks add up to, and how much of image space a network is sure of."""

from fooljax.analysis import measures
from fooljax.analysis.alignment import gradient_alignment
from fooljax.analysis.certificates import BEYOND, Trial, pool, try_certificates
from fooljax.analysis.diversity import choose_diverse
from fooljax.analysis.linearity import SignSteps, sign_steps
from fooljax.analysis.measures import MEASURES, Measure
from fooljax.analysis.normalizer import Normalizer, log_density, log_normalizer, whole_curve
from fooljax.analysis.sampling import SCORES, Samples, sample
from fooljax.analysis.squinting import Resemblance, blurred, resemblance, templates
from fooljax.analysis.substitute import (
    Substitute,
    Transferred,
    attack_through,
    train_substitute,
)
from fooljax.analysis.transfer import (
    Interval,
    Verdicts,
    judge_fooling,
    judge_perturbed,
    mean_over_pairs,
    over_repeats,
    relations,
    shares,
)
from fooljax.analysis.volume import Volume, draw_scores, volume
from fooljax.analysis.volume_estimates import Estimate, estimate, ideal_sd, log10_ball

__all__ = [
    "BEYOND",
    "MEASURES",
    "SCORES",
    "Estimate",
    "Interval",
    "Measure",
    "Normalizer",
    "Resemblance",
    "Samples",
    "SignSteps",
    "Substitute",
    "Transferred",
    "Trial",
    "Verdicts",
    "Volume",
    "attack_through",
    "blurred",
    "choose_diverse",
    "draw_scores",
    "estimate",
    "gradient_alignment",
    "ideal_sd",
    "judge_fooling",
    "judge_perturbed",
    "log10_ball",
    "log_density",
    "log_normalizer",
    "mean_over_pairs",
    "measures",
    "over_repeats",
    "pool",
    "relations",
    "resemblance",
    "sample",
    "shares",
    "sign_steps",
    "templates",
    "train_substitute",
    "try_certificates",
    "volume",
    "whole_curve",
]
