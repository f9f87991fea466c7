"""The part of a page that shows how many looks fool, and the images of a class by their looks."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from fooljax import metrics, reporting
from fooljax.data.resize import shrink
from fooljax.evolution import Grid
from fooljax.study.illuminated import SURE, Illuminated, curves
from fooljax.study.page import Block, Figure, Folded
from fooljax.study.pictures import images as sheet_of
from fooljax.study.pictures import ranges
from fooljax.study.searched import SIDE
from fooljax.study.tables import span
from fooljax.study.wording import share, spell, sure

_SHEETS = 10  # of classes, at most
_ACROSS = 16  # cells of a sheet side by side, at most

#: Cells in rows and columns (-1: none), names of both, and how they are sorted in words.
_Sheet: TypeAlias = tuple[np.ndarray, list[str] | None, list[str] | None, str]


def show_grid(found: Illuminated, names: Sequence[str]) -> Iterator[Block]:
    """Show how many looks fool, and the images of one class by their looks.

    Args:
        found: the niches.
        names: of the classes.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> cells = study.cells_of(study.Looks(descriptors=("brightness",), grid=4))
        >>> sure, images = np.full((1, 1, 2, 4), 0.9), np.zeros((1, 2, 4, 8, 8, 1))  # of 2 classes
        >>> found = study.Illuminated(cells, ("brightness",), sure, sure > 0, images, {}, 8)
        >>> [type(block).__name__ for block in study.show_grid(found, ("cat", "dog"))]
        ['str', 'Figure', 'Figure', 'Folded', 'Folded']
    """
    repeats = found.confidence.shape[1]
    over = curves(found)
    first, last = over["coverage"][:, 0].mean(), over["coverage"][:, -1].mean()
    fooled = over["sure_share"][:, -1].mean()
    yield (
        "The most certain image of a class is one image. To see how many different looks fool, "
        f"each class had {found.grid.size:,} niches: {found.division}. An image competed only "
        "with images of the same look. The random images of generation 0 had "
        f"{share(first)} of the looks, those at the end {share(last)}. In "
        f"{share(fooled)} of all niches, {share(fooled / last)} of those that "
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
        found.evaluations,
        {
            "looks found (coverage)": over["coverage"],
            f"looks with {share(SURE)} confidence": over["sure_share"],
            "mean confidence of all niches (QD score)": over["norm_qd_score"],
            "confidence of the best image of a class": over["best"],
        },
        "How the search spread over the looks. How to read it: coverage is the share of niches "
        "that hold any image; the QD score is the sum of the confidences, here divided by the "
        "number of niches, so that 1 would be certainty for every look. The best image of a class "
        "is the one that a search without looks would keep. Means over the classes; bands run "
        "from the lowest to the highest run.",
        x_label="images shown to the network in a run",
        y_label="share of niches, confidence",
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
    confidence = np.where(found.filled[-1, 0, label], found.confidence[-1, 0, label], -1.0)
    if isinstance(found.grid, Grid):
        chosen, up, right, axes = _by_step(found.grid, found.names, confidence)
    else:
        chosen, up, right, axes = _in_order(found)
    held = (chosen >= 0) & (confidence[chosen] >= 0.0)
    shown = shrink(found.images[0, label], SIDE)[chosen]
    white = 255 if shown.dtype == np.uint8 else 1.0
    shown = np.where(held[..., None, None, None], shown, white).astype(shown.dtype)
    mark = lambda cell, there: sure(float(confidence[cell])) if there else "—" * bool(cell >= 0)
    captions = [
        [mark(cell, there) for cell, there in zip(cells, row, strict=True)]
        for cells, row in zip(chosen, held, strict=True)
    ]
    return sheet_of(
        f"looks_{label}",
        shown,
        captions,
        f"Images that are taken for {names[label]}, sorted by their looks. How to read it: {axes}. "
        "Below each image stands how sure the network is that it shows "
        f"{names[label]}; a dash means that no image of that look was found. They are from "
        "the first run.",
        row_names=up,
        column_names=right,
        columns=min(chosen.shape[1], _ACROSS),
    )


def _by_step(grid: Grid, names: Sequence[str], confidence: np.ndarray) -> _Sheet:
    """Lay a grid out by its first two descriptors; of the others, the best is shown."""
    cells, words = grid.cells, [one.words for one in grid.descriptors]
    side = (cells, cells if len(words) > 1 else 1, -1)
    best = np.argmax(confidence.reshape(side), axis=2)
    chosen = np.take_along_axis(np.arange(grid.size).reshape(side), best[..., None], 2)
    steps = []
    for name, one in zip(names, grid.descriptors, strict=True):
        edges = itertools.pairwise(np.linspace(one.low, one.high, cells + 1))
        steps.append([f"{name} {a:.3g}\N{EN DASH}{b:.3g}" for a, b in edges])
    if len(words) == 1:  # one row
        return chosen[..., 0].T, None, steps[0], f"{words[0]} grows to the right"
    axes = f"{words[0]} grows upward, {words[1]} to the right"
    axes += "; of what differs in other ways the most certain is shown" * (len(words) > 2)
    return chosen[::-1, :, 0], steps[0][::-1], steps[1], axes


def _in_order(found: Illuminated) -> _Sheet:
    """Lay cells out in rows by the first descriptor, and each row by the second one."""
    centers, words = found.centers, [one.words for one in found.grid.descriptors]
    across = min(math.ceil(math.sqrt(len(centers))), _ACROSS)
    rows = []
    order = np.argsort(centers[:, 0], kind="stable")
    for start in range(0, len(order), across):
        row = order[start : start + across]
        row = row[np.argsort(centers[row, min(1, len(words) - 1)], kind="stable")]
        rows.append(np.pad(row, (0, across - len(row)), constant_values=-1))
    axes = f"{words[0]} grows from row to row, upward"
    axes += f", and {words[1]} to the right" * (len(words) > 1)
    spans = [centers[row[row >= 0], 0] for row in rows[::-1]]
    names = [f"{found.names[0]} {a.min():.3g}\N{EN DASH}{a.max():.3g}" for a in spans]
    return np.array(rows[::-1]), names, None, axes
