"""What ``experiments.perturb`` derives for its page: curves, worst cases, published numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from . import measure
from .measure import (
    GOODFELLOW,
    NORMS,
    ROUNDING,
    Ball,
    Config,
    Outcome,
    Scene,
    mean,
    radius,
    rate_of,
)

if TYPE_CHECKING:
    from fooljax.attacks import Finding


class Published(NamedTuple):
    """A number that papers print too, here and on MNIST by network; None if not reached."""

    quantity: str
    here: float | None
    there: Mapping[str, float]
    share: bool


class Worst(NamedTuple):
    """The share that all attacks together fool within an epsilon, and its 95 % interval."""

    epsilon: float
    fooled: float
    low: float
    high: float
    noise: float  # share that the most harmful random noise fools
    strongest: str | None  # alone


class Found(NamedTuple):
    """All that the page is about; outcomes by attack, worst cases and curves by norm."""

    config: Config
    scene: Scene
    results: study.Results
    outcomes: Mapping[str, Outcome]
    records: Sequence[study.Record]
    worst: Mapping[Ball, Worst]
    curves: Mapping[Ball, Mapping[str, tuple[np.ndarray, np.ndarray]]]
    published: Sequence[Published]
    doubts: Sequence[Finding]


def gather(config: Config, scene: Scene, results: study.Results) -> Found:
    """Derive from what the attacks did all that the page is about."""
    outcomes = measure.join(config, scene, results)
    pick = lambda field: {name: getattr(one, field) for name, one in outcomes.items()}
    success = {name: one.measured["success"] for name, one in outcomes.items()}
    return Found(
        config,
        scene,
        results,
        outcomes,
        list(measure.judge(scene, outcomes)),
        {norm: worst_case(norm, config, scene, outcomes) for norm in NORMS},
        {norm: curves(norm, config, scene, outcomes) for norm in NORMS},
        list(published(scene, outcomes)),
        [
            *measure.asked(results),
            *fj.attacks.contradictions(scene.methods, pick("epsilons"), success, pick("at")),
        ],
    )


def worst_case(norm: Ball, config: Config, scene: Scene, outcomes: Mapping[str, Outcome]) -> Worst:
    """Take for each image whatever attack fooled it within the table's epsilon."""
    epsilon = config.epsilon if norm == "linf" else config.epsilon_l2
    inside = lambda one: one.tabled("success") & (one.tabled(norm) <= epsilon * ROUNDING)
    fooled = {name: inside(outcomes[name]) for name, one in scene.methods.items() if not one.aimed}
    control = {name: one for name, one in fooled.items() if scene.methods[name].kind == "control"}
    tried = {name: one for name, one in fooled.items() if name not in control}
    every = np.any([np.zeros(len(scene.targets), bool), *tried.values()], axis=0)
    strongest = max(fooled, key=lambda name: fooled[name].sum()) if tried else None
    noise = float(np.any(list(control.values()), axis=0).mean())
    return Worst(epsilon, *rate_of(every), noise, strongest)


def curves(
    norm: Ball, config: Config, scene: Scene, outcomes: Mapping[str, Outcome]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the accuracy left, ``(epsilons, accuracies)``, for each attack in a norm.

    That of attacks that look for the nearest image follows from their distances.
    """
    grid = config.epsilons if norm == "linf" else config.epsilons_l2
    series = {}
    for name, entry in scene.methods.items():
        outcome = outcomes[name]
        if entry.norm != norm or entry.aimed:
            continue
        if entry.kind == "nearest":
            far = np.where(outcome.tabled("success"), outcome.tabled(norm), np.inf)
            epsilons = np.linspace(0.0, max(grid), 101)
            series[name] = (epsilons, np.mean(far[None] > epsilons[:, None], axis=1))
        elif entry.curve:
            sizes = np.array(outcome.epsilons)
            drawn = np.isin(sizes, (*grid, radius(entry, config)))
            left = 1.0 - outcome.measured["success"][drawn].mean(axis=1)
            series[name] = (np.append(0.0, sizes[drawn]), np.append(1.0, left))
    return series


def published(scene: Scene, outcomes: Mapping[str, Outcome]) -> Iterator[Published]:
    """Yield the numbers that papers print too, all of pictures, and of which networks."""
    if scene.words.one != "image":
        return
    pixels = np.asarray(scene.real.images).reshape(len(scene.targets), -1)
    lengths = np.maximum(np.linalg.norm(pixels, axis=1), 1e-12)

    def relative(name: str, at: int) -> float | None:
        measured = outcomes[name].measured
        return mean((measured["l2"][at] / lengths)[measured["success"][at]])

    if "fgsm" in outcomes:
        fgsm = outcomes["fgsm"]
        rates = fgsm.measured["success"].mean(axis=1)
        at = fgsm.epsilons.index(GOODFELLOW)
        sure = mean(fgsm.measured["confidence"][at][fgsm.measured["success"][at]])
        there = {"softmax regression": 0.999, "maxout": 0.894}
        yield Published("FGSM, Linf 0.25: error", float(rates[at]), there, True)
        there = {"softmax regression": 0.793, "maxout": 0.976}
        yield Published("FGSM, Linf 0.25: mean confidence in the error", sure, there, True)
        enough = [place for place, rate in enumerate(rates) if rate >= 0.9][:1]
        here = "".join(f" (here Linf {fgsm.epsilons[place]:g})" for place in enough)
        what = f"FGSM that fools 90 %{here}: relative length of the change"
        rho = relative("fgsm", enough[0]) if enough else None
        yield Published(what, rho, {"LeNet": 1.0, "FC500-150-10": 0.39}, False)
    for name, words, there in (
        ("deepfool", "DeepFool", {"LeNet": 0.20, "FC500-150-10": 0.11}),
        ("lbfgs", "L-BFGS", {"LeNet": 0.25, "FC500-150-10": 0.12}),
    ):
        if name in outcomes:
            what = f"{words}: relative length of the change"
            yield Published(what, relative(name, 0), there, False)
    there = {"FC100-100-10": 0.058, "FC200-200-10": 0.065, "softmax regression (FC10, 1e-4)": 0.062}
    for name, words in (("lbfgs", "L-BFGS"), ("lbfgs-targeted", "L-BFGS, toward a random class")):
        if name in outcomes:
            length = mean(outcomes[name].tabled("l2")[outcomes[name].tabled("success")])
            root = None if length is None else length / float(np.sqrt(pixels.shape[1]))
            what = f"{words}: distortion (root of the mean squared change)"
            yield Published(what, root, there, False)
