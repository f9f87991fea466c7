"""Numbers that say how certain a network is, how well it knows its limits, how smooth an image."""

from fooljax.metrics.calibration import (
    ConfidenceSummary,
    Coverage,
    confidence_summary,
    coverage_curve,
    expected_calibration_error,
)
from fooljax.metrics.chains import Mixing, mixing
from fooljax.metrics.confidence import (
    against_none,
    log_odds,
    log_probabilities,
    margins,
    mean_probability,
    of_classes,
    probabilities,
)
from fooljax.metrics.detection import (
    Roc,
    acceptance_threshold,
    aupr_id_pos,
    aupr_ood_pos,
    auroc,
    fpr95_id_pos,
    fpr95_ood_pos,
    roc_curve,
    share_accepted,
)
from fooljax.metrics.distances import nearest_distances
from fooljax.metrics.editing import edits
from fooljax.metrics.illumination import Illumination, illumination
from fooljax.metrics.looks import brightness, contrast, symmetry
from fooljax.metrics.loudness import added_decibels, loudest_decibels, signal_to_noise
from fooljax.metrics.reliability import (
    Reliability,
    brier,
    negative_log_likelihood,
    reliability,
    temperature,
)
from fooljax.metrics.smoothness import high_frequency_share, total_variation
from fooljax.metrics.statistics import (
    Comparison,
    Correlation,
    Interval,
    bootstrap,
    clopper_pearson,
    evaluations_to_reach,
    mann_whitney,
    spearman,
    superiority,
)

__all__ = [
    "Comparison",
    "ConfidenceSummary",
    "Correlation",
    "Coverage",
    "Illumination",
    "Interval",
    "Mixing",
    "Reliability",
    "Roc",
    "acceptance_threshold",
    "added_decibels",
    "against_none",
    "aupr_id_pos",
    "aupr_ood_pos",
    "auroc",
    "bootstrap",
    "brier",
    "brightness",
    "clopper_pearson",
    "confidence_summary",
    "contrast",
    "coverage_curve",
    "edits",
    "evaluations_to_reach",
    "expected_calibration_error",
    "fpr95_id_pos",
    "fpr95_ood_pos",
    "high_frequency_share",
    "illumination",
    "log_odds",
    "log_probabilities",
    "loudest_decibels",
    "mann_whitney",
    "margins",
    "mean_probability",
    "mixing",
    "nearest_distances",
    "negative_log_likelihood",
    "of_classes",
    "probabilities",
    "reliability",
    "roc_curve",
    "share_accepted",
    "signal_to_noise",
    "spearman",
    "superiority",
    "symmetry",
    "temperature",
    "total_variation",
]
