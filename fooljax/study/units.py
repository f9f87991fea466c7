"""Long work in pieces that are kept: a killed run loses at most the piece it was at.

Each piece, a unit, is a function without arguments that returns arrays. Its
result lies in ``units/NAME.npz`` of the run directory, and a resumed run reads it
from there, so that only what is missing is computed.
"""

import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import jax
import numpy as np

from fooljax.runtime import files, notices, progress

FOLDER = "units"

Arrays: TypeAlias = dict[str, np.ndarray]


def compute_all(
    folder: Path,
    units: Mapping[str, Callable[[], Mapping[str, Any]]],
    title: str,
    words: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Arrays]:
    """Compute all units that an earlier run has not, with a progress bar.

    Args:
        folder: run directory.
        units: what to compute, by name; names are those of files. A unit may use
            the results of units before it by calling ``compute`` itself.
        title: of the progress bar.
        words: what stands beside the bar, by unit; the unit's name unless given.

    Returns:
        The arrays of every unit by name; ``seconds`` among them, the time it took.
    """
    results = {}
    with progress.bar(title, len(units)) as show:
        for done, (name, unit) in enumerate(units.items()):
            show(done, words.get(name, name))
            results[name] = compute(folder, name, unit)
        show(len(units), "done")
    return results


def compute(folder: Path, name: str, unit: Callable[[], Mapping[str, Any]]) -> Arrays:
    """Compute one unit, or read what an earlier run computed.

    A damaged file is computed again, with a warning.
    """
    path = folder / FOLDER / f"{name}.npz"
    if path.exists():
        try:
            return files.read_npz(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            warnings.warn(
                f"{path} is damaged ({error}); it is computed again",
                category=notices.Incident,
                stacklevel=2,
            )
    began = time.monotonic()
    arrays = {key: np.asarray(value) for key, value in jax.device_get(dict(unit())).items()}
    arrays["seconds"] = np.asarray(time.monotonic() - began)
    path.parent.mkdir(exist_ok=True)
    files.write_npz(path, arrays, compress=True)
    return arrays
