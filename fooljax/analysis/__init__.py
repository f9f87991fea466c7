"""What attacks on many networks add up to."""

from fooljax.analysis.alignment import gradient_alignment
from fooljax.analysis.certificates import BEYOND, Trial, pool, try_certificates
from fooljax.analysis.diversity import choose_diverse
from fooljax.analysis.linearity import SignSteps, sign_steps
from fooljax.analysis.squinting import Resemblance, blurred, resemblance, templates
from fooljax.analysis.straight import TangentReach, along, tangent_reach
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
    "Interval",
    "Resemblance",
    "SignSteps",
    "Substitute",
    "TangentReach",
    "Transferred",
    "Trial",
    "Verdicts",
    "along",
    "attack_through",
    "blurred",
    "choose_diverse",
    "gradient_alignment",
    "judge_fooling",
    "judge_perturbed",
    "mean_over_pairs",
    "over_repeats",
    "pool",
    "relations",
    "resemblance",
    "shares",
    "sign_steps",
    "tangent_reach",
    "templates",
    "train_substitute",
    "try_certificates",
]
