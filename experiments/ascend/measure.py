"""What ``experiments.ascend`` computes: ascents, evolutions, starting points, controls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, Label, NotNegative, RunFlags, Several, Some, Victim

if TYPE_CHECKING:
    from jaxtyping import Array

    from fooljax.types import Classifier, Genome, Images, RandomKey

Start: TypeAlias = Literal["near_grey", "grey", "uniform_noise", "gaussian_noise"]
#: What suits sounds and videos where nothing else was asked for.
OTHERS: dict[str, dict[str, Any]] = {
    "sounds": {"ascents": ("none", "signs", "decay", "cppn"), "evolved": ("partials",)},
    "videos": {"ascents": ("none", "signs", "decay", "cppn"), "evolved": ("cppn",)},
}

LEVEL = 0.9999
BATCH, CONTROLS = 100, 1000
STARTS: dict[Start, str] = {
    "near_grey": "Grey with noise of one level in 255 (published)",
    "grey": "Grey",
    "uniform_noise": "Uniform noise",
    "gaussian_noise": "Gaussian noise, mean 0.5, standard deviation 0.25",
}
STARTS_OF_SOUNDS: dict[Start, str] = {
    "near_grey": "Silence with noise of a hundredth of full scale (root mean square)",
    "grey": "Silence",
    "uniform_noise": "Uniform noise, as loud as can be",
    "gaussian_noise": "Gaussian noise, half of full scale (root mean square)",
}
BY = ("way", "name", "start")
MEASURES = ("confidence", "least", "odds", "above", "variation", "fine", "passes")
LOUDNESS = "loudness"  # of sounds only: the level of the loudest sample, in decibels


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
    starts: Several[Start] = ("near_grey", "grey", "uniform_noise", "gaussian_noise")
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
    """All that the page is about.

    Attributes:
        config: the settings.
        network: to be fooled.
        classes: numbers of the classes that images were made for.
        results: a cell for each way and starting point, ``[repeats, classes, ...]``.
        records: one for each way, starting point and repeat.
        table: medians over repeats, from the lowest to the highest of them.
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

    @property
    def starts(self) -> dict[Start, str]:
        """Where ascents begin, in words."""
        return STARTS_OF_SOUNDS if self.words.one == "sound" else STARTS

    def row(self, way: str, name: str, start: str = "near_grey") -> study.Row:
        """What was measured of a way to make images."""
        start = "" if way == "evolved" else start
        return self.table.where(way=way, name=name, start=start).rows[0]


def check(config: Config) -> None:
    """Refuse settings without what the others are compared with, and unknown encodings.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    study.choose("--ascents", config.ascents, fj.attacks.ASCENTS)
    study.choose("--evolved", config.evolved, fj.encodings.CATALOG)
    for flag, name in (("ascents", "none"), ("starts", "near_grey")):
        if name not in getattr(config, flag):
            raise ValueError(
                f"--{flag}: {name} must be among them, the others are compared with it"
            )


def refuse(config: Config, shape: tuple[int, ...], num_classes: int) -> None:
    """Refuse images or classes that do not fit, before a network is trained.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    study.refuse_texts(shape, study.NO_NUMBERS)
    kind = fj.media.kind(fj.media.medium_of(shape))
    if (kind != "sounds" and shape[-1] not in (1, 3)) or num_classes < 2:
        raise ValueError(
            f"--dataset, --model: {'images' if kind == 'pictures' else kind} of 1 or 3 channels "
            f"and at least 2 classes are needed, got {shape[-1]} channels and {num_classes} classes"
        )
    asked = suited(config, shape)
    study.refuse_unsuited("--ascents", asked.ascents, fj.attacks.ASCENTS, shape)
    study.refuse_unsuited("--evolved", asked.evolved, fj.encodings.CATALOG, shape)
    study.afford(shape, repeats=config.repeats, children=config.children)
    if any(number >= num_classes for number in config.classes):
        given = " ".join(map(str, config.classes))
        raise ValueError(f"--classes: numbers from 0 to {num_classes - 1}, each once; got {given}")


def suited(config: Config, shape: tuple[int, ...]) -> Config:
    """Return the settings, with what suits sounds or videos where nothing else was asked for."""
    kind = fj.media.kind(fj.media.medium_of(shape))
    return study.suit(config, Config(), OTHERS.get(kind, {}))


def measures(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return what is measured of inputs of this shape."""
    return (*MEASURES, LOUDNESS) if len(shape) == 2 else MEASURES


def ways(config: Config) -> list[study.Cell]:
    """Return all ways to make images: ascents, and evolutions to compare with."""
    return [
        *study.grid(way=["ascent"], name=config.ascents, start=["near_grey"]),
        *study.grid(way=["evolved"], name=config.evolved, start=[""]),
    ]


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
    cells += study.grid(way=["control"], name=["noise"], start=list(STARTS))

    def search(key: RandomKey, way: str, name: str, start: str) -> Mapping[str, ArrayLike]:
        if way == "evolved":
            return evolve(config, key, network, name, targets)
        if way == "control":
            return look(key, classifier, start)
        # every setting from the same images
        key_image = study.key_of(config.run.seed, images=start)
        shape = (config.repeats * len(targets), *classifier.input_shape)
        return climb(config, key, classifier, name, draw(start, key_image, shape), targets)

    return study.compute(run, cells, search, "ascending")


def draw(start: str, key: RandomKey, shape: tuple[int, ...]) -> Images:
    """Draw starting images: ``near_grey`` is grey with noise of one level in 255.

    Of sounds it is noise of a hundredth of full scale around silence (root mean square).
    """
    import jax
    import jax.numpy as jnp

    if start == "uniform_noise":
        return jax.random.uniform(key, shape, dtype=jnp.float32)
    faint = 0.005 if len(shape) == 3 else 1 / 255  # a waveform is twice what is above 0.5
    spread = {"near_grey": faint, "grey": 0.0, "gaussian_noise": 0.25}[start]
    return jnp.clip(0.5 + spread * jax.random.normal(key, shape, dtype=jnp.float32), 0.0, 1.0)


def climb(
    config: Config,
    key: RandomKey,
    classifier: Classifier,
    name: str,
    images: Images,
    targets: np.ndarray,
) -> Mapping[str, ArrayLike]:
    """Climb from images toward every class, in every repeat."""
    import jax
    import jax.numpy as jnp

    key_genome, key_run = jax.random.split(key)
    begin = best_random(config, key_genome, classifier, targets) if name == "cppn" else None
    ascent, reach = fj.attacks.ASCENTS[name], fj.attacks.reach(jnp.tile(targets, config.repeats))
    found = fj.attacks.run(
        ascent.build(classifier.input_shape, config.steps, config.total_variation),
        key_run,
        classifier,
        images,
        # log p / (1 - p) is the margin of "more likely than not"
        fj.attacks.confident(reach, 0.5),
        batch_size=min(BATCH, len(images)),
        start=begin,
        trace=True,
    )
    split = lambda leaf: np.asarray(leaf).reshape(config.repeats, len(targets), *leaf.shape[1:])
    names = ("images", "confidence", "forwards", "gradients", "trace")
    told = {name: split(getattr(found, name)) for name in names}
    searched = config.candidates if name == "cppn" else 0
    return {**told, **texture(told["images"]), "searched": searched}


def best_random(
    config: Config, key: RandomKey, classifier: Classifier, targets: np.ndarray
) -> Genome:
    """Return for each repeat and class the best of the random CPPNs, leaves ``[count, ...]``."""
    import jax
    import jax.numpy as jnp

    encoding = fj.encodings.cppn(classifier.input_shape, coordinates="normalized", levels=None)
    search = fj.evolution.repeat(fj.evolution.map_elites(encoding, config.candidates))
    keys = jax.random.split(key, config.repeats)
    state, _ = fj.evolution.start(keys, search, classifier)
    flat = lambda leaf: jnp.asarray(np.asarray(leaf)[:, targets].reshape(-1, *leaf.shape[2:]))
    return jax.tree.map(flat, state.archive.genomes)


def evolve(
    config: Config, key: RandomKey, network: study.Prepared, name: str, targets: np.ndarray
) -> Mapping[str, ArrayLike]:
    """Evolve images for all classes, in every repeat."""
    classifier = network.classifier
    encoding = fj.encodings.CATALOG[name].build(classifier.input_shape, network.medium)
    amounts = config.children, config.generations, config.repeats
    found = study.evolve_repeats(key, classifier, encoding, *amounts, targets)
    told = {"images": found.images, "confidence": found.confidence, "trace": found.history}
    return {**told, **texture(found.images)}


def texture(images: np.ndarray) -> dict[str, np.ndarray]:
    """Measure how smooth images are, ``[repeats, classes]`` each."""
    import jax.numpy as jnp

    flat = jnp.reshape(images, (-1, *images.shape[2:]))
    measures: dict[str, Callable[[Images], Array]]
    measures = {"smoothness": fj.metrics.total_variation, "fine": fj.metrics.high_frequency_share}
    if flat.ndim == 3:
        measures[LOUDNESS] = fj.metrics.loudest_decibels
    split = lambda values: np.asarray(values).reshape(images.shape[:2])
    return {name: split(measure(flat)) for name, measure in measures.items()}


def look(key: RandomKey, classifier: Classifier, start: str) -> Mapping[str, ArrayLike]:
    """Ask how sure the network is of images that nobody searched for, ``[n, k]``."""
    shape = (CONTROLS if start != "grey" else 1, *classifier.input_shape)
    images = draw(start, key, shape)
    batches = [images[first : first + BATCH] for first in range(0, len(images), BATCH)]
    says = [fj.metrics.probabilities(study.logits(classifier, batch)) for batch in batches]
    return {"said": np.concatenate(says)[:, : classifier.num_classes]}


def curve(config: Config, cell: study.Cell, arrays: study.Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Return passes so far for one repeat's classes, and the best log-odds so far ``[r, k, t]``."""
    trace = np.asarray(arrays["trace"], np.float64)
    if cell["way"] == "evolved":
        inside = np.clip(trace, 1e-30, 1.0 - 2.0**-24)
        odds = np.log(inside) - np.log1p(-inside)
        return config.children * (1.0 + np.arange(trace.shape[2])), odds
    odds = np.fmax.accumulate(np.where(np.isnan(trace), -np.inf, trace), axis=2)
    # point i has cost i + 1 forward and i gradient passes
    passes = trace.shape[1] * (2.0 * np.arange(trace.shape[2]) + 1.0)
    return passes + float(arrays["searched"]), odds


def judge(config: Config, results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each way, starting point and repeat: medians over classes."""
    for cell, arrays in results.found:
        if cell["way"] == "control":
            continue
        passes, odds = curve(config, cell, arrays)
        certain = (odds > np.log(LEVEL / (1.0 - LEVEL))).all(axis=1)
        loud = LOUDNESS in arrays
        for repeat, confidence in enumerate(arrays["confidence"]):
            spent = {"forwards": config.children * (config.generations + 1), "gradients": 0}
            if cell["way"] == "ascent":
                spent = {name: int(arrays[name][repeat].sum()) for name in spent}
                spent["forwards"] += int(arrays["searched"])
            reached = certain[repeat].any()
            yield {
                **cell,
                "repeat": repeat,
                "confidence": float(np.median(confidence)),
                "least": float(confidence.min()),
                "odds": float(np.median(odds[repeat, :, -1])),
                "above": float(np.mean(confidence >= LEVEL)),
                "variation": float(np.median(arrays["smoothness"][repeat])),
                "fine": float(np.median(arrays["fine"][repeat])),
                "passes": float(passes[certain[repeat].argmax()]) if reached else None,
                **({LOUDNESS: float(np.median(arrays[LOUDNESS][repeat]))} if loud else {}),
                **spent,
            }


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
