"""The pictures of a finished ``experiments.foolbench`` run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.foolbench_results import ADVERSARIES, find
from experiments.foolbench_units import certainty, made_name
from fooljax import reporting
from fooljax.reporting import percent
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared


def draw(
    folder: Path,
    config: Any,
    summary: Mapping[str, Any],
    plain: Prepared,
    made: Mapping[str, Arrays],
) -> dict[str, Path]:
    """Draw one table for each adversary, and the images made for each defense."""
    tables = {f"accepted {one}": _accepted(folder, summary, one) for one in ADVERSARIES}
    return tables | {
        f"images for {name}": _images(folder, config, name, plain, made) for name in config.defenses
    }


def _accepted(folder: Path, summary: Mapping[str, Any], adversary: str) -> Path:
    """Draw the share accepted of every kind of images by every network."""
    defenses, generators = list(summary["defenses"]), list(summary["generators"])
    cells = [
        [find(summary, defense, generator, adversary)["accepted_95"] for generator in generators]
        for defense in defenses
    ]
    values = np.array([[cell["mean"] for cell in row] for row in cells])
    wide = np.array([[(cell["high"] - cell["low"]) / 2 for cell in row] for row in cells])
    return reporting.matrix(
        folder / f"accepted_{adversary}.png",
        values,
        defenses,
        generators,
        label="share accepted, 95 % of clean images being so",
        row_label="defense",
        column_label=f"fooling images, {adversary} adversary",
        intervals=wide,
    )


def _images(
    folder: Path, config: Any, defense: str, plain: Prepared, made: Mapping[str, Arrays]
) -> Path:
    """Draw what was made for a network: a row for each kind, of the first seed."""
    k, most = plain.classifier.num_classes, 10
    rows, captions, names = [], [], []
    for generator in config.generators:
        name = made_name(defense, generator, 0)
        if name not in made:
            continue
        images, logits = made[name]["images"], made[name]["logits"]
        order = np.arange(min(most, len(images)))
        odds = certainty(logits[order], k)
        answers = logits[order].argmax(axis=1)
        said = [plain.class_names[one] if one < k else "none" for one in answers]
        sure = 1.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0)))
        lines = [f"{word}\n{percent(_rounded(one))}" for word, one in zip(said, sure, strict=True)]
        blank = most - len(order)
        rows.append(np.concatenate([images[order], np.ones((blank, *images.shape[1:]))]))
        captions.append(lines + [""] * blank)
        names.append(generator)
    return reporting.grid(
        folder / f"images_{defense}.png", np.stack(rows), captions, row_names=names
    )


def _rounded(share: float) -> float:
    return float(np.round(np.float32(share), 5))
