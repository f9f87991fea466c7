"""What ``experiments.unknown`` computes: images of many kinds, and every method's word on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.runtime.limits import Within
from fooljax.study import Batch, Count, Pieces, RunFlags, Several, Share, Victim

if TYPE_CHECKING:
    from jaxtyping import Array

    from fooljax.attacks import Goal
    from fooljax.data import Dataset
    from fooljax.defenses import Score, ScoreEntry, Threshold
    from fooljax.types import Classifier, Images, RandomKey

NAIVE = "naive"
CLEAN = "clean"
RATES = (0.95, 0.99)  # shares of clean images accepted; the adversary faces the first
#: Made from nothing to be taken for a class.
FOOLING = ("evolved pixels", "evolved patterns", "gradient images")
#: Made of real images, within epsilon.
PERTURBED, PUSHED, REFUSED = "perturbed images", "pushed outliers", "refused"


@dataclass(frozen=True)
class Config:
    """Let a network say "I do not know this", and try to be answered all the same.

    Attributes:
        victim: the data, the network, and how it is trained.
        network_seeds: networks, from other starting weights; intervals are over them.
        methods: what an image must have to be accepted: a high probability, logit or
            energy, or features near a class's mean (mahalanobis) or near a training
            image (neighbor), or usual logits (openmax).
        outliers: images that show none of the classes: photographs (they come with
            scikit-learn), inverted, quarter-turn, scrambled or mosaic test images, a
            data set by name, a folder of pictures or an .npz.
        images: of each kind of outliers and noise, at most.
        known: training images that the methods learn from, at most.
        evolutions: of each encoding, against each network and method.
        generations: of an evolution after the random population.
        children: images made in a generation.
        attacked: images that gradients work on, of each kind.
        steps: of a gradient attack.
        queries: candidates of the attack without gradients, for each image.
        epsilon: most that a pixel of a real image may change, in units of [0, 1].
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    network_seeds: Pieces = 3
    methods: Several[str] = ("probability", "logit", "energy", "mahalanobis", "neighbor", "openmax")
    outliers: Several[str] = (
        "photographs",
        "inverted",
        "quarter-turn",
        "scrambled",
        "mosaic",
    )
    images: Annotated[int, Within(2, 100_000, why="they are in memory at once; ask for fewer")] = (
        150
    )
    known: Count = 5000
    evolutions: Batch = 1
    generations: Count = 150
    children: Batch = 100
    attacked: Count = 40
    steps: Count = 60
    queries: Count = 200
    epsilon: Share = 0.1
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="mlp", train_steps=80),
        network_seeds=2,
        methods=("neighbor",),
        outliers=("photographs", "mosaic"),
        images=60,
        known=300,
        generations=6,
        children=12,
        attacked=10,
        steps=6,
        queries=6,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist"),
        outliers=("photographs", "cifar10", "quarter-turn", "scrambled", "mosaic"),
        images=1000,
        attacked=100,
        epsilon=0.2,
    ),
}


class Stage(NamedTuple):
    """A network, and what stands guard over it.

    Attributes:
        classifier: the bare network.
        scores: of every method by name.
        thresholds: of every method, one for each of ``RATES``.
        guarded: the network that rejects by each method, at the first rate.
        in_features: whether there are features other than the logits.
    """

    classifier: Classifier
    scores: dict[str, Score]
    thresholds: dict[str, tuple[Threshold, ...]]
    guarded: dict[str, Classifier]
    in_features: bool


class Clean(NamedTuple):
    """Held-out images, in two parts.

    Attributes:
        calibration: to set thresholds by, ``[m, h, w, c]``.
        images: to test on, ``[n, h, w, c]`` in [0, 1].
        labels: of them.
    """

    calibration: Any  # uint8 or float32 images
    images: Images
    labels: np.ndarray


class Scene(NamedTuple):
    """Networks with their methods by name, held-out images, and kinds of unrelated ones."""

    stages: Mapping[str, Stage]
    clean: Clean
    families: Mapping[str, np.ndarray]


#: Images, and what they are to show or do show.
Made: TypeAlias = "tuple[Images, Array]"


def prepare(run: study.Run[Config]) -> study.Networks:
    """Train, load or fetch the networks, once all that is asked for is known.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    config, victim = run.config, run.config.victim
    study.choose("--methods", config.methods, fj.defenses.SCORES)
    one_only = victim.weights or (":" in victim.model and victim.model)
    flag = "--weights" if victim.weights else "--model"
    if one_only and config.network_seeds > 1:
        raise ValueError(
            f"--network-seeds {config.network_seeds}: {flag} {one_only} is but one set of weights; "
            "give --network-seeds 1"
        )

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        fj.runtime.memory.afford(shape, evolutions=config.evolutions, children=config.children)
        with study.blame("--dataset"):
            for name in ENCODINGS.values():
                fj.encodings.CATALOG[name].build(shape)

    if config.network_seeds > 1:
        return study.networks(run, (victim.model,), config.network_seeds, fits=fits)
    network = study.network(run, fits=fits)
    return study.Networks({victim.model: network}, (victim.model,))


def set_scene(run: study.Run[Config], networks: study.Networks) -> Scene:
    """Split the clean images, learn the scores, and gather the outliers.

    Raises:
        ValueError, OSError: if a method or a kind cannot be had, naming the flag.
    """
    config, (train, test) = run.config, networks.splits
    methods = {name: fj.defenses.SCORES[name] for name in config.methods}
    clean = split_clean(study.key_of(config.run.seed, images=CLEAN), test)
    rows = np.linspace(0, len(clean.labels) - 1, min(config.images, len(clean.labels))).astype(int)
    families = study.unrelated(run, "--outliers", config.outliers, clean.images[rows])
    stages = {
        name: set_stage(one.classifier, methods, train, clean, config.known)
        for name, one in networks.each.items()
    }
    return Scene(stages, clean, families)


def split_clean(key: RandomKey, test: Dataset) -> Clean:
    """Split the test images into halves at random: one to calibrate, one to test."""
    import jax

    order = np.asarray(jax.random.permutation(key, len(test.labels)))
    half = len(order) // 2
    first, second = np.sort(order[:half]), np.sort(order[half:])
    tested = fj.data.as_float(test.images[second])
    return Clean(test.images[first], tested, np.asarray(test.labels)[second])


def set_stage(
    classifier: Classifier,
    methods: Mapping[str, ScoreEntry],
    train: Dataset,
    clean: Clean,
    known: int,
) -> Stage:
    """Learn every score from training images and set thresholds on clean ones.

    Raises:
        ValueError: if a method cannot learn from these images, naming the flag.
    """
    try:
        features = fj.models.penultimate(classifier)
    except ValueError:  # a plain function: its logits have to do
        features = None
    rows = np.linspace(0, len(train.labels) - 1, min(known, len(train.labels))).astype(int)
    shown = fj.data.Dataset(train.images[rows], train.labels[rows], train.class_names)
    stage = Stage(classifier, {}, {}, {}, features is not None)
    for name, entry in methods.items():
        with study.blame(f"--methods {name}"):
            score = stage.scores[name] = entry.learn(classifier, shown, features)
            limits = stage.thresholds[name] = tuple(
                fj.defenses.calibrate(classifier, score, clean.calibration, rate) for rate in RATES
            )
        stage.guarded[name] = fj.defenses.reject(classifier, score, limits[0])
    return stage


def ask(run: study.Run[Config], scene: Scene) -> study.Results:
    """Make images of every kind against every network and method, and ask about them.

    Each cell holds the bare network's ``logits`` and a score for each method asked; where
    images were made, ``images`` and ``labels``. All methods of a network meet the same
    random numbers.
    """
    config, cells = run.config, list[study.Cell]()
    plain: dict[str, Any] = {CLEAN: scene.clean.images, **scene.families}  # of numpy or of JAX
    for network, stage in scene.stages.items():
        cells += study.grid(network=[network], family=plain, against=[NAIVE])
        against = (NAIVE, *stage.scores)
        cells += study.grid(network=[network], family=(*FOOLING, PERTURBED), against=against)
        cells += study.grid(network=[network], family=(PUSHED, REFUSED), against=stage.scores)

    def make(key: RandomKey, network: str, family: str, against: str) -> Mapping[str, ArrayLike]:
        stage, naive = scene.stages[network], against == NAIVE
        if family in plain:
            return judged(stage, list(stage.scores), plain[family])
        victim = stage.classifier if naive else stage.guarded[against]
        key = study.key_of(config.run.seed, network=network, family=family)
        maker = evolve if family in ENCODINGS else MAKERS[family]
        images, labels = maker(config, scene, stage, victim, key, family)
        methods = list(stage.scores) if naive else [against]
        return {"images": images, "labels": labels, **judged(stage, methods, images)}

    return study.compute(run, cells, make, "making images")


def judged(stage: Stage, methods: Sequence[str], images: Images) -> dict[str, ArrayLike]:
    """Say what the bare network and every method make of images."""
    found: dict[str, ArrayLike] = {}
    for method in methods:
        score = stage.scores[method]
        found["logits"], found[f"score_{method}"] = fj.defenses.judge(
            stage.classifier, score, images
        )
    return found


def best(victim: Classifier, goal: Goal, originals: Images, candidates: list[Images]) -> Images:
    """Return of each image's candidates the one with the largest margin: the worst case."""
    import jax.numpy as jnp

    margins = [fj.attacks.score(victim, originals, goal, one).margin for one in candidates]
    stacked = jnp.stack(margins)
    place = jnp.argmax(jnp.where(jnp.isnan(stacked), -jnp.inf, stacked), axis=0)
    return jnp.stack(candidates)[place, jnp.arange(len(originals), dtype=jnp.int32)]


def sides(stage: Stage, victim: Classifier) -> list[Classifier]:
    """Return whom an adversary climbs: the bare network first, then the guarded one."""
    return [victim] if victim is stage.classifier else [stage.classifier, victim]


def climb(
    config: Config, key: RandomKey, victim: Classifier, images: Images, goal: Goal, epsilon: float
) -> Images:
    """Climb to the class first and to acceptance then; on a bare network plainly to the class."""
    attack = fj.attacks.pgd(epsilon, steps=config.steps, loss=fj.attacks.selective)
    return fj.attacks.run(attack, key, victim, images, goal).images


def evolve(
    config: Config, scene: Scene, stage: Stage, victim: Classifier, key: RandomKey, family: str
) -> Made:
    """Evolve an image for every class, against the bare network and the guarded one."""
    import jax
    import jax.numpy as jnp

    encoding = fj.encodings.CATALOG[ENCODINGS[family]].build(victim.input_shape)
    targets = jnp.arange(victim.num_classes, dtype=jnp.int32)
    found = []
    for run in range(config.evolutions):
        key_run, numbers = jax.random.fold_in(key, run), (config.children, config.generations)
        elites = [
            study.evolve(jax.random.fold_in(key_run, i), side, encoding, *numbers)[0]
            for i, side in enumerate(sides(stage, victim))
        ]
        found.append(best(victim, fj.attacks.reach(targets), elites[0], elites))
    return jnp.concatenate(found), jnp.tile(targets, config.evolutions)


def gradient(
    config: Config, scene: Scene, stage: Stage, victim: Classifier, key: RandomKey, family: str
) -> Made:
    """Climb from noise toward every class in turn, as far as the range of pixels allows."""
    import jax
    import jax.numpy as jnp

    key_noise, key_climb = jax.random.split(key)
    noise = jax.random.uniform(key_noise, (config.attacked, *victim.input_shape), dtype=jnp.float32)
    targets = jnp.arange(config.attacked, dtype=jnp.int32) % victim.num_classes
    goal = fj.attacks.reach(targets)
    made = [
        climb(config, jax.random.fold_in(key_climb, i), side, noise, goal, 1.0)
        for i, side in enumerate(sides(stage, victim))
    ]
    return best(victim, goal, noise, made), targets


def perturb(
    config: Config, scene: Scene, stage: Stage, victim: Classifier, key: RandomKey, family: str
) -> Made:
    """Change real images that the network gets right, for another class and acceptance."""
    import jax

    images, labels = attackable(config, scene, stage)
    goal = fj.attacks.leave(labels)
    climbed = [
        climb(config, jax.random.fold_in(key, i), side, images, goal, config.epsilon)
        for i, side in enumerate(sides(stage, victim))
    ]
    found = best(victim, goal, images, [images, *climbed])
    if victim is stage.classifier:
        return found, labels
    squares = fj.attacks.square(config.epsilon, config.queries)
    blind = fj.attacks.run(squares, jax.random.fold_in(key, 2), victim, images, goal).images
    return best(victim, goal, images, [found, blind]), labels


def push(
    config: Config, scene: Scene, stage: Stage, victim: Classifier, key: RandomKey, family: str
) -> Made:
    """Change outliers of the first kind until they are accepted as anything."""
    import jax.numpy as jnp

    images = jnp.asarray(scene.families[config.outliers[0]][: config.attacked])
    nobody = jnp.full(len(images), victim.num_classes, jnp.int32)
    goal = fj.attacks.leave(nobody)
    return climb(config, key, victim, images, goal, config.epsilon), nobody


def refuse(
    config: Config, scene: Scene, stage: Stage, victim: Classifier, key: RandomKey, family: str
) -> Made:
    """Change real images until they are rejected."""
    import jax.numpy as jnp

    images, labels = attackable(config, scene, stage)
    goal = fj.attacks.reach(jnp.full(len(images), victim.num_classes, jnp.int32))
    return climb(config, key, victim, images, goal, config.epsilon), labels


def attackable(config: Config, scene: Scene, stage: Stage) -> Made:
    """Return the first clean images that the bare network gets right; all if it gets none."""
    import jax.numpy as jnp

    logits, _ = fj.defenses.judge(stage.classifier, fj.defenses.maximum_logit(), scene.clean.images)
    answers = logits[:, : stage.classifier.num_classes].argmax(1)
    right = np.flatnonzero(answers == scene.clean.labels)
    rows = (right if right.size else np.arange(len(scene.clean.labels)))[: config.attacked]
    return scene.clean.images[rows], jnp.asarray(scene.clean.labels[rows])


ENCODINGS = {"evolved pixels": "direct", "evolved patterns": "cppn"}
MAKERS: dict[str, Callable[..., Made]] = {
    "gradient images": gradient,
    PERTURBED: perturb,
    PUSHED: push,
    REFUSED: refuse,
}
