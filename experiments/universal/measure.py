"""What ``experiments.universal`` computes: changes, and how often each of them fools."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, Label, Pieces, Positive, RunFlags, Several, Share, Victim

if TYPE_CHECKING:
    from fooljax.types import Classifier, RandomKey

Norm: TypeAlias = Literal["linf", "l2"]
RANDOM = "random"


@dataclass(frozen=True)
class Config:
    """Make one small change that fools a network about most images.

    Attributes:
        victim: the data, and how each network is trained.
        models: architectures: softmax, mlp, lenet, resnet, or FILE.py:NAME for your own.
            The first is the one that sizes are compared for.
        methods: sgd (gradient of a batch's mean loss) and deepfool (steps to the
            nearest boundaries, the published method, in batches).
        norms: in which the change is small: linf (largest change of a number) and
            l2 (Euclidean length).
        epsilon: largest change of a number under linf, in units of [0, 1]; the
            paper's is 10/255 = 0.039, for photographs.
        epsilon_l2: longest change under l2, in units of [0, 1].
        target: class that every image is to be taken for; any wrong one unless given.
        sizes: shares of the training images that the first network's change is
            learned from, in (0, 1]; the others learn from all.
        steps: batches that sgd learns from.
        deepfool_steps: batches that deepfool learns from.
        batch_size: images in a batch.
        test_images: held-out images that every change is tried on, at most.
        repeats: independent changes of each kind, from other images in another
            order, with the same networks.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    models: Several[str] = ("lenet", "mlp", "softmax")
    methods: Several[Literal["sgd", "deepfool"]] = ("sgd", "deepfool")
    norms: Several[Norm] = ("linf", "l2")
    epsilon: Positive = 0.2
    epsilon_l2: Positive = 2.5
    target: Label | None = None
    sizes: Several[Share] = (0.01, 0.03, 0.1, 0.3, 1.0)
    steps: Count = 200
    deepfool_steps: Count = 50
    batch_size: Batch = 50
    test_images: Count = 2000
    repeats: Pieces = 3
    run: RunFlags = field(default_factory=RunFlags)

    @property
    def radii(self) -> dict[str, float]:
        """Radius of the ball in each norm that was asked for."""
        both = {"linf": self.epsilon, "l2": self.epsilon_l2}
        return {norm: both[norm] for norm in self.norms}


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=60),
        models=("softmax", "mlp"),
        norms=("linf",),
        sizes=(0.1, 1.0),
        steps=15,
        deepfool_steps=12,
        test_images=100,
        repeats=2,
    ),
    "mnist": Config(victim=Victim(dataset="mnist"), sizes=(0.001, 0.003, 0.01, 0.1, 1.0)),
    "cifar10": Config(
        victim=Victim(dataset="cifar10", train_steps=3000),
        models=("resnet", "mlp", "softmax"),
        epsilon=10 / 255,
        epsilon_l2=1.0,
        sizes=(0.001, 0.003, 0.01, 0.1, 1.0),
    ),
    "imagenet": Config(
        victim=Victim(dataset="imagenet"),
        models=("squeezenet1_1", "mobilenet_v1", "mobilenet_v2"),
        methods=("sgd",),
        norms=("linf",),
        epsilon=10 / 255,
        sizes=(1.0,),
        steps=150,
        batch_size=32,
        repeats=1,
    ),
}


class Scene(NamedTuple):
    """Networks and images of a run.

    Attributes:
        networks: to be fooled.
        train: images to learn from, ``[n, h, w, c]`` or on disk.
        test: held-out images, ``[t, h, w, c]`` or on disk.
        clean: each network's answers to the held-out images, ``[t]`` by name.
    """

    networks: study.Networks
    train: fj.data.Pictures
    test: fj.data.Pictures
    clean: Mapping[str, np.ndarray]


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        scene: networks and images.
        results: a cell for each change.
        records: one for each change and each network that it was shown to.
        own: how often changes learned from all images fool the network they were made for.
        control: how often random ones fool each network.
    """

    config: Config
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]
    own: study.Table
    control: study.Table

    @property
    def names(self) -> list[str]:
        """Names of the networks."""
        return list(self.scene.networks.each)

    @property
    def kinds(self) -> list[tuple[str, Norm]]:
        """Methods and norms."""
        return list(itertools.product(self.config.methods, self.config.norms))

    def first(self, made_for: str, method: str, norm: str) -> study.Arrays:
        """What was found with a change learned from all images, in the first repeat."""
        images = 0 if made_for == RANDOM else len(self.scene.train)
        place = {"made_for": made_for, "method": method, "norm": norm, "images": images}
        return self.results.one(**place, repeat=0)


def set_scene(config: Config, networks: study.Networks) -> Scene:
    """Choose the held-out images, and ask every network about them."""
    train, test = networks.pictures
    chosen = study.draw(config.run.seed, len(test.labels), config.test_images, images="test")
    tried = choose(pictures(test), chosen)
    clean = {}
    with fj.runtime.progress.bar("asking about held-out images", len(networks.each)) as show:
        for done, (name, network) in enumerate(networks.each.items()):
            show(done, name)
            clean[name] = fj.attacks.perturbed_answers(network.classifier, tried)
        show(len(networks.each), "done")
    return Scene(networks, pictures(train), tried, clean)


def pictures(part: fj.data.Dataset | fj.data.Stream) -> fj.data.Pictures:
    """Return the pictures of a part of a data set, in memory or on disk."""
    return part if isinstance(part, fj.data.Stream) else part.images


def choose(images: fj.data.Pictures, rows: np.ndarray) -> fj.data.Pictures:
    """Choose images; few of those on disk are held in memory, for they are looked at often."""
    import jax.numpy as jnp

    if isinstance(images, fj.data.Stream) and len(rows) <= fj.data.MOST:
        return jnp.asarray(fj.data.take(images, rows).images)
    return images[rows]


def make(run: study.Run[Config], scene: Scene) -> study.Results:
    """Make all changes and show them to networks, a cell for each change."""
    import jax
    import jax.numpy as jnp

    config, repeats, whole = run.config, range(run.config.repeats), len(scene.train)
    networks = {name: one.classifier for name, one in scene.networks.each.items()}
    random = {"made_for": [RANDOM], "method": [RANDOM], "norm": config.norms, "images": [0]}
    cells = study.grid(**random, repeat=repeats)
    for name in networks:
        kinds = {"method": config.methods, "norm": config.norms}
        sizes = counts(config, whole) if name == next(iter(networks)) else [whole]
        cells += study.grid(made_for=[name], **kinds, images=sizes, repeat=repeats)

    def perturb(
        key: RandomKey, made_for: str, method: str, norm: Norm, images: int, repeat: int
    ) -> Mapping[str, ArrayLike]:
        if made_for == RANDOM:
            shape, radius = scene.networks.shape, config.radii[norm]
            drawn = fj.attacks.random_perturbation(key, shape, radius, norm)
            found: dict[str, ArrayLike] = {"perturbation": drawn}
        else:
            seed = study.key_of(run.config.run.seed, images="train", repeat=repeat)
            order = np.asarray(jax.random.permutation(seed, whole))
            chosen = choose(scene.train, order[:images])  # few are some of the many
            found = learn(config, key, networks[made_for], chosen, method, norm)
        change, shown = jnp.asarray(found["perturbation"]), met(scene, made_for, images)
        asked = [networks[name] for name in shown]
        answers = [fj.attacks.perturbed_answers(one, scene.test, change) for one in asked]
        return {**found, "answers": np.stack(answers)}

    return study.compute(run, cells, perturb, "making perturbations")


def counts(config: Config, whole: int) -> list[int]:
    """Numbers of images to learn from, ascending: those asked for, and all of them."""
    return sorted({max(1, round(size * whole)) for size in config.sizes} | {whole})


def met(scene: Scene, made_for: str, images: int) -> list[str]:
    """Networks that a change is shown to: all, or its own if it was made from some images."""
    return list(scene.networks.each) if images in (0, len(scene.train)) else [made_for]


def learn(
    config: Config,
    key: RandomKey,
    classifier: Classifier,
    images: fj.data.Pictures,
    method: str,
    norm: Norm,
) -> dict[str, ArrayLike]:
    """Learn a change from images, and measure how often it fools about them."""
    import jax.numpy as jnp

    goal, target = None, config.target
    if target is not None:
        goal = fj.attacks.reach(jnp.full(len(images), target, jnp.int32))
    made = fj.attacks.run_universal(
        fj.attacks.UNIVERSAL[method].build(config.radii[norm], norm),
        key,
        classifier,
        images,
        goal,
        steps=config.steps if method == "sgd" else config.deepfool_steps,
        batch_size=config.batch_size,
    )
    seen = choose(images, np.arange(min(len(images), config.test_images)))
    before = fj.attacks.perturbed_answers(classifier, seen)
    after = fj.attacks.perturbed_answers(classifier, seen, made.perturbation)
    fit = fj.attacks.share_fooled(before, after, classifier.num_classes, target)
    return {"perturbation": made.perturbation, "trace": made.fooled, "fit": fit}


def judge(config: Config, scene: Scene, results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each change and each network that it was shown to."""
    classes = len(scene.networks.class_names)
    for cell, arrays in results.found:
        names = met(scene, cell["made_for"], cell["images"])
        for name, after in zip(names, arrays["answers"], strict=True):
            share = fj.attacks.share_fooled(scene.clean[name], after, classes, config.target)
            fit = float(arrays["fit"]) if name == cell["made_for"] else None
            yield {**cell, "shown_to": name, "held_out": share, "fit": fit}
