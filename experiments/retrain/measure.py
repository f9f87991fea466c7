"""What ``experiments.retrain`` computes: networks one after the other, and images against each."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.runtime.limits import Within
from fooljax.study import Batch, Count, Evolving, Pieces, RunFlags, Several, Some, Victim, change
from fooljax.study.victim_data import find_data, tested

if TYPE_CHECKING:
    from jaxtyping import Array

    from fooljax.types import RandomKey

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
        evolving: how images are made anew.
        collect_generations: of each run that collects images to train on, half from
            its first and half from its last generation.
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
    evolving: Evolving = field(default_factory=lambda: Evolving(200, 200, 200))
    collect_generations: Count = 50
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
        evolving=Evolving(generations=5, children=20, ascent_steps=5),
        collect_generations=3,
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
        evolving=Evolving(generations=200, children=25, ascent_steps=10),
        collect_generations=40,
    ),
}
_PAPER = {"train_steps": None, "networks": 15, "runs": 30, "collect_generations": 200}
PRESETS["paper"] = change(PRESETS["mnist"], **_PAPER)
PRESETS["mnist-paper"] = PRESETS["paper"]


class Scene(NamedTuple):
    """What all cells share."""

    rounds: study.Rounds  # what the networks learn, and how they are attacked
    unrelated: Mapping[str, np.ndarray]  # uint8 images that nobody made against one, by kind


def check(config: Config) -> None:
    """Refuse settings that are impossible whatever the data, naming the flag."""
    unsure = ("outlier_exposure", "energy_bounded", "acet")  # recipes that name no class
    victim, fooling = config.victim, {n: maker for n, maker in study.MAKERS.items() if maker.fools}
    study.choose("--attacks", config.attacks, fooling)
    study.choose("--encoding", config.encoding, fj.encodings.CATALOG)
    study.refuse_ready_made(victim, "each round trains its own network")
    study.refuse(
        {
            f"--recipe: {victim.recipe} teaches networks to be unsure, not to name a fooling "
            "class; give quick, caffe_lenet, adversarial or trades": victim.recipe in unsure,
            f"--attacks: {' and '.join(config.encoding)} of --encoding among them, got "
            f"{' '.join(config.attacks)}": not set(config.encoding) <= set(config.attacks),
            f"--others: others than --dataset {victim.dataset}": victim.dataset in config.others,
        }
    )


def set_scene(run: study.Run[Config]) -> Scene:
    """Find the data, settle the sizes, and gather what does not depend on a network."""
    config, victim = run.config, study.as_weighted(run.config.victim)
    pictures = find_data(victim, run.folder)
    assert pictures is not None  # refused before
    train, shape = pictures.train, pictures.train.input_shape
    study.refuse_texts(shape, NO_TEXTS)
    first = config.first_images or max(1, round(len(train.labels) / train.num_classes))
    added = config.added_images or max(1, round(first / 6))
    study.afford(shape, networks=config.networks, added_images=added)
    classes = study.draw_classes("--classes", config.run.seed, config.classes, train.num_classes)

    def way(flag: str, name: str, making: study.Making) -> study.Make:
        ways = study.build(flag, {name: study.MAKERS[name]}, making, shape)
        return study.of_classes(ways[name], classes)

    making = config.evolving.making
    attacks = {name: way("--attacks", name, making) for name in config.attacks}
    sooner = replace(making, generations=config.collect_generations)
    evolve = {
        name: study.first_and_last(functools.partial(way, "--encoding", name), sooner)
        for name in config.encoding
    }
    begin, origin = study.starts(victim, pictures, run.folder)
    begin(study.CONTROL)  # an unknown network is refused before anything is computed
    few = fj.data.subset(train, 100) if isinstance(train, fj.data.Stream) else train
    material = study.take(few, few, np.arange(min(100, len(few.labels))))
    data = train, tested(victim, pictures.test), first, added, material
    rounds = study.Rounds(config.networks, begin, origin, *data, attacks, evolve, classes)
    count = 1000 if np.prod(shape) <= _LARGE else 200
    others = study.suited_outsiders(config.others, rounds.medium)
    unrelated = study.noises(config.run.seed, shape, count)
    unrelated |= study.load_others(run, "--others", others, shape, count)
    return Scene(rounds, unrelated)


def show(
    run: study.Run[Config],
    scene: Scene,
    networks: Mapping[int, study.Prepared],
    made: study.Results,
) -> study.Results:
    """Show every network test images, what was made for each network, and unrelated images.

    Cells hold the shares of each run's images that a network calls ``fooling``, and that it is
    ``fooled`` by: made images called what they are to show, others called what they are not.
    """
    import jax.numpy as jnp

    fooling, test = scene.rounds.train.num_classes, scene.rounds.test
    real = test if isinstance(test, fj.data.Stream) else test.images
    shown: dict[tuple[str, int | str], tuple[Array | fj.data.Stream, np.ndarray]] = {
        (REAL, NOBODY): (real, np.asarray([test.labels]))
    }
    for kind, images in scene.unrelated.items():
        shown[kind, NOBODY] = jnp.asarray(images), np.full((1, len(images)), fooling)
    for attack, network in itertools.product(run.config.attacks, networks):
        of = lambda name: made.stacked(name, attack=attack, network=network)  # noqa: B023
        shown[attack, network] = jnp.concatenate(of("images")), of("labels")

    def ask(key: RandomKey, images: str, made_for: int | str, network: int) -> study.Arrays:
        some, labels = shown[images, made_for]
        said = fj.training.predict(networks[network].classifier, some).reshape(labels.shape)
        fooled = said != labels if made_for == NOBODY else said == labels
        return {"answers": said, "fooled": fooled.mean(1), "fooling": (said == fooling).mean(1)}

    cells = [
        {"images": images, "made_for": made_for, "network": network}
        for (images, made_for), network in itertools.product(shown, networks)
    ]
    return study.compute(run, cells, ask, "showing all images to all networks")
