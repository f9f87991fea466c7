"""One pair, measured: first calls apart, later ones in turn."""

import gc
import importlib.util
import os
import traceback
from typing import Any

import jax

from benchmarks.peers.pairs import Pair, Side, Victim
from benchmarks.timing import Cost, clock, processor, say, version

_AT_LEAST_S = 0.05  # of a measurement; shorter work is repeated in it

Row = dict[str, Any]


def measured(pair: Pair, victim: Victim, repeats: int) -> Row:
    """Measure a pair, or say why it could not be measured.

    Args:
        pair: what to compare.
        victim: the network and its images.
        repeats: how often both sides are called after their first call.

    Returns:
        A row of plain values. What a side took is a list over repeats, and so is what it
        found. A pair whose peer is not installed has ``skipped``, one that raises ``error``.
    """
    row: Row = {
        "question": pair.question,
        "name": pair.name,
        "network": "" if pair.bare else victim.name,
        "package": pair.package,
        "version": version(pair.package),
        "work": pair.work,
        "processor": processor(),
        "load_1_minute": round(os.getloadavg()[0], 2),
    }
    if importlib.util.find_spec(pair.module) is None:
        return row | {"skipped": f"{pair.package} is not installed"}
    try:
        return row | _both(*pair.sides(victim), repeats)
    except Exception as error:  # peers raise what they like; the other pairs are still wanted
        say(traceback.format_exc())
        return row | {"error": f"{type(error).__name__}: {error}".splitlines()[0]}


def _both(ours: Side, theirs: Side, repeats: int) -> Row:
    sides = {"fooljax": ours, "peer": theirs}
    rows: dict[str, Row] = {name: {"warm": [], "found": []} for name in sides}
    jax.clear_caches()  # or what an earlier pair compiled would be missing in the first call
    for name, side in sides.items():
        result, cost = clock(lambda side=side: side.work(0))  # type: ignore[misc]
        side.found(result)
        rows[name]["cold"] = cost._asdict()
    calls = {name: _calls(side) for name, side in sides.items()}
    for repeat in range(1, repeats + 1):
        for name in list(sides)[:: 1 if repeat % 2 else -1]:
            gc.collect()
            side, count = sides[name], calls[name]
            work = lambda side=side, count=count: [side.work(repeat) for _ in range(count)]  # noqa: B023
            results, cost = clock(work)
            rows[name]["warm"].append(cost.times(1.0 / count)._asdict())
            rows[name]["found"].append(side.found(results[-1]))
    return rows


def _calls(side: Side) -> int:
    """Return how often to call short work in one measurement; nothing compiles after this."""
    result, cost = clock(lambda: side.work(0))
    side.found(result)
    return max(1, round(_AT_LEAST_S / max(Cost(*cost).wall_s, 1e-6)))
