"""What attacks on many networks add up to, and which parts of an image a network answers to."""

from fooljax.analysis import fills, masks
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

__all__ = [
    "BEYOND",
    "Interactions",
    "Interval",
    "Removals",
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
    "over_repeats",
    "pool",
    "relations",
    "shares",
    "shuffled",
    "sign_steps",
    "sufficient",
    "sufficient_parts",
    "train_substitute",
    "try_certificates",
    "without_each_component",
]
