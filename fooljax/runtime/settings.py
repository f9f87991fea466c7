"""The settings of a run on disk, and the refusal to go on with others."""

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fooljax.runtime import limits

Config = TypeVar("Config")

FILE = "config.json"
_LONGEST = 200  # characters of a path that a message repeats
RECORD = "begun.json"  # the same, for the program alone: what FILE is compared with


def save(folder: Path, config: Any, experiment: str) -> None:
    """Write down what a run is begun with.

    Args:
        folder: run directory; ``config.json`` in it, the last to be written, makes it one.
        config: a dataclass of plain values.
        experiment: its module, as ``python -m`` takes it.
    """
    import fooljax
    from fooljax.runtime.files import write_json

    values = dataclasses.asdict(config)
    about = {"experiment": experiment, "version": fooljax.__version__}
    write_json(folder / RECORD, {**about, "settings": values})
    write_json(folder / FILE, values)


def load(folder: Path, config_type: type[Config]) -> Config:
    """Read the settings of an earlier run.

    Raises:
        ValueError: if the folder holds no run, or one of another version or experiment.
    """
    path = folder / FILE
    try:
        there = path.is_file()
    except (OSError, ValueError) as error:  # no name that a folder can have
        raise ValueError(
            f"--resume: {str(folder)[:_LONGEST]!r} cannot be opened ({_reason(error)}); give the "
            "folder of a run"
        ) from error
    if not there:
        missing = f"{FILE} is missing" if folder.is_dir() else "there is no such folder"
        raise ValueError(
            f"--resume: {folder} holds no run ({missing}); give the folder of a run, or leave "
            "--resume out"
        )
    try:
        return _build(config_type, json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(
            f"--resume: {path} cannot be read as settings ({error}{_maker(folder)}); restore it "
            "from a copy, or start anew with another --out"
        ) from error


def refuse_edits(folder: Path, config: Any, neutral: Sequence[str]) -> None:
    """Compare the settings of a run with those that it was begun with.

    Args:
        folder: the run's.
        config: its settings, as they can be read now.
        neutral: fields that do not change results and so may differ.

    Raises:
        ValueError: naming every field that was edited, and both values.
    """
    path = folder / RECORD
    try:
        if not path.is_file():
            raise ValueError("there is no such file")
        begun = _build(type(config), json.loads(path.read_text(encoding="utf-8"))["settings"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(
            f"--resume: {path} does not say what the run was begun with ({error}); restore it from "
            "a copy, or start anew with another --out"
        ) from error
    edited = _changes(begun, config, neutral)
    if edited:
        raise ValueError(
            f"--resume: {folder / FILE} was edited since the run was begun: {'; '.join(edited)}. "
            "Put it back, or start anew with another --out"
        )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _maker(folder: Path) -> str:
    """Say which experiment of which version began a run, if that is known."""
    try:
        begun = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return f"; {begun['experiment']} of fooljax {begun['version']} began it"
    except (OSError, ValueError, TypeError, KeyError):
        return ""


def refuse_changes(before: Any, now: Any, neutral: Sequence[str], folder: Path) -> None:
    """Compare the settings of a run with those it is to go on with.

    Args:
        before: the settings it was begun with.
        now: the settings it is to go on with.
        neutral: fields that do not change results and so may differ.
        folder: the run's.

    Raises:
        ValueError: naming every field that differs, and both values.
    """
    changed = _changes(before, now, neutral)
    if changed:
        raise ValueError(
            f"--resume: {folder} was begun with other settings: {'; '.join(changed)}. "
            "Leave these flags out, or start anew with another --out"
        )


def _changes(before: Any, now: Any, neutral: Sequence[str]) -> list[str]:
    was, is_now = flat(before), flat(now)
    return [
        f"--{name.replace('_', '-')} was {was[name]} and is now {is_now[name]}"
        for name in was
        if name not in neutral and was[name] != is_now[name]
    ]


def flat(config: Any) -> dict[str, Any]:
    """Return all fields by name, those of nested settings among them."""
    fields: dict[str, Any] = {}
    for name, value in vars(config).items():
        fields |= flat(value) if dataclasses.is_dataclass(value) else {name: value}
    return fields


def change(config: Config, **values: Any) -> Config:
    """Return settings of which some have other values, those of nested settings among them.

    Args:
        config: a settings dataclass.
        values: of fields by name, wherever they are.

    Raises:
        TypeError: if there is no such field.

    Example:
        >>> from dataclasses import dataclass
        >>> from fooljax import study
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     repeats: study.Pieces = 3
        ...     victim: study.Victim = study.Victim()
        >>> study.change(Config(), repeats=1, model="mlp").victim.model  # wherever it lies
        'mlp'
    """
    own: dict[str, Any] = {}
    for name, value in vars(config).items():
        if name in values:
            own[name] = values.pop(name)
        elif dataclasses.is_dataclass(value):
            inner = {name: values.pop(name) for name in flat(value) if name in values}
            own |= {name: change(value, **inner)} if inner else {}
    return dataclasses.replace(config, **own, **values)  # type: ignore[type-var]


def program(experiment: str) -> list[str]:
    """Return the words that start an experiment.

    Args:
        experiment: its module; one that was installed is started by its name.
    """
    package, _, name = experiment.rpartition(".")
    return ["fooljax", name] if package == "fooljax.experiments" else ["python", "-m", experiment]


def command_of(experiment: str, config: Any) -> str:
    """Return the command that repeats a run: every flag that is not at its default.

    Args:
        experiment: its module, as ``python -m`` takes it.
        config: the settings, a dataclass all of whose fields have defaults.
    """
    usual = flat(type(config)())
    words = program(experiment)
    for name, value in flat(config).items():
        if value != usual[name] and name not in ("out", "resume", "preset", "debug"):
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                words += [f"--{flag}", *map(str, value if isinstance(value, tuple) else (value,))]
    return shlex.join(words)


def _build(config_type: Any, values: Any) -> Any:
    """Make a dataclass, nested ones included, from what ``asdict`` and JSON left of it."""
    if not isinstance(values, Mapping):
        raise ValueError("it does not hold an object")
    fields = limits.types_of(config_type)
    unknown, absent = sorted(set(values) - set(fields)), sorted(set(fields) - set(values))
    if unknown or absent:
        raise ValueError(f"other settings than this version's: {', '.join(unknown + absent)}")
    built = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(fields[name]):
            built[name] = _build(fields[name], value)
            continue
        built[name] = tuple(value) if isinstance(value, list) else value
        if complaint := limits.complain(fields[name], built[name]):
            raise ValueError(f"--{name.replace('_', '-')} {complaint}")
    return config_type(**built)
