"""Tables of the same rows put together, and a table in the form of records."""

import math
from collections.abc import Mapping

from fooljax.study.tables import Record, Row, Table


def join(*tables: Table) -> Table:
    """Put measures of tables side by side, such as means of one kind and of another.

    Args:
        tables: with the same keys, row by row; of a measure that several have the last
            one's numbers stay.

    Raises:
        ValueError: if their rows are of different keys.
    """
    rows = list[Row]()
    for same in zip(*(table.rows for table in tables), strict=True):
        keys = same[0].keys
        if any(row.keys != keys for row in same):
            raise ValueError(f"rows to join must have the same keys, got {[r.keys for r in same]}")
        rows.append(Row(keys, {name: one for row in same for name, one in row.values.items()}))
    return Table(tuple(rows))


def stack(key: str, tables: Mapping[str, Table]) -> Table:
    """Put tables one below the other, and tell them apart by a key of their rows.

    Args:
        key: that the rows do not have yet; it comes first.
        tables: by the values of the key.
    """
    return Table(
        tuple(
            Row({key: name, **row.keys}, row.values)
            for name, table in tables.items()
            for row in table.rows
        )
    )


def wide(table: Table) -> list[Record]:
    """Return a record of each row, its intervals as ``MEASURE_mean``, ``_low`` and ``_high``.

    Numbers have six digits; those that are missing are empty.
    """
    write = lambda value: "" if math.isnan(value) else f"{value:.6g}"
    return [
        {
            **row.keys,
            **{
                f"{name}_{part}": write(value)
                for name, found in row.values.items()
                for part, value in found._asdict().items()
            },
        }
        for row in table.rows
    ]
