"""Defenses: functions from classifiers to a classifier, so that every attack runs against them."""

from fooljax.defenses.ensemble import Combine, ensemble

__all__ = ["Combine", "ensemble"]
