"""What attacks on many networks add up to, and which parts of an image a network answers to."""

from fooljax.analysis import fills, masks
"""What attacks on many networks add up to, and how much of image space a network is sure of."""

from fooljax.analysis import measures
from fooljax.analysis.alignment import gradient_alignment
from fooljax.analysis.certificates import BEYOND, Trial, pool, try_certificates
from fooljax.analysis.diversity import choose_diverse
from fooljax.analysis.linearity import SignSteps, sign_steps
from fooljax.analysis.parts import (
    Removals,
    answers_to,
    central_windows,
    occlusion,
    without_each_component,
)
from fooljax.analysis.patches import Interactions, interactions, shuffled
from fooljax.analysis.measures import MEASURES, Measure
from fooljax.analysis.normalizer import Normalizer, log_density, log_normalizer, whole_curve
from fooljax.analysis.sampling import Samples, sample
from fooljax.analysis.squinting import Resemblance, blurred, resemblance, templates
from fooljax.analysis.substitute import (
    Substitute,
    Transferred,
    attack_through,
    train_substitute,
)
from fooljax.analysis.sufficient import Subset, controls, sufficient, sufficient_parts
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
    "Interactions",
    "Interval",
    "Removals",
    "MEASURES",
    "Estimate",
    "Interval",
    "Measure",
    "Normalizer",
    "Resemblance",
    "Samples",
    "SignSteps",
    "Subset",
    "Substitute",
    "Transferred",
    "Trial",
    "Verdicts",
    "answers_to",
    "attack_through",
    "central_windows",
    "choose_diverse",
    "controls",
    "fills",
    "gradient_alignment",
    "interactions",
    "judge_fooling",
    "judge_perturbed",
    "masks",
    "mean_over_pairs",
    "occlusion",
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
    "shuffled",
    "sign_steps",
    "sufficient",
    "sufficient_parts",
    "train_substitute",
    "try_certificates",
    "without_each_component",
    "templates",
    "train_substitute",
    "try_certificates",
    "volume",
    "whole_curve",
]
