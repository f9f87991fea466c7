"""Pictures of a finished ``experiments.smooth`` run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.smooth_units import (
    BARE,
    EVOLVED,
    Scene,
    Setting,
    settings_of,
    unit_name,
)
from fooljax import reporting
from fooljax.reporting.wording import certainty
from fooljax.runtime.units import Arrays
from fooljax.types import Classifier

_CLASSES = 10


def draw(
    folder: Path, config: Any, scene: Scene, made: Mapping[str, Arrays], summary: Mapping[str, Any]
) -> dict[str, Path]:
    """Draw all pictures; return their places by name."""
    places = {
        "perturbed": _perturbed(folder / "perturbed.png", summary),
        "fooling": _fooling(folder / "fooling.png", config, summary),
        "views": _views(folder / "views.png", config, scene, made),
    }
    for name in (one for one in EVOLVED if one in config.generators):
        places[name] = _evolved(folder / f"{name}.png", config, made, summary, name)
    if summary["certified"]:
        places["certified"] = _certified(folder / "certified.png", summary)
    return places


def _perturbed(path: Path, summary: Mapping[str, Any]) -> Path:
    """A row for each defense: accuracy unchanged, attacked naively and knowingly."""
    rows = summary["settings"]
    epsilons = list(rows[BARE]["perturbed"])
    columns = ["unchanged"]
    for epsilon in epsilons:
        columns += [f"{epsilon}, not knowing", f"{epsilon}, knowing"]
    values = []
    for row in rows.values():
        line = [row["clean_accuracy"]["mean"]]
        for epsilon in epsilons:
            one = row["perturbed"][epsilon]
            line += [one["right_naive"]["mean"], one["right_adaptive"]["mean"]]
        values.append(line)
    return reporting.matrix(
        path, values, list(rows), columns, label="share of test images still right"
    )


def _fooling(path: Path, config: Any, summary: Mapping[str, Any]) -> Path:
    """A row for each defense: how sure it is of images that show nothing."""
    rows = summary["settings"]
    columns = [f"{name}, {how}" for name in config.generators for how in ("not knowing", "knowing")]
    values = [
        [
            row["fooling"][name][f"{how}_confidence"]["mean"]
            for name in config.generators
            for how in ("naive", "adaptive")
        ]
        for row in rows.values()
    ]
    return reporting.matrix(
        path, values, list(rows), columns, label="median confidence in fooling images"
    )


def _look(params: Any, images: Any) -> Any:
    return images.reshape(len(images), -1)


def seen(setting: Setting, images: Any) -> np.ndarray:
    """What a network behind a defense sees, one draw of it; cut off at 0 and 1."""
    shape = images.shape[1:]
    eye = Classifier(None, _look, shape, int(np.prod(shape)))
    if setting.random is not None:
        behind = setting.random(jax.random.key(0), eye)
    else:
        behind = setting.defend(eye)
    return np.clip(np.asarray(behind(images)).reshape(images.shape), 0.0, 1.0)


def _views(path: Path, config: Any, scene: Scene, made: Mapping[str, Arrays]) -> Path:
    """A test image, and images evolved against the bare network, behind every defense."""
    settings = settings_of(config)
    bare = made[unit_name(settings[0], 0)]
    shown = np.stack(
        [np.asarray(scene.images[0]), *(bare[f"{name}-images"][0] for name in config.generators)]
    )
    views = np.stack([seen(setting, shown) for setting in settings])
    rows = ["test image", *config.generators]
    return reporting.grid(
        path,
        np.moveaxis(views, 0, 1),
        [[setting.name for setting in settings] for _ in rows],
        row_names=rows,
    )


def _evolved(
    path: Path, config: Any, made: Mapping[str, Arrays], summary: Mapping[str, Any], name: str
) -> Path:
    """Images evolved against the first network behind every defense."""
    settings = settings_of(config)
    units = [made[unit_name(setting, 0)] for setting in settings]
    images = np.stack([unit[f"{name}-images"][:_CLASSES] for unit in units])
    sure = [unit[f"{name}-confidence"][:_CLASSES] for unit in units]
    return reporting.grid(
        path,
        images,
        [[certainty(float(one)) for one in row] for row in sure],
        row_names=[setting.name for setting in settings],
        column_names=summary["class_names"][:_CLASSES],
    )


def _certified(path: Path, summary: Mapping[str, Any]) -> Path:
    """Share of test images that are certainly right, against the radius."""
    series, bands = {}, {}
    for sigma, one in summary["certified"].items():
        name = f"noise {sigma}"
        radii, mean = np.array(one["radii"]), np.array(one["accuracy"])
        series[name] = (radii, mean)
        low, high = np.array(one["accuracy_low"]), np.array(one["accuracy_high"])
        if np.isfinite(low).all():
            bands[name] = (low, high)
    return reporting.lines(
        path,
        series,
        x_label="Euclidean length of the change",
        y_label="share certified and right",
        shares=True,
        bands=bands,
    )
