"""From one record for each thing measured to a table of means with intervals."""

import csv
import functools
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fooljax.analysis import over_repeats
from fooljax.metrics import Interval, bootstrap

Value: TypeAlias = str | int | float | None
#: Coordinates and numbers of one thing that was measured, by name; any of these types, as
#: the experiment that names it knows.
Record: TypeAlias = Mapping[str, Any]
#: What a number is over independent repeats.
Over: TypeAlias = Callable[[Sequence[float]], Interval]


class Row(NamedTuple):
    """A line of a table.

    Attributes:
        keys: what it is about.
        values: what was measured, by name.
    """

    keys: Record
    values: Mapping[str, Interval]


class Table(NamedTuple):
    """Means over independent repeats, with intervals.

    Attributes:
        rows: in the order in which records first spoke of them.
    """

    rows: tuple[Row, ...]

    def where(self, **keys: Value) -> "Table":
        """Keep the rows with these keys."""
        return Table(tuple(row for row in self.rows if _has(row.keys, keys)))

    def value(self, measure: str, /, **keys: Value) -> Interval:
        """Return a number of the only row with these keys; NaN where there is no such row.

        Raises:
            KeyError: if there are several such rows.
        """
        rows = self.where(**keys).rows
        if len(rows) > 1:
            raise KeyError(f"there are {len(rows)} rows at {keys}")
        return rows[0].values[measure] if rows else Interval(math.nan, math.nan, math.nan)

    def column(self, key: str, measure: str, /, **keys: Value) -> dict[Any, Interval]:
        """Return a number by the values of a key, of the rows that have the other keys."""
        return {row.keys[key]: row.values[measure] for row in self.where(**keys).rows}

    def names(self, key: str) -> list[Any]:  # of the key's own type
        """Return all values of a key, each once, in the order of the rows."""
        return list(dict.fromkeys(row.keys[key] for row in self.rows))

    def plain(self) -> list[dict[str, Any]]:  # keys, and an interval a measure
        """Return the rows as JSON can hold them."""
        return [
            {**row.keys, **{name: found._asdict() for name, found in row.values.items()}}
            for row in self.rows
        ]


def summarize(
    records: Iterable[Record],
    by: Sequence[str],
    measures: Iterable[str],
    repeat: str = "repeat",
    over: Over = over_repeats,
    unbounded: Iterable[str] = (),
) -> Table:
    """Average records within each repeat first, then over the repeats, with intervals.

    Args:
        records: one for each thing measured.
        by: keys that make a row of their own; all others are averaged over.
        measures: names of the numbers.
        repeat: the key that tells independent repeats apart.
        over: what a number is over the repeats: the mean of shares in [0, 1] with its
            95 % interval by Student's t, unless given; `within` and `span` are others.
        unbounded: names of further numbers, which are no shares: their intervals are not
            cut off at 0 and 1.

    Example:
        >>> from fooljax import study
        >>> told = [(0, True), (0, True), (1, True), (1, False)]
        >>> records = [{"attack": "pgd", "repeat": i, "fooled": was} for i, was in told]
        >>> table = study.summarize(records, by=("attack",), measures=("fooled",))
        >>> float(table.value("fooled", attack="pgd").mean)  # of two repeats, 100 % and 50 %
        0.75
    """
    each = {**dict.fromkeys(measures, over), **dict.fromkeys(unbounded, within())}
    groups: dict[tuple[Value, ...], dict[Value, list[Record]]] = {}
    for record in records:
        repeats = groups.setdefault(tuple(record[key] for key in by), {})
        repeats.setdefault(record[repeat], []).append(record)
    mean = lambda some, name: float(np.mean([_number(one[name]) for one in some]))
    return Table(
        tuple(
            Row(
                dict(zip(by, keys, strict=True)),
                {
                    name: average([mean(some, name) for some in repeats.values()])
                    for name, average in each.items()
                },
            )
            for keys, repeats in groups.items()
        )
    )


def medians(
    records: Iterable[Record],
    by: Sequence[str],
    measure: str,
    repeat: str = "repeat",
    seed: int = 0,
) -> Table:
    """Take the median of all records of a row, with an interval over whole repeats.

    It is the 95 % interval by bootstrap: repeats are drawn anew, each with all its records.

    Args:
        records: one for each thing measured, of a row equally many in every repeat.
        by: keys that make a row of their own.
        measure: name of the number.
        repeat: the key that tells independent repeats apart.
        seed: decides the draws.

    Example:
        >>> from fooljax import study
        >>> told = [(0, 1.0), (0, 2.0), (1, 3.0), (1, 90.0)]
        >>> records = [{"attack": "pgd", "repeat": i, "l2": size} for i, size in told]
        >>> table = study.medians(records, by=("attack",), measure="l2")
        >>> float(table.value("l2", attack="pgd").mean)  # one far away moves it little
        2.5
    """
    groups: dict[tuple[Value, ...], dict[Value, list[float]]] = {}
    for record in records:
        repeats = groups.setdefault(tuple(record[key] for key in by), {})
        repeats.setdefault(record[repeat], []).append(_number(record[measure]))

    def over(values: np.ndarray) -> Interval:
        redrawn = lambda rows, axis: np.median(values[rows.astype(int)], axis=(-2, -1))
        return bootstrap(np.arange(len(values)), redrawn, seed=seed)

    found = {keys: over(np.array(list(repeats.values()))) for keys, repeats in groups.items()}
    rows = [Row(dict(zip(by, keys, strict=True)), {measure: one}) for keys, one in found.items()]
    return Table(tuple(rows))


def join(*tables: Table) -> Table:
    """Put the numbers of tables that have the same rows, in the same order, side by side.

    Raises:
        ValueError: if their rows are not the same.

    Example:
        >>> from fooljax import study
        >>> row = lambda name: study.Row({"attack": "pgd"}, {name: study.exactly(0.5)})
        >>> both = study.join(study.Table((row("fooled"),)), study.Table((row("sure"),)))
        >>> list(both.rows[0].values)
        ['fooled', 'sure']
    """
    rows = []
    for same in zip(*(table.rows for table in tables), strict=True):
        keys = same[0].keys
        if any(row.keys != keys for row in same):
            raise ValueError(f"tables to join must have the same rows, got {keys} and others")
        values = {name: value for row in same for name, value in row.values.items()}
        rows.append(Row(keys, values))
    return Table(tuple(rows))


def within(low: float = -math.inf, high: float = math.inf) -> Over:
    """Take the mean of numbers that are no shares, with its 95 % interval by Student's t.

    Args:
        low: the least that such a number can be.
        high: the most.

    Example:
        >>> from fooljax import study
        >>> records = [{"attack": "pgd", "repeat": i, "l2": 2.0 + i} for i in range(3)]
        >>> table = study.summarize(records, ("attack",), ("l2",), over=study.within(0.0))
        >>> study.spell(table.value("l2", attack="pgd"), "{:.1f}".format)
        '3.0 (0.5 to 5.5)'
    """
    return functools.partial(over_repeats, bounds=(low, high))


def span(values: Sequence[float]) -> Interval:
    """Give the median of independent repeats, from the lowest to the highest of them.

    A single one has no limits (NaN).

    Example:
        >>> from fooljax import study
        >>> study.spell(study.span([0.1, 0.4, 0.3]))
        '30 % (10 % to 40 %)'
    """
    ends = (np.min(values), np.max(values)) if len(values) > 1 else (math.nan, math.nan)
    return Interval(float(np.median(values)), *map(float, ends))


def exactly(value: float) -> Interval:
    """Return a number of which no interval is known.

    Example:
        >>> from fooljax import study
        >>> study.spell(study.exactly(0.25))
        '25 %'
    """
    return Interval(float(value), math.nan, math.nan)


def where(records: Iterable[Record], **keys: Value) -> list[Record]:
    """Keep the records with these keys.

    Example:
        >>> from fooljax import study
        >>> records = [{"attack": name, "l2": size} for name, size in (("pgd", 2.0), ("fgsm", 3.0))]
        >>> study.where(records, attack="pgd")
        [{'attack': 'pgd', 'l2': 2.0}]
    """
    return [record for record in records if _has(record, keys)]


def to_csv(records: Sequence[Record]) -> bytes:
    """Write records as a CSV file, a line each; what a record lacks stays empty.

    Example:
        >>> from fooljax import study
        >>> print(study.to_csv([{"attack": "pgd", "l2": 2.0}, {"attack": "none"}]).decode(), end="")
        attack,l2
        pgd,2.0
        none,
    """
    text = io.StringIO()
    names = list(dict.fromkeys(name for record in records for name in record))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    plain = lambda value: value.item() if isinstance(value, np.generic) else value
    writer.writerows({name: plain(value) for name, value in one.items()} for one in records)
    return text.getvalue().encode()


def _has(record: Record, keys: Record) -> bool:
    return all(record[name] == value for name, value in keys.items())


def _number(value: Value) -> float:
    return math.nan if value is None else float(value)
