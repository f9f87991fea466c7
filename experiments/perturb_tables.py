"""The tables on the page of an ``experiments.perturb`` run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fooljax import reporting
from fooljax.attacks import NORM_NAMES, Entry
from fooljax.reporting import Html, details, paragraph, strong, table

GROUPS = {
    "nearest": "that look for the nearest wrong image",
    "linf": "within a largest change of a pixel (Linf)",
    "l2": "within a Euclidean length of the change (L2)",
    "l1": "within a sum of all changes (L1)",
    "targeted": "toward a random other class",
}


def group_of(method: Entry) -> str:
    """Return the group an attack is shown in."""
    if method.aimed:
        return "targeted"
    return "nearest" if method.kind == "nearest" else method.norm


def attacks(summary: Mapping[str, Any], methods: Mapping[str, Entry]) -> Iterator[Html]:
    """All attacks in groups, then the worst case of all together."""
    header = (
        "Attack",
        "Epsilon",
        "Fooled (95 % interval)",
        "Mean confidence in the error",
        "L2 median (quartiles)",
        "Linf median",
        "Pixels changed",
        "Forward passes",
        "Gradients",
        "Time per image",
    )
    groups: dict[str, list[Sequence[str]]] = {}
    for name, row in summary["attacks"].items():
        groups.setdefault(group_of(methods[name]), []).append(_cells(row))
    for group, words in GROUPS.items():
        if group in groups:
            yield table(header, groups[group], f"Attacks {words}")
    yield paragraph(
        "Distances and confidence are those of successes only, so an attack that fools only the "
        "easy images looks nearer than it is; compare rows with similar rates. For attacks without "
        "an epsilon the share in brackets succeeded within the table's epsilon. Passes are a mean "
        "for each image. Times are of the fastest batch on one machine and say little about "
        "another."
    )
    for norm in ("linf", "l2"):
        worst = summary["worst_case"][norm]
        low, high = worst["success_interval"]
        strongest = f" The strongest alone is {worst['strongest']}." if worst["strongest"] else ""
        fooled, robust = worst["success"], 1.0 - worst["success"]
        yield paragraph(
            strong(f"Worst case in {NORM_NAMES[norm]} {worst['epsilon']:g}: "),
            f"taking for each image whatever attack succeeded, {reporting.percent(fooled)} are "
            f"fooled (95 % interval {100 * low:.0f} to {100 * high:.0f} %), so at most "
            f"{reporting.percent(robust)} are robust.{strongest}",
        )
    yield details(
        "What each attack does",
        table(
            ("Attack", "What it does"), [(name, method.about) for name, method in methods.items()]
        ),
    )


def published(summary: Mapping[str, Any]) -> Iterator[Html]:
    """Numbers beside those that papers print."""
    rows = []
    for line in summary["published"]:
        show = reporting.percent if line["unit"] == "percent" else lambda value: f"{value:.3g}"
        there = "; ".join(
            f"{show(value)} ({net})" for net, value in line["published_on_mnist"].items()
        )
        here = "not reached" if line["here"] is None else show(line["here"])
        rows.append((line["quantity"], here, there))
    if not rows:
        yield paragraph("None of the attacks that ran has published numbers to compare with.")
        return
    yield table(("Quantity", "Here", "Published (network), all on MNIST"), rows)
    yield paragraph(
        "Relative length is the Euclidean length of the change over that of the image. Other "
        f"networks and other images give other numbers (here: {summary['network']}); what should "
        "agree is their order: one step must go much farther than attacks that look for the "
        "nearest image. Published errors count all test images, these only images that were right "
        "before. The published L-BFGS numbers are aimed at one class, and their distance term is "
        "another."
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    rate = reporting.percent(row["success"])
    low, high = row["success_interval"]
    if row["epsilon"] is None:
        rate += f" [{reporting.percent(row['success_within_epsilon'])}]"
    return (
        row["attack"],
        "—" if row["epsilon"] is None else f"{row['epsilon']:g}",
        f"{rate} ({100 * low:.0f} to {100 * high:.0f} %)",
        "—" if row["confidence"] is None else reporting.percent(row["confidence"]),
        _spread(row["l2_quartiles"]),
        "—" if row["linf_quartiles"] is None else f"{row['linf_quartiles'][1]:.3g}",
        "—" if row["l0_quartiles"] is None else reporting.percent(row["l0_quartiles"][1]),
        f"{row['forwards']:,.0f}",
        f"{row['gradients']:,.0f}",
        _milliseconds(1000 * row["seconds_per_image"]),
    )


def _milliseconds(time: float) -> str:
    return f"{time:,.0f} ms" if time >= 100 else f"{time:.3g} ms"


def _spread(quartiles: Sequence[float] | None) -> str:
    if quartiles is None:
        return "—"
    low, middle, high = quartiles
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"
