"""What a search over a grid of descriptors found: looks that fool, class by class."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from fooljax import metrics, reporting
from fooljax.data.resize import shrink
from fooljax.evolution import DESCRIPTORS, Grid, grid, with_references
from fooljax.study.page import Block, Figure, Folded
from fooljax.study.pictures import images as sheet_of
from fooljax.study.pictures import ranges
from fooljax.study.prepared import Prepared
from fooljax.study.search_run import Finished
from fooljax.study.searched import SIDE
from fooljax.study.settings import choose
from fooljax.study.tables import span
from fooljax.study.wording import share, spell, sure
from fooljax.types import Classifier

SURE = 0.99  # confidence from which on a look fools
_SHEETS = 10  # of classes, at most
_ACROSS = 16  # cells of a sheet side by side, at most
_MOST_NICHES = 10_000  # whose images a page can hold
_REFERENCES = 1_000  # training images that distances are measured to


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
    """

    grid: Grid
    names: tuple[str, ...]
    confidence: Float[np.ndarray, "g r k m"]
    filled: Bool[np.ndarray, "g r k m"]
    images: np.ndarray

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


def read_grid(flag: str, words: Sequence[str], cells: int, num_classes: int) -> Grid | None:
    """Make a grid of what a flag names, ``NAME`` or ``NAME:LOW:HIGH``; None without any.

    Args:
        flag: that names descriptors, with its dashes.
        words: what it says.
        cells: along each.
        num_classes: that have such a grid each.

    Raises:
        ValueError: naming the flag.
    """
    descriptors = []
    for word in words:
        name, *ends = word.split(":")
        choose(flag, [name], DESCRIPTORS)
        one = DESCRIPTORS[name]
        if ends:
            try:
                low, high = map(float, ends)
            except ValueError:
                raise ValueError(
                    f"{flag}: a range is NAME:LOW:HIGH, as {name}:{one.low:g}:{one.high:g}, got "
                    f"{word}"
                ) from None
            one = one._replace(low=low, high=high)
        descriptors.append(one)
    if not descriptors:
        return None
    if len({word.split(":")[0] for word in words}) < len(words):
        raise ValueError(f"{flag}: each descriptor once, got {' '.join(words)}")
    try:
        found = grid(descriptors, cells)
    except ValueError as error:
        raise ValueError(f"{flag}: {str(error).removeprefix('descriptors: ')}") from error
    if found.size * num_classes > _MOST_NICHES:
        raise ValueError(
            f"{flag}: {found.size:,} looks of {num_classes:,} classes are more than "
            f"{_MOST_NICHES:,} images; name fewer, or take fewer steps (--grid)"
        )
    return found


def carry_references(flag: str, words: Sequence[str], network: Prepared) -> Classifier:
    """Return a network, with training images beside it where a descriptor needs them.

    Raises:
        ValueError: if it needs them and there are none, naming the flag.
    """
    if "nearest" not in (word.split(":")[0] for word in words):
        return network.classifier
    if network.splits is None:
        raise ValueError(f"{flag} nearest needs training images in memory; give a --dataset")
    return with_references(network.classifier, network.splits.train.images[:_REFERENCES])


def sort_niches(
    grid: Grid | None,
    words: Sequence[str],
    finished: Finished,
    niches: np.ndarray,
    num_classes: int,
) -> tuple[np.ndarray, Illuminated | None]:
    """Return the best image of each class, and all of them by look if there is a grid.

    Args:
        grid: the cells of each class.
        words: that the descriptors were named with.
        finished: the run.
        niches: images of all niches, ``[r, k * m, h, w, c]``.
        num_classes: of the network.
    """
    if grid is None:
        return niches, None
    split = lambda rows: rows.reshape(*rows.shape[:2], num_classes, grid.size)
    images = niches.reshape(len(niches), num_classes, grid.size, *niches.shape[2:])
    fitness = np.asarray(finished.state.archive.fitness)
    best = np.argmax(fitness.reshape(images.shape[:3]), axis=2)
    found = Illuminated(
        grid,
        tuple(word.split(":")[0] for word in words),
        split(finished.history["confidence"]),
        split(np.logical_or.accumulate(finished.history["taken"], axis=0)),
        images,
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
        f"{', and of '.join(parts)}. An image competed only with images of the same look. The "
        f"random images of generation 0 had {share(first)} of the looks, those at the end "
        f"{share(last)}. In {share(fooled)} of all niches, {share(fooled / last)} of those that "
        f"hold an image, the network is at least {sure(SURE)} sure (means over classes"
        f"{' and runs' if repeats > 1 else ''}). Not every look exists: an almost black image, for "
        "instance, cannot be far from its mirror image."
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
