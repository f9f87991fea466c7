"""Digests by which data and networks are told apart, on any number of devices.

Pictures, labels and weights are hashed. A function cannot be: two devices do not round
alike. Its logits on three fixed images are kept, and compared by how close they are.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import numpy as np

from fooljax.types import Classifier

if TYPE_CHECKING:
    from fooljax.data import Dataset, Splits, Stream, Streams

#: What something is told by, as JSON can hold it.
Marks: TypeAlias = dict[str, Any]

_LENGTH = 16  # hexadecimal digits: 64 bits
_FILES_READ = 256  # of a half that stays on disk, evenly chosen; of all others the size counts
_THREADS = 16
_CLOSE = {True: 1e-3, False: 5e-2}  # of the logits' spread; on the same kind of device, or not
_ROUNDING = 1e-5  # of the largest logit


def of_data(found: "Splits | Streams") -> Marks:
    """Tell a data set by its pictures, its labels and the names of its classes.

    Of a half that stays on disk count the names, labels and sizes of all files, and the
    contents of at most 256.
    """
    train, test = (of_half(half) for half in found)
    names = {"class names": train.pop("class names")}
    test.pop("class names")
    parts = (("training", train), ("test", test))
    return {f"{part} {what}": mark for part, marks in parts for what, mark in marks.items()} | names


def of_half(half: "Dataset | Stream") -> Marks:
    """Tell the training or the test part of a data set, as `of_data` does."""
    from fooljax import data

    images = _of_files(half) if isinstance(half, data.Stream) else of_arrays([half.images])
    names = hashlib.sha256("\n".join(half.class_names).encode()).hexdigest()[:_LENGTH]
    return {"images": images, "labels": of_arrays([half.labels]), "class names": names}


def digests(half: "Dataset | Stream") -> dict[str, str]:
    """Tell what a network is trained on, for its settings."""
    return {f"digest of {what}": mark[:_LENGTH] for what, mark in of_half(half).items()}


def of_arrays(arrays: Sequence[Any]) -> str:
    """Hash arrays, typed keys among them: their types, shapes and bytes."""
    digest = hashlib.sha256()
    for array in map(_plain, arrays):
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def of_weights(params: Any) -> str:
    """Hash all weights of a network, the keys of a random defense among them."""
    return of_arrays(jax.tree.leaves(params))


def of_network(classifier: Classifier) -> Marks:
    """Tell a network by its weights and by its function."""
    return {
        "weights": of_weights(classifier.params),
        "logits": _logits(classifier).tolist(),
        "device": jax.local_devices()[0].device_kind,
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name what differs between two sets of marks; logits only where weights do not."""
    changed = [
        name
        for name in (*before, *(name for name in now if name not in before))
        if name not in ("logits", "device") and before.get(name) != now.get(name)
    ]
    if changed or "logits" not in before or "logits" not in now:
        return changed
    first, second = (_numbers(marks["logits"]) for marks in (before, now))
    if first.shape != second.shape:
        return [f"function ({second.shape[-1]} logits instead of {first.shape[-1]})"]
    finite = first[np.isfinite(first)]
    spread, most = (np.ptp(finite), np.max(np.abs(finite))) if finite.size else (0.0, 0.0)
    allowed = _CLOSE[before.get("device") == now.get("device")] * spread + _ROUNDING * most
    if np.allclose(first, second, rtol=0.0, atol=allowed, equal_nan=True):
        return []
    apart = np.max(np.abs(first - second), where=np.isfinite(first - second), initial=0.0)
    return [f"function (logits of fixed images differ by {apart:.3g})"]


def _numbers(logits: Any) -> np.ndarray:
    """Return stored logits; what JSON could not hold is NaN."""
    numbers = np.asarray(logits, float)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _of_files(stream: "Stream") -> str:
    digest = hashlib.sha256(f"{stream.image_size} {stream.white}".encode())
    parts = [part for part in np.array_split(np.arange(len(stream)), _THREADS) if len(part)]
    files = stream.files
    sizes = lambda rows: [_size(stream.folder, files[row]) for row in rows]
    with ThreadPoolExecutor(_THREADS) as pool:
        for file, size in zip(files, chain(*pool.map(sizes, parts)), strict=True):
            digest.update(f"{file if isinstance(file, str) else ''}\n{size}\n".encode())
    for row in np.unique(np.linspace(0, len(files) - 1, _FILES_READ).astype(int)):
        file = files[row]
        digest.update((stream.folder / file).read_bytes() if isinstance(file, str) else file)
    return digest.hexdigest()


def _size(folder: Path, file: Any) -> int:
    return os.stat(folder / file).st_size if isinstance(file, str) else file.nbytes


def _logits(classifier: Classifier) -> np.ndarray:
    """Ask about noise and two ramps, one image at a time; of texts, as parts of all ids."""
    apply = jax.jit(classifier.apply)
    size = int(np.prod(classifier.input_shape))
    places = np.arange(size, dtype=np.uint64)
    noise = (places * 2654435761 % 2**32) / 2**32  # Knuth's multiplicative hash
    ramp = np.linspace(0.0, 1.0, size)
    answers = []
    for image in (noise, ramp, 1.0 - ramp):
        shaped = image.astype(np.float32).reshape(1, *classifier.input_shape)
        if classifier.tokens is not None:
            shaped = (shaped * (classifier.tokens.count - 1)).astype(np.int32)
        answers.append(np.asarray(apply(_here(classifier.params), shaped), np.float32)[0])
    return np.array([[float(f"{number:.6g}") for number in answer] for answer in answers])


def _here(params: Any) -> Any:
    """Put weights on this process's first device; keys are made anew, as if never used."""
    return jax.tree.map(
        lambda leaf: (
            jax.random.wrap_key_data(
                jax.numpy.asarray(_plain(leaf)), impl=jax.random.key_impl(leaf)
            )
            if _is_key(leaf)
            else jax.numpy.asarray(_plain(leaf))
        ),
        params,
    )


def _plain(leaf: Any) -> np.ndarray:
    return np.asarray(jax.device_get(jax.random.key_data(leaf) if _is_key(leaf) else leaf))


def _is_key(leaf: Any) -> bool:
    return jax.dtypes.issubdtype(getattr(leaf, "dtype", np.float32), jax.dtypes.prng_key)
