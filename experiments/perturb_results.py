"""Files, pictures and the page of a finished ``experiments.perturb`` run."""

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import perturb_numbers, perturb_page
from experiments.perturb_numbers import Found
from experiments.perturb_run import MEASURED, Chosen, radii
from experiments.perturb_tables import group_of
from fooljax import metrics, reporting
from fooljax.attacks import NORM_NAMES, Entry, Norm
from fooljax.runtime import files, notices
from fooljax.runtime.victim import Prepared
from fooljax.types import Classifier

NORMS: tuple[Norm, ...] = ("linf", "l2")


def write(
    folder: Path,
    config: Any,
    prepared: Prepared,
    chosen: Chosen,
    methods: Mapping[str, Entry],
    found: Found,
    diagnosis: Mapping[str, list[dict[str, Any]]] | None,
) -> dict[str, Any]:
    """Write ``results.npz``, ``table.csv``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings.
        prepared: the network.
        chosen: the images attacked.
        methods: the attacks by name.
        found: what each did.
        diagnosis: what speaks against believing it, for each norm; None if nobody asked.

    Returns:
        The summary.
    """
    files.write_npz(folder / "results.npz", arrays(config, chosen, methods, found))
    rows = [
        perturb_numbers.row(name, method, config, found[name]) for name, method in methods.items()
    ]
    write_csv(folder / "table.csv", rows)
    curves = {norm: perturb_numbers.curves(norm, methods, config, found) for norm in NORMS}
    summary = {
        "network": prepared.origin,
        "clean_accuracy": prepared.accuracy,
        "images": len(chosen.images),
        "attacks": {row["attack"]: row for row in rows},
        "worst_case": {
            norm: perturb_numbers.worst_case(norm, methods, config, found) for norm in NORMS
        },
        "curves": {
            norm: {name: {"epsilon": x, "accuracy": y} for name, (x, y) in series.items()}
            for norm, series in curves.items()
        },
        "published": perturb_numbers.published(config, chosen, methods, found),
        "doubts": perturb_numbers.doubts(methods, config, found),
        "diagnosis": diagnosis,
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }
    summary = notices.summarize(folder, summary)
    pictures = draw(folder, prepared, chosen, methods, found)
    for norm, series in curves.items():
        pictures[f"curve_{norm}"] = _draw_curve(folder / f"curve_{norm}.png", norm, series)
    perturb_page.page(folder / "report.html", summary, config, methods, pictures)
    worst = summary["worst_case"]
    for norm in NORMS:
        print(
            f"{NORM_NAMES[norm]} {worst[norm]['epsilon']:g}: all attacks together fool "
            f"{reporting.percent(worst[norm]['success'])}, noise "
            f"{reporting.percent(worst[norm]['noise_success'])}",
            file=sys.stderr,
        )
    print(f"report: {folder / 'report.html'}", file=sys.stderr)
    return summary


def arrays(
    config: Any, chosen: Chosen, methods: Mapping[str, Entry], found: Found
) -> dict[str, np.ndarray]:
    """Return everything measured, ``ATTACK.QUANTITY [e, n]``, and the images shown."""
    shown = min(config.shown, len(chosen.images))
    collected = {
        "originals": chosen.images[:shown],
        "labels": chosen.labels,
        "targets": chosen.targets,
        "places_in_test_set": chosen.places,
    }
    for name, method in methods.items():
        collected[f"{name}.epsilons"] = np.array(radii(name, method, config))
        collected[f"{name}.images"] = found[name]["images"]
        collected |= {f"{name}.{quantity}": found[name][quantity] for quantity in MEASURED}
    return collected


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the table with a column for each number; lists become several columns."""
    flat = []
    for row in rows:
        cells: dict[str, Any] = {}
        for name, value in row.items():
            ends = {"interval": ("low", "high"), "quartiles": ("q25", "median", "q75")}
            stem, _, kind = name.rpartition("_")
            if kind in ends:
                parts = value if value is not None else [None] * len(ends[kind])
                cells |= {
                    f"{stem}_{end}": part for end, part in zip(ends[kind], parts, strict=True)
                }
            else:
                cells[name] = value
        flat.append(cells)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(flat[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    files.write(path, lambda stream: stream.write(text.getvalue().encode()))


def draw(
    folder: Path,
    prepared: Prepared,
    chosen: Chosen,
    methods: Mapping[str, Entry],
    found: Found,
) -> dict[str, Path]:
    """Draw originals, changes and results, a picture for each group of attacks."""
    groups: dict[str, list[str]] = {}
    for name, method in methods.items():
        groups.setdefault(group_of(method), []).append(name)
    return {
        f"images_{group}": _draw_group(
            folder / f"images_{group}.png", names, prepared, chosen, found, group == "targeted"
        )
        for group, names in groups.items()
    }


def _draw_group(
    path: Path,
    names: Sequence[str],
    prepared: Prepared,
    chosen: Chosen,
    found: Found,
    aimed: bool,
) -> Path:
    """One row of originals, then two for each attack: what it added and what came out."""
    shown = len(found[names[0]]["images"])
    originals = chosen.images[:shown]
    said = _answers(prepared, originals)
    if aimed:
        goals = (prepared.class_names[target] for target in chosen.targets[:shown])
        said = [f"{one}\naimed at {goal}" for one, goal in zip(said, goals, strict=True)]
    rows, captions = [originals], [said]
    row_names = ["original"]
    for name in names:
        images = found[name]["images"]
        change = images - originals
        largest = np.abs(change).max(axis=(1, 2, 3))
        lengths = np.linalg.norm(change.reshape(shown, -1), axis=1)
        factor = 0.5 / np.where(largest > 0.0, largest, 1.0)
        rows += [np.clip(0.5 + change * factor[:, None, None, None], 0.0, 1.0), images]
        sizes = zip(largest, lengths, strict=True)
        captions.append([f"±{most:.2g}\nL2 {length:.2g}" for most, length in sizes])
        captions.append(_answers(prepared, images))
        row_names += [f"{name}: change", f"{name}: result"]
    return reporting.grid(
        path,
        np.stack(rows),
        captions,
        row_names=row_names,
        columns=shown,
        scale_note=(
            "Each change is stretched until its largest part (the number after ±, of a range of 1) "
            "is black or white; gray is no change."
        ),
    )


def _answers(prepared: Prepared, images: np.ndarray) -> list[str]:
    """What the network says of each image, and how sure it is."""
    sure = np.asarray(_read(prepared.classifier, images))
    names = [
        *prepared.class_names,
        *["none of these"] * (sure.shape[1] - len(prepared.class_names)),
    ]
    return [
        f"{names[top]}\n{reporting.percent(min(float(one[top]), 1.0 - 1e-9))}"
        for one, top in zip(sure, sure.argmax(axis=1), strict=True)
    ]


@jax.jit
def _read(classifier: Classifier, images: jax.Array) -> jax.Array:
    return metrics.probabilities(classifier(images))


def _draw_curve(path: Path, norm: Norm, series: Mapping[str, Any]) -> Path:
    unit = "largest change of a pixel" if norm == "linf" else "Euclidean length of the change"
    return reporting.lines(
        path,
        series,
        x_label=f"{NORM_NAMES[norm]} epsilon ({unit})",
        y_label="accuracy left",
        shares=True,
        dashed=tuple(name for name in series if name.startswith("noise")),
    )
