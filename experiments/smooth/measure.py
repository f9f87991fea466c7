"""What ``experiments.smooth`` computes: attacks on smoothed networks, and certificates."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.runtime.limits import Within
from fooljax.study import Batch, Count, Evolving, Pieces, RunFlags, Several, Share, Victim

if TYPE_CHECKING:
    from fooljax.types import Classifier, Images, RandomKey

BARE = "bare"  # the name of no filter
BY = ("defense", "against")
CERTIFIED = "noise"  # what certificates are computed for
PARTS = ("answers", "radii", "inside", "beyond")  # of a trial of certificates
TAU = 0.99
_RADII = 41
_BATCH = 50  # times the draws of a random defense
_FEW = 10  # images at a time that resisted the gradient


@dataclass(frozen=True)
class Config:
    """Smooth images before a network sees them, and attack with and without knowing it.

    Attributes:
        victim: the data, and how each network is trained.
        networks: how many are trained, from seeds that count up; intervals are over
            them.
        defenses: what is done to every image, and how much: blur=1 (standard deviation
            in pixels), median=3 (side of the window), levels=8 (values of a pixel),
            jpeg=50 (quality), resize=0.8 (least share of the size), noise=0.25 (standard
            deviation; certified), or FILE.py:NAME=1 for a function of your own, which takes
            a classifier and a strength and returns a classifier. An unknown name lists them all.
        epsilons: largest changes of a number of a test image, in units of [0, 1].
        images: test images that are changed.
        steps: of the gradient attack.
        queries: of the attack without gradients, on images that resist the gradient.
        draws: random draws that the adversary of a random defense averages over.
        judge_draws: other draws, whose mean is the defended network's answer.
        generators: how images that show nothing are made: direct (evolved pixel by
            pixel), cppn (evolved as patterns), ascent (climbed from noise by gradient).
        evolving: how images that show nothing are made.
        certified: test images that randomized smoothing certifies, at most.
        selection: noisy copies that select an answer to certify.
        samples: noisy copies that a certificate, and every answer of the smoothed
            network, is computed from.
        alpha: probability, in (0, 0.5), with which a certificate may be wrong.
        test_images: test images that accuracy is measured on, at most.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    networks: Pieces = 3
    defenses: Several[str] = (
        *("blur=0.5", "blur=1", "blur=2", "median=3", "median=5", "levels=8", "levels=2"),
        *("jpeg=50", "jpeg=10", "resize=0.8", "noise=0.25", "noise=0.5"),
    )
    epsilons: Several[Share] = (0.1,)
    images: Batch = 40
    steps: Count = 30
    queries: Count = 1000
    draws: Batch = 16
    judge_draws: Batch = 32
    generators: Several[str] = ("direct", "cppn", "ascent")
    evolving: Evolving = field(default_factory=Evolving)
    certified: Count = 50
    selection: Batch = 100
    samples: Batch = 1000
    alpha: Annotated[float, Within(0.0, 0.5, open_low=True, open_high=True)] = 0.001
    test_images: Count = 500
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="mlp", train_steps=60),
        networks=2,
        defenses=("blur=1", "noise=0.25"),
        images=12,
        steps=5,
        queries=10,
        draws=4,
        judge_draws=8,
        generators=("direct",),
        evolving=Evolving(generations=4, children=20, ascent_steps=5),
        certified=10,
        selection=20,
        samples=100,
        alpha=0.01,
        test_images=60,
    ),
    "mnist": Config(victim=Victim(dataset="mnist"), epsilons=(0.1, 0.2), images=60, certified=100),
}


class Scene(NamedTuple):
    """What all cells share.

    Attributes:
        networks: by name.
        filters: changes of every image by name, none at all first.
        ways: to make images that show nothing, by name.
        test: the images that accuracy is measured on.
        real: those that are changed.
        certified: those that are certified, with their labels.
    """

    networks: Mapping[str, Classifier]
    filters: Mapping[str, study.Filter]
    ways: Mapping[str, study.Make]
    test: fj.data.Dataset
    real: study.Material
    certified: tuple[Images, np.ndarray]


def prepare(run: study.Run[Config], filters: Mapping[str, study.Filter]) -> study.Networks:
    """Train, load or fetch the networks, once all that is asked for suits the images.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    config = run.config

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        ways(config, shape)
        for one in filters.values():
            one.refuse("--defenses", shape)

    networks = study.replicas(run, "--networks", config.networks, fits)
    study.refuse_no_gradient(networks.each.values(), "--model: the attacks")
    return networks


def ways(config: Config, shape: tuple[int, ...]) -> Mapping[str, study.Make]:
    """Get ready to make images that show nothing."""
    fooling = {name: maker for name, maker in study.MAKERS.items() if maker.fools}
    chosen = study.choose("--generators", config.generators, fooling)
    return study.build("--generators", chosen, config.evolving.making, shape)


def set_scene(
    run: study.Run[Config], networks: study.Networks, filters: Mapping[str, study.Filter]
) -> Scene:
    """Choose test images: for accuracy, to be changed, and to certify."""
    config, (train, test) = run.config, networks.splits
    labels = np.asarray(test.labels)
    order = study.order_of(config.run.seed, len(labels), images="test")
    real, proved = order[: config.images], order[: config.certified]
    tested = np.sort(order[: config.test_images])
    return Scene(
        {name: one.classifier for name, one in networks.each.items()},
        filters,
        ways(config, networks.shape),
        fj.data.choose_rows(test, tested),
        study.Material(fj.data.as_float(test.images[real]), test.labels[real], train, real),
        (fj.data.as_float(test.images[proved]), labels[proved]),
    )


def make(run: study.Run[Config], scene: Scene) -> study.Results:
    """Attack all networks, bare and behind every filter, and certify.

    All filters of a network meet the same random numbers, so that they differ in nothing
    but themselves: no filter's name is in a key.
    """
    some = [name for name in scene.filters if name != BARE]
    noisy = [name for name in some if scene.filters[name].kind == CERTIFIED]
    shown: dict[str, study.Arrays] = {}

    def meet(key: RandomKey, defense: str, network: str) -> Mapping[str, ArrayLike]:
        return attack(run.config, scene, defense, network, shown.get(network))

    def prove(key: RandomKey, certified: str, network: str) -> Mapping[str, ArrayLike]:
        config, one, bare = run.config, scene.filters[certified], scene.networks[network]
        draws = study.key_of(config.run.seed, network=network, draws="adversary")
        through, images = one.protect(draws, bare, config.draws), scene.certified[0]
        how = {name: getattr(config, name) for name in ("steps", "selection", "samples", "alpha")}
        trial = fj.analysis.try_certificates(key, bare, through, images, one.strength, **how)
        return trial._asdict()

    networks = scene.networks
    bare = study.compute(run, study.grid(defense=[BARE], network=networks), meet, "attacking bare")
    shown |= {cell["network"]: found for cell, found in bare.found}
    others = study.compute(run, study.grid(defense=some, network=networks), meet, "attacking")
    cells = study.grid(certified=noisy, network=networks)
    return study.gather(bare, others, study.compute(run, cells, prove, "certifying"))


def attack(
    config: Config, scene: Scene, defense: str, network: str, shown: study.Arrays | None
) -> dict[str, ArrayLike]:
    """Attack one defended network, and show it what was made for the bare one.

    What was made for that one is ``shown``; None if this is it.

    Returns:
        ``accuracy []``; answers ``clean [n]``, and to changed images ``naive``, ``gradient``
        and ``free`` (squares, where gradients had failed) ``[e, n]``; for every generator
        ``G-images``, ``G-confidence`` in those made against this network, ``G-naive`` in
        those made for the bare one, ``G-history [t, k]``; ``changed`` of the bare network.
    """
    import jax

    classifier, real, one = scene.networks[network], scene.real, scene.filters[defense]
    key_of = functools.partial(study.key_of, config.run.seed, network=network)
    judge = one.protect(key_of(draws="judge"), classifier, config.judge_draws)
    through = one.protect(key_of(draws="adversary"), classifier, config.draws)
    answers = lambda images: fj.training.predict(judge, images, _BATCH)
    labels, clean = np.asarray(real.labels), answers(real.images)

    def climb(epsilon: float) -> np.ndarray:
        pgd = fj.attacks.pgd(epsilon, steps=config.steps, random_start=True, loss=fj.attacks.margin)
        goal, key = fj.attacks.leave(real.labels), key_of(attack="pgd")
        run = fj.attacks.run(pgd, key, through, real.images, goal, batch_size=_BATCH)
        return np.asarray(run.images)

    def squares(epsilon: float, rows: np.ndarray) -> np.ndarray:
        # filled up with the last one: any number of images is the same program
        padded = np.append(rows, np.repeat(rows[-1:], -len(rows) % _FEW))
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key_of(attack="square"), padded)
        goal, images = fj.attacks.leave(real.labels[padded]), real.images[padded]
        square = fj.attacks.square(epsilon, config.queries)
        run = fj.attacks.run(square, keys, through, images, goal, batch_size=_FEW)
        return np.asarray(run.images)[: len(rows)]

    changed = [climb(epsilon) for epsilon in config.epsilons]
    gradient = np.stack([answers(images) for images in changed])
    free = gradient.copy()
    for place, epsilon in enumerate(config.epsilons):
        rows = np.flatnonzero((gradient[place] == labels) & (clean == labels))
        free[place, rows] = answers(squares(epsilon, rows)) if len(rows) else -1
    found: dict[str, ArrayLike] = {
        "accuracy": np.mean(answers(scene.test.images) == np.asarray(scene.test.labels)),
        "clean": clean,
        "gradient": gradient,
        "free": free,
        "naive": gradient if shown is None else np.stack([answers(x) for x in shown["changed"]]),
    }
    if shown is None:
        found["changed"] = np.stack(changed)
    for name, way in scene.ways.items():
        made = way(key_of(generator=name), through, real)
        old = made.images if shown is None else shown[f"{name}-images"]
        found[f"{name}-images"] = made.images
        found[f"{name}-confidence"] = study.confidences(judge, made.images, made.labels)
        found[f"{name}-naive"] = study.confidences(judge, old, made.labels)
        if made.history is not None:
            found[f"{name}-history"] = made.history
    return found


def right(labels: np.ndarray, found: study.Arrays) -> dict[str, np.ndarray]:
    """Say whether each image is classified correctly whatever the attacker does, ``[e, n]``.

    ``naive``: unchanged, and as changed for the bare network; ``gradient``: the same for
    the defended one; ``adaptive``: all of this, and squares too.
    """
    ok = {way: found[way] == labels for way in ("clean", "naive", "gradient", "free")}
    naive, gradient = ok["clean"] & ok["naive"], ok["clean"] & ok["gradient"]
    return {"naive": naive, "gradient": gradient, "adaptive": naive & gradient & ok["free"]}


def judge(config: Config, scene: Scene, results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each defended network and each kind of images, and each certificate.

    Of changed images the shares that are right, of those that show nothing the median
    confidences; gains compare with the bare network.
    """
    labels = np.asarray(scene.real.labels)
    middle = lambda values: float(np.median(values))
    spent = config.evolving.children * np.arange(1, config.evolving.generations + 2)
    for cell, found in results.found:
        if "certified" in cell:
            yield from judge_certificates(scene, cell, found)
            continue
        bare = results.one(defense=BARE, network=cell["network"])
        about = {**cell, "unchanged": float(found["accuracy"])}
        mine, theirs = right(labels, found), right(labels, bare)
        for place, epsilon in enumerate(config.epsilons):
            share = {way: float(one[place].mean()) for way, one in mine.items()}
            for way in ("naive", "adaptive"):
                share[f"{way}_gain"] = share[way] - float(theirs[way][place].mean())
            yield {**about, "kind": "perturbed", "against": f"epsilon {epsilon:g}", **share}
        for name in scene.ways:
            made = {"naive": found[f"{name}-naive"], "adaptive": found[f"{name}-confidence"]}
            sure: dict[str, float | None] = {}
            for way, one in made.items():
                sure[way], sure[f"{way}_above"] = middle(one), float(np.mean(one > TAU))
                sure[f"{way}_gain"] = middle(bare[f"{name}-confidence"]) - middle(one)
            history = found.get(f"{name}-history")
            reach = fj.metrics.evaluations_to_reach
            sure["cost"] = None if history is None else middle(reach(history, spent, TAU))
            yield {**about, "kind": "fooling", "against": name, **sure}


def judge_certificates(
    scene: Scene, cell: study.Cell, found: study.Arrays
) -> Iterator[study.Record]:
    """Yield a record for each image that was to be certified."""
    name, trial = cell["certified"], fj.analysis.Trial(*(found[part] for part in PARTS))
    columns = {
        "radius": trial.radii,
        "right": trial.certain & (trial.answers == scene.certified[1]),
        "abstained": ~trial.certain,
        "broken": trial.broken,
        "broken_beyond": trial.broken_beyond,
    }
    sigma = scene.filters[name].strength
    about = {"kind": "certificate", "defense": name, "network": cell["network"], "sigma": sigma}
    for place, row in enumerate(zip(*columns.values(), strict=True)):
        yield {**about, "image": place, **dict(zip(columns, row, strict=True))}


def prove(config: Config, results: study.Results) -> dict[str, study.Record]:
    """Put the certificates of all networks together: their numbers, by noise."""
    trials: dict[str, list[fj.analysis.Trial]] = {}
    for cell, found in results.found:
        if "certified" in cell:
            trial = fj.analysis.Trial(*(found[part] for part in PARTS))
            trials.setdefault(cell["certified"], []).append(trial)
    return {name: fj.analysis.pool(some).numbers(config.alpha) for name, some in trials.items()}


def average(records: Iterable[study.Record], *measures: str) -> study.Table:
    """Return means over the networks, by defense and kind of images."""
    return study.summarize(records, BY, measures, "network")


def curve(config: Config, records: Iterable[study.Record]) -> study.Table:
    """Return the share of images that are certified and right, by the radius asked for."""
    largest = lambda one: fj.defenses.radius_of(config.alpha ** (1 / config.samples), one["sigma"])
    points = [
        {**one, "length": float(length), "share": one["right"] and one["radius"] >= length}
        for one in study.where(records, kind="certificate")
        for length in np.linspace(0.0, float(largest(one)), _RADII)
    ]
    return study.summarize(points, ("defense", "length"), ["share"], "network")
