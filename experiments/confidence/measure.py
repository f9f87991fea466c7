"""What ``experiments.confidence`` computes: answers to images of all kinds, and along lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.runtime.limits import Within
from fooljax.study import Batch, Confidence, Fooling, Positive, RunFlags, Several, Some
from fooljax.study import Victim as Victim

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)  # places on the way to other images
NEAREST, PER_DECADE = 0.1, 10  # of factors
LINES = ("noise", "real")  # images that rays run through
REAL = "another real image"
CALIBRATION = {
    "temperature": "Temperature",
    "error": "Calibration error",
    "error_after": "after",
    "likelihood": "Minus log-likelihood",
    "likelihood_after": "after",
    "brier": "Brier score",
    "brier_after": "after",
}


@dataclass(frozen=True)
class Config:
    """Measure how sure networks are, of what, how far away, and whether it is true.

    Attributes:
        victim: the data, and the first network.
        compared: further networks, as --model takes them; none where the flag stands
            alone.
        fooling: how images are made; --images is how many of noise and of real ones lines
            are followed through, --runs how often, from other random numbers.
        generators: kinds of images: noise and other controls, direct and cppn (evolved),
            ascent and others (gradient). An unknown name lists them all.
        test_images: real images asked about, the first ones, at most.
        level: confidence that counts as certain.
        farthest: largest factor that images are multiplied by.
        slice_pixels: height and width of the map of a slice.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    compared: Some[str] = ("mlp",)
    fooling: Fooling = field(default_factory=lambda: Fooling(images=50, runs=3, generations=200))
    generators: Several[str] = ("noise", "direct", "cppn", "ascent")
    test_images: Batch = 10_000
    level: Confidence = 0.999
    farthest: Positive = 10_000.0
    slice_pixels: Annotated[int, Within(2, 16_384, why="give a smaller map")] = 121
    run: RunFlags = field(default_factory=RunFlags)

    @property
    def factors(self) -> np.ndarray:
        """What images are multiplied by, a tenth first, evenly in the logarithm."""
        count = math.ceil(PER_DECADE * math.log10(self.farthest / NEAREST))
        return np.geomspace(NEAREST, self.farthest, count + 1)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=60, model="mlp"),
        compared=("softmax",),
        fooling=Fooling(images=10, runs=2, generations=5, children=12),
        generators=("noise", "direct"),
        slice_pixels=11,
    ),
}


class Measured(NamedTuple):
    """What all cells found.

    Attributes:
        tests: answers to test images, a cell for each network.
        images: images made, and what their own network says; generator, network, repeat.
        rays: log-odds along rays through images; line, network, repeat.
        tangents: how far the tangent holds; to, network, repeat.
        slices: answers on a plane through three images; a cell for each network.
    """

    tests: study.Results
    images: study.Results
    rays: study.Results
    tangents: study.Results
    slices: study.Results

    @property
    def everything(self) -> study.Results:
        """All cells."""
        return study.gather(*self)


def check(config: Config) -> None:
    """Refuse impossible settings, naming the flag."""
    if config.farthest <= NEAREST:
        raise ValueError(f"--farthest must be above {NEAREST}, got {config.farthest:g}")


def measure(run: study.Run[Config], networks: study.Networks, makers: study.Makers) -> Measured:
    """Ask all networks about all images, and along all lines."""
    config, repeats = run.config, range(run.config.fooling.runs)
    ways = study.build("--generators", makers, config.fooling.making, networks.shape)
    (train, test), counted = networks.splits, config.fooling.images
    truth = np.asarray(test.labels)
    rows = [fj.data.even_rows(truth, 2 * counted, config.run.seed + repeat) for repeat in repeats]
    half = [len(some) // 2 for some in rows]
    real = [fj.data.as_float(test.images[some]) for some in rows]
    material = [study.take(test, train, some[:counted]) for some in rows]
    of = lambda network: networks.each[network].classifier

    def noise(repeat: int) -> Any:
        kinds = study.noises(config.run.seed + repeat, networks.shape, half[repeat])
        return fj.data.as_float(kinds["uniform noise"])

    def answer(key: Any, network: str) -> Mapping[str, Any]:
        count = min(config.test_images, len(truth))
        return {
            "logits": study.all_logits(of(network), test.images[:count]),
            "labels": truth[:count],
        }

    def make(key: Any, generator: str, network: str, repeat: int) -> Mapping[str, Any]:
        made = ways[generator](key, of(network), material[repeat])
        logits = study.all_logits(of(network), made.images)
        return {"images": made.images, "labels": made.labels, "logits": logits}

    def follow(key: Any, line: str, network: str, repeat: int) -> Mapping[str, Any]:
        images = noise(repeat) if line == "noise" else real[repeat][: half[repeat]]
        logits = fj.analysis.along(of(network), 0.0 * images, images, config.factors)
        odds = fj.metrics.log_odds(logits)[..., : of(network).num_classes].max(axis=2)
        return {"odds": odds, "far": logits[-1]}

    def compare(key: Any, to: str, network: str, repeat: int) -> Mapping[str, Any]:
        count = half[repeat]
        if to == "noise":
            ends = noise(repeat)
        elif to == REAL:
            ends = real[repeat][count : 2 * count]
        else:
            made = images.one(generator=to, network=network, repeat=repeat)["images"]
            ends = made[np.arange(count) % len(made)]
        found = fj.analysis.tangent_reach(of(network), real[repeat][:count], ends, STEPS)
        return {"error": found.error, "change": found.change}

    def cut(key: Any, network: str) -> Mapping[str, Any]:
        fools = real[0][-1]  # another real one if none is there
        if fooling:
            made = images.one(generator=fooling[0], network=network, repeat=0)
            fools = made["images"][np.argmax(made["labels"] != truth[rows[0][0]])]
        return plane(of(network), np.stack([real[0][0], fools, noise(0)[0]]), config.slice_pixels)

    fooling = [name for name, maker in makers.items() if maker.fools]
    tests = study.compute(run, study.grid(network=networks.each), answer, "asking")
    axes = {"network": networks.each, "repeat": repeats}
    images = study.compute(run, study.grid(generator=makers, **axes), make, "making images")
    rays = study.compute(run, study.grid(line=LINES, **axes), follow, "following rays")
    goals = ("noise", REAL, *fooling)
    tangents = study.compute(run, study.grid(to=goals, **axes), compare, "following tangents")
    cells = [{"part": "slice", **cell} for cell in study.grid(network=networks.each)]
    slices = study.compute(run, cells, lambda key, part, network: cut(key, network), "slicing")
    return Measured(tests, images, rays, tangents, slices)


def plane(classifier: fj.types.Classifier, corners: np.ndarray, size: int) -> dict[str, Any]:
    """Ask about the plane through three images, beyond them by half their distance.

    Args:
        classifier: the network.
        corners: the images, ``[3, ...]``: at (0, 0), at (1, 0) and at (0, 1).
        size: points in each direction.
    """
    places = np.linspace(-0.5, 1.5, size, dtype=np.float32)
    right, up = corners[1] - corners[0], corners[2] - corners[0]
    rows = []
    for height in places:
        line = corners[0] + height * up + places.reshape(-1, *[1] * right.ndim) * right
        rows.append(np.asarray(study.logits(classifier, line)))
    sure = shares(np.stack(rows))[..., : classifier.num_classes]
    answers = sure.argmax(axis=2).astype(np.int32)
    return {"answers": answers, "confidence": sure.max(axis=2), "corners": corners}


def shares(logits: Any) -> np.ndarray:
    """Return probabilities, ``[..., m]``."""
    return np.asarray(fj.metrics.probabilities(logits.astype(np.float32)))


def judge(
    config: Config, networks: study.Networks, found: Measured, heat: Mapping[str, float]
) -> Iterator[study.Record]:
    """Yield a record for each image shown: what is said, how surely, and by its temperature."""
    classes = len(networks.class_names)

    def records(about: study.Record, logits: np.ndarray) -> Iterator[study.Record]:
        answers = logits[:, :classes].argmax(axis=1)
        warm = logits / heat[about["network"]]
        sure, cooled = (shares(some)[:, :classes].max(axis=1) for some in (logits, warm))
        for place in range(len(logits)):
            yield {
                **about,
                "image": place,
                "answer": int(answers[place]),
                "confidence": float(sure[place]),
                "certain": float(sure[place] >= config.level),
                "tempered": float(cooled[place]),
            }

    for cell, arrays in found.tests.found:
        right = arrays["logits"].argmax(axis=1) == arrays["labels"]
        for kind, some in (("right", right), ("wrong", ~right)):
            for record in records({"kind": kind, **cell}, arrays["logits"][some]):
                yield {**record, "repeat": record["image"]}  # each image is a finding
    for cell, arrays in found.images.found:
        yield from records({"kind": cell["generator"], **cell}, arrays["logits"])
    for cell, arrays in found.rays.found:
        kind = f"{cell['line']} x {config.farthest:,g}"
        yield from records({"kind": kind, **cell}, arrays["far"])


def calibrate(config: Config, found: Measured) -> Iterator[study.Record]:
    """Yield how true confidences are: on one half of the test images, the other set the heat."""
    for cell, arrays in found.tests.found:
        logits, labels = arrays["logits"], arrays["labels"]
        for repeat in range(config.fooling.runs):
            order = np.random.default_rng((config.run.seed, repeat)).permutation(len(labels))
            fit, rest = np.array_split(order, 2)
            record = {**cell, "repeat": repeat}
            record["temperature"] = fj.metrics.temperature(logits[fit], labels[fit])
            for after, heat in (("", 1.0), ("_after", record["temperature"])):
                said, truth = logits[rest] / heat, labels[rest]
                error = fj.metrics.expected_calibration_error(*surest(said, truth))
                record[f"error{after}"] = error
                record[f"likelihood{after}"] = fj.metrics.negative_log_likelihood(said, truth)
                record[f"brier{after}"] = fj.metrics.brier(said, truth)
            yield record


def surest(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest confidence of each image, and whether the answer is right."""
    sure = shares(logits)
    return sure.max(axis=1), sure.argmax(axis=1) == labels


def follow(config: Config, found: Measured) -> Iterator[study.Record]:
    """Yield the factor at which each image is named with certainty, infinite where never."""
    target = math.log(config.level / (1.0 - config.level))
    for cell, arrays in found.rays.found:
        for image, factor in enumerate(reached(config.factors, arrays["odds"], target)):
            yield {**cell, "image": image, "certain_at": factor}


def reached(factors: np.ndarray, odds: np.ndarray, target: float) -> np.ndarray:
    """Return where log-odds first reach a target, by straight lines over the factor's logarithm.

    Args:
        factors: ascending, ``[t]``.
        odds: ``[t, b]``.
        target: to reach.

    Returns:
        ``[b]``; infinity where it is never reached.
    """
    enough = odds >= target
    place = np.maximum(enough.argmax(axis=0), 1)
    column = np.arange(odds.shape[1])
    low, high = odds[place - 1, column], odds[place, column]
    part = np.clip((target - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    logs = np.log(factors)
    where = np.exp(logs[place - 1] + part * (logs[place] - logs[place - 1]))
    return np.where(enough.any(axis=0), where, np.inf)


def explain(found: Measured) -> Iterator[study.Record]:
    """Yield how much of the change of the logits the tangent explains, on the way to images."""
    for cell, arrays in found.tangents.found:
        r2 = 1.0 - arrays["error"].sum(axis=1) / arrays["change"].sum(axis=1)
        for step, one in zip(STEPS, r2, strict=True):
            yield {**cell, "step": step, "r2": float(one)}
