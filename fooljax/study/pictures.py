"""Figures and tables made from tables of means."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from fooljax import reporting
from fooljax.data.resize import shrink
from fooljax.reporting import Html
from fooljax.study.page import Figure
from fooljax.study.tables import Row, Table
from fooljax.study.wording import spell, with_intervals


def matrix(
    name: str,
    table: Table,
    rows: str,
    columns: str,
    measure: str,
    caption: str,
    **looks: Any,  # as reporting.matrix takes them
) -> Figure:
    """Show one measure of a table as cells of a matrix, with how far each may be off.

    Args:
        name: of the picture's file.
        table: what to show.
        rows: key from top to bottom.
        columns: key from left to right.
        measure: a share in [0, 1].
        caption: what is seen, and how to read it.
        looks: further words for ``reporting.matrix``; and ``intervals_over``: what the repeats
            are, with which the caption ends where there are several.

    Example:
        >>> from fooljax import study
        >>> told = [("lenet", "mlp", 0.4), ("mlp", "lenet", 0.2), ("mlp", "mlp", 1.0)]
        >>> records = [{"of": a, "shown": b, "repeat": 0, "fooled": part} for a, b, part in told]
        >>> table = study.summarize(records, ("of", "shown"), ("fooled",))
        >>> block = study.matrix("transfer", table, "of", "shown", "fooled", "Who fools whom.")
        >>> block.name, block.caption
        ('transfer', 'Who fools whom.')
    """
    down, across = table.names(rows), table.names(columns)
    cells = [[table.value(measure, **{rows: row, columns: one}) for one in across] for row in down]
    mean, low, high = np.moveaxis(np.array(cells, float), -1, 0)
    # cut off at 0 or 1 an interval is lopsided: its longer side is the honest one
    half = np.maximum(mean - low, high - mean)
    titles = {"label": measure, "row_label": rows, "column_label": columns}
    looks = {name: title.replace("_", " ") for name, title in titles.items()} | looks
    over = looks.pop("intervals_over", "")
    draw = lambda path: reporting.matrix(
        path, mean, list(map(str, down)), list(map(str, across)), intervals=half, **looks
    )
    known = np.isfinite(half).any()
    caption = with_intervals(caption, "Below each share: its 95 % interval over", over, known)
    return Figure(name, draw, caption)


def lines(
    name: str,
    table: Table,
    x: str,
    measure: str,
    series: str,
    caption: str,
    **looks: Any,  # as reporting.lines takes them
) -> Figure | str:
    """Show one measure of a table over a number, a line for each value of a key.

    Lines along which something is missing are left out; bands are the intervals. A sentence
    takes the place of a picture without any line.

    Args:
        name: of the picture's file.
        table: what to show.
        x: key from left to right, a number.
        measure: from bottom to top.
        series: key that each line has a value of.
        caption: what is seen, and how to read it.
        looks: further words for ``reporting.lines``; and ``intervals_over`` as of `matrix`.

    Example:
        >>> from fooljax import study
        >>> told = [("pgd", 0.1, 0.4), ("pgd", 0.3, 0.9), ("noise", 0.1, 0.0), ("noise", 0.3, 0.1)]
        >>> names = ("attack", "epsilon", "fooled")
        >>> records = [{"repeat": 0, **dict(zip(names, one, strict=True))} for one in told]
        >>> table = study.summarize(records, ("attack", "epsilon"), ("fooled",))
        >>> block = study.lines("sweep", table, "epsilon", "fooled", "attack", "Fooled by epsilon.")
        >>> block.name, block.caption
        ('sweep', 'Fooled by epsilon.')
    """
    drawn, bands = {}, {}
    for one in table.names(series):
        rows = table.where(**{series: one}).rows
        places = np.array([row.keys[x] for row in rows], float)
        mean, low, high = np.array([row.values[measure] for row in rows], float).T
        if not np.isnan(mean).any():
            drawn[str(one)] = (places, mean)
            if not np.isnan(low).any():
                bands[str(one)] = (low, high)
    if not drawn:
        return f"Nothing can be drawn of this: {caption.split('. ')[0].rstrip('.')}."
    over = looks.pop("intervals_over", "")
    dashed = [one for one in looks.pop("dashed", ()) if one in drawn]
    draw = lambda path: reporting.lines(path, drawn, bands=bands, dashed=dashed, **looks)
    caption = with_intervals(caption, "Shaded: 95 % intervals over", over, bool(bands))
    return Figure(name, draw, caption)


def ranges(
    name: str,
    x: ArrayLike | Mapping[str, ArrayLike],
    grids: Mapping[str, np.ndarray],
    caption: str,
    geometric: bool = False,
    median: bool = False,
    **looks: Any,  # as reporting.lines takes them
) -> Figure:
    """Show what several repeats found over a number: their mean, from the lowest to the highest.

    Args:
        name: of the picture's file.
        x: the number, ``[c]``; one for each line where they differ.
        grids: what was found, ``[repeats, c]`` each, by the name of the line.
        caption: what is seen, and how to read it.
        geometric: take the mean of logarithms.
        median: take the median.
        looks: further words for ``reporting.lines``.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> found = {"pgd": np.array([[0.1, 0.5], [0.3, 0.7]])}  # of two repeats
        >>> block = study.ranges("sweep", [0.1, 0.3], found, "Fooled by epsilon.")
        >>> block.name, block.caption
        ('sweep', 'Fooled by epsilon.')
    """
    places = x if isinstance(x, Mapping) else dict.fromkeys(grids, np.asarray(x, float))
    mean = lambda grid: np.exp(np.log(grid).mean(axis=0)) if geometric else grid.mean(axis=0)
    middle = (lambda grid: np.median(grid, axis=0)) if median else mean
    draw = lambda path: reporting.lines(
        path,
        {name: (places[name], middle(grid)) for name, grid in grids.items()},
        bands={name: (grid.min(axis=0), grid.max(axis=0)) for name, grid in grids.items()},
        **looks,
    )
    return Figure(name, draw, caption)


def images(
    name: str,
    shown: Any,  # whatever numpy makes rows of images of
    captions: Sequence[Sequence[str]],
    caption: str,
    **looks: Any,  # as reporting.grid takes them
) -> Figure:
    """Show rows of images, with words below each.

    Args:
        name: of the picture's file.
        shown: ``[rows, columns, h, w, c]`` in [0, 1], or uint8; rows that have fewer columns
            than others end in white.
        captions: below each image.
        caption: what is seen, and how to read it.
        looks: further words for ``reporting.grid``; and ``side``: most pixels of an image's
            longer side, to which large ones are reduced.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> shown = np.random.default_rng(0).random((2, 3, 8, 8, 1))
        >>> captions = [["a", "b", "c"], ["d", "e", "f"]]
        >>> block = study.images("noise", shown, captions, "Noise of the same kind, six times.")
        >>> block.draw("noise.png").name  # `study.publish` draws it where the page is
        'noise.png'
    """
    side = looks.pop("side", None)
    rows = [np.asarray(row) for row in shown]
    most = max(map(len, rows))
    words = [[*row, *[""] * (most - len(row))] for row in captions]

    def draw(path: Path) -> object:
        filled = np.stack([_filled(row, most) for row in rows])
        if side is not None:
            bright = 255.0 if filled.dtype == np.uint8 else 1.0
            filled = shrink(filled.astype(np.float32) / bright, side)
        return reporting.grid(path, filled, words, **looks)

    return Figure(name, draw, caption)


def full_range(images: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, "n ..."]:
    """Stretch every image from black to white, whatever its numbers; a plain one is black.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> study.full_range(np.array([[-1.0, 0.0, 3.0]])).tolist()
        [[0.0, 0.25, 1.0]]
    """
    axes = tuple(range(1, images.ndim))
    low, high = (end(images, axis=axes, keepdims=True) for end in (np.min, np.max))
    return (images - low) / np.maximum(high - low, 1e-6)


def numbers(
    table: Table,
    keys: Mapping[str, str],
    measures: Mapping[str, str],
    caption: str = "",
    more: Mapping[str, Callable[[Row], str]] | None = None,
    intervals_over: str = "",
) -> Html:
    """Write a table of means with intervals.

    Args:
        table: what to write.
        keys: to show, and the titles of their columns.
        measures: to show, and the titles of their columns.
        caption: how to read it.
        more: further columns by title: what to write in a row.
        intervals_over: what the repeats are, with which the caption ends where there are several.

    Example:
        >>> from fooljax import study
        >>> told = [("pgd", 0, 0.9), ("pgd", 1, 1.0), ("noise", 0, 0.1), ("noise", 1, 0.1)]
        >>> records = [{"attack": name, "repeat": i, "fooled": part} for name, i, part in told]
        >>> table = study.summarize(records, ("attack",), ("fooled",))
        >>> titles = {"attack": "Attack"}, {"fooled": "Fooled"}
        >>> block = study.numbers(table, *titles, "Of all images.")
        >>> "noise" in block.markup and "Fooled" in block.markup
        True
    """
    more = more or {}
    lines = [
        (
            *(_spelled(row.keys[key]) for key in keys),
            *(spell(row.values[measure]) for measure in measures),
            *(write(row) for write in more.values()),
        )
        for row in table.rows
    ]
    known = any(np.isfinite(row.values[one].low) for row in table.rows for one in measures)
    caption = with_intervals(caption, "In brackets: 95 % intervals over", intervals_over, known)
    return reporting.table(
        (*keys.values(), *measures.values(), *more), lines, caption, sortable=True
    )


def _filled(row: np.ndarray, columns: int) -> np.ndarray:
    """Return a row of images with white ones at its end, up to a number of columns."""
    white = np.ones((columns - len(row), *row.shape[1:]), row.dtype)
    return np.concatenate([row, 255 * white if row.dtype == np.uint8 else white])


def _spelled(key: str | int | float) -> str:
    return f"{key:,}" if isinstance(key, int) else str(key)
