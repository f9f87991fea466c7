"""Pictures of a finished ``experiments.retrain`` run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.retrain_images import MAKERS
from experiments.retrain_units import CONTROL, Scene, unit_name
from fooljax import reporting
from fooljax.runtime.units import Arrays

_CURVES = 5


def names(count: int) -> list[str]:
    """Names of the networks, in their order."""
    return [f"DNN {i}" for i in range(1, count + 1)]


def draw(
    folder: Path, config: Any, scene: Scene, made: Mapping[str, Arrays], summary: Mapping[str, Any]
) -> dict[str, Path]:
    """Draw all pictures; return their places by name."""
    maker = summary["headline_attack"]
    networks = range(1, config.networks + 1)
    images = np.stack([made[unit_name(i, maker)]["images"][0] for i in networks]) / 255.0
    told = [made[unit_name(i, "answers")][unit_name(i, maker)][0] for i in networks]
    columns = scene.train.num_classes
    places = {
        "gallery": reporting.gallery(
            folder / "gallery.png",
            images,
            np.stack([np.diagonal(one[:, :columns]) for one in told]),
            summary["class_names"],
            row_names=names(config.networks),
            max_pictures=max(100, min(columns, 10) * config.networks),
        ),
        "medians": _medians(folder / "medians.png", config, summary),
        "curves": _curves(folder / "curves.png", config, made, maker),
        "unrelated": reporting.matrix(
            folder / "unrelated.png",
            *_detection(summary),
            names(config.networks),
            label="share called fooling",
            row_label="images",
            column_label="shown to",
        ),
    }
    for kind, matrix in summary["called_fooling_by_pair"].items():
        places[f"pairs {kind}"] = reporting.matrix(
            folder / f"pairs_{kind}.png",
            matrix,
            names(config.networks),
            names(config.networks),
            label="share called fooling",
            row_label="made for",
            column_label="shown to",
        )
    return places


def _medians(path: Path, config: Any, summary: Mapping[str, Any]) -> Path:
    """Median confidence of images made anew, network after network."""
    x = np.arange(1, config.networks + 1)
    series, bands, dashed = {}, {}, []
    for maker, of in summary["attacks"].items():
        series[MAKERS[maker]] = (x, of["median"])
        if not np.isnan(of["median_low"]).any():
            bands[MAKERS[maker]] = (of["median_low"], of["median_high"])
    if "cppn" in summary["trained_on"]:
        paper = summary["paper_median"][: config.networks]
        series["the paper's, MNIST"] = (x[: len(paper)], paper)
        dashed.append("the paper's, MNIST")
    return reporting.lines(
        path,
        series,
        x_label="network: 1 has seen no fooling images, each later one more of them",
        y_label="median confidence in new images",
        shares=True,
        bands=bands,
        dashed=dashed,
    )


def _curves(path: Path, config: Any, made: Mapping[str, Arrays], maker: str) -> Path:
    """Median confidence by generation, for a few networks."""
    chosen = np.unique(np.linspace(1, config.networks, min(_CURVES, config.networks)).astype(int))
    series = {}
    for index in (*chosen, CONTROL):
        trace = made[unit_name(int(index), maker)]["trace"]
        name = "not retrained" if index == CONTROL else f"DNN {index}"
        series[name] = (np.arange(1, len(trace) + 1), np.median(trace, axis=(1, 2)))
    return reporting.lines(
        path,
        series,
        x_label="generation",
        y_label="median confidence",
        log_x=True,
        shares=True,
        dashed=("not retrained",),
    )


def _detection(summary: Mapping[str, Any]) -> tuple[np.ndarray, list[str]]:
    """Shares called fooling and the kinds of images, those made anew first."""
    rows = {"real test images": summary["clean_called_fooling"]}
    for maker, matrix in summary["called_fooling_by_pair"].items():
        rows[f"{maker}, made for DNN 1"] = matrix[0]
        rows[f"{maker}, made anew"] = list(np.diagonal(matrix))
    rows |= summary["called_fooling_unrelated"]
    return np.array(list(rows.values())), list(rows)
