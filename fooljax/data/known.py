"""The published sets that are known by name: where they are looked for, and how they are read."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fooljax.data import classes, languages
from fooljax.data.cifar import CIFAR10, CIFAR100, Layout, holds_cifar, read_cifar
from fooljax.data.dataset import Splits
from fooljax.data.download import fetch, registered
from fooljax.data.idx import FILES, find_idx, read_idx_set
from fooljax.data.npz import read_npz_pair
from fooljax.data.sound_sets import (
    ESC10,
    FSDD,
    SPEAKERS,
    SPEECH_COMMANDS,
    holds_fsdd,
    read_esc10,
    read_fsdd,
    read_speech_commands,
)
from fooljax.data.sst2 import CLASSES as SST2_CLASSES
from fooljax.data.sst2 import FILES as SST2_FILES
from fooljax.data.sst2 import read_sst2
from fooljax.data.weizmann import ACTIONS, FILE, LEFT_OUT, PEOPLE, holds_weizmann, read_weizmann


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


def _fsdd(left_out: str | None = None) -> Published:
    return Published(
        files=(FSDD,),
        holds=holds_fsdd,
        read=lambda folder: read_fsdd(folder, left_out),
        class_names=classes.DIGITS,
        place="audio",
        origin="github.com/Jakobovski/free-spoken-digit-dataset (its folder recordings will do)",
    )


def _of_arrays(
    file: str, read: Callable[[Path], Splits], class_names: tuple[str, ...], origin: str
) -> Published:
    return Published(
        files=(file,),
        holds=lambda folder: (folder / file).is_file(),
        read=read,
        class_names=class_names,
        place="audio",
        origin=origin,
    )


def _weizmann(person: str) -> Published:
    return Published(
        files=(FILE,),
        holds=holds_weizmann,
        read=lambda folder: read_weizmann(folder, person),
        class_names=ACTIONS,
        place="video",
        origin="the authors of Actions as Space-Time Shapes (their classification_masks.mat, "
        "packed as fooljax.data.weizmann reads it)",
    )


PUBLISHED = {
    "cifar10": _cifar(CIFAR10, classes.CIFAR10),
    "cifar100": _cifar(CIFAR100, classes.CIFAR100),
    "esc10": _of_arrays(
        ESC10,
        read_esc10,
        classes.ESC10,
        "github.com/karolpiczak/ESC-10 (packed as fooljax.data.sound_sets reads it)",
    ),
    "fashion_mnist": _idx(classes.FASHION_MNIST),
    "fsdd": _fsdd(),
    **{f"fsdd:{speaker}": _fsdd(speaker) for speaker in SPEAKERS},
    "kmnist": _idx(classes.KMNIST),
    "language_samples": Published(
        files=languages.SAMPLES,
        holds=lambda folder: any((folder / file).is_file() for file in languages.SAMPLES),
        read=languages.read_samples,
        class_names=(),  # as many as the file names
        place="text/language_id",
        origin="google/cld3, src/nnet_lang_id_test_data.cc",
    ),
    "mnist": _idx(classes.DIGITS),
    "speech_commands": _of_arrays(
        SPEECH_COMMANDS,
        read_speech_commands,
        classes.SPEECH_COMMANDS,
        "the test files of Speech Commands v0.02 (packed as fooljax.data.sound_sets reads them)",
    ),
    "weizmann": _weizmann(LEFT_OUT),
    **{f"weizmann:{person}": _weizmann(person) for person in PEOPLE},
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
