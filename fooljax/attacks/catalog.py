"""All attacks by name, with what they do and where they come from: add yours here.

Experiments, flags and pages know whom this table knows.
"""

from fooljax.attacks.altered import blur, brightness, contrast, salt_and_pepper
from fooljax.attacks.apgd import apgd
from fooljax.attacks.brendel_bethge import brendel_bethge
from fooljax.attacks.carlini_wagner import carlini_wagner
from fooljax.attacks.ddn import ddn
from fooljax.attacks.deepfool import deepfool
from fooljax.attacks.elastic_net import elastic_net
from fooljax.attacks.entries import (
    Effort,
    Entry,
    UniversalEntry,
    alone,
    ball,
    cascade,
    pixelwise,
)
from fooljax.attacks.estimated import nes, spsa
from fooljax.attacks.fab import fab
from fooljax.attacks.fmn import fmn
from fooljax.attacks.hop_skip_jump import hop_skip_jump
from fooljax.attacks.jsma import jsma
from fooljax.attacks.lbfgs import lbfgs
from fooljax.attacks.losses import dlr
from fooljax.attacks.noise import noise
from fooljax.attacks.one_pixel import one_pixel
from fooljax.attacks.pgd import fgsm, pgd
from fooljax.attacks.scores import score_evolution
from fooljax.attacks.simba import simba
from fooljax.attacks.spatial import spatial
from fooljax.attacks.square import square
from fooljax.attacks.universal_methods import universal_deepfool, universal_sgd

_WALK = "many gradient steps of fixed length in the ball"
_AUTO = "gradient steps whose length halves by itself"
_NEAR = "walks to the nearest linearized boundary"
_SQUARES = "random squares, by the network's scores only"
_SHRINKS = "gradient steps in a ball that shrinks on success and grows on failure"
_CASCADE = "APGD, APGD toward each likely class, squares: each on what resisted until then"
_PUBLISHED = (
    "AutoAttack's cascade: APGD, APGD and FAB toward each likely class, squares (its own numbers "
    "are 100 steps and 5,000 queries)"
)
_LEAN = "steps onto linearized boundaries that lean to the original"
_LUCK = "random noise of exactly that size, the most harmful of ten draws; knows nothing"
_MOVED = "of poses of the picture, turned by up to 30 degrees and shifted by a tenth"
_ALONG = "steps along the boundary, as near as its slope and a trust region allow"
_ESTIMATED = "gradient steps, the gradient estimated from the scores"
_GUO = "Guo et al., 2019"
_MADRY, _CROCE = "Madry et al., 2018", "Croce & Hein, 2020"
_PINTOR = "Pintor et al., 2021"
_ENGSTROM, _RAUBER = "Engstrom et al., 2019", "Rauber et al., 2020"


def _line(effort: Effort) -> int:
    """Return how many strengths are tried from none to all."""
    return max(1, effort.queries // 5)


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
    "nes": Entry(
        alone(lambda effort, epsilon: nes(
            epsilon, steps=max(1, effort.queries // 21), pairs=10, momentum=0.9
        )),
        "linf", "ball", f"{_ESTIMATED} of normal noise", "Ilyas et al., 2018", blind=True,
    ),
    "spsa": Entry(
        alone(lambda effort, epsilon: spsa(
            epsilon, 0.5 * epsilon, max(1, effort.queries // 21), pairs=10
        )),
        "linf", "ball", f"{_ESTIMATED} of random signs", "Uesato et al., 2018", blind=True,
    ),
    "deepfool-linf": Entry(
        alone(lambda *_: deepfool(norm="linf")), "linf", "nearest",
        _NEAR, "Moosavi-Dezfooli et al., 2016", aimable=False,
    ),
    "brendel-bethge-linf": Entry(
        alone(lambda effort, _: brendel_bethge(
            effort.steps, norm="linf", from_noise=False
        )),
        "linf", "nearest", _ALONG, "Brendel et al., 2019",
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
    "fmn-l0": Entry(
        alone(lambda effort, _: fmn(2 * effort.steps, norm="l0")), "l0", "nearest",
        _SHRINKS, _PINTOR,
    ),
    "fmn-l1": Entry(
        alone(lambda effort, _: fmn(2 * effort.steps, norm="l1")), "l1", "nearest",
        _SHRINKS, _PINTOR,
    ),
    "fmn": Entry(
        alone(lambda effort, _: fmn(2 * effort.steps)), "l2", "nearest", _SHRINKS, _PINTOR
    ),
    "fmn-linf": Entry(
        alone(lambda effort, _: fmn(2 * effort.steps, norm="linf")), "linf", "nearest",
        _SHRINKS, _PINTOR,
    ),
    "elastic-net": Entry(
        alone(lambda effort, _: elastic_net(
            2 * effort.steps, rounds=5, beta=0.01, rule="l1", step_size=0.05, first_c=0.1
        )),
        "l1", "nearest",
        "trades L1 and L2 against the margin, by steps that undo small changes",
        "Chen et al., 2018",
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
    "brendel-bethge": Entry(
        alone(lambda effort, _: brendel_bethge(effort.steps, from_noise=False)),
        "l2", "nearest", _ALONG, "Brendel et al., 2019",
    ),
    "hop-skip-jump": Entry(
        alone(lambda effort, _: hop_skip_jump(max(2, effort.queries // 100), directions=50)),
        "l2", "nearest",
        "follows the boundary, by the network's answers only", "Chen et al., 2020", blind=True,
    ),
    "simba": Entry(
        alone(lambda effort, epsilon: simba(epsilon, steps=effort.queries)), "l2", "ball",
        "one number after another, kept where the scores say so", _GUO, blind=True,
    ),
    "simba-dct": Entry(
        alone(lambda effort, epsilon: simba(epsilon, steps=effort.queries, basis="dct")),
        "l2", "ball", "one wave after another, kept where the scores say so", _GUO, blind=True,
    ),
    "pgd-l1": Entry(alone(ball(pgd, norm="l1")), "l1", "ball", _WALK, _MADRY),
    "one-pixel": Entry(
        pixelwise(lambda effort, pixels: one_pixel(
            pixels, steps=max(1, effort.queries // 50), population=50
        )),
        "l0", "ball", "few pixels changed entirely, found by differential evolution",
        "Su et al., 2019", blind=True,
    ),
    "standard-l2": Entry(cascade("l2"), "l2", "ball", _CASCADE, _CROCE, aimable=False),
    "jsma": Entry(
        alone(ball(jsma)), "l0", "ball",
        "brightens the two pixels whose gradients help the target and hurt the rest most",
        "Papernot et al., 2016",
    ),
    "spatial": Entry(
        alone(lambda effort, _: spatial(grid=max(2, round(effort.queries ** (1 / 3) - 0.5)))),
        "l2", "altered", f"the most harmful {_MOVED}, on a grid", _ENGSTROM, blind=True,
        of_pictures=True,
    ),
    "spatial-random": Entry(
        alone(lambda *_: spatial(draws=10)), "l2", "altered",
        f"the most harmful of ten random {_MOVED[3:]}", _ENGSTROM, blind=True,
        of_pictures=True,
    ),
    "contrast": Entry(
        alone(lambda effort, _: contrast(_line(effort))), "l2", "altered",
        "fades toward gray until the answer is wrong", _RAUBER, blind=True,
    ),
    "brightness": Entry(
        alone(lambda effort, _: brightness(_line(effort))), "l2", "altered",
        "lightens or darkens until the answer is wrong", "Hendrycks & Dietterich, 2019",
        blind=True,
    ),
    "blur": Entry(
        alone(lambda effort, _: blur(_line(effort))), "l2", "altered",
        "blurs until the answer is wrong", _RAUBER, blind=True,
        of_pictures=True,
    ),
    "salt-and-pepper": Entry(
        alone(lambda effort, _: salt_and_pepper(_line(effort), draws=effort.queries)),
        "l2", "altered", "turns random pixels white or black, as few as it takes", _RAUBER,
        blind=True,
    ),
    "fab-l2": Entry(
        alone(lambda effort, _: fab(effort.steps, norm="l2")), "l2", "nearest", _LEAN, _CROCE
    ),
    "fab-l1": Entry(
        alone(lambda effort, _: fab(effort.steps, norm="l1")), "l1", "nearest", _LEAN, _CROCE
    ),
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
