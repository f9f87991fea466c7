"""Trained classifiers on disk, one folder for each, so that none is trained twice.

A folder is a checkpoint (see ``checkpoints``) of the weights whose note holds
the settings that led to them and the accuracy reached.
"""

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fooljax.runtime import checkpoints, devices, hosts
from fooljax.types import Classifier

_REMEDY = "give another folder with --classifier, or delete this one to train again"


def save(
    folder: str | os.PathLike,
    classifier: Classifier,
    settings: Mapping[str, Any],
    accuracy: float | None,
) -> None:
    """Write a classifier's weights and what led to them.

    The folder appears complete or not at all; an earlier classifier of the same
    settings is replaced.

    Args:
        folder: where to; created with its parents.
        classifier: its weights are stored, its network is not.
        settings: what decides the weights (data set, network, recipe, steps,
            seed, ...), as JSON can hold it.
        accuracy: on test data, in [0, 1]; None while it is not known.

    Raises:
        ValueError: if the folder holds a classifier of other settings, or
            anything else, or if the settings are not plain values.
    """
    folder = Path(folder).absolute()
    settings = _plain(settings)
    if hosts.first() and not _is_free(folder):
        _check_settings(folder, settings)
    note = {"settings": settings, "accuracy": None if accuracy is None else float(accuracy)}
    checkpoints.save(folder, classifier.params, note)


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
    if not hosts.decide(lambda: _is_there(folder)):
        return None
    expected, found = checkpoints.shapes(template.params), _check_settings(folder, settings)
    if found["arrays"] != expected:
        raise ValueError(
            f"{folder} holds the weights of another network, {found['arrays']} instead of "
            f"{expected}; {_REMEDY}"
        )
    try:
        params = devices.here(checkpoints.load(folder, devices.everywhere(template.params)))
    except checkpoints.Damaged as error:
        raise ValueError(f"{error}; {_REMEDY}") from error
    return dataclasses.replace(template, params=params)


def check_place(folder: str | os.PathLike) -> None:
    """Refuse a folder in which no classifier could be kept, before one is trained.

    Raises:
        OSError: if it cannot be made, or nothing be written beside it.
    """
    folder = Path(folder).absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent):
            pass
    except OSError as error:
        raise OSError(
            f"--classifier: nothing can be kept at {folder} ({error.strerror}); give another folder"
        ) from error


def describe(folder: str | os.PathLike) -> dict[str, Any]:
    """Read what is known of a stored classifier.

    Returns:
        ``{"settings": {...}, "accuracy": share in [0, 1] or None}``, and what
        ``checkpoints.read_note`` adds.

    Raises:
        ValueError: if the folder does not hold a classifier.
    """
    folder = Path(folder).absolute()
    try:
        note = checkpoints.read_note(folder)
        if not isinstance(note["settings"], dict):
            raise TypeError("settings must be an object")
        if note["accuracy"] is not None:
            note["accuracy"] = float(note["accuracy"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder} holds no classifier that can be read ({error!r}); {_REMEDY}"
        ) from error
    return note


def _is_there(folder: Path) -> bool:
    checkpoints.tidy(folder.parent)
    return not _is_free(folder)


def _is_free(folder: Path) -> bool:
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as they will come back from JSON, where tuples are lists."""
    try:
        return json.loads(json.dumps(dict(settings)))
    except TypeError as error:
        raise ValueError(f"settings must be plain values: {error}") from error


def _check_settings(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the folder's note if it was written for these settings."""
    note = describe(folder)
    stored, absent = note["settings"], "absent"
    differences = [
        f"{name} is {stored.get(name, absent)!r} there and {settings.get(name, absent)!r} here"
        for name in sorted(stored.keys() | settings.keys())
        if stored.get(name, absent) != settings.get(name, absent)
    ]
    if differences:
        raise ValueError(
            f"{folder} holds a classifier of other settings: {', '.join(differences)}; {_REMEDY}"
        )
    return note
