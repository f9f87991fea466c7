"""What it is to be an attack that can be asked for by name, and how one is made of an ``Attack``.

An entry is asked for many epsilons at once and told how much work it may do; a cascade
of several attacks is an entry like the others.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from fooljax import checks
from fooljax.attacks.attack import Attack, RandomKeys
from fooljax.attacks.goals import Goal
from fooljax.attacks.result import AttackResult
from fooljax.attacks.run import run
from fooljax.attacks.shapes import Norm
from fooljax.attacks.standard import standard
from fooljax.attacks.standard_versions import Version
from fooljax.attacks.sweep import sweep
from fooljax.attacks.universal import Universal
from fooljax.types import Classifier, Images, RandomKey

NORM_NAMES: dict[Norm, str] = {"linf": "Linf", "l2": "L2", "l1": "L1", "l0": "L0"}
Kind = Literal["ball", "nearest", "altered", "control"]
AIMED = "-targeted"  # after the name of an attack: the same toward a random other class


class Effort(NamedTuple):
    """How much work an attack may do.

    Attributes:
        steps: gradient steps.
        queries: forward passes of attacks without gradients.
    """

    steps: int
    queries: int


#: ``(key, classifier, images, goal, effort, epsilons) -> result`` with leaves ``[e, n, ...]``;
#: the key is one, or one for each image.
Perturb: TypeAlias = Callable[
    [RandomKey | RandomKeys, Classifier, Images, Goal, Effort, Sequence[float]], AttackResult
]


class Entry(NamedTuple):
    """An attack that can be asked for by name.

    Attributes:
        perturb: attacks images with every epsilon; what it does not need it ignores.
        norm: in which a ball is a ball, or near is near; of an altered image, in which
            its change is told.
        kind: ``ball`` (as wrong as possible within epsilon), ``nearest`` (wrong, as
            near as possible), ``altered`` (turned, covered, darkened ...: there is no
            epsilon, and the change need not be small) or ``control`` (sized like a ball
            attack, but knows nothing of the network).
        words: what it does, for readers of a page.
        source: who published it, if anybody did.
        curve: whether it is fit for many epsilons, as a robustness curve has them.
        aimable: whether it can be given a target class.
        aimed: whether it is given one.
        blind: whether it sees no gradient.
        of_pictures: whether it is for pictures only.
    """

    perturb: Perturb
    norm: Norm
    kind: Kind
    words: str
    source: str = ""
    curve: bool = False
    aimable: bool = True
    aimed: bool = False
    blind: bool = False
    of_pictures: bool = False

    @property
    def about(self) -> str:
        """What it does and who published it."""
        return f"{self.words} ({self.source})" if self.source else self.words


class UniversalEntry(NamedTuple):
    """A way to make one perturbation for all images that can be asked for by name.

    Attributes:
        build: ``(epsilon, norm) -> method``.
        words: what it does, as in "it follows ...".
        source: who published it.
    """

    build: Callable[[float, Literal["linf", "l2"]], Universal]
    words: str
    source: str


def aimed(catalog: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the entries that can be aimed, each toward a random other class.

    Example:
        >>> from fooljax import attacks
        >>> sorted(attacks.aimed({"pgd": attacks.CATALOG["pgd"]}))
        ['pgd-targeted']
    """
    return {
        name + AIMED: entry._replace(
            words=f"toward a random other class: {entry.words}", curve=False, aimed=True
        )
        for name, entry in catalog.items()
        if entry.aimable
    }


def own_attack(name: str, made: Any) -> Entry:
    """Return an entry for an attack that is in no catalog.

    Args:
        name: of the function, for messages and pages.
        made: an entry, or a function ``epsilon -> Attack`` whose attack stays within
            epsilon of an image in Linf.

    Raises:
        ValueError: if it is something else.

    Example:
        >>> from fooljax import attacks
        >>> mine = lambda epsilon: attacks.pgd(epsilon, steps=3)
        >>> attacks.own_attack("mine", mine).norm
        'linf'
    """
    if isinstance(made, Entry):
        return made
    make = checks.own(name, made, "epsilon -> attacks.Attack, or an attacks.Entry", Attack)
    make(0.1)
    perturb = alone(lambda _, epsilon: make(epsilon))
    return Entry(perturb, "linf", "ball", f"an attack of your own, {name}", curve=True)


def alone(make: Callable[[Effort, float], Attack], restarts: int = 1) -> Perturb:
    """Return what runs one attack, ``(effort, epsilon) -> attack``, all epsilons together."""
    return functools.partial(_sweep, make, restarts)


def _sweep(
    make: Callable[[Effort, float], Attack],
    restarts: int,
    key: RandomKey | RandomKeys,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    effort: Effort,
    epsilons: Sequence[float],
) -> AttackResult:
    return sweep(
        functools.partial(make, effort),
        epsilons,
        key,
        classifier,
        images,
        goal,
        batch_size=len(images),
        restarts=restarts,
    )


def ball(attack: Callable[..., Attack], **settings: Any) -> Callable[[Effort, float], Attack]:
    """Give ``alone`` an attack ``(epsilon, *, steps, ...)``, with some of its settings."""
    return lambda effort, epsilon: attack(epsilon, steps=effort.steps, **settings)


def pixelwise(make: Callable[[Effort, int], Attack]) -> Perturb:
    """Return what runs an attack of whole pixels, ``(effort, pixels) -> attack``.

    An epsilon is a number of values that may change. A pixel has as many as it has channels,
    so it pays for so many pixels as are entirely within it; for less than one, none changes.
    """

    def one(
        key: RandomKey | RandomKeys,
        classifier: Classifier,
        images: Images,
        goal: Goal,
        effort: Effort,
        epsilon: float,
    ) -> AttackResult:
        channels = images.shape[-1] if images.ndim > 2 else 1
        pixels = int(min(epsilon / channels, math.prod(images.shape[1:]) // channels))
        attack = make(effort, max(1, pixels))
        attack = dataclasses.replace(attack, steps=attack.steps if pixels else 0)
        return run(attack, key, classifier, images, goal)

    return _one_by_one(one)


def cascade(norm: Literal["linf", "l2"], version: Version = "fooljax") -> Perturb:
    """Return what runs the standard cascade, an epsilon after the other."""

    def one(
        key: RandomKey | RandomKeys,
        classifier: Classifier,
        images: Images,
        goal: Goal,
        effort: Effort,
        epsilon: float,
    ) -> AttackResult:
        return standard(
            key,
            classifier,
            images,
            goal,
            epsilon,
            norm=norm,
            version=version,
            steps=effort.steps,
            queries=effort.queries,
            batch_size=len(images),
        ).result

    return _one_by_one(one)


def _one_by_one(attack: Callable[..., AttackResult]) -> Perturb:
    """Return what attacks with each epsilon, the last thing given, by itself."""

    def perturb(*given: Any) -> AttackResult:
        *same, epsilons = given
        found = [attack(*same, epsilon) for epsilon in epsilons]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *found)

    return perturb
