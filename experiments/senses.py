"""Is it a matter of pictures? The same search, transfer and retraining on four media.

Run:    python -m experiments.senses
        python -m experiments.senses --senses digits:lenet:cppn tones:sound_cnn:direct
        python -m experiments.senses --data-dir DIR --senses mnist:lenet:direct
            fsdd:sound_cnn:partials weizmann:video_cnn:voxels languages:ngram:characters
Cost:   a minute or two a seed on two laptop cores for pictures, sounds and texts, and more
        than six for videos; no download.
Expect: a search makes networks of every medium certain of nonsense, of all classes or
        nearly all. How sure they are of what nobody searched for differs much.
Source: Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897, sections 3.1, 3.5 and 3.6, for
        pictures; the other media are this experiment's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, Pieces, RunFlags, Several, Victim

SURE = 0.99
MEASURES = {
    "accuracy": "Test set right",
    "random": "Random: median confidence",
    "random_sure": f"Random: share above {SURE}",
    "searched": "Searched: median confidence",
    "searched_sure": f"Searched: share above {SURE}",
    "transferred": "Another network says the same",
    "retrained": "Searched anew after retraining: median",
    "retrained_accuracy": "Test set right after it",
}
SENSES = {"pictures": "see", "sounds": "hear", "videos": "watch", "texts": "read"}
TEACHERS = 4  # searches at once; what they find is what a network is retrained on
EXAMPLES = 8  # of each medium on the page
PAPERS = {
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, "
    "CVPR 2015: the search, the transfer and the retraining, on pictures"
}


@dataclass(frozen=True)
class Config:
    """Fool networks that see, hear, watch and read, and compare.

    Attributes:
        victim: where data lie and how networks are trained; data and architectures are
            named below.
        senses: what is fooled and how, as DATASET:MODEL:ENCODING, each data set once.
        seeds: how often all is repeated, with new networks and new searches.
        children: of a generation.
        generations: of a search, after the random population.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=400))
    senses: Several[str] = (
        "digits:lenet:direct",
        "tones:sound_cnn:partials",
        "moving_digits:video_cnn:voxels",
        "languages:ngram:characters",
    )
    seeds: Pieces = 3
    children: Batch = 100
    generations: Count = 50
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=30),
        senses=("digits:softmax:direct", "tones:mlp:direct"),
        seeds=2,
        children=20,
        generations=3,
    ),
}


class Scene(NamedTuple):
    """A data set, and how it is learned and searched."""

    splits: fj.data.Splits
    model: str
    encoding: fj.types.Encoding
    words: str  # of the encoding

    @property
    def medium(self) -> fj.media.Medium:
        """What the data set holds."""
        return self.splits.train.medium


class Found(NamedTuple):
    """All that the page is about."""

    config: Config
    scenes: dict[str, Scene]
    results: study.Results
    table: study.Table


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        check(config)
        scenes = set_scenes(run)
        cells = study.grid(repeat=range(config.seeds), dataset=scenes)
        results = study.compute(
            run, cells, lambda key, **cell: make(key, run, scenes, **cell), "fooling all of them"
        )
        records = list(judge(results))
        table = study.summarize(records, ("dataset", "medium"), MEASURES)
        return study.publish(
            run,
            report(Found(config, scenes, results, table)),
            networks(scenes, table),
            results,
            records,
            PAPERS,
            keep=("inputs", "history"),
            shares=table.plain(),
            intervals="95 %, Student's t over seeds: new networks, new searches",
        )


def check(config: Config) -> None:
    """Refuse settings that are impossible, naming the flag."""
    victim, default = config.victim, Victim()
    for flag in ("dataset", "model"):
        given = getattr(victim, flag)
        if given != getattr(default, flag):
            wanted = "--senses DATASET:MODEL:ENCODING"
            raise ValueError(f"--{flag} {given}: give {wanted} instead, one or several")
    for flag in ("weights", "classifier"):
        given = getattr(victim, flag)
        if given is not None:
            raise ValueError(f"--{flag} {given}: networks are trained here; leave it out")
    for flag in ("image_size", "sample_rate", "seconds", "accuracy_images", "view", "train_seed"):
        if (given := getattr(victim, flag)) != getattr(default, flag):
            raise ValueError(
                f"--{flag.replace('_', '-')} {given}: data sets have the sizes they come with "
                "here, and --seed decides about all networks; leave it out"
            )
    parts = [one.split(":") for one in config.senses]
    wrong = [one for one, three in zip(config.senses, parts, strict=True) if len(three) != 3]
    if wrong:
        raise ValueError(f"--senses: each must be DATASET:MODEL:ENCODING, got {wrong[0]}")
    if len({dataset for dataset, _, _ in parts}) < len(parts):
        raise ValueError("--senses: each data set once")
    encodings = sorted({encoding for _, _, encoding in parts})
    study.choose("--senses", encodings, fj.encodings.CATALOG)


def set_scenes(run: study.Run[Config]) -> dict[str, Scene]:
    """Load the data sets, and refuse what does not go together."""
    config, scenes = run.config, {}
    for dataset, model, name in (one.split(":") for one in config.senses):
        with study.blame(f"--senses {dataset}"):
            splits = fj.data.load(dataset, config.victim.data_dir)
        entry, train = fj.encodings.CATALOG[name], splits.train
        kind = fj.media.kind(train.medium)
        if kind not in entry.takes:
            fit = [one for one, entry in fj.encodings.CATALOG.items() if kind in entry.takes]
            raise ValueError(f"--senses {name}: {dataset} holds {kind}; give {' or '.join(fit)}")
        scene = Scene(splits, model, entry.build(train.input_shape, train.medium), entry.words)
        untrained(scene, study.key_of(0, part="check"))
        scenes[dataset] = scene
    return scenes


def untrained(scene: Scene, key: fj.types.RandomKey) -> fj.types.Classifier:
    """Draw starting weights; all networks have a fooling column, first ones never use it."""
    train = scene.splits.train
    with study.blame(f"--senses {scene.model}"):
        return fj.models.build(scene.model, key, train.input_shape, train.num_classes, rejecting=1)


def make(
    key: fj.types.RandomKey,
    run: study.Run[Config],
    scenes: dict[str, Scene],
    repeat: int,
    dataset: str,
) -> Mapping[str, ArrayLike]:
    """Train, show noise, search, show another network, retrain, search again: one cell."""
    import jax
    import jax.numpy as jnp

    config, scene = run.config, scenes[dataset]
    train, test = scene.splits
    keys = iter(jax.random.split(key, 9))

    def fit(data: fj.data.Dataset) -> fj.types.Classifier:
        fresh = untrained(scene, next(keys))
        return study.train(config.victim, next(keys), fresh, data)

    def search(network: fj.types.Classifier) -> study.Evolved:
        classes = np.arange(train.num_classes)
        sizes = config.children, config.generations, TEACHERS
        return study.evolve_repeats(next(keys), network, scene.encoding, *sizes, classes)

    none = jnp.zeros((0, *train.input_shape), train.images.dtype)
    capacity = len(train.labels) + 2 * TEACHERS * train.num_classes  # one program for both
    plain = fj.training.with_fooling_class(train, none, capacity)
    network, other = fit(plain), fit(plain)
    drawn = study.random_images(next(keys), scene.encoding, train.input_shape, 1000)
    certain = tops(network, drawn)
    found = search(network)
    flat = jnp.asarray(found.images.reshape(-1, *train.input_shape))
    lesson = jnp.concatenate([flat, jnp.asarray(drawn[: len(flat)])])
    taught = fj.training.with_fooling_class(train, lesson, capacity)
    retrained = fit(taught)
    labels = np.tile(np.arange(train.num_classes), TEACHERS)
    return {
        "accuracy": fj.training.evaluate(network, test),
        "random": np.median(certain),
        "random_sure": np.mean(certain > SURE),
        "inputs": found.images[0],
        "confidence": found.confidence,
        "history": np.median(found.history, axis=1),
        "transferred": np.mean(fj.training.predict(other, flat) == labels),
        "retrained": np.median(search(retrained).confidence),
        "retrained_accuracy": fj.training.evaluate(retrained, test),
    }


def tops(network: fj.types.Classifier, inputs: np.ndarray) -> np.ndarray:
    """Return how sure a network is of the class that it names, ``[n]``."""
    parts = np.array_split(inputs, max(1, len(inputs) // 100))
    said = [
        fj.metrics.probabilities(study.logits(network, fj.data.as_input(part))) for part in parts
    ]
    return np.concatenate(said)[:, : network.num_classes].max(axis=1)


def judge(results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each data set and seed."""
    for cell, arrays in results.found:
        confidence = arrays["confidence"]
        numbers = {name: float(arrays[name]) for name in MEASURES if name in arrays}
        numbers |= {
            "searched": float(np.median(confidence)),
            "searched_sure": float(np.mean(confidence > SURE)),
        }
        yield {**cell, "medium": kind_of(arrays["inputs"]), **numbers}


def kind_of(inputs: np.ndarray) -> str:
    """Say what some inputs are, by their axes."""
    return fj.media.kind(fj.media.medium_of(inputs.shape[1:]))


def networks(scenes: dict[str, Scene], table: study.Table) -> dict[str, study.Prepared]:
    """Say of each data set's networks what they are."""
    found = {}
    for dataset, scene in scenes.items():
        train = scene.splits.train
        right = table.value("accuracy", dataset=dataset).mean
        blank = untrained(scene, study.key_of(0, part="names"))
        origin = f"{scene.model}, trained on {dataset}; mean of all seeds"
        found[dataset] = study.Prepared(blank, train.class_names, right, origin)
    return found


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    table, names = found.table, list(found.scenes)
    medians = {name: table.value("searched", dataset=name).mean for name in names}
    fooled = [name for name in names if medians[name] >= SURE]
    title = f"{'Certain' if fooled else 'Not certain'} of nonsense"
    if len(names) > 1:
        number = {0: "None", 1: "One"}.get(len(fooled), len(fooled))
        verb = "are" if len(fooled) > 1 else "is"
        title = f"{number} of {len(names)} kinds of networks {verb} certain of nonsense"
    senses = list(dict.fromkeys(SENSES[fj.media.kind(one.medium)] for one in found.scenes.values()))
    said = " and ".join(filter(None, [", ".join(senses[:-1]), senses[-1]]))
    whatever = len(fooled) == len(names) and len(senses) > 1
    yield study.Opening(
        "Fooled, whatever the medium" if whatever else title,
        f"Networks that {said} were searched for nonsense in one way.",
        [
            (study.sure(medians[name]), f"median confidence in {_what(found, name)}")
            for name in names
        ],
    )
    yield study.Heading("What was done")
    config = found.config
    yield (
        f"For each data set two networks were trained, {study.anew(config.seeds)}. {TEACHERS} "
        f"evolutionary searches (MAP-Elites, {config.generations:,} generations of "
        f"{config.children:,}) then looked for the input that the first network is most certain "
        "of, for every class. What they found was shown to the second network, which had other "
        "starting weights; and a third learned to call it, and random inputs, “fooling”, and was "
        "searched anew. Random inputs are those that a search begins with."
    )
    rows = [
        (name, kind, one.model, one.words)
        for name, one in found.scenes.items()
        for kind in [fj.media.kind(one.medium)]
    ]
    yield fj.reporting.table(("Data", "Medium", "Network", "What is searched evolved ..."), rows)
    yield study.Heading("What came out")
    over = "Means over the seeds with 95 % intervals." if config.seeds > 1 else "Of one seed."
    yield study.numbers(
        table,
        {"dataset": "Data", "medium": "Medium"},
        MEASURES,
        f"{over} Confidence in random inputs is in whatever class is named, in searched ones in "
        "the class that was searched for. Where random inputs already reach high "
        "confidence, the search did not find rare points: nearly everything fools, and what the "
        "search adds is every class. A network after retraining is attacked knowing its weights.",
    )
    yield from curves(found)
    for name, scene in found.scenes.items():
        yield from examples(found, name, scene)


def _what(found: Found, name: str) -> str:
    return f"{fj.media.kind(found.scenes[name].medium)} ({name})"


def curves(found: Found) -> Iterator[study.Block]:
    """Show how fast the searches went."""
    grids = {
        name: np.stack(
            [one["history"].mean(axis=0) for _, one in found.results.where(dataset=name).found]
        )
        for name in found.scenes
    }
    generations = np.arange(found.config.generations + 1)
    yield study.ranges(
        "curves",
        generations,
        grids,
        "Median confidence over the classes, by generation. How to read it: the further up a line "
        "begins, the more random inputs are taken for something already. Shaded: from the lowest "
        "to the highest seed.",
        x_label="generation",
        y_label="median confidence",
        shares=True,
    )


def examples(found: Found, name: str, scene: Scene) -> Iterator[study.Block]:
    """Show what the first search of the first seed found."""
    arrays = found.results.one(dataset=name, repeat=0)
    classes = scene.splits.train.class_names
    order = study.spread(len(classes), EXAMPLES)
    words = [f"{classes[i]}\n{study.sure(float(arrays['confidence'][0, i]))}" for i in order]
    shown = arrays["inputs"][order]
    yield study.Heading(f"{fj.media.kind(scene.medium).capitalize()}: {name}")
    yield study.images(
        f"examples_{name}",
        study.as_pictures(scene.medium, shown)[None],
        [words],
        f"What was found for classes of {name}, and how sure the network is of them. The first "
        "search of the first seed, classes at even distances, not selected.",
        columns=EXAMPLES,
    )
    yield study.experience(scene.medium, shown, [one.replace("\n", ", ") for one in words])


if __name__ == "__main__":
    study.launch(main, PRESETS, __doc__)
