"""Pictures of a finished ``experiments.unknown`` run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.unknown_images import NOISE
from experiments.unknown_numbers import ADAPTIVE, Made, columns_of, right_answers, unit_of
from experiments.unknown_units import CLEAN, FOOLING, NAIVE, PERTURBED, Scene, unit_name
from fooljax import metrics, reporting

_GRID = np.linspace(0.0, 1.0, 101)
_LEAST_COVERAGE = 0.2  # below, a handful of images decides


def draw(
    folder: Path, config: Any, scene: Scene, made: Made, summary: Mapping[str, Any]
) -> dict[str, Path]:
    """Draw all pictures; return their places by name."""
    natural = [(family, NAIVE) for family in scene.families if family not in NOISE]
    noise = [(family, NAIVE) for family in NOISE]
    groups = {
        "outliers": natural,
        "noise": noise,
        "naive": [(family, NAIVE) for family in FOOLING],
        "adaptive": [(family, ADAPTIVE) for family in FOOLING],
    }
    places = {
        f"roc {name}": _roc(folder / f"roc_{name}.png", scene, made, columns)
        for name, columns in groups.items()
    }
    places["unrelated"] = _accepted(folder / "accepted_unrelated.png", summary, [*natural, *noise])
    made_columns = [one for one in columns_of(scene) if one not in natural and one not in noise]
    places["made"] = _accepted(folder / "accepted_made.png", summary, made_columns)
    places["coverage"] = _coverage(folder / "coverage.png", scene, made)
    places["gallery"] = _gallery(folder / "gallery.png", scene, made)
    places["families"] = _families(folder / "families.png", scene)
    return places


def _accepted(path: Path, summary: Mapping[str, Any], columns: list[tuple[str, str]]) -> Path:
    """A row for each method, a column for each family: the share accepted."""
    names = [", ".join(one) for one in columns]
    every = [
        [one["families"][name]["accepted_95"] for name in names]
        for one in summary["methods"].values()
    ]
    # networks that agree differ by rounding
    wide = lambda cell: round(max(cell["high"] - cell["mean"], cell["mean"] - cell["low"]), 6)
    doubts = [[wide(cell) for cell in row] for row in every]
    plain = all(how == NAIVE for _, how in columns)
    return reporting.matrix(
        path,
        [[cell["mean"] for cell in row] for row in every],
        list(summary["methods"]),
        [family for family, _ in columns] if plain else names,
        label="share accepted",
        row_label="method",
        column_label="images",
        intervals=doubts,
    )


def _roc(path: Path, scene: Scene, made: Made, columns: list[tuple[str, str]]) -> Path:
    """Clean images accepted against those of all these families together, by method."""
    series, bands = {}, {}
    for method in next(iter(scene.stages.values())).scores:
        curves = []
        for network in scene.stages:
            known = made[unit_name(network, CLEAN, NAIVE)][f"score_{method}"]
            others = [
                unit_of(made, network, family, how, method)[f"score_{method}"]
                for family, how in columns
            ]
            curve = metrics.roc_curve(known, np.concatenate(others))
            curves.append(_highest(curve.false_positives, curve.true_positives))
        series[method] = (_GRID, np.mean(curves, axis=0))
        bands[method] = (np.min(curves, axis=0), np.max(curves, axis=0))
    return reporting.lines(
        path,
        {name: (100.0 * x, y) for name, (x, y) in series.items()},
        x_label="share of the images to be rejected that is accepted, %",
        y_label="share of clean images accepted",
        shares=True,
        bands=bands,
    )


def _highest(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Read a rising curve on the grid; where it jumps, its upper end."""
    last = np.append(np.diff(x) > 0.0, True)
    return np.interp(_GRID, x[last], y[last])


def _coverage(path: Path, scene: Scene, made: Made) -> Path:
    """Mistakes on what is accepted, against how much is accepted; clean images."""
    grid, series, bands = np.linspace(_LEAST_COVERAGE, 1.0, 81), {}, {}
    for method in next(iter(scene.stages.values())).scores:
        curves = []
        for network in scene.stages:
            scores = made[unit_name(network, CLEAN, NAIVE)][f"score_{method}"]
            curve = metrics.coverage_curve(scores, right_answers(scene, made, network))
            curves.append(np.interp(grid, curve.coverage, 100.0 * (1.0 - curve.accuracy)))
        series[method] = (100.0 * grid, np.mean(curves, axis=0))
        bands[method] = (np.min(curves, axis=0), np.max(curves, axis=0))
    return reporting.lines(
        path,
        series,
        x_label="share of clean images accepted, %",
        y_label="wrong answers among them, %",
        bands=bands,
    )


def _gallery(path: Path, scene: Scene, made: Made) -> Path:
    """Images made against each method of the first network: the first class, or the first image."""
    network, stage = next(iter(scene.stages.items()))
    families, rows, captions = (*FOOLING, PERTURBED), [], []
    for method in stage.scores:
        units = [unit_of(made, network, family, ADAPTIVE, method) for family in families]
        limit = stage.thresholds[method][0].value
        rows.append([unit["images"][0] for unit in units])
        captions.append([_verdict(stage, unit, method, limit) for unit in units])
    return reporting.grid(
        path,
        np.clip(np.array(rows), 0.0, 1.0),
        captions,
        row_names=list(stage.scores),
        column_names=list(families),
    )


def _verdict(stage: Any, unit: Mapping[str, np.ndarray], method: str, limit: float) -> str:
    logits = unit["logits"][0]
    answer = int(np.argmax(logits[: stage.classifier.num_classes]))
    sure = float(np.asarray(metrics.probabilities(logits[None]))[0, answer])
    if unit[f"score_{method}"][0] < limit:
        return "unknown"
    return f"class {answer}\n{reporting.percent(min(sure, 1.0))}"


def _families(path: Path, scene: Scene) -> Path:
    """A few images of each family that nobody made against a network, and clean ones."""
    shown = {"clean": np.asarray(scene.clean.images), **scene.families}
    few = min(8, *(len(images) for images in shown.values()))
    pick = lambda images: images[np.linspace(0, len(images) - 1, few).astype(int)]
    return reporting.grid(
        path,
        np.clip(np.stack([pick(images) for images in shown.values()]), 0.0, 1.0),
        [[""] * few for _ in shown],
        row_names=list(shown),
    )
