"""All attacks by name, with what they do and where they come from: add yours here.

An entry is asked for many epsilons at once and told how much work it may do; a cascade
of several attacks is an entry like the others. Experiments, flags and pages know whom
this table knows.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from fooljax import checks
from fooljax.attacks.apgd import apgd
from fooljax.attacks.attack import Attack, RandomKeys
from fooljax.attacks.carlini_wagner import carlini_wagner
from fooljax.attacks.ddn import ddn
from fooljax.attacks.deepfool import deepfool
from fooljax.attacks.goals import Goal
from fooljax.attacks.hop_skip_jump import hop_skip_jump
from fooljax.attacks.lbfgs import lbfgs
from fooljax.attacks.losses import dlr
from fooljax.attacks.noise import noise
from fooljax.attacks.pgd import fgsm, pgd
from fooljax.attacks.result import AttackResult
from fooljax.attacks.scores import score_evolution
from fooljax.attacks.square import square
from fooljax.attacks.standard import standard
from fooljax.attacks.sweep import sweep
from fooljax.attacks.universal import Universal
from fooljax.attacks.universal_methods import universal_deepfool, universal_sgd
from fooljax.types import Classifier, Images, RandomKey

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


#: ``(key, classifier, images, goal, effort, epsilons) -> result`` with leaves ``[e, n, ...]``;
#: the key is one, or one for each image.
Perturb: TypeAlias = Callable[
    [RandomKey | RandomKeys, Classifier, Images, Goal, Effort, Sequence[float]], AttackResult
]


class Entry(NamedTuple):
    """An attack that can be asked for by name.

    Attributes:
        perturb: attacks images with every epsilon; what it does not need it ignores.
        norm: in which a ball is a ball, or near is near.
        kind: ``ball`` (as wrong as possible within epsilon), ``nearest`` (wrong, as
            near as possible) or ``control`` (sized like a ball attack, but knows
            nothing of the network).
        words: what it does, for readers of a page.
        source: who published it, if anybody did.
        curve: whether it is fit for many epsilons, as a robustness curve has them.
        aimable: whether it can be given a target class.
        aimed: whether it is given one.
        blind: whether it sees no gradient.
    """

    perturb: Perturb
    norm: Norm
    kind: Literal["ball", "nearest", "control"]
    words: str
    source: str = ""
    curve: bool = False
    aimable: bool = True
    aimed: bool = False
    blind: bool = False

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
    """Return the entries that can be aimed, each toward a random other class."""
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
    """
    if isinstance(made, Entry):
        return made
    attack = made(0.1) if callable(made) and not isinstance(made, Attack) else made
    if attack is made or not isinstance(attack, Attack):
        raise ValueError(
            f"must be a function epsilon -> attacks.Attack, or an attacks.Entry, got "
            f"{checks.shown(attack)}"
        )
    perturb = _alone(lambda _, epsilon: made(epsilon))
    return Entry(perturb, "linf", "ball", f"an attack of your own, {name}", curve=True)


def _alone(make: Callable[[Effort, float], Attack], restarts: int = 1) -> Perturb:
    """Run one attack, all epsilons together."""
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


def _ball(attack: Callable[..., Attack], **settings: Any) -> Callable[[Effort, float], Attack]:
    return lambda effort, epsilon: attack(epsilon, steps=effort.steps, **settings)


def _cascade(norm: Literal["linf", "l2"]) -> Perturb:
    """Run the standard cascade, an epsilon after the other."""

    def perturb(
        key: RandomKey | RandomKeys,
        classifier: Classifier,
        images: Images,
        goal: Goal,
        effort: Effort,
        epsilons: Sequence[float],
    ) -> AttackResult:
        found = [
            standard(
                jnp.ravel(key)[0],  # it makes a key for each image itself
                classifier,
                images,
                goal,
                epsilon,
                norm=norm,
                steps=effort.steps,
                queries=effort.queries,
                batch_size=len(images),
            ).result
            for epsilon in epsilons
        ]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *found)

    return perturb


_WALK = "many gradient steps of fixed length in the ball"
_AUTO = "gradient steps whose length halves by itself"
_NEAR = "walks to the nearest linearized boundary"
_SQUARES = "random squares, by the network's scores only"
_CASCADE = "APGD, APGD toward each likely class, squares: each on what resisted until then"
_LUCK = "random noise of exactly that size, the most harmful of ten draws; knows nothing"
_MADRY, _CROCE = "Madry et al., 2018", "Croce & Hein, 2020"

# fmt: off
CATALOG: dict[str, Entry] = {
    "fgsm": Entry(
        _alone(lambda _, epsilon: fgsm(epsilon)), "linf", "ball",
        "one step along the sign of the gradient", "Goodfellow et al., 2015", curve=True,
    ),
    "pgd": Entry(_alone(_ball(pgd, random_start=True)), "linf", "ball", _WALK, _MADRY, curve=True),
    "pgd-restarts": Entry(
        _alone(_ball(pgd, random_start=True), restarts=10), "linf", "ball",
        f"{_WALK}, the best of ten random starts", _MADRY,
    ),
    "apgd": Entry(_alone(_ball(apgd)), "linf", "ball", _AUTO, _CROCE, curve=True),
    "apgd-dlr": Entry(
        _alone(_ball(apgd, loss=dlr)), "linf", "ball", f"{_AUTO}, DLR loss", _CROCE
    ),
    "square": Entry(
        _alone(lambda effort, epsilon: square(epsilon, effort.queries)), "linf", "ball",
        _SQUARES, "Andriushchenko et al., 2020", curve=True, blind=True,
    ),
    "evolution": Entry(
        _alone(lambda effort, epsilon: score_evolution(
            epsilon, population=20, steps=max(1, effort.queries // 20)
        )),
        "linf", "ball", "an evolution strategy for each image, by scores only", blind=True,
    ),
    "deepfool-linf": Entry(
        _alone(lambda *_: deepfool(norm="linf")), "linf", "nearest",
        _NEAR, "Moosavi-Dezfooli et al., 2016", aimable=False,
    ),
    "standard": Entry(_cascade("linf"), "linf", "ball", _CASCADE, _CROCE, aimable=False),
    "pgd-l2": Entry(
        _alone(_ball(pgd, random_start=True, norm="l2")), "l2", "ball", _WALK, _MADRY, curve=True
    ),
    "apgd-l2": Entry(_alone(_ball(apgd, norm="l2")), "l2", "ball", _AUTO, _CROCE, curve=True),
    "deepfool": Entry(
        _alone(lambda *_: deepfool()), "l2", "nearest",
        _NEAR, "Moosavi-Dezfooli et al., 2016", aimable=False,
    ),
    "ddn": Entry(
        _alone(lambda effort, _: ddn(2 * effort.steps)), "l2", "nearest",
        "gradient steps on a sphere that shrinks on success", "Rony et al., 2019",
    ),
    "carlini-wagner": Entry(
        _alone(lambda effort, _: carlini_wagner(
            2 * effort.steps, rounds=5, step_size=0.05, first_c=0.1
        )),
        "l2", "nearest",
        "trades distance against the margin, by Adam", "Carlini & Wagner, 2017",
    ),
    "lbfgs": Entry(
        _alone(lambda effort, _: lbfgs(max(1, effort.steps // 2))), "l2", "nearest",
        "trades distance against the loss, by L-BFGS", "Szegedy et al., 2014",
    ),
    "hop-skip-jump": Entry(
        _alone(lambda effort, _: hop_skip_jump(max(2, effort.queries // 100), directions=50)),
        "l2", "nearest",
        "follows the boundary, by the network's answers only", "Chen et al., 2020", blind=True,
    ),
    "pgd-l1": Entry(_alone(_ball(pgd, norm="l1")), "l1", "ball", _WALK, _MADRY),
    "standard-l2": Entry(_cascade("l2"), "l2", "ball", _CASCADE, _CROCE, aimable=False),
    "noise": Entry(
        _alone(lambda _, epsilon: noise(epsilon, norm="linf")), "linf", "control",
        _LUCK, curve=True, aimable=False, blind=True,
    ),
    "noise-l2": Entry(
        _alone(lambda _, epsilon: noise(epsilon, norm="l2")), "l2", "control",
        _LUCK, curve=True, aimable=False, blind=True,
    ),
}

UNIVERSAL: dict[str, UniversalEntry] = {
    "sgd": UniversalEntry(
        lambda epsilon, norm: universal_sgd(epsilon, norm=norm),
        "follows the gradient of the mean loss of a batch of images",
        "Shafahi et al., 2020",
    ),
    "deepfool": UniversalEntry(
        lambda epsilon, norm: universal_deepfool(epsilon, norm=norm, steps=2, candidates=3),
        "walks each image of a batch that is not fooled yet to its nearest wrong answer, and "
        "follows what these ways have in common",
        "Moosavi-Dezfooli et al., 2017",
    ),
}
