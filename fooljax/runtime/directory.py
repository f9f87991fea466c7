"""Run directories: made once, used by one process at a time, never left half-made."""

import json
import re
import shlex
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from fooljax import interrupts
from fooljax.interrupts import Interrupted
from fooljax.runtime import hosts, inputs, notices, presence, settings

# written before anything is computed
_NAMES = (settings.RECORD, settings.FILE, inputs.FILE, notices.FILE)
_UNFINISHED = (settings.RECORD, *(f".{name}.tmp" for name in _NAMES))  # killed as it began
_SECONDS_TO_APPEAR = 20  # what one host writes, others may see late


@contextmanager
def opened(config: Any, experiment: str, neutral: Sequence[str]) -> Iterator[Path]:
    """Make the directory of a new run, or go back to that of an earlier one.

    A directory in which nothing was computed disappears again when the run
    fails. Errors and interruptions say how to go on with what was computed.

    Args:
        config: settings with the fields ``out`` (where, or None for
            ``runs/NAME-DATE-TIME``) and ``resume``, nested or not.
        experiment: its module, as ``python -m`` takes it; NAME is the last part.
        neutral: fields that may differ on resumption.

    Yields:
        The directory; it holds ``config.json``.

    Raises:
        ValueError: if the place is taken, if there is no run to resume or its
            settings differ, or if another process is at work there.
        Interrupted: in place of ``KeyboardInterrupt``.
    """
    if not hosts.first():
        with _followed(config, experiment, neutral) as folder:
            yield folder
        return
    made: list[Path] = []
    given = settings.flat(config)
    if given["resume"]:
        folder = Path(given["resume"]).expanduser()
        before = settings.load(folder, type(config))
        _refuse_moving(folder, given["out"], settings.flat(before)["out"])
        settings.refuse_edits(folder, before, neutral)
        settings.refuse_changes(before, config, neutral, folder)
    else:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        name = experiment.rpartition(".")[2]
        folder = Path(given["out"] or Path("runs") / f"{name}-{stamp}").expanduser()
        made = _make(folder)
    discard = lambda: not given["resume"] and _discard(folder, made)
    with _advised(experiment, folder, discard, given):
        if not given["resume"]:
            _write_settings(folder, config, experiment)
        with _locked(folder):
            _refuse_links(folder)
            print(f"run directory: {folder}", file=sys.stderr)
            _sweep(folder)
            hosts.decide(lambda: [str(folder.absolute()), settings.flat(config)])
            with notices.kept(folder):
                yield folder


@contextmanager
def _followed(config: Any, experiment: str, neutral: Sequence[str]) -> Iterator[Path]:
    """Go to the directory that the first process opened, once it can be seen from here."""
    told: list[Any] = hosts.decide(list)
    place, theirs = told
    folder, ours = Path(place), json.loads(json.dumps(settings.flat(config)))
    changed = [
        f"--{name.replace('_', '-')} is {theirs[name]} for process 0 and {ours[name]} here"
        for name in ours
        if name not in neutral and theirs[name] != ours[name]
    ]
    if changed:
        raise ValueError(f"{'; '.join(changed)}: give all processes the same flags")
    for _ in range(_SECONDS_TO_APPEAR):
        if (folder / settings.FILE).is_file():
            break
        time.sleep(1)
    else:
        raise ValueError(
            f"--out: {folder} of process 0 cannot be seen from {socket.gethostname()}; "
            "it must be on storage that all hosts share, under the same path"
        )
    with _advised(experiment, folder, lambda: False, ours):
        yield folder


@contextmanager
def _advised(
    experiment: str, folder: Path, discard: Callable[[], bool], given: Mapping[str, Any]
) -> Iterator[None]:
    """Let errors and interruptions say how to go on, unless there is nothing to go on with."""
    command = f"    {shlex.join([*settings.program(experiment), '--resume', str(folder)])}"
    presence.advise(f"what was computed is kept; on any number of hosts, go on with\n{command}")
    interrupts.advise(f"what was computed is kept; go on with\n{command}")
    try:
        interrupts.check()
        yield
    except (KeyboardInterrupt, Exception) as error:
        untouched = discard()
        how = (
            "nothing had been computed; start again with the same command"
            if untouched
            else f"go on with\n{command}"
        )
        stop = interrupts.cause(error)
        if stop is not None:
            code = getattr(stop, "exit_code", 130)
            raise Interrupted(f"{str(stop) or 'stopped'}; {how}", code) from error
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = str(folder)  # a full disk does not name itself
        if untouched:
            pass
        elif _blames_setting(error, given):
            error.add_note(
                f"a run keeps its settings: give others, and another --out than {folder}"
            )
        else:
            error.add_note(f"what was computed is kept; once this is put right, {how}")
        raise


def _blames_setting(error: BaseException, given: Mapping[str, Any]) -> bool:
    """Tell whether an error is put right by other flags only, and not by mending a file."""
    flag = re.match(r"--([a-z0-9-]+)", str(error)) if isinstance(error, ValueError) else None
    value = given.get(flag[1].replace("-", "_")) if flag else None
    words = value if isinstance(value, list | tuple) else ()
    own = any(isinstance(one, str) and ".py:" in one for one in words)  # which can be mended
    return isinstance(value, int | float | list | tuple) and not own


def _make(folder: Path) -> list[Path]:
    """Make an empty directory; return what had to be made, innermost first."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out: {folder} is a file; give a folder")
    if folder.is_dir() and any(path.name not in _UNFINISHED for path in folder.iterdir()):
        remedy = "give another folder"
        if (folder / settings.FILE).is_file():
            remedy = f"continue it with --resume {folder}, or {remedy}"
        raise ValueError(f"--out: {folder} is not empty; {remedy}")
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"--out: {folder} cannot be made ({error.strerror}); give another folder"
        ) from error
    return made


def _refuse_moving(folder: Path, out: str | None, was: str | None) -> None:
    """Refuse another place for a run that goes on; the one it was begun in may have been moved."""
    if out not in (None, was) and Path(out).expanduser().absolute() != folder.absolute():
        raise ValueError(
            f"--out: {folder} goes on where it is, not in {out}; leave --out out, or move the "
            "folder first"
        )


def _write_settings(folder: Path, config: Any, experiment: str) -> None:
    try:
        settings.save(folder, config, experiment)
    except PermissionError as error:
        raise PermissionError(
            f"--out: nothing can be written to {folder} ({error.strerror}); give another folder, "
            "or make this one writable"
        ) from error


def _discard(folder: Path, made: Sequence[Path]) -> bool:
    """Remove a directory that holds no more than the settings; tell whether it did not."""
    if any(path.name not in _NAMES for path in folder.iterdir()):
        return False
    for name in reversed(_NAMES):
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):  # somebody else may have put something there
        for path in made:
            path.rmdir()
    return True


def _refuse_links(folder: Path) -> None:
    """Refuse what a run would write through, or wait at: all it makes are files and folders."""
    for place in sorted(folder.rglob("*")):
        if place.is_symlink():
            what, remedy = f"a link to {place.readlink()}", "put what it leads to in its place"
        elif not place.is_file() and not place.is_dir():
            what, remedy = "no file but a pipe, a socket or a device", "remove it"
        else:
            continue
        raise ValueError(f"--resume: {place} is {what}, which no run makes; {remedy}")


def _sweep(folder: Path) -> None:
    """Remove the files that a killed process was writing."""
    for place in (folder, *(path for path in folder.iterdir() if path.is_dir())):
        for unfinished in place.glob(".*.tmp"):
            unfinished.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the directory for this process, where the system can; a killed one lets go."""
    with (folder / settings.FILE).open("rb") as held:
        with suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ValueError(
                    f"--resume: another process is at work in {folder}; wait for its end"
                ) from error
            except OSError:
                pass  # a file system without locks
        yield
