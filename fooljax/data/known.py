"""The published sets that are known by name: where they are looked for, and how they are read."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fooljax.data import classes
from fooljax.data.cifar import CIFAR10, CIFAR100, Layout, holds_cifar, read_cifar
from fooljax.data.dataset import Splits
from fooljax.data.download import fetch, registered
from fooljax.data.idx import FILES, find_idx, read_idx_set
from fooljax.data.npz import read_npz_pair
from fooljax.data.sst2 import CLASSES as SST2_CLASSES
from fooljax.data.sst2 import FILES as SST2_FILES
from fooljax.data.sst2 import read_sst2


class Published(NamedTuple):
    """A published set.

    Attributes:
        files: its files under the names they were published by.
        holds: tells whether a folder holds any of its files.
        read: reads the set from a folder that holds its files.
        class_names: in the order of the labels.
        place: folder below the one with all data; that of the set's name unless given.
        origin: where people get it, in words, if it is not downloaded for them.
    """

    files: tuple[str, ...]
    holds: Callable[[Path], bool]
    read: Callable[[Path], Splits]
    class_names: tuple[str, ...]
    place: str | None = None
    origin: str = ""


def _idx(class_names: tuple[str, ...]) -> Published:
    return Published(
        files=tuple(f"{name}.gz" for name in FILES),
        holds=lambda folder: any(find_idx(folder, name) for name in FILES),
        read=lambda folder: read_idx_set(folder, class_names),
        class_names=class_names,
    )


def _cifar(layout: Layout, class_names: tuple[str, ...]) -> Published:
    return Published(
        files=(layout.archive,),
        holds=lambda folder: holds_cifar(folder, layout),
        read=lambda folder: read_cifar(folder, layout, class_names),
        class_names=class_names,
    )


PUBLISHED = {
    "cifar10": _cifar(CIFAR10, classes.CIFAR10),
    "cifar100": _cifar(CIFAR100, classes.CIFAR100),
    "fashion_mnist": _idx(classes.FASHION_MNIST),
    "kmnist": _idx(classes.KMNIST),
    "mnist": _idx(classes.DIGITS),
    "sst2": Published(
        files=SST2_FILES,
        holds=lambda folder: any((folder / file).is_file() for file in SST2_FILES),
        read=read_sst2,
        class_names=SST2_CLASSES,
        place="text/sst2",
        origin="gluebenchmark.com (columns sentence and label; test.tsv is GLUE's dev.tsv)",
    ),
}


def read_published(name: str, data_dir: str | None) -> Splits:
    """Read a set from ``DATA_DIR/NAME`` if its files are there, otherwise download it.

    Raises:
        ValueError: if a file is missing or damaged, with the remedy.
        OSError: if it must be downloaded and cannot be.
    """
    if data_dir is not None and not Path(data_dir).is_dir():
        raise FileNotFoundError(
            f"{data_dir}: no such folder; correct --data-dir (or FOOLJAX_DATA_DIR)"
        )
    published = PUBLISHED[name]
    folder = Path(data_dir or "DIR") / (published.place or name)
    pair = "" if published.origin else " (or train.npz and test.npz)"
    expected = f"put {', '.join(published.files)}{pair} into {folder}"
    if data_dir is None:
        expected += " and pass --data-dir DIR"
    elif folder.is_dir():
        remedy = "replace it there, or correct --data-dir"
        if published.holds(folder):
            return _remedied(lambda: published.read(folder), remedy)
        if not published.origin and any(
            (folder / file).is_file() for file in ("train.npz", "test.npz")
        ):
            return _remedied(lambda: read_npz_pair(folder, published.class_names), remedy)
    if published.origin:
        raise FileNotFoundError(
            f"{name} is not downloaded for you; get it from {published.origin}, and {expected}"
        )
    return _download(name, published, expected)


def _download(name: str, published: Published, expected: str) -> Splits:
    """Fetch what the cache does not hold yet, and read it."""
    import pooch

    cache = Path(pooch.os_cache("fooljax")) / name
    remedy = f"to load {name} without a network, {expected}"
    for file in registered(name):
        fetch(file, cache, remedy)
    return _remedied(lambda: published.read(cache), "delete it to download it again")


def _remedied(read: Callable[[], Splits], remedy: str) -> Splits:
    """Read, and end the sentence of a ``ValueError`` with what to do."""
    try:
        return read()
    except ValueError as error:
        raise ValueError(f"{error}; {remedy}") from error
