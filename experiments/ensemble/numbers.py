"""Numbers of a finished ``experiments.ensemble`` run: what fooling costs, and how it grows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.metrics import Interval

from .measure import JOINT, MEAN, SHORT, Config, Scene, groups

MEASURES = (
    *("cost", "fooled", "confidence", "named", "accuracy", "rejected", "pgd", "change", "undone"),
    *("outside_same", "outside_any", "all_same", "all_any"),
)


def judge(
    config: Config,
    scenes: Mapping[tuple[str, int], Scene],
    labels: np.ndarray,
    results: study.Results,
) -> Iterator[study.Record]:
    """Yield a record for each attack on each ensemble; the joint attack is one of them.

    Args:
        config: the settings.
        scenes: the sets of networks.
        labels: of all test images.
        results: of the attacks.
    """
    for cell, arrays in results.found:
        attack = cell["attack"]
        if attack == "alignment":
            continue
        about = {"alone": None, **cell}
        scene = scenes[cell["group"], cell["set"]]
        numbers = dict.fromkeys(MEASURES) | measure(config, scene, labels, attack, arrays)
        if about["alone"] is None and about["rule"] == MEAN and "own" in arrays:
            numbers |= show_others(config, scene, attack, cell["members"], arrays)
        yield {**about, **numbers}
        single = attack == "ascent" and cell["members"] == 1 and about["rule"] == MEAN
        if attack == f"by {JOINT}" or (single and about["alone"] is None):
            yield {**about, "attack": "joint", **numbers}


def measure(
    config: Config, scene: Scene, labels: np.ndarray, attack: str, arrays: study.Arrays
) -> dict[str, float]:
    """Measure what one attack did to one ensemble."""
    sure = confidences(arrays)
    numbers = {"cost": cost(config, attack, arrays), "confidence": float(np.median(sure))}
    numbers["named"] = float(np.mean(arrays["own"].argmax(axis=1)[: len(sure)] == range(len(sure))))
    numbers["fooled"] = float(np.mean(sure >= config.tau))
    if attack == "perturb":
        numbers = {"cost": numbers["cost"], "fooled": float(np.mean(arrays["success"]))}
        numbers["accuracy"] = float(np.mean(arrays["clean"] == labels))
        classes = scene.members[0].num_classes
        numbers["rejected"] = float(np.mean(arrays["clean"] >= classes))
    if "pgd_success" in arrays:
        numbers["pgd"] = float(np.mean(arrays["pgd_success"]))
    if attack == "in turn" and arrays["after"].shape[1] > 1:
        numbers["change"], numbers["undone"] = others(arrays["before"], arrays["after"])
    return numbers


def confidences(arrays: study.Arrays) -> np.ndarray:
    """Return the ensemble's confidence in the class that each image is to show, ``[n]``."""
    import scipy.special

    own = scipy.special.softmax(arrays["own"].astype(np.float64), axis=1)
    return np.diagonal(own).copy()


def cost(config: Config, attack: str, arrays: study.Arrays) -> float:
    """Return what an attack on one ensemble cost; infinite if it did not get there.

    That is images shown, or steps, until half of the classes are certain; of changed
    images the median distance.
    """
    if attack == "perturb":
        return float(np.median(arrays["l2"]))
    if "trace" in arrays:
        reached = arrays["trace"] > 0.0
        steps = np.where(reached.any(axis=1), reached.argmax(axis=1), np.inf)
        return float(np.median(np.maximum(steps, 1)))
    if "history" not in arrays:
        return float("nan")
    shown = config.children * np.arange(1, len(arrays["history"]) + 1)
    return float(np.median(fj.metrics.evaluations_to_reach(arrays["history"], shown, config.tau)))


def others(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Measure what a turn does to the members whose turn it is not.

    Args:
        before: log-odds at the start, ``[n, k]``.
        after: after every turn, ``[r, n, n, k]``.

    Returns:
        The mean change of their log-odds, and the share that is lost of what had been
        won with them (log-odds above 0); 0 if nothing had been.
    """
    rounds, count = after.shape[:2]
    states = np.concatenate([before[None], after.reshape(rounds * count, *after.shape[2:])])
    turns = np.arange(rounds * count) % count
    waits = turns[:, None] != np.arange(count)[None]  # [turn, member]
    was, now = states[:-1][waits], states[1:][waits]
    won = was > 0.0
    return float(np.mean(now - was)), float(np.mean(now[won] <= 0.0)) if won.any() else 0.0


def show_others(
    config: Config, scene: Scene, attack: str, count: int, arrays: study.Arrays
) -> dict[str, float | None]:
    """Measure what images made for the first members do to one outside, and to all as one."""
    import jax.nn
    import jax.numpy as jnp

    sure = fj.metrics.log_probabilities(jnp.asarray(arrays["logits"]))
    mean = lambda some: jax.nn.logsumexp(some, axis=0)[None]
    logits = np.concatenate([mean(sure[:count]), mean(sure), sure[count:]])
    classes = scene.members[0].num_classes
    if attack == "perturb":
        verdicts = fj.analysis.judge_perturbed(logits, 0, scene.labels, classes, config.tau)
    else:
        targets = jnp.arange(classes, dtype=jnp.int32)
        verdicts = fj.analysis.judge_fooling(logits, targets, classes, config.tau)
    same, wrong = fj.analysis.shares(verdicts)[:2]
    outside = lambda row: float(np.mean(row[2:])) if len(row) > 2 else None
    return {
        "outside_same": outside(same),
        "outside_any": outside(wrong),
        "all_same": float(same[1]),
        "all_any": float(wrong[1]),
    }


class Growth(NamedTuple):
    """How a cost grows with the number of members; factors, with intervals over the sets."""

    per_doubling: Interval
    whole_range: Interval
    censored: int  # attacks that did not get there
    verdict: str


class Group(NamedTuple):
    """What was found about ensembles of one kind, by attack."""

    architectures: tuple[str, ...]
    records: Sequence[study.Record]
    results: study.Results
    growth: Mapping[str, Growth | None]
    hardest: Mapping[str, tuple[Interval, int]]
    cosines: Mapping[str, np.ndarray]
    best: np.ndarray  # share of classes that one gradient attack or another makes certain

    def grid(self, attack: str, measure: str) -> np.ndarray:
        """Return a measure of the mean of probabilities, ``[sets, sizes]``."""
        rows = study.where(self.records, attack=attack, rule=MEAN, alone=None)
        sets = sorted({one["set"] for one in rows})
        number = lambda one: math.nan if one[measure] is None else one[measure]
        return np.array([[number(one) for one in study.where(rows, set=i)] for i in sets], float)

    def found(self, attack: str, count: int) -> study.Arrays:
        """Return what an attack made for the first set's members, under the mean."""
        name = attack if attack != "joint" else f"by {JOINT}" if count > 1 else "ascent"
        cells = self.results.where(set=0, members=count, attack=name, rule=MEAN).found
        return next(arrays for cell, arrays in cells if "alone" not in cell)

    def fastest(self, attack: str, count: int) -> float:
        """Return the seconds of the fastest set, which has compiled nothing."""
        name = attack if attack != "joint" else f"by {JOINT}" if count > 1 else "ascent"
        cells = self.results.where(members=count, attack=name, rule=MEAN).found
        return min(float(arrays["seconds"]) for cell, arrays in cells if "alone" not in cell)

    def certain(self, attack: str) -> np.ndarray:
        """Return the share that ended as the attack wanted, mean of the sets, ``[sizes]``."""
        return self.grid(attack, "fooled").mean(axis=0)


class Found(NamedTuple):
    """All that the page is about."""

    config: Config
    class_names: tuple[str, ...]
    results: study.Results
    groups: Mapping[str, Group]

    @property
    def attacks(self) -> tuple[str, ...]:
        """Names of the attacks whose cost is counted."""
        return (*self.config.encodings, "ascent", "joint", "perturb")


def conclude(config: Config, found: Group) -> str:
    """Say in plain words, from the numbers alone, whether more networks are harder to fool."""
    if len(config.members) < 2:
        return "One number of members only: nothing is known of more."
    doubt = ""
    if config.sets < 2:
        doubt = " One set of networks gives no intervals, so nothing counts as beyond chance."
    return f"{prices(found)} {protection(config, found)}{dearest(config, found)}{doubt}"


def prices(found: Group) -> str:
    """Say how the costs of all attacks grow."""
    grown = {attack: one for attack, one in found.growth.items() if one is not None}
    verdicts = [one.verdict for one in grown.values()]
    told = []
    for attack, one in grown.items():
        if one.verdict != "unmeasured":
            least = "at least " if one.censored else ""
            chance = " (within chance)" if one.verdict == "unclear" else ""
            told.append(f"{SHORT[attack]} {least}{one.per_doubling.mean:.2f}{chance}")
    return (
        f"More networks are dearer to fool by {verdicts.count('harder')} of {len(verdicts)} "
        f"attacks and cheaper by {verdicts.count('easier')}. Times the cost at every doubling of "
        f"their number: {', '.join(told) or 'not measured'}."
    )


def protection(config: Config, found: Group) -> str:
    """Say whether the attacks of somebody who knows all members still succeed."""
    first, last, share = config.members[0], config.members[-1], lambda x: f"{100 * x:.0f} %"
    before, best = (found.best[place] for place in (0, -1))
    kept = "so no fooling image is kept out" if best >= before else "so some are kept out"
    pgd = found.grid("perturb", "fooled")
    change, (start, end) = interval(pgd[:, -1] - pgd[:, 0]), pgd.mean(axis=0)[[0, -1]]
    word = "within chance"
    if change.high < 0.0 or change.low > 0.0:
        word = f"a {'fall' if change.high < 0.0 else 'rise'} beyond chance"
    ends = [share(found.certain(attack)[-1]) for attack in ("ascent", "joint", "in turn")]
    return (
        f"With {last} members one gradient attack or another made {share(best)} of the classes "
        f"certain ({share(before)} with {first}), {kept}: {ends[0]} along the gradient of the "
        f"answer, {ends[1]} along the joint one, {ends[2]} one member after the other. PGD inside "
        f"a fixed ball fooled {share(end)} of real images instead of {share(start)} ({word})."
    )


def dearest(config: Config, found: Group) -> str:
    """Compare all together with the one architecture that is hardest to fool alone."""
    told = []
    for attack, (times, censored) in found.hardest.items():
        kind = SHORT["joint" if attack == "ascent" else attack]
        least = "at least " if censored else ""
        known = f"{kind} {least}{times.mean:.2f}"
        unknown = f"{SHORT[attack]} unknown, both being beyond the budget"
        told.append(unknown if np.isnan(times.mean) else known)
    words = f"hardest to fool alone, all {config.members[-1]} together: {', '.join(told)}"
    return f" Times the cost of whichever architecture is {words}." if told else ""


def gather(
    config: Config,
    class_names: tuple[str, ...],
    results: study.Results,
    records: Sequence[study.Record],
) -> Found:
    """Derive from what the attacks did all that the page is about."""
    attacks, found = (*config.encodings, "ascent", "joint", "perturb"), {}
    for name, architectures in groups(config).items():
        mine, own = study.where(records, group=name), results.where(group=name)
        one = Group(architectures, mine, own, {}, {}, cosines(own), any_gradient(config, own))
        costs = {attack: one.grid(attack, "cost") for attack in attacks}
        grown = {a: growth(config.members, costs[a], cap(config, a)) for a in attacks}
        found[name] = one._replace(growth=grown, hardest=hardest(config, one))
    return Found(config, class_names, results, found)


def cap(config: Config, attack: str) -> float:
    """Return what an attack that did not get there has cost at least."""
    if attack == "perturb":
        return float("nan")
    shown = config.children * (config.generations + 1)
    return shown if attack in config.encodings else config.steps


def interval(values: Sequence[float] | np.ndarray) -> Interval:
    """Give the mean of independent sets its 95 % interval by Student's t, if it has one."""
    if not np.isfinite(values).all():
        return Interval(float(np.mean(values)), math.nan, math.nan)
    return fj.analysis.over_repeats(values, bounds=(-math.inf, math.inf))


def growth(sizes: Sequence[int], costs: np.ndarray, most: float) -> Growth | None:
    """Measure how a cost grows with the number of members; None from a single size.

    Args:
        sizes: numbers of members, ``[c]``.
        costs: ``[sets, c]``; infinite where the attack did not get there.
        most: what such an attack has cost at least; it counts as that, so that growth
            is underestimated.

    Returns:
        The factor of every doubling (least squares on logarithms), that from the smallest
        to the largest, how many did not get there, and the verdict: ``harder``,
        ``easier``, ``unclear``, or ``unmeasured`` where nothing is known of the cost.
    """
    if len(sizes) < 2:
        return None
    logs = np.log2(np.where(np.isfinite(costs), costs, most))
    slopes = np.round(np.polyfit(np.log2(sizes), logs.T, 1)[0], 9)  # no growth is exactly 0
    slope = interval(slopes)
    verdict = "harder" if slope.low > 0.0 else "easier" if slope.high < 0.0 else "unclear"
    if np.isnan(slope.mean):
        verdict = "unmeasured"
    missed = int(np.sum(~np.isfinite(costs)))
    return Growth(_times(slope), _times(interval(logs[:, -1] - logs[:, 0])), missed, verdict)


def _times(logs: Interval) -> Interval:
    return Interval(*(float(2.0**value) for value in logs))


def hardest(config: Config, found: Group) -> dict[str, tuple[Interval, int]]:
    """Say how many times the hardest of single networks the whole costs, by attack."""
    single = [one for one in found.records if one["alone"] is not None]
    if not single or config.members[0] > 1:
        return {}
    times = {}
    for attack in (*config.encodings, "ascent", "perturb"):
        alone = costs_alone(found, attack).values()
        whole = found.grid("joint" if attack == "ascent" else attack, "cost")[:, -1]
        times[attack] = times_hardest(whole, list(alone), cap(config, attack))
    return times


def costs_alone(found: Group, attack: str) -> dict[str, np.ndarray]:
    """Return what each architecture costs alone, ``[sets]``, by its name."""
    first, costs = found.architectures[0], found.grid(attack, "cost")[:, 0]
    rows = [one for one in study.where(found.records, attack=attack) if one["alone"]]
    names = dict.fromkeys(one["alone"] for one in rows)
    others = {name: [one["cost"] for one in study.where(rows, alone=name)] for name in names}
    return {first: costs, **{name: np.array(values) for name, values in others.items()}}


def times_hardest(
    together: np.ndarray, single: Sequence[np.ndarray], most: float
) -> tuple[Interval, int]:
    """Return how many times the hardest of single networks a whole costs: geometric mean.

    And how many wholes cost more than could be paid. NaN where a single network does so
    too: then nothing is known.
    """
    top, whole = np.max(single, axis=0), np.where(np.isfinite(together), together, most)
    known = bool(np.isfinite(top).all())
    ratio = np.log2(whole) - np.log2(top) if known else np.full(len(whole), np.nan)
    return _times(interval(ratio)), int(np.sum(~np.isfinite(together)))


def any_gradient(config: Config, results: study.Results) -> np.ndarray:
    """Return the share of classes that one gradient attack or another makes certain, by size."""
    ways, shares = ("ascent", f"by {JOINT}", "in turn"), []
    for count in config.members:
        sure: dict[int, list[np.ndarray]] = {}
        for cell, arrays in results.where(members=count, rule=MEAN).found:
            if cell["attack"] in ways and "alone" not in cell:
                sure.setdefault(cell["set"], []).append(confidences(arrays) >= config.tau)
        shares.append(np.mean([np.mean(np.any(each, axis=0)) for each in sure.values()]))
    return np.array(shares)


def cosines(results: study.Results) -> dict[str, np.ndarray]:
    """Return mean cosines between members, ``[sets, s, s]``, at images and at noise."""
    every = [arrays for cell, arrays in results.found if cell["attack"] == "alignment"]
    return {
        where: np.array([np.nanmean(one[f"cosines_{where}"], axis=2) for one in every])
        for where in ("images", "noise")
    }


def times(of: Interval) -> str:
    """Write a factor with its interval."""
    return study.spell(of, lambda value: f"{value:.3g}")


def spend(value: float) -> str:
    """Write a cost."""
    return f"{value:,.4g}" if math.isfinite(value) else "not within the budget"
