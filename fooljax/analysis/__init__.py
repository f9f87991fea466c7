"""What attacks add up to, how much of image space fools, and what a network looks for."""

from fooljax.analysis import fills, masks, measures
from fooljax.analysis.alignment import gradient_alignment
from fooljax.analysis.backward import BackwardRule, backward
from fooljax.analysis.certificates import BEYOND, Trial, pool, try_certificates
from fooljax.analysis.costs import CostGrowth, CostRatio, cost_growth, cost_ratio
from fooljax.analysis.diversity import (
    Explained,
    choose_diverse,
    cosine,
    effective_number,
    explained,
)
from fooljax.analysis.fewest_words import Shortened, SurestTexts, shorten, surest_texts
from fooljax.analysis.guessing import guess, possible_facts, shares_of_commonest
from fooljax.analysis.linearity import SignSteps, sign_steps
from fooljax.analysis.measures import MEASURES, Measure
from fooljax.analysis.normalizer import Normalizer, log_density, log_normalizer, whole_curve
from fooljax.analysis.parts import answers_to, central_windows, occlusion
from fooljax.analysis.patches import Interactions, interactions, shuffled
from fooljax.analysis.reading import (
    as_dataset,
    build_matcher,
    by_cosine,
    by_matching,
    lay_out,
    resized,
)
from fooljax.analysis.removals import Removals, without_each_component
from fooljax.analysis.saliency import integrated_gradients, saliency, smooth_saliency
from fooljax.analysis.sampling import SCORES, Samples, sample
from fooljax.analysis.sanity import map_agreement, shuffle_top
from fooljax.analysis.score_curves import ScoreCurves, score_curves
from fooljax.analysis.squinting import Resemblance, blurred, resemblance, templates
from fooljax.analysis.straight import TangentReach, along, tangent_reach
from fooljax.analysis.substitute import Substitute, Transferred, attack_through, train_substitute
from fooljax.analysis.sufficient import Subset, controls, sufficient, sufficient_parts
from fooljax.analysis.transfer import (
    Interval,
    Verdicts,
    judge_fooling,
    judge_perturbed,
    over_repeats,
    shares,
)
from fooljax.analysis.turns import TurnEffects, turn_effects
from fooljax.analysis.volume import Volume, draw_scores, volume
from fooljax.analysis.volume_estimates import (
    Estimate,
    agrees_with_count,
    estimate,
    ideal_sd,
    log10_ball,
    log10_count,
)

__all__ = [
    "BEYOND",
    "MEASURES",
    "SCORES",
    "BackwardRule",
    "CostGrowth",
    "CostRatio",
    "Estimate",
    "Explained",
    "Interactions",
    "Interval",
    "Measure",
    "Normalizer",
    "Removals",
    "Resemblance",
    "Samples",
    "ScoreCurves",
    "Shortened",
    "SignSteps",
    "Subset",
    "Substitute",
    "SurestTexts",
    "TangentReach",
    "Transferred",
    "Trial",
    "TurnEffects",
    "Verdicts",
    "Volume",
    "agrees_with_count",
    "along",
    "answers_to",
    "as_dataset",
    "attack_through",
    "backward",
    "blurred",
    "build_matcher",
    "by_cosine",
    "by_matching",
    "central_windows",
    "choose_diverse",
    "controls",
    "cosine",
    "cost_growth",
    "cost_ratio",
    "draw_scores",
    "effective_number",
    "estimate",
    "explained",
    "fills",
    "gradient_alignment",
    "guess",
    "ideal_sd",
    "integrated_gradients",
    "interactions",
    "judge_fooling",
    "judge_perturbed",
    "lay_out",
    "log10_ball",
    "log10_count",
    "log_density",
    "log_normalizer",
    "map_agreement",
    "masks",
    "measures",
    "occlusion",
    "over_repeats",
    "pool",
    "possible_facts",
    "resemblance",
    "resized",
    "saliency",
    "sample",
    "score_curves",
    "shares",
    "shares_of_commonest",
    "shorten",
    "shuffle_top",
    "shuffled",
    "sign_steps",
    "smooth_saliency",
    "sufficient",
    "sufficient_parts",
    "surest_texts",
    "tangent_reach",
    "templates",
    "train_substitute",
    "try_certificates",
    "turn_effects",
    "volume",
    "whole_curve",
    "without_each_component",
]
