"""Pytrees on disk by Orbax: whole or not at all, and never believed when damaged."""

import contextlib
import errno
import functools
import hashlib
import json
import logging
import os
import re
import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fooljax import interrupts
from fooljax.runtime import devices, files, hosts, identity, notices

_TREE = "tree"
_NOTE = "note.json"
_SPARE_BYTES = 250_000  # what Orbax writes beside the arrays, and some more
_WORKSHOP = re.compile(r"\.(?P<name>.+)\.saving-(?P<host>.+)-(?P<pid>\d+)-[^-]+")


class Damaged(ValueError):
    """A folder that is not, or no longer, what ``save`` wrote."""


def save(folder: Path, tree: Any, note: Mapping[str, Any]) -> None:
    """Write a pytree of arrays, replacing the folder if it exists.

    The folder appears complete or not at all. With several hosts, whose storage it
    must be, all of them call this with the same arrays.

    Args:
        folder: where to; created with its parents.
        tree: arrays and typed keys.
        note: plain values to keep beside it, as JSON can hold them.
    """
    folder = folder.absolute()
    workshop = Path(hosts.decide(lambda: str(_open_workshop(folder, tree))))
    new, old = workshop / "new", workshop / "old"
    try:
        with _quiet_orbax() as ocp:
            ocp.save(new / _TREE, devices.everywhere(tree))
        if hosts.first():
            full = {
                **note,
                "arrays": shapes(tree),
                "values": _values(tree),
                "sha256": _fingerprint(new / _TREE),
            }
            files.write_json(new / _NOTE, full)
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
    finally:
        if hosts.first():
            if old.exists() and not folder.exists():
                old.rename(folder)
            shutil.rmtree(workshop, ignore_errors=True)


def read_note(folder: Path) -> dict[str, Any]:
    """Read what ``save`` was given as ``note``; ``arrays``, ``values`` and ``sha256`` are added.

    Raises:
        Damaged: if it cannot be read.
    """
    try:
        note = json.loads((folder / _NOTE).read_text())
        note["arrays"], note["values"], note["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{folder} is damaged ({_NOTE}: {error!r})") from error
    return note


def load(folder: Path, template: Any) -> Any:
    """Read a pytree.

    Args:
        folder: as given to ``save``.
        template: a pytree of arrays or ``ShapeDtypeStruct`` of the same shapes;
            devices of the result are the template's.

    Raises:
        Damaged: if the folder was written in part or changed since.
        ValueError: if it holds arrays of other names, shapes or types.
    """
    folder = folder.absolute()
    hosts.decide(lambda: _examine(folder, template))
    return _restore(folder, template)


def save_step(folder: Path, step: int, tree: Any, note: Mapping[str, Any], keep: int = 2) -> None:
    """Write one checkpoint of a run, then drop all but the ``keep`` newest."""
    save(folder / f"{step:08d}", tree, note)
    for outdated in steps(folder)[:-keep] if hosts.first() else ():
        shutil.rmtree(folder / f"{outdated:08d}", ignore_errors=True)


def steps(folder: Path) -> list[int]:
    """List the steps that have a checkpoint, oldest first."""
    return sorted(int(path.name) for path in folder.glob("[0-9]" * 8))


def load_newest(
    folder: Path, template: Any, last: int | None = None
) -> tuple[int, Any, dict[str, Any]] | None:
    """Read the newest sound checkpoint.

    Damaged ones are warned of; they, and those after ``last``, are removed once
    a sound one is found.

    Args:
        folder: as given to ``save_step``.
        template: as for ``load``.
        last: newest step wanted, any unless given.

    Returns:
        Its step, the tree and the note; None if there is no checkpoint.

    Raises:
        ValueError: if there are checkpoints but all are damaged.
    """
    while (step := hosts.decide(lambda: _newest_sound(folder, template, last))) is not None:
        path = folder.absolute() / f"{step:08d}"
        try:
            tree = _restore(path, template)
            return step, tree, hosts.decide(functools.partial(read_note, path))
        except Damaged as error:
            warnings.warn(
                f"{error}; using the checkpoint before it", category=notices.Incident, stacklevel=2
            )
            if hosts.first():
                shutil.rmtree(path)
            hosts.meet()
    return None


def _newest_sound(folder: Path, template: Any, last: int | None) -> int | None:
    """Return the step to go on from, and remove those after it; None if there is none."""
    useless = []
    for step in reversed(steps(folder)):
        path = folder / f"{step:08d}"
        try:
            if last is None or step <= last:
                _examine(path, template)
                break
        except Damaged as error:
            warnings.warn(
                f"{error}; using the checkpoint before it", category=notices.Incident, stacklevel=2
            )
        useless.append(path)
    else:
        if useless:
            raise ValueError(
                f"no checkpoint in {folder} can be used; delete that folder to compute the run "
                "again from its start, which gives the same result"
            )
        return None
    for path in useless:
        shutil.rmtree(path, ignore_errors=True)
    return step


def _examine(folder: Path, template: Any) -> None:
    """Refuse what is damaged before Orbax meets it: its errors run to pages, and leave threads."""
    tidy(folder.parent)
    note = read_note(folder)
    if note["sha256"] != _fingerprint(folder / _TREE):
        raise Damaged(f"{folder} is damaged (its files have changed since they were written)")
    if note["arrays"] != shapes(template):
        raise ValueError(f"{folder} holds {note['arrays']} instead of {shapes(template)}")


def shapes(tree: Any) -> dict[str, str]:
    """Describe every array by type and shape, ``{"fc.bias": "float32 (10,)"}``."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): f"{leaf.dtype} {leaf.shape}"
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def tidy(parent: Path) -> None:
    """Remove what killed processes left of saving; put back what they were replacing."""
    for workshop in parent.glob(".*.saving-*"):
        match = _WORKSHOP.fullmatch(workshop.name)
        if match is None or match["host"] != socket.gethostname() or _lives(int(match["pid"])):
            continue
        folder, old = parent / match["name"], workshop / "old"
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(workshop, ignore_errors=True)


def _open_workshop(folder: Path, tree: Any) -> Path:
    """Make a place beside a folder in which its successor is written."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    tidy(folder.parent)
    _check_space(folder.parent, tree)
    prefix = f".{folder.name}.saving-{socket.gethostname()}-{os.getpid()}-"
    workshop = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    (workshop / "new").mkdir()
    return workshop


def _check_space(place: Path, tree: Any) -> None:
    """Raise before Orbax meets a full disk, which makes its threads print tracebacks."""
    wanted = _SPARE_BYTES + sum(leaf.nbytes for leaf in jax.tree.leaves(tree))
    if shutil.disk_usage(place).free < wanted:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place))


def _lives(pid: int) -> bool:
    """Tell whether another process runs; always where asking would end it (Windows)."""
    if pid == os.getpid() or os.name == "nt":
        return pid != os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is somebody else's
    return True


def _fingerprint(folder: Path) -> str:
    """Hash the names and contents of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _values(tree: Any) -> str:
    """Hash the arrays themselves: files that a full disk cut short can be read as zeros."""
    return identity.of_arrays(jax.tree.leaves(devices.here(tree)))


def _restore(folder: Path, template: Any) -> Any:
    with _quiet_orbax() as ocp:
        tree = ocp.load(folder / _TREE, jax.tree.map(_abstract, template))
    if hosts.decide(lambda: read_note(folder)["values"]) != _values(tree):
        raise Damaged(f"{folder} is damaged (its arrays are not those that were saved)")
    return tree


def _abstract(leaf: jax.Array | np.ndarray | jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
    """Say to Orbax where an array goes: where the template's is."""
    if not isinstance(leaf, jax.ShapeDtypeStruct):
        leaf = jax.numpy.asarray(leaf)
    sharding = leaf.sharding or jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)


@contextlib.contextmanager
def _quiet_orbax() -> Iterator[Any]:
    """Import Orbax, which is slow, and hold back its messages."""
    from orbax.checkpoint import v1 as ocp

    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # its threads log the errors that it raises
    try:
        with interrupts.held():  # it imports and waits in many threads
            yield ocp
    finally:
        logger.setLevel(level)
