"""What ``experiments.ascend`` computes: ascents, evolutions, starting points, controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, Label, NotNegative, RunFlags, Several, Some, Victim

if TYPE_CHECKING:
    from fooljax.types import Classifier, RandomKey

#: What suits sounds and videos where nothing else was asked for.
OTHERS: dict[str, dict[str, Any]] = {
    "sounds": {"ascents": ("none", "signs", "decay", "cppn"), "evolved": ("partials",)},
    "videos": {"ascents": ("none", "signs", "decay", "cppn"), "evolved": ("cppn",)},
}

LEVEL = 0.9999
CONTROLS = 1000  # images of each kind
BY = ("way", "name", "start")
LOUDNESS = "loudness"  # of sounds only: the level of the loudest sample, in decibels
MEASURES = ("confidence", "least", "odds", "above", "variation", "fine", "passes", LOUDNESS)


@dataclass(frozen=True)
class Config:
    """Make images by gradient that a trained network is certain about.

    Attributes:
        victim: the network and its data.
        ascents: none, decay, blur, sparse (the published settings), tv (total
            variation), fourier (coefficients of waves), cppn (weights of small
            networks that paint), signs (small steps by the gradient's sign). For sounds and
            videos none, signs, decay and cppn unless others are given.
        starts: where the ascent without a regularizer begins: near_grey (with noise of
            one level, as published; the other ascents begin there too), grey,
            uniform_noise, gaussian_noise.
        classes: numbers of the classes to make images for, from 0; all unless given.
        evolved: encodings to evolve images with for comparison: direct, cppn; or nothing. For
            sounds partials, for videos cppn unless others are given.
        steps: of every ascent; the published 500 to 1,500, and 500 for the
            others, unless given.
        repeats: independent starts.
        total_variation: log-probability that the setting tv pays for a total
            variation of 1.
        candidates: random CPPNs of which the best for each class is where the
            setting cppn starts.
        generations: of the evolutions to compare with.
        children: images made in a generation.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    ascents: Several[str] = ("none", "decay", "blur", "sparse", "tv", "fourier", "cppn")
    starts: Several[str] = ("near_grey", "grey", "uniform_noise", "gaussian_noise")
    classes: Some[Label] = ()
    evolved: Some[str] = ("direct", "cppn")
    steps: Count | None = None
    repeats: Batch = 3
    total_variation: NotNegative = 3.0
    candidates: Batch = 200
    generations: Count = 100
    children: Batch = 200
    run: RunFlags = field(default_factory=RunFlags)


# fmt: off
_PAPER_CLASSES = (  # those of Figures 13 and S3 to S7
    200, 207, 215, 279, 366, 367, 390, 414, 445, 500,
    509, 580, 643, 657, 704, 713, 782, 805, 826, 906,
)
# fmt: on

PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=50),
        ascents=("none", "tv"),
        evolved=("direct",),
        steps=6,
        repeats=2,
        candidates=20,
        generations=2,
        children=20,
    ),
    "imagenet": Config(
        victim=Victim(dataset="imagenet", model="squeezenet1_1"),
        ascents=("none", "decay", "blur", "sparse"),
        starts=("near_grey",),
        classes=_PAPER_CLASSES,
        evolved=(),
        repeats=1,
    ),
}


class Found(NamedTuple):
    """All that the page is about: a cell and a row for each way to make images and starting point.

    Arrays of a cell are ``[repeats, classes, ...]``; rows are medians over the repeats.
    """

    config: Config
    network: study.Prepared
    classes: np.ndarray
    results: study.Results
    records: Sequence[study.Record]
    table: study.Table

    @property
    def class_names(self) -> list[str]:
        """Names of the classes that images were made for."""
        return [self.network.class_names[number] for number in self.classes]

    @property
    def words(self) -> study.Words:
        """How to speak of what the network takes."""
        return study.words_for(self.network.medium)

    def begun(self, start: str) -> str:
        """Say where an ascent begins."""
        entry = fj.attacks.STARTS[start]
        return entry.words_of_sounds if self.words.one == "sound" else entry.words

    @property
    def rows(self) -> list[study.Row]:
        """What was measured of each way to make images."""
        return [self.table.where(**way).rows[0] for way in ways(self.config)]

    def ascent(self, name: str = "none", start: str = "near_grey") -> study.Row:
        """What was measured of an ascent."""
        return self.table.where(way="ascent", name=name, start=start).rows[0]


def prepare(run: study.Run[Config]) -> tuple[Config, study.Prepared, np.ndarray]:
    """Train, load or fetch the network, once all suits what it takes.

    Returns:
        The settings, with what suits sounds or videos where nothing else was asked for; the
        network; and the numbers of the classes to make images for.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    config = run.config
    study.choose("--ascents", config.ascents, fj.attacks.ASCENTS)
    study.choose("--starts", config.starts, fj.attacks.STARTS)
    study.choose("--evolved", config.evolved, fj.encodings.CATALOG)
    for flag, name in (("ascents", "none"), ("starts", "near_grey")):
        if name not in getattr(config, flag):
            raise ValueError(
                f"--{flag}: {name} must be among them, the others are compared with it"
            )
    kind = lambda shape: fj.media.kind(fj.media.medium_of(shape))
    suit = lambda shape: study.suit(config, Config(), OTHERS.get(kind(shape), {}))

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        study.refuse_texts(shape, study.NO_NUMBERS)
        if (kind(shape) != "sounds" and shape[-1] not in (1, 3)) or num_classes < 2:
            many = study.words_for(fj.media.medium_of(shape)).many
            raise ValueError(
                f"--dataset, --model: {many} of 1 or 3 channels and at least 2 classes are needed, "
                f"got {shape[-1]} channels and {num_classes} classes"
            )
        study.refuse_unsuited("--ascents", suit(shape).ascents, fj.attacks.ASCENTS, shape)
        study.refuse_unsuited("--evolved", suit(shape).evolved, fj.encodings.CATALOG, shape)
        study.afford(shape, repeats=config.repeats, children=config.children)
        if any(number >= num_classes for number in config.classes):
            raise ValueError(
                f"--classes: numbers from 0 to {num_classes - 1}, each once; got "
                f"{' '.join(map(str, config.classes))}"
            )

    network = study.network(run, whole=True, real=False, fits=fits)
    study.refuse_no_gradient(
        [network], "--model: ascents", "experiments.evolve makes images without"
    )
    classes = np.array(config.classes or range(network.classifier.num_classes), np.int32)
    return suit(network.classifier.input_shape), network, classes


def ways(config: Config) -> list[study.Cell]:
    """Return all ways to make images: ascents, and evolutions to compare with."""
    ascents = study.grid(way=["ascent"], name=config.ascents, start=["near_grey"])
    return ascents + study.grid(way=["evolved"], name=config.evolved, start=[""])


def make(
    run: study.Run[Config], config: Config, network: study.Prepared, targets: np.ndarray
) -> study.Results:
    """Make images of the classes ``targets``, a cell for each way and starting point.

    Ascents begin at grey with noise of one level, as published; the one without a
    regularizer at the other starting points, too.
    """
    classifier = network.classifier
    others = [start for start in config.starts if start != "near_grey"]
    cells = ways(config) + study.grid(way=["ascent"], name=["none"], start=others)
    cells += study.grid(way=["control"], name=["noise"], start=fj.attacks.STARTS)

    def search(key: RandomKey, way: str, name: str, start: str) -> Mapping[str, ArrayLike]:
        if way == "control":
            return look(key, classifier, start)
        if way == "ascent":
            found = climb(config, key, classifier, name, start, targets)
        else:
            encoding = fj.encodings.CATALOG[name].build(classifier.input_shape, network.medium)
            amounts = config.children, config.generations, config.repeats
            evolved = study.evolve_repeats(key, classifier, encoding, *amounts, targets)
            found = study.as_climbed(evolved, config.children)
        return {**found._asdict(), **texture(found.images)}

    return study.compute(run, cells, search, "ascending")


def climb(
    config: Config, key: RandomKey, classifier: Classifier, name: str, start: str, targets: Any
) -> study.Climbed:
    """Climb from images toward every class, in every repeat: all settings from the same images."""
    import jax

    key_genome, key_run = jax.random.split(key)
    key_image, shape = study.key_of(config.run.seed, images=start), classifier.input_shape
    images = fj.attacks.STARTS[start].draw(key_image, (config.repeats * len(targets), *shape))
    ascent = fj.attacks.ASCENTS[name].build(shape, config.steps, config.total_variation)
    begin, searched = None, 0
    if name == "cppn":
        searched = config.candidates
        amounts = searched, config.repeats
        begin = fj.attacks.best_random_cppns(key_genome, classifier, targets, *amounts)
    return study.climb_repeats(key_run, classifier, ascent, images, targets, begin, searched)


def texture(images: np.ndarray) -> dict[str, np.ndarray]:
    """Measure how smooth images are, and of sounds how loud, ``[repeats, classes]`` each."""
    import jax.numpy as jnp

    flat = jnp.reshape(images, (-1, *images.shape[2:]))
    found = {
        "variation": fj.metrics.total_variation(flat),
        "fine": fj.metrics.high_frequency_share(flat),
        **({LOUDNESS: fj.metrics.loudest_decibels(flat)} if flat.ndim == 3 else {}),
    }
    return {name: np.asarray(values).reshape(images.shape[:2]) for name, values in found.items()}


def look(key: RandomKey, classifier: Classifier, start: str) -> Mapping[str, ArrayLike]:
    """Ask how sure the network is of images that nobody searched for, ``[n, k]``."""
    import jax.numpy as jnp

    shape = (CONTROLS if start != "grey" else 1, *classifier.input_shape)
    logits = study.all_logits(classifier, fj.attacks.STARTS[start].draw(key, shape))
    shares = fj.metrics.of_classes(
        fj.metrics.probabilities, jnp.asarray(logits), classifier.num_classes, classifier.exclusive
    )
    return {"said": shares[:, : classifier.num_classes]}


def judge(results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each way, starting point and repeat: medians over classes."""
    level = float(np.log(LEVEL / (1.0 - LEVEL)))
    for cell, arrays in results.found:
        if cell["way"] == "control":
            continue
        confidence, odds = arrays["confidence"], arrays["odds"]
        enough = fj.metrics.evaluations_to_reach(odds.min(axis=1).T, arrays["passes"], level)
        loud = {LOUDNESS: np.median(arrays[LOUDNESS], axis=1)} if LOUDNESS in arrays else {}
        columns = {
            "confidence": np.median(confidence, axis=1),
            "least": confidence.min(axis=1),
            "odds": np.median(odds[:, :, -1], axis=1),
            "above": np.mean(confidence >= LEVEL, axis=1),
            "variation": np.median(arrays["variation"], axis=1),
            "fine": np.median(arrays["fine"], axis=1),
            "passes": [passes if np.isfinite(passes) else None for passes in enough],
            **loud,
            **{name: arrays[name] for name in ("forwards", "gradients")},
        }
        for repeat, numbers in enumerate(zip(*columns.values(), strict=True)):
            yield {**cell, "repeat": repeat, **dict(zip(columns, numbers, strict=True))}


def controls(found: Found) -> Iterator[study.Record]:
    """Yield how sure the network is of each kind of starting images, before any step."""
    for cell, arrays in found.results.where(way="control").found:
        top = arrays["said"].max(axis=1)
        yield {
            "start": cell["start"],
            "images": len(top),
            "top": float(np.median(top)),
            "above_0.99": float(np.mean(top > 0.99)),
            "best_per_class": float(np.median(arrays["said"].max(axis=0)[found.classes])),
        }
