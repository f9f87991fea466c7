"""Who is ahead in a row, in time and in strength: a difference counts only beyond the noise."""

import math
import statistics
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from benchmarks.peers.clock import Row

#: what a side found, and which way is better; the rest (passes) is told and not judged
BETTER: dict[str, Literal["higher", "lower"]] = {
    "success": "higher",
    "success on unseen images": "higher",
    "median L2": "lower",
    "median Linf": "lower",
    "mean confidence": "higher",
    "classes found": "higher",
    "AUROC": "higher",
    "mean radius": "higher",
    "certified": "higher",
}
FLOOR = 0.005  # share of a figure that is no difference

Outcome = Literal["ahead", "even", "behind"]


class Ratio(NamedTuple):
    """How many times longer the peer took: the median over repeats, and the range.

    Attributes:
        median: above 1 where fooljax is faster.
        least: of all repeats.
        most: of all repeats.
    """

    median: float
    least: float
    most: float

    @property
    def outcome(self) -> Outcome:
        """Say who is ahead: whoever is in every repeat."""
        if self.least > 1.0:
            return "ahead"
        return "behind" if self.most < 1.0 else "even"


class Verdict(NamedTuple):
    """What a row says.

    Attributes:
        wall: by the clock.
        cpu: in processor time.
        stronger: what fooljax found better.
        weaker: what it found worse.
    """

    wall: Ratio
    cpu: Ratio
    stronger: list[str]
    weaker: list[str]

    def __str__(self) -> str:
        """Say it in a few words, the deficits first."""
        time = {
            "ahead": f"faster: {times(self.wall.median)}",
            "even": "as fast",
            "behind": f"slower: {times(1.0 / self.wall.median)}",
        }
        words = [f"weaker: {one}" for one in self.weaker] + [time[self.wall.outcome]]
        words += [f"stronger: {one}" for one in self.stronger]
        if self.cpu.outcome == "behind":
            words.append(f"more processor time: {times(1.0 / self.cpu.median)}")
        return ("**ahead**, " if self.ahead else "") + "; ".join(words)

    @property
    def ahead(self) -> bool:
        """Say whether fooljax is faster at equal or better strength."""
        return self.wall.outcome == "ahead" and not self.weaker

    @property
    def kinds(self) -> set[str]:
        """Name what there is to find a cause of."""
        kinds = {"weaker": self.weaker, "stronger": self.stronger}
        found = {kind for kind, which in kinds.items() if which}
        return found | ({"slower"} if self.wall.outcome == "behind" else set())


def verdict(row: Row) -> Verdict:
    """Judge a row that was measured."""
    mine, peer = row["fooljax"], row["peer"]
    stronger, weaker = [], []
    for name, way in BETTER.items():
        if name in mine["found"][0] and name in peer["found"][0]:
            here, there = values(mine, name), values(peer, name)
            gain = _gain(here, there) * (1.0 if way == "higher" else -1.0)
            words = f"{name} {mean(here)} against {mean(there)}"
            stronger += [words] if gain > 0.0 else []
            weaker += [words] if gain < 0.0 else []
    return Verdict(_ratio(mine, peer, "wall_s"), _ratio(mine, peer, "cpu_s"), stronger, weaker)


def values(side: Row, name: str) -> list[float]:
    """Return a figure of every repeat; none means infinitely far."""
    found = [one[name] for one in side["found"]]
    return [math.inf if one is None else one for one in found]


def mean(numbers: Sequence[float]) -> str:
    """Write a mean with four digits at most; a distance that is infinite is none."""
    return number(statistics.fmean(numbers))


def number(one: float) -> str:
    """Write a figure with four digits at most."""
    return "none" if math.isinf(one) else f"{one:.4g}"


def times(ratio: float) -> str:
    """Write a ratio so that one that is just above 1 does not read as 1."""
    return f"{ratio:.{2 if ratio < 9.995 else 1}f} x"


def _gain(here: Sequence[float], there: Sequence[float]) -> float:
    """Return by how much the mean is higher here, 0 within the noise."""
    first, second = statistics.fmean(here), statistics.fmean(there)
    if first == second:
        return 0.0
    if math.isinf(first) or math.isinf(second):
        return first - second
    noise = max(max(here) - min(here), max(there) - min(there), FLOOR * abs(second))
    return first - second if abs(first - second) > noise else 0.0


def _ratio(mine: Row, peer: Row, time: str) -> Ratio:
    pairs = zip(mine["warm"], peer["warm"], strict=True)
    ratios = [theirs[time] / max(ours[time], 1e-9) for ours, theirs in pairs]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def seconds(side: Row, time: str = "wall_s") -> float:
    """Return the median time of the later calls."""
    return statistics.median(one[time] for one in side["warm"])


def first_call(side: Row) -> float:
    """Return the time of the first call by the clock, in seconds."""
    return side["cold"]["wall_s"]


def finite(document: Any) -> Any:
    """Replace infinite numbers by none, which JSON has."""
    if isinstance(document, dict):
        return {key: finite(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [finite(value) for value in document]
    return None if isinstance(document, float) and not math.isfinite(document) else document
