"""Numbers and pictures of a finished ``experiments.logistic`` run."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import logistic, logistic_report
from fooljax import metrics, reporting
from fooljax.runtime import files, notices
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared

_NEAR = 0.1  # a gain this close to the prediction, relatively, counts as predicted


def write(
    folder: Path,
    config: Any,
    networks: Mapping[str, Prepared],
    results: Mapping[str, Arrays],
) -> dict[str, Any]:
    """Write ``steps.npz``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings.
        networks: by name.
        results: arrays of every network.

    Returns:
        The summary.
    """
    parts = ("start", "l1", "gain", "random", "inside")
    arrays = {f"{name}.{part}": unit[part] for name, unit in results.items() for part in parts}
    files.write_npz(folder / "steps.npz", arrays)
    summary = summarize(config, results)
    summary = notices.summarize(folder, summary)
    pictures = draw(folder, config, networks, results, summary)
    logistic_report.write(folder / "report.html", summary, config, pictures)
    print(
        f"worked example: {summary['worked']['before']:.4f} -> {summary['worked']['after']:.4f}\n"
        f"report: {folder / 'report.html'}",
        file=sys.stderr,
    )
    return summary


def summarize(config: Any, results: Mapping[str, Arrays]) -> dict[str, Any]:
    """Return the numbers the claim is about.

    ``networks`` has a row for each architecture and size: medians over images, then
    over independently trained networks; ``l1_exponent`` says with which power of the
    number of inputs the sum of the gradient's sizes grows.
    """
    rows = [_row(config, results, model, size) for model, size in _groups(config)]
    worked = logistic.worked_example()
    return {
        "worked": {name: getattr(worked, name) for name in worked._fields},
        "epsilons": sorted(config.epsilons),
        "networks": rows,
        "l1_exponent": {model: _exponent(rows, model) for model in config.models},
        "images": len(next(iter(results.values()))["start"]),
        "repeats": config.repeats,
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }


def _groups(config: Any) -> list[tuple[str, int]]:
    return [(model, size) for model, size, repeat in logistic.cases(config) if repeat == 0]


def _row(config: Any, results: Mapping[str, Arrays], model: str, size: int) -> dict[str, Any]:
    epsilons = np.array(sorted(config.epsilons))
    units = [results[logistic.name_of(model, size, repeat)] for repeat in range(config.repeats)]
    median = lambda values: np.median([np.median(one, axis=-1) for one in values], axis=0)
    predicted = [epsilons[:, None] * unit["l1"][None] for unit in units]
    gained = [unit["gain"] for unit in units]
    ratio = [gain / np.maximum(aim, 1e-30) for gain, aim in zip(gained, predicted, strict=True)]
    near = np.mean([np.mean(abs(one - 1.0) <= _NEAR, axis=1) for one in ratio], axis=0)
    # doubt above 0: the label is less likely than not
    doubted = lambda part: np.mean(
        [np.mean(unit["start"] + unit[part] > 0.0, axis=1) for unit in units], axis=0
    )
    return {
        "model": model,
        "size": size,
        "inputs": int(units[0]["inputs"]),
        "accuracy": [float(unit["accuracy"]) for unit in units],
        "gradient_l1": median([unit["l1"] for unit in units]),
        "gradient_l1_per_network": [np.median(unit["l1"]) for unit in units],
        "predicted": median(predicted),
        "gain": median(gained),
        "gain_per_network": np.array([np.median(one, axis=1) for one in gained]),
        "ratio": median(ratio),
        "share_as_predicted": near,
        "random": median([unit["random"] for unit in units]),
        "random_size": median([abs(unit["random"]) for unit in units]),
        "inside": median([unit["inside"] for unit in units]),
        "doubted_at_start": np.mean([np.mean(unit["start"] > 0.0) for unit in units]),
        "doubted": doubted("gain"),
        "doubted_random": doubted("random"),
        "doubted_inside": doubted("inside"),
    }


def _exponent(rows: list[dict[str, Any]], model: str) -> float | None:
    """Slope of log L1 against log inputs; None for a single size."""
    own = [row for row in rows if row["model"] == model]
    if len(own) < 2:
        return None
    inputs, l1 = (np.log([row[name] for row in own]) for name in ("inputs", "gradient_l1"))
    return float(np.polyfit(inputs, l1, 1)[0])


def draw(
    folder: Path,
    config: Any,
    networks: Mapping[str, Prepared],
    results: Mapping[str, Arrays],
    summary: Mapping[str, Any],
) -> dict[str, Path]:
    """Draw all pictures; return their places by name."""
    places = {name: folder / f"{name}.png" for name in ("linearity", "dimension", "steps")}
    epsilons = np.array(summary["epsilons"])
    size = middle_size(config)
    rows = {row["model"]: row for row in summary["networks"] if row["size"] == size}
    series, dashed = {}, []
    for model, row in rows.items():
        series[model] = (epsilons, row["gain"])
        series[f"{model}, predicted"] = (epsilons, row["predicted"])
        series[f"{model}, random signs"] = (epsilons, row["random_size"])
        dashed += [f"{model}, predicted", f"{model}, random signs"]
    reporting.lines(
        places["linearity"],
        series,
        x_label="length of the step (1 is from black to white)",
        y_label="log-odds gained",
        log_x=True,
        log_y=True,
        dashed=dashed,
        note=f"{size} x {size} pixels. Medians. Of random signs: the size of what changed.",
    )
    at = middle_epsilon(summary["epsilons"])
    epsilon = epsilons[at]
    series, bands, dashed = {}, {}, []
    for model in config.models:
        own = [row for row in summary["networks"] if row["model"] == model]
        inputs = np.array([row["inputs"] for row in own], float)
        if not own:
            continue
        series[model] = (inputs, np.array([row["gain"][at] for row in own]))
        each = np.array([row["gain_per_network"][:, at] for row in own])
        bands[model] = (each.min(axis=1), each.max(axis=1))
        series[f"{model}, random signs"] = (
            inputs,
            np.array([row["random_size"][at] for row in own]),
        )
        dashed.append(f"{model}, random signs")
    reporting.lines(
        places["dimension"],
        series,
        x_label="number of inputs",
        y_label="log-odds gained",
        log_x=True,
        log_y=True,
        bands=bands,
        dashed=dashed,
        note=f"A step of {epsilon:g}. Bands: lowest to highest network.",
    )
    _draw_steps(places["steps"], config, networks, results, epsilon)
    return places


def _draw_steps(
    place: Path,
    config: Any,
    networks: Mapping[str, Prepared],
    results: Mapping[str, Arrays],
    epsilon: float,
) -> None:
    """The first test images, before and after steps that stay inside [0, 1]."""
    name = logistic.name_of(config.models[-1], middle_size(config), 0)
    unit, prepared = results[name], networks[name]
    labels = unit["labels"][: len(unit["images"])]
    rows = [unit["images"]] + [
        np.clip(unit["images"] + epsilon * unit[part], 0.0, 1.0) for part in ("uphill", "signs")
    ]
    captions = []
    for images in rows:
        p = np.asarray(metrics.probabilities(prepared.classifier(np.float32(images))))
        own = p[np.arange(len(labels)), labels]
        captions.append([reporting.percent(min(float(one), 1.0 - 2.0**-24)) for one in own])
    reporting.grid(
        place,
        np.stack(rows),
        captions,
        row_names=["test image", "gradient's signs", "random signs"],
        column_names=[prepared.class_names[label] for label in labels],
    )


def middle_size(config: Any) -> int:
    """Return a size that every architecture has: 28 if it is there."""
    shared = [
        size
        for size in sorted(config.sizes)
        if {model for model, one in _groups(config) if one == size} == set(config.models)
    ]
    sizes = shared or sorted(config.sizes)
    return 28 if 28 in sizes else sizes[len(sizes) // 2]


def middle_epsilon(epsilons: list[float]) -> int:
    """Return the position of the length that is looked at closely."""
    return len(epsilons) // 2
