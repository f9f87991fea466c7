"""What a run leaves for others to read: where its numbers come from, and a page of them.

A finished run holds ``record.json``: what was asked and what came out, the command, the
version, the machine. ``fooljax record RUN NAME`` gathers it with the run's numbers and one
picture into two files that a repository can keep; `to_markdown` makes a page of them, on
which no number is typed by hand.
"""

import ast
import csv
import hashlib
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import fooljax
from fooljax.runtime import files

FILE = "record.json"
#: What a record says of where its numbers come from.
SOURCES = (
    *("experiment", "device", "cores", "load", "seconds", "date"),
    *("fooljax", "commit", "source", "versions"),
)
_ROOT = Path(fooljax.__file__).parent
_REPEATS = ("repeat", "run", "seed", "fold")  # columns that are averaged over
_WHICH = ("network", "generation", "label", "parent_niche")  # numbers whose mean says nothing
_MOST_ROWS, _MOST_NUMBERS, _MOST_NAMES = 40, 8, 24
_WIDEST = 1200  # pixels of the picture that is kept
_EXTRA = 1_000_000  # bytes of records.csv


def write(
    folder: Path,
    module: str,
    command: str,
    device: str,
    seconds: float,
    headline: Mapping[str, Any],
    versions: Mapping[str, str],
) -> None:
    """Write ``record.json`` into a run directory.

    Args:
        folder: the run directory.
        module: the experiment's.
        command: that repeats the run.
        device: that it ran on, in words.
        seconds: that it took.
        headline: title, lead and key figures of its page.
        versions: of the libraries that it rests on.
    """
    name = module.rpartition(".")[2]
    files.write_json(
        folder / FILE,
        {
            "experiment": name,
            **headline,
            "command": command,
            "device": device,
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
            "system": sys.platform,
            "seconds": round(seconds, 1),
            "date": datetime.now().date().isoformat(),
            "fooljax": fooljax.__version__,
            "commit": _commit(),
            "source": digest(name),
            "versions": {**versions, "python": ".".join(map(str, sys.version_info[:3]))},
        },
    )


def digest(experiment: str) -> str | None:
    """Return a digest of what an experiment computes; None if it lies elsewhere.

    Pages, docstrings, comments and empty lines change no number, and do not count.
    """
    for place in (_ROOT / "experiments", _ROOT.parent / "experiments"):
        paths = [place / f"{experiment}.py", *sorted((place / experiment).glob("*.py"))]
        if found := [path for path in paths if path.is_file() and path.name != "page.py"]:
            code = "\n".join(_code(path.read_text(encoding="utf-8")) for path in found)
            return hashlib.sha256(code.encode()).hexdigest()[:16]
    return None


def _code(source: str) -> str:
    """Return the lines of source that are no docstring, no comment and not empty."""
    lines = dict(enumerate(source.splitlines(), 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            lines |= dict.fromkeys(range(node.lineno, (node.end_lineno or 0) + 1), "")
    return "\n".join(one for one in lines.values() if one.strip() and one.strip()[0] != "#")


def read(run: Path) -> dict[str, Any]:
    """Read ``record.json`` of a finished run.

    Raises:
        ValueError: if the run is not finished.
    """
    if not (run / FILE).is_file():
        raise ValueError(f"RUN: {run} has no {FILE}; it is no finished run of this version")
    record: dict[str, Any] = json.loads((run / FILE).read_text(encoding="utf-8"))
    return record


def check_name(name: str) -> None:
    """Refuse a name that not every file system takes for a file's.

    Raises:
        ValueError: with what may be in it.
    """
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"NAME must be letters, digits, - and _, got {name!r}")


def collect(run: Path, name: str, folder: Path, picture: str | None = None) -> Path:
    """Gather the record of a finished run into ``NAME.json`` and ``NAME.png``.

    Args:
        run: the run directory.
        name: of the record.
        folder: where records are kept.
        picture: of the run directory; its gallery, or its first, unless given.

    Returns:
        The JSON file.

    Raises:
        ValueError: if the run is not finished, or the picture is not there.
    """
    check_name(name)
    record = read(run)
    rows = (run / "records.csv").read_text(encoding="utf-8")
    if len(rows) > _EXTRA:
        raise ValueError(f"RUN: {run / 'records.csv'} is too large to keep, {len(rows):,} bytes")
    record["command"] = _elsewhere(record["command"])
    folder.mkdir(parents=True, exist_ok=True)
    chosen = _picture(run, picture)
    if chosen is not None:
        _shrink(chosen, folder / f"{name}.png")
    files.write_json(
        folder / f"{name}.json", {**record, "picture": chosen and chosen.stem, "records": rows}
    )
    return folder / f"{name}.json"


def to_markdown(path: Path) -> str:
    """Write the page of a record: question, answer, picture, numbers, where they come from.

    Args:
        path: a file that `collect` wrote.
    """
    record = json.loads(path.read_text(encoding="utf-8"))
    parts = [f"# {record['title']}", record["lead"]]
    parts.append("\n".join(f"- **{value}** {label}" for value, label in record["figures"]))
    if record["picture"] is not None:
        parts.append(f"![{record['picture']} of the run]({path.stem}.png)")
    parts.append(f"```bash\n{record['command']}\n```")
    if table := means(record["records"]):
        parts.append(table)
    commit = f" ({record['commit']})" if record["commit"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    load = "" if record["load"] is None else f", load {record['load']} when it ended"
    parts.append(
        f"Measured on {record['date']} with fooljax {record['fooljax']}{commit}, {versions}, in "
        f"{record['seconds']:,.0f} s on {record['device']} ({record['cores']} cores{load})."
    )
    parts += _changed(record, digest(record["experiment"]))
    return "\n\n".join(parts) + "\n"


def _changed(record: Mapping[str, Any], now: str | None) -> list[str]:
    """Say what a record is worth whose experiment has been changed since.

    Its ``same``, added by hand, is a smaller run that gave the same numbers before and after.
    """
    if record["source"] == now:
        return []
    same = record.get("same")
    if same is None or same["source"] != now:
        return ["**Stale:** the experiment has been changed since this was measured."]
    words = "The experiment has been changed since; a smaller run gives the same numbers as then:"
    return [words, f"```bash\n{same['command']}\n```"]


def means(text: str) -> str:
    """Write the means of records as a table in Markdown: a row for each set of names.

    Columns of words, and of numbers that say which one, with few values name the rows; other
    numbers are averaged over all records of a row. Nothing where there are no numbers or too
    many rows.

    Args:
        text: of ``records.csv``.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    columns = list(rows[0]) if rows else []
    others = (*_REPEATS, *_WHICH)
    numbers = [c for c in columns if all(_is_number(r[c]) for r in rows) and c not in others]
    numbers = [c for c in numbers if any(r[c] for r in rows)][:_MOST_NUMBERS]
    names = [c for c in columns if c not in numbers and c not in _REPEATS]
    names = [c for c in names if len({r[c] for r in rows}) <= _MOST_NAMES]
    groups: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[c] for c in names), []).append(row)
    if not numbers or len(groups) > _MOST_ROWS:
        return ""
    lines = [_line([*names, *numbers, "records"]), _line(["---"] * (len(names) + len(numbers) + 1))]
    for key, members in groups.items():
        lines.append(_line([*key, *(_mean(members, c) for c in numbers), str(len(members))]))
    return "\n".join(lines)


def main(words: Sequence[str]) -> None:
    """Run ``fooljax record RUN NAME [--to DIR] [--picture FILE.png]``.

    Raises:
        SystemExit: with a message, if that fails.
    """
    import argparse

    parser = argparse.ArgumentParser(
        "fooljax record", description="Gather what a finished run found into two files."
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="run directory")
    parser.add_argument("name", metavar="NAME", help="of the record")
    parser.add_argument("--to", type=Path, default=Path("docs/records"), help="where they go")
    parser.add_argument("--picture", help="of the run directory; its gallery unless given")
    given = parser.parse_args(words)
    try:
        print(collect(given.run, given.name, given.to, given.picture))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from error


def _elsewhere(command: str) -> str:
    """Cut whole paths to their last part, for they mean something on one machine only."""
    words = shlex.split(command)
    return shlex.join(Path(one).name if Path(one).is_absolute() else one for one in words)


def _commit() -> str | None:
    """Return the commit of the clone that this package lies in, None without one."""
    if not (_ROOT.parent / ".git").exists():
        return None
    command = ["git", "-C", os.fspath(_ROOT.parent), "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None


def _picture(run: Path, name: str | None) -> Path | None:
    pictures = sorted(run.glob("*.png"))
    if name is None:
        galleries = [path for path in pictures if path.stem == "gallery"]
        return next(iter([*galleries, *pictures]), None)
    path = run / name
    if path not in pictures:
        there = ", ".join(one.name for one in pictures) or "none"
        raise ValueError(f"--picture {name}: not in {run}; there are: {there}")
    return path


def _shrink(source: Path, target: Path) -> None:
    from PIL import Image

    with Image.open(source) as opened:
        picture: Image.Image = opened
        if opened.width > _WIDEST:
            height = round(opened.height * _WIDEST / opened.width)
            picture = opened.convert("RGB").resize((_WIDEST, height), Image.Resampling.LANCZOS)
        picture.save(target, optimize=True)


def _is_number(text: str) -> bool:
    try:
        return text == "" or float(text) is not None
    except ValueError:
        return False


def _mean(rows: Sequence[Mapping[str, str]], column: str) -> str:
    known = [float(row[column]) for row in rows if row[column]]
    return f"{sum(known) / len(known):.4g}" if known else ""


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
