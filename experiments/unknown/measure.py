"""What ``experiments.unknown`` computes: images of many kinds, and every method's word on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Count, Fooling, Pieces, RunFlags, Several, Victim

if TYPE_CHECKING:
    from fooljax.attacks import Goal
    from fooljax.defenses import Score, ScoreEntry, Threshold
    from fooljax.types import Classifier, Images, RandomKey

NAIVE, ADAPTIVE = "naive", "adaptive"
CLEAN = "clean"
NOISES = ("noise", "gaussian", "blurred", "permuted")
#: Made of real images, within epsilon: mistaken, accepted as anything, rejected.
PERTURBED, PUSHED, REFUSED = "perturbed", "pushed", "refused"
RATES = {"95": 0.95, "99": 0.99}  # shares of clean images accepted; the adversary faces the first
AREAS = ("auroc", "aupr_id_pos", "aupr_ood_pos", "fpr95_id_pos", "fpr95_ood_pos")
_BATCH = 500


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
            scikit-learn), inverted, quarter_turn, scrambled or mosaic test images, a
            data set by name, a folder of pictures or an .npz.
        generators: how images that show nothing are made to be accepted: direct and cppn
            (evolved), signs (by gradient). An unknown name lists them all.
        fooling: how images are made; test images are changed by PGD within epsilon.
        known: training images that the methods learn from, at most.
        attacked: test images that are changed, and images that a generator makes by
            gradient, at least.
        queries: candidates of the attack without gradients, for each test image.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    network_seeds: Pieces = 3
    methods: Several[str] = ("probability", "logit", "energy", "mahalanobis", "neighbor", "openmax")
    outliers: Several[str] = ("photographs", "inverted", "quarter_turn", "scrambled", "mosaic")
    generators: Several[str] = ("direct", "cppn", "signs")
    fooling: Fooling = field(
        default_factory=lambda: Fooling(
            images=150, generations=150, ascent_steps=60, pgd_steps=60, epsilon=0.1
        )
    )
    known: Count = 5000
    attacked: Count = 40
    queries: Count = 200
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="mlp", train_steps=80),
        network_seeds=2,
        methods=("neighbor",),
        outliers=("photographs", "mosaic"),
        fooling=Fooling(
            images=60, generations=6, children=12, ascent_steps=6, pgd_steps=6, epsilon=0.1
        ),
        known=300,
        attacked=10,
        queries=6,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist"),
        outliers=("photographs", "cifar10", "quarter_turn", "scrambled", "mosaic"),
        fooling=Fooling(images=1000, generations=150, ascent_steps=60, pgd_steps=60, epsilon=0.2),
        attacked=100,
    ),
}


class Stage(NamedTuple):
    """A network, and what stands guard over it.

    Attributes:
        classifier: the bare network.
        scores: of every method by name.
        limits: of every method, a threshold for each of ``RATES``.
        guarded: the network that rejects by each method, at the first rate.
        right: the first clean images that the network gets right; all if it gets none.
        in_features: whether there are features other than the logits.
    """

    classifier: Classifier
    scores: dict[str, Score]
    limits: dict[str, dict[str, Threshold]]
    guarded: dict[str, Classifier]
    right: study.Material
    in_features: bool

    def answers(self, logits: np.ndarray) -> np.ndarray:
        """Return the real classes that the bare network names."""
        return np.argmax(logits[:, : self.classifier.num_classes], axis=1)


class Scene(NamedTuple):
    """What all cells share.

    Attributes:
        networks: with the images that they know.
        stages: networks with their methods, by name.
        clean: held-out images that had no part in setting the thresholds.
        held: ``[m, h, w, c]``, those that had.
        makers: ways to make images, those of nobody among them, by name.
        families: images that nobody has made against a network, by name.
        ways: to make images that show nothing against a network, by name.
    """

    networks: study.Networks
    stages: Mapping[str, Stage]
    clean: study.Material
    held: Images
    makers: study.Makers
    families: Mapping[str, Images]
    ways: Mapping[str, study.Make]

    @property
    def made(self) -> dict[str, str]:
        """Kinds of images made to be accepted, and those of who does not know the method."""
        return {
            **{name: name for name in (*self.ways, PERTURBED)},
            PUSHED: next(iter(self.families)),
        }


def set_scene(run: study.Run[Config]) -> Scene:
    """Train networks, learn the scores, and gather images that nobody made against a network.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    import jax

    config, seed = run.config, run.config.run.seed
    methods = study.choose("--methods", config.methods, fj.defenses.SCORES)
    fooling = {name: maker for name, maker in study.FOOLING.items() if maker.fools}
    chosen = study.choose("--generators", config.generators, fooling)
    still, ways = dict[str, study.Maker](), dict[str, study.Make]()

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        if ways:
            return
        making, runs = config.fooling.making, config.fooling.runs
        fj.runtime.memory.afford(shape, runs=runs)
        names = dict.fromkeys((*config.outliers, *NOISES))
        still.update(study.choose_outsiders(run, "--outliers", names, shape, making.images))
        ways.update(study.build("--outliers", still, making, shape))
        for name, way in study.build("--generators", chosen, making, shape).items():
            enough = runs if chosen[name].blind else -(-config.attacked // num_classes)
            ways[name] = study.repeated(way, enough)

    networks = study.replicas(run, "--network-seeds", config.network_seeds, fits)
    train, test = networks.splits

    def take(rows: np.ndarray) -> study.Material:
        return study.Material(fj.data.as_float(test.images[rows]), test.labels[rows], train, rows)

    key = study.key_of(seed, images=CLEAN)
    order = np.asarray(jax.random.permutation(key, len(test.labels)))
    half = len(order) // 2
    held, rows = np.sort(order[:half]), np.sort(order[half:])
    few = np.linspace(0, len(rows) - 1, min(config.fooling.images, len(rows))).astype(int)
    shown, first = take(rows[few]), networks.first.classifier
    families = {
        name: ways.pop(name)(study.key_of(seed, images=name), first, shown).images for name in still
    }
    clean = take(rows)
    stages = {
        name: set_stage(config, one.classifier, methods, clean, test.images[held])
        for name, one in networks.each.items()
    }
    return Scene(networks, stages, clean, test.images[held], still | chosen, families, ways)


def set_stage(
    config: Config,
    classifier: Classifier,
    methods: Mapping[str, ScoreEntry],
    clean: study.Material,
    held: Images,
) -> Stage:
    """Learn every score from training images and set thresholds on images held out.

    Raises:
        ValueError: if a method cannot learn from these images, naming the flag.
    """
    try:
        features = fj.models.penultimate(classifier)
    except ValueError:  # a plain function: its logits have to do
        features = None
    train, labels = clean.train, np.asarray(clean.labels)
    rows = np.linspace(0, len(train.labels) - 1, min(config.known, len(train.labels))).astype(int)
    known = fj.data.Dataset(train.images[rows], train.labels[rows], train.class_names)
    said = fj.training.predict(classifier, clean.images, _BATCH)
    right = np.flatnonzero(said == labels)
    few = (right if right.size else np.arange(len(labels)))[: config.attacked]
    real = study.Material(clean.images[few], clean.labels[few], train, clean.places[few])
    stage = Stage(classifier, {}, {}, {}, real, features is not None)
    for name, entry in methods.items():
        with study.blame(f"--methods {name}"):
            score = stage.scores[name] = entry.learn(classifier, known, features)
            stage.limits[name] = {
                percent: fj.defenses.calibrate(classifier, score, held, rate)
                for percent, rate in RATES.items()
            }
        stage.guarded[name] = fj.defenses.reject(classifier, score, stage.limits[name]["95"])
    return stage


def ask(run: study.Run[Config], scene: Scene) -> study.Results:
    """Make images of every kind against every network and method, and ask about them.

    Each cell holds the bare network's ``logits`` and a score for each method asked; where
    images were made, ``images`` and ``labels``. All methods of a network meet the same
    random numbers, and what fooled the bare network counts as an attempt against each.
    """
    config, stages, methods = run.config, scene.stages, run.config.methods
    shown = {CLEAN: scene.clean.images, **scene.families}
    naive: study.Results | None = None

    def meet(key: RandomKey, images: str, against: str, network: str) -> dict[str, ArrayLike]:
        stage = stages[network]
        if images in shown:
            return judged(stage, methods, shown[images])
        key = study.key_of(config.run.seed, images=images, network=network)
        if naive is None:
            goal, found = attempt(config, scene, stage, stage.classifier, key, images)
            made = best(stage.classifier, goal, found)
            return {"images": made, "labels": goal.labels, **judged(stage, methods, made)}
        goal, found = attempt(config, scene, stage, stage.guarded[against], key, images)
        before = [cell["images"] for _, cell in naive.where(images=images, network=network).found]
        made = best(stage.guarded[against], goal, [*found, *before])
        return {"images": made, "labels": goal.labels, **judged(stage, [against], made)}

    kinds = (*shown, *scene.ways, PERTURBED)
    cells = study.grid(images=kinds, against=[NAIVE], network=stages)
    naive = study.compute(run, cells, meet, "making images")
    kinds = (*scene.ways, PERTURBED, PUSHED, REFUSED)
    cells = study.grid(images=kinds, against=methods, network=stages)
    return study.gather(naive, study.compute(run, cells, meet, "making images against methods"))


def attempt(
    config: Config, scene: Scene, stage: Stage, victim: Classifier, key: RandomKey, images: str
) -> tuple[Goal, list[Images]]:
    """Make images of a kind against a network, bare or guarded, in one way or several."""
    import jax
    import jax.numpy as jnp

    if images in scene.ways:
        made = scene.ways[images](key, victim, stage.right)
        return fj.attacks.reach(made.labels), [made.images]
    start, none = stage.right.images, victim.num_classes
    if images == PUSHED:
        start = jnp.asarray(next(iter(scene.families.values()))[: config.attacked])
    nobody = jnp.full(len(start), none, jnp.int32)
    goal = {
        PERTURBED: fj.attacks.leave(stage.right.labels),
        PUSHED: fj.attacks.leave(nobody),
        REFUSED: fj.attacks.reach(nobody),
    }[images]
    epsilon, steps = config.fooling.epsilon, config.fooling.pgd_steps
    # to the class first, and to acceptance then; on a bare network plainly to the class
    ways = [fj.attacks.pgd(epsilon, steps=steps, loss=fj.attacks.selective)]
    if images == PERTURBED and victim is not stage.classifier:
        ways.append(fj.attacks.square(epsilon, config.queries))
    keys = jax.random.split(key, len(ways))
    found = [
        fj.attacks.run(*both, victim, start, goal).images for both in zip(ways, keys, strict=True)
    ]
    return goal, [start, *found]


def best(victim: Classifier, goal: Goal, candidates: Iterable[ArrayLike]) -> Images:
    """Return of each image's candidates the one with the largest margin: the worst case."""
    import jax.numpy as jnp

    every = jnp.stack([jnp.asarray(one) for one in candidates])
    margins = jnp.stack([fj.attacks.score(victim, every[0], goal, one).margin for one in every])
    place = jnp.argmax(jnp.where(jnp.isnan(margins), -jnp.inf, margins), axis=0)
    return every[place, jnp.arange(len(place), dtype=jnp.int32)]


def judged(stage: Stage, methods: Iterable[str], images: Images) -> dict[str, ArrayLike]:
    """Say what the bare network and every method make of images."""
    found: dict[str, ArrayLike] = {}
    for method in methods:
        said = fj.defenses.judge(stage.classifier, stage.scores[method], images)
        found["logits"], found[f"score_{method}"] = said
    return found


def judge(scene: Scene, results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each network, method and kind of images, and of the bare network.

    ``accepted`` counts perturbed images only if they are mistaken.
    """
    for cell, found in results.found:
        network, images, stage = cell["network"], cell["images"], scene.stages[cell["network"]]
        clean = results.one(images=CLEAN, network=network)
        right = stage.answers(clean["logits"]) == np.asarray(scene.clean.labels)
        counts = np.ones(len(found["logits"]), bool)
        if images == PERTURBED:
            counts = stage.answers(found["logits"]) != found["labels"]
        naive = cell["against"] == NAIVE
        if naive:
            sure = confidence(stage, found["logits"])
            numbers = {"part": "bare", **fj.metrics.confidence_summary(sure)._asdict()}
            numbers["answered"] = float(counts.mean())
            if images == CLEAN:
                numbers["accuracy"] = float(right.mean())
                error = fj.metrics.expected_calibration_error
                numbers["calibration_error"] = error(sure, right)
            yield {**cell, "method": "", **numbers}
        for method in stage.scores if naive else [cell["against"]]:
            scores, known = found[f"score_{method}"], clean[f"score_{method}"]
            about = {**cell, "how": NAIVE if naive else ADAPTIVE, "method": method}
            least = {percent: limit.value for percent, limit in stage.limits[method].items()}
            if images == REFUSED:
                shares = {"rejected": scores < least["95"], "rejected_before": known < least["95"]}
            else:
                shares = {f"accepted_{one}": counts & (scores >= at) for one, at in least.items()}
            numbers = {name: float(np.mean(share)) for name, share in shares.items()}
            if images == CLEAN:
                for one, at in least.items():
                    kept = right[scores >= at]
                    numbers[f"right_{one}"] = float(kept.mean()) if kept.size else np.nan
                    numbers[f"threshold_{one}"] = at
            elif images != REFUSED:
                numbers |= {area: getattr(fj.metrics, area)(known, scores) for area in AREAS}
            part = images if images in (CLEAN, REFUSED) else "family"
            yield {**about, "part": part, **numbers}


def confidence(stage: Stage, logits: np.ndarray) -> np.ndarray:
    """Return how sure the bare network is of its answers, ``[n]``."""
    import jax.numpy as jnp

    shares = np.asarray(fj.metrics.probabilities(jnp.asarray(logits)))
    return np.minimum(shares[:, : stage.classifier.num_classes].max(axis=1), 1.0)


def compare(scene: Scene, records: Iterable[study.Record]) -> Iterator[study.Record]:
    """Yield for each network, method and kind of images what is accepted, as `study.gains` asks.

    A gain is the share that the bare network answers of images made for it, minus the
    share that the method accepts: of the same images, or of those made against it.
    """
    keys = lambda one: (one["network"], one["method"], one["images"], one.get("how"))
    found = {keys(one): one for one in records}
    for (network, method, images, how), one in found.items():
        if how != ADAPTIVE or images not in scene.made:
            continue
        before = scene.made[images]
        answered = found[network, "", before, None]["answered"]
        naive = found[network, method, before, NAIVE]["accepted_95"]
        yield {
            **{"defense": method, "against": images, "network": network},
            **{"naive": naive, "adaptive": one["accepted_95"]},
            "unchanged": found[network, method, CLEAN, NAIVE]["accepted_95"],
            **{"naive_gain": answered - naive, "adaptive_gain": answered - one["accepted_95"]},
        }
