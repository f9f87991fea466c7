"""The pieces of work of ``experiments.ascend``: ascents, evolutions, starting points, controls."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import attacks, encodings, evolution, metrics
from fooljax.attacks import Attack, AttackResult, Regularization, spaces
from fooljax.types import Classifier, Encoding, Genome, Images, RandomKey

BATCH = 100
CONTROLS = 1000
SETTINGS = (*attacks.PUBLISHED, "tv", "fourier", "cppn")
EVOLVED = ("direct", "cppn")
STARTS = ("near_grey", "grey", "uniform_noise", "gaussian_noise")


def units(config: Any, classifier: Classifier) -> dict[str, Callable[[], Mapping[str, Any]]]:
    """Return all units of work by name.

    ``ascent-SETTING`` from grey with noise of one level, as published;
    ``start-KIND`` without a regularizer from other starting points; ``evolved-
    ENCODING``; ``controls``. Arrays lead with ``[repeats, classes]``, of the classes
    chosen.
    """
    key = jax.random.key(config.seed)
    work: dict[str, Callable[[], Mapping[str, Any]]] = {}
    for name in config.ascents:
        work[f"ascent-{name}"] = functools.partial(_ascend, config, classifier, name)
    for kind in config.starts:
        if kind == "near_grey":  # is ascent-none
            continue
        work[f"start-{kind}"] = functools.partial(_ascend, config, classifier, "none", kind)
    for name in config.evolved:
        key_search = jax.random.fold_in(key, 1 + EVOLVED.index(name))
        work[f"evolved-{name}"] = functools.partial(_evolve, key_search, config, classifier, name)
    work["controls"] = functools.partial(_controls, jax.random.fold_in(key, 100), classifier)
    return work


def chosen(config: Any, num_classes: int) -> np.ndarray:
    """Return the numbers of the classes that images are made for."""
    return np.array(config.classes or range(num_classes), np.int32)


def attack_of(name: str, config: Any, shape: tuple[int, int, int]) -> Attack:
    """Return the ascent of a setting."""
    changes = {} if config.steps is None else {"steps": config.steps}
    if name in attacks.PUBLISHED:
        return attacks.published(name, **changes)
    if name == "tv":
        changes["regularization"] = Regularization(total_variation=config.total_variation)
    else:
        changes["space"] = spaces.fourier(shape) if name == "fourier" else spaces.cppn(shape)
    return attacks.ascent(**changes)


def draw(kind: str, key: RandomKey, shape: tuple[int, ...]) -> Images:
    """Draw starting images: ``near_grey`` is grey with noise of one level in 255."""
    if kind == "uniform_noise":
        return jax.random.uniform(key, shape, dtype=jnp.float32)
    spread = {"near_grey": 1 / 255, "grey": 0.0, "gaussian_noise": 0.25}[kind]
    return jnp.clip(0.5 + spread * jax.random.normal(key, shape, dtype=jnp.float32), 0.0, 1.0)


def _ascend(
    config: Any, classifier: Classifier, name: str, kind: str = "near_grey"
) -> dict[str, Any]:
    targets = chosen(config, classifier.num_classes)
    repeats, classes = config.repeats, len(targets)
    # every setting from the same images
    key_image, key_genome, key_run = jax.random.split(jax.random.key(config.seed), 3)
    count = repeats * classes
    images = draw(kind, key_image, (count, *classifier.input_shape))
    start, extra = None, 0
    if name == "cppn":
        start, extra = _best_random(key_genome, config, classifier), config.candidates
    # log p / (1 - p) is the margin of "more likely than not"
    goal = attacks.confident(attacks.reach(np.tile(targets, repeats)), 0.5)
    result = attacks.run(
        attack_of(name, config, classifier.input_shape),
        key_run,
        classifier,
        images,
        goal,
        batch_size=min(BATCH, count),
        start=start,
        trace=True,
    )
    split = lambda leaf: np.asarray(leaf).reshape(repeats, classes, *leaf.shape[1:])
    return {
        **jax.tree.map(split, _arrays(result)),
        "smoothness": split(metrics.total_variation(result.images)),
        "fine": split(metrics.high_frequency_share(result.images)),
        "searched": np.asarray(extra),
    }


def _arrays(result: AttackResult) -> dict[str, Any]:
    names = ("images", "confidence", "margin", "forwards", "gradients", "trace")
    return {name: getattr(result, name) for name in names}


def _best_random(key: RandomKey, config: Any, classifier: Classifier) -> Genome:
    """Return for each repeat and class the best of the random CPPNs, leaves ``[count, ...]``."""
    encoding = encodings.cppn(classifier.input_shape, coordinates="normalized", levels=None)
    search = evolution.repeat(evolution.map_elites(encoding, config.candidates))
    state, _ = evolution.start(jax.random.split(key, config.repeats), search, classifier)
    targets = chosen(config, classifier.num_classes)
    flat = lambda leaf: jnp.asarray(np.asarray(leaf)[:, targets].reshape(-1, *leaf.shape[2:]))
    return jax.tree.map(flat, state.archive.genomes)


def encoding_of(name: str, shape: tuple[int, int, int]) -> Encoding:
    """Return the encoding of an evolution, as the paper's."""
    return encodings.direct(shape) if name == "direct" else encodings.cppn(shape)


def _evolve(key: RandomKey, config: Any, classifier: Classifier, name: str) -> dict[str, Any]:
    encoding = encoding_of(name, classifier.input_shape)
    search = evolution.repeat(evolution.map_elites(encoding, config.children))
    keys = jax.random.split(key, config.repeats)
    state, first = evolution.start(keys, search, classifier)
    state, infos = evolution.advance(keys, search, classifier, state, config.generations)
    targets = chosen(config, classifier.num_classes)
    archive = jax.tree.map(lambda leaf: leaf[:, targets], state.archive)
    paint = jax.jit(jax.vmap(lambda archive: evolution.express_elites(encoding, archive)))
    images = np.asarray(paint(archive))
    flat = jnp.asarray(images.reshape(-1, *classifier.input_shape))
    shape = images.shape[:2]
    history = np.concatenate([np.asarray(first.confidence)[None], np.asarray(infos.confidence)])
    return {
        "images": images,
        "confidence": np.asarray(archive.confidence),
        "trace": np.moveaxis(history[:, :, targets], 0, 2),
        "smoothness": np.asarray(metrics.total_variation(flat)).reshape(shape),
        "fine": np.asarray(metrics.high_frequency_share(flat)).reshape(shape),
    }


def _controls(key: RandomKey, classifier: Classifier) -> dict[str, Any]:
    """Return how sure the network is of images that nobody searched for, ``[n, k]`` each."""
    read = jax.jit(lambda classifier, images: metrics.probabilities(classifier(images)))
    found = {}
    for index, kind in enumerate(STARTS):
        shape = (CONTROLS if kind != "grey" else 1, *classifier.input_shape)
        images = draw(kind, jax.random.fold_in(key, index), shape)
        batches = [read(classifier, images[i : i + BATCH]) for i in range(0, len(images), BATCH)]
        found[kind] = np.concatenate(batches)[:, : classifier.num_classes]
    return found
