"""Defenses: functions from classifiers to a classifier, so that every attack runs against them."""

from fooljax.defenses.ensemble import Combine, ensemble
from fooljax.defenses.vote import majority_vote, unanimous

__all__ = ["Combine", "ensemble", "majority_vote", "unanimous"]
