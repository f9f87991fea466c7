"""Numbers of ``experiments.parts``: medians and shares over the images of a repeat."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.special import expit

import fooljax as fj
from fooljax import study

from .measure import SIZES, Config

if TYPE_CHECKING:
    from fooljax.metrics import Interval

#: What was measured: its name, at what, and the number.
Number: TypeAlias = tuple[str, str | float, float]
#: ``(settings, log-odds of the whole images, what a look found) -> numbers``
Read: TypeAlias = "Callable[[Config, np.ndarray, study.Arrays], Iterator[Number]]"

MIDDLE = SIZES[2]  # a window of 12 of 28 pixels, 18 % of the area
#: Between what numbers lie that are no shares.
BOUNDS = {
    **dict.fromkeys(("additivity", "within"), (-1.0, 1.0)),
    **dict.fromkeys(("parts", "strength", "loss"), (0.0, math.inf)),
}
#: Numbers of ``summary.json``: by which look, name, and at what; None for the first fill.
SUMMARY = {
    "sufficient_share": ("pixels", "share", ""),
    "dilated_confidence": ("pixels", "confidence", "dilated 1"),
    "additivity": ("together", "additivity", None),
    "component_removed_confidence": ("components", "confidence", "without one"),
    "center_keeps": ("center", "keeps", MIDDLE),
}


def judge(config: Config, made: study.Results, seen: study.Results) -> Iterator[study.Record]:
    """Yield a record for each number: a median or share over the images of a repeat."""
    of = {name: made.where(images=name) for name in {cell["images"] for cell, _ in made.found}}
    for cell, arrays in seen.found:
        odds = of[cell["images"]].one(repeat=cell["repeat"])["odds"]
        for name, at, value in READ[cell["look"]](config, odds, arrays):
            if not math.isnan(value):
                yield {**cell, "name": name, "at": at, "value": value}
    for cell, arrays in made.found:
        for name, value in (
            ("confidence", middle(arrays["odds"])),
            ("certain", np.mean(expit(arrays["odds"]) >= config.tau)),
        ):
            yield {"look": "whole", **cell, "name": name, "at": "", "value": float(value)}


def average(records: Sequence[study.Record]) -> study.Table:
    """Average over the repeats, with intervals."""
    by, rows = ("look", "images", "name", "at"), list[study.Row]()
    for name in dict.fromkeys(record["name"] for record in records):
        bounds = BOUNDS.get(name, (0.0, 1.0))
        over = functools.partial(fj.analysis.over_repeats, bounds=bounds)
        rows += study.summarize(study.where(records, name=name), by, ["value"], over=over).rows
    return study.Table(tuple(rows))


def public_number(config: Config, means: study.Table, public: str) -> dict[str, Interval]:
    """Return a number of ``SUMMARY`` by kind of images, those of which there is one."""
    look, name, at = SUMMARY[public]
    at = config.fills[0] if at is None else at
    return means.column("images", "value", look=look, name=name, at=at)


def summarize(config: Config, means: study.Table) -> dict[str, Any]:
    """Return the numbers that the claim is about, by kind of images, and all others."""
    found = {
        public: {kind: one._asdict() for kind, one in public_number(config, means, public).items()}
        for public in SUMMARY
    }
    rows = tuple(row for row in means.rows if row.keys["name"] != "path")
    return {**found, "means": study.Table(rows).plain()}


def middle(odds: np.ndarray) -> float:
    """Return the median confidence of log-odds; NaN without any."""
    return float(expit(np.median(odds))) if odds.size else math.nan


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if values.size else math.nan


def _center(config: Config, odds: np.ndarray, found: study.Arrays) -> Iterator[Number]:
    left = found["odds"][expit(odds) >= config.tau]
    for size, column in zip(SIZES, left.T, strict=True):
        yield "keeps", size, _mean(expit(column) >= config.tau)
        yield "confidence", size, middle(column)


def _occlusion(config: Config, odds: np.ndarray, found: study.Arrays) -> Iterator[Number]:
    """Yield the largest loss of an image, in log-odds."""
    yield "loss", "", float(np.median(found["maps"].max(axis=(1, 2))))


def _components(config: Config, odds: np.ndarray, found: study.Arrays) -> Iterator[Number]:
    yield "several", "", float(np.mean(found["counts"] >= 2))
    some = (expit(odds) >= config.tau) & (found["counts"] >= 2)
    if some.any():
        without = found["without"][some]
        every = without[~np.isnan(without)]
        yield "parts", "", float(np.median(found["counts"][some]))
        yield "confidence", "whole", middle(odds[some])
        yield "confidence", "without one", middle(every)
        yield "confidence", "without the worst", middle(np.nanmin(without, axis=1))
        yield "confidence", "best alone", middle(np.nanmax(found["alone"][some], axis=1))
        yield "keeps", "without one", _mean(expit(every) >= config.tau)


def _together(config: Config, odds: np.ndarray, found: study.Arrays) -> Iterator[Number]:
    for place, fill in enumerate(config.fills[:2]):
        values = map(float, found[f"numbers_{place}"])
        for name, value in zip(("additivity", "within", "strength"), values, strict=True):
            yield name, fill, value


def _shuffled(config: Config, odds: np.ndarray, found: study.Arrays) -> Iterator[Number]:
    for place, grid in enumerate(found["grids"].tolist()):
        yield "named", grid, float(np.mean(found["named"][:, place]))
        yield "certain", grid, float(np.mean(expit(found["top"][:, place]) >= config.tau))


def _pixels(config: Config, odds: np.ndarray, found: study.Arrays) -> Iterator[Number]:
    yield from _subset(found["masks"], found["reached"])
    controls = [name for name in found if name.startswith(("dilated ", "on ")) or name == "random"]
    for name in ("subset", *controls):
        yield "confidence", name, middle(found[name][found["reached"]])
    for left, column in zip(found["left"].tolist(), found["path"].T, strict=True):
        yield "path", left, middle(column)


def _wrong(config: Config, odds: np.ndarray, found: study.Arrays) -> Iterator[Number]:
    yield from _subset(found["masks"], found["reached"])


def _blocks(config: Config, odds: np.ndarray, found: study.Arrays) -> Iterator[Number]:
    for place, fill in enumerate(config.fills[:2]):
        yield from _subset(found[f"masks_{place}"], found[f"reached_{place}"], fill)


def _subset(masks: np.ndarray, reached: np.ndarray, at: str = "") -> Iterator[Number]:
    yield "reached", at, float(np.mean(reached))
    if reached.any():
        yield "share", at, float(np.median(masks[reached].mean(axis=(1, 2))))


READ: dict[str, Read] = {
    "center": _center,
    "occlusion": _occlusion,
    "components": _components,
    "together": _together,
    "shuffled": _shuffled,
    "pixels": _pixels,
    "wrong": _wrong,
    "blocks": _blocks,
}
