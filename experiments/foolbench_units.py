"""The pieces of work of ``experiments.foolbench``: images made, and shown."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.foolbench_generators import GENERATORS, Material
from fooljax import metrics
from fooljax.data import Dataset, as_float
from fooljax.types import Classifier, Images, RandomKey

PLAIN = "plain"
#: Which of the clean images set thresholds, and which are compared with.
HELD, COMPARED = slice(0, None, 2), slice(1, None, 2)
_BATCH = 250


class Defended(NamedTuple):
    """A network with its defense.

    Attributes:
        victim: what answers.
        stand_in: what an adversary who knows the defense asks instead: the victim
            itself, unless it is random.
    """

    victim: Classifier
    stand_in: Classifier


class Scene(NamedTuple):
    """What all pieces of work of one seed share.

    Attributes:
        networks: by name of the defense; ``plain`` among them.
        material: what generators may draw on.
        clean: images of the data set to compare with, ``[n, h, w, c]``.
    """

    networks: Mapping[str, Defended]
    material: Material
    clean: Dataset


def made_name(defense: str, generator: str, seed: int) -> str:
    """Name the piece of work that makes images for a network."""
    return f"seed-{seed + 1}-{generator}-for-{defense}"


def shown_name(defense: str, seed: int) -> str:
    """Name the piece of work that shows a network what was made for the plain one."""
    return f"seed-{seed + 1}-shown-to-{defense}"


def plan(
    config: Any, scenes: Mapping[int, Scene], compute: Callable[..., Mapping[str, Any]]
) -> dict[str, Callable[[], Mapping[str, Any]]]:
    """List all pieces of work by name.

    Args:
        config: the settings.
        scenes: by seed.
        compute: ``(name, unit) -> arrays``, that of a piece already computed.
    """
    key = jax.random.key(config.seed)
    work: dict[str, Callable[[], Mapping[str, Any]]] = {}
    for seed, scene in scenes.items():
        key_seed = jax.random.fold_in(key, seed)
        for generator in config.generators:
            place = list(GENERATORS).index(generator)
            key_generator = jax.random.fold_in(key_seed, place)
            for defense in scene.networks:
                if defense == PLAIN or GENERATORS[generator].looks:
                    work[made_name(defense, generator, seed)] = functools.partial(
                        _make, config, scene, defense, generator, key_generator
                    )
        naive = {
            generator: (name, work[name])
            for generator in config.generators
            for name in [made_name(PLAIN, generator, seed)]
        }
        for defense in scene.networks:
            work[shown_name(defense, seed)] = functools.partial(
                _show, scene, defense, naive, compute
            )
    return work


def _make(
    config: Any, scene: Scene, defense: str, generator: str, key: RandomKey
) -> Mapping[str, Any]:
    """Make images for a network, and ask it about them as anybody would who is given them."""
    network = scene.networks[defense]
    key = jax.random.clone(key)  # the same for all defenses, so that they are compared in pairs
    made = GENERATORS[generator].make(config, key, network.stand_in, scene.material)
    return {
        "images": np.asarray(made.images),
        "cost": made.cost,
        "logits": answers(network.victim, made.images),
    }


def _show(
    scene: Scene,
    defense: str,
    naive: Mapping[str, tuple[str, Callable[[], Mapping[str, Any]]]],
    compute: Callable[..., Mapping[str, Any]],
) -> Mapping[str, Any]:
    """Show a network clean images, and those that were made for the plain network."""
    victim = scene.networks[defense].victim
    shown = {
        generator: answers(victim, compute(name, unit)["images"])
        for generator, (name, unit) in naive.items()
    }
    return {
        "labels": scene.clean.labels,
        "clean": answers(victim, as_float(jnp.asarray(scene.clean.images))),
        **shown,
    }


def answers(classifier: Classifier, images: Images) -> np.ndarray:
    """Return the logits of any number of images, ``[n, m]``."""
    images = jnp.asarray(images)
    count = len(images)
    size = min(count, _BATCH)
    # the last batch begins earlier rather than being shorter: one compilation
    starts = [min(start, count - size) for start in range(0, count, size)]
    logits = np.zeros((count, jax.eval_shape(classifier, images[:1]).shape[1]), np.float32)
    for start in starts:
        logits[start : start + size] = _answer(classifier, images[start : start + size])
    return logits


def certainty(logits: np.ndarray, num_classes: int) -> np.ndarray:
    """Return the log-odds of the likeliest real class among all answers; NaN as -infinity.

    This is the score of the benchmark: how much the network takes an image for
    something it knows. A column that rejects lowers it.
    """
    odds = np.asarray(metrics.log_odds(jnp.asarray(logits)))[:, :num_classes].max(axis=1)
    return np.where(np.isnan(odds), -np.inf, odds)


def answered(logits: np.ndarray, num_classes: int) -> np.ndarray:
    """Mark the images that are given a real class rather than rejected."""
    broken = np.isnan(logits).any(axis=1)
    return ~broken & (logits.argmax(axis=1) < num_classes)


_answer = jax.jit(lambda classifier, images: classifier(images))
