"""Long work in pieces that are kept: a killed run loses at most the piece it was at.

Each piece, a unit, is a function without arguments that returns arrays. Its
result lies in ``units/NAME.npz`` of the run directory, and a resumed run reads it
from there, so that only what is missing is computed.
"""

import json
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import jax
import numpy as np

from fooljax.runtime import files, progress
from fooljax.runtime.search_run import fingerprint
from fooljax.types import Classifier

FOLDER = "units"
_NETWORKS = "networks.json"

Arrays: TypeAlias = dict[str, np.ndarray]


def compute_all(
    folder: Path, units: Mapping[str, Callable[[], Mapping[str, Any]]], title: str
) -> dict[str, Arrays]:
    """Compute all units that an earlier run has not, with a progress bar.

    Args:
        folder: run directory.
        units: what to compute, by name; names are those of files. A unit may use
            the results of units before it by calling ``compute`` itself.
        title: of the progress bar.

    Returns:
        The arrays of every unit by name; ``seconds`` among them, the time it took.
    """
    results = {}
    with progress.bar(title, len(units)) as show:
        for done, (name, unit) in enumerate(units.items()):
            show(done, name)
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
            warnings.warn(f"{path} is damaged ({error}); it is computed again", stacklevel=2)
    began = time.monotonic()
    arrays = {key: np.asarray(value) for key, value in jax.device_get(dict(unit())).items()}
    arrays["seconds"] = np.asarray(time.monotonic() - began)
    path.parent.mkdir(exist_ok=True)
    files.write_npz(path, arrays, compress=True)
    return arrays


def same_networks(folder: Path, networks: Mapping[str, Classifier]) -> None:
    """Refuse to go on with other networks than those that a run was begun with.

    Raises:
        ValueError: naming the networks whose weights are others.
    """
    path = folder / _NETWORKS
    now = {name: fingerprint(network.params) for name, network in networks.items()}
    if not path.exists():
        files.write_json(path, now)
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    changed = sorted(name for name in now if before.get(name) != now[name])
    if changed:
        raise ValueError(
            f"--resume: {', '.join(changed)} now have other weights than {folder} was begun with; "
            "give the same --weights, --model or --classifier, or start anew with another --out"
        )
