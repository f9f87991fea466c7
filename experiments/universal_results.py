"""Numbers and pictures of a finished ``experiments.universal`` run."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import universal_report
from experiments.universal_units import RANDOM, Scene, choose, counts, epsilon_of, unit_name
from fooljax import analysis, reporting
from fooljax.data import as_float
from fooljax.runtime import files, notices
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared

_EXAMPLES = 8
_TOP = 3


def write(
    folder: Path,
    config: Any,
    networks: Mapping[str, Prepared],
    scene: Scene,
    made: Mapping[str, Arrays],
) -> dict[str, Any]:
    """Write ``perturbations.npz``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings, a dataclass.
        networks: by name.
        scene: images, and the networks' answers to them.
        made: what every piece of work found, by ``unit_name``.

    Returns:
        The summary.
    """
    arrays = {name: unit["perturbation"] for name, unit in made.items()}
    files.write_npz(folder / "perturbations.npz", arrays, compress=True)
    summary = summarize(config, networks, scene, made)
    summary = notices.summarize(folder, summary)
    pictures = draw(folder, config, scene, made, summary)
    universal_report.write(folder / "report.html", summary, config, pictures)
    first = summary["headline"]
    print(
        f"{first['model']}, {first['method']}, {first['norm']}: {100 * first['held_out']:.1f} % of "
        f"held-out images fooled, {100 * first['random']:.1f} % by random changes of that size\n"
        f"report: {folder / 'report.html'}",
        file=sys.stderr,
    )
    return summary


def summarize(
    config: Any, networks: Mapping[str, Prepared], scene: Scene, made: Mapping[str, Arrays]
) -> dict[str, Any]:
    """Return the rates with intervals over the repeats, the matrices and the labels."""
    everything = len(scene.train)
    names = list(networks)
    several = lambda *what: [made[unit_name(*what, i)] for i in range(config.repeats)]
    over = lambda shares: analysis.over_repeats(shares)._asdict()
    random = {norm: several(RANDOM, RANDOM, norm, 0) for norm in config.norms}
    results, sizes, transfer, alike = {}, {}, {}, {}
    for method in config.methods:
        for norm in config.norms:
            of = {name: several(name, method, norm, everything) for name in names}
            control = np.array([unit["rates"] for unit in random[norm]])
            held = np.array([[unit["rates"] for unit in of[name]] for name in names])
            kind = f"{method} {norm}"
            results[kind] = {
                name: {
                    "held_out": over(held[i, :, i]),
                    "fit": over([unit["fit"] for unit in of[name]]),
                    "random": over(control[:, i]),
                    "times_random": _ratio(held[i, :, i].mean(), control[:, i].mean()),
                }
                for i, name in enumerate(names)
            }
            transfer[kind] = np.concatenate([held, control[None]]).mean(axis=1)
            alike[kind] = {
                name: _alike([unit["perturbation"] for unit in of[name]]) for name in names
            }
            by_count = {
                count: several(names[0], method, norm, count)
                for count in counts(config, everything)
            }
            sizes[kind] = {
                "images": list(by_count),
                "held_out": [over([u["rates"][0] for u in us]) for us in by_count.values()],
                "held_out_per_repeat": [[u["rates"][0] for u in us] for us in by_count.values()],
                "fit": [over([u["fit"] for u in us]) for us in by_count.values()],
            }
    kind = f"{config.methods[0]} {config.norms[0]}"
    first = results[kind][names[0]]
    prepared = networks[names[0]]
    return {
        "headline": {
            "model": names[0],
            "method": config.methods[0],
            "norm": config.norms[0],
            "epsilon": epsilon_of(config, config.norms[0]),
            "fit": first["fit"]["mean"],
            "held_out": first["held_out"]["mean"],
            "random": first["random"]["mean"],
            "times_random": first["times_random"],
        },
        "networks": {
            name: {"accuracy": one.accuracy, "origin": one.origin} for name, one in networks.items()
        },
        "class_names": list(prepared.class_names),
        "epsilon": {norm: epsilon_of(config, norm) for norm in config.norms},
        "target": config.target,
        "train_images": everything,
        "test_images": len(scene.test),
        "repeats": config.repeats,
        "intervals": "95 %, Student's t over the repeats; the networks are the same in all",
        "universal": results,
        "sizes": sizes,
        "transfer_rows": [*names, RANDOM],
        "transfer_columns": names,
        "transfer": transfer,
        "cosine_between_repeats": alike,
        "labels": _labels(config, scene, made, prepared.class_names),
        "seconds": sum(float(unit["seconds"]) for unit in made.values()),
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }


def _ratio(share: float, control: float) -> float | None:
    """How many times the control; None where that is zero."""
    return float(share / control) if control > 0.0 else None


def _alike(perturbations: list[np.ndarray]) -> float | None:
    """Mean cosine between the perturbations of different repeats."""
    flat = np.stack([one.ravel() for one in perturbations])
    flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
    upper = np.triu_indices(len(flat), 1)
    return float(np.mean((flat @ flat.T)[upper])) if len(flat) > 1 else None


def _labels(
    config: Any, scene: Scene, made: Mapping[str, Arrays], class_names: tuple[str, ...]
) -> dict[str, Any]:
    """The most frequent answers of every network in the first repeat, with their shares."""

    def most(answers: np.ndarray) -> list[tuple[str, float]]:
        found, times = np.unique(answers, return_counts=True)
        top = np.argsort(-times, kind="stable")[:_TOP]
        name = lambda label: class_names[label] if 0 <= label < len(class_names) else "none"
        return [(name(found[i]), float(times[i] / len(answers))) for i in top]

    table = {}
    for place, name in enumerate(scene.classifiers):
        table[name] = {"unchanged": most(scene.clean[name])}
        for method in config.methods:
            for norm in config.norms:
                unit = made[unit_name(name, method, norm, len(scene.train), 0)]
                table[name][f"{method} {norm}"] = most(unit["answers"][place])
    return table


def draw(
    folder: Path, config: Any, scene: Scene, made: Mapping[str, Arrays], summary: Mapping[str, Any]
) -> dict[str, Path]:
    """Draw all pictures; return their places by name."""
    places = {
        "perturbations": _perturbations(folder / "perturbations.png", config, scene, made),
        "examples": _examples(folder / "examples.png", config, scene, made, summary),
    }
    if all(len(one["images"]) > 1 for one in summary["sizes"].values()):
        places["sizes"] = _sizes(folder / "sizes.png", config, summary)
    for kind, matrix in summary["transfer"].items():
        places[f"transfer {kind}"] = reporting.matrix(
            folder / f"transfer_{kind.replace(' ', '_')}.png",
            matrix,
            summary["transfer_rows"],
            summary["transfer_columns"],
            label="share of held-out images fooled",
            row_label="made for",
            column_label="shown to",
        )
    return places


def _perturbations(path: Path, config: Any, scene: Scene, made: Mapping[str, Arrays]) -> Path:
    """One row for each method and norm, one column for each network; first repeat."""
    kinds = [(method, norm) for method in config.methods for norm in config.norms]
    name = lambda model, method, norm: unit_name(model, method, norm, len(scene.train), 0)
    rows = [
        [
            *(made[name(model, *kind)]["perturbation"] for model in scene.classifiers),
            made[unit_name(RANDOM, RANDOM, kind[1], 0, 0)]["perturbation"],
        ]
        for kind in kinds
    ]
    size = lambda one: f"most {np.abs(one).max():.3f}\nlength {np.linalg.norm(one):.2f}"
    shown = [[0.5 + 0.5 * one / max(np.abs(one).max(), 1e-12) for one in row] for row in rows]
    return reporting.grid(
        path,
        np.clip(np.array(shown), 0.0, 1.0),
        [[size(one) for one in row] for row in rows],
        row_names=[f"{method} {norm}" for method, norm in kinds],
        column_names=[*scene.classifiers, RANDOM],
        scale_note="Each is enlarged so that its own largest change is black or white; grey is no "
        "change. Below: its true largest change and Euclidean length (black to white is 1).",
    )


def _examples(
    path: Path, config: Any, scene: Scene, made: Mapping[str, Arrays], summary: Mapping[str, Any]
) -> Path:
    """The first network's answers to a few held-out images, as they are and changed."""
    first = summary["headline"]
    chosen = np.linspace(0, len(scene.test) - 1, min(_EXAMPLES, len(scene.test))).astype(int)
    images = np.asarray(as_float(choose(scene.test, chosen)))
    learned = made[unit_name(first["model"], first["method"], first["norm"], len(scene.train), 0)]
    random = made[unit_name(RANDOM, RANDOM, first["norm"], 0, 0)]
    answers = [scene.clean[first["model"]], learned["answers"][0], random["answers"][0]]
    names = summary["class_names"]
    say = lambda label: names[label] if 0 <= label < len(names) else "none"
    changes = [0.0, learned["perturbation"], random["perturbation"]]
    return reporting.grid(
        path,
        np.stack([np.clip(images + change, 0.0, 1.0) for change in changes]),
        [[say(row[i]) for i in chosen] for row in answers],
        row_names=["as it is", "with the universal change", "with a random change"],
    )


def _sizes(path: Path, config: Any, summary: Mapping[str, Any]) -> Path:
    """Fooling rates against the number of images learned from."""
    series, bands, dashed = {}, {}, []
    model = summary["headline"]["model"]
    for kind, measured in summary["sizes"].items():
        x, rates = np.array(measured["images"], float), np.array(measured["held_out_per_repeat"])
        series[kind] = (x, rates.mean(axis=1))
        bands[kind] = (rates.min(axis=1), rates.max(axis=1))
    for norm in config.norms:
        level = summary["universal"][f"{config.methods[0]} {norm}"][model]["random"]["mean"]
        name = f"random {norm}"
        series[name] = (x, np.full(len(x), level))
        dashed.append(name)
    return reporting.lines(
        path,
        series,
        x_label="images learned from",
        y_label="share of held-out images fooled",
        log_x=True,
        shares=True,
        bands=bands,
        dashed=tuple(dashed),
    )
