"""What ``experiments.parts`` computes: the same images, again and again, partly hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Confidence, Count, Pieces, RunFlags, Several, Victim

if TYPE_CHECKING:
    from fooljax.types import Classifier, RandomKey

SIZES = tuple(part / 7 for part in range(1, 8))  # of the central windows
DILATIONS = (1, 2, 4)
FINEST = 28  # patches a side


@dataclass(frozen=True)
class Config:
    """Hide parts of images and ask what the network still says.

    Attributes:
        victim: the network and its data.
        generators: how fooling images are made: direct and cppn (evolved), ascent,
            sparse and others (gradient); an unknown name lists them all. Real images are
            always there to compare with.
        looks: what is asked: center (only the middle is shown), occlusion (maps),
            components (one connected part painted away after the other), together (do
            two parts add up?), shuffled (patches in another order), pixels (the fewest
            that are enough), wrong (the fewest that are enough for another class),
            blocks (the same in blocks, every step tried).
        images: most images of each kind in each repeat; two at least.
        generations: of an evolution after the random population.
        children: images made in a generation.
        ascent_steps: steps of the gradient ascent.
        repeats: how often everything is made and asked anew.
        tau: confidence from which on the network counts as certain.
        fills: what is painted where an image is hidden, two at least: the first one
            everywhere, the second also by together and blocks, all by pixels. median (the
            image's own), mean, blur (its own), noise, others (another image), black,
            grey, white.
        step: pixels taken away at a time by pixels and wrong; a five-hundredth of the
            image unless given, one at least.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    generators: Several[str] = ("direct", "cppn", "ascent")
    looks: Several[str] = (
        *("center", "occlusion", "components", "together"),
        *("shuffled", "pixels", "wrong", "blocks"),
    )
    images: Batch = 20
    generations: Count = 200
    children: Batch = 200
    ascent_steps: Count = 100
    repeats: Pieces = 3
    tau: Confidence = 0.99
    fills: Several[str] = ("median", "noise", "blur", "white", "others")
    step: Count | None = None
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=60),
        generators=("ascent",),
        images=4,
        ascent_steps=20,
        repeats=2,
        tau=0.5,
        fills=("median", "white"),
        step=4,
    ),
    "imagenet": Config(
        victim=Victim(dataset="imagenet", model="squeezenet1_1"),
        generators=("ascent",),
        images=5,
        repeats=1,
        tau=0.9,
        fills=("grey", "blur", "noise", "others"),
    ),
}


class Scene(NamedTuple):
    """What everything is asked about: a network, real images for each repeat, makers by name."""

    networks: study.Networks
    material: Sequence[Any]
    makers: study.Makers

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of images, real ones first."""
        return ("real", *self.makers)


class Shown(NamedTuple):
    """Images of one kind, what to paint where they are hidden, and what analyses begin with."""

    config: Config
    fills: Mapping[str, np.ndarray]
    of: tuple[Classifier, np.ndarray, np.ndarray]

    @property
    def fill(self) -> np.ndarray:
        """The first fill."""
        return next(iter(self.fills.values()))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image."""
        return self.of[0].input_shape


def set_scene(run: study.Run[Config]) -> Scene:
    """Prepare the network, and choose real images that it recognizes.

    Raises:
        ValueError, OSError: if anything is wrong with flags or files, naming the flag.
    """
    config, repeats = run.config, run.config.repeats
    makers = study.choose("--generators", config.generators, study.FOOLING)
    study.choose("--looks", config.looks, LOOKS)
    study.choose("--fills", config.fills, fj.analysis.fills.FILLS)
    if config.images < 2:
        raise ValueError(f"--images must be 2 at least, got {config.images}")
    if len(config.fills) < 2:
        fill = config.fills[0]
        raise ValueError(f"--fills must name 2 at least: one alone may be the reason; got {fill}")
    networks = study.replicas(run, "--model", 1, refuse)
    study.afford(networks.shape, images=config.images, repeats=repeats)
    pixels = int(np.prod(networks.shape[:2]))
    if config.step is not None and config.step > pixels:
        raise ValueError(f"--step must be at most {pixels}, all pixels, got {config.step:,}")
    choose = lambda repeat: study.choose_right(run, networks, config.images, repeat)
    return Scene(networks, [choose(repeat) for repeat in range(repeats)], makers)


def refuse(shape: tuple[int, ...], num_classes: int) -> None:
    """Refuse what cannot be cut into patches, before a network is trained.

    Raises:
        ValueError: naming the flag.
    """
    if len(shape) != 3 or min(shape[:2]) < 4 or shape[2] not in (1, 3) or num_classes < 2:
        raise ValueError(
            "--dataset, --model: pictures of 4 x 4 pixels at least, of 1 or 3 channels, and 2 "
            f"classes at least are needed, got {shape} and {num_classes} classes"
        )


def make(run: study.Run[Config], scene: Scene) -> study.Results:
    """Make fooling images, a cell for each kind and repeat; keep all with their log-odds."""
    config, classifier = run.config, scene.networks.first.classifier
    making = study.Making(
        images=config.images,
        generations=config.generations,
        children=config.children,
        ascent_steps=config.ascent_steps,
    )
    ways = study.build("--generators", scene.makers, making, scene.networks.shape)

    def draw(key: RandomKey, images: str, repeat: int) -> dict[str, np.ndarray]:
        found = scene.material[repeat]
        if images != "real":
            way = study.of_few_classes(ways[images], config.images)
            found = way(key, classifier, found)
        pictures, labels = np.asarray(found.images), np.asarray(found.labels)
        whole = fj.analysis.central_windows(classifier, pictures, labels, pictures, (1.0,))
        return {"images": pictures, "labels": labels, "odds": whole[:, 0]}

    cells = study.grid(images=scene.kinds, repeat=range(config.repeats))
    return study.compute(run, cells, draw, "making images")


def look(run: study.Run[Config], scene: Scene, made: study.Results) -> study.Results:
    """Ask everything about all images, a cell for each look, kind and repeat."""

    def see(key: RandomKey, look: str, images: str, repeat: int) -> dict[str, np.ndarray]:
        import jax

        key_fill, key_look = jax.random.split(key)
        arrays = made.one(images=images, repeat=repeat)
        paint = lambda place, name: fj.analysis.fills.FILLS[name].paint(
            jax.random.fold_in(key_fill, place), arrays["images"]
        )
        fills = {name: paint(place, name) for place, name in enumerate(run.config.fills)}
        of = scene.networks.first.classifier, arrays["images"], arrays["labels"]
        return LOOKS[look](key_look, Shown(run.config, fills, of))

    cells = study.grid(look=run.config.looks, images=scene.kinds, repeat=range(run.config.repeats))
    return study.compute(run, cells, see, "hiding parts")


def _center(key: RandomKey, shown: Shown) -> dict[str, np.ndarray]:
    del key
    return {"odds": fj.analysis.central_windows(*shown.of, shown.fill, SIZES)}


def _occlusion(key: RandomKey, shown: Shown) -> dict[str, np.ndarray]:
    del key
    size = max(1, min(shown.shape[:2]) // 7)
    stride = max(1, size // 2)
    return {"maps": fj.analysis.occlusion(*shown.of, shown.fill, size, stride, "log_odds")}


def _components(key: RandomKey, shown: Shown) -> dict[str, np.ndarray]:
    del key
    found = fj.analysis.without_each_component(*shown.of)
    parts = {"counts": found.components.counts, "parts": found.components.masks}
    return {**parts, "without": found.without, "alone": found.alone}


def _together(key: RandomKey, shown: Shown) -> dict[str, np.ndarray]:
    del key
    blocks, told = fj.analysis.masks.grid(shown.shape, 4), dict[str, np.ndarray]()
    for place, fill in enumerate(list(shown.fills.values())[:2]):
        found = fj.analysis.interactions(*shown.of, blocks, fill)
        numbers = found.additivity(), found.additivity(within=True), found.strength
        told |= {f"sums_{place}": found.sums, f"joint_{place}": found.joint}
        told |= {f"numbers_{place}": np.array(numbers)}
    return told


def _shuffled(key: RandomKey, shown: Shown) -> dict[str, np.ndarray]:
    import jax
    import jax.numpy as jnp

    classifier, images, labels = shown.of
    grids = [one for one in fj.analysis.patches.grids(shown.shape) if one <= FINEST]
    whole, every = np.ones((1, *shown.shape[:2]), bool), []
    for grid in grids:
        mixed = fj.analysis.shuffled(jax.random.fold_in(key, grid), images, grid)
        every.append(fj.analysis.answers_to(classifier, mixed, whole, shown.fill))
    odds = np.asarray(fj.metrics.log_odds(jnp.asarray(np.concatenate(every, axis=1))))
    odds = odds[..., : classifier.num_classes]
    named = odds.argmax(axis=2) == labels[:, None]
    return {"grids": np.array(grids), "named": named, "top": odds.max(axis=2)}


def _pixels(key: RandomKey, shown: Shown) -> dict[str, np.ndarray]:
    found, others = _subset(shown, shown.of[2]), dict(list(shown.fills.items())[1:])
    checks = fj.analysis.controls(key, *shown.of, found, shown.fill, others, DILATIONS)
    told = {"masks": found.masks, "reached": found.reached, "subset": found.log_odds}
    return {**told, "path": found.path, "left": found.left, **checks}


def _wrong(key: RandomKey, shown: Shown) -> dict[str, np.ndarray]:
    import jax

    classes, labels = shown.of[0].num_classes, shown.of[2]
    away = np.asarray(jax.random.randint(key, labels.shape, 1, classes))
    found = _subset(shown, (labels + away) % classes)
    return {"masks": found.masks, "reached": found.reached}


def _blocks(key: RandomKey, shown: Shown) -> dict[str, np.ndarray]:
    del key
    blocks = fj.analysis.masks.grid(shown.shape, min(8, min(shown.shape[:2]) // 2))
    told = dict[str, np.ndarray]()
    for place, fill in enumerate(list(shown.fills.values())[:2]):
        found = fj.analysis.sufficient_parts(*shown.of, blocks, fill, shown.config.tau)
        told |= {f"masks_{place}": found.masks, f"reached_{place}": found.reached}
    return told


def _subset(shown: Shown, labels: np.ndarray) -> Any:
    pixels = int(np.prod(shown.shape[:2]))
    step = shown.config.step or max(1, pixels // 500)
    classifier, images, _ = shown.of
    return fj.analysis.sufficient(classifier, images, labels, shown.fill, shown.config.tau, step)


LOOKS: dict[str, Callable[[RandomKey, Shown], dict[str, np.ndarray]]] = {
    "center": _center,
    "occlusion": _occlusion,
    "components": _components,
    "together": _together,
    "shuffled": _shuffled,
    "pixels": _pixels,
    "wrong": _wrong,
    "blocks": _blocks,
}
