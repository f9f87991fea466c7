"""Tables given by their columns: titles, and what to write of each thing."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from fooljax import reporting
from fooljax.reporting import Html
from fooljax.study.tables import Row
from fooljax.study.wording import share, spell

Thing = TypeVar("Thing")


def tabulate(
    things: Iterable[Thing],
    columns: Mapping[str, Callable[[Thing], str]],
    caption: str = "",
    sortable: bool = False,
) -> Html:
    """Write a table: a line for each thing, a column for each title.

    Args:
        things: rows of a table, records, cells, names, or whatever else there are several of.
        columns: by title, what to write of a thing.
        caption: how to read it.
        sortable: let the reader sort it by any column.
    """
    lines = [tuple(write(thing) for write in columns.values()) for thing in things]
    return reporting.table(tuple(columns), lines, caption, sortable=sortable)


def spelled(measure: str, write: Callable[[float], str] = share) -> Callable[[Row], str]:
    """Write a measure of a row with its interval, for `tabulate`.

    Args:
        measure: its name.
        write: how to write a number.
    """
    return lambda row: spell(row.values[measure], write)
