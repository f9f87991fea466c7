"""The pieces of work of ``experiments.ensemble``: each attacks one ensemble in one way.

A group of ensembles is made of one architecture (``same``) or of several in turn
(``mixed``). Within a set, an ensemble of ``n`` consists of the set's first ``n``
networks, so that larger ones contain smaller ones; sets share no network.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from fooljax import analysis, attacks, defenses, encodings, evolution, metrics, training
from fooljax.data import Splits, as_float
from fooljax.types import Classifier, Images, RandomKey

MEAN = "probabilities"
JOINT = "log_probabilities"  # what the joint attack follows at all sizes
_EVEN_ODDS = 0.5


class Scene(NamedTuple):
    """What all pieces of work on one set of a group share.

    Attributes:
        names: of the networks, in the order in which they join.
        members: the networks.
        images: test images that all of them get right, ``[i, h, w, c]``.
        labels: their classes.
        test: all test images.
    """

    names: tuple[str, ...]
    members: tuple[Classifier, ...]
    images: Images
    labels: Array
    test: Any


def groups(config: Any) -> dict[str, tuple[str, ...]]:
    """Architectures of the members, in the order in which they join, by group."""
    count, models = max(config.members), config.models
    mixed = tuple(models[i % len(models)] for i in range(count))
    same = {} if any(":" in model for model in models) else {"same": (models[0],) * count}
    return same | ({"mixed": mixed} if len(models) > 1 or not same else {})


def rules_at(config: Any, group: str, count: int) -> tuple[str, ...]:
    """Rules that are compared with the mean of probabilities, in the first group only."""
    first = group == next(iter(groups(config)))
    return config.rules if first and count in config.rule_sizes else ()


def objectives_at(config: Any, count: int) -> tuple[str, ...]:
    """What joint attacks climb besides the answer: the joint one always, others to compare."""
    more = [one for one in config.objectives if one != JOINT]
    several = (JOINT, *(more if count in config.rule_sizes else ()))
    return several if count > 1 else ()


def others_alone(config: Any, group: str) -> dict[int, str]:
    """Places of the first network of every architecture but the first, which is size 1."""
    architectures = groups(config)[group]
    return {
        architectures.index(name): f"{name}-alone".replace("/", "-")
        for name in dict.fromkeys(architectures)
        if architectures.index(name) > 0
    }


def networks_needed(config: Any) -> dict[str, int]:
    """How many networks of each architecture all sets take together."""
    most: dict[str, int] = {}
    for architectures in groups(config).values():
        for model in architectures:
            most[model] = max(most.get(model, 0), architectures.count(model))
    return {model: config.sets * count for model, count in most.items()}


def names_of(config: Any, group: str, index: int) -> tuple[str, ...]:
    """Names of a set's networks, in the order in which they join."""
    needed, seen, names = networks_needed(config), dict.fromkeys(config.models, 0), []
    for model in groups(config)[group]:
        seen[model] += 1
        names.append(f"{model} {index * (needed[model] // config.sets) + seen[model]}")
    return tuple(names)


def set_scenes(
    config: Any, classifiers: Mapping[str, Classifier], splits: Splits
) -> dict[tuple[str, int], Scene]:
    """Put the ensembles together and choose the images, by group and number of the set.

    Raises:
        ValueError: if too few test images are right on all networks of a set.
    """
    key_images, _ = jax.random.split(jax.random.key(config.seed))
    labels = np.asarray(splits.test.labels)
    right = {
        name: training.predict(one, splits.test.images) == labels
        for name, one in classifiers.items()
    }
    order = np.asarray(jax.random.permutation(key_images, len(labels)))
    scenes = {}
    for group in groups(config):
        for index in range(config.sets):
            names = names_of(config, group, index)
            rows = order[np.all([right[name] for name in names], axis=0)[order]][: config.images]
            if len(rows) < config.images:
                raise ValueError(
                    f"--images: {', '.join(names)} are all right about {len(rows)} test images "
                    f"only, got {config.images}; ask for fewer, or train longer (--train-steps)"
                )
            scenes[group, index] = Scene(
                names,
                tuple(classifiers[name] for name in names),
                as_float(splits.test.images[rows]),
                jnp.asarray(labels[rows]),
                splits.test.images,
            )
    return scenes


def whole(members: Sequence[Classifier], rule: str) -> Classifier:
    """Let members answer as one; a single one under the mean is itself."""
    if rule == "majority_vote":
        return defenses.majority_vote(members)
    if rule == "unanimous":
        return defenses.unanimous(members)
    return members[0] if len(members) == 1 else defenses.ensemble(members, rule)


def unit_name(group: str, index: int, count: int, rule: str, attack: str) -> str:
    """Name the piece of work that attacks one ensemble in one way."""
    return f"{group}-set-{index + 1}-of-{count}-{rule}-{attack}"


def joint_name(count: int) -> str:
    """Name the joint attack in ``unit_name``; a single network's own gradient is that of all."""
    return f"by-{JOINT}" if count > 1 else "ascent"


def plan(
    config: Any, scenes: Mapping[tuple[str, int], Scene]
) -> dict[str, Callable[[], Mapping[str, Any]]]:
    """List all pieces of work by name."""
    _, key = jax.random.split(jax.random.key(config.seed))
    work: dict[str, Callable[[], Mapping[str, Any]]] = {}
    for (group, index), scene in scenes.items():
        # one key for all sizes and rules: they differ in nothing but the networks
        key_evolve, key_attack = jax.random.split(jax.random.fold_in(key, index))

        def add(count, rule, attack, make, *arguments, place=(group, index), scene=scene):
            name = unit_name(*place, count, rule, attack)
            work[name] = functools.partial(make, config, scene, count, rule, *arguments)

        for count in config.members:
            for rule in (MEAN, *rules_at(config, group, count)):
                for encoding in config.encodings:
                    add(count, rule, encoding, _evolve, key_evolve, encoding)
                add(count, rule, "ascent", _ascend, key_attack)
                add(count, rule, "perturb", _perturb, key_attack)
            add(count, MEAN, "in-turn", _in_turn, key_attack)
            for objective in objectives_at(config, count):
                add(count, MEAN, f"by-{objective}", _by_objective, key_attack, objective)
        add(len(scene.members), MEAN, "alignment", _alignment, key_attack)
        for place, name in others_alone(config, group).items():
            alone = scene._replace(members=scene.members[place : place + 1])
            for encoding in config.encodings:
                add(1, name, encoding, _evolve, key_evolve, encoding, scene=alone)
            add(1, name, "ascent", _ascend, key_attack, scene=alone)
            add(1, name, "perturb", _perturb, key_attack, scene=alone)
    return work


def _climb(config: Any, steps: int) -> attacks.Attack:
    """Adam follows a gradient's direction, whatever the size of the logits."""
    return attacks.ascent(steps, rule="adam", step_size=config.step_size)


def _noise(key: RandomKey, classifier: Classifier) -> tuple[Images, Array]:
    targets = jnp.arange(classifier.num_classes, dtype=jnp.int32)
    key_noise = jax.random.fold_in(key, len(targets))  # the attacks fold in the targets
    shape = (len(targets), *classifier.input_shape)
    return jax.random.uniform(key_noise, shape, dtype=jnp.float32), targets


def _said(scene: Scene, answering: Classifier, images: Images) -> dict[str, Any]:
    """What an ensemble says of images, ``own [n, m]``, and every network ``logits [s, n, k]``."""
    each = jnp.stack([_logits(one, images) for one in scene.members])
    return {"images": images, "own": _logits(answering, images), "logits": each}


def _evolve(
    config: Any, scene: Scene, count: int, rule: str, key: RandomKey, kind: str
) -> Mapping[str, Any]:
    answering = whole(scene.members[:count], rule)
    encoding = getattr(encodings, kind)(tuple(answering.input_shape))
    search = evolution.map_elites(encoding, config.children)
    state, first = evolution.start(key, search, answering)
    state, later = evolution.advance(key, search, answering, state, config.generations)
    history = np.concatenate([np.asarray(first.confidence)[None], np.asarray(later.confidence)])
    images = _express(encoding, state.archive)
    return {"history": history, **_said(scene, answering, images)}


def _ascend(config: Any, scene: Scene, count: int, rule: str, key: RandomKey) -> Mapping[str, Any]:
    """Follow the gradient of the answer itself."""
    return _climbed(config, scene, whole(scene.members[:count], rule), key)


def _in_turn(config: Any, scene: Scene, count: int, rule: str, key: RandomKey) -> Mapping[str, Any]:
    """Attack one member after the other, from noise and from real images.

    ``before [n, k]`` and ``after [r, n, n, k]`` are log-odds of the class to be shown.
    """
    members = scene.members[:count]
    answering = whole(members, rule)
    noise, targets = _noise(key, answering)
    # asked for even odds, a margin is the log-odds: they never exceed the lead
    goal = attacks.confident(attacks.reach(targets), _EVEN_ODDS)
    climb = _climb(config, config.steps // config.rounds)
    found = attacks.in_turn(climb, key, members, noise, goal, rounds=config.rounds)
    leave = attacks.leave(scene.labels)
    steps = max(1, config.pgd_steps // config.rounds)
    changed = attacks.in_turn(
        _pgd(config, steps), key, members, scene.images, leave, rounds=config.rounds
    )
    fooled = _scored(answering, scene.images, leave, changed.images).success
    return {
        "before": found.before,
        "after": found.after,
        "pgd_success": fooled,
        **_said(scene, answering, found.images),
    }


def _perturb(config: Any, scene: Scene, count: int, rule: str, key: RandomKey) -> Mapping[str, Any]:
    """Look for the nearest misjudged image (DDN), and inside a ball (PGD)."""
    answering = whole(scene.members[:count], rule)
    goal = attacks.leave(scene.labels)
    ddn = attacks.run(attacks.ddn(config.ddn_steps), key, answering, scene.images, goal)
    pgd = attacks.run(_pgd(config, config.pgd_steps), key, answering, scene.images, goal)
    return {
        "clean": training.predict(answering, scene.test),
        "l2": jnp.where(ddn.success, ddn.l2, jnp.inf),
        "success": pgd.success,
        **_said(scene, answering, pgd.images),
    }


def _by_objective(
    config: Any, scene: Scene, count: int, rule: str, key: RandomKey, objective: str
) -> Mapping[str, Any]:
    """Follow another mean than the one by which the ensemble answers, judged by its answer."""
    members = scene.members[:count]
    answering = whole(members, rule)
    attacked = defenses.with_gradient_of(answering, whole(members, objective).apply)
    leave = attacks.leave(scene.labels)
    pgd = attacks.run(_pgd(config, config.pgd_steps), key, attacked, scene.images, leave)
    return {"pgd_success": pgd.success, **_climbed(config, scene, attacked, key)}


def _climbed(config: Any, scene: Scene, attacked: Classifier, key: RandomKey) -> Mapping[str, Any]:
    """Follow a gradient from noise; ``trace > 0`` where the goal is reached."""
    noise, targets = _noise(key, attacked)
    goal = attacks.confident(attacks.reach(targets), config.tau)
    found = attacks.run(_climb(config, config.steps), key, attacked, noise, goal, trace=True)
    return {"trace": found.trace, **_said(scene, attacked, found.images)}


def _alignment(
    config: Any, scene: Scene, count: int, rule: str, key: RandomKey
) -> Mapping[str, Any]:
    """Cosines between the members' gradients at noise and at test images, ``[s, s, n]``."""
    noise, targets = _noise(key, scene.members[0])
    return {
        "cosines_noise": _cosines(scene.members, noise, attacks.reach(targets)),
        "cosines_images": _cosines(scene.members, scene.images, attacks.leave(scene.labels)),
    }


def _pgd(config: Any, steps: int) -> attacks.Attack:
    step_size = 2.5 * config.epsilon / config.pgd_steps
    return attacks.pgd(config.epsilon, step_size, steps, loss=attacks.margin)


def mean_probability(logits: Array) -> Array:
    """Logits of the mean of members' probabilities, ``[n, k]`` of ``[s, n, k]``."""
    return jax.nn.logsumexp(metrics.log_probabilities(jnp.asarray(logits)), axis=0)


_logits = jax.jit(lambda classifier, images: classifier(images))
_scored = jax.jit(attacks.score)
_express = jax.jit(evolution.express_elites, static_argnums=0)
_cosines = jax.jit(analysis.gradient_alignment)
