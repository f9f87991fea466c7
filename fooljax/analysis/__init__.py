"""What attacks on many networks add up to."""

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
    "Interval",
    "Verdicts",
    "judge_fooling",
    "judge_perturbed",
    "mean_over_pairs",
    "over_repeats",
    "relations",
    "shares",
]
