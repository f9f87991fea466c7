"""Run a search to the end in a run directory: watched, checkpointed, resumable.

The directory gets ``checkpoints/`` (the two newest states) and the records of
``history``. The state is written last, so a run killed at any moment goes on
from the end of its last whole chunk.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import evolution, interrupts
from fooljax.media import Medium, Pictures, Texts
from fooljax.runtime import checkpoints, devices, files, hosts, identity, inputs, notices, progress
from fooljax.study import history
from fooljax.types import Classifier, Encoding, RandomKey, Search

_SECONDS_A_CHUNK = 1.0
LONGEST_CHUNK = 100
_CHECKPOINT_SHARE = 0.05  # chunks grow until saving takes at most this part of the time


class Finished(NamedTuple):
    """A run that reached its last generation.

    Attributes:
        state: of the search, leaves ``[repeats, ...]``.
        history: arrays by name, ``[generations + 1, repeats, ...]``, row 0 the
            random population: ``confidence``, ``parent``, ``taken``, ``jumps``
            and ``trait_NAME`` summed over the children.
        snapshots: champions of repeat 0 at a few generations, uint8
            ``[classes, h, w, c]``, reduced to at most 64 pixels a side.
        generation: the last one.
        clock: the time it took.
    """

    state: Any
    history: Mapping[str, np.ndarray]
    snapshots: Mapping[int, np.ndarray]
    generation: int
    clock: "Clock"


class Clock(NamedTuple):
    """Time spent evolving, over all sessions.

    Attributes:
        seconds: in all, compilation included.
        steady_seconds: in chunks after the first of a session, which compiles.
        steady_generations: in these chunks.
    """

    seconds: float = 0.0
    steady_seconds: float = 0.0
    steady_generations: int = 0

    def after(self, seconds: float, generations: int, steady: bool) -> "Clock":
        """Return the clock after a chunk."""
        return Clock(
            self.seconds + seconds,
            self.steady_seconds + seconds * steady,
            self.steady_generations + generations * steady,
        )

    def pace(self, images: int) -> float | None:
        """Return images a second of so many a generation; None before anything was steady."""
        count = images * self.steady_generations
        return count / self.steady_seconds if count else None


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
    on_chunk: Callable[[int, history.Rows], None] | None = None,
    medium: Medium = Pictures(),  # noqa: B008  (frozen)
) -> Finished:
    """Evolve until ``generations``, from the newest checkpoint if there is one.

    The first Ctrl-C or SIGTERM lets the chunk end and be saved. A search over several
    devices takes a key and a network that are ``devices.everywhere`` on them. With
    several hosts all of them call this, and stop together; the history is that of the
    first one, empty on others.

    Args:
        folder: run directory.
        key: keys ``[repeats]``.
        search: a repeated search.
        classifier: the network.
        encoding: paints the champions for the lineage.
        generations: how many in all.
        evaluations: images shown to the network up to a generation, over all
            repeats.
        chunk: most generations between checkpoints; about a second's worth if
            None, longer where saving is slow. It does not change the result.
        on_chunk: called with the last generation done and the chunk's records.
        medium: what the champions are.

    Raises:
        ValueError: if the newest checkpoint belongs to another network, or what
            was saved is damaged beyond use.
        Interrupted: if stopped; what is done is saved.
    """
    inputs.same_networks(folder, {"network": classifier})
    network = identity.of_weights(classifier.params)
    resumed = _resume(folder, key, search, classifier, network)
    with (
        progress.bar("evolving", generations, resumed[0] if resumed else 0) as show,
        interrupts.deferred() as stopping,
    ):

        def keep(rows: history.Rows) -> None:
            if hosts.first():
                archive = devices.here(state.archive)
                history.record(
                    folder,
                    generation,
                    rows,
                    archive,
                    encoding,
                    evaluations,
                    clock.seconds,
                    classifier.num_classes,
                    medium,
                )
                if on_chunk is not None:
                    on_chunk(generation, rows)
            note = {"network": network, "clock": clock}
            checkpoints.save_step(folder / "checkpoints", generation, state, note)

        if resumed is None:
            show(0, "compiling ...")
            began = time.monotonic()
            state, info = evolution.start(key, search, classifier)
            _refuse_silence(devices.here(state.archive), encoding, classifier)
            rows = history.to_rows(jax.tree.map(lambda leaf: leaf[None], info))
            generation, clock = 0, Clock(time.monotonic() - began)
            keep(rows)
        else:
            generation, state, clock = resumed
        steady, length = False, 1  # the first chunk is short: it compiles, and tells the pace
        if generation < generations:
            show(generation, "compiling ...")
        while True:
            # the clock and the signals of one process must not lead it astray from the others
            votes = hosts.gather([stopping() or 0, length])
            signal, length = int(votes[:, 0].max()), int(votes[0, 1])
            if signal or generation >= generations:
                break
            began = time.monotonic()
            count = _to_next_stop(generation, length, generations)
            state, infos = evolution.advance(
                key, search, classifier, state, count, capacity=chunk or LONGEST_CHUNK
            )
            rows = history.to_rows(infos)
            computed = time.monotonic() - began
            generation, clock = generation + count, clock.after(computed, count, steady)
            saving = time.monotonic()
            keep(rows)
            saved = time.monotonic() - saving
            pace = (evaluations(count) - evaluations(0)) / max(computed, 1e-9)
            best = history.by_class(rows["confidence"][-1:], classifier.num_classes)
            show(generation, _status(best, pace if steady else None))
            wanted = max(_SECONDS_A_CHUNK, saved / _CHECKPOINT_SHARE)
            pleasant = round(wanted / max(computed / count, 1e-9))
            length = chunk or max(1, min(pleasant, 2 * count, LONGEST_CHUNK))
            steady = True
        if signal:
            raise interrupts.Interrupted(
                f"stopped after generation {generation} of {generations}", 128 + signal
            )
    found = devices.here(state)
    if not np.any(np.asarray(found.archive.born) >= 0):
        raise ValueError(
            f"no image of {generation} generations was taken for any class: the network rejects all"
            " of them, or answers NaN; search for longer, or give another network"
        )
    records = history.read(folder) if hosts.first() else ({}, {})
    return Finished(found, *records, generation, clock)


def save(
    folder: Path,
    finished: Finished,
    images: np.ndarray,
    medium: Medium = Pictures(),  # noqa: B008  (frozen)
) -> None:
    """Write ``elites.npz``, the champions and their origin, and ``genomes.npz``.

    The champions are ``images``, of other media ``inputs``; texts are in ``elites.json``
    too, ``[repeats][niches]``, as UTF-8.
    """
    archive = finished.state.archive
    names = {"confidences": "confidence", "birth_generations": "born", "parent_niches": "parent"}
    names["fitness"] = "fitness"
    arrays = {name: np.asarray(getattr(archive, field)) for name, field in names.items()}
    files.write_npz(
        folder / "elites.npz",
        {"images" if isinstance(medium, Pictures) else "inputs": images, **arrays},
    )
    if isinstance(medium, Texts):
        spelled = [[medium.spell(ids) for ids in repeat] for repeat in images]
        files.write_json(folder / "elites.json", {"texts": spelled})
    leaves = jax.tree_util.tree_leaves_with_path(archive.genomes)
    name = lambda path: jax.tree_util.keystr(path, simple=True, separator=".") or "genes"
    files.write_npz(folder / "genomes.npz", {name(path): np.asarray(one) for path, one in leaves})


def _refuse_silence(archive: Any, encoding: Encoding, classifier: Classifier) -> None:
    """Refuse a network that answers NaN to the random population: nothing could be bred.

    Raises:
        ValueError: if no niche was filled, and the network has no finite answer to such
            images either.
    """
    if np.any(np.asarray(archive.born) >= 0):
        return
    one = jax.tree.map(lambda leaf: jnp.asarray(leaf)[0, :1], archive.genomes)
    logits = jax.jit(lambda genomes: classifier(jax.vmap(encoding.express)(genomes)))(one)
    if not np.isfinite(logits).all():
        raise ValueError(
            "the network answers NaN or infinity to all images of the first population; look for "
            "a logarithm, a root or a division that numbers in [0, 1] can break"
        )


def _resume(
    folder: Path, key: RandomKey, search: Search, classifier: Classifier, network: str
) -> tuple[int, Any, Clock] | None:
    """Return the generation, state and clock to go on from, None to start; forget what follows."""
    saved = folder / "checkpoints"
    begin = lambda key, classifier: evolution.start(key, search, classifier)
    template, _ = jax.eval_shape(begin, key, classifier)
    if len(key.sharding.device_set) > 1:  # or what is read would belong to one of them
        place = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=key.sharding)
        template = jax.tree.map(place, template)
    newest = checkpoints.load_newest(
        saved, template, hosts.decide(lambda: _last_usable(folder, saved))
    )
    begun_with = hosts.decide(lambda: network) if newest is None else newest[2]["network"]
    if begun_with != network:
        raise ValueError(
            f"--resume: the network is not the one that {folder} was begun with; "
            "give the same --weights, --model or --classifier"
        )
    if hosts.first():
        history.forget_after(folder, -1 if newest is None else newest[0])
    return newest and (newest[0], newest[1], Clock(*newest[2]["clock"]))


def _last_usable(folder: Path, saved: Path) -> int:
    """Return the generation up to which the history is whole."""
    whole = history.last_whole(folder)
    if checkpoints.steps(saved) and min(checkpoints.steps(saved)) > whole:
        raise ValueError(
            f"{folder / 'history'} is damaged after generation {whole}, before the oldest "
            f"checkpoint; restore the file, or delete {saved} to compute the run again from its "
            "start, which gives the same result"
        )
    if checkpoints.steps(saved) and max(checkpoints.steps(saved)) > whole:
        warnings.warn(
            f"the records after generation {whole} in {folder / 'history'} are lost; "
            "they are computed again",
            category=notices.Incident,
            stacklevel=2,
        )
    return whole


def _to_next_stop(generation: int, length: int, generations: int) -> int:
    """Take ``length`` steps, or fewer to stop at the next milestone or the end."""
    for count in range(1, min(length, generations - generation)):
        if history.is_milestone(generation + count):
            return count
    return min(length, generations - generation)


def _status(confidence: np.ndarray, pace: float | None) -> str:
    """Describe a generation; ``pace`` is in images a second, None while compiling."""
    text = f"median {np.median(confidence):.5f}  worst {np.min(confidence):.5f}"
    return text if pace is None else f"{text}  {pace:,.0f} images/s"
