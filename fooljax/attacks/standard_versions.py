"""Which attacks a cascade is made of, and with which settings, by the name of its version."""

import dataclasses
import functools
from typing import Literal, TypeAlias

from jaxtyping import Float
from numpy import ndarray

from fooljax.attacks import goals
from fooljax.attacks.apgd import apgd
from fooljax.attacks.attack import Attack
from fooljax.attacks.fab import fab
from fooljax.attacks.losses import dlr
from fooljax.attacks.pgd import Norm
from fooljax.attacks.square import square

Version: TypeAlias = Literal["fooljax", "autoattack", "plus"]
VERSIONS: tuple[Version, ...] = ("fooljax", "autoattack", "plus")
SQUARE = "square"  # the stage that sees no gradient
STEPS, TARGETS, QUERIES = 100, 9, 5000  # as published

_SCHEDULE = 10_000  # AutoAttack's squares shrink as if they had so many queries
_STARTS = 5  # of an untargeted attack in the version "plus"


def stages(
    version: Version,
    epsilon: float,
    norm: Norm,
    steps: int,
    queries: int,
    classes: Float[ndarray, "r n"],
) -> dict[str, list[Attack]]:
    """Return the attacks of each stage in their order; each gets what resisted until then.

    Args:
        version: see ``standard``.
        epsilon: radius of the ball, in units of [0, 1].
        norm: of the ball.
        steps: of each APGD and FAB.
        queries: of the square attack; 0 for none.
        classes: the wrong classes of each sample that are gone toward, the likeliest
            first; no row for none.
    """
    each = lambda attack: [
        dataclasses.replace(attack, budget=attack.budget._replace(target=toward))
        for toward in classes
    ]
    if version == "fooljax":
        climb = _stopping(apgd(epsilon, steps, norm=norm))
        squares = {SQUARE: [square(epsilon, queries, norm=norm)]} if queries else {}
        toward = {"apgd toward classes": each(climb)} if len(classes) else {}
        return {"apgd": [climb], **toward, **squares}

    begin = functools.partial(apgd, epsilon, steps, norm=norm, random_start="surface")
    climb, ratio = _stopping(begin(loss=goals.cross_entropy)), _stopping(begin(loss=dlr))
    nearest = fab(steps, norm=norm, restarts=_STARTS, radius=epsilon)
    to_class = fab(steps, norm=norm, target=0)
    squares = {SQUARE: [square(epsilon, queries, norm=norm, schedule=_SCHEDULE)]} if queries else {}
    toward, nearer = {}, {}
    if len(classes):
        toward = {"apgd toward classes": each(climb)}
        nearer = {"fab toward classes": each(to_class)}
    if version == "autoattack":
        return {"apgd": [climb], **toward, **nearer, **squares}
    untargeted = {"apgd": [climb] * _STARTS, "apgd on the ratio": [ratio] * _STARTS}
    return {**untargeted, "fab": [nearest], **squares, **toward, **nearer}


def described(version: Version, steps: int, targets: int, queries: int) -> str:
    """Return the version, and in which numbers it is not the published one."""
    given = {"steps": (steps, STEPS), "targets": (targets, TARGETS), "queries": (queries, QUERIES)}
    other = [f"{mine} {name}" for name, (mine, published) in given.items() if mine != published]
    return f"{version}, but {', '.join(other)}" if other else version


def _stopping(attack: Attack) -> Attack:
    """Return what leaves a sample alone once it is fooled."""
    return dataclasses.replace(attack, stops=True)
