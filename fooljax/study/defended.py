"""Networks with a defense each, by name: add yours here."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import defenses, encodings, evolution, models, training
from fooljax.data import Dataset
from fooljax.runtime import classifier_store, victim
from fooljax.runtime.victim import Prepared, Victim
from fooljax.study.classifiers import splits_of
from fooljax.study.evolved import express
from fooljax.study.settings import Fooling
from fooljax.types import Classifier, RandomKey

MEMBERS = 3
BLUR = 1.0
LEVELS = 4
QUALITY = 30
SIGMA = 0.25
SAMPLES = 16  # noises that the adversary averages over; the victim over twice as many
ACCEPTED = 0.95
FOOLING_RUNS = 20


class Defended(NamedTuple):
    """A network with its defense.

    Attributes:
        victim: what answers.
        stand_in: what an adversary who knows the defense asks instead: the victim
            itself, unless it is random.
    """

    victim: Classifier
    stand_in: Classifier


class Bench(NamedTuple):
    """What the defenses of one network are built from.

    Attributes:
        folder: keeps its trained networks.
        victim: settings of the plain network.
        plain: the plain network.
        held: clean images to set thresholds by.
        fooling: how images are made that a fooling class consists of.
        key: decides what is random in building them.
    """

    folder: Path
    victim: Victim
    plain: Prepared
    held: Dataset
    fooling: Fooling
    key: RandomKey

    @property
    def train(self) -> Dataset:
        """The training images."""
        return splits_of(self.plain).train


class Defense(NamedTuple):
    """A row of the table.

    Attributes:
        trains: whether it takes other networks than the one given.
        words: what it is.
        build: from what there is to a network with its defense.
    """

    trains: bool
    words: str
    build: Callable[[Bench], Defended]


def _open(classifier: Classifier) -> Defended:
    """The adversary asks the defended network itself."""
    return Defended(classifier, classifier)


def _plain(bench: Bench) -> Defended:
    return _open(bench.plain.classifier)


def _trained(bench: Bench, name: str, **changes: Any) -> Classifier:
    """Train another network, or load it where an earlier run has."""
    own = dataclasses.replace(bench.victim, classifier=str(bench.folder / name), **changes)
    return victim.prepare(own, bench.folder, lambda shape, num_classes: None).classifier


def _with_recipe(bench: Bench, recipe: Any) -> Defended:
    return _open(_trained(bench, recipe, recipe=recipe))


def _ensemble(bench: Bench) -> Defended:
    # the plain networks' seeds count up from the flag's; these keep out of their way
    others = [
        _trained(bench, f"member-{index + 1}", train_seed=bench.victim.train_seed + 1000 * index)
        for index in range(1, MEMBERS)
    ]
    return _open(defenses.ensemble([bench.plain.classifier, *others]))


def _fooling_class(bench: Bench) -> Defended:
    """Train anew with evolved images, first and last generation, as one more class."""
    config, train, own = bench.fooling, bench.train, bench.victim
    recipe = victim.build_recipe(own)
    key_start, key_fit = jax.random.split(jax.random.fold_in(bench.key, 0))
    fresh = models.build(own.model, key_start, train.input_shape, train.num_classes, rejecting=1)
    settings = {
        "defense": "fooling class",
        "dataset": own.dataset,
        "image_size": list(train.input_shape),
        "train_images": int(train.images.shape[0]),
        "model": own.model,
        "recipe": own.recipe,
        "train_steps": recipe.steps,
        "train_seed": own.train_seed,
        "key": jax.random.key_data(bench.key).tolist(),
        "runs": FOOLING_RUNS,
        "generations": config.generations,
        "children": config.children,
    }
    place = bench.folder / "fooling_class"
    stored = classifier_store.load(place, fresh, settings)
    if stored is None:
        enlarged = training.with_fooling_class(train, jnp.asarray(_evolved(bench)))
        stored, _ = training.fit(key_fit, fresh, enlarged, **recipe._asdict())
        accuracy = float(training.evaluate(stored, splits_of(bench.plain).test))
        classifier_store.save(place, stored, settings, accuracy)
    return _open(stored)


def _evolved(bench: Bench) -> np.ndarray:
    """Evolve CPPN images against the plain network, by random numbers that nobody else has."""
    classifier, config = bench.plain.classifier, bench.fooling
    encoding = encodings.CATALOG["cppn"].build(classifier.input_shape)
    search = evolution.repeat(evolution.map_elites(encoding, config.children))
    keys = jax.random.split(jax.random.fold_in(bench.key, 1), FOOLING_RUNS)
    state, _ = evolution.start(keys, search, classifier)
    first = np.asarray(express(encoding, state.archive))
    state, _ = evolution.advance(keys, search, classifier, state, config.generations)
    images = np.concatenate([first, np.asarray(express(encoding, state.archive))])
    return images.reshape(-1, *classifier.input_shape)


def _blurred(bench: Bench) -> Defended:
    return _open(defenses.gaussian_blur(bench.plain.classifier, BLUR))


def _few_levels(bench: Bench) -> Defended:
    return _open(defenses.quantize(bench.plain.classifier, LEVELS))


def _compressed(bench: Bench) -> Defended:
    return _open(defenses.jpeg(bench.plain.classifier, QUALITY))


def _smoothed(bench: Bench) -> Defended:
    """The adversary averages over other noises than the network will."""
    noise = functools.partial(_noisy, SIGMA)
    key_victim, key_adversary = jax.random.split(jax.random.fold_in(bench.key, 2))
    plain = bench.plain.classifier
    return Defended(
        defenses.expectation(key_victim, noise, plain, 2 * SAMPLES),
        defenses.expectation(key_adversary, noise, plain, SAMPLES),
    )


def _noisy(sigma: float, key: RandomKey, classifier: Classifier) -> Classifier:
    return defenses.noisy(key, classifier, sigma)


def _rejecting(bench: Bench, score: defenses.Score) -> Defended:
    """Reject what scores lower than nearly all of the images held out."""
    plain = bench.plain.classifier
    threshold = defenses.calibrate(plain, score, bench.held.images, ACCEPTED)
    return _open(defenses.reject(plain, score, threshold))


def _reject_energy(bench: Bench) -> Defended:
    return _rejecting(bench, defenses.energy())


def _reject_mahalanobis(bench: Bench) -> Defended:
    plain, train = bench.plain.classifier, bench.train
    return _rejecting(bench, defenses.mahalanobis(plain, train.images, train.labels))


DEFENSES: dict[str, Defense] = {
    "plain": Defense(False, "the network as it is", _plain),
    "fooling_class": Defense(
        True,
        "trained anew with evolved patterns (CPPN) as one more class, which rejects",
        _fooling_class,
    ),
    "outlier_exposure": Defense(
        True,
        "trained to be unsure of noise (outlier exposure)",
        functools.partial(_with_recipe, recipe="outlier_exposure"),
    ),
    "acet": Defense(
        True,
        "trained to be unsure of noise that PGD has made it sure of (ACET)",
        functools.partial(_with_recipe, recipe="acet"),
    ),
    "adversarial": Defense(
        True,
        "trained on perturbed images (PGD)",
        functools.partial(_with_recipe, recipe="adversarial"),
    ),
    "ensemble": Defense(
        True,
        f"{MEMBERS} networks that differ in their random start, mean of probabilities",
        _ensemble,
    ),
    "blur": Defense(False, f"images blurred, sigma {BLUR:g} pixels", _blurred),
    "levels": Defense(False, f"images rounded to {LEVELS} levels", _few_levels),
    "jpeg": Defense(False, f"images compressed as by JPEG, quality {QUALITY}", _compressed),
    "smoothed": Defense(
        False, f"mean of probabilities over Gaussian noises, sigma {SIGMA:g}", _smoothed
    ),
    "reject_energy": Defense(
        False, "rejects where the energy is unusual, 95 % of clean images pass", _reject_energy
    ),
    "reject_mahalanobis": Defense(
        False,
        "rejects what is far from the classes' logits, 95 % of clean images pass",
        _reject_mahalanobis,
    ),
}
