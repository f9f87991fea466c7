"""Numbers and pictures of a finished ``experiments.unknown`` run."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import unknown_pictures, unknown_report
from experiments.unknown_numbers import ADAPTIVE, Made, measure_bare, measure_methods
from experiments.unknown_units import FOOLING, NAIVE, PERTURBED, PUSHED, Scene
from fooljax.runtime import files, notices
from fooljax.runtime.victim import Prepared

MOST, FEW = 0.5, 0.1  # shares accepted from which on, and up to which, words are used


def write(
    folder: Path, config: Any, networks: Mapping[str, Prepared], scene: Scene, made: Made
) -> dict[str, Any]:
    """Write ``images.npz``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings, a dataclass.
        networks: by name.
        scene: clean images and outliers, networks and thresholds.
        made: what every piece of work found, by ``unit_name``.

    Returns:
        The summary.
    """
    arrays = {name: unit["images"] for name, unit in made.items() if "images" in unit}
    files.write_npz(folder / "images.npz", arrays, compress=True)
    summary = summarize(config, networks, scene, made)
    summary = notices.summarize(folder, summary)
    pictures = unknown_pictures.draw(folder, config, scene, made, summary)
    unknown_report.write(folder / "report.html", summary, config, pictures)
    for name, words in summary["in_words"].items():
        print(f"{name}: {words}", file=sys.stderr)
    print(f"report: {folder / 'report.html'}", file=sys.stderr)
    return summary


def summarize(
    config: Any, networks: Mapping[str, Prepared], scene: Scene, made: Made
) -> dict[str, Any]:
    """Return every measure with intervals over the networks, and what follows in words."""
    methods = measure_methods(scene, made)
    return {
        "headline": headline(methods, tuple(scene.families)),
        "in_words": {name: say(one["families"]) for name, one in methods.items()},
        "methods": methods,
        "bare": measure_bare(scene, made),
        "families": {
            "unrelated": list(scene.families),
            "fooling": list(FOOLING),
            "perturbed": [PERTURBED, PUSHED],
        },
        "features": {
            name: "what the last layer reads" if stage.in_features else "the logits"
            for name, stage in scene.stages.items()
        },
        "thresholds": {
            name: {
                method: [one._asdict() for one in stage.thresholds[method]] for method in methods
            }
            for name, stage in scene.stages.items()
        },
        "networks": {
            name: {"accuracy": one.accuracy, "origin": one.origin} for name, one in networks.items()
        },
        "calibration_images": len(scene.clean.calibration),
        "clean_images": len(scene.clean.labels),
        "images_of_family": {name: len(images) for name, images in scene.families.items()},
        "epsilon": config.epsilon,
        "intervals": "95 %, Student's t over the networks"
        if len(scene.stages) > 1
        else "none: there is but one network",
        "seconds": sum(float(unit["seconds"]) for unit in made.values()),
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }


def accepted(families: Mapping[str, Any], family: str, how: str) -> float:
    """Mean share accepted at the threshold that the adversary faces."""
    return float(families[f"{family}, {how}"]["accepted_95"]["mean"])


def headline(methods: Mapping[str, Any], unrelated: tuple[str, ...]) -> dict[str, Any]:
    """The best method, by the family that it accepts most of, and without the adaptive ones."""

    def worst(method: str, columns: list[tuple[str, str]]) -> tuple[float, str]:
        families = methods[method]["families"]
        return max((accepted(families, *column), ", ".join(column)) for column in columns)

    still = [(family, NAIVE) for family in (*unrelated, *FOOLING)]
    moving = [(family, ADAPTIVE) for family in (*FOOLING, PERTURBED, PUSHED)]
    found = {}
    for name, columns in (("naive", still), ("adaptive", moving)):
        best = min(methods, key=lambda method: worst(method, columns)[0])
        share, family = worst(best, columns)
        found[name] = {"method": best, "accepted_most": share, "family": family.split(",")[0]}
    return found


def say(families: Mapping[str, Any]) -> str:
    """Say in words what a method lets through, and what changes when it is attacked itself."""
    shares = {name: float(one["accepted_95"]["mean"]) for name, one in families.items()}
    still = {name.removesuffix(", naive"): s for name, s in shares.items() if name.endswith(NAIVE)}
    through = [name for name, share in still.items() if share > MOST]
    stopped = [name for name, share in still.items() if share <= FEW]
    words = [
        f"lets most of {_list(through)} through" if through else "lets no family mostly through",
        f"stops {_list(stopped)}" if stopped else "stops none",
    ]
    pairs = {
        name: (still[name], shares[f"{name}, {ADAPTIVE}"])
        for name in (*FOOLING, PERTURBED)
        if name in still
    }
    broken = [name for name, (before, after) in pairs.items() if before <= MOST < after]
    held = [name for name, (_, after) in pairs.items() if after <= FEW]
    if broken:
        words.append(f"made against the method itself, most of {_list(broken)} get through too")
    if held:
        words.append(f"of those made against it, {_list(held)} are still stopped")
    if not broken and not held:
        words.append("made against the method itself, no other kind gets through")
    return "; ".join(words)


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
