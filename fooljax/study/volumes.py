"""By how much a defense shrinks the share of images that a network is sure of."""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence

from numpy.typing import ArrayLike

from fooljax import analysis, reporting
from fooljax.reporting import Html
from fooljax.study.cells import Results, compute
from fooljax.study.page import Block
from fooljax.study.run import Run, Settings
from fooljax.study.tables import Record, Table, summarize
from fooljax.study.wording import spell, sure, with_intervals
from fooljax.types import Classifier, RandomKey

VOLUME = 0.99  # confidence from which on an image of `compare_volumes` counts
SMALLER = "decades_smaller"


def measure_volumes(
    run: Run[Settings], networks: Mapping[tuple[str, str], Classifier], particles: int
) -> Results:
    """Estimate the share of uniform images that networks are sure of, class by class.

    Args:
        run: keeps what was computed, a file for each network.
        networks: by defense and by the name of the plain network.
        particles: of each class; without any, nothing is estimated.

    Returns:
        A cell for each network, with ``log10_p`` of each class.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> run = study.Run("mine", SimpleNamespace(run=study.RunFlags()), Path())
        >>> found = study.measure_volumes(run, {("plain", "net"): network}, particles=20)
        >>> found.found[0][1]["log10_p"].shape  # of each class
        (3,)
    """

    def split(key: RandomKey, volume: str, defense: str, network: str) -> Mapping[str, ArrayLike]:
        one = networks[defense, network]
        measure = analysis.measures.uniform(one.input_shape)
        found = analysis.volume(key, one, measure, VOLUME, runs=1, particles=particles, images=0)
        return {"log10_p": found.log10_p[0, 0], "evaluations": found.evaluations[0, 0]}

    wanted = networks if particles else ()
    cells = [{"volume": "uniform", "defense": defense, "network": name} for defense, name in wanted]
    return compute(run, cells, split, "measuring volumes") if cells else Results(())


def compare_volumes(measured: Results) -> list[Record]:
    """Return records of ``defense``, ``network``, ``class`` and ``log10_p``.

    The last is None where no image was found.

    Args:
        measured: by `measure_volumes`.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> cell = {"volume": "uniform", "defense": "plain", "network": "net"}
        >>> measured = study.Results(((cell, {"log10_p": np.array([-3.0, -np.inf])}),))
        >>> [(one["class"], one["log10_p"]) for one in study.compare_volumes(measured)]
        [(0, -3.0), (1, None)]
    """
    return [
        {"defense": cell["defense"], "network": cell["network"], "class": label, "log10_p": share}
        for cell, arrays in measured.found
        for label, log10_p in enumerate(arrays["log10_p"].tolist())
        for share in [log10_p if math.isfinite(log10_p) else None]
    ]


def shrinkage(
    records: Sequence[Record], by: Sequence[str], plain: str, repeat: str = "repeat"
) -> Table:
    """Say by how many powers of ten a share is smaller than the plain network's.

    Shares are compared class by class and repeat by repeat, and averaged over the classes;
    those of which either network has none found do not count.

    Args:
        records: with ``defense``, ``class``, ``log10_p`` and the other keys.
        by: keys that make a row of their own; ``defense`` among them.
        plain: the defense that is none.
        repeat: the key that tells independent repeats apart.

    Returns:
        A table of `SMALLER`, with 95 % intervals over the repeats.

    Example:
        >>> from fooljax import study
        >>> told = [("plain", 0, -3.0), ("plain", 1, -4.0), ("blur", 0, -5.0), ("blur", 1, -7.0)]
        >>> names = ("defense", "class", "log10_p")
        >>> records = [{"repeat": 0, **dict(zip(names, one, strict=True))} for one in told]
        >>> table = study.shrinkage(records, ("defense",), plain="plain")
        >>> table.value("decades_smaller", defense="blur").mean
        2.5
    """
    keys = (*(key for key in by if key != "defense"), "class", repeat)
    place = lambda one: tuple(one[key] for key in keys)
    bare = {place(one): one["log10_p"] for one in records if one["defense"] == plain}
    smaller = [
        {**one, SMALLER: bare[place(one)] - one["log10_p"]}
        for one in records
        if one["defense"] != plain and None not in (one["log10_p"], bare[place(one)])
    ]
    over = functools.partial(analysis.over_repeats, bounds=(-math.inf, math.inf))
    return summarize(smaller, by, [SMALLER], repeat, over)


def left_of_volume(records: Sequence[Record], plain: str) -> Iterator[Block]:
    """Yield what a page says of what defenses leave; nothing without records.

    Args:
        records: of `compare_volumes`.
        plain: the defense that is none.

    Example:
        >>> from fooljax import study
        >>> told = [("plain", -3.0), ("blur", -5.0)]
        >>> about = {"class": 0, "network": 0}
        >>> records = [{**about, "defense": name, "log10_p": share} for name, share in told]
        >>> (table,) = study.left_of_volume(records, plain="plain")
        >>> "2.00" in table.markup, list(study.left_of_volume([], plain="plain"))
        (True, [])
    """
    if records:
        smaller = shrinkage(records, ("defense",), plain, "network")
        yield table_of_shrinkage(smaller, ("Defense",), VOLUME)


def table_of_shrinkage(table: Table, titles: Sequence[str], confidence: float) -> Html:
    """Write what `shrinkage` says.

    Args:
        table: what to write.
        titles: of the columns of its keys.
        confidence: from which on an image counted.

    Example:
        >>> from fooljax import study
        >>> row = study.Row({"defense": "blur"}, {"decades_smaller": study.exactly(2.5)})
        >>> block = study.table_of_shrinkage(study.Table((row,)), ("Defense",), confidence=0.99)
        >>> "2.50" in block.markup
        True
    """
    lines = [
        (*map(str, row.keys.values()), spell(row.values[SMALLER], "{:.2f}".format))
        for row in table.rows
    ]
    caption = (
        f"By how many powers of ten the share of images of {sure(confidence)} or more is smaller "
        "with a defense, mean over the classes. Below 0: larger."
    )
    known = any(math.isfinite(row.values[SMALLER].low) for row in table.rows)
    caption = with_intervals(caption, "In brackets: 95 % intervals over", "the repeats", known)
    return reporting.table((*titles, "Powers of ten smaller"), lines, caption, sortable=True)
