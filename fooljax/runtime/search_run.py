"""Run a search to the end in a run directory: watched, checkpointed, resumable.

The directory gets ``checkpoints/`` (the two newest states), ``history/`` (one
file of per-generation records a chunk) and ``metrics.jsonl`` (a line a
generation). The state is written last, so a run killed at any moment goes on
from the end of its last whole chunk.
"""

import functools
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from fooljax import evolution
from fooljax.runtime import checkpoints, files, progress
from fooljax.types import Classifier, Encoding, RandomKey, Search

_SECONDS_A_CHUNK = 1.0
_LONGEST_CHUNK = 100
_CHECKPOINT_SHARE = 0.05  # chunks grow until saving takes at most this part of the time
_EARLY = (1, 2, 5)
_MAX_SNAPSHOT_BYTES = 64_000_000


class Finished(NamedTuple):
    """A run that reached its last generation, or was stopped before.

    Attributes:
        state: of the search, leaves ``[repeats, ...]``.
        history: arrays by name, ``[generations + 1, repeats, ...]``, row 0 the
            random population: ``confidence``, ``parent``, ``taken``, ``jumps``
            and ``trait_NAME`` summed over the children.
        snapshots: champions of repeat 0 at a few generations, uint8
            ``[classes, h, w, c]``.
        generation: the last one done.
        seconds: time spent evolving, over all sessions.
        signal: what stopped the run, or None.
    """

    state: Any
    history: Mapping[str, np.ndarray]
    snapshots: Mapping[int, np.ndarray]
    generation: int
    seconds: float
    signal: int | None


def is_milestone(generation: int) -> bool:
    """Tell whether champions are kept for the lineage: 1, 2, 5, 10, 20, 50, ..."""
    while generation >= 10 and generation % 10 == 0:
        generation //= 10
    return generation in (0, *_EARLY)


def run(
    folder: Path,
    key: RandomKey,
    search: Search,
    classifier: Classifier,
    encoding: Encoding,
    generations: int,
    evaluations: Callable[[int], int],
    *,
    chunk: int | None,
    stopping: Callable[[], int | None],
    on_chunk: Callable[[int, Mapping[str, np.ndarray]], None] | None = None,
) -> Finished:
    """Evolve until ``generations``, from the newest checkpoint if there is one.

    Args:
        folder: run directory.
        key: keys ``[repeats]``.
        search: a repeated search.
        classifier: the network.
        encoding: paints the champions for the lineage.
        generations: how many in all.
        evaluations: images shown to the network up to a generation, over all
            repeats.
        chunk: generations between checkpoints; about a second's worth if None,
            longer where saving is slow. It does not change the result.
        stopping: returns a signal number once the user wants to stop.
        on_chunk: called with the last generation done and the chunk's records.

    Raises:
        ValueError: if the newest checkpoint belongs to another network, or all
            are damaged.
    """
    print_of_network = fingerprint(classifier.params)
    template, _ = jax.eval_shape(evolution.start, key, search, classifier)
    resumed = checkpoints.load_newest(folder / "checkpoints", template)
    if resumed is None:
        began = time.monotonic()
        _forget_after(folder, -1)
        state, info = evolution.start(key, search, classifier)
        rows = _rows(jax.tree.map(lambda leaf: leaf[None], info))
        generation, seconds = 0, 0.0
        _record(folder, generation, rows, state, encoding, evaluations, seconds)
        checkpoints.save_step(
            folder / "checkpoints",
            0,
            state,
            {"network": print_of_network, "seconds": time.monotonic() - began},
        )
    else:
        generation, state, note = resumed
        if note["network"] != print_of_network:
            raise ValueError(
                f"--resume: the network is not the one that {folder} was begun with; "
                "give the same --weights, --model or --classifier"
            )
        seconds = note["seconds"]
        _forget_after(folder, generation)

    length = chunk or 1
    with progress.bar("evolving", generations, generation) as show:
        while generation < generations and stopping() is None:
            began = time.monotonic()
            count = _to_next_stop(generation, length, generations)
            state, infos = evolution.advance(
                key, search, classifier, state, count, capacity=chunk or _LONGEST_CHUNK
            )
            rows = _rows(infos)
            generation += count
            computed = time.monotonic() - began
            seconds += computed
            _record(folder, generation, rows, state, encoding, evaluations, seconds)
            if on_chunk is not None:
                on_chunk(generation, rows)
            saving = time.monotonic()
            note = {"network": print_of_network, "seconds": seconds}
            checkpoints.save_step(folder / "checkpoints", generation, state, note)
            saved = time.monotonic() - saving
            if chunk is None:
                wanted = max(_SECONDS_A_CHUNK, saved / _CHECKPOINT_SHARE)
                length = round(wanted / (computed / count))
                length = max(1, min(length, 2 * count, _LONGEST_CHUNK))
            show(generation, _status(rows, evaluations(count) - evaluations(0), computed))
    history, snapshots = _read(folder)
    return Finished(state, history, snapshots, generation, seconds, stopping())


def fingerprint(params: Any) -> str:
    """Hash all weights of a network."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(params):
        digest.update(np.ascontiguousarray(jax.device_get(leaf)).tobytes())
    return digest.hexdigest()


def _to_next_stop(generation: int, length: int, generations: int) -> int:
    """Take ``length`` steps, or fewer to stop at the next milestone or the end."""
    for count in range(1, min(length, generations - generation)):
        if is_milestone(generation + count):
            return count
    return min(length, generations - generation)


def _rows(infos: evolution.Generation) -> dict[str, np.ndarray]:
    host = jax.device_get(infos)
    rows = {name: getattr(host, name) for name in ("confidence", "parent", "taken", "jumps")}
    return rows | {f"trait_{name}": value for name, value in host.traits.items()}


def _record(
    folder: Path,
    generation: int,
    rows: Mapping[str, np.ndarray],
    state: Any,
    encoding: Encoding,
    evaluations: Callable[[int], int],
    seconds: float,
) -> None:
    """Append a chunk that ends with ``generation`` to the history and the metrics."""
    arrays = dict(rows)
    archive = state.archive
    size = jax.eval_shape(functools.partial(_first, encoding), archive).size
    if is_milestone(generation) and size <= _MAX_SNAPSHOT_BYTES:
        images = _paint(encoding, archive)
        arrays["snapshot"] = np.round(np.asarray(images) * 255.0).astype(np.uint8)
    (folder / "history").mkdir(exist_ok=True)
    files.write_npz(folder / "history" / f"{generation:08d}.npz", arrays, compress=True)
    confidence = rows["confidence"]
    first = generation - len(confidence) + 1
    files.append_lines(
        folder / "metrics.jsonl",
        (
            {
                "generation": first + row,
                "median_confidence": float(np.median(confidence[row])),
                "min_confidence": float(np.min(confidence[row])),
                "median_confidence_per_repeat": np.median(confidence[row], axis=-1),
                "min_confidence_per_repeat": np.min(confidence[row], axis=-1),
                "jumps": rows["jumps"][row],
                "evaluations": evaluations(first + row),
                "seconds": round(seconds, 3),
            }
            for row in range(len(confidence))
        ),
    )


def _first(encoding: Encoding, archive: evolution.Archive) -> jax.Array:
    return evolution.express_elites(encoding, jax.tree.map(lambda leaf: leaf[0], archive))


_paint = jax.jit(_first, static_argnums=0)


def _forget_after(folder: Path, generation: int) -> None:
    """Drop records of chunks whose state was not saved."""
    for path in (folder / "history").glob("*.npz"):
        if int(path.stem) > generation:
            path.unlink()
    files.keep_lines(folder / "metrics.jsonl", lambda line: line["generation"] <= generation)


def _read(folder: Path) -> tuple[dict[str, np.ndarray], dict[int, np.ndarray]]:
    chunks, snapshots = [], {}
    for path in sorted((folder / "history").glob("*.npz")):
        arrays = files.read_npz(path)
        if "snapshot" in arrays:
            snapshots[int(path.stem)] = arrays.pop("snapshot")
        chunks.append(arrays)
    history = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return history, snapshots


def _status(rows: Mapping[str, np.ndarray], images: int, seconds: float) -> str:
    confidence = rows["confidence"][-1]
    return (
        f"median {np.median(confidence):.5f}  worst {np.min(confidence):.5f}  "
        f"{images / max(seconds, 1e-9):,.0f} images/s"
    )
