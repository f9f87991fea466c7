"""Sets of photographs too large for memory: how ImageNet lies in a folder, and alike."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from fooljax.data.arrays import MOST_CLASSES, check_count
from fooljax.data.class_folders import list_classes
from fooljax.data.dataset import blame
from fooljax.data.label_table import read_table
from fooljax.data.picture_files import survey
from fooljax.data.streams import Stream, Streams
from fooljax.data.text_files import read_lines

_TABLE = "labels.csv"
_SAMPLES = "samples"
_IDS = "wnids.txt"
_NAMES = "classes.txt"
_DEFAULT_SIZE = (224, 224)


class _Listing(NamedTuple):
    """Pictures and their labels; ``home`` is where they are."""

    home: Path
    files: list[str]
    labels: list[int]


def is_photo_set(folder: Path) -> bool:
    """Tell whether a folder is laid out as `open_streams` reads it, but for class folders."""
    return _table(folder) is not None or all((folder / part).is_dir() for part in ("train", "val"))


def open_streams(folder: Path, image_size: tuple[int, int] | None = None) -> Streams:
    """List the pictures of a folder, without reading them.

    It holds, in this order of precedence,

    * ``train/CLASS/*`` and ``val/CLASS/*``, as ILSVRC does: trained and tested on; or
      one of the two;
    * ``labels.csv`` with the columns file and label (0 to k - 1; see `read_table`), beside
      the pictures, here or in ``samples/``: the second, seventh, twelfth ... row is tested on;
    * class folders of pictures.

    Without a folder to test on, the second, seventh, twelfth ... picture of every class
    is. Classes are numbered by ``wnids.txt`` (one folder's name a line) where it is, else
    alphabetically, and named by ``classes.txt`` (one a line) where it is, else by their
    folders. Both files may be beside ``labels.csv`` or one folder above it.

    Args:
        folder: the set.
        image_size: ``(h, w)`` in pixels that pictures are scaled and cropped to
            (`center_crop`); 224 x 224 unless given.

    Raises:
        ValueError: if something of this is missing or contradicts itself.
        OSError: if there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    parts = [folder / part for part in ("train", "val") if (folder / part).is_dir()]
    table = _table(folder)
    if parts or table is None:
        names, listings = _from_folders(folder, parts or [folder])
        if len(listings) == 1:
            tested = _fifth_of_each_class(np.asarray(listings[0].labels))
    else:
        names, listing = _from_table(table)
        listings = [listing]
        tested = np.arange(len(listing.files)) % 5 == 1
    if len(listings) == 1:
        if not tested.any():
            raise ValueError(f"{folder}: too few pictures to leave some to test on; add pictures")
        listings = [_chosen(listings[0], ~tested), _chosen(listings[0], tested)]
    with blame(folder):
        check_count(len(names))
    size, white = image_size or _DEFAULT_SIZE, _white(folder, listings)
    return Streams(
        *(
            Stream(home, tuple(files), np.asarray(labels, np.int32), names, size, white)
            for home, files, labels in listings
        )
    )


def _white(folder: Path, listings: list[_Listing]) -> float | None:
    """Find the white that all parts share; all lie in the folder, or one below."""
    files = []
    for home, own, _ in listings:
        place = "" if home == folder else f"{home.name}/"
        files += [f"{place}{file}" for file in own]
    return survey(folder, files)


def _table(folder: Path) -> Path | None:
    """Find the table of labels."""
    places = (folder / _TABLE, folder / _SAMPLES / _TABLE)
    return next((place for place in places if place.is_file()), None)


def _from_folders(folder: Path, parts: list[Path]) -> tuple[tuple[str, ...], list[_Listing]]:
    """List class folders, in one or two folders."""
    found = [list_classes(part) for part in parts]
    ids = _lines(folder / _IDS)
    source = folder / _IDS if ids else parts[0]
    ids = ids or tuple(found[0])
    number = {name: label for label, name in enumerate(ids)}
    for part, classes in zip(parts, found, strict=True):
        unknown = [name for name in classes if name not in number]
        if unknown:
            raise ValueError(
                f"{part}: class folder {', '.join(unknown[:3])} is not in {source}; "
                "add it there or remove the folder"
            )
    listings = [
        _Listing(
            part,
            [f"{name}/{file}" for name, files in classes.items() for file in files],
            [number[name] for name, files in classes.items() for _ in files],
        )
        for part, classes in zip(parts, found, strict=True)
    ]
    return _named(folder / _NAMES, ids), listings


def _from_table(table: Path) -> tuple[tuple[str, ...], _Listing]:
    """Read ``labels.csv``."""
    home = table.parent
    ids, names = (
        next((lines for place in (home, home.parent) if (lines := _lines(place / file))), ())
        for file in (_IDS, _NAMES)
    )
    if ids and names and len(ids) != len(names):
        raise ValueError(f"{home}: {_IDS} has {len(ids)} lines but {_NAMES} has {len(names)}")
    names = names or ids
    listing = _Listing(home, [], [])
    most = len(names) or MOST_CLASSES
    for row in read_table(table):
        if row.label >= most:
            raise ValueError(
                f"{row.where}: label must be a whole number below {most}, got {row.label}"
            )
        if ids and row.wnid and row.wnid != ids[row.label]:
            raise ValueError(
                f"{row.where}: label {row.label} is {ids[row.label]} in {_IDS}, but the row says "
                f"{row.wnid}"
            )
        file = row.file if (home / row.file).is_file() else row.file.replace("\\", "/")
        if not file or not (home / file).is_file():
            raise ValueError(f"{row.where}: no picture {home / file}; restore it or remove the row")
        listing.files.append(file)
        listing.labels.append(row.label)
    if len(set(listing.files)) < len(listing.files):
        raise ValueError(f"{table}: a picture has two rows; leave one")
    names = names or tuple(str(label) for label in range(max(listing.labels, default=0) + 1))
    return names, listing


def _named(path: Path, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Read the names of the classes, if there are any."""
    names = _lines(path)
    if names and len(names) != len(ids):
        raise ValueError(
            f"{path}: {len(names)} names for {len(ids)} classes; write one a line, in the order "
            f"of {_IDS} or of the class folders"
        )
    return names or ids


def _lines(path: Path) -> tuple[str, ...]:
    return read_lines(path) if path.is_file() else ()


def _fifth_of_each_class(labels: np.ndarray) -> Bool[np.ndarray, " n"]:
    """Mark the second, seventh, twelfth ... of every class; labels are in groups."""
    _, first, of = np.unique(labels, return_index=True, return_inverse=True)
    return (np.arange(len(labels)) - first[of]) % 5 == 1


def _chosen(listing: _Listing, which: np.ndarray) -> _Listing:
    pick = lambda values: [value for value, one in zip(values, which, strict=True) if one]
    return _Listing(listing.home, pick(listing.files), pick(listing.labels))
