"""Numbers of ``experiments.parts``: medians and shares over the images of a repeat."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

import fooljax as fj
from fooljax import study

from .measure import SIZES

if TYPE_CHECKING:
    from fooljax.study import Hiding
    from fooljax.study.hidden import Number, Read
    from fooljax.study.units import Arrays

MIDDLE = SIZES[2]  # a window of 12 of 28 pixels, 18 % of the area
#: Between what numbers lie that are no shares.
BOUNDS = dict.fromkeys(("parts", "loss"), (0.0, math.inf))
#: Numbers of ``summary.json``: by which look, name, and at what.
SUMMARY: Mapping[str, tuple[str, str, str | float]] = {
    "sufficient_share": ("pixels", "share", ""),
    "dilated_confidence": ("pixels", "confidence", "dilated 1"),
    "component_removed_confidence": ("components", "confidence", "without one"),
    "center_keeps": ("center", "keeps", MIDDLE),
}


def kept_by_middle(found: study.hidden.Found, kind: str) -> tuple[int, int, fj.metrics.Interval]:
    """Count images of all repeats that stay certain with nothing but their middle.

    Returns:
        How many do, of how many of which the network is certain, and the share with its exact
        95 % interval over images (Clopper and Pearson).
    """
    kept, total, tau = 0, 0, found.hiding.tau
    for cell, arrays in found.seen.where(look="center", images=kind).found:
        whole = found.made.one(images=kind, repeat=cell["repeat"])["odds"]
        left = arrays["odds"][expit(whole) >= tau, SIZES.index(MIDDLE)]
        kept, total = kept + int(np.sum(expit(left) >= tau)), total + len(left)
    share = fj.metrics.clopper_pearson(kept, total) if total else study.exactly(math.nan)
    return kept, total, share


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if values.size else math.nan


def _center(hiding: Hiding, odds: np.ndarray, found: Arrays) -> Iterator[Number]:
    left = found["odds"][expit(odds) >= hiding.tau]
    for size, column in zip(SIZES, left.T, strict=True):
        yield "keeps", size, _mean(expit(column) >= hiding.tau)
        yield "confidence", size, study.hidden.median_confidence(column)


def _occlusion(hiding: Hiding, odds: np.ndarray, found: Arrays) -> Iterator[Number]:
    """Yield the largest loss of an image, in log-odds."""
    yield "loss", "", float(np.median(found["maps"].max(axis=(1, 2))))


def _components(hiding: Hiding, odds: np.ndarray, found: Arrays) -> Iterator[Number]:
    yield "several", "", float(np.mean(found["counts"] >= 2))
    some = (expit(odds) >= hiding.tau) & (found["counts"] >= 2)
    if some.any():
        without = found["without"][some]
        every = without[~np.isnan(without)]
        yield "parts", "", float(np.median(found["counts"][some]))
        yield "confidence", "whole", study.hidden.median_confidence(odds[some])
        yield "confidence", "without one", study.hidden.median_confidence(every)
        yield (
            "confidence",
            "without the worst",
            study.hidden.median_confidence(np.nanmin(without, axis=1)),
        )
        yield (
            "confidence",
            "best alone",
            study.hidden.median_confidence(np.nanmax(found["alone"][some], axis=1)),
        )
        yield "keeps", "without one", _mean(expit(every) >= hiding.tau)


def _pixels(hiding: Hiding, odds: np.ndarray, found: Arrays) -> Iterator[Number]:
    yield from _subset(found["masks"], found["reached"])
    controls = [name for name in found if name.startswith(("dilated ", "on ")) or name == "random"]
    for name in ("subset", *controls):
        yield "confidence", name, study.hidden.median_confidence(found[name][found["reached"]])
    for left, column in zip(found["left"].tolist(), found["path"].T, strict=True):
        yield "path", left, study.hidden.median_confidence(column)


def _wrong(hiding: Hiding, odds: np.ndarray, found: Arrays) -> Iterator[Number]:
    yield from _subset(found["masks"], found["reached"])


def _blocks(hiding: Hiding, odds: np.ndarray, found: Arrays) -> Iterator[Number]:
    for place, fill in enumerate(hiding.fills[:2]):
        yield from _subset(found[f"masks_{place}"], found[f"reached_{place}"], fill)


def _subset(masks: np.ndarray, reached: np.ndarray, at: str = "") -> Iterator[Number]:
    yield "reached", at, float(np.mean(reached))
    if reached.any():
        yield "share", at, float(np.median(masks[reached].mean(axis=(1, 2))))


READ: Mapping[str, Read] = {
    "center": _center,
    "occlusion": _occlusion,
    "components": _components,
    "pixels": _pixels,
    "wrong": _wrong,
    "blocks": _blocks,
}
