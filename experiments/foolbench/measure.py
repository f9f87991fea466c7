"""What ``experiments.foolbench`` computes: images made for every network, and shown to all."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.runtime.limits import Within
from fooljax.study import Fooling, Pieces, RunFlags, Some, Victim

if TYPE_CHECKING:
    from fooljax.data import Dataset
    from fooljax.types import Classifier, Images, RandomKey

PLAIN = "plain"
#: Which of the clean images set thresholds, and which are compared with.
HELD, COMPARED = slice(0, None, 2), slice(1, None, 2)
_BATCH = 250


@dataclass(frozen=True)
class Config:
    """How well do networks and defenses resist fooling images? One table, by one command.

    Attributes:
        victim: the data, the architecture, and how the plain network is trained; or a
            network of your own, which is then defended in every way that needs no
            training.
        fooling: how images are made.
        defenses: rows of the table; all that apply unless given. plain is always
            among them: images for the naive adversary are made for it.
        generators: kinds of fooling images; all unless given.
        others: data set of another kind, to be taken for nothing: a name, a folder or
            an .npz as with --dataset; or photographs, pieces of the two pictures that
            come with scikit-learn.
        seeds: networks trained, and images made, from so many random starts. A
            network of your own has but one set of weights; then only the images
            differ.
        clean_images: test images to compare with, at most; every other one sets the
            thresholds.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=600))
    fooling: Fooling = field(default_factory=Fooling)
    defenses: Some[str] = ()
    generators: Some[str] = ()
    others: str = "photographs"
    seeds: Pieces = 3
    clean_images: Annotated[int, Within(40, 10**9, why="ask for fewer")] = 1000
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=60),
        fooling=Fooling(images=20, generations=3, children=20, ascent_steps=5),
        defenses=("plain", "ensemble"),
        generators=("direct", "ascent", "uniform"),
        seeds=2,
        clean_images=100,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist"),
        fooling=Fooling(runs=2, generations=100, universal_steps=40),
        clean_images=2000,
    ),
}


class Scene(NamedTuple):
    """Networks of one seed by defense, what images are made from, and clean ones."""

    networks: Mapping[str, study.Defended]
    known: study.Known
    clean: Dataset


def choose(config: Config) -> tuple[dict[str, study.Defense], dict[str, study.Fooler]]:
    """Return the defenses and the ways to make images that were asked for, by name.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    victim = config.victim
    if victim.dataset == "none":
        raise ValueError(
            "--dataset: thresholds are set on clean images; name the data set that the network "
            "was trained on, or a folder or .npz of your own"
        )
    own = ":" in victim.model or victim.weights is not None
    possible = [name for name, one in study.DEFENSES.items() if not (own and one.trains)]
    defenses = study.choose("--defenses", config.defenses or possible, study.DEFENSES)
    trained = [name for name in defenses if name not in possible]
    if trained:
        raise ValueError(
            f"--defenses {' '.join(trained)}: needs other networks to be trained; a network that "
            f"comes with its weights (--model {victim.model}, --weights {victim.weights}) can have "
            f"{' '.join(possible)}"
        )
    foolers = study.choose("--generators", config.generators or [*study.FOOLING], study.FOOLING)
    return {PLAIN: study.DEFENSES[PLAIN], **defenses}, foolers


def prepare(
    run: study.Run[Config],
    defenses: Mapping[str, study.Defense],
    foolers: Mapping[str, study.Fooler],
) -> tuple[list[study.Prepared], list[Scene]]:
    """Train, load or fetch every network with every defense, for each seed.

    Returns:
        The plain network and what its cells share, of each seed.

    Raises:
        ValueError, OSError: for anything wrong with the flags or files, naming the flag.
    """
    from fooljax.runtime import inputs, memory

    config, plain, scenes = run.config, list[study.Prepared](), list[Scene]()

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        pixels = shape[0] * shape[1]
        memory.afford(shape, runs=config.fooling.runs, children=config.fooling.children)
        if config.fooling.pixels > pixels:
            raise ValueError(
                f"--pixels must be at most {pixels}, those of an image of {shape[0]} x "
                f"{shape[1]}, got {config.fooling.pixels}"
            )
        with study.blame("--generators"):
            for name in set(foolers) & set(study.EVOLVED):
                fj.encodings.CATALOG[name].build(shape)

    for trial in range(config.seeds):
        place = Path(config.victim.classifier or run.folder / "networks") / f"seed-{trial + 1}"
        own = dataclasses.replace(
            config.victim,
            train_seed=config.victim.train_seed + trial,
            classifier=str(place / PLAIN),
        )
        bare = fj.runtime.victim.prepare(own, run.folder, fits)
        shape, splits = bare.classifier.input_shape, study.splits_of(bare)
        clean = draw(config, splits.test, trial)
        held = fj.data.Dataset(clean.images[HELD], clean.labels[HELD], clean.class_names)
        key = study.key_of(config.run.seed, trial=trial, part="defenses")
        bench = study.Bench(place, own, bare, held, config.fooling, key)
        networks = {}
        for name, defense in defenses.items():
            print(f"seed {trial + 1}: {name}", file=sys.stderr)
            networks[name] = defense.build(bench)
        others = study.load_others(run, "--others", [config.others], shape, 1000)
        others_of = fj.data.as_float(others[config.others])
        scenes.append(Scene(networks, study.Known(splits.train, others_of), clean))
        plain.append(bare)
    inputs.same_networks(
        run.folder,
        {
            f"{name} {trial + 1}": one.victim
            for trial, scene in enumerate(scenes)
            for name, one in scene.networks.items()
        },
    )
    return plain, scenes


def draw(config: Config, test: Dataset, trial: int) -> Dataset:
    """Draw the images to compare with.

    Raises:
        ValueError: if there are too few, naming the flag.
    """
    import jax

    count = len(test.labels)
    if count < min(config.clean_images, 40):
        raise ValueError(
            f"--dataset: thresholds need at least 40 test images, {config.victim.dataset} has "
            f"{count}"
        )
    key = study.key_of(config.run.seed, trial=trial, part="clean images")
    rows = np.sort(np.asarray(jax.random.permutation(key, count))[: config.clean_images])
    return fj.data.Dataset(test.images[rows], test.labels[rows], test.class_names)


def fool(
    run: study.Run[Config], scenes: Sequence[Scene], foolers: Mapping[str, study.Fooler]
) -> study.Results:
    """Make images for every network, then show it clean ones and those of the plain network.

    Every network meets the same random numbers, so that defenses are compared in pairs.
    """
    config, networks = run.config, scenes[0].networks

    def make(key: RandomKey, trial: int, made: str, made_for: str) -> Mapping[str, ArrayLike]:
        scene, network = scenes[trial], scenes[trial].networks[made_for]
        key = study.key_of(config.run.seed, trial=trial, made=made)
        found = foolers[made].make(config.fooling, key, network.stand_in, scene.known)
        said = answers(network.victim, found.images)
        return {"images": found.images, "cost": found.cost, "logits": said}

    cells = [
        cell
        for cell in study.grid(trial=range(len(scenes)), made=foolers, made_for=networks)
        if cell["made_for"] == PLAIN or foolers[cell["made"]].looks
    ]
    made = study.compute(run, cells, make, "fooling")

    def show(key: RandomKey, trial: int, shown_to: str) -> Mapping[str, ArrayLike]:
        victim, clean = scenes[trial].networks[shown_to].victim, scenes[trial].clean
        naive = made.where(trial=trial, made_for=PLAIN).found
        said = {cell["made"]: answers(victim, arrays["images"]) for cell, arrays in naive}
        seen = answers(victim, fj.data.as_float(clean.images))
        return {"labels": clean.labels, "clean": seen, **said}

    cells = study.grid(trial=range(len(scenes)), shown_to=networks)
    return study.gather(made, study.compute(run, cells, show, "showing"))


def answers(classifier: Classifier, images: Images | np.ndarray) -> np.ndarray:
    """Return the logits of any number of images, ``[n, m]``."""
    import jax.numpy as jnp

    images = jnp.asarray(images)
    count = len(images)
    size = min(count, _BATCH)
    # the last batch begins earlier rather than being shorter: one compilation
    starts = [min(start, count - size) for start in range(0, count, size)]
    parts = {start: np.asarray(study.logits(classifier, images[start : start + size]))
             for start in starts}  # fmt: skip
    logits = np.zeros((count, parts[0].shape[1] if starts else 0), np.float32)
    for start, part in parts.items():
        logits[start : start + size] = part
    return logits
