"""What ``experiments.motion`` computes: networks that watch videos, and frames in other orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.runtime.limits import Within
from fooljax.study import RunFlags, Several, Victim

if TYPE_CHECKING:
    from fooljax.types import Classifier, RandomKey

VIDEOS, STILLS = "videos", "stills"  # what a network has learned from
ORDER, FROZEN, BLIND = "in order", "frozen", "blind"
Networks: TypeAlias = "dict[str, study.Prepared]"


def _shuffled(draw: np.random.Generator, windows: np.ndarray) -> np.ndarray:
    places = draw.permuted(np.tile(np.arange(windows.shape[1]), (len(windows), 1)), axis=1)
    return windows[np.arange(len(windows))[:, None], places]


def _frozen(draw: np.random.Generator, windows: np.ndarray) -> np.ndarray:
    return np.repeat(windows[:, :1], windows.shape[1], axis=1)


def _averaged(draw: np.random.Generator, windows: np.ndarray) -> np.ndarray:
    mean = np.round(windows.mean(axis=1, keepdims=True)).astype(np.uint8)
    return np.repeat(mean, windows.shape[1], axis=1)


def _scattered(draw: np.random.Generator, windows: np.ndarray) -> np.ndarray:
    return draw.permuted(windows.reshape(len(windows), -1), axis=1).reshape(windows.shape)


class Order(NamedTuple):
    """A way to show the frames of a window.

    Attributes:
        words: what it is.
        show: ``(draw, windows) -> windows`` of the same shape, bytes.
    """

    words: str
    show: Callable[[np.random.Generator, np.ndarray], np.ndarray]


ORDERS: dict[str, Order] = {
    ORDER: Order("as filmed", lambda draw, windows: windows),
    "shuffled": Order("the same frames in random order, another for each window", _shuffled),
    "reversed": Order(
        "the same frames, the last one first", lambda draw, windows: windows[:, ::-1]
    ),
    FROZEN: Order("the first frame all the time", _frozen),
    "averaged": Order("the mean of all frames all the time", _averaged),
    "noise": Order(
        "all numbers of a window exchanged at random, over space and time (a control)", _scattered
    ),
}


@dataclass(frozen=True)
class Config:
    """Watch a video: does a network that is shown motion look at it?

    Attributes:
        victim: the videos, and how each network is trained: --dataset moving_digits (they
            come with the package), weizmann (with --data-dir), or a folder of class
            sub-folders of videos.
        orders: how frames are shown: "in order", shuffled, reversed, frozen, averaged, noise.
        folds: parts that are left out of training and tested on, one after the other:
            people, or fifths; all unless given.
        run: where the run goes.
    """

    victim: Victim = field(
        default_factory=lambda: Victim(dataset="moving_digits", model="video_cnn", train_steps=200)
    )
    orders: Several[str] = tuple(ORDERS)
    folds: Annotated[int, Within(1, 1000, why="ask for fewer")] | None = None
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(dataset="moving_digits", model="video_cnn", train_steps=12),
        folds=2,
    ),
    "weizmann": Config(victim=Victim(dataset="weizmann", model="video_cnn", train_steps=125)),
}


class Scene(NamedTuple):
    """What all cells share.

    Attributes:
        clips: all windows.
        folds: what is left out, one after the other.
    """

    clips: fj.data.Clips
    folds: tuple[str, ...]

    def tested(self, fold: str) -> np.ndarray:
        """Return the places of the windows that a fold is tested on."""
        return np.flatnonzero(self.clips.groups == self.clips.group_names.index(fold))


def check(config: Config) -> None:
    """Refuse settings that are impossible whatever the data, naming the flag."""
    victim, own = config.victim, "each fold trains its own network"
    study.choose("--orders", config.orders, ORDERS)
    study.refuse_ready_made(victim, own, "videos")
    study.refuse(
        {
            f"--weights {victim.weights}: {own}; leave --weights out": victim.weights is not None,
            f"--orders: {ORDER!r} and {FROZEN!r} among them, got {' '.join(config.orders)}": bool(
                {ORDER, FROZEN} - set(config.orders)
            ),
        }
    )


def set_scene(run: study.Run[Config]) -> Scene:
    """Load the videos, and settle which parts are left out."""
    from fooljax.runtime import inputs

    config, victim = run.config, run.config.victim
    with study.blame("--dataset"):
        clips = fj.data.load_clips(victim.dataset, victim.data_dir, victim.image_size)
    if len(clips.class_names) < 2:
        raise ValueError(f"--dataset {victim.dataset} has one class only; a network needs two")
    many = len(clips.folds)
    if config.folds is not None and config.folds > many:
        raise ValueError(
            f"--folds must be at most {many}, the parts of the data; got {config.folds}"
        )
    scene = Scene(clips, clips.folds[: config.folds])
    inputs.same_data(run.folder, victim.dataset, fj.data.leave_out(clips, scene.folds[0]))
    start(config, scene, VIDEOS, scene.folds[0])  # refuses a network that takes no videos
    return scene


def start(config: Config, scene: Scene, network: str, fold: str) -> Classifier:
    """Return starting weights of a network for whole windows, or for single frames."""
    victim, clips = config.victim, scene.clips
    frames, *size = clips.windows.shape[1:]
    shape = (frames if network == VIDEOS else 1, *size)
    key = study.key_of(victim.train_seed, network=network, fold=fold, part="start")
    with study.blame(f"--model {victim.model}"):
        return fj.models.build(victim.model, key, shape, len(clips.class_names))


def watch(run: study.Run[Config], scene: Scene) -> tuple[Networks, study.Results]:
    """Train two networks for each fold, and show them what was left out.

    One learns from videos, the other from the first frames of the same windows. Cells hold
    ``probabilities [n, k]`` of each window left out.
    """
    import dataclasses

    import jax

    config, clips = run.config, scene.clips

    def train(key: RandomKey, network: str, fold: str, part: str) -> Mapping[str, ArrayLike]:
        key = study.key_of(config.victim.train_seed, network=network, fold=fold, part=part)
        known = fj.data.leave_out(clips, fold).train
        if network == STILLS:
            known = dataclasses.replace(known, images=known.images[:, :1])
        fresh = start(config, scene, network, fold)
        return study.weights_of(study.train(config.victim, key, fresh, known))

    cells = study.grid(network=[VIDEOS, STILLS], fold=scene.folds, part=["weights"])
    made = study.compute(run, cells, train, "training networks")
    trained = {
        (cell["network"], cell["fold"]): study.with_weights(
            start(config, scene, cell["network"], cell["fold"]), weights
        )
        for cell, weights in made.found
    }

    def show(key: RandomKey, network: str, fold: str, order: str) -> Mapping[str, ArrayLike]:
        windows = clips.windows[scene.tested(fold)]
        if network == STILLS:
            windows = windows[:, :1]
        else:
            # all folds and seeds have draws of their own, and all networks the same
            draw = np.random.default_rng(np.asarray(jax.random.key_data(key)))
            windows = ORDERS[order].show(draw, windows)
        logits = study.logits(trained[network, fold], fj.data.as_float(windows))
        return {"probabilities": fj.metrics.probabilities(logits)}

    cells = study.grid(network=[VIDEOS], fold=scene.folds, order=config.orders)
    cells += study.grid(network=[STILLS], fold=scene.folds, order=[FROZEN])
    results = study.gather(made, study.compute(run, cells, show, "showing videos"))
    networks = dict[str, study.Prepared]()
    for (network, fold), classifier in trained.items():
        said = results.one(network=network, fold=fold, order=ORDER if network == VIDEOS else FROZEN)
        right = np.mean(said["probabilities"].argmax(1) == clips.labels[scene.tested(fold)])
        origin = f"{config.victim.model}, trained on {network} without {fold}"
        names = clips.class_names
        networks[f"{network}, without {fold}"] = study.Prepared(
            classifier,
            names,
            float(right),
            origin,
            medium=fj.media.Videos(clips.rate, clips.binary),
        )
    return networks, results


def judge(scene: Scene, results: study.Results) -> Iterator[study.Record]:
    """Yield shares recognized for each fold, network and order; and of who does not look."""
    clips = scene.clips
    for cell, found in results.found:
        if "order" not in cell:
            continue
        fold, rows = cell["fold"], scene.tested(cell["fold"])
        probabilities, labels = found["probabilities"], clips.labels[rows]
        filmed = VIDEOS, ORDER
        if cell["network"] == STILLS:
            filmed = STILLS, FROZEN
        before = results.one(network=filmed[0], fold=fold, order=filmed[1])["probabilities"]
        answers = probabilities.argmax(axis=1)
        yield {
            **cell,
            "windows": float(np.mean(answers == labels)),
            "sequences": float(np.mean(by_sequence(probabilities, labels, clips.sequences[rows]))),
            "same": float(np.mean(answers == before.argmax(axis=1))),
            "confidence": float(np.mean(probabilities.max(axis=1))),
            "commonest": float(np.bincount(answers).max() / len(answers)),
        }
    for fold in scene.folds:  # who does not look
        rows = scene.tested(fold)
        labels, learned = clips.labels[rows], np.delete(clips.labels, rows)
        answer = np.bincount(learned).argmax()
        first = np.unique(clips.sequences[rows], return_index=True)[1]
        yield {
            **{"network": BLIND, "fold": fold, "order": BLIND},
            "windows": float(np.mean(labels == answer)),
            "sequences": float(np.mean(labels[first] == answer)),
            **{"same": None, "confidence": None, "commonest": 1.0},
        }


def by_sequence(probabilities: np.ndarray, labels: np.ndarray, sequences: np.ndarray) -> np.ndarray:
    """Tell of each video whether the mean of its windows' probabilities names its class."""
    right = []
    for one in np.unique(sequences):
        rows = sequences == one
        right.append(probabilities[rows].mean(axis=0).argmax() == labels[rows][0])
    return np.array(right)
