"""Files of the MNIST family: idx, plain or gzip-compressed."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from fooljax.data.dataset import Dataset, Splits, blame, from_arrays

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_UNSIGNED_BYTE = 0x08


def read_idx_set(folder: Path, class_names: tuple[str, ...]) -> Splits:
    """Read the four files of a set from ``folder``, each as NAME.gz or NAME.

    Raises:
        ValueError: if a file is missing, damaged, or does not fit its partner.
    """
    paths = [find_idx(folder, name) for name in FILES]
    missing = [f"{name}.gz" for name, path in zip(FILES, paths, strict=True) if path is None]
    if missing:
        raise ValueError(f"{folder}: {', '.join(missing)} missing")
    train_images, train_labels, test_images, test_labels = [path for path in paths if path]
    return Splits(
        train=_read_half(train_images, train_labels, class_names),
        test=_read_half(test_images, test_labels, class_names),
    )


def find_idx(folder: Path, name: str) -> Path | None:
    """Return where ``folder`` holds the idx file ``name``, compressed or plain, if it does."""
    return next((p for p in (folder / f"{name}.gz", folder / name) if p.is_file()), None)


def read_idx(path: Path, rank: int) -> np.ndarray:
    """Read one idx file of unsigned bytes.

    Args:
        path: the file; a name ending in ``.gz`` is decompressed.
        rank: number of axes it must have: 3 for images, 1 for labels.

    Returns:
        uint8 array with the shape that the header states.

    Raises:
        ValueError: if the file is not what its header or its name says.

    Source:
        LeCun, Cortes and Burges, The MNIST database of handwritten digits (file format).
    """
    raw = _decompress(path) if path.suffix == ".gz" else path.read_bytes()
    magic = bytes((0, 0, _UNSIGNED_BYTE, rank))
    if raw[:4] != magic:
        raise ValueError(f"{path}: magic number is {raw[:4].hex()}, not {magic.hex()}")
    start = 4 + 4 * rank
    if len(raw) < start:
        raise ValueError(f"{path}: ends inside its header, it is truncated")
    shape = struct.unpack(f">{rank}I", raw[4:start])
    expected, found = int(np.prod(shape, dtype=np.int64)), len(raw) - start
    if found != expected:
        raise ValueError(f"{path}: holds {found} bytes of data, but its header states {expected}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _read_half(images_path: Path, labels_path: Path, class_names: tuple[str, ...]) -> Dataset:
    images, labels = read_idx(images_path, rank=3), read_idx(labels_path, rank=1)
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path}: holds {len(images)} images, "
            f"but {labels_path.name} holds {len(labels)} labels"
        )
    with blame(labels_path):
        return from_arrays(images[..., None], labels, class_names)


def _decompress(path: Path) -> bytes:
    """Return the contents of a gzip file, or raise ``ValueError``."""
    try:
        with gzip.open(path) as file:
            return file.read()
    except EOFError as error:
        raise ValueError(f"{path}: compressed data end too early, it is truncated") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: not a sound gzip file ({error})") from error
