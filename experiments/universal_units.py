"""The pieces of work of ``experiments.universal``: each makes one perturbation and tries it."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from fooljax import attacks, data
from fooljax.data import Dataset, Pictures, Stream
from fooljax.runtime import progress
from fooljax.types import Classifier, RandomKey

RANDOM = "random"
_INNER_STEPS = 2
_CANDIDATES = 3


class Scene(NamedTuple):
    """What all pieces of work share.

    Attributes:
        classifiers: networks by name.
        train: images to learn from, ``[n, h, w, c]`` or on disk.
        test: held-out images, ``[t, h, w, c]`` or on disk.
        labels: true classes of the held-out images.
        clean: each network's answers to the held-out images, ``[t]`` by name.
    """

    classifiers: Mapping[str, Classifier]
    train: Pictures
    test: Pictures
    labels: np.ndarray
    clean: Mapping[str, np.ndarray]


def set_scene(
    config: Any,
    classifiers: Mapping[str, Classifier],
    train: Dataset | Stream,
    test: Dataset | Stream,
) -> Scene:
    """Choose the held-out images, and ask every network about them."""
    key_test, _ = jax.random.split(jax.random.key(config.seed))
    order = np.asarray(jax.random.permutation(key_test, len(test.labels)))
    chosen = np.sort(order[: config.test_images])
    tried = choose(_pictures(test), chosen)
    clean = {}
    with progress.bar("asking about held-out images", len(classifiers)) as show:
        for done, (name, one) in enumerate(classifiers.items()):
            show(done, name)
            clean[name] = attacks.perturbed_answers(one, tried)
        show(len(classifiers), "done")
    return Scene(classifiers, _pictures(train), tried, np.asarray(test.labels)[chosen], clean)


def _pictures(part: Dataset | Stream) -> Pictures:
    return part if isinstance(part, Stream) else part.images


def choose(images: Pictures, rows: np.ndarray) -> Pictures:
    """Choose images; few of those on disk are held in memory, for they are looked at often."""
    if isinstance(images, Stream) and len(rows) <= data.MOST:
        return jax.numpy.asarray(data.take(images, rows).images)
    return images[rows]


def unit_name(kind: str, method: str, norm: str, count: int, repeat: int) -> str:
    """Name the piece of work that makes one perturbation."""
    return f"{kind.replace('/', '-')}-{method}-{norm}-{count}-repeat-{repeat + 1}"


def counts(config: Any, images: int) -> list[int]:
    """Numbers of images to learn from: those asked for, ascending, each once."""
    return sorted({max(1, round(size * images)) for size in config.sizes})


def epsilon_of(config: Any, norm: str) -> float:
    """Radius of the ball in a norm."""
    return config.epsilon if norm == "linf" else config.epsilon_l2


def plan(config: Any, scene: Scene) -> dict[str, Callable[[], Mapping[str, Any]]]:
    """List all pieces of work by name."""
    _, key = jax.random.split(jax.random.key(config.seed))
    everything = len(scene.train)
    work: dict[str, Callable[[], Mapping[str, Any]]] = {}
    for repeat in range(config.repeats):
        key_repeat = jax.random.fold_in(key, repeat)
        for norm in config.norms:
            work[unit_name(RANDOM, RANDOM, norm, 0, repeat)] = functools.partial(
                _random, config, scene, norm, key_repeat
            )
        for place, model in enumerate(scene.classifiers):
            sizes = {everything} | (set(counts(config, everything)) if place == 0 else set())
            for count in sorted(sizes):
                for method in config.methods:
                    for norm in config.norms:
                        name = unit_name(model, method, norm, count, repeat)
                        work[name] = functools.partial(
                            _learned, config, scene, model, method, norm, count, key_repeat
                        )
    return work


def build(config: Any, method: str, norm: str) -> tuple[attacks.Universal, int]:
    """Return a method, and how many batches it learns from."""
    epsilon = epsilon_of(config, norm)
    if method == "sgd":
        return attacks.universal_sgd(epsilon, norm=norm), config.steps
    found = attacks.universal_deepfool(
        epsilon, norm=norm, steps=_INNER_STEPS, candidates=_CANDIDATES
    )
    return found, config.deepfool_steps


def rate(before: np.ndarray, after: np.ndarray, num_classes: int, target: int | None) -> float:
    """Share of images taken for another class; for the target, of those not taken for it before.

    Rejections and missing answers, before or after, are no success.
    """
    if target is not None:
        others = (before != target) & (before >= 0)
        return float(np.mean(after[others] == target)) if others.any() else float("nan")
    answered = (before >= 0) & (after >= 0) & (after < num_classes)
    return float(np.mean(answered & (after != before)))


def _random(config: Any, scene: Scene, norm: str, key: RandomKey) -> Mapping[str, Any]:
    key = jax.random.fold_in(key, 2 if norm == "linf" else 3)
    shape = next(iter(scene.classifiers.values())).input_shape
    perturbation = attacks.random_perturbation(key, shape, epsilon_of(config, norm), norm)
    return {"perturbation": perturbation, **_tried(config, scene, perturbation, scene.classifiers)}


def _learned(
    config: Any,
    scene: Scene,
    model: str,
    method: str,
    norm: str,
    count: int,
    key: RandomKey,
) -> Mapping[str, Any]:
    classifier = scene.classifiers[model]
    key_images, key_order = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
    chosen = np.asarray(jax.random.permutation(key_images, len(scene.train)))[:count]
    images = choose(scene.train, chosen)
    goal = None
    if config.target is not None:
        goal = attacks.reach(np.full(count, config.target, np.int32))
    way, steps = build(config, method, norm)
    made = attacks.run_universal(
        way, key_order, classifier, images, goal, steps=steps, batch_size=config.batch_size
    )
    seen = choose(images, np.arange(min(count, config.test_images)))
    before = attacks.perturbed_answers(classifier, seen)
    after = attacks.perturbed_answers(classifier, seen, made.perturbation)
    shown_to = scene.classifiers if count == len(scene.train) else {model: classifier}
    return {
        "perturbation": made.perturbation,
        "trace": made.fooled,
        "fit": rate(before, after, classifier.num_classes, config.target),
        **_tried(config, scene, made.perturbation, shown_to),
    }


def _tried(
    config: Any, scene: Scene, perturbation: Any, shown_to: Mapping[str, Classifier]
) -> dict[str, Any]:
    """Show the held-out images with a perturbation to networks.

    Returns:
        ``rates [m]`` in the order of the networks, and all ``answers [m, t]``.
    """
    answers = {
        name: attacks.perturbed_answers(one, scene.test, perturbation)
        for name, one in shown_to.items()
    }
    rates = [
        rate(scene.clean[name], answers[name], shown_to[name].num_classes, config.target)
        for name in shown_to
    ]
    return {"rates": np.array(rates), "answers": np.stack(list(answers.values()))}
