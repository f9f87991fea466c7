"""What ``experiments.retrain`` computes: networks one after the other, and images against each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.runtime.limits import Within
from fooljax.study import Batch, Count, Pieces, RunFlags, Several, Some, Victim
from fooljax.study.victim_data import find_data, tested

if TYPE_CHECKING:
    from jaxtyping import Array

    from fooljax.types import Classifier, RandomKey

Arrays: TypeAlias = "Mapping[str, ArrayLike]"
Networks: TypeAlias = "dict[int, study.Prepared]"
CONTROL = 0  # networks count from 1; this one is trained as the first, from another seed
NOBODY = "nobody"  # in place of the network that images were made for
REAL = "real test images"
_LARGE = 10_000  # numbers in an image from which on fewer are shown that nobody made
NO_TEXTS = "are ids, and what is made here is rounded as numbers in [0, 1] are"


@dataclass(frozen=True)
class Config:
    """Retrain with fooling images as one more class, round after round.

    Attributes:
        victim: the data, and how each network is trained: from scratch, or from --weights
            on, and then the first is that network itself.
        networks: how many are trained one after the other, all but the first also on
            images that were evolved against those before.
        encoding: what the fooling class consists of, in equal parts: cppn (patterns
            painted by small networks), direct (every pixel a gene).
        first_images: fooling images that the second network learns from; as many as
            a class of the data has unless given.
        added_images: how many more each further network learns from; a sixth of
            first_images (as in the paper) unless given.
        attacks: how images are made anew against each network to measure it: cppn,
            direct, ascent (climbed from noise by gradient); those of encoding among them.
        classes: for so many, drawn at random once, images are made, and the others are
            only answers; for all unless given.
        runs: independent runs of each attack. Their images are never trained on.
        generations: of each of these runs.
        collect_generations: of each run that collects images to train on, half from
            its first and half from its last generation.
        children: images made in a generation.
        ascent_steps: of gradient ascent.
        others: what every network is shown besides noise: photographs (two of
            scikit-learn's, in pieces; of networks that see pictures only), or data sets as
            for --dataset.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    networks: Annotated[
        int, Within(2, 1000, why="each learns from those before it; ask for fewer")
    ] = 5
    encoding: Several[str] = ("cppn",)
    first_images: Batch | None = None
    added_images: Batch | None = None
    attacks: Several[str] = ("cppn", "direct", "ascent")
    classes: Count | None = None
    runs: Pieces = 5
    generations: Count = 200
    collect_generations: Count = 50
    children: Batch = 200
    ascent_steps: Count = 200
    others: Some[str] = ("photographs",)
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="mlp", train_steps=150),
        networks=3,
        encoding=("direct",),
        attacks=("direct", "ascent"),
        first_images=30,
        added_images=20,
        runs=2,
        generations=5,
        collect_generations=3,
        children=20,
        ascent_steps=5,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist", recipe="caffe_lenet", train_steps=5000),
        networks=7,
        first_images=6000,
        added_images=1000,
        runs=10,
    ),
    "imagenet": Config(
        victim=Victim(dataset="imagenet", model="squeezenet1_1", recipe="fine_tune"),
        networks=2,
        first_images=1000,
        attacks=("cppn", "signs"),
        classes=50,
        generations=200,
        collect_generations=40,
        children=25,
        ascent_steps=10,
    ),
    "paper": Config(
        victim=Victim(dataset="mnist", recipe="caffe_lenet"),
        networks=15,
        first_images=6000,
        added_images=1000,
        runs=30,
        collect_generations=200,
    ),
}
PRESETS["mnist-paper"] = PRESETS["paper"]


class Scene(NamedTuple):
    """What all cells share: real images, sizes of the fooling class, images made for nobody."""

    begin: Callable[[int], Classifier]  # starting weights by network
    origin: str | None  # of the weights that training goes on from; None from scratch
    train: fj.data.Dataset | fj.data.Stream
    test: fj.data.Dataset | fj.data.Stream  # accuracy is measured on it
    medium: fj.media.Medium
    first_images: int
    added_images: int
    classes: np.ndarray  # that images are made for
    material: study.Material  # real images that makers may begin with
    unrelated: Mapping[str, np.ndarray]  # uint8, by kind

    def learned(self, network: int) -> int:
        """Count the fooling images that a network learns from."""
        return self.first_images + (network - 2) * self.added_images if network > 1 else 0


def check(config: Config) -> None:
    """Refuse settings that are impossible whatever the data, naming the flag."""
    from fooljax.study.prepared import build_recipe

    unsure = ("outlier_exposure", "energy_bounded", "acet")  # recipes that name no class
    victim, fooling = config.victim, {n: maker for n, maker in study.MAKERS.items() if maker.fools}
    study.choose("--attacks", config.attacks, fooling)
    study.choose("--encoding", config.encoding, fj.encodings.CATALOG)
    build_recipe(victim)
    own = "each round trains its own network"
    refused = {
        f"--model: {own}, not {victim.model}; name an architecture": ":" in victim.model,
        f"--classifier {victim.classifier}: {own}; leave it out": victim.classifier is not None,
        f"--dataset {victim.dataset}: {own}, from data; name a set": victim.dataset == "none",
        f"--recipe: {victim.recipe} teaches networks to be unsure, not to name a fooling class; "
        "give quick, caffe_lenet, adversarial or trades": victim.recipe in unsure,
        f"--attacks: {' and '.join(config.encoding)} of --encoding among them, got "
        f"{' '.join(config.attacks)}": set(config.encoding) - set(config.attacks),
        f"--others: others than --dataset {victim.dataset}": victim.dataset in config.others,
    }
    for message in (message for message, wrong in refused.items() if wrong):
        raise ValueError(message)


def set_scene(run: study.Run[Config]) -> Scene:
    """Find the data, settle the sizes, and gather what does not depend on a network."""
    config, victim = run.config, study.as_weighted(run.config.victim)
    pictures = find_data(victim, run.folder)
    assert pictures is not None  # refused before
    train, shape = pictures.train, pictures.train.input_shape
    study.refuse_texts(shape, NO_TEXTS)
    medium = fj.media.Pictures() if isinstance(train, fj.data.Stream) else train.medium
    first = config.first_images or max(1, round(len(train.labels) / train.num_classes))
    added = config.added_images or max(1, round(first / 6))
    study.afford(shape, networks=config.networks, added_images=added)
    classes = study.draw_classes("--classes", config.run.seed, config.classes, train.num_classes)
    build_ways(config, "--attacks", config.attacks, shape, config.generations, classes)
    begin, origin = study.starts(victim, pictures, run.folder)
    begin(CONTROL)  # an unknown network is refused before anything is computed
    count = 1000 if np.prod(shape) <= _LARGE else 200
    unrelated = study.noises(config.run.seed, shape, count)
    seen = isinstance(medium, fj.media.Pictures)  # only who sees pictures is shown photographs
    others = [name for name in config.others if seen or name != fj.data.PHOTOGRAPHS]
    unrelated |= study.load_others(run, "--others", others, shape, count)
    few = fj.data.subset(train, 100) if isinstance(train, fj.data.Stream) else train
    shown, labels = fj.data.as_float(few.images[:100]), few.labels[:100]
    material = study.Material(shown, labels, few, np.arange(len(labels)))
    test = tested(victim, pictures.test)
    sizes = first, added, classes
    return Scene(begin, origin, train, test, medium, *sizes, material, unrelated)


def build_ways(
    config: Config,
    flag: str,
    names: Sequence[str],
    shape: tuple[int, ...],
    generations: int,
    classes: np.ndarray,
) -> Mapping[str, study.Make]:
    """Get ready to make fooling images, in so many generations where they are evolved."""
    making = study.Making(
        children=config.children, generations=generations, ascent_steps=config.ascent_steps
    )
    ways = study.build(flag, {name: study.MAKERS[name] for name in names}, making, shape)
    return {name: study.of_classes(way, classes) for name, way in ways.items()}


def retrain(run: study.Run[Config], scene: Scene) -> tuple[Networks, study.Results]:
    """Train network after network, and make images against each before the next one learns."""
    import jax
    import jax.numpy as jnp

    from fooljax.study.prepared import build_recipe

    config, shape, aims = run.config, scene.train.input_shape, scene.classes
    each = 2 * len(aims)  # images that a run collects, of its first and last generation
    capacity = len(scene.train.labels) + scene.learned(config.networks)  # the same for all networks
    networks: Networks = {}
    found: list[study.Results] = []
    stored = lambda images: study.as_stored(images, scene.medium)
    kinds, fooling = len(config.encoding), [stored(np.zeros((0, *shape), np.float32))]
    anew = build_ways(config, "--attacks", config.attacks, shape, config.generations, aims)
    first, last = (
        build_ways(config, "--encoding", config.encoding, shape, generations, aims)
        for generations in (1, config.collect_generations)
    )

    def train(key: RandomKey, network: int, part: str) -> Arrays:
        key = study.key_of(config.victim.train_seed, network=network, part=part)
        enlarged = fj.training.with_fooling_class(scene.train, jnp.concatenate(fooling), capacity)
        trained, recipe = scene.begin(network), build_recipe(config.victim)
        if scene.origin is None or network != 1:
            trained, _ = fj.training.fit(key, trained, enlarged, **recipe._asdict())
        return {"right": fj.training.evaluate(trained, scene.test), **study.weights_of(trained)}

    def attack(key: RandomKey, network: int, attack: str, run: int) -> Arrays:
        classifier = networks[network].classifier
        made = anew[attack](key, classifier, scene.material)
        images = stored(made.images)
        sure = study.confidences(classifier, fj.data.as_float(images), made.labels)
        history = {} if made.history is None else {"history": made.history}
        return {"images": images, "labels": made.labels, "confidence": sure, **history}

    def collect(key: RandomKey, network: int, encoding: str, run: int, count: int) -> Arrays:
        ways = first[encoding], last[encoding]  # one key, so one run: soon cut, and whole
        made = [way(key, networks[network].classifier, scene.material).images for way in ways]
        order = np.asarray(jax.random.permutation(jax.random.fold_in(key, 1), each))
        return {"collected": stored(np.concatenate(made)[order][:count])}

    for network in range(config.networks + 1):
        title = f"DNN {network} of {config.networks}"
        cells: list[study.Cell] = [{"network": network, "part": "weights"}]
        found.append(study.compute(run, cells, train, f"{title}: training"))
        weights = found[-1].one(network=network)
        trained = study.with_weights(scene.begin(network), weights)
        origin = scene.origin or config.victim.model
        if scene.origin is None or network != 1:
            origin += f", with {scene.learned(network):,} fooling images to learn"
        names, right = scene.train.class_names, float(weights["right"])
        networks[network] = study.Prepared(trained, names, right, origin, medium=scene.medium)
        cells = study.grid(network=[network], attack=anew, run=range(config.runs))
        found.append(study.compute(run, cells, attack, f"{title}: images made anew"))
        if CONTROL < network < config.networks:
            wanted = scene.learned(network + 1) - scene.learned(network)
            cells = [
                {"network": network, "encoding": encoding, "run": turn, "count": min(each, rest)}
                for place, encoding in enumerate(config.encoding)
                for turn, rest in enumerate(range((wanted + place) // kinds, 0, -each))
            ]
            found.append(study.compute(run, cells, collect, f"{title}: images to train on"))
            fooling += [arrays["collected"] for _, arrays in found[-1].found]
    return networks, study.gather(*found)


def show(
    run: study.Run[Config], scene: Scene, networks: Networks, made: study.Results
) -> study.Results:
    """Show every network test images, what was made for each network, and unrelated images.

    Cells hold the shares of each run's images that a network calls ``fooling``, and that it is
    ``fooled`` by: made images called what they are to show, others called what they are not.
    """
    import jax.numpy as jnp

    fooling, test = scene.train.num_classes, scene.test
    real = test if isinstance(test, fj.data.Stream) else test.images
    shown: dict[tuple[str, int | str], Array | fj.data.Stream] = {(REAL, NOBODY): real}
    meant: dict[tuple[str, int | str], np.ndarray] = {(REAL, NOBODY): np.asarray([test.labels])}
    for kind, images in scene.unrelated.items():
        shown[kind, NOBODY] = jnp.asarray(images)
        meant[kind, NOBODY] = np.full((1, len(images)), fooling)
    for pair in itertools.product(run.config.attacks, networks):
        shown[pair] = jnp.concatenate(stack(made, "images", *pair))
        meant[pair] = stack(made, "labels", *pair)

    def ask(key: RandomKey, images: str, made_for: int | str, network: int) -> Arrays:
        labels = meant[images, made_for]
        said = fj.training.predict(networks[network].classifier, shown[images, made_for])
        said = said.reshape(labels.shape)
        fooled = said != labels if made_for == NOBODY else said == labels
        return {"answers": said, "fooled": fooled.mean(1), "fooling": (said == fooling).mean(1)}

    cells = [
        {"images": images, "made_for": made_for, "network": network}
        for (images, made_for), network in itertools.product(shown, networks)
    ]
    return study.compute(run, cells, ask, "showing all images to all networks")


def stack(results: study.Results, name: str, attack: str, network: int | str) -> np.ndarray:
    """Return an array of all runs of an attack on a network, ``[runs, ...]``."""
    return np.stack([one[name] for _, one in results.where(attack=attack, network=network).found])
