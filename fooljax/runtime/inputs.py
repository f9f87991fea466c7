"""What a run was begun with: data and networks. It goes on with the same, or not at all."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fooljax.runtime import hosts

if TYPE_CHECKING:
    from fooljax.data import Splits, Streams
    from fooljax.types import Classifier

FILE = "inputs.json"
_MADE = ("units", "checkpoints")  # from data and networks
_NETWORK = "give the same --weights, --model or --classifier"
_DATA = "put the data back as they were"


def same_data(folder: Path, name: str, found: "Splits | Streams") -> None:
    """Refuse to go on with other data than those that a run was begun with.

    Args:
        folder: run directory; remembers what is new to it.
        name: of the data.
        found: the data.

    Raises:
        ValueError: naming what changed, and the remedy.
    """
    from fooljax.runtime import identity

    _same(folder, "data", lambda: {name: identity.of_data(found)}, _DATA)


def same_images(folder: Path, images: Mapping[str, Any]) -> None:
    """Refuse to go on with other images than those that a run was begun with.

    Args:
        folder: run directory; remembers what is new to it.
        images: arrays by name.

    Raises:
        ValueError: as `same_data`.
    """
    from fooljax.runtime import identity

    marks = lambda: {name: {"images": identity.of_arrays([one])} for name, one in images.items()}
    _same(folder, "data", marks, _DATA)


def same_networks(folder: Path, networks: "Mapping[str, Classifier]") -> None:
    """Refuse to go on with other networks than those that a run was begun with.

    Weights are told by their bytes, functions by their logits on fixed images.

    Args:
        folder: run directory; remembers what is new to it.
        networks: by name.

    Raises:
        ValueError: as `same_data`.
    """
    from fooljax.runtime import identity

    marks = lambda: {name: identity.of_network(network) for name, network in networks.items()}
    _same(folder, "networks", marks, _NETWORK)


def _same(
    folder: Path, kind: str, marks: Callable[[], dict[str, dict[str, Any]]], remedy: str
) -> None:
    hosts.decide(lambda: _compare(folder, kind, marks(), remedy))


def _compare(folder: Path, kind: str, now: dict[str, dict[str, Any]], remedy: str) -> None:
    from fooljax.runtime import files, identity

    begun = read(folder)
    before = begun.setdefault(kind, {})
    changed = [
        f"{name}: other {' and '.join(parts)}"
        for name, marks in now.items()
        if name in before and (parts := identity.differences(before[name], marks))
    ]
    if changed:
        raise ValueError(
            f"--resume: {'; '.join(changed)} than {folder} was begun with; {remedy}, or start anew "
            "with another --out"
        )
    if not now.keys() <= before.keys():
        begun[kind] = {**now, **before}
        folder.mkdir(parents=True, exist_ok=True)
        files.write_json(folder / FILE, begun)


def read(folder: Path) -> dict[str, Any]:
    """Return what a run was begun with: marks of ``data`` and ``networks``, by name.

    Raises:
        ValueError: if that is missing or broken, with the remedy.
    """
    path = folder / FILE
    try:
        if not path.exists():
            if any((folder / made).exists() for made in _MADE):
                raise ValueError("it is missing")
            return {}
        begun = json.loads(path.read_text(encoding="utf-8"))
        marks = [mark for part in begun.values() for mark in part.values()]
        if not all(isinstance(mark, dict) for mark in marks):
            raise ValueError("it does not hold objects")
        return begun
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(
            f"--resume: {path} does not say which data and networks the run was begun with "
            f"({error}); restore it from a copy, or start anew with another --out"
        ) from error
