"""Figures and tables made from tables of means."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fooljax import reporting
from fooljax.reporting import Html
from fooljax.study.page import Figure
from fooljax.study.tables import Table
from fooljax.study.wording import spell


def matrix(
    name: str,
    table: Table,
    rows: str,
    columns: str,
    measure: str,
    *,
    alt: str,
    caption: str,
    doubt: bool = True,
    **looks: Any,  # as reporting.matrix takes them
) -> Figure:
    """Show one measure of a table as cells of a matrix.

    Args:
        name: of the picture's file.
        table: what to show.
        rows: key from top to bottom.
        columns: key from left to right.
        measure: a share in [0, 1].
        alt: what the picture shows.
        caption: how to read it.
        doubt: write the longer half of each interval below its number.
        looks: further words for ``reporting.matrix``.
    """
    down, across = table.names(rows), table.names(columns)
    cells = [[table.value(measure, **{rows: row, columns: one}) for one in across] for row in down]
    mean, low, high = np.moveaxis(np.array(cells, float), -1, 0)
    # cut off at 0 or 1 an interval is lopsided: its longer side is the honest one
    half = np.maximum(mean - low, high - mean) if doubt else None
    looks = {"label": measure, "row_label": rows, "column_label": columns, **looks}
    draw = lambda path: reporting.matrix(
        path, mean, list(map(str, down)), list(map(str, across)), intervals=half, **looks
    )
    return Figure(name, draw, alt, caption)


def lines(
    name: str,
    table: Table,
    x: str,
    measure: str,
    series: str,
    *,
    alt: str,
    caption: str,
    **looks: Any,  # as reporting.lines takes them
) -> Figure:
    """Show one measure of a table over a number, a line for each value of a key.

    Lines along which something is missing are left out; bands are the intervals.

    Args:
        name: of the picture's file.
        table: what to show.
        x: key from left to right, a number.
        measure: from bottom to top.
        series: key that each line has a value of.
        alt: what the picture shows.
        caption: how to read it.
        looks: further words for ``reporting.lines``.
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
    draw = lambda path: reporting.lines(path, drawn, bands=bands, **looks)
    return Figure(name, draw, alt, caption)


def images(
    name: str,
    shown: Any,  # whatever numpy makes rows of images of
    captions: Sequence[Sequence[str]],
    *,
    alt: str,
    caption: str,
    **looks: Any,  # as reporting.grid takes them
) -> Figure:
    """Show rows of images, with words below each.

    Args:
        name: of the picture's file.
        shown: ``[rows, columns, h, w, c]`` in [0, 1].
        captions: below each image.
        alt: what the picture shows.
        caption: how to read it.
        looks: further words for ``reporting.grid``.
    """
    draw = lambda path: reporting.grid(path, np.stack(shown), captions, **looks)
    return Figure(name, draw, alt, caption)


def numbers(
    table: Table,
    keys: Mapping[str, str],
    measures: Mapping[str, str],
    caption: str = "",
) -> Html:
    """Write a table of means with intervals.

    Args:
        table: what to write.
        keys: to show, and the titles of their columns.
        measures: to show, and the titles of their columns.
        caption: how to read it.
    """
    lines = [
        (
            *(str(row.keys[key]) for key in keys),
            *(spell(row.values[measure]) for measure in measures),
        )
        for row in table.rows
    ]
    return reporting.table((*keys.values(), *measures.values()), lines, caption, sortable=True)
