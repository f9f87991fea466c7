"""The pieces of work of ``experiments.harden_universal``: a round's training, or a test of it."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from fooljax import attacks, training
from fooljax.data import Splits, as_float
from fooljax.runtime import units
from fooljax.runtime.victim import Prepared
from fooljax.types import Classifier, RandomKey

_INNER_STEPS = 2
_CANDIDATES = 3
_PGD_STEPS = 40
_TUNE_BATCH = 64
CONTROL = -1  # in place of a number of rounds: as long, and without perturbations
_POOL, _TUNE, _RANDOM, _PGD = range(4)  # of a round's random numbers; tests come after them


class Scene(NamedTuple):
    """What all pieces of work share.

    Attributes:
        start: the network before any round.
        splits: real images.
        test: held-out images, ``[t, h, w, c]``.
        labels: of them.
        recipe: how a round trains on.
    """

    start: Classifier
    splits: Splits
    test: Any
    labels: np.ndarray
    recipe: training.Recipe


def set_scene(config: Any, network: Prepared) -> Scene:
    """Choose the held-out images."""
    splits = network.splits
    assert splits is not None  # --dataset none has been refused
    count = len(splits.test.images)
    chosen = np.linspace(0, count - 1, min(config.test_images, count)).astype(int)
    recipe = training.Recipe(
        optax.adam(config.tune_learning_rate),
        training.perturbed_minibatches(_TUNE_BATCH, config.share),
        config.tune_steps,
    )
    labels = np.asarray(splits.test.labels)[chosen]
    return Scene(network.classifier, splits, splits.test.images[chosen], labels, recipe)


def unit_name(turn: int, what: str) -> str:
    """Name a piece of work on the network after ``turn`` rounds, or on the control."""
    return f"control-{what}" if turn == CONTROL else f"{turn:02}-{what}"


def plan(config: Any, scene: Scene, folder: Path) -> dict[str, Callable[[], Mapping[str, Any]]]:
    """List all pieces of work by name, in an order in which each finds what it needs."""
    work: dict[str, Callable[[], Mapping[str, Any]]] = {}
    read = lambda name: units.compute(folder, name, work[name])
    for turn in (*range(config.rounds + 1), CONTROL):
        pieces: dict[str, tuple[Any, ...]] = {} if turn == 0 else {"network": (_tune,)}
        if 0 <= turn < config.rounds:
            pieces |= {f"pool-{i + 1}": (_learn_pool, i) for i in range(config.pool)}
        for method in config.methods:
            pieces |= {f"{method}-{i + 1}": (_test, method, i) for i in range(config.tests)}
        pieces["measures"] = (_measure,)
        for what, (function, *arguments) in pieces.items():
            work[unit_name(turn, what)] = functools.partial(
                function, config, scene, read, turn, *arguments
            )
    return work


def _key(config: Any, turn: int, place: int) -> RandomKey:
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(config.seed), turn + 1), place)


def _network(scene: Scene, read: Callable, turn: int) -> Classifier:
    """Return the network after some rounds."""
    if turn == 0:
        return scene.start
    stored = read(unit_name(turn, "network"))
    tree = jax.tree.structure(scene.start.params)
    leaves = [jax.numpy.asarray(stored[f"weights_{i:03}"]) for i in range(tree.num_leaves)]
    return dataclasses.replace(scene.start, params=jax.tree.unflatten(tree, leaves))


def _pool(config: Any, read: Callable, turn: int) -> np.ndarray:
    """Perturbations that the round after ``turn`` trains on."""
    names = [unit_name(turn, f"pool-{i + 1}") for i in range(config.pool)]
    return np.stack([read(name)["perturbation"] for name in names])


def _tune(config: Any, scene: Scene, read: Callable, turn: int) -> Mapping[str, Any]:
    """Train the network of the round before on, with perturbations made for it."""
    recipe, before = scene.recipe, _network(scene, read, max(turn - 1, 0))
    samples = training.with_perturbations(scene.splits.train, _pool(config, read, max(turn - 1, 0)))
    if turn == CONTROL:
        recipe = recipe._replace(
            sampler=training.perturbed_minibatches(_TUNE_BATCH, 0.0),
            steps=config.rounds * config.tune_steps,
        )
    key = _key(config, turn, _TUNE)
    after, losses = training.fit(key, before, samples, **recipe._asdict())
    leaves = jax.tree.leaves(after.params)
    weights = {f"weights_{place:03}": leaf for place, leaf in enumerate(leaves)}
    return {**weights, "last_loss": losses[-100:].mean()}


def _learn(config: Any, key: RandomKey, classifier: Classifier, images: Any, method: str) -> Any:
    """Make a universal perturbation from training images in an order of its own."""
    if method == "sgd":
        way, steps = attacks.universal_sgd(config.epsilon), config.steps
    else:
        way = attacks.universal_deepfool(config.epsilon, steps=_INNER_STEPS, candidates=_CANDIDATES)
        steps = config.deepfool_steps
    made = attacks.run_universal(
        way, key, classifier, images, steps=steps, batch_size=config.batch_size
    )
    return made.perturbation


def _learn_pool(
    config: Any, scene: Scene, read: Callable, turn: int, index: int
) -> Mapping[str, Any]:
    classifier, key = _network(scene, read, turn), _key(config, turn, _POOL)
    images = scene.splits.train.images
    key = jax.random.fold_in(key, index)
    return {"perturbation": _learn(config, key, classifier, images, config.pool_method)}


def _test(
    config: Any, scene: Scene, read: Callable, turn: int, method: str, index: int
) -> Mapping[str, Any]:
    """Make a new perturbation for the network, and try it on held-out images."""
    classifier = _network(scene, read, turn)
    place = 10 + ("sgd", "deepfool").index(method)
    key = jax.random.fold_in(_key(config, turn, place), index)
    found = _learn(config, key, classifier, scene.splits.train.images, method)
    return {"perturbation": found, "rate": _fooled(scene, classifier, found)}


def _fooled(scene: Scene, classifier: Classifier, perturbation: Any) -> float:
    """Share of held-out images whose answer a perturbation changes."""
    before = attacks.perturbed_answers(classifier, scene.test)
    after = attacks.perturbed_answers(classifier, scene.test, perturbation)
    return attacks.share_fooled(before, after, classifier.num_classes)


def _measure(config: Any, scene: Scene, read: Callable, turn: int) -> Mapping[str, Any]:
    """Test a network by everything that was not made anew against it as one change.

    Returns:
        ``accuracy`` on all test images; rates of ``random`` signs ``[tests]``, of the
        pool that it was ``trained_on`` last ``[p]``, and of the ``first`` pool ``[p]``;
        ``pgd``, the share of images it is right about that PGD changes its mind on.
    """
    classifier = _network(scene, read, turn)
    key_random, shape = _key(config, turn, _RANDOM), scene.test.shape[1:]
    random = [
        attacks.random_perturbation(
            jax.random.fold_in(key_random, i), shape, config.epsilon, "linf"
        )
        for i in range(config.tests)
    ]
    tried = lambda pool: np.array([_fooled(scene, classifier, one) for one in pool])
    known = attacks.perturbed_answers(classifier, scene.test) == scene.labels
    rows = np.flatnonzero(known)[: config.pgd_images]
    pgd = float("nan")
    if rows.size:
        attack = attacks.pgd(config.pgd_epsilon, steps=_PGD_STEPS, random_start=True)
        goal = attacks.leave(jax.numpy.asarray(scene.labels[rows]))
        images = as_float(scene.test[rows])
        found = attacks.run(attack, _key(config, turn, _PGD), classifier, images, goal)
        pgd = float(np.mean(found.success))
    return {
        "accuracy": training.evaluate(classifier, scene.splits.test),
        "random": tried(random),
        "trained_on": tried(_pool(config, read, max(turn - 1, 0))),
        "first": tried(_pool(config, read, 0)),
        "pgd": pgd,
    }
