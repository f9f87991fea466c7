"""The lock on every door: what a public function is given is checked here, once, in one way.

Every check returns what it was given in the type that the package works with, or raises a
``ValueError`` that names the argument, what was given, and the remedy. Inside ``jit``
shapes and types are checked; values are not known there.
"""

from fooljax.checks.arrays import (
    NEAR,
    array,
    ids,
    images,
    in_unit_interval,
    labels,
    row,
    shape,
    shape_of_images,
    whole,
)
from fooljax.checks.keys import key, keys, typed
from fooljax.checks.kinds import cache, function, kind, own, shown
from fooljax.checks.networks import classifier, classifiers, columns, inputs
from fooljax.checks.numbers import between, choice, count, not_negative, positive, radius, real

__all__ = [
    "NEAR",
    "array",
    "between",
    "cache",
    "choice",
    "classifier",
    "classifiers",
    "columns",
    "count",
    "function",
    "ids",
    "images",
    "in_unit_interval",
    "inputs",
    "key",
    "keys",
    "kind",
    "labels",
    "not_negative",
    "own",
    "positive",
    "radius",
    "real",
    "row",
    "shape",
    "shape_of_images",
    "shown",
    "typed",
    "whole",
]
