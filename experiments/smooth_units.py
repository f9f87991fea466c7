"""The pieces of work of ``experiments.smooth``: one defense, one network, all attacks."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import attacks, defenses, encodings, evolution, metrics, training
from fooljax.data import Dataset, as_float
from fooljax.runtime import units
from fooljax.types import Classifier, Defense, Images, RandomDefense, RandomKey

BARE = "bare"
NOISE = "noise"
GENERATORS = ("direct", "cppn", "ascent")
EVOLVED = ("direct", "cppn")
BEYOND = 3.0  # times the certified radius, where attacks may succeed
_INSIDE = 1.0 - 1e-4  # of the certified radius
_BATCH = 50  # times the draws of a random defense
_FEW = 10  # images at a time that resisted the gradient
_JUDGE, _ATTACKER, _RUN, _CERTIFY, _ANSWER, _CHOOSE = range(6)  # what keys are for


class Setting(NamedTuple):
    """One defense at one strength.

    Attributes:
        kind: what is done to the image.
        strength: how much, in the kind's own unit; None for nothing at all.
        defend: the defense, if it is not random.
        random: the defense, if it is.
    """

    kind: str
    strength: float | None
    defend: Defense | None = None
    random: RandomDefense | None = None

    @property
    def name(self) -> str:
        """Kind and strength."""
        return self.kind if self.strength is None else f"{self.kind} {self.strength:g}"


class Scene(NamedTuple):
    """What all pieces of work share.

    Attributes:
        classifiers: the networks.
        test: the images that accuracy is measured on.
        images: those that are changed, ``[n, h, w, c]`` in [0, 1].
        labels: of them, ``[n]``.
        certified: the images to certify, ``[m, h, w, c]``, and their labels.
        folder: run directory.
    """

    classifiers: list[Classifier]
    test: Dataset
    images: Images
    labels: np.ndarray
    certified: tuple[Images, np.ndarray]
    folder: Path


def set_scene(config: Any, classifiers: list[Classifier], test: Dataset, folder: Path) -> Scene:
    """Choose test images: for accuracy, to be changed, and to certify."""
    key = jax.random.fold_in(jax.random.key(config.seed), _CHOOSE)
    order = np.asarray(jax.random.permutation(key, len(test.labels)))
    labels = np.asarray(test.labels)
    take = lambda rows: (as_float(test.images[rows]), labels[rows])
    rows = np.sort(order[: config.test_images])
    some = Dataset(test.images[rows], labels[rows], test.class_names)
    certified = take(order[: config.certified])
    return Scene(classifiers, some, *take(order[: config.images]), certified, folder)


def settings_of(config: Any) -> list[Setting]:
    """List all defenses, the bare network first."""
    plain: list[tuple[str, Any, Callable]] = [
        ("blur", config.blur, defenses.gaussian_blur),
        ("median", config.median, defenses.median_filter),
        ("levels", config.levels, defenses.quantize),
        ("jpeg", config.jpeg, defenses.jpeg),
    ]
    random: list[tuple[str, Any, Callable]] = [
        ("resize", config.resize, defenses.resize_and_pad),
        (NOISE, config.sigmas, defenses.noisy),
    ]
    found = [Setting(BARE, None, lambda classifier: classifier)]
    for kind, strengths, defend in plain:
        found += [Setting(kind, s, _with_strength(defend, s)) for s in strengths]
    for kind, strengths, defend in random:
        found += [Setting(kind, s, random=_with_key(defend, s)) for s in strengths]
    return found


def _with_strength(defend: Callable, strength: float) -> Defense:
    return lambda classifier: defend(classifier, strength)


def _with_key(defend: Callable, strength: float) -> RandomDefense:
    return lambda key, classifier: defend(key, classifier, strength)


def unit_name(setting: Setting, network: int) -> str:
    """Name the piece of work that attacks one network behind one defense."""
    return f"{setting.name.replace(' ', '-')}-network-{network + 1}"


def certificate_name(sigma: float, network: int) -> str:
    """Name the piece of work that certifies one network at one noise."""
    return f"certificate-{sigma:g}-network-{network + 1}"


def plan(config: Any, scene: Scene) -> dict[str, Callable[[], Mapping[str, Any]]]:
    """List all pieces of work by name, those of the bare networks first."""
    work: dict[str, Callable[[], Mapping[str, Any]]] = {}
    for setting in settings_of(config):
        for network in range(len(scene.classifiers)):
            work[unit_name(setting, network)] = functools.partial(
                _attack, config, scene, setting, network
            )
    for sigma in config.sigmas:
        for network in range(len(scene.classifiers)):
            work[certificate_name(sigma, network)] = functools.partial(
                _certify, config, scene, sigma, network
            )
    return work


def _key(config: Any, use: int, network: int) -> RandomKey:
    root = jax.random.fold_in(jax.random.key(config.seed), use)
    return jax.random.fold_in(root, network)


def defended(
    config: Any, setting: Setting, classifier: Classifier, network: int, *, judge: bool
) -> Classifier:
    """Return the defended network, or what the adversary who knows it takes gradients through.

    They differ for random defenses only: other draws, and another number of them.
    """
    if setting.random is None:
        return setting.defend(classifier)
    key = _key(config, _JUDGE if judge else _ATTACKER, network)
    draws = config.judge_draws if judge else config.draws
    return defenses.expectation(key, setting.random, classifier, draws)


def _attack(config: Any, scene: Scene, setting: Setting, network: int) -> dict[str, Any]:
    """Attack one defended network, and show it what was made for the bare one.

    Returns:
        ``accuracy []``, answers ``clean [n]``, ``naive``, ``gradient`` and ``free``
        ``[e, n]``, the last one to what squares made of images that had resisted the
        gradient; for every generator ``G-images [k, ...]``, ``G-confidence [k]`` of
        those made against the defended network and ``G-naive [k]`` of those made for
        the bare one; for those evolved ``G-history [generations + 1, k]``; for the bare
        network also the ``changed [e, n, ...]`` images.
    """
    bare = setting.kind == BARE
    classifier = scene.classifiers[network]
    judge = defended(config, setting, classifier, network, judge=True)
    through = defended(config, setting, classifier, network, judge=False)
    shown = {}
    if not bare:
        first = settings_of(config)[0]
        shown = units.compute(
            scene.folder,
            unit_name(first, network),
            functools.partial(_attack, config, scene, first, network),
        )
    key = _key(config, _RUN, network)
    answers = lambda images: np.stack([_answers(judge, one) for one in images])
    changed = np.stack([_climb(config, scene, key, through, one) for one in config.epsilons])
    told = {
        "accuracy": np.mean(_answers(judge, scene.test.images) == np.asarray(scene.test.labels)),
        "clean": _answers(judge, scene.images),
        "gradient": answers(changed),
        "naive": answers(changed if bare else shown["changed"]),
    }
    told["free"] = told["gradient"].copy()
    for place, epsilon in enumerate(config.epsilons):
        rows = np.flatnonzero(
            (told["gradient"][place] == scene.labels) & (told["clean"] == scene.labels)
        )
        if len(rows):
            found = _squares(config, scene, key, through, epsilon, rows)
            told["free"][place, rows] = _answers(judge, found)
    if bare:
        told["changed"] = changed
    for generator in config.generators:
        key_made = jax.random.fold_in(key, GENERATORS.index(generator))
        made = _fool(config, key_made, through, generator)
        told |= {f"{generator}-{what}": value for what, value in made.items()}
        told[f"{generator}-confidence"] = _confidence(judge, made["images"])
        old = made["images"] if bare else shown[f"{generator}-images"]
        told[f"{generator}-naive"] = _confidence(judge, old)
    return told


def _climb(
    config: Any, scene: Scene, key: RandomKey, classifier: Classifier, epsilon: float
) -> np.ndarray:
    """Change all images by gradient."""
    attack = attacks.pgd(epsilon, steps=config.steps, random_start=True, loss=attacks.margin)
    goal = attacks.leave(jnp.asarray(scene.labels))
    found = attacks.run(attack, key, classifier, scene.images, goal, batch_size=_BATCH)
    return np.asarray(found.images)


def _squares(
    config: Any,
    scene: Scene,
    key: RandomKey,
    classifier: Classifier,
    epsilon: float,
    rows: np.ndarray,
) -> np.ndarray:
    """Change some of the images without gradients."""
    # filled up with the last one: any number of images is the same program
    padded = np.append(rows, np.repeat(rows[-1:], -len(rows) % _FEW))
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, padded)
    goal = attacks.leave(jnp.asarray(scene.labels[padded]))
    attack = attacks.square(epsilon, config.queries)
    found = attacks.run(attack, keys, classifier, scene.images[padded], goal, batch_size=_FEW)
    return np.asarray(found.images)[: len(rows)]


def _fool(
    config: Any, key: RandomKey, classifier: Classifier, generator: str
) -> dict[str, np.ndarray]:
    """Make an image of every class from nothing."""
    shape, classes = tuple(classifier.input_shape), classifier.num_classes
    if generator == "ascent":
        noise = jax.random.uniform(jax.random.fold_in(key, 0), (classes, *shape), dtype=jnp.float32)
        goal = attacks.reach(jnp.arange(classes, dtype=jnp.int32))
        climb = attacks.ascent(config.ascent_steps)
        found = attacks.run(climb, jax.random.fold_in(key, 1), classifier, noise, goal)
        return {"images": np.asarray(found.images)}
    encoding = encodings.direct(shape) if generator == "direct" else encodings.cppn(shape)
    search = evolution.map_elites(encoding, config.children)
    state, first = evolution.start(key, search, classifier)
    state, infos = evolution.advance(key, search, classifier, state, config.generations)
    history = np.concatenate([np.asarray(first.confidence)[None], np.asarray(infos.confidence)])
    return {"images": np.asarray(_express(encoding, state.archive)), "history": history}


def _certify(config: Any, scene: Scene, sigma: float, network: int) -> dict[str, Any]:
    """Certify test images, and attack every one of them inside and far outside its radius.

    Returns:
        ``answers [m]`` and ``radii [m]`` of the certificates, and answers of the
        smoothed network to the attacked images, ``inside [m]`` and ``beyond [m]``,
        -1 where it abstains and -2 where nothing was certified.
    """
    images, _ = scene.certified
    classifier = scene.classifiers[network]
    key = _key(config, _CERTIFY, network)
    how = {"samples": config.samples, "alpha": config.alpha}
    found = defenses.certify(key, classifier, images, sigma, selection=config.selection, **how)
    rows = np.flatnonzero(found.radii > 0.0)
    told = {"answers": found.answers, "radii": found.radii}
    setting = Setting(NOISE, sigma, random=_with_key(defenses.noisy, sigma))
    through = defended(config, setting, classifier, network, judge=False)
    for place, (name, times) in enumerate((("inside", _INSIDE), ("beyond", BEYOND))):
        told[name] = np.full(len(images), -2)
        if not len(rows):
            continue
        balls = [
            attacks.pgd(times * radius, steps=config.steps, norm="l2", loss=attacks.margin)
            for radius in found.radii[rows]
        ]
        budgets = [ball.budget for ball in balls]  # numbers for each image; the steps are one's
        budget = jax.tree.map(lambda *ones: jnp.asarray(ones, jnp.float32), *budgets)
        attack = dataclasses.replace(balls[0], budget=budget)
        goal = attacks.leave(jnp.asarray(found.answers[rows]))
        run_key = jax.random.fold_in(_key(config, _RUN, network), 100 + place)
        hit = attacks.run(attack, run_key, through, images[rows], goal).images
        answer_key = jax.random.fold_in(_key(config, _ANSWER, network), place)
        told[name][rows] = defenses.predict_smoothed(answer_key, classifier, hit, sigma, **how)
    return told


def _answers(classifier: Classifier, images: Any) -> np.ndarray:
    return training.predict(classifier, images, _BATCH)


def _confidence(classifier: Classifier, images: Any) -> np.ndarray:
    """How sure a network is of image ``k`` being of class ``k``."""
    return np.diagonal(np.asarray(_probabilities(classifier, jnp.asarray(images))))


_probabilities = jax.jit(lambda classifier, images: metrics.probabilities(classifier(images)))
_express = jax.jit(evolution.express_elites, static_argnums=0)
