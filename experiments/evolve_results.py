"""Numbers, pictures and the page of a finished ``experiments.evolve`` run."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import evolution, metrics, reporting
from fooljax.evolution import lineage
from fooljax.runtime import files, settings
from fooljax.runtime.search_run import Clock, Finished
from fooljax.runtime.victim import Prepared
from fooljax.types import Classifier, Encoding, RandomKey

CONTROLS = 1000
LEVELS = ("0.99", "0.999", "0.9999")


def write(
    folder: Path,
    config: Any,
    prepared: Prepared,
    encoding: Encoding,
    finished: Finished,
    key: RandomKey,
    evaluations: Callable[[int], int],
) -> dict[str, Any]:
    """Write ``elites.npz``, ``genomes.npz``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings, a dataclass.
        prepared: the network.
        encoding: the search space.
        finished: the run.
        key: decides the control images.
        evaluations: images shown to the network up to a generation.

    Returns:
        The summary.
    """
    archive = finished.state.archive
    images = np.asarray(
        jax.jit(jax.vmap(lambda one: evolution.express_elites(encoding, one)))(archive)
    )
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
    files.write_json(folder / "summary.json", summary)
    pictures = draw(folder, images, prepared, finished)
    reporting.evolve_page(
        folder / "report.html",
        summary,
        dataclasses.asdict(config),
        pictures,
        class_names=prepared.class_names,
        command=settings.command_of("evolve", config),
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

    @jax.jit
    def random_images(key):
        return jax.vmap(encoding.express)(jax.vmap(encoding.init)(jax.random.split(key, CONTROLS)))

    noise = 0.5 + 0.25 * jax.random.normal(key_noise, (CONTROLS, *classifier.input_shape))
    kinds = {"random_images": random_images(key_random), "gaussian_noise": jnp.clip(noise, 0, 1)}
    read = jax.jit(lambda classifier, images: metrics.probabilities(classifier(images)))
    result = {}
    for name, images in kinds.items():
        batches = [read(classifier, batch) for batch in jnp.split(images, 10)]
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


def draw(
    folder: Path, images: np.ndarray, prepared: Prepared, finished: Finished
) -> dict[str, Path]:
    """Draw all pictures; return their places by name."""
    confidence = finished.history["confidence"]
    generations = np.arange(len(confidence))
    places = {name: folder / f"{name}.png" for name in ("gallery", "heatmap", "curves")}
    names = prepared.class_names
    reporting.gallery(places["gallery"], images, confidence[-1], names)
    reporting.heatmap(places["heatmap"], np.median(confidence, axis=1), generations, names)
    reporting.curves(places["curves"], np.moveaxis(confidence, 0, 1), generations)
    ancestors = _ancestors(images, finished)
    if ancestors is not None:
        pictures, when, sure, niches = ancestors
        places["lineage"] = folder / "lineage.png"
        line_names = [names[niche] for niche in niches]
        reporting.lineage(places["lineage"], pictures, when, sure, line_names)
    return places


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


def _ancestors(images: np.ndarray, finished: Finished) -> tuple[np.ndarray, ...] | None:
    """Collect the line of the champion of repeat 0 that switched class most often."""
    history = finished.history
    parent, taken = history["parent"][:, 0], history["taken"][:, 0]
    line = lineage.ancestry(parent, taken, lineage.widest(parent, taken))
    shown = [g for g in sorted(finished.snapshots) if line[g] >= 0 and g < finished.generation]
    members = lineage.changes(line, taken)
    # a picture for each kept generation in which the line had changed since the last one
    born = [int(members[members <= g].max()) for g in shown]
    shown = [g for i, g in enumerate(shown) if i == 0 or born[i] != born[i - 1]]
    if not shown:
        return None
    pictures = [finished.snapshots[g][line[g]].astype(np.float32) / 255.0 for g in shown]
    when = [*shown, finished.generation]
    sure = [history["confidence"][g, 0, line[g]] for g in when]
    return (
        np.stack([*pictures, images[0, line[-1]]]),
        np.array(when),
        np.array(sure),
        np.array([line[g] for g in when]),
    )


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
