"""All attacks by name, with what they do and where they come from: add yours here.

Experiments, flags and pages know whom this table knows.
"""

from fooljax.attacks.apgd import apgd
from fooljax.attacks.carlini_wagner import carlini_wagner
from fooljax.attacks.ddn import ddn
from fooljax.attacks.deepfool import deepfool
from fooljax.attacks.entries import Entry, UniversalEntry, alone, ball, cascade
from fooljax.attacks.fab import fab
from fooljax.attacks.hop_skip_jump import hop_skip_jump
from fooljax.attacks.lbfgs import lbfgs
from fooljax.attacks.losses import dlr
from fooljax.attacks.noise import noise
from fooljax.attacks.pgd import fgsm, pgd
from fooljax.attacks.scores import score_evolution
from fooljax.attacks.square import square
from fooljax.attacks.universal_methods import universal_deepfool, universal_sgd

_WALK = "many gradient steps of fixed length in the ball"
_AUTO = "gradient steps whose length halves by itself"
_NEAR = "walks to the nearest linearized boundary"
_SQUARES = "random squares, by the network's scores only"
_CASCADE = "APGD, APGD toward each likely class, squares: each on what resisted until then"
_PUBLISHED = (
    "AutoAttack's cascade: APGD, APGD and FAB toward each likely class, squares (its own numbers "
    "are 100 steps and 5,000 queries)"
)
_LEAN = "steps onto linearized boundaries that lean to the original"
_LUCK = "random noise of exactly that size, the most harmful of ten draws; knows nothing"
_MADRY, _CROCE = "Madry et al., 2018", "Croce & Hein, 2020"

# fmt: off
CATALOG: dict[str, Entry] = {
    "fgsm": Entry(
        alone(lambda _, epsilon: fgsm(epsilon)), "linf", "ball",
        "one step along the sign of the gradient", "Goodfellow et al., 2015", curve=True,
    ),
    "pgd": Entry(alone(ball(pgd, random_start=True)), "linf", "ball", _WALK, _MADRY, curve=True),
    "pgd-restarts": Entry(
        alone(ball(pgd, random_start=True), restarts=10), "linf", "ball",
        f"{_WALK}, the best of ten random starts", _MADRY,
    ),
    "apgd": Entry(alone(ball(apgd)), "linf", "ball", _AUTO, _CROCE, curve=True),
    "apgd-dlr": Entry(
        alone(ball(apgd, loss=dlr)), "linf", "ball", f"{_AUTO}, DLR loss", _CROCE
    ),
    "square": Entry(
        alone(lambda effort, epsilon: square(epsilon, effort.queries)), "linf", "ball",
        _SQUARES, "Andriushchenko et al., 2020", curve=True, blind=True,
    ),
    "evolution": Entry(
        alone(lambda effort, epsilon: score_evolution(
            epsilon, population=20, steps=max(1, effort.queries // 20)
        )),
        "linf", "ball", "an evolution strategy for each image, by scores only", blind=True,
    ),
    "deepfool-linf": Entry(
        alone(lambda *_: deepfool(norm="linf")), "linf", "nearest",
        _NEAR, "Moosavi-Dezfooli et al., 2016", aimable=False,
    ),
    "fab": Entry(
        alone(lambda effort, _: fab(effort.steps)), "linf", "nearest", _LEAN, _CROCE
    ),
    "standard": Entry(cascade("linf"), "linf", "ball", _CASCADE, _CROCE, aimable=False),
    "standard-autoattack": Entry(
        cascade("linf", "autoattack"), "linf", "ball", _PUBLISHED, _CROCE, aimable=False
    ),
    "pgd-l2": Entry(
        alone(ball(pgd, random_start=True, norm="l2")), "l2", "ball", _WALK, _MADRY, curve=True
    ),
    "apgd-l2": Entry(alone(ball(apgd, norm="l2")), "l2", "ball", _AUTO, _CROCE, curve=True),
    "deepfool": Entry(
        alone(lambda *_: deepfool()), "l2", "nearest",
        _NEAR, "Moosavi-Dezfooli et al., 2016", aimable=False,
    ),
    "ddn": Entry(
        alone(lambda effort, _: ddn(2 * effort.steps)), "l2", "nearest",
        "gradient steps on a sphere that shrinks on success", "Rony et al., 2019",
    ),
    "carlini-wagner": Entry(
        alone(lambda effort, _: carlini_wagner(
            2 * effort.steps, rounds=5, step_size=0.05, first_c=0.1
        )),
        "l2", "nearest",
        "trades distance against the margin, by Adam", "Carlini & Wagner, 2017",
    ),
    "lbfgs": Entry(
        alone(lambda effort, _: lbfgs(max(1, effort.steps // 2))), "l2", "nearest",
        "trades distance against the loss, by L-BFGS", "Szegedy et al., 2014",
    ),
    "hop-skip-jump": Entry(
        alone(lambda effort, _: hop_skip_jump(max(2, effort.queries // 100), directions=50)),
        "l2", "nearest",
        "follows the boundary, by the network's answers only", "Chen et al., 2020", blind=True,
    ),
    "fab-l2": Entry(
        alone(lambda effort, _: fab(effort.steps, norm="l2")), "l2", "nearest", _LEAN, _CROCE
    ),
    "pgd-l1": Entry(alone(ball(pgd, norm="l1")), "l1", "ball", _WALK, _MADRY),
    "fab-l1": Entry(
        alone(lambda effort, _: fab(effort.steps, norm="l1")), "l1", "nearest", _LEAN, _CROCE
    ),
    "standard-l2": Entry(cascade("l2"), "l2", "ball", _CASCADE, _CROCE, aimable=False),
    "standard-autoattack-l2": Entry(
        cascade("l2", "autoattack"), "l2", "ball", _PUBLISHED, _CROCE, aimable=False
    ),
    "noise": Entry(
        alone(lambda _, epsilon: noise(epsilon, norm="linf")), "linf", "control",
        _LUCK, curve=True, aimable=False, blind=True,
    ),
    "noise-l2": Entry(
        alone(lambda _, epsilon: noise(epsilon, norm="l2")), "l2", "control",
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
