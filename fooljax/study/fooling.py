"""Ways to make images that show nothing, by name, controls included: add yours here.

Every encoding of the catalog is such a way, too.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from fooljax import attacks, encodings, metrics
from fooljax.attacks.ascent import Rule
from fooljax.attacks.regularization import Regularization
from fooljax.attacks.universal_measures import add
from fooljax.media import medium_of
from fooljax.study.evolved import evolve
from fooljax.study.making import SURE, Made, Make, Maker, Makers, Material
from fooljax.study.outputs import confidences
from fooljax.study.settings import Making
from fooljax.study.unaimed import CONTROLS, is_picture, quiet, takes_for, uniform
from fooljax.types import Classifier, Images, RandomKey

_UNIVERSAL_BATCH = 50
_NGUYEN = "Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897"

Build = Callable[[Making, tuple[int, ...]], Make]
#: ``(key, making, classifier) -> (where an attack starts, the classes to show)``
Start = Callable[[RandomKey, Making, Classifier], tuple[Images, Int[Array, " n"]]]


def _evolved(entry: encodings.Entry) -> Maker:
    def build(making: Making, shape: tuple[int, ...]) -> Make:
        encoding = entry.build(shape, medium_of(shape))
        spent = making.children * np.arange(1, making.generations + 2)

        def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
            del material
            images, history = evolve(key, classifier, encoding, making.children, making.generations)
            cost = metrics.evaluations_to_reach(history, spent, SURE)
            return Made(images, _classes(classifier), history, cost)

        return make

    return Maker("fooling", False, f"evolved {entry.words}", entry.source, build, blind=True)


def _from_noise(
    key: RandomKey, making: Making, classifier: Classifier
) -> tuple[Images, Int[Array, " k"]]:
    """Start from uniform noise, once for each class."""
    targets = _classes(classifier)
    return uniform(key, (len(targets), *classifier.input_shape)), targets


def _from_quiet_noise(
    key: RandomKey, making: Making, classifier: Classifier
) -> tuple[Images, Int[Array, " k"]]:
    """Start from faint noise, once for each class."""
    targets = _classes(classifier)
    return quiet(key, (len(targets), *classifier.input_shape)), targets


def _from_seen_noise(
    key: RandomKey, making: Making, classifier: Classifier
) -> tuple[Images, Int[Array, " n"]]:
    """Start from uniform noise, toward whatever the network takes it for."""
    noise = uniform(key, (making.images, *classifier.input_shape))
    return noise, takes_for(classifier, noise)


def _from_plain(
    key: RandomKey, making: Making, classifier: Classifier
) -> tuple[Images, Int[Array, " k"]]:
    """Start from plain grounds of any grey, once for each class."""
    targets = _classes(classifier)
    shape = (len(targets), *classifier.input_shape)
    grey = jax.random.uniform(key, (len(targets), *(1 for _ in shape[1:])), dtype=jnp.float32)
    return jnp.broadcast_to(grey, shape), targets


def _climbed(
    attack: Callable[[Making, tuple[int, ...]], attacks.Attack], start: Start = _from_noise
) -> Build:
    """Follow gradients toward a class."""

    def build(making: Making, shape: tuple[int, ...]) -> Make:
        climb = attack(making, shape)

        def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
            del material
            key_start, key_run = jax.random.split(key)
            begun, targets = start(key_start, making, classifier)
            goal = attacks.confident(attacks.reach(targets), SURE)
            found = attacks.run(climb, key_run, classifier, begun, goal, trace=True)
            sure = np.asarray(found.trace) > 0.0
            passes = 2.0 * np.argmax(sure, axis=1) + 1.0  # each step a forward and a gradient pass
            return Made(found.images, targets, cost=np.where(sure.any(axis=1), passes, np.inf))

        return make

    return build


def _ascent(
    rule: Rule = "progress", regularization: Regularization | None = None
) -> Callable[[Making, tuple[int, ...]], attacks.Attack]:
    def build(making: Making, shape: tuple[int, ...]) -> attacks.Attack:
        if regularization is not None:
            is_picture(shape)
        return attacks.ascent(making.ascent_steps, rule=rule, regularization=regularization)

    return build


def _sparse(making: Making, shape: tuple[int, ...]) -> attacks.Attack:
    most = int(np.prod(shape[:-1]))
    if making.pixels > most:
        raise ValueError(f"--pixels must be at most {most}, those of an image, got {making.pixels}")
    return attacks.sparse(making.pixels)


def _near_noise(making: Making, shape: tuple[int, ...]) -> attacks.Attack:
    return attacks.pgd(making.epsilon, steps=making.pgd_steps, loss=attacks.selective)


def _signs(making: Making, shape: tuple[int, ...]) -> attacks.Attack:
    return attacks.pgd(1.0, steps=making.ascent_steps, loss=attacks.selective)


def _quiet_signs(making: Making, shape: tuple[int, ...]) -> attacks.Attack:
    return attacks.ASCENTS["signs"].build(shape, making.ascent_steps, 0.0)


def _grey_universal(making: Making, shape: tuple[int, ...]) -> Make:
    """Learn on training images what fools about them, and show it without any image."""
    method = attacks.UNIVERSAL["sgd"].build(making.epsilon, "linf")

    def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
        train = material.train
        size = min(_UNIVERSAL_BATCH, len(train.images))
        found = attacks.run_universal(
            method,
            key,
            classifier,
            train.images,
            attacks.leave(train.labels),
            steps=making.universal_steps,
            batch_size=size,
        )
        image = _add(jnp.full((1, *shape), 0.5, jnp.float32), found.perturbation)
        labels = takes_for(classifier, image)
        sure = confidences(classifier, image, labels) >= SURE
        return Made(image, labels, cost=np.where(sure, 2.0 * size * making.universal_steps, np.inf))

    return make


def _classes(classifier: Classifier) -> Int[Array, " k"]:
    return jnp.arange(classifier.num_classes, dtype=jnp.int32)


_add = jax.jit(add)
_blurry = Regularization(decay=0.001, blur=0.4)
_flat = Regularization(total_variation=20.0)


def _by_gradient(words: str, build: Build, source: str = "") -> Maker:
    return Maker("fooling", False, words, source, build)


FOOLING: Makers = {
    **{name: _evolved(entry) for name, entry in encodings.CATALOG.items()},
    "ascent": _by_gradient("made from noise by gradient ascent", _climbed(_ascent()), _NGUYEN),
    "ascent_blur": _by_gradient(
        "made from noise by gradient ascent, blurred again and again",
        _climbed(_ascent(regularization=_blurry)),
        "Yosinski et al., 2015, arXiv:1506.06579",
    ),
    "ascent_flat": _by_gradient(
        "made from noise by gradient ascent that pays for total variation",
        _climbed(_ascent("adam", _flat)),
    ),
    "signs": _by_gradient(
        "made from noise by the gradient's sign, to the class first, then to acceptance",
        _climbed(_signs),
    ),
    "quiet_signs": _by_gradient(
        "made from faint noise by small steps, by the sign of the gradients so far",
        _climbed(_quiet_signs, _from_quiet_noise),
    ),
    "sparse": _by_gradient(
        "made from a plain ground by setting a few pixels, by gradient",
        _climbed(_sparse, _from_plain),
        "Kumano et al., 2020, arXiv:2012.03843",
    ),
    "near_noise": _by_gradient(
        "made from noise, changed by at most epsilon by PGD",
        _climbed(_near_noise, _from_seen_noise),
    ),
    "grey_universal": _by_gradient(
        "made of grey and a universal perturbation, learned on real images", _grey_universal
    ),
    **CONTROLS,
}
