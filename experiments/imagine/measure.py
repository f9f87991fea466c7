"""What ``experiments.imagine`` computes: chains, curves of the logits, densities of images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Fooling, RunFlags, Several, Victim

if TYPE_CHECKING:
    from fooljax.types import Images, RandomKey

PLAIN, REAL = "plain", "real"
UNIFORM = "uniform"  # every image is one of its own, so a density can be read everywhere
MIXED = 1.1  # R-hat below which chains count as mixed
BEYOND = 0.05  # of Z may lie beyond the end of a curve
SIGMA = 1.5  # pixels by which images are blurred before they are compared with templates
AT_ONCE = 200  # images shown to a network while it climbs

#: What is measured on chains, shares among it, and how often real images score higher.
SHARES, OF_CHAINS = ("named", "acceptance"), ("own_correlation", "logit", "r_hat", "effective")
OF_CHAIN = ("confidence", "own_correlation", "named", "acceptance")
AREAS = ("auroc", "auroc_energy", "auroc_confidence")


@dataclass(frozen=True)
class Config:
    """Draw images from a network's weights, and ask which density real images get.

    Attributes:
        victim: the data, and the network that is called plain.
        fooling: how images that fool are made, to be compared with real ones.
        networks: plain, and networks of the same architecture trained in other ways, by
            recipe: adversarial, trades and others. An unknown name lists them all.
        measure: how images are drawn where logits say nothing: uniform, binary, smooth,
            cppn. Densities of real images need uniform.
        tilts: factors of the logit: 1 takes the weights literally, higher is colder.
        classes: most classes to draw, evenly chosen.
        chains: of each class.
        steps: of each chain; in the first half, which does not count, its step size adapts.
        depth: how rare a logit the curve for log Z reaches, in nats: high tilts need
            more, 0 is none.
        particles: of each class, that the curve is found with.
        generators: images that fool, to be told from real ones: direct and cppn (evolved),
            ascent and others (gradient), noise and other controls.
        repeats: how often everything is made anew, with the same networks.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    fooling: Fooling = field(default_factory=Fooling)
    networks: Several[str] = (PLAIN,)
    measure: str = UNIFORM
    tilts: Several[study.Positive] = (1.0, 3.0, 10.0, 30.0)
    classes: study.Pieces = 10
    chains: study.Batch = 8
    steps: study.Count = 600
    depth: study.NotNegative = 120.0
    particles: study.Batch = 50
    generators: Several[str] = ("direct", "cppn", "ascent", "noise")
    repeats: study.Pieces = 3
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="mlp", train_steps=60),
        fooling=Fooling(images=30, generations=3, children=12, ascent_steps=3),
        tilts=(1.0, 20.0),
        chains=2,
        steps=40,
        depth=7.0,
        particles=8,
        generators=("ascent", "noise"),
        repeats=2,
    ),
}


class Scene(NamedTuple):
    """What all cells share.

    Attributes:
        networks: by name, with the images that they know.
        measure: how images are drawn where logits say nothing.
        classes: ``[k]``, that are drawn.
        makers: ways to make images that fool, by name.
        ways: the same, ready to be called.
        templates: ``[k, h, w, c]``, what tells each from the others.
    """

    networks: study.Networks
    measure: fj.analysis.Measure
    classes: np.ndarray
    makers: study.Makers
    ways: Mapping[str, study.Make]
    templates: np.ndarray


class Tables(NamedTuple):
    """Means over the repeats, and medians over all chains, by network, tilt and more."""

    confidence: study.Table
    chains: study.Table
    densities: study.Table
    normalizers: study.Table


class Found(NamedTuple):
    """All that the page is about: the cells of chains, of curves and of images among it.

    A record is of a chain, of a class's normalizer, or of a kind of images: its ``part``.
    """

    config: Config
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]

    def tables(self) -> Tables:
        """Average over the repeats."""
        part = lambda name: study.where(self.records, part=name)
        by = ("network", "tilt")
        return Tables(
            study.medians(part("chains"), by, "confidence"),
            study.summarize(part("chains"), by, SHARES, unbounded=OF_CHAINS),
            study.summarize(part("densities"), (*by, "images"), AREAS, unbounded=["log_p"]),
            study.summarize(
                part("normalizers"),
                (*by, "class"),
                ["beyond"],
                unbounded=("log_z", "mean_by_curve"),
            ),
        )


def set_scene(run: study.Run[Config]) -> Scene:
    """Train, load or fetch the networks, once all suits the images.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    import jax

    config = run.config
    known = {PLAIN: None, **dict.fromkeys(fj.training.RECIPES)}
    study.choose("--networks", config.networks, known)
    entry = study.choose("--measure", [config.measure], fj.analysis.MEASURES)[config.measure]
    makers = study.choose("--generators", config.generators, study.FOOLING)
    if config.steps < 8:
        raise ValueError(f"--steps must be at least 8, to see how chains mix, got {config.steps}")
    if config.depth and config.particles < 4:
        raise ValueError(f"--particles must be at least 4, got {config.particles}")
    trained = dataclasses.replace(config.victim, weights=None)
    if config.networks != (PLAIN,) and study.is_own(trained):
        raise ValueError(
            f"--networks {' '.join(config.networks)}: {config.victim.model} is not trained here; "
            "leave --networks out"
        )

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        study.only_pictures(shape)
        with study.blame(f"--measure {config.measure}"):
            entry.build(shape, entry.usual)
        count = min(config.classes, num_classes)
        if count < 2:
            raise ValueError(f"--classes must be at least 2, to be compared, got {count}")
        study.afford(shape, classes=count, chains=config.chains)
        study.afford((1,), classes=count, chains=config.chains, steps=config.steps)

    networks = study.Networks(
        {name: _prepare(run, name, fits) for name in config.networks},
        (config.victim.model,) * len(config.networks),
    )
    study.refuse_no_gradient(networks.each.values(), "--model: the chains")
    train, shape = networks.splits.train, networks.shape
    places = np.linspace(0, len(networks.class_names) - 1, config.classes)
    classes = np.unique(places.round().astype(int))
    some = np.isin(train.labels, classes)
    labels = jax.numpy.searchsorted(classes, train.labels[some])
    with study.blame("--dataset"):
        templates = fj.analysis.templates(train.images[some], labels, len(classes))
    return Scene(
        networks,
        entry.build(shape, entry.usual),
        classes,
        makers,
        study.build("--generators", makers, config.fooling.making, shape),
        templates,
    )


def _prepare(run: study.Run[Config], name: str, fits: study.Fits) -> study.Prepared:
    """Prepare the plain network, or train one of its architecture by a recipe."""
    victim, home = run.config.victim, Path(run.config.victim.classifier or run.folder / "networks")
    changes: dict[str, Any] = {} if name == PLAIN else {"recipe": name, "weights": None}
    kept = dataclasses.replace(victim, classifier=str(home / name), **changes)
    config = dataclasses.replace(run.config, victim=kept)
    return study.network(run._replace(config=config), fits=fits)


def draw(run: study.Run[Config], scene: Scene) -> study.Results:
    """Run the chains of every network and tilt."""
    config = run.config
    chains, steps = config.chains, config.steps

    def walk(key: RandomKey, network: str, tilt: float, repeat: int) -> Mapping[str, ArrayLike]:
        classifier = scene.networks.each[network].classifier
        found = fj.analysis.sample(
            key, classifier, scene.measure, tilt, classes=scene.classes, chains=chains, steps=steps
        )
        flat = found.images.reshape(-1, *scene.networks.shape)
        kept = {name: value for name, value in found._asdict().items() if name != "latents"}
        return {**kept, "logits": study.logits(classifier, flat), **resemble(scene, flat)}

    cells = study.grid(network=scene.networks.each, tilt=config.tilts, repeat=range(config.repeats))
    return study.compute(run, cells, walk, "walking")


def resemble(scene: Scene, images: Images) -> dict[str, np.ndarray]:
    """Compare images ``[k * m, h, w, c]``, class after class, with what is typical of each."""
    import jax.numpy as jnp

    count = len(scene.classes)
    labels = np.repeat(np.arange(count), len(images) // count)
    templates, key = jnp.asarray(scene.templates), study.key_of(0, part="unused")
    like = fj.analysis.resemblance(images, jnp.asarray(labels), templates, SIGMA, key, 1)
    fold = lambda values: np.asarray(values).reshape(count, -1)
    return {"own_correlation": fold(like.own), "named": fold(np.asarray(like.named) == labels)}


def climb(run: study.Run[Config], scene: Scene) -> study.Results:
    """Find how probable every logit is for images of the measure: common ones, and rare."""
    config = run.config

    def split(key: RandomKey, network: str, curve: str, repeat: int) -> Mapping[str, ArrayLike]:
        found = fj.analysis.score_curves(
            key,
            scene.networks.each[network].classifier,
            scene.measure,
            classes=scene.classes,
            depth=config.depth,
            particles=config.particles,
            draws=max(200, 20 * config.particles),
            batch_size=min(AT_ONCE, len(scene.classes) * config.particles),
        )
        return found._asdict()

    cells = study.grid(network=scene.networks.each, curve=["logit"], repeat=range(config.repeats))
    return study.compute(run, cells if config.depth else [], split, "climbing")


def show(run: study.Run[Config], scene: Scene) -> study.Results:
    """Make images that fool each network, and read its logits there and on real images."""
    config, count = run.config, run.config.fooling.images
    repeats = range(config.repeats)
    real = [study.choose_right(run, scene.networks, count, repeat) for repeat in repeats]

    def make(key: RandomKey, network: str, images: str, repeat: int) -> Mapping[str, ArrayLike]:
        classifier, material = scene.networks.each[network].classifier, real[repeat]
        shown = material.images
        if images != REAL:
            way = study.repeated(scene.ways[images], config.fooling.runs)
            shown = way(key, classifier, material).images
        return {"images": shown[:20], "logits": study.logits(classifier, shown)}

    kinds = (REAL, *scene.makers)
    cells = study.grid(network=scene.networks.each, images=kinds, repeat=repeats)
    return study.compute(run, cells, make, "making images")


def judge(config: Config, scene: Scene, results: study.Results) -> Iterator[study.Record]:
    """Yield a record for every chain, every normalizer, and every kind of images."""
    for cell, arrays in results.found:
        if "tilt" in cell:
            yield from judge_chains(cell, scene.classes, arrays)
    for cell, arrays in results.found:
        if "curve" not in cell:
            continue
        about = {name: cell[name] for name in ("network", "repeat")}
        stored = arrays["draws"], arrays["levels"], arrays["log_p"], int(arrays["evaluations"])
        curves = fj.analysis.ScoreCurves(*stored).normalizers(config.tilts)
        for i, tilt in enumerate(config.tilts):
            log_z = np.array([one.log_z[i] for one in curves])
            for label, one in zip(scene.classes, curves, strict=True):
                place = {"part": "normalizers", **about, "tilt": tilt, "class": int(label)}
                far = {"mean_by_curve": float(one.mean[i]), "beyond": float(one.beyond[i])}
                yield place | {"log_z": float(one.log_z[i])} | far
            if max(one.beyond[i] for one in curves) <= BEYOND and config.measure == UNIFORM:
                yield from judge_images(config, scene, results, about, tilt, log_z)


def judge_chains(
    cell: study.Cell, classes: np.ndarray, arrays: study.Arrays
) -> Iterator[study.Record]:
    """Yield a record for every chain: where it ended, and how it and its like mixed."""
    for i, label in enumerate(classes):
        later = arrays["scores"][i][:, int(arrays["burn_in"]) :]
        known = bool(np.isfinite(later).all())
        mixing = fj.metrics.mixing(later) if known else None
        for chain in range(len(later)):
            yield {
                "part": "chains",
                **cell,
                "class": int(label),
                "chain": chain,
                **{name: float(arrays[name][i, chain]) for name in OF_CHAIN},
                "logit": float(later[chain].mean()),
                "r_hat": mixing.r_hat if mixing and mixing.effective else None,
                "effective": mixing.effective if mixing else 0.0,
            }


def drawn_at(tilt: float) -> str:
    """Name images by the tilt at which they were drawn."""
    return f"drawn at tilt {tilt:g}"


def judge_images(
    config: Config,
    scene: Scene,
    results: study.Results,
    about: study.Cell,
    tilt: float,
    log_z: np.ndarray,
) -> Iterator[study.Record]:
    """Yield a record for every kind of images: their density, and is it below real images'?"""
    one = lambda **at: results.one(**about, **at)["logits"]
    logits = {name: one(images=name) for name in (REAL, *scene.makers)}
    logits |= {drawn_at(at): one(tilt=at) for at in sorted(config.tilts)}

    def scores(logits: np.ndarray) -> dict[str, np.ndarray]:
        some = logits[:, scene.classes]
        density = lambda log_z: fj.analysis.log_density(some, tilt, log_z)
        sure, _ = study.certainty(logits, len(scene.networks.class_names))
        return {"": density(log_z), "_energy": density(0.0 * log_z), "_confidence": sure}

    real = scores(logits[REAL])
    for name, some in logits.items():
        found = scores(some)
        place = {"part": "densities", **about, "tilt": tilt, "images": name}
        areas = {f"auroc{end}": fj.metrics.auroc(real[end], found[end]) for end in real}
        yield place | {"log_p": float(found[""].mean())} | areas
