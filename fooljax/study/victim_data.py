"""The pictures of the network under test, from flags: in memory or on disk; its accuracy."""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fooljax.runtime import hosts, limits
from fooljax.study.victim import Victim

_LONGEST = 200  # characters of a path that a message repeats

if TYPE_CHECKING:
    from fooljax.data import Dataset, Splits, Stream, Streams
    from fooljax.types import Classifier


def find_data(victim: Victim, folder: Path) -> "Splits | Streams | None":
    """Find all pictures; None if there are to be none.

    Args:
        victim: the settings.
        folder: run directory; remembers which data it was begun with.

    Returns:
        Sets of photographs with more pictures in a half than are held in memory stay on
        disk, all others are loaded.

    Raises:
        ValueError, OSError: if that fails, naming the flag; if they are others than the
            run was begun with.
    """
    from fooljax import data
    from fooljax.runtime import inputs

    limits.check(victim)
    if victim.dataset == "none":
        return None
    print(f"loading {victim.dataset} ...", file=sys.stderr)
    found: Splits | Streams
    length = data.SoundLength(victim.sample_rate, victim.seconds)
    with blame("--dataset"):
        if data.stays_on_disk(victim.dataset):
            if length != data.SoundLength():
                raise ValueError(
                    f"--sample-rate and --seconds are of sounds, and {victim.dataset} holds "
                    "pictures; leave them out"
                )
            found = data.stream(victim.dataset, victim.data_dir, victim.image_size)
            if max(map(len, found)) <= data.MOST:
                found = hold(victim, found)
        else:
            found = data.load(victim.dataset, victim.data_dir, victim.image_size, length)
    if found.train.num_classes < 2:
        raise ValueError(f"--dataset {victim.dataset} has one class only; a network needs two")
    size = "x".join(map(str, found.train.input_shape))
    inputs.same_data(folder, f"{victim.dataset}, {size}", found)
    return found


def hold(victim: Victim, found: "Splits | Streams") -> "Splits":
    """Read pictures on disk into memory, of each half as many as are held there.

    Raises:
        ValueError, OSError: if a picture is broken or not there.
    """
    from fooljax import data
    from fooljax.runtime import progress

    if isinstance(found, data.Splits):
        return found
    counts = [min(data.MOST, len(half)) for half in found]
    _afford(victim, sum(counts) * math.prod(found.train.input_shape))
    if max(map(len, found)) > data.MOST:
        print(
            f"{victim.dataset}: {counts[0]:,} of {len(found.train):,} training pictures and "
            f"{counts[1]:,} of {len(found.test):,} test pictures are held in memory for this "
            "experiment, as evenly over the classes as can be",
            file=sys.stderr,
        )
    halves = []
    with blame("--dataset"), progress.bar("reading pictures", sum(counts)) as show:
        for half, before in zip(found, (0, counts[0]), strict=True):
            on_batch = lambda done, before=before: show(before + done, "")
            halves.append(data.subset(half, data.MOST, on_batch=on_batch))
    return data.Splits(*halves)


def _afford(victim: Victim, size: int) -> None:
    """Refuse pictures that do not fit in memory, a byte for each number.

    Raises:
        ValueError: with the arithmetic.
    """
    from fooljax.study import memory

    if size > memory.room():
        height, width = victim.image_size or (0, 0)
        raise ValueError(
            f"--image-size {height} {width}: the pictures are {size / memory.GB:,.1f} GB in "
            f"memory, and there are {memory.room() / memory.GB:,.1f} GB; give a smaller size"
        )


def tested(victim: Victim, part: "Dataset | Stream") -> "Dataset | Stream":
    """Choose the test pictures that the accuracy is measured on."""
    import numpy as np

    from fooljax import data

    if victim.accuracy_images is None:
        return part
    rows = data.even_rows(np.asarray(part.labels), victim.accuracy_images)
    if isinstance(part, data.Stream):
        return part[rows]
    return data.choose_rows(part, rows)


def accuracy(
    victim: Victim, classifier: "Classifier", part: "Dataset | Stream", folder: Path
) -> float:
    """Measure how often a network is right; with a bar, and once only, on pictures on disk.

    Args:
        victim: the settings.
        classifier: the network.
        part: test pictures.
        folder: run directory; keeps what was measured on pictures on disk.

    Raises:
        ValueError, OSError: if a picture is broken or not there.
    """
    from fooljax import data, training
    from fooljax.runtime import identity, progress
    from fooljax.study import units

    part = tested(victim, part)
    if not isinstance(part, data.Stream):
        return training.evaluate(classifier, part)

    def measure() -> dict[str, float]:
        with progress.bar(f"testing {victim.model}", len(part)) as show:
            show(0, "compiling ...")
            on_batch = lambda done: show(done, "")
            return {"accuracy": training.evaluate(classifier, part, on_batch=on_batch)}

    name = f"accuracy-{identity.of_weights(classifier.params)[:16]}"
    return hosts.decide(lambda: float(units.compute(folder, name, measure)["accuracy"]))


@contextmanager
def renamed(flag: str, to: str) -> Iterator[None]:
    """Let the message of an error raised inside name another flag than it does.

    Example:
        >>> from fooljax import study
        >>> try:
        ...     with study.renamed("--model", to="--models"):
        ...         raise ValueError("--model lenet: needs pictures")
        ... except ValueError as error:
        ...     print(error)
        --models lenet: needs pictures
    """
    try:
        yield
    except ValueError as error:
        if to != flag and str(error).startswith(f"{flag} "):
            raise ValueError(str(error).replace(flag, to, 1)) from error
        raise


@contextmanager
def blame(flag: str) -> Iterator[None]:
    """Start the message of an error raised inside with a flag, unless it does already.

    Example:
        >>> from fooljax import study
        >>> try:
        ...     with study.blame("--steps 0"):
        ...         raise ValueError("steps must be at least 1")
        ... except ValueError as error:
        ...     print(error)
        --steps 0: steps must be at least 1
    """
    try:
        yield
    except (ValueError, OSError) as error:
        if str(error).startswith("--"):
            raise
        if isinstance(error, OSError) and error.filename is not None:
            place = str(error.filename)
            place = place if len(place) <= _LONGEST else f"{place[:_LONGEST]}..."
            raise ValueError(
                f"{flag}: {place} cannot be read ({error.strerror}); give another place, or mend it"
            ) from error
        raise ValueError(f"{flag}: {error}") from error
