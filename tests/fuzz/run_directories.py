"""Damaged and edited run directories, and what ``--resume`` makes of them."""

import functools
import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from calls import Accepted, Call, descriptions

#: Experiments with a search and with units; of each a run that was cut, and its flags.
RUNS = {
    "evolve": ["--generations", "6", "--children", "8", "--chunk", "2", "--repeats", "1"],
    "logistic": ["--images", "10", "--sizes", "8", "14", "--models", "softmax"],
}
PAGE = "fooljax.study.page"
STARTED = ["--preset", "smoke", "--train-steps", "20"]
#: Fields that may differ when a run goes on.
NEUTRAL = {"out", "data_dir", "classifier", "chunk", "devices", "memory_limit"}
NEUTRAL |= {"shown_to", "tensorboard", "debug", "resume"}


def calls() -> list[Call]:
    """Return the same calls every time."""
    return [*_edits(), *_damages(), *_places()]


def _parsed(experiment: str, args: list[str]) -> tuple[Any, Any]:
    import importlib

    from fooljax.runtime import command

    module = importlib.import_module(f"experiments.{experiment}")
    config = command.parse(module.PRESETS, args=args, prog=experiment, description="x")
    return module, config


@functools.cache
def _begun(experiment: str) -> Path:
    """Make a run that was cut after its first chunk or unit; once for all calls."""
    from fooljax.runtime import checkpoints
    from fooljax.study import units

    class Cut(Exception):
        pass

    folder = Path(tempfile.mkdtemp(prefix="fooljax-fuzz-run-")) / "run"
    module, config = _parsed(experiment, [*STARTED, *RUNS[experiment], "--out", str(folder)])
    owner, name = (checkpoints, "save_step") if experiment == "evolve" else (units, "compute")
    whole, done = getattr(owner, name), []

    def counted(*arguments: Any, **options: Any) -> Any:
        if len(done) == (3 if experiment == "evolve" else 1):
            raise Cut
        done.append(1)
        return whole(*arguments, **options)

    setattr(owner, name, counted)
    try:
        module.main(config)
    except Cut:
        pass
    finally:
        setattr(owner, name, whole)
    return folder


def _resume(folder: Path, experiment: str, flags: list[str]) -> None:
    """Go on with the run in a folder, up to the pictures."""
    import importlib

    from fooljax.runtime import command

    def accept(*_: Any, **__: Any) -> None:
        raise Accepted

    importlib.import_module(PAGE).publish = accept

    def main() -> None:
        module, config = _parsed(experiment, ["--resume", str(folder), *flags])
        module.main(config)

    command.run(main, debug=False)


def _call(
    name: str,
    experiment: str,
    change: Callable[[Path], object],
    *given: str,
    flags: tuple[str, ...] = (),
    harmless: bool = False,
    blames: tuple[str, ...] = ("--resume",),
) -> Call:
    def run(folder: Path) -> None:
        shutil.copytree(_begun(experiment), folder / "run", symlinks=True)
        change(folder / "run")
        _resume(folder / "run", experiment, list(flags))

    return Call(f"run: {experiment}, {name}", run, blames, given, harmless)


def _edit(place: Path, *, of: str, to: Any, remove: bool = False) -> None:
    """Change one field of settings, wherever it is nested."""
    path = place / "config.json"
    values = json.loads(path.read_text())
    for inner in (values, *(one for one in values.values() if isinstance(one, dict))):
        if of in inner:
            inner[of] = to
            if remove:
                del inner[of]
    path.write_text(json.dumps(values))


def _edits() -> Iterator[Call]:
    """Every field of ``config.json`` gets other values, of its type and of others."""
    import importlib

    chance = random.Random(1)
    for experiment in RUNS:
        config = importlib.import_module(f"experiments.{experiment}").PRESETS["smoke"]
        inner = vars(config.victim) | (vars(config.run) if experiment == "logistic" else {})
        for name, value in {**vars(config), **inner}.items():
            if name in ("victim", "hosts", "run"):
                value = {}
            other: list[Any] = [None, "text", [1, 2], {}, True, -1, 10**6, 1.5]
            if isinstance(value, int) and not isinstance(value, bool):
                other += [value + 1, float(value) + 0.5]
            for bad in chance.sample([one for one in other if one != value], 2):
                fits = name in NEUTRAL and (bad is None or isinstance(bad, str | bool | int))
                fits |= name == "memory_limit" and bad == 1.5
                flag = f"--{name.replace('_', '-')}"
                yield _call(
                    f"{name} is {bad!r}",
                    experiment,
                    functools.partial(_edit, of=name, to=bad),
                    *descriptions(tuple(bad) if isinstance(bad, list) else bad),
                    "does not hold", "other settings", json.dumps(bad),
                    harmless=fits or bad == value,
                    blames=(flag, "--resume"),
                )  # fmt: skip
        for name in ("seed", "repeats", "train_seed", "debug"):
            edit = functools.partial(_edit, of=name, to=0, remove=True)
            yield _call(f"{name} removed", experiment, edit, name)
        extra = lambda run: _edit_file(run, lambda values: {**values, "from_the_future": 1})
        yield _call("a field of a later version", experiment, extra, "from_the_future")


def _edit_file(run: Path, change: Callable[[dict], object]) -> None:
    path = run / "config.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def _newest(run: Path, pattern: str) -> Path:
    files = (path for path in run.rglob(pattern) if not path.is_dir())
    return max(files, key=lambda path: (path.name, path.as_posix()))


def _damages() -> Iterator[Call]:
    """Files cut, emptied, changed, missing, or replaced by links, folders and pipes."""
    cut = lambda path: path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])
    empty = lambda path: path.write_bytes(b"")
    text = lambda path: path.write_bytes(b"\xff\xfe not what it was")
    gone = lambda path: path.unlink()

    def link(path: Path) -> None:
        path.rename(path.with_name("moved"))
        path.symlink_to("moved")

    def nowhere(path: Path) -> None:
        path.unlink()
        path.symlink_to("/nowhere/at/all")

    def folder(path: Path) -> None:
        path.unlink()
        path.mkdir()

    def pipe(path: Path) -> None:
        path.unlink()
        os.mkfifo(path)

    ways = {"cut": cut, "emptied": empty, "text": text, "gone": gone, "a link": link}
    ways |= {"a link to nowhere": nowhere, "a folder": folder, "a pipe": pipe}
    repaired = {"cut", "emptied", "text", "gone", "a folder"}
    files = {
        "evolve": {
            "config.json": False,
            "begun.json": False,
            "metrics.jsonl": True,
            "history/*.npz": True,
            "checkpoints/*/note.json": True,
            "checkpoints/*/tree/*/*": True,
            "classifier/note.json": False,
        },
        "logistic": {
            "config.json": False,
            "units/*.npz": True,
            "inputs.json": False,
            "networks/*/note.json": False,
        },
    }
    for experiment, patterns in files.items():
        for pattern, computed_again in patterns.items():
            for way, change in ways.items():
                yield _call(
                    f"{pattern} {way}",
                    experiment,
                    lambda run, change=change, pattern=pattern: change(_newest(run, pattern)),
                    pattern.split("/")[-1].strip("*"), pattern.split("/")[0],
                    harmless=computed_again and way in repaired,
                )  # fmt: skip

    def links(run: Path, name: str) -> None:
        outside = run.parent / "outside"
        outside.mkdir()
        if (run / name).exists():
            (run / name).rename(outside / name)
        (run / name).symlink_to(outside)

    for experiment, names in (
        ("evolve", ("niches", "history", "checkpoints", "classifier", "report.html")),
        ("logistic", ("units", "networks", "summary.json")),
    ):
        for name in names:
            leads = functools.partial(links, name=name)
            yield _call(f"{name} is a link elsewhere", experiment, leads, name)
    for name in ("checkpoints", "history", "classifier"):
        remove = lambda run, name=name: shutil.rmtree(run / name)
        yield _call(f"no {name}", "evolve", remove, name, harmless=True)
        into = lambda run, name=name: (shutil.rmtree(run / name), (run / name).write_text("x"))
        yield _call(f"{name} is a file", "evolve", into, name)
    nan = lambda run: (run / "inputs.json").write_text('{"networks": NaN}')
    yield _call("inputs.json holds others", "logistic", nan, "inputs.json")


def _places() -> Iterator[Call]:
    """Folders that are no runs, or another's."""

    def other(folder: Path) -> None:
        shutil.copytree(_begun("logistic"), folder / "run")
        _resume(folder / "run", "evolve", [])

    yield Call("run: of another experiment", other, ("--resume",), ("logistic",))
    for words in ("seed 7", "children 9", "generations 7", "dataset mnist", "image-size 9 9"):
        flags = ("--" + words).split()
        yield _call(f"with --{words}", "evolve", lambda run: None, flags[1], flags=tuple(flags))
    for name in ("", "absent", "/dev/null", "/", "/proc/self", "a\0b", "x" * 5000):
        run = lambda folder, name=name: _resume(Path(name), "evolve", [])
        shown = (str(Path(name)), repr(str(Path(name))), name[:200] or ".")
        yield Call(f"run: {name[:20]!r}", run, ("--resume",), shown)
