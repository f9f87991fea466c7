"""What ``experiments.volume`` computes: shares of image space, and the control by counting."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.runtime.limits import Devices, Within
from fooljax.study import (
    Confidence,
    Count,
    Fooling,
    Label,
    Pieces,
    Positive,
    RunFlags,
    Several,
    Some,
    Victim,
)

if TYPE_CHECKING:
    from fooljax.types import Classifier, RandomKey

PLAIN = "plain"
NO_TEXTS = "are ids and no numbers: nothing is drawn between two letters"
_CLEAN, _DISTANCES = 1000, 200  # test images: that thresholds are set on, that are measured from
_KEPT = 4  # draws of each class
LEAST_HITS = 10  # random images from which on counting says something
#: Arrays of a cell with an axis of confidences and one of classes, and of classes alone.
BY_LEVEL = ("log10_p", "evaluations", "images", "held")
BY_CLASS = ("curve_score", "curve_log10_p", "acceptance", "stuck")
#: Names of an `analysis.Estimate` of a share in a row.
ESTIMATE = ("log10_p", "low", "high", "sd", "ideal_sd", "scattered")


@dataclass(frozen=True)
class Config:
    """How much of image space fools: which share of all images is the network sure of?

    Attributes:
        victim: the data and the network.
        confidences: in a class, from which on an image counts.
        measures: how images are drawn: uniform (every number for itself), binary=SHARE
            of white, gaussian=SIZE around the middle, smooth=PIXELS of blur, cppn=SIZE of
            the weights of small networks that paint; the number may be left out.
        classes: labels to ask about; all unless given.
        particles: of each class and repeat.
        moves: of every particle between two levels.
        repeats: independent runs, which the intervals come from.
        decades: powers of ten to go down before a class is given up.
        random_images: plain random images in each repeat, as a control.
        defenses: to compare with the plain network, as experiments.foolbench takes
            them: ensemble, adversarial, blur=1, reject_energy and others.
        radius: of the balls around training images that the shares are compared with:
            Euclidean length, in units of [0, 1].
        devices: that share the particles; all accelerators, but one CPU, unless given.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    confidences: Several[Confidence] = (0.5, 0.9, 0.99)
    measures: Several[str] = ("uniform", "binary", "smooth", "cppn")
    classes: Some[Label] = ()
    particles: Annotated[int, Within(2, 10**5, why="ask for fewer")] = 200
    moves: Count = 5
    repeats: Pieces = 3
    decades: Positive = 100.0
    random_images: Count = 20_000
    defenses: Some[str] = ()
    radius: Positive = 2.0
    devices: Devices | None = None
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=60, image_size=(8, 8)),
        confidences=(0.2, 0.5),
        measures=("uniform", "smooth=1"),
        particles=40,
        moves=3,
        repeats=2,
        decades=30.0,
        random_images=2000,
        radius=0.5,
    ),
}


class Scene(NamedTuple):
    """What all cells share.

    Attributes:
        plain: the network.
        measures: ways to draw images by name.
        networks: with their defenses, the plain one first.
        defenses: by name.
        labels: asked about.
        near: median distance from a test image to the nearest training image; NaN without.
    """

    plain: study.Prepared
    measures: Mapping[str, study.Drawing]
    networks: Mapping[str, Classifier]
    defenses: Mapping[str, study.Defense]
    labels: Sequence[int]
    near: float

    @property
    def names(self) -> list[str]:
        """Names of the classes asked about; where two share one, with their numbers."""
        every = study.short_names(self.plain.class_names)
        return [every[k] + f" ({k})" * (every.count(every[k]) > 1) for k in self.labels]


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        scene: networks and measures.
        results: what all cells found.
        records: one for each share of each repeat.
        rows: one for each share, over the repeats; where none was found it is minus infinity.
        wholes: the same for all classes together, from a confidence of one half on.
    """

    config: Config
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]
    rows: Sequence[dict[str, Any]]
    wholes: Sequence[dict[str, Any]]

    @property
    def is_pictures(self) -> bool:
        """Whether images are pictures, and no sounds or videos."""
        return isinstance(self.scene.plain.medium, fj.media.Pictures)

    @property
    def top(self) -> float:
        """The highest confidence asked for."""
        return max(self.config.confidences)

    def known(self, measure: str, whole: bool = False) -> list[dict[str, Any]]:
        """Return the plain network's shares at the highest confidence, or that of all classes."""
        about = {"measure": measure, "defense": PLAIN}
        rows = study.where(self.wholes if whole else self.rows, confidence=self.top, **about)
        return [dict(row) for row in rows if math.isfinite(row["log10_p"])]


def set_scene(run: study.Run[Config]) -> Scene:
    """Train, load or fetch the network and its defenses, once all suits the images.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    config, measures = run.config, dict[str, study.Drawing]()
    chosen = study.choose_defenses("--defenses", config.defenses or (PLAIN,), config.victim)

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        if config.victim.dataset != "none":
            study.refuse_texts(shape, NO_TEXTS)
        count = len(config.classes) or num_classes
        study.afford(shape, particles=2 * config.particles, classes=count)
        for label in config.classes:
            if label >= num_classes:
                raise ValueError(f"--classes must be below {num_classes}, got {label}")
        measures.update(study.choose_measures("--measures", config.measures, shape))
        for one in chosen.values():
            one.refuse(shape)

    plain = study.network(run, real=bool(config.defenses), fits=fits)
    if plain.classifier.tokens is not None:
        study.refuse_texts((0,), NO_TEXTS)
    networks, near = {PLAIN: plain.classifier}, math.nan
    if plain.splits is not None:
        train, test = plain.splits
        material = study.take(test, train, np.arange(min(_CLEAN, len(test.labels))))
        some, known = material.images[:_DISTANCES], fj.data.as_float(train.images)
        near = float(np.median(fj.metrics.nearest_distances(some, known)))
        place = config.victim.classifier or run.folder / "networks" / PLAIN
        settings = study.change(config.victim, classifier=str(place))
        bench = study.Bench(PLAIN, plain, settings, material, material.images, Fooling())
        networks = {name: one.build(run, bench).victim for name, one in chosen.items()}
    labels = list(config.classes or range(plain.classifier.num_classes))
    return Scene(plain, measures, networks, chosen, labels, near)


def compute(run: study.Run[Config], scene: Scene) -> study.Results:
    """Estimate all shares, and count among plain random images.

    Raises:
        ValueError: if there are fewer devices than asked for.
    """
    from fooljax import backend
    from fooljax.runtime import devices

    config, goals = run.config, levels(run.config)
    mesh = devices.mesh(1 if backend.on_cpu() and config.devices is None else config.devices)
    networks = {name: devices.everywhere(one, mesh) for name, one in scene.networks.items()}

    def split(key: RandomKey, measure: str, defense: str, repeat: int) -> Mapping[str, ArrayLike]:
        found = fj.analysis.volume(
            key,
            networks[defense],
            scene.measures[measure].measure,
            goals=goals,
            classes=scene.labels,
            runs=1,
            particles=config.particles,
            moves=config.moves,
            images=_KEPT,
            least_log10=-config.decades,
            mesh=mesh if mesh.size > 1 else None,
        )
        return {
            **{name: getattr(found, name)[:, 0] for name in BY_LEVEL},
            **{name: getattr(found, name)[0] for name in BY_CLASS},
        }

    def count(key: RandomKey, drawn: str, defense: str, repeat: int) -> Mapping[str, ArrayLike]:
        measure = scene.measures[drawn].measure
        scores = fj.analysis.draw_scores(key, networks[defense], measure, config.random_images)
        return {"hits": [(scores[:, scene.labels] >= goal).sum(axis=0) for goal in goals]}

    names, repeats = scene.measures, range(config.repeats)
    cells = study.grid(measure=names, defense=networks, repeat=repeats)
    found = study.compute(run, cells, split, "splitting")
    cells = study.grid(drawn=names, defense=networks, repeat=repeats)
    return study.gather(found, study.compute(run, cells, count, "counting random images"))


def levels(config: Config) -> np.ndarray:
    """Return the confidences as log-odds, ascending."""
    sure = np.sort(config.confidences)
    return np.log(sure) - np.log1p(-sure)


def judge(config: Config, scene: Scene, results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each share of each repeat; a share that was not reached is empty."""
    for cell, arrays in results.found:
        if "measure" not in cell:
            continue
        hits = results.one(**{"drawn" if at == "measure" else at: cell[at] for at in cell})["hits"]
        for c, confidence in enumerate(sorted(config.confidences)):
            for k, name in enumerate(scene.names):
                log10_p = float(arrays["log10_p"][c, k])
                yield {
                    **{"measure": cell["measure"], "defense": cell["defense"], "class": name},
                    **{"repeat": cell["repeat"], "confidence": confidence},
                    "log10_p": log10_p if math.isfinite(log10_p) else None,
                    "evaluations": int(arrays["evaluations"][c, k]),
                    "random_hits": int(hits[c, k]),
                    "random_images": config.random_images,
                    "acceptance": float(arrays["acceptance"][k]),
                }


def sum_up(
    config: Config, scene: Scene, results: study.Results, records: Sequence[study.Record]
) -> Found:
    """Put the repeats together, and compare with what counting finds."""
    rows, wholes = list[dict[str, Any]](), list[dict[str, Any]]()
    axes = {"measure": scene.measures, "defense": scene.networks}
    all_classes = len(scene.labels) == scene.plain.classifier.num_classes
    for about in study.grid(**axes, confidence=sorted(config.confidences)):
        of_all = list[list[float]]()
        for name in scene.names:
            repeats = study.where(records, **about, **{"class": name})
            runs = [-math.inf if r["log10_p"] is None else r["log10_p"] for r in repeats]
            of_all.append(runs)
            found = fj.analysis.estimate(runs, config.particles)
            total = lambda part: sum(one[part] for one in repeats)  # noqa: B023
            hits = total("random_hits")
            counted = fj.analysis.log10_count(hits, total("random_images"))
            told = hits >= LEAST_HITS and math.isfinite(found.log10)
            agrees = fj.analysis.agrees_with_count(found, counted, config.repeats) if told else None
            rows.append(
                {
                    **{**about, "class": name, **dict(zip(ESTIMATE, found, strict=True))},
                    "random_hits": hits,
                    **{f"random_{part}": log for part, log in counted._asdict().items()},
                    **{"agrees": agrees, "evaluations": total("evaluations")},
                }
            )
        if all_classes and about["confidence"] >= 0.5:  # no image is so sure of two classes
            with np.errstate(divide="ignore"):
                sums = np.log10(np.sum(10.0 ** np.array(of_all), axis=0))
            found = fj.analysis.estimate(sums, config.particles)
            wholes.append({**about, **dict(zip(ESTIMATE, found, strict=True))})
    return Found(config, scene, results, records, rows, wholes)


def balls(config: Config, scene: Scene) -> list[dict[str, float]]:
    """Return which share of the cube of all images is near a training image, at most."""
    if scene.plain.splits is None:
        return []
    size = int(np.prod(scene.plain.classifier.input_shape))
    count = math.log10(len(scene.plain.splits[0].labels))
    share = lambda radius: min(count + fj.analysis.log10_ball(size, radius), 0.0)
    return [{"radius": r, "log10_p": share(r)} for r in (config.radius, scene.near) if r > 0.0]
