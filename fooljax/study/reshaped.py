"""Tables in other forms: one below the other, and as records."""

import math
from collections.abc import Mapping

from fooljax.study.tables import Record, Row, Table


def stack(key: str, tables: Mapping[str, Table]) -> Table:
    """Put tables one below the other, and tell them apart by a key of their rows.

    Args:
        key: that the rows do not have yet; it comes first.
        tables: by the values of the key.

    Example:
        >>> from fooljax import study
        >>> table = study.Table((study.Row({"attack": "pgd"}, {"fooled": study.exactly(0.5)}),))
        >>> both = study.stack("network", {"lenet": table, "mlp": table})
        >>> [dict(row.keys) for row in both.rows]
        [{'network': 'lenet', 'attack': 'pgd'}, {'network': 'mlp', 'attack': 'pgd'}]
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

    Example:
        >>> from fooljax import study
        >>> from fooljax.metrics import Interval
        >>> row = study.Row({"attack": "pgd"}, {"fooled": Interval(0.5, 0.4, 0.6)})
        >>> table = study.Table((row,))
        >>> study.wide(table)
        [{'attack': 'pgd', 'fooled_mean': '0.5', 'fooled_low': '0.4', 'fooled_high': '0.6'}]
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
