"""The settings of a run on disk, and the refusal to go on with others."""

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

Config = TypeVar("Config")

FILE = "config.json"


def save(folder: Path, config: Any) -> None:
    """Write settings, a dataclass of plain values, to ``config.json``."""
    from fooljax.runtime.files import write_json

    write_json(folder / FILE, dataclasses.asdict(config))


def load(folder: Path, config_type: type[Config]) -> Config:
    """Read the settings of an earlier run.

    Raises:
        ValueError: if the folder holds no run, or one of another version.
    """
    path = folder / FILE
    if not path.is_file():
        missing = f"{FILE} is missing" if folder.is_dir() else "there is no such folder"
        raise ValueError(f"--resume: {folder} holds no run ({missing})")
    try:
        return _build(config_type, json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"--resume: {path} cannot be read as settings ({error}); restore it from a copy, "
            "or start anew with another --out"
        ) from error


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
    was, is_now = flat(before), flat(now)
    changed = [
        f"--{name.replace('_', '-')} was {was[name]} and is now {is_now[name]}"
        for name in was
        if name not in neutral and was[name] != is_now[name]
    ]
    if changed:
        raise ValueError(
            f"--resume: {folder} was begun with other settings: {'; '.join(changed)}. "
            "Leave these flags out, or start anew with another --out"
        )


def check_least(config: Any, least: Mapping[str, float]) -> None:
    """Refuse numbers that are too small, and seeds that no random key can hold.

    Args:
        config: settings; numbers of nested settings count too, None does not.
        least: smallest allowed value by field name; of fields that hold several
            numbers each one is checked.

    Raises:
        ValueError: naming the flag.
    """
    for name, value in flat(config).items():
        flag = f"--{name.replace('_', '-')}"
        for number in value if isinstance(value, tuple) else (value,):
            if name in least and number is not None and not number >= least[name]:
                raise ValueError(f"{flag} must be at least {least[name]}, got {number}")
            if name.endswith("seed") and number >= 2**32:
                raise ValueError(f"{flag} must be below 2**32, got {number}")


def flat(config: Any) -> dict[str, Any]:
    """Return all fields by name, those of nested settings among them."""
    fields: dict[str, Any] = {}
    for name, value in vars(config).items():
        fields |= flat(value) if dataclasses.is_dataclass(value) else {name: value}
    return fields


def command_of(experiment: str, config: Any) -> str:
    """Return the command that repeats a run: every flag that is not at its default.

    Args:
        experiment: name of the module in ``experiments``.
        config: the settings, a dataclass all of whose fields have defaults.
    """
    usual = flat(type(config)())
    words = ["python", "-m", f"experiments.{experiment}"]
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
    if not dataclasses.is_dataclass(config_type) or not isinstance(config_type, type):
        return tuple(values) if isinstance(values, list) else values
    if not isinstance(values, Mapping):
        raise ValueError("it does not hold an object")
    fields = {field.name: field.type for field in dataclasses.fields(config_type)}
    unknown, absent = sorted(set(values) - set(fields)), sorted(set(fields) - set(values))
    if unknown or absent:
        raise ValueError(f"other settings than this version's: {', '.join(unknown + absent)}")
    return config_type(**{name: _build(fields[name], value) for name, value in values.items()})
