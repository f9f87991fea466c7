"""The attacks of ``experiments.perturb`` by name."""

import dataclasses
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from experiments.perturb_noise import noise
from fooljax import attacks
from fooljax.attacks import Attack

Norm = Literal["linf", "l2", "l1"]
NORM_NAMES: dict[Norm, str] = {"linf": "Linf", "l2": "L2", "l1": "L1"}
AIMED = "-targeted"  # after the name of an attack: the same toward a random other class


class Effort(NamedTuple):
    """How much work an attack may do.

    Attributes:
        steps: gradient steps.
        queries: forward passes of attacks without gradients.
    """

    steps: int
    queries: int


@dataclass(frozen=True)
class Method:
    """An attack as the command line knows it.

    Attributes:
        make: ``(effort, epsilon) -> attack``; what a method does not need it ignores.
        norm: in which a ball is a ball, or near is near.
        kind: ``ball`` (as wrong as possible within epsilon), ``nearest`` (wrong, as
            near as possible), ``control`` (sized like a ball attack, but knows
            nothing of the network) or ``cascade`` (``attacks.standard``, which is
            several attacks).
        about: what it does, for readers of the page.
        curve: whether it runs with every epsilon of the robustness curve.
        aimable: whether it can be given a target class.
        aimed: whether it is given one.
        restarts: how often it starts; the best image is kept.
    """

    make: Callable[[Effort, float], Attack]
    norm: Norm
    kind: Literal["ball", "nearest", "control", "cascade"]
    about: str
    curve: bool = False
    aimable: bool = True
    aimed: bool = False
    restarts: int = 1


def _ball(attack: Callable[..., Attack], **settings: Any) -> Callable[[Effort, float], Attack]:
    return lambda effort, epsilon: attack(epsilon, steps=effort.steps, **settings)


def _several(effort: Effort, epsilon: float) -> Attack:
    raise AssertionError("a cascade is no single attack")


_SIGN = "one step along the sign of the gradient (Goodfellow et al., 2015)"
_WALK = "many gradient steps of fixed length in the ball (Madry et al., 2018)"
_AUTO = "gradient steps whose length halves by itself (Croce & Hein, 2020)"
_SQUARES = "random squares, by the network's scores only (Andriushchenko et al., 2020)"
_STRATEGY = "an evolution strategy for each image, by scores only"
_NEAR = "walks to the nearest linearized boundary (Moosavi-Dezfooli et al., 2016)"
_SPHERE = "gradient steps on a sphere that shrinks on success (Rony et al., 2019)"
_TRADE = "trades distance against the margin, by Adam (Carlini & Wagner, 2017)"
_NEWTON = "trades distance against the loss, by L-BFGS (Szegedy et al., 2014)"
_LABELS = "follows the boundary, by the network's answers only (Chen et al., 2020)"
_CASCADE = "APGD, APGD toward each likely class, squares: each on what resisted until then"
_LUCK = "random noise of exactly that size, the most harmful of ten draws; knows nothing"

METHODS: dict[str, Method] = {
    "fgsm": Method(lambda _, epsilon: attacks.fgsm(epsilon), "linf", "ball", _SIGN, curve=True),
    "pgd": Method(_ball(attacks.pgd, random_start=True), "linf", "ball", _WALK, curve=True),
    "pgd-restarts": Method(
        _ball(attacks.pgd, random_start=True),
        "linf",
        "ball",
        f"{_WALK}, the best of ten random starts",
        restarts=10,
    ),
    "apgd": Method(_ball(attacks.apgd), "linf", "ball", _AUTO, curve=True),
    "apgd-dlr": Method(_ball(attacks.apgd, loss=attacks.dlr), "linf", "ball", f"{_AUTO}, DLR loss"),
    "square": Method(
        lambda effort, epsilon: attacks.square(epsilon, effort.queries),
        "linf",
        "ball",
        _SQUARES,
        curve=True,
    ),
    "evolution": Method(
        lambda effort, epsilon: attacks.score_evolution(
            epsilon, population=20, steps=max(1, effort.queries // 20)
        ),
        "linf",
        "ball",
        _STRATEGY,
    ),
    "deepfool-linf": Method(
        lambda *_: attacks.deepfool(norm="linf"), "linf", "nearest", _NEAR, aimable=False
    ),
    "standard": Method(_several, "linf", "cascade", _CASCADE, aimable=False),
    "pgd-l2": Method(
        _ball(attacks.pgd, random_start=True, norm="l2"), "l2", "ball", _WALK, curve=True
    ),
    "apgd-l2": Method(_ball(attacks.apgd, norm="l2"), "l2", "ball", _AUTO, curve=True),
    "deepfool": Method(lambda *_: attacks.deepfool(), "l2", "nearest", _NEAR, aimable=False),
    "ddn": Method(lambda effort, _: attacks.ddn(2 * effort.steps), "l2", "nearest", _SPHERE),
    "carlini-wagner": Method(
        lambda effort, _: attacks.carlini_wagner(
            2 * effort.steps, rounds=5, step_size=0.05, first_c=0.1
        ),
        "l2",
        "nearest",
        _TRADE,
    ),
    "lbfgs": Method(
        lambda effort, _: attacks.lbfgs(max(1, effort.steps // 2)), "l2", "nearest", _NEWTON
    ),
    "hop-skip-jump": Method(
        lambda effort, _: attacks.hop_skip_jump(max(2, effort.queries // 100), directions=50),
        "l2",
        "nearest",
        _LABELS,
    ),
    "pgd-l1": Method(_ball(attacks.pgd, norm="l1"), "l1", "ball", _WALK),
    "standard-l2": Method(_several, "l2", "cascade", _CASCADE, aimable=False),
    "noise": Method(
        lambda _, epsilon: noise(epsilon, norm="linf"),
        "linf",
        "control",
        _LUCK,
        curve=True,
        aimable=False,
    ),
    "noise-l2": Method(
        lambda _, epsilon: noise(epsilon, norm="l2"),
        "l2",
        "control",
        _LUCK,
        curve=True,
        aimable=False,
    ),
}
AIMED_BY_DEFAULT = ("pgd", "pgd-l2", "lbfgs")


def known() -> dict[str, Method]:
    """Return all methods by name, those toward a target among them."""
    toward = {
        name + AIMED: dataclasses.replace(
            method, about=f"toward a random other class: {method.about}", curve=False, aimed=True
        )
        for name, method in METHODS.items()
        if method.aimable
    }
    return METHODS | toward


def choose(names: Sequence[str]) -> dict[str, Method]:
    """Return the methods named; a default selection for no names.

    The controls always take part.

    Raises:
        ValueError: if a name is unknown, with the nearest known one.
    """
    methods = known()
    for name in names:
        if name not in methods:
            near = difflib.get_close_matches(name, methods, 1, 0.5)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ValueError(
                f"--attacks: unknown attack {name!r}; {hint}There are {', '.join(METHODS)}; those "
                f"that can be aimed also with {AIMED} at the end"
            )
    wanted = set(names or [*METHODS, *(name + AIMED for name in AIMED_BY_DEFAULT)])
    return {
        name: method
        for name, method in methods.items()
        if name in wanted or method.kind == "control"
    }
