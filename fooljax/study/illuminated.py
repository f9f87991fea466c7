"""What a search over a grid of descriptors found: looks that fool, class by class."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from fooljax import metrics, reporting
from fooljax.data.resize import shrink
from fooljax.evolution import Grid
from fooljax.study.page import Block, Figure, Folded
from fooljax.study.pictures import images as sheet_of
from fooljax.study.pictures import ranges
from fooljax.study.prepared import Prepared
from fooljax.study.search_run import Finished
from fooljax.study.searched import SIDE
from fooljax.study.tables import span
from fooljax.study.variety import effective_numbers
from fooljax.study.wording import share, spell, sure

SURE = 0.99  # confidence from which on a look fools
_SHEETS = 10  # of classes, at most
_ACROSS = 16  # cells of a sheet side by side, at most


class Illuminated(NamedTuple):
    """What the niches of every class hold.

    Letters: ``g`` generations and the random population, ``r`` runs, ``k`` classes, ``m``
    cells.

    Attributes:
        grid: the cells.
        names: of the descriptors.
        confidence: of each niche's image, ``[g, r, k, m]``.
        filled: which niches hold one.
        images: at the end, ``[r, k, m, h, w, c]``.
        different: effective number of the images of each class that are sure, ``[r, k]``, in
            pixels and in features, by what these are in words.
    """

    grid: Grid
    names: tuple[str, ...]
    confidence: Float[np.ndarray, "g r k m"]
    filled: Bool[np.ndarray, "g r k m"]
    images: np.ndarray
    different: Mapping[str, Float[np.ndarray, "r k"]]

    @property
    def flat(self) -> np.ndarray:
        """The images niche after niche, ``[r, k * m, h, w, c]``."""
        return self.images.reshape(len(self.images), -1, *self.images.shape[3:])

    @property
    def labels(self) -> list[str]:
        """The middle of every cell in words, to follow the name of a class."""
        places = (place_in_grid(self, cell) for cell in range(self.grid.size))
        return ["".join(f", {name} {at:g}" for name, at in place.items()) for place in places]

    @property
    def ends(self) -> Iterator[tuple[str, list[str]]]:
        """Each descriptor's name, and what each of its cells spans."""
        for name, one in zip(self.names, self.grid.descriptors, strict=True):
            edges = np.linspace(one.low, one.high, self.grid.cells + 1)
            yield name, [f"{a:.3g}\N{EN DASH}{b:.3g}" for a, b in itertools.pairwise(edges)]


def sort_niches(
    grid: Grid | None,
    words: Sequence[str],
    finished: Finished,
    niches: np.ndarray,
    network: Prepared,
) -> tuple[np.ndarray, Illuminated | None]:
    """Return the best image of each class, and all of them by look if there is a grid.

    Args:
        grid: the cells of each class.
        words: that the descriptors were named with.
        finished: the run.
        niches: images of all niches, ``[r, k * m, h, w, c]``.
        network: that they were made for.
    """
    if grid is None:
        return niches, None
    num_classes = network.classifier.num_classes
    split = lambda rows: rows.reshape(*rows.shape[:2], num_classes, grid.size)
    images = niches.reshape(len(niches), num_classes, grid.size, *niches.shape[2:])
    fitness = np.asarray(finished.state.archive.fitness)
    best = np.argmax(fitness.reshape(images.shape[:3]), axis=2)
    confidence = split(finished.history["confidence"])
    filled = split(np.logical_or.accumulate(finished.history["taken"], axis=0))
    found = Illuminated(
        grid,
        tuple(word.split(":")[0] for word in words),
        confidence,
        filled,
        images,
        effective_numbers(network, images, filled[-1] & (confidence[-1] >= SURE)),
    )
    runs, classes = np.indices(best.shape)
    return images[runs, classes, best], found


def place_in_grid(found: Illuminated | None, niche: int) -> dict[str, float]:
    """Return the middle of a niche's cell along each descriptor, by its name."""
    if found is None:
        return {}
    cells = found.grid.cells
    at = np.unravel_index(niche % found.grid.size, (cells,) * len(found.names))
    return {
        name: round(one.low + (int(i) + 0.5) * (one.high - one.low) / cells, 6)
        for name, one, i in zip(found.names, found.grid.descriptors, at, strict=True)
    }


def _curves(found: Illuminated) -> dict[str, Float[np.ndarray, "r g"]]:
    """Return the mean over the classes of what fills the grid, by run and generation."""
    sums = metrics.illumination(found.confidence, found.filled)
    fooled = np.mean(found.filled & (found.confidence >= SURE), axis=3)
    parts = {"coverage": sums.coverage, "norm_qd_score": sums.norm_qd_score, "sure_share": fooled}
    return {name: np.mean(of, axis=2).T for name, of in parts.items()}


def sum_up_grid(found: Illuminated) -> dict[str, Any]:
    """Return the numbers for ``summary.json``; scores as pyribs defines them."""
    last = metrics.illumination(found.confidence[-1], found.filled[-1])
    return {
        "descriptors": [
            {"name": name, "low": one.low, "high": one.high}
            for name, one in zip(found.names, found.grid.descriptors, strict=True)
        ],
        "cells": found.grid.cells,
        "coverage": np.mean(last.coverage),
        "qd_score": np.mean(last.qd_score),
        "norm_qd_score": np.mean(last.norm_qd_score),
        "sure_share": np.mean(found.filled[-1] & (found.confidence[-1] >= SURE)),
        "qd_score_per_class": last.qd_score,
        "effective_number_of_sure": {
            name: np.nanmean(of) if np.any(of > 0) else None
            for name, of in zip(("pixels", "features"), found.different.values(), strict=True)
        },
        **{f"{name}_by_generation": curve for name, curve in _curves(found).items()},
    }


def show_grid(found: Illuminated, names: Sequence[str]) -> Iterator[Block]:
    """Show how many looks fool, and the images of one class by their looks.

    Args:
        found: the niches.
        names: of the classes.
    """
    repeats = found.confidence.shape[1]
    parts = [one.words for one in found.grid.descriptors]
    over = _curves(found)
    first, last = over["coverage"][:, 0].mean(), over["coverage"][:, -1].mean()
    fooled = over["sure_share"][:, -1].mean()
    yield (
        "The most certain image of a class is one image. To see how many different looks fool, "
        f"each class had {found.grid.size:,} niches: {found.grid.cells} equal steps of "
        f"{' and of '.join(parts)}. An image competed only with images of the same look. The "
        f"random images of generation 0 had {share(first)} of the looks, those at the end "
        f"{share(last)}. In {share(fooled)} of all niches, {share(fooled / last)} of those that "
        f"hold an image, the network is at least {sure(SURE)} sure (means over classes"
        f"{' and runs' if repeats > 1 else ''}). Not every look exists: an almost black image, for "
        "instance, cannot be far from its mirror image."
    )
    count = np.sum(found.filled[-1] & (found.confidence[-1] >= SURE), axis=2)
    if np.any(count > 1):
        amounts = [
            f"{np.nanmean(np.where(count > 1, of, np.nan)):.1f} in {space}"
            for space, of in found.different.items()
        ]
        yield (
            f"Are these really different images? Those of a class that are at least {sure(SURE)} "
            f"sure, {np.mean(count[count > 1]):.1f} in a run, amount to an effective number of "
            f"{' and '.join(amounts)} (Vendi score, means): so many that have nothing in common."
        )
    scores = metrics.illumination(found.confidence[-1], found.filled[-1]).norm_qd_score
    order = np.argsort(np.mean(scores, axis=0), kind="stable")
    middle = order[len(order) // 2]
    yield _sheet(found, middle, names)
    yield ranges(
        "illumination",
        np.arange(len(found.confidence)),
        {
            "looks found (coverage)": over["coverage"],
            f"looks with {share(SURE)} confidence": over["sure_share"],
            "mean confidence of all niches (QD score)": over["norm_qd_score"],
        },
        "How the search spread over the grid. How to read it: coverage is the share of niches "
        "that hold any image; the QD score is the sum of the confidences, here divided by the "
        "number of niches, so that 1 would be certainty for every look. Means over the classes; "
        "bands run from the lowest to the highest run.",
        x_label="generation",
        y_label="share of niches",
        shares=True,
    )
    rows = [
        (
            names[label],
            spell(span(np.mean(found.filled[-1, :, label], axis=1))),
            spell(span(np.mean(found.confidence[-1, :, label] >= SURE, axis=1))),
            spell(
                span((scores[:, label] * found.grid.size).tolist()), lambda value: f"{value:.1f}"
            ),
        )
        for label in range(len(names))
    ]
    titles = ("Class", "Looks found", f"Looks with {share(SURE)} confidence", "QD score")
    table = reporting.table(
        titles, rows, "Medians of the runs, lowest and highest run", sortable=True
    )
    yield Folded(f"All {len(rows)} classes in numbers", [table])
    others = [label for label in sorted(order[:_SHEETS]) if label != middle]
    if others:
        yield Folded("Other classes", [_sheet(found, label, names) for label in others])


def _sheet(found: Illuminated, label: int, names: Sequence[str]) -> Figure:
    """Show one class in the first run: the first descriptor upwards, the second to the right."""
    cells = found.grid.cells
    confidence = np.where(found.filled[-1, 0, label], found.confidence[-1, 0, label], -1.0)
    side = (cells, cells if len(found.names) > 1 else 1, -1)
    rest = np.argmax(confidence.reshape(side), axis=2)  # the best of what is not shown
    chosen = np.take_along_axis(np.arange(found.grid.size).reshape(side), rest[..., None], 2)
    chosen = chosen[..., 0]
    (upward, up), (rightward, right) = (*found.ends, ("", [""]))[:2]
    upwards = slice(None, None, -1)
    if len(found.names) == 1:  # one row
        chosen, upwards = chosen.T, slice(None)
        (rightward, right), (upward, up) = (upward, up), ("", [""])
    chosen, up = chosen[upwards], up[upwards]
    held = confidence[chosen] >= 0.0
    shown = shrink(found.images[0, label], SIDE)[chosen]
    white = 255 if shown.dtype == np.uint8 else 1.0
    shown = np.where(held[..., None, None, None], shown, white).astype(shown.dtype)
    captions = [
        [sure(value) if there else "—" for value, there in zip(values, row, strict=True)]
        for values, row in zip(confidence[chosen], held, strict=True)
    ]
    axes = f"{found.grid.descriptors[0].words} grows " + ("upward" if upward else "to the right")
    if upward:
        axes += f", {found.grid.descriptors[1].words} to the right"
    more = "; of what differs in other ways the most certain is shown" * (len(found.names) > 2)
    return sheet_of(
        f"looks_{label}",
        shown,
        captions,
        f"Images that are taken for {names[label]}, sorted by their looks. How to read it: {axes}"
        f"{more}. Below each image stands how sure the network is that it shows "
        f"{names[label]}; a dash means that no image of that look was found. They are from "
        "the first run.",
        row_names=[f"{upward} {one}" for one in up] if upward else None,
        column_names=[f"{rightward} {one}" for one in right],
        columns=min(cells, _ACROSS),
    )
