"""Coverage and QD score of a grid of looks: fooljax beside pyribs' grid archive.

    Run:    python -m benchmarks.illumination > illumination.json
    Cost:   two minutes on two CPU cores; needs pip install -e ".[bench]"
    Expect: on the same evaluations the same coverage, and the same QD score up to
            rounding, for about the same time of insertion; in a search of as many
            evaluations about twice the QD score of pyribs', where a child enters the niche
            of one class only

``replayed``: fooljax searches with CPPNs, and all children that its network was shown are
added to a ``GridArchive`` of class x look, in the same batches, once for each class.
``searched``: both search with pixels and Iso+LineDD for the same number of evaluations of
the same network: pyribs by its tutorial's rule (the niche of the top class), fooljax by the
same rule (``own``) and by its own (``all``). Give ``--weights`` for a trained network.
"""

import importlib.util
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.timing import environment, interleave, launch, say
from fooljax.evolution import Archive, Challengers, Grid
from fooljax.evolution.cells import place
from fooljax.evolution.map_elites import empty_archive
from fooljax.types import Classifier

MISSING = "not installed: pip install 'fooljax[bench]'"
ISO_SIGMA, LINE_SIGMA = 0.05, 0.2


@dataclass(frozen=True)
class Config:
    """What to measure, and how large.

    Attributes:
        cells: along each of two descriptors, brightness and symmetry.
        children: in a generation.
        generations: after the random population.
        rounds: measurements of which the median is taken.
        weights: safetensors file for LeNet; random weights unless given.
        side: pixels of the images; 28 with weights.
        seed: decides everything random.
    """

    cells: int = 8
    children: int = 200
    generations: int = 100
    rounds: int = 5
    weights: str | None = None
    side: int = 28
    seed: int = 0


def measure(config: Config) -> dict[str, Any]:
    """Measure everything; a JSON document of plain values."""
    key_network, key_replay, key_search = jax.random.split(jax.random.key(config.seed), 3)
    shape = (config.side, config.side, 1)
    classifier = fj.models.build("lenet", key_network, shape, 10)
    if config.weights is not None:
        classifier = fj.models.load_weights(config.weights, classifier)
    looks = fj.evolution.DESCRIPTORS
    grid = fj.evolution.grid([looks["brightness"], looks["symmetry"]], config.cells)
    document: dict[str, Any] = {"config": vars(config), "environment": environment()}
    if importlib.util.find_spec("ribs") is None:
        return document | {"missing": {"ribs": MISSING}}
    say("replaying a search ...")
    document["replayed"] = replay(config, key_replay, classifier, grid)
    say("searching ...")
    narrow = [looks["brightness"]._replace(low=0.4, high=0.6), looks["symmetry"]]
    grid = fj.evolution.grid(narrow, config.cells)
    document["searched"] = search(config, key_search, classifier, grid)
    return document


def replay(config: Config, key: jax.Array, classifier: Classifier, grid: Grid) -> dict[str, Any]:
    """Give pyribs the children of a search, and compare archives and the time of insertion."""
    seen: list[np.ndarray] = []

    def apply(params, images):
        jax.debug.callback(lambda batch: seen.append(np.asarray(batch)), images, ordered=False)
        return classifier.apply(params, images)

    watched = Classifier(classifier.params, apply, classifier.input_shape, 10)
    encoding = fj.encodings.cppn((config.side, config.side, 1), 64, 128)
    ours = _run(config, key, watched, grid, encoding, niches="all", fitness="prob")
    jax.effects_barrier()
    told = _teller(grid)
    archive = _ribs_archive(grid, classifier)
    rows = []
    for images in seen:
        confidence, cell = map(np.asarray, told(classifier, images))
        rows.append(_for_every_class(images, confidence, cell, grid))
        archive.add(*rows[-1])
    costs = interleave(
        {
            "fooljax": _insertion(jnp.asarray(seen[-1]), classifier, grid),
            "pyribs": lambda: archive.add(*rows[-1]),
        },
        config.rounds,
    )
    return {
        "evaluations": sum(map(len, seen)),
        "fooljax": _sums(ours, grid),
        "pyribs": _ribs_sums(archive),
        "insertion_cpu_ms": {name: 1e3 * cost.cpu_s for name, cost in costs.items()},
    }


def search(config: Config, key: jax.Array, classifier: Classifier, grid: Grid) -> dict[str, Any]:
    """Search with pixels for the same number of evaluations."""
    vary = fj.encodings.iso_line_dd(ISO_SIGMA, LINE_SIGMA)
    encoding = fj.encodings.direct(classifier.input_shape, vary, levels=None)
    found = {
        f"fooljax, {rule}": _sums(
            _run(config, jax.random.clone(key), classifier, grid, encoding, rule, "prob"), grid
        )
        for rule in ("all", "own")
    }
    found["pyribs"] = _ribs_search(config, classifier, grid)
    return {"evaluations": config.children * (config.generations + 1), **found}


def _teller(grid: Grid):
    """Return a program: images to probabilities and cells."""

    @jax.jit
    def tell(classifier, images):
        return fj.metrics.probabilities(classifier(images)), place(grid, classifier, images)

    return tell


def _run(config, key, classifier, grid, encoding, niches, fitness) -> Archive:
    """Search to the end and return the archive."""
    run = fj.evolution.map_elites(
        encoding, config.children, niches=niches, fitness=fitness, grid=grid
    )
    state, _ = fj.evolution.start(jax.random.clone(key), run, classifier)
    state, _ = fj.evolution.advance(key, run, classifier, state, config.generations)
    return state.archive


def _sums(archive: Archive, grid: Grid) -> dict[str, float]:
    """Sum up all niches as one archive, as pyribs does."""
    found = fj.metrics.illumination(archive.confidence, np.asarray(archive.born) >= 0)
    return {"coverage": float(found.coverage), "qd_score": float(found.qd_score)}


def _insertion(images: jax.Array, classifier: Classifier, grid: Grid):
    """Return a task: one batch competes for all niches, scores and cells being known."""
    confidence = fj.metrics.probabilities(classifier(images))
    cells = place(grid, classifier, images)
    niches = confidence.shape[1] * grid.size
    archive = empty_archive(images[0], niches)

    @jax.jit
    def put(archive, images, confidence, cells):
        inside = jax.nn.one_hot(cells, grid.size, dtype=bool)
        scores = jnp.where(inside[:, None], confidence[:, :, None], -jnp.inf)
        nobody = jnp.full(len(images), -1, jnp.int32)
        children = Challengers(images, scores.reshape(len(images), -1), confidence, nobody)
        return fj.evolution.insert(archive, children, jnp.int32(1))[0]

    return lambda: put(archive, images, confidence, cells)


def _ribs_archive(grid: Grid, classifier: Classifier):
    """Return a grid archive of class x look."""
    from ribs.archives import GridArchive

    along = len(grid.descriptors)
    return GridArchive(
        solution_dim=classifier.input_shape,
        dims=[classifier.num_classes, *(grid.cells,) * along],
        ranges=[(0, classifier.num_classes), *((0, grid.cells),) * along],
        dtype=np.float32,
    )


def _for_every_class(images, confidence, cell, grid):
    """Return solutions, objectives and measures: every image once for each class, in turn."""
    count, num_classes = confidence.shape
    label = np.tile(np.arange(num_classes), count)
    measures = np.column_stack([label, *np.repeat(_at(cell, grid), num_classes, axis=1)])
    return np.repeat(images, num_classes, axis=0), confidence.reshape(-1), measures + 0.5


def _at(cell: np.ndarray, grid: Grid) -> np.ndarray:
    """Return the steps of each cell along each descriptor, ``[descriptors, b]``."""
    return np.stack(np.unravel_index(cell, (grid.cells,) * len(grid.descriptors)))


def _ribs_search(config: Config, classifier: Classifier, grid: Grid) -> dict[str, float]:
    """Search as in pyribs' tutorial: the objective of the top class, in its niche."""
    from ribs.emitters import IsoLineEmitter
    from ribs.schedulers import Scheduler

    shape = classifier.input_shape
    start = np.random.default_rng(config.seed).uniform(size=(config.children, *shape))
    archive = _ribs_archive(grid, classifier)
    emitter = IsoLineEmitter(
        archive,
        initial_solutions=start.astype(np.float32),
        iso_sigma=ISO_SIGMA,
        line_sigma=LINE_SIGMA,
        batch_size=config.children,
        lower_bounds=np.zeros(shape),
        upper_bounds=np.ones(shape),
        seed=config.seed,
    )
    scheduler = Scheduler(archive, [emitter])
    told = _teller(grid)
    for _ in range(config.generations + 1):
        images = scheduler.ask()
        confidence, cell = map(np.asarray, told(classifier, images.astype(np.float32)))
        measures = np.column_stack([confidence.argmax(axis=1), *_at(cell, grid)])
        scheduler.tell(confidence.max(axis=1), measures + 0.5)
    return _ribs_sums(archive)


def _ribs_sums(archive) -> dict[str, float]:
    return {
        "coverage": float(archive.stats.coverage),
        "qd_score": float(archive.stats.qd_score),
    }


def summarize(document: dict[str, Any]) -> str:
    """Say in a few lines what was found."""
    if "missing" in document:
        return f"pyribs is {MISSING}"
    replayed = document["replayed"]
    lines = [
        f"{replayed['evaluations']:,} evaluations: coverage {one['coverage']:.4f}, QD score "
        f"{one['qd_score']:.3f}, insertion {replayed['insertion_cpu_ms'][name]:.2f} CPU-ms ({name})"
        for name, one in replayed.items()
        if name in replayed["insertion_cpu_ms"]
    ]
    lines += [
        f"{name}, pixels: coverage {one['coverage']:.4f}, QD score {one['qd_score']:.3f}"
        for name, one in document["searched"].items()
        if name != "evaluations"
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    launch(
        Config, measure, summarize, prog="python -m benchmarks.illumination", description=__doc__
    )
