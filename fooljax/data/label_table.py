"""``labels.csv``: a table of pictures and their classes, as spreadsheets save it."""

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

from fooljax.data.text_files import read_text

_DELIMITERS = (",", ";", "\t")  # Excel's depends on the country
_NEEDED = ("file", "label")


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        where: file and line, for complaints.
        file: path of the picture, as written.
        label: its class, a whole number.
        wnid: its class by another name; empty where the table has none.
    """

    where: str
    file: str
    label: int
    wnid: str


def read_table(path: Path) -> list[Row]:
    """Read a table whose first line names the columns file and label, and perhaps wnid.

    Columns are separated by commas, semicolons or tabs and may be in any order; what
    contains a separator is in double quotes.

    Raises:
        ValueError: if a column is missing, or a label is no whole number; if it is no text.
    """
    text = read_text(path)
    try:
        lines = _split(path, text)
    except csv.Error as error:
        raise ValueError(f"{path}: not a table of separated values ({error})") from error
    return [_row(f"{path}: line {number}", cells) for number, cells in lines]


def _split(path: Path, text: str) -> list[tuple[int, dict[str, str]]]:
    """Return the number of every line and its cells by column."""
    best: list[str] = []
    for delimiter in _DELIMITERS:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        names = [name.strip().lower() for name in next(rows, [])]
        best = max(best, [name for name in _NEEDED if name in names], key=len)
        if len(best) == len(_NEEDED):
            cells = lambda row, names=names: dict(zip(names, map(str.strip, row), strict=False))
            return [(rows.line_num, cells(row)) for row in rows if row]
    missing = [name for name in _NEEDED if name not in best]
    first = text.partition("\n")[0].strip()
    raise ValueError(
        f"{path}: column {', '.join(missing)} missing; the first line must name the columns file "
        f"and label, got {first[:80]!r}"
    )


def _row(where: str, cells: dict[str, str]) -> Row:
    label = cells.get("label", "")
    if not re.fullmatch(r"[0-9]{1,9}", label):
        raise ValueError(f"{where}: label must be a whole number from 0 on, got {label[:80]!r}")
    return Row(where, cells.get("file", ""), int(label), cells.get("wnid", ""))
