"""Numbers of ``experiments.ensemble``: what fooling costs, how it grows, what is undone."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.special
import scipy.stats

from experiments.ensemble_units import Scene, mean_probability
from fooljax import analysis, metrics
from fooljax.runtime.units import Arrays

#: What an attack costs, by name of the attack, in the order of the page.
UNITS = {
    "direct": "images shown until half of the classes are certain, evolved pixels",
    "cppn": "images shown until half of the classes are certain, evolved patterns",
    "ascent": "steps along the gradient of the answer until half of the classes are certain",
    "joint": "steps along the gradient of all members until half of the classes are certain",
    "perturb": "median L2 distance to the nearest misjudged image",
}

Of = Callable[[int, int], Arrays]  # set, number of members -> what the piece of work found


def interval(values: Sequence[float] | np.ndarray, level: float = 0.95) -> metrics.Interval:
    """Mean of independent sets, with a confidence interval by Student's t; NaN from one set."""
    values = np.asarray(values, np.float64)
    mean = float(values.mean())
    if len(values) == 1 or not np.isfinite(values).all():
        return metrics.Interval(mean, float("nan"), float("nan"))
    wide = scipy.stats.t.ppf(0.5 + level / 2, len(values) - 1) * scipy.stats.sem(values)
    return metrics.Interval(mean, mean - float(wide), mean + float(wide))


def growth(sizes: Sequence[int], costs: np.ndarray, cap: float) -> dict[str, Any] | None:
    """How a cost grows with the number of members.

    Args:
        sizes: numbers of members, ``[c]``.
        costs: ``[sets, c]``; infinite where the attack did not get there.
        cap: what such an attack has cost at least; it counts as that, so that growth
            is underestimated.

    Returns:
        ``per_doubling``, the factor by which the cost grows with every doubling (least
        squares on logarithms, an interval over the sets), ``whole_range``, that from
        the smallest to the largest, the number ``censored`` and the ``verdict``:
        ``harder``, ``easier``, ``unclear``, or ``unmeasured`` where costs are infinite
        and there is no cap. None from a single size.
    """
    if len(sizes) < 2:
        return None
    censored = int(np.sum(~np.isfinite(costs)))
    logs = np.log2(np.where(np.isfinite(costs), costs, cap))
    slopes = np.round(np.polyfit(np.log2(sizes), logs.T, 1)[0], 9)  # no growth is exactly 0
    back = lambda of: {name: float(2.0**value) for name, value in of._asdict().items()}
    slope = interval(slopes)
    verdict = "unmeasured" if np.isnan(slope.mean) else _verdict(slope)
    return {
        "per_doubling": back(slope),
        "whole_range": back(interval(logs[:, -1] - logs[:, 0])),
        "censored": censored,
        "verdict": verdict,
    }


def _verdict(slope: metrics.Interval) -> str:
    return "harder" if slope.low > 0.0 else "easier" if slope.high < 0.0 else "unclear"


def cost(config: Any, attack: str, unit: Arrays) -> float:
    """What an attack on one ensemble cost, see ``UNITS``; infinite if it did not get there."""
    if attack == "perturb":
        return float(np.median(unit["l2"]))
    if attack in ("ascent", "joint"):
        reached = unit["trace"] > 0.0
        steps = np.where(reached.any(axis=1), reached.argmax(axis=1), np.inf)
        return float(np.median(np.maximum(steps, 1)))
    shown = config.children * np.arange(1, len(unit["history"]) + 1)
    return float(np.median(metrics.evaluations_to_reach(unit["history"], shown, config.tau)))


def cap(config: Any, attack: str) -> float:
    """What an attack that did not get there has cost at least."""
    if attack == "perturb":
        return float("nan")
    return (
        config.steps
        if attack in ("ascent", "joint")
        else config.children * (config.generations + 1)
    )


def fooled(config: Any, attack: str, unit: Arrays) -> float:
    """Share of targets (or of test images) that ended as the attack wanted."""
    if attack == "perturb":
        return float(np.mean(unit["success"]))
    return float(np.mean(confidences(unit) >= config.tau))


def confidences(unit: Arrays) -> np.ndarray:
    """The ensemble's confidence in the class that each fooling image is to show, ``[k]``."""
    own = scipy.special.softmax(unit["own"].astype(np.float64), axis=1)
    return np.diagonal(own).copy()


def named(unit: Arrays) -> float:
    """Share of fooling images for which the ensemble answers the class to be shown."""
    return float(np.mean(unit["own"].argmax(axis=1) == np.arange(len(unit["own"]))))


def attack_numbers(config: Any, attack: str, of: Of) -> dict[str, Any]:
    """Cost, share fooled and confidence against the number of members."""
    grid = [[of(index, count) for count in config.members] for index in range(config.sets)]
    each = lambda measure: np.array([[measure(unit) for unit in row] for row in grid])
    costs = each(lambda unit: cost(config, attack, unit))
    shares = each(lambda unit: fooled(config, attack, unit))
    numbers = {
        "members": list(config.members),
        "cost": UNITS[attack],
        "cost_per_set": costs,
        "cost_median": np.median(costs, axis=0),
        "growth": growth(config.members, costs, cap(config, attack)),
        "fooled_per_set": shares,
        "fooled": [analysis.over_repeats(row)._asdict() for row in shares.T],
        "fooled_change": None,
        "seconds": each(lambda unit: float(unit["seconds"])).min(axis=0),  # the rest compile
    }
    if len(config.members) > 1:
        numbers["fooled_change"] = interval(shares[:, -1] - shares[:, 0])._asdict()
    if attack != "perturb":
        numbers["median_confidence"] = each(lambda unit: np.median(confidences(unit))).mean(axis=0)
    return numbers


def turn_numbers(config: Any, of: Of) -> dict[str, Any]:
    """What attacking one member after the other wins, and what it undoes.

    A member counts as won where its confidence in the class to be shown exceeds 1/2.
    """
    numbers: dict[str, Any] = {"members": list(config.members)}
    units = [[of(index, count) for count in config.members] for index in range(config.sets)]
    shares = np.array([[fooled(config, "turn", unit) for unit in row] for row in units])
    pgd = np.array([[np.mean(unit["pgd_success"]) for unit in row] for row in units])
    numbers["fooled"] = [analysis.over_repeats(row)._asdict() for row in shares.T]
    numbers["pgd_success"] = [analysis.over_repeats(row)._asdict() for row in pgd.T]
    numbers["fooled_per_set"], numbers["pgd_success_per_set"] = shares, pgd
    numbers["others"] = {}
    for place, count in enumerate(config.members):
        if count > 1:
            found = [others(row[place]["before"], row[place]["after"]) for row in units]
            change, undone = zip(*found, strict=True)
            numbers["others"][str(count)] = {
                "change_in_log_odds": interval(change)._asdict(),
                "undone": analysis.over_repeats(undone)._asdict(),
            }
    return numbers


def others(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """What a turn does to the members whose turn it is not.

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


def costs_of(config: Any, attack: str, units: Sequence[Arrays]) -> np.ndarray:
    """What the same attack costs on an ensemble of each set."""
    return np.array([cost(config, attack, unit) for unit in units])


def times_hardest(together: np.ndarray, single: Sequence[np.ndarray], cap: float) -> dict[str, Any]:
    """How many times the hardest of single networks a whole costs: geometric, over the sets.

    ``censored`` counts wholes that cost more than ``cap``. NaN where a single network
    does so too: then nothing is known.
    """
    hardest, whole = np.max(single, axis=0), np.where(np.isfinite(together), together, cap)
    known = bool(np.isfinite(hardest).all())
    ratio = interval(np.log2(whole) - np.log2(hardest) if known else np.full(len(whole), np.nan))
    times = {name: float(2.0**value) for name, value in ratio._asdict().items()}
    return {**times, "censored": int(np.sum(~np.isfinite(together)))}


def any_gradient(config: Any, units: Sequence[Arrays]) -> float:
    """Share of classes of which at least one gradient attack makes the whole certain."""
    return float(np.mean(np.any([confidences(unit) >= config.tau for unit in units], axis=0)))


def transfer_numbers(config: Any, scene_of: Callable[[int], Scene], attack: str, of: Of) -> Any:
    """What images made for the first ``k`` members do to the others and to all as one."""
    rows = []
    for count in config.members:
        found = [
            _transfer(config, scene_of(i), attack, count, of(i, count)) for i in range(config.sets)
        ]
        row = {"made_for": count}
        for name in found[0]:
            values = [one[name] for one in found]
            known = not np.isnan(values).any()
            row[name] = analysis.over_repeats(values)._asdict() if known else None
        rows.append(row)
    return rows


def _transfer(config: Any, scene: Scene, attack: str, count: int, unit: Arrays) -> dict[str, float]:
    """Shares of the same and of any label on networks outside, and on all as one."""
    each = unit["logits"]
    logits = np.stack(
        [
            np.asarray(mean_probability(each[:count])),
            np.asarray(mean_probability(each)),
            *metrics.log_probabilities(jnp.asarray(each[count:])),
        ]
    )
    classes = scene.members[0].num_classes
    if attack == "perturb":
        found = analysis.judge_perturbed(logits, 0, scene.labels, classes, config.tau)
    else:
        found = analysis.judge_fooling(
            logits, jnp.arange(classes, dtype=jnp.int32), classes, config.tau
        )
    shares = analysis.shares(found)
    outside = lambda row: float(np.mean(row[2:])) if len(row) > 2 else float("nan")
    return {
        "one_outside_same": outside(shares.same_label),
        "one_outside_any": outside(shares.any_label),
        "all_same": float(shares.same_label[1]),
        "all_any": float(shares.any_label[1]),
    }
