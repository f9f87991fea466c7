"""What attacks on many networks add up to."""

from fooljax.analysis.alignment import gradient_alignment
from fooljax.analysis.certificates import BEYOND, Trial, pool, try_certificates
from fooljax.analysis.diversity import (
    Explained,
    choose_diverse,
    cosine,
    effective_number,
    explained,
)
from fooljax.analysis.linearity import SignSteps, sign_steps
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
    "Explained",
    "Interval",
    "SignSteps",
    "Substitute",
    "Transferred",
    "Trial",
    "Verdicts",
    "attack_through",
    "choose_diverse",
    "cosine",
    "effective_number",
    "explained",
    "gradient_alignment",
    "judge_fooling",
    "judge_perturbed",
    "mean_over_pairs",
    "over_repeats",
    "pool",
    "relations",
    "shares",
    "sign_steps",
    "train_substitute",
    "try_certificates",
]
