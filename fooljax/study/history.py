"""What happened in every generation, in one file a chunk, and as lines of JSON.

``history/GENERATION.npz`` holds the records of the chunk that ends with that
generation, and at some generations the champions of repeat 0 as pictures (of
at most 64 pixels a side: thumbnails, where the images are larger);
``metrics.jsonl`` has a line a generation.
"""

import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import jax
import numpy as np

from fooljax import evolution
from fooljax.media import Medium, Pictures
from fooljax.runtime import files, notices
from fooljax.study import painting
from fooljax.types import Encoding

_FOLDER, _METRICS = "history", "metrics.jsonl"
_EARLY = (0, 1, 2, 5)

Rows = Mapping[str, np.ndarray]


def is_milestone(generation: int) -> bool:
    """Tell whether champions are kept for the lineage: 0, 1, 2, 5, 10, 20, 50, ..."""
    while generation >= 10 and generation % 10 == 0:
        generation //= 10
    return generation in _EARLY


def to_rows(infos: evolution.Generation) -> Rows:
    """Bring a chunk's infos, leaves ``[generations, repeats, ...]``, to the host."""
    host = jax.device_get(infos)
    rows = {name: getattr(host, name) for name in ("confidence", "parent", "taken", "jumps")}
    return rows | {f"trait_{name}": value for name, value in host.traits.items()}


def by_class(confidence: np.ndarray, num_classes: int) -> np.ndarray:
    """Return the confidence in the best image of each class, of ``[..., niches]``."""
    return confidence.reshape(*confidence.shape[:-1], num_classes, -1).max(axis=-1)


def sum_up_traits(history: Mapping[str, np.ndarray], children: int) -> dict[str, float]:
    """Return what the traits of an encoding came to, by name.

    Args:
        history: of a finished run, ``trait_NAME [generations + 1, repeats]`` summed over the
            children among its arrays.
        children: of a generation, for each repeat.

    Returns:
        ``mean_NAME`` over the children of the last generation; of mutations that were
        refused their number in the whole run, ``refused_mutations``.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> nodes = np.array([[40.0], [60.0]])  # of all children of a generation, in one run
        >>> study.sum_up_traits({"trait_nodes": nodes}, children=10)
        {'mean_nodes': 6.0}
    """
    sums = {
        name.removeprefix("trait_"): rows
        for name, rows in history.items()
        if name.startswith("trait_")
    }
    refused = sums.pop("refused", None)
    means = {f"mean_{name}": float(np.mean(rows[-1]) / children) for name, rows in sums.items()}
    return means | ({} if refused is None else {"refused_mutations": int(np.sum(refused))})


def record(
    folder: Path,
    generation: int,
    rows: Rows,
    archive: evolution.Archive,
    encoding: Encoding,
    evaluations: Callable[[int], int],
    seconds: float,
    num_classes: int,
    medium: Medium = Pictures(),  # noqa: B008  (frozen)
) -> None:
    """Write down a chunk that ends with ``generation``.

    Args:
        folder: run directory.
        generation: the chunk's last.
        rows: the chunk's records.
        archive: champions at its end.
        encoding: paints them.
        evaluations: images shown to the network up to a generation.
        seconds: spent so far.
        num_classes: of the network; each has equally many niches.
        medium: what the champions are.
    """
    arrays = dict(rows)
    if is_milestone(generation):
        arrays["snapshot"] = painting.paint_thumbnails(encoding, archive, medium)
    (folder / _FOLDER).mkdir(exist_ok=True)
    files.write_npz(folder / _FOLDER / f"{generation:08d}.npz", arrays, compress=True)
    confidence = by_class(rows["confidence"], num_classes)
    first = generation - len(confidence) + 1
    files.append_lines(
        folder / _METRICS,
        (
            {
                "generation": first + row,
                "median_confidence": np.median(confidence[row]),
                "min_confidence": np.min(confidence[row]),
                "median_confidence_per_repeat": np.median(confidence[row], axis=-1),
                "min_confidence_per_repeat": np.min(confidence[row], axis=-1),
                "best_confidence_per_repeat": np.max(confidence[row], axis=-1),
                "qd_score_per_repeat": np.sum(rows["confidence"][row], axis=-1),
                "jumps": rows["jumps"][row],
                "evaluations": evaluations(first + row),
                "seconds": round(seconds, 3),
            }
            for row in range(len(confidence))
        ),
    )


def last_whole(folder: Path) -> int:
    """Return the generation up to which all records can be read, -1 if none can."""
    last = -1
    for path in _paths(folder):
        try:
            rows = len(_read(path)["confidence"])
        except ValueError as error:
            warnings.warn(str(error), category=notices.Incident, stacklevel=2)
            break
        if int(path.stem) != last + rows:
            warnings.warn(
                f"{folder / _FOLDER} lacks the file before {path.name}",
                category=notices.Incident,
                stacklevel=2,
            )
            break
        last = int(path.stem)
    return last


def forget_after(folder: Path, generation: int) -> None:
    """Drop the records of later generations, whose state was not saved."""
    for path in _paths(folder):
        if int(path.stem) > generation:
            path.unlink()
    kept = files.keep_lines(folder / _METRICS, lambda line: line["generation"] <= generation)
    if kept != generation + 1:
        warnings.warn(
            f"{folder / _METRICS} holds {kept} of {generation + 1} generations; it was changed "
            "since the run wrote it (the pictures are made from other files)",
            category=notices.Incident,
            stacklevel=2,
        )


def read(folder: Path) -> tuple[dict[str, np.ndarray], dict[int, np.ndarray]]:
    """Read all records.

    Returns:
        Arrays by name, ``[generations + 1, repeats, ...]``, and the pictures of
        repeat 0's champions by generation, uint8 ``[classes, h, w, c]``, reduced
        to at most 64 pixels a side.

    Raises:
        ValueError: naming a file that is damaged.
    """
    chunks, snapshots = [], {}
    for path in _paths(folder):
        arrays = _read(path)
        if "snapshot" in arrays:
            snapshots[int(path.stem)] = arrays.pop("snapshot")
        chunks.append(arrays)
    history = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return history, snapshots


def _paths(folder: Path) -> list[Path]:
    return sorted((folder / _FOLDER).glob("[0-9]" * 8 + ".npz"))


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        arrays = files.read_npz(path)
        arrays["confidence"], arrays["parent"], arrays["taken"], arrays["jumps"]
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ValueError(f"{path} is damaged ({error})") from error
    return arrays
