"""What ``experiments.unknown`` computes: images of many kinds, and every method's word on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Count, Fooling, Pieces, RunFlags, Several, Victim

if TYPE_CHECKING:
    from fooljax.attacks import Goal
    from fooljax.types import Classifier, Images, RandomKey

NAIVE, ADAPTIVE = "naive", "adaptive"
CLEAN = "clean"
NO_TEXTS = "are ids, and images are pushed here by small steps"
NOISES = ("noise", "gaussian", "blurred", "permuted")
#: Made of real images, within epsilon: mistaken, accepted as anything, rejected.
PERTURBED, PUSHED, REFUSED = "perturbed", "pushed", "refused"


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
            data set by name, a folder of pictures or an .npz. What only pictures are
            is left out of sounds and videos.
        generators: how images that show nothing are made to be accepted: direct and
            cppn (evolved), signs (by gradient). An unknown name lists them all.
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
        generators=("direct", "signs"),
        fooling=Fooling(60, 1, 6, 12, ascent_steps=6, pgd_steps=6, epsilon=0.1),
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
        guards: by method.
        right: the first clean images that the network gets right; all if it gets none.
    """

    classifier: Classifier
    guards: dict[str, study.Guard]
    right: study.Material

    def answers(self, logits: np.ndarray) -> np.ndarray:
        """Return the real classes that the bare network names."""
        return np.argmax(logits[:, : self.classifier.num_classes], axis=1)


class Scene(NamedTuple):
    """What all cells share.

    Attributes:
        networks: with the images that they know.
        stages: networks with their methods, by name.
        clean: held-out images that had no part in setting the thresholds.
        makers: ways to make images, those of nobody among them, by name.
        families: images that nobody has made against a network, by name.
        ways: to make images that show nothing against a network, by name.
        medium: what the images are.
        outliers: names of the families that are no noise.
    """

    networks: study.Networks
    stages: Mapping[str, Stage]
    clean: study.Material
    makers: study.Makers
    families: Mapping[str, Images]
    ways: Mapping[str, study.Make]
    medium: fj.media.Medium
    outliers: tuple[str, ...]

    @property
    def made(self) -> dict[str, str]:
        """Kinds of images made to be accepted, and those of who does not know the method."""
        same = {kind: kind for kind in (*self.ways, PERTURBED)}
        return {**same, PUSHED: next(iter(self.families))}


def set_scene(run: study.Run[Config]) -> Scene:
    """Train networks, learn the scores, and gather images that nobody made against a network.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    config, seed = run.config, run.config.run.seed
    study.choose("--methods", config.methods, fj.defenses.SCORES)  # refused before any training
    fooling = {name: maker for name, maker in study.FOOLING.items() if maker.fools}
    chosen = study.choose("--generators", config.generators, fooling)
    still, ways = dict[str, study.Maker](), dict[str, study.Make]()

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        if ways:
            return
        making, runs = config.fooling.making, config.fooling.runs
        study.refuse_texts(shape, NO_TEXTS)
        study.afford(shape, runs=runs)
        names = dict.fromkeys((*suited(config, fj.media.medium_of(shape)), *NOISES))
        still.update(study.choose_outsiders(run, "--outliers", names, shape, making.images))
        ways.update(study.build("--outliers", still, making, shape))
        for name, way in study.build("--generators", chosen, making, shape).items():
            enough = runs if chosen[name].blind else -(-config.attacked // num_classes)
            ways[name] = study.repeated(way, enough)

    networks = study.replicas(run, "--network-seeds", config.network_seeds, fits)
    study.refuse_no_gradient(networks.each.values(), "--model: those who know the method")
    train, test = networks.splits
    count = len(test.labels)
    held, rows = np.split(study.order_of(seed, count, images=CLEAN), [count // 2])
    clean = study.take(test, train, np.sort(rows))
    few = clean.places[study.spread(len(rows), config.fooling.images)]
    shown, first = study.take(test, train, few), networks.first.classifier
    families = {
        name: ways.pop(name)(study.key_of(seed, images=name), first, shown).images for name in still
    }
    known = fj.data.choose_rows(train, study.spread(len(train.labels), config.known))
    stages = {}
    for name, one in networks.each.items():
        network = one.classifier
        right = study.first_right(network, clean, config.attacked)
        guards = study.guards("--methods", config.methods, network, known, test.images[held])
        stages[name] = Stage(network, guards, right)
    medium = networks.first.medium
    outliers = suited(config, medium)
    return Scene(networks, stages, clean, still | chosen, families, ways, medium, outliers)


def suited(config: Config, medium: fj.media.Medium) -> tuple[str, ...]:
    """Return the outliers that suit the medium.

    Raises:
        ValueError: if none does.
    """
    found = study.suited_outsiders(config.outliers, medium)
    if not found:
        kind = fj.media.kind(medium)
        none = f"--outliers {' '.join(config.outliers)}: none suits {kind}"
        raise ValueError(f"{none}; give scrambled or mosaic")
    return found


def ask(run: study.Run[Config], scene: Scene) -> study.Results:
    """Make images of every kind against every network and method, and ask about them.

    Each cell holds the bare network's ``logits`` and a score for each method asked; where
    images were made, ``images`` and ``labels``. All methods of a network meet the same
    random numbers, and what fooled the bare network counts as an attempt against each.
    """
    import jax.numpy as jnp

    config, stages, methods = run.config, scene.stages, run.config.methods
    shown = {CLEAN: scene.clean.images, **scene.families}
    naive: study.Results | None = None

    def judged(stage: Stage, some: Sequence[str], images: Images) -> dict[str, ArrayLike]:
        ask_one = lambda name: fj.defenses.judge(stage.classifier, stage.guards[name].score, images)
        said = {name: ask_one(name) for name in some}
        scores = {f"score_{name}": scores for name, (_, scores) in said.items()}
        return {"logits": said[some[0]][0], **scores}

    def meet(key: RandomKey, images: str, against: str, network: str) -> dict[str, ArrayLike]:
        stage = stages[network]
        if images in shown:
            return judged(stage, methods, shown[images])
        key = study.key_of(config.run.seed, images=images, network=network)
        victim = stage.classifier if naive is None else stage.guards[against].classifier
        goal, found = attempt(config, scene, stage, victim, key, images)
        if naive is not None:
            before = naive.where(images=images, network=network).found
            found += [jnp.asarray(cell["images"]) for _, cell in before]
        made = fj.attacks.strongest(victim, goal, found)
        some = methods if naive is None else [against]
        return {"images": made, "labels": goal.labels, **judged(stage, some, made)}

    cells = study.grid(images=(*shown, *scene.ways, PERTURBED), against=[NAIVE], network=stages)
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


def judge(scene: Scene, results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each network, method and kind of images, and of the bare network.

    Perturbed images count as accepted only if they are mistaken.
    """
    error = fj.metrics.expected_calibration_error
    for cell, found in results.found:
        network, images, stage = cell["network"], cell["images"], scene.stages[cell["network"]]
        clean, answers = results.one(images=CLEAN, network=network), stage.answers(found["logits"])
        counts = np.ones(len(answers), bool) if images != PERTURBED else answers != found["labels"]
        right = answers == np.asarray(scene.clean.labels) if images == CLEAN else None
        naive = cell["against"] == NAIVE
        if naive:
            scores, _ = study.certainty(found["logits"], stage.classifier.num_classes)
            sure = study.confidence(scores)
            summary = fj.metrics.confidence_summary(sure)._asdict()
            numbers = {"part": "bare", "answered": float(counts.mean()), **summary}
            if right is not None:
                numbers |= {"accuracy": float(right.mean()), "error": error(sure, right)}
            yield {**cell, "method": "", **numbers}
        for method in stage.guards if naive else [cell["against"]]:
            about = {**cell, "how": NAIVE if naive else ADAPTIVE, "method": method}
            known, scores = clean[f"score_{method}"], found[f"score_{method}"]
            limits = stage.guards[method].limits
            if images == REFUSED:
                before, after = (np.mean(one < limits["accepted_95"]) for one in (known, scores))
                yield {**about, "part": REFUSED, "rejected_before": before, "rejected": after}
            elif right is None:
                yield {**about, "part": "family", **study.detect(known, scores, limits, counts)}
            else:
                starts = {f"{name}_from": at for name, at in limits.items()}
                yield {**about, "part": CLEAN, **study.keep(scores, right, limits), **starts}


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
            "unchanged": found[network, method, CLEAN, NAIVE]["accepted_95"],
            **study.kept_out(answered, naive, one["accepted_95"]),
        }
