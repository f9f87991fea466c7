"""Numbers, pictures and the page of a finished ``experiments.evolve`` run."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments import evolve_published, evolve_transfer
from experiments.evolve_pictures import draw
from experiments.evolve_published import BAND
from fooljax import metrics, reporting
from fooljax.runtime import files, memory, notices, painting, settings
from fooljax.runtime.search_run import Clock, Finished
from fooljax.runtime.victim import Prepared
from fooljax.types import Classifier, Encoding, RandomKey

CONTROLS = 1000
SHARES = ("0.5", "0.9", "0.99")
LEVELS = ("0.99", "0.999", "0.9999")


def write(
    folder: Path,
    config: Any,
    prepared: Prepared,
    encoding: Encoding,
    finished: Finished,
    key: RandomKey,
    evaluations: Callable[[int], int],
    planned: memory.Plan | None,
    others: Mapping[str, Prepared],
) -> dict[str, Any]:
    """Write ``elites.npz``, ``genomes.npz``, pictures, ``summary.json`` and both pages.

    Args:
        folder: run directory.
        config: the experiment's settings, a dataclass.
        prepared: the network.
        encoding: the search space.
        finished: the run.
        key: decides the control images.
        evaluations: images shown to the network up to a generation.
        planned: how the run was to keep to its memory limit, if it had one.
        others: networks that the images are shown to, by name.

    Returns:
        The summary.
    """
    archive = finished.state.archive
    images = painting.paint(encoding, archive)
    arrays = {
        "images": images,
        "confidences": np.asarray(archive.confidence),
        "birth_generations": np.asarray(archive.born),
        "parent_niches": np.asarray(archive.parent),
        "fitness": np.asarray(archive.fitness),
    }
    files.write_npz(folder / "elites.npz", arrays)
    files.write_npz(folder / "genomes.npz", _named_leaves(archive.genomes))
    summary = summarize(config, prepared, encoding, finished, key, evaluations)
    summary["shown_to"] = evolve_transfer.shown(images, others)
    summary["memory"] = {
        "limit": None if planned is None else config.memory_limit * memory.GB,
        "planned": None if planned is None else planned.size,
        "micro_batch": None if planned is None else planned.micro_batch,
        "peak": memory.peak(),
    }
    pictures, chosen = draw(folder, images, config.encoding, prepared.class_names, finished)
    summary = notices.summarize(folder, summary | chosen)
    reporting.evolve_page(
        folder / "report.html",
        summary,
        dataclasses.asdict(config),
        pictures,
        class_names=prepared.class_names,
        command=settings.command_of("experiments.evolve", config),
        browse="gallery.html",
    )
    print(
        f"median confidence {reporting.percent(summary['median_confidence'])}, "
        f"lowest {reporting.percent(summary['min_confidence'])}\n"
        f"report: {folder / 'report.html'}",
        file=sys.stderr,
    )
    return summary


def summarize(
    config: Any,
    prepared: Prepared,
    encoding: Encoding,
    finished: Finished,
    key: RandomKey,
    evaluations: Callable[[int], int],
) -> dict[str, Any]:
    """Return the numbers the claim is about; see README for the names."""
    confidence = finished.history["confidence"]  # generation, repeat, class
    medians, lowest = np.median(confidence, axis=2), np.min(confidence, axis=2)
    controls = control_images(encoding, prepared.classifier, key)
    return {
        "clean_accuracy": prepared.accuracy,
        "network": prepared.origin,
        "median_confidence": np.median(medians[-1]),
        "min_confidence": np.min(lowest[-1]),
        "per_class_confidence": confidence[-1],
        "class_names": list(prepared.class_names),
        "median_confidence_by_generation": np.median(medians, axis=1),
        "median_confidence_by_generation_per_repeat": medians.T,
        "min_confidence_by_generation_per_repeat": lowest.T,
        **_shares(confidence),
        **_band(confidence[-1], prepared.class_names, config.encoding),
        "first_generation_all_above": {
            level: [
                _first_above(lowest[:, repeat], float(level)) for repeat in range(len(lowest.T))
            ]
            for level in LEVELS
        },
        "random_image_median_confidence": controls["random_images"]["median_top1_confidence"],
        "controls": controls,
        "jumps": np.sum(finished.history["jumps"], axis=0),
        "traits": _traits(finished.history, config.children),
        "evaluations": evaluations(config.generations),
        "evaluations_per_second": _pace(finished.clock, evaluations),
        "seconds": finished.clock.seconds,
        "generations": config.generations,
        "repeats": config.repeats,
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }


def control_images(encoding: Encoding, classifier: Classifier, key: RandomKey) -> dict[str, Any]:
    """Show the network 1000 random images of the encoding and 1000 of Gaussian noise.

    Noise has mean 0.5 and standard deviation 0.25, clipped to [0, 1]. Images that
    the network has no answer to (NaN) do not count.
    """
    key_random, key_noise = jax.random.split(key)

    count = 100 if np.prod(classifier.input_shape) <= 10_000 else 20  # images at once
    rounds = CONTROLS // count
    shape = (count, *classifier.input_shape)

    @jax.jit
    def random_images(keys):
        return jax.vmap(encoding.express)(jax.vmap(encoding.init)(keys))

    @jax.jit
    def noise(key):
        return jnp.clip(0.5 + 0.25 * jax.random.normal(key, shape, dtype=jnp.float32), 0, 1)

    kinds = {
        "random_images": (random_images, jax.random.split(key_random, (rounds, count))),
        "gaussian_noise": (noise, jax.random.split(key_noise, rounds)),
    }
    read = jax.jit(lambda classifier, images: metrics.probabilities(classifier(images)))
    result = {}
    for name, (make, keys) in kinds.items():
        batches = [read(classifier, make(keys[batch])) for batch in range(rounds)]
        confidence = np.concatenate(batches)[:, : classifier.num_classes]
        confidence = confidence[~np.isnan(confidence).any(axis=1)]
        if not len(confidence):
            result[name] = {"images": 0, "median_top1_confidence": None}
            continue
        top = confidence.max(axis=1)
        result[name] = {
            "images": len(confidence),
            "median_top1_confidence": np.median(top),
            "share_above_0.99": np.mean(top > 0.99),
            "median_class_confidence": np.median(confidence),
            "median_best_per_class": np.median(confidence.max(axis=0)),
        }
    return result


def tensorboard(folder: Path) -> Callable[[int, Mapping[str, np.ndarray]], None]:
    """Return a function that logs a chunk's records for TensorBoard."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder / "tensorboard"))

    def log(generation: int, rows: Mapping[str, np.ndarray]) -> None:
        confidence = rows["confidence"]
        for row, at in enumerate(range(generation - len(confidence) + 1, generation + 1)):
            writer.add_scalar("confidence/median", np.median(confidence[row]), at)
            writer.add_scalar("confidence/min", np.min(confidence[row]), at)
            writer.add_scalar("jumps", np.mean(rows["jumps"][row]), at)
        writer.flush()

    return log


def _shares(confidence: np.ndarray) -> dict[str, list[float]]:
    """By generation, the share of classes whose median over the repeats is at least a level."""
    middle = np.median(confidence, axis=1)
    return {
        f"share_above_{level}_by_generation": np.mean(middle >= float(level), axis=1).tolist()
        for level in SHARES
    }


def _band(confidence: np.ndarray, names: tuple[str, ...], encoding: str) -> dict[str, Any]:
    """Medians over dogs and cats, and over all others, if the classes are ImageNet's."""
    published = evolve_published.published_for(names, encoding)
    if published is None:
        return {}
    middle = np.median(confidence, axis=0)
    inside = np.zeros(len(names), bool)
    inside[BAND[0] : BAND[1] + 1] = True
    return {
        "median_confidence_dogs_and_cats": np.median(middle[inside]),
        "median_confidence_other_classes": np.median(middle[~inside]),
        "published_medians_dogs_and_cats_and_others": [published.inside, published.outside],
    }


def _first_above(lowest: np.ndarray, level: float) -> int | None:
    above = np.flatnonzero(lowest >= level)
    return int(above[0]) if above.size else None


def _pace(clock: Clock, evaluations: Callable[[int], int]) -> float | None:
    """Images a second once compiled; None in runs too short to tell."""
    images = evaluations(clock.steady_generations) - evaluations(0)
    return images / clock.steady_seconds if images else None


def _traits(history: Mapping[str, np.ndarray], children: int) -> dict[str, Any]:
    """Mean of every trait over the last generation's children, and refusals in all."""
    traits = {
        name.removeprefix("trait_"): rows for name, rows in history.items() if "trait_" in name
    }
    summary = {
        f"mean_{name}": float(np.mean(rows[-1]) / children)
        for name, rows in traits.items()
        if name != "refused"
    }
    if "refused" in traits:
        summary["refused_mutations"] = int(np.sum(traits["refused"]))
    return summary


def _named_leaves(genomes: Any) -> dict[str, np.ndarray]:
    leaves = jax.tree_util.tree_leaves_with_path(genomes)
    name = lambda path: jax.tree_util.keystr(path, simple=True, separator=".") or "genes"
    return {name(path): np.asarray(leaf) for path, leaf in leaves}
