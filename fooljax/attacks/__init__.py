"""Attacks by gradient: fooling images from nothing, and small perturbations of real ones."""

from fooljax.attacks.ascent import PUBLISHED, Regularization, ascent, published
from fooljax.attacks.attack import Attack, Passes, Point
from fooljax.attacks.deepfool import deepfool
from fooljax.attacks.goals import (
    Goal,
    answer,
    confident,
    cross_entropy,
    leads,
    leave,
    margin,
    reach,
)
from fooljax.attacks.pgd import fgsm, pgd
from fooljax.attacks.result import AttackResult, score
from fooljax.attacks.run import run

__all__ = [
    "PUBLISHED",
    "Attack",
    "AttackResult",
    "Goal",
    "Passes",
    "Point",
    "Regularization",
    "answer",
    "ascent",
    "confident",
    "cross_entropy",
    "deepfool",
    "fgsm",
    "leads",
    "leave",
    "margin",
    "pgd",
    "published",
    "reach",
    "run",
    "score",
]
