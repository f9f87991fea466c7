"""Numbers that say how certain a network is, and how smooth an image."""

from fooljax.metrics.confidence import log_odds, log_probabilities, margins, probabilities
from fooljax.metrics.smoothness import high_frequency_share, total_variation

__all__ = [
    "high_frequency_share",
    "log_odds",
    "log_probabilities",
    "margins",
    "probabilities",
    "total_variation",
]
