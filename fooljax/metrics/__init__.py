"""Numbers that say how certain a network is."""

from fooljax.metrics.confidence import log_odds, log_probabilities, margins, probabilities

__all__ = ["log_odds", "log_probabilities", "margins", "probabilities"]
