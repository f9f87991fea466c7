"""What attacks on many networks add up to."""

from fooljax.analysis.alignment import gradient_alignment
from fooljax.analysis.backward import BackwardRule, backward
from fooljax.analysis.certificates import BEYOND, Trial, pool, try_certificates
from fooljax.analysis.diversity import choose_diverse
from fooljax.analysis.linearity import SignSteps, sign_steps
from fooljax.analysis.saliency import integrated_gradients, saliency, smooth_saliency
from fooljax.analysis.sanity import map_agreement, shuffle_top
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

__all__ = [
    "BEYOND",
    "BackwardRule",
    "Interval",
    "SignSteps",
    "Substitute",
    "Transferred",
    "Trial",
    "Verdicts",
    "attack_through",
    "backward",
    "choose_diverse",
    "gradient_alignment",
    "integrated_gradients",
    "judge_fooling",
    "judge_perturbed",
    "map_agreement",
    "mean_over_pairs",
    "over_repeats",
    "pool",
    "relations",
    "saliency",
    "shares",
    "shuffle_top",
    "sign_steps",
    "smooth_saliency",
    "train_substitute",
    "try_certificates",
]
