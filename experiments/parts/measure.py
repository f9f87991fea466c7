"""What ``experiments.parts`` computes: the same images, again and again, partly hidden."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Count, Hiding, RunFlags, Several, Victim

SIZES = tuple(part / 7 for part in range(1, 8))  # of the central windows
DILATIONS = (1, 2, 4)


@dataclass(frozen=True)
class Config:
    """Hide parts of images and ask what the network still says.

    Attributes:
        victim: the network and its data.
        hiding: the images, and what they are hidden behind: the second fill by blocks, too,
            all by pixels.
        looks: what is asked: center (only the middle is shown), occlusion (maps),
            components (one connected part painted away after the other), pixels (the fewest
            that are enough), wrong (the fewest that are enough for another class),
            blocks (the same in blocks, every step tried).
        step: pixels taken away at a time by pixels and wrong; a five-hundredth of the
            image unless given, one at least.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    hiding: Hiding = field(default_factory=Hiding)
    looks: Several[str] = ("center", "occlusion", "components", "pixels", "wrong", "blocks")
    step: Count | None = None
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=60),
        hiding=Hiding(
            generators=("ascent",),
            images=4,
            ascent_steps=20,
            repeats=2,
            tau=0.5,
            fills=("median", "white"),
        ),
        step=4,
    ),
    "imagenet": Config(
        victim=Victim(dataset="imagenet", model="squeezenet1_1"),
        hiding=Hiding(
            generators=("ascent",),
            images=5,
            repeats=1,
            tau=0.9,
            fills=("grey", "blur", "noise", "others"),
        ),
    ),
}


def look(run: study.Run[Config]) -> tuple[study.hidden.Scene, study.Results, study.Results]:
    """Prepare the network, make images, and ask everything about all of them.

    Returns:
        The network and how images were made, the images, and what was found on them.

    Raises:
        ValueError, OSError: if anything is wrong with flags or files, naming the flag.
    """
    config = run.config
    study.choose("--looks", config.looks, LOOKS)
    scene = study.hidden.set_scene(run)
    pixels = int(np.prod(scene.networks.shape[:2]))
    if config.step is not None and config.step > pixels:
        raise ValueError(f"--step must be at most {pixels}, all pixels, got {config.step:,}")
    made = study.hidden.make(run, scene)
    looks = {name: functools.partial(LOOKS[name], config) for name in config.looks}
    return scene, made, study.hidden.look(run, scene, made, looks)


def _center(config: Config, shown: study.hidden.Shown) -> dict[str, np.ndarray]:
    return {"odds": fj.analysis.central_windows(*shown.of, shown.fill, SIZES)}


def _occlusion(config: Config, shown: study.hidden.Shown) -> dict[str, np.ndarray]:
    size = max(1, min(shown.images.shape[1:3]) // 7)
    stride = max(1, size // 2)
    return {"maps": fj.analysis.occlusion(*shown.of, shown.fill, size, stride, "log_odds")}


def _components(config: Config, shown: study.hidden.Shown) -> dict[str, np.ndarray]:
    found = fj.analysis.without_each_component(*shown.of)
    parts = {"counts": found.components.counts, "parts": found.components.masks}
    return {**parts, "without": found.without, "alone": found.alone}


def _pixels(config: Config, shown: study.hidden.Shown) -> dict[str, np.ndarray]:
    found, others = _subset(config, shown, shown.labels), dict(list(shown.fills.items())[1:])
    checks = fj.analysis.controls(shown.key, *shown.of, found, shown.fill, others, DILATIONS)
    told = {"masks": found.masks, "reached": found.reached, "subset": found.log_odds}
    return {**told, "path": found.path, "left": found.left, **checks}


def _wrong(config: Config, shown: study.hidden.Shown) -> dict[str, np.ndarray]:
    import jax

    classes, labels = shown.classifier.num_classes, shown.labels
    away = np.asarray(jax.random.randint(shown.key, labels.shape, 1, classes))
    found = _subset(config, shown, (labels + away) % classes)
    return {"masks": found.masks, "reached": found.reached}


def _blocks(config: Config, shown: study.hidden.Shown) -> dict[str, np.ndarray]:
    shape, told = shown.classifier.input_shape, dict[str, np.ndarray]()
    blocks = fj.analysis.masks.grid(shape, min(8, min(shape[:2]) // 2))
    for place, fill in enumerate(list(shown.fills.values())[:2]):
        found = fj.analysis.sufficient_parts(*shown.of, blocks, fill, config.hiding.tau)
        told |= {f"masks_{place}": found.masks, f"reached_{place}": found.reached}
    return told


def _subset(config: Config, shown: study.hidden.Shown, labels: np.ndarray) -> fj.analysis.Subset:
    step = config.step or max(1, int(np.prod(shown.images.shape[1:3])) // 500)
    of = shown.classifier, shown.images, labels
    return fj.analysis.sufficient(*of, shown.fill, config.hiding.tau, step)


LOOKS: Mapping[str, Callable[[Config, study.hidden.Shown], Mapping[str, np.ndarray]]] = {
    "center": _center,
    "occlusion": _occlusion,
    "components": _components,
    "pixels": _pixels,
    "wrong": _wrong,
    "blocks": _blocks,
}
