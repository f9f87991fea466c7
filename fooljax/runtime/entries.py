"""Entries of a leaderboard: the figures of a finished run and what they rest on, in a small file.

A benchmark leaves ``entry.json`` in its run directory. ``fooljax entry RUN NAME`` checks it
and puts it where a repository keeps entries. Title, authors and link are its author's to
fill in; all else is covered by a digest, which tells figures that were edited. The digest
is no signature: who doubts a figure repeats the run by the command in the entry.
"""

import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from fooljax.runtime import files, inputs, records, settings

FILE = "entry.json"
#: What its author fills in, and may change later: the most characters of each.
OWN = {"title": 80, "authors": 200, "link": 200}
#: As JSON holds it.
Entry: TypeAlias = Mapping[str, Any]

_PARTS = (
    *("benchmark", "version", "rows", "settings", "networks", "data", "code", "files", "run"),
    "digest",
)
_LENGTH = 16  # hexadecimal digits
_ANSWERS = 10  # logits of the first of the images that functions are told by
_DEEP = 2  # values that lie deeper are written on one line


class Terms(NamedTuple):
    """What an entry must keep to.

    Attributes:
        benchmark: its name.
        version: of the benchmark; raised whenever its figures would change.
        preset: that keeps to all terms.
        settings: of the preset, by name. An entry's numbers are at least as large, and of
            names it has at least these.
        same: settings that must be those of the preset.
        split: settings that may be any; entries that differ in them are not compared.
        free: settings that may be any, and that entries are there to compare.
    """

    benchmark: str
    version: str
    preset: str
    settings: Mapping[str, Any]
    same: Sequence[str]
    split: Sequence[str]
    free: Sequence[str]


def write(
    folder: Path,
    experiment: str,
    config: Any,
    places: Sequence[str],
    networks: Mapping[str, Mapping[str, Any]],
    **parts: Any,
) -> None:
    """Write ``entry.json`` into the directory of a run that is finished.

    Paths are left out or cut to the names of their files: they mean something on one
    machine only.

    Args:
        folder: the run directory, with its ``record.json``, ``records.csv`` and
            ``inputs.json``.
        experiment: its module, as ``python -m`` takes it.
        config: the settings, a dataclass.
        places: settings that decide no figures, and so are left out.
        networks: what there is to say of each, its ``weights`` (``identity.of_weights``)
            among it.
        parts: what else the entry says, as JSON can hold it: ``benchmark``, ``version``
            and ``rows``.
    """
    record, begun = records.read(folder), inputs.read(folder)
    given = settings.flat(config)
    named = {name: _named(value) for name, value in given.items() if name not in places}
    usual = {name: settings.flat(type(config)())[name] for name in places}
    command = settings.command_of(experiment, settings.change(config, **named, **usual))
    lists = (value if isinstance(value, tuple) else (value,) for value in given.values())
    own = [_file(word) for words in lists for word in words if ".py:" in str(word)]
    known = {marks["weights"]: marks["logits"] for marks in begun["networks"].values()}
    entry = {
        **parts,
        "settings": named,
        "networks": {
            name: {
                **about,
                "weights": about["weights"][:_LENGTH],
                "answers": known.get(about["weights"], [[]])[0][:_ANSWERS],
            }
            for name, about in networks.items()
        },
        "data": {
            "sets": _digest([marks for marks in begun["data"].values() if "test images" in marks]),
            "all": _digest(list(begun["data"].values())),
        },
        "code": {path.name: _digest(path) for path in own},
        "files": {"records.csv": _digest(folder / "records.csv")},
        "run": {name: record[name] for name in records.SOURCES} | {"command": command},
    }
    entry = json.loads(json.dumps(files.finite(entry)))
    _write(folder / FILE, {**dict.fromkeys(OWN, ""), **entry, "digest": digest(entry)})


def digest(entry: Entry) -> str:
    """Return a digest of all but what the author fills in, whatever the order and the spaces."""
    return _digest({name: part for name, part in entry.items() if name not in (*OWN, "digest")})


def read(place: Path) -> dict[str, Any]:
    """Read an entry, and see that nobody edited its figures.

    Args:
        place: an entry's file, or the directory of a finished run.

    Raises:
        ValueError: if there is none, or it was changed, naming the remedy.
    """
    path = place / FILE if place.is_dir() else place
    if not path.is_file():
        raise ValueError(
            f"RUN: {place} has no {FILE}; it is no finished run of a benchmark. Go on with --resume"
            if place.is_dir()
            else f"RUN: {place} does not exist; give a run directory, or the file of an entry"
        )
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        lacking = [part for part in (*OWN, *_PARTS) if part not in entry]
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} cannot be read as an entry ({error}); copy it anew") from error
    if lacking or not isinstance(entry, dict):
        raise ValueError(f"{path} is no entry; it lacks {', '.join(lacking)}")
    if entry["digest"] != digest(entry):
        raise ValueError(
            f"{path} was edited: its digest is {digest(entry)} and not {entry['digest']}; take it "
            f"from the run again, and change no more than {', '.join(OWN)}"
        )
    _check_own(entry, path)
    for name, said in entry["files"].items() if place.is_dir() else ():
        if not (place / name).is_file() or _digest(place / name) != said:
            raise ValueError(
                f"RUN: {place / name} is not what the entry was made from; run it to the end again "
                f"with --resume {place}"
            )
    return entry


def check(entry: Entry, terms: Terms) -> None:
    """See that an entry can be compared with others.

    A setting that there was not yet when it was measured counts as that of the preset.

    Raises:
        ValueError: if it is of another benchmark or version, or its settings are less than
            the terms ask for, naming each.
    """
    of, asked = f"{entry['benchmark']} {entry['version']}", f"{terms.benchmark} {terms.version}"
    if of != asked:
        raise ValueError(f"RUN is of {of}, and entries are taken of {asked}; run it anew")
    wrong = [
        f"--{name.replace('_', '-')} {fault}"
        for name, least in terms.settings.items()
        if name not in (*terms.split, *terms.free)
        for fault in [_fault(entry["settings"].get(name, least), least, name in terms.same)]
        if fault
    ]
    if wrong:
        raise ValueError(
            f"RUN cannot be compared with others: {'; '.join(wrong)}. Run it anew with --preset "
            f"{terms.preset}"
        )


def collect(
    run: Path, name: str, folder: Path, terms: Terms, own: Mapping[str, str | None]
) -> Path:
    """Check the entry of a run, and put it where entries are kept.

    Args:
        run: the run directory.
        name: of the entry.
        folder: where entries are kept.
        terms: that it must keep to.
        own: what its author fills in, by the names of `OWN`; None leaves it as it is.

    Returns:
        The file, ``NAME.json``.

    Raises:
        ValueError: as `read` and `check` do, or if the name is not free.
    """
    records.check_name(name)
    entry, path = read(run), folder / f"{name}.json"
    check(entry, terms)
    if path.exists():
        before = read(path)
        if before["digest"] != entry["digest"]:
            raise ValueError(f"NAME: {path} is another entry; give another name, or delete it")
        entry |= {field: before[field] for field in OWN if not entry[field]}
    entry |= {field: text for field, text in own.items() if text is not None}
    _check_own(entry, path)
    folder.mkdir(parents=True, exist_ok=True)
    _write(path, entry)
    return path


def main(words: Sequence[str], terms: Terms) -> None:
    """Run ``fooljax entry RUN [NAME] [--to DIR] [--title ...] [--authors ...] [--link ...]``.

    Raises:
        SystemExit: with a message, if that fails.
    """
    import argparse

    parser = argparse.ArgumentParser(
        "fooljax entry",
        description="Check what a finished run of the benchmark found, and enter it.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="run directory, or an entry's file")
    parser.add_argument("name", metavar="NAME", nargs="?", help="of its file; only checked without")
    parser.add_argument("--to", type=Path, default=Path("docs/leaderboard"), help="where it goes")
    for name, most in OWN.items():
        parser.add_argument(f"--{name}", help=f"at most {most} characters; may be changed later")
    given = parser.parse_args(words)
    own = {name: getattr(given, name) for name in OWN}
    try:
        if given.name is None:
            check(read(given.run), terms)
            print(f"{given.run}: an entry of {terms.benchmark} {terms.version}; nothing is wrong")
        else:
            print(collect(given.run, given.name, given.to, terms, own))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from error


def _check_own(entry: Entry, path: Path) -> None:
    for name, most in OWN.items():
        text = entry[name]
        if not isinstance(text, str) or len(text) > most or not text.isprintable():
            raise ValueError(f"{path}: {name} must be one line of at most {most} characters")
    if entry["link"] and not re.fullmatch(r"https://[\w./%~?=&#:+-]+", entry["link"]):
        raise ValueError(f"{path}: link must be an https:// address, got {entry['link']!r}")


def _fault(given: Any, least: Any, same: bool) -> str | None:
    """Say how a setting falls short of what is asked for; None if it does not."""
    if same:
        return None if given == least else f"must be {least}, got {given}"
    if isinstance(least, tuple):
        lacking = [name for name in least if name not in given]
        return f"must name {', '.join(lacking)} as well" if lacking else None
    return None if given >= least else f"must be at least {least}, got {given}"


def _digest(content: Any) -> str:
    """Hash a file, or what JSON can hold, whatever its order."""
    plain = lambda: json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    read = content.read_bytes() if isinstance(content, Path) else plain()
    return hashlib.sha256(read).hexdigest()[:_LENGTH]


def _named(value: Any) -> Any:
    """Return a setting, of paths only the names."""
    if isinstance(value, tuple):
        return tuple(map(_named, value))
    if isinstance(value, str) and _file(value).exists():
        return Path(value).name
    return value


def _file(word: str) -> Path:
    """Return the file that a word names, as FILE or FILE.py:NAME."""
    file, own, _ = word.partition(".py:")
    return Path(f"{file}.py" if own else word)


def _write(path: Path, entry: Entry) -> None:
    files.write_text(path, _text(entry, 0) + "\n")


def _text(value: Any, depth: int) -> str:
    """Write JSON so that a row is a line."""
    if depth == _DEEP or not value or not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        start, end = "{}"
        lines = [f"{json.dumps(key)}: {_text(one, depth + 1)}" for key, one in value.items()]
    else:
        start, end = "[]"
        lines = [_text(one, depth + 1) for one in value]
    indent = "\n" + "  " * depth
    return f"{start}{indent}  " + f",{indent}  ".join(lines) + f"{indent}{end}"
