"""From flags to a frozen settings dataclass, and from any error to one clear message."""

import dataclasses
import errno
import json
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fooljax.runtime.interrupts import Interrupted

Config = TypeVar("Config")

CONFIG_FILE = "config.json"


def parse(
    presets: Mapping[str, Config],
    neutral: Sequence[str],
    *,
    args: Sequence[str] | None = None,
    prog: str,
    description: str,
) -> Config:
    """Read settings from flags, on top of a preset or of the run being resumed.

    Args:
        presets: settings by name; ``--preset NAME`` chooses where flags start
            from, ``default`` unless given. Settings have the fields ``preset``
            and ``resume``.
        neutral: fields that do not change results and so may differ from those
            of the run being resumed.
        args: the command line, ``sys.argv[1:]`` unless given.
        prog: shown in the usage line.
        description: shown by ``--help``.

    Returns:
        The settings.

    Raises:
        ValueError: for an unknown preset, or if ``--resume`` meets other
            settings than the run began with, naming the fields.
        SystemExit: on ``--help`` and unreadable flags.
    """
    import tyro

    args = list(sys.argv[1:] if args is None else args)
    name = _value(args, "--preset") or "default"
    if name not in presets:
        raise ValueError(f"--preset must be one of {', '.join(presets)}, got {name!r}")
    resume = _value(args, "--resume")
    before = presets[name] if resume is None else load(Path(resume), type(presets[name]))
    if resume is not None and _value(args, "--preset") is None:
        name = before.preset  # type: ignore[attr-defined]
    config = tyro.cli(
        type(before),
        default=dataclasses.replace(before, preset=name),  # type: ignore[type-var]
        args=args,
        prog=prog,
        description=description,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    if resume is not None:
        _refuse_changes(_flat(before), _flat(config), neutral, resume)
    return config


def save(folder: Path, config: Any) -> None:
    """Write settings to ``config.json``."""
    from fooljax.runtime.files import write_json

    write_json(folder / CONFIG_FILE, dataclasses.asdict(config))


def load(folder: Path, config_type: type[Config]) -> Config:
    """Read the settings of an earlier run.

    Raises:
        ValueError: if the folder holds no run, or one of another version.
    """
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise ValueError(f"--resume: {folder} holds no run ({CONFIG_FILE} is missing)")
    try:
        return _build(config_type, json.loads(path.read_text()))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"--resume: {path} cannot be read as settings ({error})") from error


def run(main: Callable[[], None], *, debug: bool) -> None:
    """Call ``main``; turn an error into one message and an exit code.

    Exit codes: 1 for an error, 130 and 143 after Ctrl-C and SIGTERM. With
    ``debug`` errors keep their traceback.
    """
    try:
        main()
    except Interrupted as stop:
        print(f"\n{stop}", file=sys.stderr)
        sys.exit(stop.exit_code)
    except KeyboardInterrupt:
        print("\nstopped at once; nothing since the last checkpoint was kept", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if debug:
            traceback.print_exc()
        else:
            print(f"error: {explain(error)}", file=sys.stderr)
        sys.exit(1)


def explain(error: Exception) -> str:
    """Say in one message what went wrong and what to do."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return (
            f"no space left on the device ({error.filename or 'while writing'}); free some, "
            "then continue with --resume, or choose another --out"
        )
    if isinstance(error, ValueError | OSError):
        return str(error)
    return f"{type(error).__name__}: {error}\n(run again with --debug for the traceback)"


def _value(args: Sequence[str], flag: str) -> str | None:
    """Return the last value given for a flag, as ``--flag value`` or ``--flag=value``."""
    found = None
    for position, arg in enumerate(args):
        if arg == flag and position + 1 < len(args):
            found = args[position + 1]
        elif arg.startswith(f"{flag}="):
            found = arg.removeprefix(f"{flag}=")
    return found


def _build(config_type: Any, values: Any) -> Any:
    """Make a dataclass, nested ones included, from what ``asdict`` and JSON left of it."""
    if not dataclasses.is_dataclass(config_type):
        return tuple(values) if isinstance(values, list) else values
    fields = {field.name: field.type for field in dataclasses.fields(config_type)}
    if unknown := set(values) - set(fields):
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    return config_type(**{name: _build(fields[name], value) for name, value in values.items()})


def _flat(config: Any) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in vars(config).items():
        flat |= _flat(value) if dataclasses.is_dataclass(value) else {name: value}
    return flat


def _refuse_changes(
    before: Mapping[str, Any], now: Mapping[str, Any], neutral: Sequence[str], folder: str
) -> None:
    changed = [
        f"--{name.replace('_', '-')} was {before[name]} and is now {now[name]}"
        for name in before
        if name not in neutral and before[name] != now[name]
    ]
    if changed:
        raise ValueError(
            f"--resume: {folder} was begun with other settings: {'; '.join(changed)}. "
            "Leave these flags out, or start anew with another --out"
        )
