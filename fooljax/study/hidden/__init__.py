"""Real and fooling images, partly hidden again and again: what experiments about parts share."""

from fooljax.study.hidden.images import Look, Scene, Shown, look, make, set_scene
from fooljax.study.hidden.numbers import (
    Found,
    Number,
    Read,
    Titles,
    average,
    judge,
    median_confidence,
    plain,
)

__all__ = [
    "Found",
    "Look",
    "Number",
    "Read",
    "Scene",
    "Shown",
    "Titles",
    "average",
    "judge",
    "look",
    "make",
    "median_confidence",
    "plain",
    "set_scene",
]
