"""Numbers of ``experiments.distract``: shares of questions answered right."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import (
    ADDANY,
    ADDCOMMON,
    ADDONESENT,
    ADDSENT,
    FIXED,
    ORIGINAL,
    RANDOM,
    SEARCHES,
    STRANGER,
    Config,
    Made,
    with_added,
)

if TYPE_CHECKING:
    from fooljax.metrics import Interval

WAYS = (ORIGINAL, RANDOM, STRANGER, ADDONESENT, ADDSENT, ADDCOMMON, ADDANY)
CONTROLS = (RANDOM, STRANGER)
#: F1 in Table 2 of the paper: Match-LSTM and BiDAF, single networks.
PAPER = {
    ORIGINAL: (71.4, 75.5),
    ADDONESENT: (39.0, 45.7),
    ADDSENT: (27.3, 34.3),
    ADDCOMMON: (38.9, 41.7),
    ADDANY: (7.6, 4.8),
}
_POINTS = 30  # of a curve


class Found(NamedTuple):
    """All that the page is about."""

    config: Config
    task: study.Paragraphs
    made: Made
    records: Sequence[study.Record]

    @property
    def readers(self) -> list[str]:
        """The kinds of networks, in the order asked for."""
        return list(dict.fromkeys(one.reader for one in self.made.networks))

    def right(self, reader: str, added: str, name: str = "right") -> Interval:
        """Return a share of questions: of one network over questions, else over networks."""
        rows = study.where(self.records, kind="added", reader=reader, added=added)
        if not rows:
            return study.exactly(math.nan)
        if len(rows) == 1 and name != "taken":
            count = rows[0]["questions"]
            return fj.metrics.clopper_pearson(round(rows[0][name] * count), count)
        return fj.analysis.over_repeats([row[name] for row in rows])

    def questions(self, added: str) -> int:
        """Return how many questions a share is of."""
        return int(study.where(self.records, kind="added", added=added)[0]["questions"])


def judge(config: Config, task: study.Paragraphs, made: Made) -> Iterator[study.Record]:
    """Yield a record for each network and way to add, and each point of a curve."""
    for network in made.networks:
        keys = {"reader": network.reader, "network": network.name}
        for added in FIXED:
            numbers = _fixed(config, task, made, network.name, added)
            yield {"kind": "added", **keys, "added": added, **numbers}
        plain = _plain(task, made, network.name)
        lured = _whatever(config, task, made, network.name, ADDSENT)
        for search in SEARCHES:
            yield from _searched(made, keys, search, plain, lured)


def _plain(task: study.Paragraphs, made: Made, network: str) -> np.ndarray:
    """Tell which questions a network answers right with nothing added."""
    chosen = made.results.one(network=network, added=ORIGINAL)["chosen"]
    return fj.attacks.is_right(chosen, task.passages)


def _whatever(
    config: Config, task: study.Paragraphs, made: Made, network: str, added: str
) -> np.ndarray:
    """Tell which questions are answered right whatever is added, as the paper counts.

    One for which nobody wrote a sentence counts as it was.
    """
    passages = with_added(config, task, added)
    chosen = made.results.one(network=network, added=added)["chosen"]
    right = fj.attacks.right_by_name(chosen, passages)
    plain = zip(task.passages, _plain(task, made, network), strict=True)
    return np.array([right.get(one.name, bool(before)) for one, before in plain])


def _fixed(
    config: Config, task: study.Paragraphs, made: Made, network: str, added: str
) -> dict[str, Any]:
    """Return what a way to add does that knows nothing of the reader."""
    passages = with_added(config, task, added)
    chosen = made.results.one(network=network, added=added)["chosen"]
    taken = [at == one.added for at, one in zip(chosen, passages, strict=True)]
    return {
        "right": float(_whatever(config, task, made, network, added).mean()),
        "before": float(_plain(task, made, network).mean()),
        "taken": 0.0 if added == ORIGINAL else float(np.mean(taken)),
        "questions": len(task.passages),
        "queries": len(passages) / len({one.name for one in passages}),
    }


def _searched(
    made: Made, keys: dict[str, str], search: str, plain: np.ndarray, lured: np.ndarray
) -> Iterator[study.Record]:
    """Yield how a search ended, and how far it had come after some queries."""
    parts = [one for _, one in made.results.where(network=keys["network"], search=search).found]
    join = lambda name: np.concatenate([one[name] for one in parts], axis=-1)
    right, queries, rows = join("right"), join("queries"), join("rows")
    yield {
        "kind": "added",
        **keys,
        "added": search,
        "right": float(right[-1].mean()),
        "before": float(plain[rows].mean()),
        "addsent": float(lured[rows].mean()),
        "taken": math.nan,
        "questions": len(rows),
        "queries": float(queries[-1].mean()),
    }
    for point in np.unique(np.geomspace(1, queries.max(), _POINTS).round()):
        share = float((right | (queries > point)).all(axis=0).mean())
        yield {"kind": "curve", **keys, "added": search, "queries": float(point), "right": share}


def curve(found: Found, reader: str) -> study.Table:
    """Return the share still right after some queries, of one kind of reader."""
    records = study.where(found.records, kind="curve", reader=reader)
    networks, rows = list(dict.fromkeys(one["network"] for one in records)), list[study.Row]()
    for added in SEARCHES:
        each = [study.where(records, added=added, network=one) for one in networks]
        grid = sorted({one["queries"] for some in each for one in some})
        for point in grid:
            shares = [_at(some, point) for some in each]
            keys = {"added": added, "queries": point}
            rows.append(study.Row(keys, {"right": fj.analysis.over_repeats(shares)}))
    return study.Table(tuple(rows))


def _at(records: Sequence[study.Record], point: float) -> float:
    """Return what a curve says at a number of queries: what it said last."""
    until = [one["right"] for one in records if one["queries"] <= point]
    return float(until[-1])


def summarize(found: Found) -> dict[str, Any]:
    """Return the numbers that the claim is about."""
    return {
        "dataset": found.config.reading.dataset,
        "right": {
            reader: {added: found.right(reader, added)._asdict() for added in WAYS}
            for reader in found.readers
        },
        "questions": {added: found.questions(added) for added in WAYS},
        "intervals": "95 %: of several networks Student's t over them, of a single one Clopper "
        "and Pearson's over questions",
    }
