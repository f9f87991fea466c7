"""The leaderboard: a table for each data set and setting, made of entries at every build.

An entry is what ``fooljax entry RUN NAME`` puts into ``docs/leaderboard``; one whose figures
were edited, or that cannot be compared with the others, breaks the build.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from experiments import foolbench
from experiments.foolbench import numbers
from fooljax.runtime import entries

if TYPE_CHECKING:
    from sphinx.application import Sphinx

TERMS = foolbench.TERMS
_NONE = "\N{EN DASH}"
LEAST_RIGHT = 0.9  # of what the best row of a table answers rightly
RULE = (
    "A row is a network with a defense. Rows are ordered by the kind of images that they accept "
    "most of, the adversary knowing the defense; among equals by the mean of all kinds. Rows that "
    f"answer less than {100 * LEAST_RIGHT:.0f} % as many clean images rightly as the best of their "
    "table come last, without a place: who rejects everything is fooled by nothing."
)
COLUMNS = {
    "Place": "by the rule above",
    "Entry": "as its author calls it",
    "Network": "architecture, and how it was trained or where its weights come from",
    "Defense": "what was done to it; † where evolution gets far more past it than gradients do, "
    "so that gradients mislead",
    "Clean, right": "clean images answered rightly, in percent; rejected ones count as wrong",
    "Worst kind": "share accepted of the kind of images of which most are, made by an adversary "
    "who knows the defense, in percent, where 95 % of clean images are accepted",
    "Which": "that kind",
    "All kinds": "mean of all kinds, the adversary knowing the defense",
    "Naive": "mean of all kinds, made for the same network without any defense",
    "Smaller": "by how many powers of ten the share of uniform images that the network is sure of "
    "is smaller than without a defense, where somebody measured that",
    "Date": "of the run",
    "Digest": "of the entry, its first eight digits",
}
_INTERVALS = numbers.INTERVALS.format(over="the networks, or the repeats on a given one")
_HEAD = f"""# Leaderboard

Which networks keep out images that show nothing, and with which defense? These are entries of the
[{TERMS.benchmark.lower()} {TERMS.version}](../defend.md), measured by one command
each. [How to enter](../add/entry.md) takes three steps.

{RULE}

In parentheses intervals: {_INTERVALS}. That of the worst kind is that kind's own; it does
not know that the worst was chosen.

"""
_EMPTY = "There is no entry yet.\n"


class Line(NamedTuple):
    """A row of a table.

    Attributes:
        name: of the entry.
        entry: whole.
        row: of the entry.
    """

    name: str
    entry: dict[str, Any]
    row: dict[str, Any]

    @property
    def worst(self) -> str:
        """The kind of images of which most are accepted."""
        shares = self.row["adaptive"]
        return max(shares, key=lambda kind: shares[kind][0])

    @property
    def order(self) -> tuple[float, float]:
        """What rows are ordered by."""
        return self.row["adaptive"][self.worst][0], self.row["adaptive_mean"][0]


def write_page(source: Path, target: Path) -> int:
    """Write the page; return how many tables it has.

    Args:
        source: folder of entries.
        target: the page.

    Raises:
        ValueError: if an entry was edited, or cannot be compared, naming it.
    """
    found = {path.stem: entries.read(path) for path in sorted(source.glob("*.json"))}
    groups: dict[str, dict[str, Any]] = {}
    for name, entry in found.items():
        if entry["version"] == TERMS.version:
            try:
                entries.check(entry, TERMS)
            except ValueError as error:
                raise ValueError(f"{source / name}.json: {error}") from error
        groups.setdefault(_place(entry), {})[name] = entry
    parts = [_HEAD] if groups else [_HEAD, _EMPTY]
    for members in sorted(groups.values(), key=_order):
        parts += table(members)
    parts += ["## What the columns mean\n", *_table(("Column", "Meaning"), COLUMNS.items())]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(parts) + "\n", encoding="utf-8")
    return len(groups)


def rank(members: dict[str, dict[str, Any]]) -> tuple[list[Line], list[Line]]:
    """Order the rows of entries that can be compared: those with a place, and those without."""
    lines = [Line(name, entry, row) for name, entry in members.items() for row in entry["rows"]]
    right = lambda line: line.row["clean_accuracy"][0]
    least = LEAST_RIGHT * max(map(right, lines))
    lines.sort(key=lambda line: (*line.order, -right(line)))
    return [one for one in lines if right(one) >= least], [x for x in lines if right(x) < least]


def title(entry: dict[str, Any]) -> str:
    """Name a table by its data, and by the settings that are not those of the preset."""
    given = entry["settings"]
    differing = [
        f"{name.replace('_', ' ')} {_said(given.get(name, usual))}"
        for name, usual in TERMS.settings.items()
        if name not in (*TERMS.free, "dataset") and _said(given.get(name, usual)) != _said(usual)
    ]
    version = "" if entry["version"] == TERMS.version else f" (version {entry['version']})"
    return _plain(", ".join([given["dataset"], *differing])) + version


def table(members: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield a table of entries that can be compared, one by kind of images, and their origins."""
    placed, others = rank(members)
    lines = [(str(i + 1), line) for i, line in enumerate(placed)] + [(_NONE, one) for one in others]
    some = next(iter(members.values()))
    yield f"## {title(some)}\n"
    yield from _table(tuple(COLUMNS), [cells(place, line) for place, line in lines])
    kinds = list(some["rows"][0]["adaptive"])
    yield "**By kind of images**, naive / knowing adversary, in percent:\n"
    yield from _table(
        ("Place", "Defense", *kinds),
        [(place, _plain(line.row["defense"]), *each(line, kinds)) for place, line in lines],
    )
    yield ":::{dropdown} Where these numbers come from\n"
    yield f"Settings of all: {', '.join(_common(some))}.\n"
    yield from map(origin, members, members.values())
    yield ":::\n"


def cells(place: str, line: Line) -> list[str]:
    """Return what `COLUMNS` says of a row."""
    name, entry, row = line
    words, given = _plain(entry["title"] or name), entry["settings"]
    how = [given["model"], *(given[part] for part in ("weights",) if given[part])]
    how += [given["recipe"]] if given["recipe"] != "quick" and not given["weights"] else []
    return [
        place,
        f"[{words}]({entry['link']})" if entry["link"] else words,
        _plain(", ".join(how)),
        _plain(row["defense"]) + (" †" if row["masked"] else ""),
        percent(row["clean_accuracy"]),
        percent(row["adaptive"][line.worst]),
        _plain(line.worst),
        percent(row["adaptive_mean"]),
        percent(row["naive_mean"]),
        _NONE if row["smaller"] is None else _between(row["smaller"], 1.0, 1),
        entry["run"]["date"],
        f"`{entry['digest'][:8]}`",
    ]


def each(line: Line, kinds: Sequence[str]) -> Iterator[str]:
    """Return the share accepted of each kind, made for the plain network and for this one."""
    for kind in kinds:
        shares = (line.row[who][kind][0] for who in ("naive", "adaptive"))
        yield " / ".join(f"{100 * share:.0f}" for share in shares)


def origin(name: str, entry: dict[str, Any]) -> str:
    """Say who measured an entry, how, and what it rests on."""
    run = entry["run"]
    versions = ", ".join(f"{one} {two}" for one, two in run["versions"].items())
    load = "" if run["load"] is None else f", load {run['load']} when it ended"
    weights = ", ".join(f"`{one['weights']}`" for one in entry["networks"].values())
    code = "".join(f" {_plain(file)} `{mark}`." for file, mark in entry["code"].items())
    by = f" By {_plain(entry['authors'])}." if entry["authors"] else ""
    commit = f" ({run['commit']})" if run["commit"] else ""
    return (
        f"- **{_plain(entry['title'] or name)}** (`{name}.json`, digest `{entry['digest']}`).{by} "
        f"`{run['command'].replace('`', '')}`, fooljax {run['fooljax']}{commit}, {versions}; "
        f"{run['seconds']:,.0f} s on {run['device']} ({run['cores']} cores{load}). Data "
        f"`{entry['data']['sets']}`, weights of the plain networks {weights}.{code}\n"
    )


def percent(interval: Sequence[float | None]) -> str:
    """Write a share and its interval."""
    return _between(interval, 100.0, 0)


def _between(interval: Sequence[float | None], unit: float, digits: int) -> str:
    mean, low, high = (None if one is None else f"{unit * one:.{digits}f}" for one in interval)
    return f"{mean} ({low} to {high})" if low is not None else f"{mean}"


def _place(entry: dict[str, Any]) -> str:
    """Return what entries of one table have in common."""
    given = {**TERMS.settings, **entry["settings"]}
    fixed = {name: one for name, one in given.items() if name not in TERMS.free}
    return json.dumps([entry["version"], entry["data"]["sets"], fixed], sort_keys=True)


def _common(entry: dict[str, Any]) -> Iterator[str]:
    """Yield the settings that all entries of a table share, as words."""
    for name, value in entry["settings"].items():
        if name not in TERMS.free and value is not None:
            yield _plain(f"{name.replace('_', ' ')} {_said(value)}")


def _order(members: dict[str, dict[str, Any]]) -> tuple[bool, str]:
    """Put tables of the current version first, and order them by name."""
    some = next(iter(members.values()))
    return some["version"] != TERMS.version, title(some)


def _said(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _plain(text: str) -> str:
    """Return words of others as Markdown that says them, and does nothing else."""
    return re.sub(r"([\\`*_{}\[\]<>()#!|~$&@^\"])", r"\\\1", text)


def _table(titles: Sequence[str], rows: Any) -> Iterator[str]:
    line = lambda one: f"| {' | '.join(one)} |"
    yield "\n".join([line(titles), line(["---"] * len(titles)), *map(line, rows)]) + "\n"


def _write(app: Sphinx) -> None:
    home = Path(app.srcdir) / "leaderboard"
    write_page(home, home / "index.md")


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook in before pages are looked for."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
