"""The tables at the end of the page of ``experiments.unknown``, and how to repeat the run."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fooljax import reporting
from fooljax.reporting import Html, details, figure, paragraph, percent, table
from fooljax.reporting.readings import flat
from fooljax.runtime.settings import command_of

_MEASURES = {
    "accepted_95": "accepted, 95 % of clean are",
    "accepted_99": "accepted, 99 % of clean are",
    "auroc": "AUROC",
    "aupr_id_pos": "AUPR, clean positive",
    "aupr_ood_pos": "AUPR, outliers positive",
    "fpr95_id_pos": "FPR95, clean positive",
    "fpr95_ood_pos": "FPR95, outliers positive",
}


def share(value: float | None) -> str:
    """A share in [0, 1] in percent, to one decimal."""
    if value is None or math.isnan(value):
        return "not measured"
    return percent(min(max(round(float(value), 3), 0.0), 1.0)).replace(" ", "\N{NO-BREAK SPACE}")


def told(rate: Mapping[str, float]) -> str:
    """A mean with its interval."""
    if math.isnan(rate["low"]):
        return share(rate["mean"])
    return f"{share(rate['mean'])} ({share(rate['low'])} to {share(rate['high'])})"


def clean(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    """What each method does to real images."""
    rows = [
        (name, *(told(one["clean"][key]) for key in one["clean"]))
        for name, one in summary["methods"].items()
    ]
    yield table(
        ("Method", "accepted (95 %)", "right among them", "accepted (99 %)", "right among them"),
        rows,
        "Clean test images that had no part in setting the thresholds",
    )
    yield figure(
        pictures["coverage"],
        "Wrong answers among accepted clean images against the share accepted.",
        "Rejecting also helps on real images where a score is low for those that the network "
        "gets wrong: the line then falls to the left.",
    )


def bare(summary: Mapping[str, Any]) -> Iterator[Html]:
    """How sure the network is that cannot reject."""
    clean = summary["bare"]["clean"]
    yield paragraph(
        f"The bare network is right about {told(clean['accuracy'])} of the clean images; its "
        "expected calibration error (15 bins) is "
        f"{told(clean['calibration_error'])}. It answers every image. How sure it is:"
    )
    rows = [
        (
            name,
            *(
                told(one[key])
                for key in ("mean", "median", "quantile_95", "share_95", "share_99", "share_9999")
            ),
        )
        for name, one in summary["bare"].items()
    ]
    yield table(
        (
            "Images",
            "mean confidence",
            "median",
            "95 % quantile",
            "share from 0.95",
            "from 0.99",
            "from 0.9999",
        ),
        rows,
        "Largest softmax probability. Fooling and perturbed images are the naive ones",
    )


def numbers(summary: Mapping[str, Any]) -> Iterator[Html]:
    """Every measure of every method on every family."""
    yield paragraph(
        "Clean images are the known ones. AUPR is that of equally many of both kinds. FPR95, clean "
        "positive: share of the images accepted when 95 % of the clean ones are, all of them test "
        "images; outliers positive: share of clean images flagged when 95 % of the others are."
    )
    for name, one in summary["methods"].items():
        rows = [
            (family, *(told(measured[key]) for key in _MEASURES))
            for family, measured in one["families"].items()
        ]
        yield details(name, table(("Images", *_MEASURES.values()), rows, sortable=True))


def networks(summary: Mapping[str, Any]) -> Html:
    """The networks and their accuracy."""
    rows = [
        (name, one["origin"], share(one["accuracy"]), summary["features"][name])
        for name, one in summary["networks"].items()
    ]
    return table(("Network", "Where it comes from", "Right on all test images", "Features"), rows)


def repeat(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    """The command and the settings."""
    yield paragraph(
        "The same command, with the same versions on the same kind of device, gives the same "
        f"numbers. Intervals: {summary['intervals']}."
    )
    yield reporting.code(command_of("experiments.unknown", config))
    yield table(
        ("Setting", "Value"), list(flat(dataclasses.asdict(config))), "Settings of this run"
    )


def source() -> Iterator[Html]:
    """The papers of the methods."""
    papers = {
        "probability": ("Hendrycks and Gimpel, 2017", "1610.02136"),
        "logit": ("Hendrycks et al., 2022", "1911.11132"),
        "energy": ("Liu et al., 2020", "2010.03759"),
        "mahalanobis": ("Lee et al., 2018", "1807.03888"),
        "neighbor": ("Sun et al., 2022", "2204.06507"),
        "openmax": ("Bendale and Boult, 2016", "1511.06233"),
        "adaptive attacks on detectors": ("Bryniarski et al., 2021", "2106.15023"),
    }
    for what, (who, number) in papers.items():
        yield paragraph(
            f"{what}: {who}, ", reporting.link(f"arXiv:{number}", f"https://arxiv.org/abs/{number}")
        )
