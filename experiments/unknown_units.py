"""The pieces of work of ``experiments.unknown``: each makes images and asks every method."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.unknown_images import unrelated
from experiments.unknown_methods import Clean, Stage, set_stage, split_clean
from fooljax import attacks, defenses, encodings, evolution
from fooljax.attacks import Goal
from fooljax.data import Splits
from fooljax.types import Classifier, Encoding, Images, RandomKey

NAIVE = "naive"
CLEAN = "clean"
#: Made from nothing to be taken for a class.
FOOLING = ("evolved pixels", "evolved patterns", "gradient images")
#: Made of real images, within epsilon.
PERTURBED, PUSHED, REFUSED = "perturbed images", "pushed outliers", "refused"

Unit = Callable[[], Mapping[str, Any]]


class Scene(NamedTuple):
    """What all pieces of work share.

    Attributes:
        stages: networks with their methods, by name.
        clean: held-out images.
        families: images that nobody has made against a network, by name.
    """

    stages: Mapping[str, Stage]
    clean: Clean
    families: Mapping[str, Images]


def set_scene(config: Any, classifiers: Mapping[str, Classifier], splits: Splits) -> Scene:
    """Split the clean images, learn the scores, and gather the outliers.

    Raises:
        ValueError, OSError: if a method or a family cannot be had, naming the flag.
    """
    key_split, key_families, _ = jax.random.split(jax.random.key(config.seed), 3)
    clean = split_clean(key_split, splits.test)
    stages = {
        name: set_stage(one, config.methods, splits.train, clean, config.known)
        for name, one in classifiers.items()
    }
    rows = np.linspace(0, len(clean.labels) - 1, min(config.images, len(clean.labels))).astype(int)
    families = unrelated(key_families, clean.images[rows], config.outliers, config.victim.data_dir)
    return Scene(stages, clean, families)


def unit_name(network: str, family: str, against: str) -> str:
    """Name the piece of work that makes images of a family against a method, or naively."""
    return (
        "-".join((network, family, against)).replace(" ", "-").replace("/", "-").replace(":", "-")
    )


def plan(config: Any, scene: Scene) -> dict[str, Unit]:
    """List all pieces of work by name."""
    *_, key = jax.random.split(jax.random.key(config.seed), 3)
    work: dict[str, Unit] = {}
    for place, (network, stage) in enumerate(scene.stages.items()):
        everyone = tuple(stage.scores)
        key_network = jax.random.fold_in(key, place)
        plain = {CLEAN: scene.clean.images, **scene.families}
        for family, images in plain.items():
            work[unit_name(network, family, NAIVE)] = functools.partial(
                _asked, stage, everyone, images
            )
        for index, family in enumerate((*FOOLING, PERTURBED, PUSHED, REFUSED)):
            key_family = jax.random.fold_in(key_network, index)
            against = [NAIVE, *everyone] if family in (*FOOLING, PERTURBED) else everyone
            for method in against:
                work[unit_name(network, family, method)] = functools.partial(
                    _attacked, config, scene, stage, family, method, key_family
                )
    return work


def _asked(stage: Stage, methods: tuple[str, ...], images: Images) -> dict[str, Any]:
    """What the bare network and every method say of images."""
    found: dict[str, Any] = {}
    for method in methods:
        found["logits"], found[f"score_{method}"] = defenses.judge(
            stage.classifier, stage.scores[method], images
        )
    return found


def _attacked(
    config: Any, scene: Scene, stage: Stage, family: str, method: str, key: RandomKey
) -> dict[str, Any]:
    """Make images against one method, or against the bare network, and ask about them."""
    naive = method == NAIVE
    victim = stage.classifier if naive else stage.guarded[method]
    images, labels = _MAKERS[family](config, scene, stage, victim, naive, key)
    asked = _asked(stage, tuple(stage.scores) if naive else (method,), images)
    return {"images": images, "labels": labels, **asked}


def _best(victim: Classifier, goal: Goal, originals: Images, candidates: list[Images]) -> Images:
    """Of each image's candidates, the one with the largest margin: the worst case."""
    margins = jnp.stack([_score(victim, originals, goal, one).margin for one in candidates])
    best = jnp.argmax(jnp.where(jnp.isnan(margins), -jnp.inf, margins), axis=0)
    return jnp.stack(candidates)[best, jnp.arange(len(originals), dtype=jnp.int32)]


def _climb(
    config: Any, key: RandomKey, victim: Classifier, images: Images, goal: Goal, epsilon: float
) -> Images:
    """PGD to the class first and to acceptance then; on a bare network plainly to the class."""
    attack = attacks.pgd(epsilon, steps=config.steps, loss=attacks.selective)
    return attacks.run(attack, key, victim, images, goal).images


def _evolve(
    encode: Callable[..., Encoding],
    config: Any,
    scene: Scene,
    stage: Stage,
    victim: Classifier,
    naive: bool,
    key: RandomKey,
) -> tuple[Images, Any]:
    encoding = encode(tuple(victim.input_shape))
    search = evolution.map_elites(encoding, config.children)
    targets = jnp.tile(jnp.arange(victim.num_classes, dtype=jnp.int32), config.evolutions)
    found = []
    for run in range(config.evolutions):
        key_run = jax.random.fold_in(key, run)
        sides = [victim] if naive else [stage.classifier, victim]
        elites = [
            _elites(jax.random.fold_in(key_run, i), search, encoding, side, config.generations)
            for i, side in enumerate(sides)
        ]
        goal = attacks.reach(targets[: victim.num_classes])
        found.append(_best(victim, goal, elites[0], elites))
    return jnp.concatenate(found), targets


def _elites(key: RandomKey, search: Any, encoding: Encoding, victim: Classifier, count: int) -> Any:
    state, _ = evolution.start(key, search, victim)
    state, _ = evolution.advance(key, search, victim, state, count)
    return _express(encoding, state.archive)


def _gradient(
    config: Any, scene: Scene, stage: Stage, victim: Classifier, naive: bool, key: RandomKey
) -> tuple[Images, Any]:
    """From uniform noise toward every class in turn, as far as the range of pixels allows."""
    key_noise, key_climb = (
        jax.random.fold_in(key, i) for i in range(2)
    )  # the same for all methods
    noise = jax.random.uniform(key_noise, (config.attacked, *victim.input_shape), dtype=jnp.float32)
    targets = jnp.arange(config.attacked, dtype=jnp.int32) % victim.num_classes
    goal = attacks.reach(targets)
    sides = [victim] if naive else [stage.classifier, victim]
    made = [
        _climb(config, jax.random.fold_in(key_climb, i), side, noise, goal, 1.0)
        for i, side in enumerate(sides)
    ]
    return _best(victim, goal, noise, made), targets


def _perturbed(
    config: Any, scene: Scene, stage: Stage, victim: Classifier, naive: bool, key: RandomKey
) -> tuple[Images, Any]:
    """Real images that the network gets right, to be taken for another class and accepted."""
    images, labels = _attackable(config, scene, stage)
    goal = attacks.leave(labels)
    climbed = [
        _climb(config, jax.random.fold_in(key, i), side, images, goal, config.epsilon)
        for i, side in enumerate([victim] if naive else [stage.classifier, victim])
    ]
    best = _best(victim, goal, images, [images, *climbed])
    if naive:
        return best, labels
    squares = attacks.square(config.epsilon, config.queries)
    blind = attacks.run(squares, jax.random.fold_in(key, 2), victim, images, goal).images
    return _best(victim, goal, images, [best, blind]), labels


def _pushed(
    config: Any, scene: Scene, stage: Stage, victim: Classifier, naive: bool, key: RandomKey
) -> tuple[Images, Any]:
    """Outliers of the first family, changed until accepted as anything."""
    images = jnp.asarray(scene.families[config.outliers[0]][: config.attacked])
    nobody = jnp.full(len(images), victim.num_classes, jnp.int32)
    found = _climb(config, key, victim, images, attacks.leave(nobody), config.epsilon)
    return found, nobody


def _refused(
    config: Any, scene: Scene, stage: Stage, victim: Classifier, naive: bool, key: RandomKey
) -> tuple[Images, Any]:
    """Real images, changed until they are rejected."""
    images, labels = _attackable(config, scene, stage)
    goal = attacks.reach(jnp.full(len(images), victim.num_classes, jnp.int32))
    return _climb(config, key, victim, images, goal, config.epsilon), labels


_MAKERS: dict[str, Callable[..., tuple[Images, Any]]] = {
    "evolved pixels": functools.partial(_evolve, encodings.direct),
    "evolved patterns": functools.partial(_evolve, encodings.cppn),
    "gradient images": _gradient,
    PERTURBED: _perturbed,
    PUSHED: _pushed,
    REFUSED: _refused,
}


def _attackable(config: Any, scene: Scene, stage: Stage) -> tuple[Images, Any]:
    """The first clean images that the bare network gets right; all if it gets none right."""
    logits, _ = defenses.judge(stage.classifier, defenses.maximum_logit(), scene.clean.images)
    right = np.flatnonzero(
        logits[:, : stage.classifier.num_classes].argmax(1) == scene.clean.labels
    )
    rows = (right if right.size else np.arange(len(scene.clean.labels)))[: config.attacked]
    return scene.clean.images[rows], jnp.asarray(scene.clean.labels[rows])


_score = jax.jit(attacks.score)
_express = jax.jit(evolution.express_elites, static_argnums=0)
