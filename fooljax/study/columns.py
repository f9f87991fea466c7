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

    Example:
        >>> from fooljax import study
        >>> columns = {"Attack": str, "Letters": lambda name: str(len(name))}
        >>> block = study.tabulate(("pgd", "deepfool"), columns, "Their names.")
        >>> block.markup.count("<tr"), "deepfool" in block.markup
        (3, True)
    """
    lines = [tuple(write(thing) for write in columns.values()) for thing in things]
    return reporting.table(tuple(columns), lines, caption, sortable=sortable)


def spelled(measure: str, write: Callable[[float], str] = share) -> Callable[[Row], str]:
    """Write a measure of a row with its interval, for `tabulate`.

    Args:
        measure: its name.
        write: how to write a number.

    Example:
        >>> from fooljax import study
        >>> from fooljax.metrics import Interval
        >>> row = study.Row({"attack": "pgd"}, {"fooled": Interval(0.5, 0.4, 0.6)})
        >>> study.spelled("fooled")(row)  # a column of study.tabulate
        '50 % (40 % to 60 %)'
    """
    return lambda row: spell(row.values[measure], write)
