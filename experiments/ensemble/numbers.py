"""Numbers of a finished ``experiments.ensemble`` run: what fooling costs, and how it grows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import ATTACKS, Config, counted


def judge(
    config: Config, labels: np.ndarray, num_classes: int, results: study.Results
) -> Iterator[study.Record]:
    """Yield a record for each attack on each ensemble; ``labels`` are of all test images.

    The joint gradient of a single network is its own, so what was found counts twice.
    """
    for cell, arrays in results.found:
        numbers = study.judge_whole(config.joint, arrays, labels, num_classes)
        record = {"alone": None, **cell, **numbers}
        yield record
        if (cell["attack"], cell["members"], record["alone"]) == ("ascent", 1, None):
            yield {**record, "attack": "joint"}


class Group(NamedTuple):
    """What was found about ensembles of one kind.

    Attributes:
        architectures: of the members, in the order in which they join.
        records: of the ensembles.
        single: records of single networks of the other architectures.
        results: what all attacks found.
        growth: of the cost, by attack; nothing where there is a single size.
        hardest: the cost of all members as a multiple of that of whichever architecture is
            hardest to fool alone, by attack; nothing where there is one only.
        best: share of classes that one gradient attack or another makes certain, by size.
    """

    architectures: tuple[str, ...]
    records: Sequence[study.Record]
    single: Sequence[study.Record]
    results: study.Results
    growth: Mapping[str, fj.analysis.CostGrowth]
    hardest: Mapping[str, fj.analysis.CostRatio]
    best: np.ndarray

    def grid(self, attack: str, measure: str) -> np.ndarray:
        """Return a measure of the ensembles, ``[sets, sizes]``."""
        rows = study.where(self.records, attack=attack)
        return study.by_repeat(rows, measure, "set", "members")

    def cells(self, attack: str, count: int) -> list[study.Arrays]:
        """Return what an attack found on the ensembles of a size, set by set."""
        name = "ascent" if (attack, count) == ("joint", 1) else attack
        found = self.results.where(attack=name, members=count).found
        return [arrays for cell, arrays in found if "alone" not in cell]

    def certain(self, attack: str) -> np.ndarray:
        """Return the share that ended as the attack wanted, mean of the sets, ``[sizes]``."""
        return self.grid(attack, "fooled").mean(axis=0)

    def costs_alone(self, attack: str) -> dict[str, np.ndarray]:
        """Return what each architecture costs alone, ``[sets]``, by its name."""
        others: dict[str, list[float]] = {}
        for one in study.where(self.single, attack=attack):
            others.setdefault(one["alone"], []).append(one["cost"])
        first = {self.architectures[0]: self.grid(attack, "cost")[:, 0]}
        return first | {name: np.array(costs) for name, costs in others.items()}

    def cost_together(self, attack: str) -> np.ndarray:
        """Return what all members cost, ``[sets]``; of gradients, that of all of them."""
        return self.grid("joint" if attack == "ascent" else attack, "cost")[:, -1]


class Found(NamedTuple):
    """All that the page is about."""

    config: Config
    class_names: tuple[str, ...]
    results: study.Results
    groups: Mapping[str, Group]


def gather(
    config: Config,
    class_names: tuple[str, ...],
    results: study.Results,
    records: Sequence[study.Record],
) -> Found:
    """Derive from what the attacks did all that the page is about."""
    sizes, most, groups = config.ensembles.members, config.joint.most, dict[str, Group]()
    for name, architectures in config.ensembles.groups.items():
        mine, own = study.where(records, group=name), results.where(group=name)
        single = [one for one in mine if one["alone"] is not None]
        group = Group(
            architectures, study.where(mine, alone=None), single, own, {}, {}, np.empty(0)
        )
        grown, hardest = {}, {}
        for attack in counted(config):
            if len(sizes) > 1:
                costs = group.grid(attack, "cost")
                grown[attack] = fj.analysis.cost_growth(sizes, costs, most(attack))
            if single and sizes[0] == 1 and attack != "joint":
                top = np.max(list(group.costs_alone(attack).values()), axis=0)
                whole = group.cost_together(attack)
                hardest[attack] = fj.analysis.cost_ratio(whole, top, most(attack))
        best = [any_gradient(config, group, count) for count in sizes]
        groups[name] = group._replace(growth=grown, hardest=hardest, best=np.array(best))
    return Found(config, class_names, results, groups)


def any_gradient(config: Config, group: Group, count: int) -> float:
    """Return the share of classes that one gradient attack or another makes certain."""
    sure = lambda arrays: study.confidence_in_targets(arrays) >= config.joint.tau
    ways = [map(sure, group.cells(attack, count)) for attack in ("ascent", "joint", "in turn")]
    return float(np.mean([np.mean(np.any(each, axis=0)) for each in zip(*ways, strict=True)]))


def conclude(config: Config, found: Group) -> str:
    """Say in plain words, from the numbers alone, whether more networks are harder to fool."""
    if len(config.ensembles.members) < 2:
        return "One number of members only: nothing is known of more."
    doubt = ""
    if config.ensembles.sets < 2:
        doubt = " One set of networks gives no intervals, so nothing counts as beyond chance."
    return f"{prices(found)} {protection(config, found)}{dearest(config, found)}{doubt}"


def prices(found: Group) -> str:
    """Say how the costs of all attacks grow."""
    verdicts = [one.verdict for one in found.growth.values()]
    said = []
    for attack, one in found.growth.items():
        if one.verdict != "unmeasured":
            least = "at least " if one.censored else ""
            chance = " (within chance)" if one.verdict == "unclear" else ""
            said.append(f"{ATTACKS[attack]} {least}{one.per_doubling.mean:.2f}{chance}")
    return (
        f"More networks are dearer to fool by {verdicts.count('dearer')} of {len(verdicts)} "
        f"attacks and cheaper by {verdicts.count('cheaper')}. Times the cost at every doubling of "
        f"their number: {', '.join(said) or 'not measured'}.{in_vain(found)}"
    )


def in_vain(found: Group) -> str:
    """Name the attacks that got there too seldom for anything to be known of their cost."""
    names = [ATTACKS[name] for name, one in found.growth.items() if one.verdict == "unmeasured"]
    return f" Too often without success to be measured: {', '.join(names)}." if names else ""


def protection(config: Config, found: Group) -> str:
    """Say whether the attacks of somebody who knows all members still succeed."""
    first, *_, last = config.ensembles.members
    share = lambda x: f"{100 * x:.0f} %"
    before, best = (found.best[place] for place in (0, -1))
    kept = "so no fooling image is kept out" if best >= before else "so some are kept out"
    pgd = found.grid("perturb", "fooled")
    change, (start, end) = study.unbounded(pgd[:, -1] - pgd[:, 0]), pgd.mean(axis=0)[[0, -1]]
    word = study.beyond_chance(change, 0.0, "a rise", "a fall")
    ends = [share(found.certain(attack)[-1]) for attack in ("ascent", "joint", "in turn")]
    return (
        f"With {last} members one gradient attack or another made {share(best)} of the classes "
        f"certain ({share(before)} with {first}), {kept}: {ends[0]} along the gradient of the "
        f"answer, {ends[1]} along the joint one, {ends[2]} one member after the other. PGD inside "
        f"a fixed ball fooled {share(end)} of real images instead of {share(start)} ({word})."
    )


def dearest(config: Config, found: Group) -> str:
    """Compare all together with the one architecture that is hardest to fool alone."""
    said = []
    for attack, (times, censored) in found.hardest.items():
        kind = ATTACKS["joint" if attack == "ascent" else attack]
        least = "at least " if censored else ""
        known = f"{kind} {least}{times.mean:.2f}"
        unknown = f"{ATTACKS[attack]} unknown, both being beyond the budget"
        said.append(unknown if math.isnan(times.mean) else known)
    last = config.ensembles.members[-1]
    words = f"hardest to fool alone, all {last} together: {', '.join(said)}"
    return f" Times the cost of whichever architecture is {words}." if said else ""
