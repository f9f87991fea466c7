"""Trained classifiers on disk, one folder for each, so that none is trained twice.

A folder holds ``config.json``, the settings that led to the weights and the
accuracy reached, and ``params/``, an Orbax checkpoint of the weights.
"""

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fooljax.types import Classifier, Params

_REMEDY = "give another folder with --classifier, or delete this one to train again"


def save(
    folder: str | os.PathLike, classifier: Classifier, settings: Mapping[str, Any], accuracy: float
) -> None:
    """Write a classifier's weights and what led to them.

    The folder appears complete or not at all; an earlier classifier of the same
    settings is replaced.

    Args:
        folder: where to; created with its parents.
        classifier: its weights are stored, its network is not.
        settings: what decides the weights (data set, network, recipe, steps,
            seed, ...), as JSON can hold it.
        accuracy: on test data, in [0, 1].

    Raises:
        ValueError: if the folder holds a classifier of other settings, or
            anything else, or if the settings are not plain values.
    """
    folder = Path(folder).absolute()
    settings = _plain(settings)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        _check_settings(folder, settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    new, old = workshop / "new", workshop / "old"
    try:
        new.mkdir()
        with _quiet_orbax() as ocp:
            ocp.save(new / "params", classifier.params)
        config = {
            "settings": settings,
            "accuracy": float(accuracy),
            "weights": _shapes(classifier.params),
            "sha256": _fingerprint(new / "params"),
        }
        (new / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(workshop, ignore_errors=True)


def load(
    folder: str | os.PathLike, template: Classifier, settings: Mapping[str, Any]
) -> Classifier | None:
    """Read the classifier of these settings, if there is one.

    Args:
        folder: as given to ``save``.
        template: the same network with any weights; shapes, types and devices
            of the result are the template's.
        settings: as given to ``save``.

    Returns:
        The template with the stored weights, or None if the folder is absent or
        empty.

    Raises:
        ValueError: if the folder holds a classifier of other settings or of
            another network, if it is damaged, or if the settings are not plain
            values.
    """
    folder = Path(folder).absolute()
    settings = _plain(settings)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    config = _check_settings(folder, settings)
    # Looked at before Orbax does: its errors run to pages and leave threads behind.
    if config["weights"] != _shapes(template.params):
        raise ValueError(
            f"{folder} holds the weights of another network, {config['weights']} instead of "
            f"{_shapes(template.params)}; {_REMEDY}"
        )
    if config["sha256"] != _fingerprint(folder / "params"):
        raise ValueError(f"the weights in {folder} are damaged; {_REMEDY}")
    with _quiet_orbax() as ocp:
        params = ocp.load(folder / "params", jax.tree.map(_abstract, template.params))
    return dataclasses.replace(template, params=params)


def describe(folder: str | os.PathLike) -> dict[str, Any]:
    """Read what is known of a stored classifier.

    Returns:
        ``{"settings": {...}, "accuracy": share in [0, 1]}``, and under
        ``"weights"`` and ``"sha256"`` what tells whether the folder is sound.

    Raises:
        ValueError: if the folder does not hold a classifier.
    """
    path = Path(folder).absolute() / "config.json"
    try:
        config = json.loads(path.read_text())
        if not isinstance(config["settings"], dict):
            raise TypeError("settings must be an object")
        config["accuracy"] = float(config["accuracy"])
        config["weights"], config["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path.parent} holds no classifier that can be read "
            f"(config.json: {error!r}); {_REMEDY}"
        ) from error
    return config


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as they will come back from JSON, where tuples are lists."""
    try:
        return json.loads(json.dumps(dict(settings)))
    except TypeError as error:
        raise ValueError(f"settings must be plain values: {error}") from error


def _check_settings(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the folder's config if it was written for these settings."""
    config = describe(folder)
    stored, absent = config["settings"], "absent"
    differences = [
        f"{name} is {stored.get(name, absent)!r} there and {settings.get(name, absent)!r} here"
        for name in sorted(stored.keys() | settings.keys())
        if stored.get(name, absent) != settings.get(name, absent)
    ]
    if differences:
        raise ValueError(
            f"{folder} holds a classifier of other settings: {', '.join(differences)}; {_REMEDY}"
        )
    return config


def _shapes(params: Params) -> dict[str, str]:
    """Describe every weight by type and shape, ``{"fc.bias": "float32 (10,)"}``."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): f"{leaf.dtype} {leaf.shape}"
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }


def _fingerprint(folder: Path) -> str:
    """Hash the names and contents of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _abstract(leaf: jax.Array | np.ndarray) -> jax.ShapeDtypeStruct:
    """Say to Orbax where a weight goes: where the template's is."""
    leaf = jax.numpy.asarray(leaf)
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding)


@contextlib.contextmanager
def _quiet_orbax() -> Iterator[Any]:
    """Import Orbax, which is slow, and hold back its progress messages."""
    from orbax.checkpoint import v1 as ocp

    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(max(level, logging.WARNING))
    try:
        yield ocp
    finally:
        logger.setLevel(level)
