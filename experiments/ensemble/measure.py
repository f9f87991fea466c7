"""What ``experiments.ensemble`` computes: ensembles of many sizes, attacked in many ways.

A group of ensembles is made of one architecture (``same``) or of several in turn
(``mixed``). Within a set, an ensemble of ``n`` consists of the set's first ``n``
networks, so that larger ones contain smaller ones; sets share no network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Confidence, Count, Pieces, RunFlags, Several, Share, Some, Victim

if TYPE_CHECKING:
    from jaxtyping import Array

    from fooljax.attacks import Attack
    from fooljax.types import Classifier, Images, RandomKey

Rule = Literal["logits", "majority_vote", "unanimous"]
Objective = Literal["log_probabilities", "margins"]
MEAN = "probabilities"
JOINT = "log_probabilities"  # what the joint attack follows at all sizes
_EVEN_ODDS = 0.5
RULES = {
    "probabilities": "mean of probabilities",
    "logits": "mean of logits",
    "log_probabilities": "mean of log-probabilities",
    "margins": "mean of margins",
    "majority_vote": "majority vote",
    "unanimous": "unanimous or reject",
}
VERDICTS = {
    "harder": "dearer",
    "easier": "cheaper",
    "unclear": "no change beyond chance",
    "unmeasured": "not measured: too often without success",
}
SHORT = {
    "direct": "evolved pixels",
    "cppn": "evolved patterns",
    "ascent": "gradient of the answer",
    "joint": "joint gradient",
    "perturb": "nearest mistake",
}
#: What an attack costs.
UNITS = {
    "direct": "images shown until half of the classes are certain, evolved pixels",
    "cppn": "images shown until half of the classes are certain, evolved patterns",
    "ascent": "steps along the gradient of the answer until half of the classes are certain",
    "joint": "steps along the gradient of all members until half of the classes are certain",
    "perturb": "median L2 distance to the nearest misjudged image",
}


@dataclass(frozen=True)
class Config:
    """Fool several networks that answer as one.

    Attributes:
        victim: the data, and how each network is trained.
        models: architectures: softmax, mlp, lenet, resnet, or FILE.py:NAME for your
            own. Ensembles are made of the first one with other starting weights, and
            of all of them in turn (mixed).
        members: numbers of networks in an ensemble.
        sets: disjoint sets of networks on which everything is repeated; intervals
            come from them.
        rules: how members answer as one besides the mean of their probabilities:
            logits (their mean), majority_vote, unanimous (or reject).
        objectives: what a joint attack may follow besides the answer of the whole: the
            mean of the members' log_probabilities (always; it has the same gradient as
            that of their logits) or margins.
        rule_sizes: numbers of networks at which rules (in ensembles of the first
            architecture) and objectives are compared.
        encodings: what evolves: direct (pixels), cppn (patterns).
        generations: of an evolution after the random population.
        children: images made in a generation.
        steps: of the joint gradient attacks from noise; and for each member of the
            attack that takes one member after the other.
        rounds: turns that each member has in the latter.
        step_size: of both, in units of [0, 1] for each pixel.
        images: test images that are perturbed.
        epsilon: most that pgd may change a pixel, in units of [0, 1].
        pgd_steps: steps of pgd.
        ddn_steps: steps of the search for the nearest misjudged image (DDN).
        tau: confidence from which on the ensemble counts as fooled for certain.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=300))
    models: Several[str] = ("lenet", "mlp", "softmax")
    members: Several[Pieces] = (1, 2, 3, 5, 8)
    sets: Pieces = 3
    rules: Some[Rule] = ("logits", "majority_vote", "unanimous")
    objectives: Some[Objective] = ("log_probabilities", "margins")
    rule_sizes: Some[Pieces] = (3,)
    encodings: Several[Literal["direct", "cppn"]] = ("direct",)
    generations: Count = 100
    children: Batch = 100
    steps: Count = 100
    rounds: Count = 5
    step_size: Share = 0.01
    images: Batch = 40
    epsilon: Share = 0.1
    pgd_steps: Count = 20
    ddn_steps: Count = 50
    tau: Confidence = 0.99
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=60),
        models=("softmax",),
        members=(1, 2),
        sets=2,
        rule_sizes=(),
        encodings=("direct",),
        generations=10,
        children=20,
        steps=20,
        rounds=4,
        step_size=0.03,
        images=10,
        pgd_steps=4,
        ddn_steps=10,
        tau=0.5,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist", train_steps=600),
        encodings=("direct", "cppn"),
        generations=250,
        images=60,
        epsilon=0.15,
    ),
}


class Scene(NamedTuple):
    """A set of networks, in the order in which they join, and test images all get right."""

    names: tuple[str, ...]
    members: tuple[Classifier, ...]
    images: Images
    labels: Array
    test: Any  # all test images, in memory or on disk


def check(config: Config) -> None:
    """Refuse settings that are impossible whatever the networks.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    if list(config.members) != sorted(config.members):
        raise ValueError(f"--members must ascend, got {' '.join(map(str, config.members))}")
    absent = sorted(set(config.rule_sizes) - set(config.members))
    if absent:
        raise ValueError(f"--rule-sizes must be among --members, got {absent[0]}")
    if config.rounds > config.steps:
        raise ValueError(f"--rounds must be at most --steps {config.steps}, got {config.rounds}")
    if config.victim.model != Victim().model:
        raise ValueError(f"--model: give --models {config.victim.model} another ..., not --model")
    own = [model for model in config.models if ":" in model]
    if own and config.sets > 1:
        raise ValueError(
            f"--models: {own[0]} has but one set of weights, so add --sets 1; there are then no "
            "intervals"
        )
    if own and max(config.members) > len(config.models):
        raise ValueError(
            f"--members: {max(config.members)} members, but --models names {len(config.models)}: "
            "networks of your own have one set of weights each; name more, or ask for fewer"
        )


def groups(config: Config) -> dict[str, tuple[str, ...]]:
    """Return the members' architectures, in the order in which they join, by group."""
    count, models = max(config.members), config.models
    mixed = tuple(models[i % len(models)] for i in range(count))
    same = {} if any(":" in model for model in models) else {"same": (models[0],) * count}
    return same | ({"mixed": mixed} if len(models) > 1 or not same else {})


def rules_at(config: Config, group: str, count: int) -> tuple[str, ...]:
    """Return rules compared with the mean of probabilities, in the first group only."""
    first = group == next(iter(groups(config)))
    return config.rules if first and count in config.rule_sizes else ()


def objectives_at(config: Config, count: int) -> tuple[str, ...]:
    """Return what joint attacks climb besides the answer: the joint one always."""
    more = [one for one in config.objectives if one != JOINT]
    several = (JOINT, *(more if count in config.rule_sizes else ()))
    return several if count > 1 else ()


def alone(config: Config, group: str) -> dict[str, int]:
    """Return the place of the first network of every architecture but the first one."""
    architectures = groups(config)[group]
    return {name: architectures.index(name) for name in dict.fromkeys(architectures[1:])
            if name != architectures[0]}  # fmt: skip


def needed(config: Config) -> dict[str, int]:
    """Return how many networks of each architecture all sets take together."""
    most: dict[str, int] = {}
    for architectures in groups(config).values():
        for model in architectures:
            most[model] = max(most.get(model, 0), architectures.count(model))
    return {model: config.sets * count for model, count in most.items()}


def names_of(config: Config, group: str, place: int) -> tuple[str, ...]:
    """Return the names of a set's networks, in the order in which they join."""
    counts, seen, names = needed(config), dict.fromkeys(config.models, 0), []
    for model in groups(config)[group]:
        seen[model] += 1
        names.append(f"{model} {place * (counts[model] // config.sets) + seen[model]}")
    return tuple(names)


def attack(run: study.Run[Config], scenes: Mapping[tuple[str, int], Scene]) -> study.Results:
    """Attack every ensemble in every way, a cell each.

    All sizes and rules of a set meet the same random numbers, so that they differ in
    nothing but the networks.
    """
    config, cells = run.config, list[study.Cell]()
    usual = (*config.encodings, "ascent", "perturb")
    for group, place in scenes:
        where: dict[str, list[Any]] = {"group": [group], "set": [place]}
        for count in config.members:
            rules = (MEAN, *rules_at(config, group, count))
            cells += study.grid(**where, members=[count], rule=rules, attack=usual)
            more = ("in turn", *(f"by {one}" for one in objectives_at(config, count)))
            cells += study.grid(**where, members=[count], rule=[MEAN], attack=more)
        largest = config.members[-1]
        cells += study.grid(**where, members=[largest], rule=[MEAN], attack=["alignment"])
        cells += study.grid(
            **where, members=[1], rule=[MEAN], attack=usual, alone=alone(config, group)
        )

    def make(
        key: RandomKey, attack: str, alone: str | None = None, **cell: Any
    ) -> Mapping[str, ArrayLike]:
        del key  # that of the cell
        group, place = cell["group"], cell["set"]
        scene, seed = scenes[group, place], config.run.seed
        if alone is not None:
            first = groups(config)[group].index(alone)
            scene = scene._replace(members=scene.members[first : first + 1])
        way = attack if attack in config.encodings else "gradients"
        key = study.key_of(seed, set=place, way=way)
        members = scene.members[: cell["members"]]
        return attack_one(config, scene, members, cell["rule"], attack, key)

    return study.compute(run, cells, make, "attacking")


def attack_one(
    config: Config,
    scene: Scene,
    members: Sequence[Classifier],
    rule: str,
    attack: str,
    key: RandomKey,
) -> Mapping[str, ArrayLike]:
    """Attack one ensemble in one way.

    Returns:
        ``images [n, h, w, c]``, what the whole says of them, ``own [n, m]``, and what every
        network of the set does, ``logits [s, n, k]``; and what the way of attacking adds.
    """
    import jax.numpy as jnp

    whole = answer_as(members, rule)
    if attack == "alignment":
        return align(scene, key)
    if attack in config.encodings:
        space = fj.encodings.CATALOG[attack].build(whole.input_shape, fj.media.Pictures())
        images, history = study.evolve(key, whole, space, config.children, config.generations)
        found: Mapping[str, ArrayLike] = {"history": history}
    elif attack == "perturb":
        images, found = perturb(config, scene, whole, key)
    elif attack == "in turn":
        images, found = turn(config, scene, members, whole, key)
    elif attack == "ascent":
        images, found = climb(config, whole, key)
    else:  # follow another mean than the one by which the ensemble answers
        other = answer_as(members, attack.removeprefix("by "))
        followed = fj.defenses.with_gradient_of(whole, other.apply)
        leave = fj.attacks.leave(scene.labels)
        pgd = fj.attacks.run(_pgd(config), key, followed, scene.images, leave)
        images, found = climb(config, followed, key)
        found = {**found, "pgd_success": pgd.success}
    logits = jnp.stack([study.logits(one, images) for one in scene.members])
    return {**found, "images": images, "own": study.logits(whole, images), "logits": logits}


def answer_as(members: Sequence[Classifier], rule: Any) -> Classifier:
    """Let members answer as one, by a `Rule` or a mean; a single one is its own mean."""
    if rule == "majority_vote":
        return fj.defenses.majority_vote(members)
    if rule == "unanimous":
        return fj.defenses.unanimous(members)
    return members[0] if len(members) == 1 else fj.defenses.ensemble(members, rule)


#: Images, and arrays by name.
Found = tuple["Images", Mapping[str, ArrayLike]]


def climb(config: Config, attacked: Classifier, key: RandomKey) -> Found:
    """Follow a gradient from noise; ``trace > 0`` where the goal is reached."""
    noise, targets = _noise(key, attacked)
    goal = fj.attacks.confident(fj.attacks.reach(targets), config.tau)
    ascent = _ascent(config, config.steps)
    found = fj.attacks.run(ascent, key, attacked, noise, goal, trace=True)
    return found.images, {"trace": np.asarray(found.trace)}


def turn(
    config: Config,
    scene: Scene,
    members: Sequence[Classifier],
    whole: Classifier,
    key: RandomKey,
) -> Found:
    """Attack one member after the other, from noise and from real images.

    ``before [n, k]`` and ``after [r, n, n, k]`` are log-odds of the class to be shown.
    """
    noise, targets = _noise(key, whole)
    # asked for even odds, a margin is the log-odds: they never exceed the lead
    goal = fj.attacks.confident(fj.attacks.reach(targets), _EVEN_ODDS)
    ascent, rounds = _ascent(config, config.steps // config.rounds), config.rounds
    found = fj.attacks.in_turn(ascent, key, members, noise, goal, rounds=rounds)
    leave, pgd = fj.attacks.leave(scene.labels), _pgd(config, rounds)
    changed = fj.attacks.in_turn(pgd, key, members, scene.images, leave, rounds=rounds)
    fooled = fj.attacks.score(whole, scene.images, leave, changed.images).success
    return found.images, {"before": found.before, "after": found.after, "pgd_success": fooled}


def perturb(config: Config, scene: Scene, whole: Classifier, key: RandomKey) -> Found:
    """Look for the nearest misjudged image (DDN), and inside a ball (PGD)."""
    goal, ddn = fj.attacks.leave(scene.labels), fj.attacks.ddn(config.ddn_steps)
    near = fj.attacks.run(ddn, key, whole, scene.images, goal)
    pgd = fj.attacks.run(_pgd(config), key, whole, scene.images, goal)
    return pgd.images, {
        "clean": fj.training.predict(whole, scene.test),
        "l2": np.where(near.success, near.l2, np.inf),
        "success": pgd.success,
    }


def align(scene: Scene, key: RandomKey) -> Mapping[str, ArrayLike]:
    """Measure cosines between the members' gradients at noise and at test images, ``[s, s, n]``."""
    noise, targets = _noise(key, scene.members[0])
    cosines, attacks = fj.analysis.gradient_alignment, fj.attacks
    return {
        "cosines_noise": cosines(scene.members, noise, attacks.reach(targets)),
        "cosines_images": cosines(scene.members, scene.images, attacks.leave(scene.labels)),
    }


def _ascent(config: Config, steps: int) -> Attack:
    """Adam follows a gradient's direction, whatever the size of the logits."""
    return fj.attacks.ascent(steps, rule="adam", step_size=config.step_size)


def _pgd(config: Config, rounds: int = 1) -> Attack:
    step_size, steps = 2.5 * config.epsilon / config.pgd_steps, config.pgd_steps // rounds
    return fj.attacks.pgd(config.epsilon, step_size, max(1, steps), loss=fj.attacks.margin)


def _noise(key: RandomKey, classifier: Classifier) -> tuple[Images, Array]:
    import jax
    import jax.numpy as jnp

    targets = jnp.arange(classifier.num_classes, dtype=jnp.int32)
    key_noise = jax.random.fold_in(key, len(targets))  # the attacks fold in the targets
    shape = (len(targets), *classifier.input_shape)
    return jax.random.uniform(key_noise, shape, dtype=jnp.float32), targets
