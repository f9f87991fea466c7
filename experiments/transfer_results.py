"""Numbers, pictures and the page of a finished ``experiments.transfer`` run."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments import transfer_pictures, transfer_report
from experiments.transfer_generators import GENERATORS
from fooljax import analysis
from fooljax.analysis import Verdicts
from fooljax.runtime import files, notices
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared

# How sure the other network has to be, for the curves.
CONFIDENCES = (0.1, 0.2, 0.5, 0.7, 0.9, 0.97, 0.99, 0.997, 0.999, 0.9997, 0.9999)


class Shown(NamedTuple):
    """All images of one generator, and what every network says of them.

    Letters: ``r`` repeats, ``m`` networks (the first that the images were made for,
    the second that they were shown to), ``n`` images.

    Attributes:
        images: ``[r, m, n, h, w, c]``.
        labels: ``[r, m, n]``, the class to be shown, or the true one.
        logits: ``[r, m, m, n, k]``.
    """

    images: np.ndarray
    labels: np.ndarray
    logits: np.ndarray


def unit_name(generator: str, network: int, repeat: int) -> str:
    """Name the piece of work that makes one set of images."""
    return f"{generator}-for-{network + 1}-repeat-{repeat + 1}"


def write(
    folder: Path, config: Any, networks: Mapping[str, Prepared], made: Mapping[str, Arrays]
) -> dict[str, Any]:
    """Write ``images.npz``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings, a dataclass.
        networks: by name.
        made: by ``unit_name``, what ``transfer_generators.build`` made.

    Returns:
        The summary.
    """
    shown = {name: _gather(name, config, len(networks), made) for name in config.generators}
    arrays = {
        f"{name}_{field}": array
        for name, one in shown.items()
        for field, array in one._asdict().items()
    }
    files.write_npz(folder / "images.npz", arrays, compress=True)
    seconds = sum(float(one["seconds"]) for one in made.values())
    summary = summarize(config, networks, shown, seconds)
    summary = notices.summarize(folder, summary)
    pictures = transfer_pictures.draw(folder, networks, shown, summary)
    transfer_report.write(folder / "report.html", summary, config, pictures)
    print(f"report: {folder / 'report.html'}", file=sys.stderr)
    return summary


def summarize(
    config: Any, networks: Mapping[str, Prepared], shown: Mapping[str, Shown], seconds: float
) -> dict[str, Any]:
    """Return the matrices and their means over pairs of networks, with intervals."""
    architectures = [architecture(name) for name in networks]
    num_classes = next(iter(networks.values())).classifier.num_classes
    return {
        "networks": {
            name: {"accuracy": one.accuracy, "origin": one.origin} for name, one in networks.items()
        },
        "architectures": architectures,
        "num_classes": num_classes,
        "tau": config.tau,
        "epsilon": config.epsilon,
        "repeats": config.repeats,
        "intervals": "95 %, Student's t over the repeats; the networks are the same in all",
        "generators": {
            name: {
                "kind": GENERATORS[name].kind,
                "control": GENERATORS[name].control,
                "images": one.labels.shape[2],
                **_measured(name, one, architectures, num_classes, config.tau),
            }
            for name, one in shown.items()
        },
        "confidences": list(CONFIDENCES),
        "sure_by_confidence": {
            name: _sure_by_confidence(one, architectures, num_classes)
            for name, one in shown.items()
            if GENERATORS[name].kind == "fooling" and not GENERATORS[name].control
        },
        "seconds": seconds,
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }


def architecture(network: str) -> str:
    """Read an architecture from the name that ``several.prepare_several`` gave a network."""
    model, _, number = network.rpartition(" ")
    return model if number.isdigit() and model else network


def _gather(generator: str, config: Any, count: int, made: Mapping[str, Arrays]) -> Shown:
    units = [
        [made[unit_name(generator, index, repeat)] for index in range(count)]
        for repeat in range(config.repeats)
    ]
    stack = lambda field: np.stack([[one[field] for one in row] for row in units])
    return Shown(stack("images"), stack("labels"), stack("logits"))


def judge(generator: str, shown: Shown, num_classes: int, tau: float) -> list[list[Verdicts]]:
    """Judge the images of every repeat and network that they were made for."""

    def one(repeat: int, made_for: int) -> Verdicts:
        logits, labels = shown.logits[repeat, made_for], shown.labels[repeat, made_for]
        if GENERATORS[generator].kind == "fooling":
            return analysis.judge_fooling(logits, labels, num_classes, tau)
        return analysis.judge_perturbed(logits, made_for, labels, num_classes, tau)

    repeats, networks = shown.labels.shape[:2]
    return [[one(repeat, i) for i in range(networks)] for repeat in range(repeats)]


def _measured(
    generator: str, shown: Shown, architectures: Sequence[str], num_classes: int, tau: float
) -> dict[str, Any]:
    rows = [
        [analysis.shares(one) for one in row] for row in judge(generator, shown, num_classes, tau)
    ]
    pairs = analysis.relations(architectures)
    matrices, rates = {}, {name: {} for name in pairs}
    for field in Verdicts._fields:
        each = np.array([[getattr(one, field) for one in row] for row in rows])  # r, m, m
        matrices[field] = {"mean": each.mean(axis=0), "per_repeat": each}
        for name, which in pairs.items():
            cells = each.mean(axis=0)[which]
            interval = analysis.over_repeats(analysis.mean_over_pairs(each, which))
            rates[name][field] = {
                **interval._asdict(),
                "lowest_pair": cells.min() if cells.size else None,
                "highest_pair": cells.max() if cells.size else None,
            }
    return {"matrices": matrices, "rates": rates}


def _sure_by_confidence(
    shown: Shown, architectures: Sequence[str], num_classes: int
) -> dict[str, list[float]]:
    """Share of images whose class the network names with at least each confidence."""
    matrices = []
    for confidence in CONFIDENCES:
        verdicts = [
            [
                analysis.judge_fooling(logits, labels, num_classes, confidence).sure_label
                for logits, labels in zip(*of_repeat, strict=True)
            ]
            for of_repeat in zip(shown.logits, shown.labels, strict=True)
        ]
        matrices.append(np.asarray(verdicts, np.float64).mean(axis=(0, 3)))
    return {
        name: analysis.mean_over_pairs(matrices, which).tolist()
        for name, which in analysis.relations(architectures).items()
    }
