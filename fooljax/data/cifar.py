"""The binary version of CIFAR-10 and CIFAR-100: loose ``.bin`` files, or the archive."""

import tarfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fooljax.data.dataset import Dataset, Splits, blame, from_arrays

_PIXELS = 3 * 32 * 32


class Layout(NamedTuple):
    """How one of the two sets is stored.

    Attributes:
        archive: name of the published archive.
        folder: the folder inside it.
        train: files of training records, in order.
        test: file of test records.
        label_bytes: label bytes before the pixels; the last one is the class.
    """

    archive: str
    folder: str
    train: tuple[str, ...]
    test: str
    label_bytes: int


CIFAR10 = Layout(
    "cifar-10-binary.tar.gz",
    "cifar-10-batches-bin",
    tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    "test_batch.bin",
    label_bytes=1,
)
CIFAR100 = Layout(
    "cifar-100-binary.tar.gz", "cifar-100-binary", ("train.bin",), "test.bin", label_bytes=2
)


def read_cifar(folder: Path, layout: Layout, class_names: tuple[str, ...]) -> Splits:
    """Read a set from ``folder``: the archive, or its files there or in their sub-folder.

    Raises:
        ValueError: if a file is missing or damaged.

    Source:
        Krizhevsky, 2009, Learning Multiple Layers of Features from Tiny Images (binary version).
    """
    archive = folder / layout.archive
    if archive.is_file():
        home, records = archive, _unpack(archive)
    else:
        home = folder / layout.folder if (folder / layout.folder).is_dir() else folder
        places = [home / name for name in (*layout.train, layout.test)]
        records = {place.name: place.read_bytes() for place in places if place.is_file()}
    missing = [name for name in (*layout.train, layout.test) if name not in records]
    if missing:
        raise ValueError(f"{home}: {', '.join(missing)} missing")
    half = lambda names: _decode(
        {home / name: records[name] for name in names}, layout.label_bytes, class_names
    )
    return Splits(train=half(layout.train), test=half((layout.test,)))


def holds_cifar(folder: Path, layout: Layout) -> bool:
    """Tell whether ``folder`` holds the archive or any of its files."""
    homes = (folder, folder / layout.folder)
    loose = (home / name for home in homes for name in (*layout.train, layout.test))
    return (folder / layout.archive).is_file() or any(path.is_file() for path in loose)


def _decode(files: dict[Path, bytes], label_bytes: int, class_names: tuple[str, ...]) -> Dataset:
    """Turn records (labels, then red, green and blue planes) into images ``[n, 32, 32, 3]``."""
    size = label_bytes + _PIXELS
    parts = []
    for path, raw in files.items():
        if not raw or len(raw) % size:
            raise ValueError(
                f"{path}: holds {len(raw)} bytes, not a whole number of records of {size} bytes"
            )
        records = np.frombuffer(raw, np.uint8).reshape(-1, size)
        wrong = records[:, label_bytes - 1].max()
        if wrong >= len(class_names):
            raise ValueError(f"{path}: labels must be in [0, {len(class_names)}), got {wrong}")
        parts.append(records)
    records = np.concatenate(parts)
    images = records[:, label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    with blame(next(iter(files))):
        return from_arrays(images, records[:, label_bytes - 1], class_names)


def _unpack(archive: Path) -> dict[str, bytes]:
    """Return the ``.bin`` files of an archive by name, without writing any to disk."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = (m for m in tar if m.isfile() and m.name.endswith(".bin"))
            return {Path(m.name).name: tar.extractfile(m).read() for m in members}  # type: ignore[union-attr]
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise ValueError(f"{archive}: not a sound tar.gz archive ({error})") from error
