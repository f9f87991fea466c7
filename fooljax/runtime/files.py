"""Files written so that no reader ever sees half of one."""

import json
import math
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np


def write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Write a file under a temporary name and move it into place."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as stream:
            fill(stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file of text, in UTF-8."""
    write(path, lambda stream: stream.write(text.encode()))


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON; NaN and infinities become null."""
    text = json.dumps(finite(value), indent=2, ensure_ascii=False) + "\n"
    write_text(path, text)


def write_npz(path: Path, arrays: Mapping[str, np.ndarray], *, compress: bool = False) -> None:
    """Write arrays; equal arrays give equal bytes, whenever they are written."""

    def fill(stream: IO[bytes]) -> None:
        method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, array in arrays.items():
                entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                entry.compress_type = method
                with archive.open(entry, "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)

    write(path, fill)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of a file written by ``write_npz``."""
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def append_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Append records to a file of JSON lines."""
    with path.open("a", encoding="utf-8") as stream:
        for record in records:
            stream.write(json.dumps(finite(record)) + "\n")


def keep_lines(path: Path, wanted: Callable[[Mapping[str, Any]], bool]) -> int:
    """Drop the records of a file of JSON lines that are not wanted, or cut short.

    Returns:
        How many are kept.
    """
    kept = []
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                break  # the run was killed while it wrote this line
            if wanted(record):
                kept.append(f"{line}\n")
        write(path, lambda stream: stream.write("".join(kept).encode()))
    return len(kept)


def finite(value: Any) -> Any:
    """Return a value as JSON can hold it: lists for arrays, null for NaN and infinities."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, np.ndarray):
        return finite(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
