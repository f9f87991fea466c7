"""Pictures of a finished ``experiments.transfer`` run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.transfer_generators import GENERATORS
from fooljax import metrics, reporting
from fooljax.runtime.victim import Prepared

if TYPE_CHECKING:
    from experiments.transfer_results import Shown

RELATIONS = {
    "itself": "the network itself",
    "other weights": "a network of other weights",
    "other architecture": "a network of another architecture",
}
MEASURES = {
    "same_label": "share given the label in question",
    "sure_label": "share given it with certainty",
    "any_label": "share fooled, whatever the label",
    "confidence": "mean confidence in the label in question",
}
DRAWN = ("same_label", "any_label", "confidence")  # as matrices
_COLUMNS = 8


def draw(
    folder: Path, networks: Mapping[str, Prepared], shown: Mapping[str, "Shown"], summary: Any
) -> dict[str, Path]:
    """Draw everything; return the places by name."""
    places = {}
    for name, measured in summary["generators"].items():
        for measure in DRAWN:
            places[f"{measure}_{name}"] = reporting.matrix(
                folder / f"{measure}_{name}.png",
                measured["matrices"][measure]["mean"],
                list(networks),
                list(networks),
                label=MEASURES[measure],
                row_label="made for",
                column_label="shown to",
            )
        places[f"examples_{name}"] = _examples(
            folder / f"examples_{name}.png", name, networks, summary["architectures"], shown[name]
        )
    places["overview"] = _overview(folder / "overview.png", summary)
    for relation, words in RELATIONS.items():
        file = folder / f"sure_for_{relation.replace(' ', '_')}.png"
        series = {
            name: (1.0 - np.array(summary["confidences"]), np.array(curves[relation]))
            for name, curves in summary["sure_by_confidence"].items()
            if not np.isnan(curves[relation]).any()
        }
        if series:
            places[f"sure_{relation}"] = reporting.lines(
                file,
                series,
                x_label="doubt allowed (1 - confidence)",
                y_label=f"share named by {words}",
                log_x=True,
                shares=True,
            )
    return places


def _overview(path: Path, summary: Any) -> Path:
    """Generators from top to bottom, how the networks are related from left to right."""
    generators = summary["generators"]
    related = [
        name
        for name in RELATIONS
        if not np.isnan(next(iter(generators.values()))["rates"][name]["same_label"]["mean"])
    ]
    read = lambda key: np.array(
        [
            [
                one["rates"][name]["any_label" if one["kind"] == "perturbed" else "same_label"][key]
                for name in related
            ]
            for one in generators.values()
        ]
    )
    mean = read("mean")
    # cut off at 0 or 1 the interval is lopsided: its longer side is the honest one
    doubt = np.maximum(mean - read("low"), read("high") - mean)
    return reporting.matrix(
        path,
        mean,
        list(generators),
        related,
        label="share of images that fool",
        row_label="images",
        column_label="shown to",
        intervals=doubt,
    )


def _examples(
    path: Path,
    generator: str,
    networks: Mapping[str, Prepared],
    architectures: Sequence[str],
    shown: "Shown",
) -> Path:
    """A few images made for two networks, and what those and others say of them."""
    names = list(networks)
    class_names = next(iter(networks.values())).class_names
    columns = np.linspace(0, shown.labels.shape[2] - 1, _COLUMNS).astype(int)
    columns = np.unique(columns)
    rows = [0, len(names) - 1]
    probabilities = np.asarray(metrics.probabilities(shown.logits[0]))[..., : len(class_names)]
    perturbed = GENERATORS[generator].kind == "perturbed"

    def caption(row: int, column: int) -> str:
        says = []
        for other in _witnesses(architectures, row):
            shares = np.nan_to_num(probabilities[row, other, column])
            answer = int(shares.argmax())
            says.append(f"{names[other]}: {class_names[answer]}, {_short(shares[answer])}")
        label = class_names[shown.labels[0, row, column]]
        return "\n".join([f"{'is' if perturbed else 'to be'} {label}", *says])

    return reporting.grid(
        path,
        shown.images[0][rows][:, columns],
        [[caption(row, column) for column in columns] for row in rows],
        row_names=[f"for {names[row]}" for row in rows],
        columns=_COLUMNS,
    )


def _short(confidence: float) -> str:
    """A confidence in few characters, never rounded to certainty."""
    return ">99.9 %" if confidence > 0.999 else f"{min(100 * confidence, 99.9):.3g} %"


def _witnesses(architectures: Sequence[str], row: int) -> list[int]:
    """The network itself, one of its architecture and one of another, if there are such."""
    others = [i for i in range(len(architectures)) if i != row]
    alike = [i for i in others if architectures[i] == architectures[row]]
    unlike = [i for i in others if i not in alike]
    return [row, *alike[:1], *unlike[:1]]
