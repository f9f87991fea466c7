"""What ``experiments.logistic`` computes: a worked example, and steps in real networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, NotNegative, Pieces, Pixels, RunFlags, Several, Victim

if TYPE_CHECKING:
    from fooljax.types import RandomKey

LEAST_LENET = 13  # pixels
NEAR = 0.1  # a gain this close to the prediction, relatively, counts as predicted
BY = ("model", "size", "inputs", "epsilon")
MEASURES = (
    *("accuracy", "l1", "predicted", "gain", "ratio", "near", "random", "inside"),
    *("doubted_before", "doubted", "doubted_random", "doubted_inside"),
)


@dataclass(frozen=True)
class Config:
    """Measure what one step along the sign of the gradient gains.

    Attributes:
        victim: the networks' data and training; their architectures and sizes
            are set below.
        models: architectures, as for --model.
        sizes: heights and widths that pictures are resized to, in pixels. Sizes
            below 13 are left out for lenet.
        epsilons: lengths of the step, in units of [0, 1].
        images: test images looked at, at most.
        repeats: independently trained networks of each architecture and size.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=400))
    models: Several[str] = ("softmax", "mlp", "lenet")
    sizes: Several[Pixels] = (8, 14, 20, 28, 40, 56)
    epsilons: Several[NotNegative] = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    images: Batch = 200
    repeats: Pieces = 2
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=40),
        models=("softmax", "mlp"),
        sizes=(8, 14),
        epsilons=(0.01, 0.1),
        images=30,
        repeats=1,
    ),
}


class Worked(NamedTuple):
    """A logistic unit of ten inputs, and a step.

    Attributes:
        weights: of the unit.
        inputs: before the step.
        moved: after it.
        before: probability, in [0, 1].
        after: the same after the step.
    """

    weights: np.ndarray
    inputs: np.ndarray
    moved: np.ndarray
    before: float
    after: float


def worked_example(step: float = 0.5) -> Worked:
    """Move every input of the ten-dimensional example along the sign of its weight.

    Args:
        step: by how much.
    """
    weights = np.array([-1, -1, 1, -1, 1, -1, 1, 1, -1, 1], np.float64)
    inputs = np.array([2, -1, 3, -2, 2, 2, 1, -4, 5, 1], np.float64)
    moved = inputs + step * np.sign(weights)
    answer = lambda x: float(1.0 / (1.0 + np.exp(-(weights @ x))))
    return Worked(weights, inputs, moved, answer(inputs), answer(moved))


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        networks: by name.
        results: the steps in each network.
        records: one for each network and length of step: medians over images.
        means: medians over networks, by architecture, size and length of step.
    """

    config: Config
    networks: Mapping[str, study.Prepared]
    results: study.Results
    records: Sequence[study.Record]
    means: study.Table


def check(config: Config) -> None:
    """Refuse impossible settings.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    victim = config.victim
    if victim.weights is not None or victim.image_size is not None:
        raise ValueError(
            f"--weights {victim.weights}, --image-size {victim.image_size}: networks of several "
            "sizes are trained here; leave them out, and give --sizes"
        )
    if victim.model != Victim().model:
        raise ValueError(f"--model: give --models {victim.model} another ..., not --model")
    if own := [model for model in config.models if ":" in model]:
        raise ValueError(f"--models: {own[0]} has one size; give softmax, mlp, lenet or resnet")
    if victim.dataset == "none":
        raise ValueError("--dataset none: the networks are trained here; give a data set")
    if not cases(config):
        raise ValueError(f"--sizes: lenet needs at least {LEAST_LENET} pixels; give larger ones")


def cases(config: Config) -> list[study.Cell]:
    """Return model, size and repeat of every network."""
    every = study.grid(size=sorted(config.sizes), model=config.models, repeat=range(config.repeats))
    return [case for case in every if case["model"] != "lenet" or case["size"] >= LEAST_LENET]


def train(run: study.Run[Config]) -> dict[str, study.Prepared]:
    """Train a network for every case, by the name of the case."""
    victim, networks = run.config.victim, {}
    for case in cases(run.config):
        name = name_of(**case)
        changes = {"model": case["model"], "image_size": (case["size"], case["size"])}
        one = study.one_of_several(victim, run.folder, name, case["repeat"], **changes)
        with study.renamed("--model", "--models"):
            networks[name] = study.prepare(one, run.folder)
    return networks


def name_of(model: str, size: int, repeat: int) -> str:
    """Return a network's name, which is also that of its folder."""
    return f"{model}-{size}-{repeat + 1}"


def step(run: study.Run[Config], networks: Mapping[str, study.Prepared]) -> study.Results:
    """Take steps in every network, from the first test images."""
    epsilons = np.array(sorted(run.config.epsilons), np.float32)

    def measure(key: RandomKey, model: str, size: int, repeat: int) -> Mapping[str, ArrayLike]:
        network = networks[name_of(model, size, repeat)]
        test = study.splits_of(network).test
        count = min(run.config.images, len(test.images))
        images, labels = fj.data.as_float(test.images[:count]), test.labels[:count]
        found = fj.analysis.sign_steps(key, network.classifier, images, labels, epsilons)._asdict()
        first = {"uphill": found["uphill"][:10], "signs": found["signs"][:10]}
        return {**found, **first, "images": images[:10], "labels": labels}

    return study.compute(run, cases(run.config), measure, "stepping")


def judge(
    config: Config, networks: Mapping[str, study.Prepared], results: study.Results
) -> Iterator[study.Record]:
    """Yield a record for each network and length of step: medians and shares of images."""
    for cell, arrays in results.found:
        start, l1 = arrays["start"], arrays["l1"]
        accuracy = networks[name_of(**cell)].accuracy
        about = {**cell, "inputs": arrays["images"][0].size, "accuracy": accuracy}
        for i, epsilon in enumerate(sorted(config.epsilons)):
            gain, random, inside = (arrays[name][i] for name in ("gain", "random", "inside"))
            predicted = epsilon * l1
            ratio = gain / np.maximum(predicted, 1e-30)
            # doubt above 0: the label is less likely than not
            doubted = lambda gained: float(np.mean(start + gained > 0.0))  # noqa: B023
            yield {
                **about,
                "epsilon": epsilon,
                "l1": float(np.median(l1)),
                "predicted": float(np.median(predicted)),
                "gain": float(np.median(gain)),
                "ratio": float(np.median(ratio)),
                "near": float(np.mean(abs(ratio - 1.0) <= NEAR)),
                "random": float(np.median(abs(random))),
                "inside": float(np.median(inside)),
                "doubted_before": doubted(0.0),
                "doubted": doubted(gain),
                "doubted_random": doubted(random),
                "doubted_inside": doubted(inside),
            }


def exponent(means: study.Table, model: str) -> float | None:
    """Slope of log L1 against log inputs; None for a single size."""
    l1 = means.where(epsilon=means.names("epsilon")[0]).column("inputs", "l1", model=model)
    if len(l1) < 2:
        return None
    return float(np.polyfit(np.log(list(l1)), np.log([one.mean for one in l1.values()]), 1)[0])


def middle(found: Found) -> tuple[int, float]:
    """Return a size that every architecture has, 28 if it is there, and a length of step."""
    config = found.config
    have = lambda size: {case["model"] for case in cases(config) if case["size"] == size}
    shared = [size for size in sorted(config.sizes) if have(size) == set(config.models)]
    sizes = shared or sorted(config.sizes)
    epsilons = sorted(config.epsilons)
    return 28 if 28 in sizes else sizes[len(sizes) // 2], epsilons[len(epsilons) // 2]
