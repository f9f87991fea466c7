"""The pieces of work of ``experiments.retrain``: a network trained, or a batch of images made."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments import retrain_images
from experiments.retrain_images import MAKERS, Evolver
from fooljax import data, metrics, models, training
from fooljax.data import Dataset, Stream
from fooljax.runtime import memory, units
from fooljax.training import Recipe
from fooljax.types import Classifier, RandomKey

#: A network trained as the first one, with another seed.
CONTROL = 0

Unit = Callable[[], Mapping[str, Any]]


class Scene(NamedTuple):
    """What all pieces of work share.

    Attributes:
        train: real images to learn from.
        test: real images that accuracy is measured on.
        recipe: how each network is trained.
        first_images: fooling images that the second network learns from.
        added_images: how many more each further one learns from.
        evolvers: searches by name of the encoding.
        trained_on: encodings that the fooling class consists of.
        unrelated: images that nobody has made against a network, by kind.
    """

    train: Dataset | Stream
    test: Dataset | Stream
    recipe: Recipe
    first_images: int
    added_images: int
    evolvers: Mapping[str, Evolver]
    trained_on: tuple[str, ...]
    unrelated: Mapping[str, np.ndarray]

    def fooling_images(self, index: int) -> int:
        """Fooling images that network ``index`` learns from."""
        if index in (CONTROL, 1):
            return 0
        return self.first_images + (index - 2) * self.added_images


def set_scene(
    config: Any, recipe: Recipe, train: Dataset | Stream, test: Dataset | Stream
) -> Scene:
    """Settle the sizes, and gather what does not depend on a network."""
    first = config.first_images
    if first is None:
        first = max(1, round(len(train.labels) / train.num_classes))
    added = config.added_images
    if added is None:
        added = max(1, round(first / 6))
    shape = train.input_shape
    memory.afford(shape, runs=config.runs, children=config.children)
    memory.afford(shape, networks=config.networks, added_images=added)
    key = jax.random.fold_in(jax.random.key(config.seed), 0)
    scene = Scene(
        train=train,
        test=test,
        recipe=recipe,
        first_images=first,
        added_images=added,
        evolvers=retrain_images.build_evolvers(shape, config.children),
        trained_on=("cppn", "direct") if config.encoding == "both" else (config.encoding,),
        unrelated=retrain_images.unrelated(key, shape, config.others, config.victim.data_dir),
    )
    _fresh(config, scene, 1)  # an unknown network is refused before anything is computed
    return scene


def unit_name(index: int, what: str) -> str:
    """Name a piece of work on network ``index``."""
    who = "control" if index == CONTROL else f"{index:02}"
    return f"{who}-{what}"


def plan(config: Any, scene: Scene, folder: Path) -> dict[str, Unit]:
    """List all pieces of work by name, in an order in which each finds what it needs."""
    work: dict[str, Unit] = {}
    read = lambda name: units.compute(folder, name, work[name])
    add = lambda index, what, function, *arguments: work.__setitem__(
        unit_name(index, what),
        functools.partial(function, config, scene, read, index, *arguments),
    )
    for index in (*range(1, config.networks + 1), CONTROL):
        add(index, "network", _train)
        for maker in config.attacks if index != CONTROL else scene.trained_on:
            add(index, maker, _make, maker)
        if CONTROL < index < config.networks:
            for encoding in scene.trained_on:
                for batch in range(_batches(config, scene, index)):
                    add(index, f"collect-{encoding}-{batch + 1}", _collect, encoding, batch)
    for index in (*range(1, config.networks + 1), CONTROL):
        add(index, "answers", _ask)
    return work


def _batches(config: Any, scene: Scene, index: int) -> int:
    """Batches of runs, of each encoding, that the new fooling images are drawn from."""
    wanted = scene.fooling_images(index + 1) - scene.fooling_images(index)
    each = math.ceil(wanted / len(scene.trained_on))
    return math.ceil(each / (2 * scene.train.num_classes * config.runs))


def _keys(config: Any, index: int) -> RandomKey:
    """Keys of the pieces of work on a network."""
    return jax.random.fold_in(jax.random.key(config.seed), index + 1)


def _fresh(config: Any, scene: Scene, index: int) -> Classifier:
    """Starting weights; all networks have the fooling column, the first never sees it used."""
    train = scene.train
    key = jax.random.fold_in(jax.random.key(config.victim.train_seed), 2 * index)
    try:
        return models.build(
            config.victim.model, key, train.input_shape, train.num_classes, rejecting=1
        )
    except ValueError as error:
        raise ValueError(f"--model {config.victim.model}: {error}") from error


def _train(config: Any, scene: Scene, read: Callable, index: int) -> Mapping[str, Any]:
    """Train a network from scratch on the real images and all fooling images so far."""
    train = scene.train
    collected = [_drawn(config, scene, read, before) for before in range(1, index)]
    fooling = np.concatenate([np.zeros((0, *train.input_shape), np.uint8), *collected])
    capacity = len(train.labels) + scene.fooling_images(config.networks)
    enlarged = training.with_fooling_class(train, fooling, capacity)
    key = jax.random.fold_in(jax.random.key(config.victim.train_seed), 2 * index + 1)
    classifier, losses = training.fit(
        key, _fresh(config, scene, index), enlarged, **scene.recipe._asdict()
    )
    leaves = jax.tree.leaves(classifier.params)
    weights = {f"weights_{place:03}": leaf for place, leaf in enumerate(leaves)}
    return {**weights, "last_loss": losses[-100:].mean(), "fooling_images": len(fooling)}


def _network(config: Any, scene: Scene, read: Callable, index: int) -> Classifier:
    """Return a trained network."""
    stored = read(unit_name(index, "network"))
    classifier = _fresh(config, scene, index)
    tree = jax.tree.structure(classifier.params)
    leaves = [jax.numpy.asarray(stored[f"weights_{i:03}"]) for i in range(tree.num_leaves)]
    return dataclasses.replace(classifier, params=jax.tree.unflatten(tree, leaves))


def _drawn(config: Any, scene: Scene, read: Callable, index: int) -> np.ndarray:
    """Draw the images evolved against a network that later ones learn from."""
    wanted = scene.fooling_images(index + 1) - scene.fooling_images(index)
    chosen = []
    for place, encoding in enumerate(scene.trained_on):
        batches = range(_batches(config, scene, index))
        parts = [read(unit_name(index, f"collect-{encoding}-{b + 1}"))["images"] for b in batches]
        pool = np.concatenate(parts)
        share = wanted // len(scene.trained_on) + (place < wanted % len(scene.trained_on))
        key = jax.random.fold_in(jax.random.fold_in(_keys(config, index), 4), place)
        chosen.append(pool[np.asarray(jax.random.permutation(key, len(pool)))[:share]])
    return np.concatenate(chosen)


def _make(config: Any, scene: Scene, read: Callable, index: int, maker: str) -> Mapping[str, Any]:
    """Make images anew against a network, to measure how sure it can be made."""
    classifier = _network(config, scene, read, index)
    key = jax.random.fold_in(_keys(config, index), list(MAKERS).index(maker))
    if maker == "ascent":
        return {"images": retrain_images.ascend(key, classifier, config.runs, config.ascent_steps)}
    found = retrain_images.evolve(
        key, scene.evolvers[maker], classifier, config.runs, config.generations
    )
    return {"images": found.last, "trace": found.trace}


def _collect(
    config: Any, scene: Scene, read: Callable, index: int, encoding: str, batch: int
) -> Mapping[str, Any]:
    """Evolve images to train on: first and last generation, half and half."""
    classifier = _network(config, scene, read, index)
    place = list(MAKERS).index(encoding)
    key = jax.random.fold_in(jax.random.fold_in(_keys(config, index), 5 + place), batch)
    found = retrain_images.evolve(
        key, scene.evolvers[encoding], classifier, config.runs, config.collect_generations
    )
    images = np.concatenate([found.first, found.last])
    return {"images": images.reshape(-1, *classifier.input_shape)}


def _ask(config: Any, scene: Scene, read: Callable, index: int) -> Mapping[str, Any]:
    """Show a network everything: test images, what was made for each network, unrelated images.

    Returns:
        ``test``, its answers; by kind of image its probabilities ``[..., k + 1]``.
    """
    classifier = _network(config, scene, read, index)
    test = scene.test if isinstance(scene.test, Stream) else scene.test.images
    told: dict[str, Any] = {"test": training.predict(classifier, test)}
    for other in range(1, config.networks + 1):
        for maker in config.attacks:
            images = read(unit_name(other, maker))["images"]
            told[unit_name(other, maker)] = _probabilities(classifier, images)
    if index == CONTROL:
        for maker in scene.trained_on:
            images = read(unit_name(CONTROL, maker))["images"]
            told[unit_name(CONTROL, maker)] = _probabilities(classifier, images)
    for kind, images in scene.unrelated.items():
        told[kind] = _probabilities(classifier, images)
    return told


def _probabilities(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Softmax over all columns, leading axes as those of the images."""
    flat = images.reshape(-1, *classifier.input_shape)
    found = np.asarray(_softmax(classifier, data.as_float(flat)))
    return found.reshape(*images.shape[:-3], -1)


_softmax = jax.jit(lambda classifier, images: metrics.probabilities(classifier(images)))
