"""Arrays saved with ``numpy.savez``: ``images``, ``labels``, and perhaps more."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fooljax.data.arrays import check_count
from fooljax.data.dataset import Dataset, Splits, blame, from_arrays, hold_out_fifth


def read_npz(path: Path) -> Splits:
    """Read one file of the user's own.

    ``images`` and ``labels`` are required; ``class_names`` is optional; without
    ``test_images`` and ``test_labels`` a fifth is held out (`hold_out_fifth`).

    Raises:
        ValueError: if the file is damaged, or an array missing or unfit.
    """
    arrays = open_npz(path)
    tested = "test_images" in arrays or "test_labels" in arrays
    keys = ("images", "labels", *(("test_images", "test_labels") if tested else ()))
    require(path, arrays, keys)
    names: Sequence[str] | None = None
    if "class_names" in arrays:
        names = [_text(name) for name in arrays["class_names"].ravel()]
    elif (
        tested and arrays["labels"].dtype.kind in "iu" and arrays["test_labels"].dtype.kind in "iu"
    ):
        most = max(int(arrays[key].max(initial=0)) for key in ("labels", "test_labels"))
        with blame(path):
            check_count(most + 1)
        names = [str(label) for label in range(most + 1)]
    with blame(path):
        train = from_arrays(arrays["images"], arrays["labels"], names)
        if not tested:
            return hold_out_fifth(train)
    with blame(f"{path}: test_images and test_labels"):
        return Splits(train, from_arrays(arrays["test_images"], arrays["test_labels"], names))


def read_npz_pair(folder: Path, class_names: tuple[str, ...]) -> Splits:
    """Read a known set from ``train.npz`` and ``test.npz`` in ``folder``.

    Raises:
        ValueError: if a file is missing or damaged, or an array missing or unfit.
    """
    missing = [name for name in ("train.npz", "test.npz") if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder}: {', '.join(missing)} missing")

    def half(name: str) -> Dataset:
        arrays = open_npz(folder / name)
        require(folder / name, arrays, ("images", "labels"))
        with blame(folder / name):
            return from_arrays(arrays["images"], arrays["labels"], class_names)

    return Splits(train=half("train.npz"), test=half("test.npz"))


def open_npz(path: Path) -> dict[str, np.ndarray]:
    """Return every array of the file; objects are refused, nothing is unpickled."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: not an .npz file, or a truncated one; save it again")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except Exception as error:  # zipfile and NumPy raise what they like
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"{path}: cannot be read as plain arrays of numbers or text ({reason}); save it again"
        ) from error


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def require(path: Path, arrays: dict[str, np.ndarray], keys: Sequence[str]) -> None:
    """Raise ``ValueError`` naming the arrays that a file lacks."""
    missing = [key for key in keys if key not in arrays]
    if missing:
        found = ", ".join(sorted(arrays)) or "nothing"
        raise ValueError(
            f"{path}: array {', '.join(missing)} missing (it holds {found}); "
            f"save it with numpy.savez(path, {_call(arrays)})"
        )


def _call(arrays: dict[str, np.ndarray]) -> str:
    """Return the arguments with which arrays of other names get the right ones."""
    if {"x_train", "y_train", "x_test", "y_test"} <= arrays.keys():
        return "images=x_train, labels=y_train, test_images=x_test, test_labels=y_test"
    return "images=..., labels=..."
