"""Numbers of a finished ``experiments.foolbench`` run: the frozen table, and its ranking."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.metrics import Interval

from .measure import COMPARED, HELD, PLAIN, Config

NAME, VERSION = "Fooling benchmark", "v1"
ADVERSARIES = ("naive", "adaptive")
BY = ("defense", "generator", "adversary")
_MASKED = 0.3  # by so much more of evolved images pass where gradients mislead
#: Of the images of a generator; the first four are shares.
MEASURES = {
    "accepted_95": "share accepted where 95 % of clean images are",
    "accepted_99": "share accepted where 99 % of clean images are",
    "sure_99": "share given a real class with a confidence of at least 0.99",
    "mean_confidence": "mean confidence in the likeliest real class",
    "auroc": "chance that a clean image scores higher",
    "aupr_id_pos": "average precision of finding the clean images",
    "aupr_ood_pos": "average precision of finding the fooling images",
    "fpr95_id_pos": "share accepted with the threshold of this clean set",
    "fpr95_ood_pos": "share of clean images flagged where 95 % of fooling ones are",
    "reached_99": "share of the images that ever reached 0.99 while they were made",
    "evaluations_to_99": "median of the passes until then; infinite if most never did",
}
#: Of a network with its defense.
QUALITIES = {
    "clean_accuracy": "share of clean images answered rightly; rejected ones count as wrong",
    "clean_rejected": "share of clean images rejected",
    "ece": "expected calibration error on answered clean images",
    "clean_mean_confidence": "mean confidence on clean images",
}


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        plain: the plain network of the first seed.
        defenses: by name.
        foolers: ways to make images, by name.
        results: what all cells found.
        records: one for each seed, defense, kind of images and adversary.
        table: means over the seeds of the same.
        qualities: means over the seeds, by defense.
    """

    config: Config
    plain: study.Prepared
    defenses: Mapping[str, study.Defense]
    foolers: Mapping[str, study.Fooler]
    results: study.Results
    records: Sequence[study.Record]
    table: study.Table
    qualities: study.Table

    def accepted(self, defense: str, generator: str, adversary: str) -> Interval:
        """Return the share accepted where 95 % of clean images are."""
        keys = dict(zip(BY, (defense, generator, adversary), strict=True))
        return self.table.value("accepted_95", **keys)

    @property
    def looking(self) -> list[str]:
        """Names of the ways that look at the network; the others are controls."""
        return [name for name, one in self.foolers.items() if one.looks]


def gather(
    config: Config,
    plain: study.Prepared,
    defenses: Mapping[str, study.Defense],
    foolers: Mapping[str, study.Fooler],
    results: study.Results,
) -> Found:
    """Measure every network with every defense on every kind of images."""
    records = list(judge(plain.classifier.num_classes, defenses, foolers, results))
    images = [one for one in records if one["generator"] is not None]
    shares = [name for name in MEASURES if name != "evaluations_to_99"]
    means = study.summarize(images, BY, shares, "trial")
    passes = study.summarize(images, BY, ["evaluations_to_99"], "trial", study.span)
    table = study.Table(
        tuple(
            study.Row(one.keys, {**one.values, **more.values})
            for one, more in zip(means.rows, passes.rows, strict=True)
        )
    )
    clean = [one for one in records if one["generator"] is None]
    qualities = study.summarize(clean, ("defense",), QUALITIES, "trial")
    return Found(config, plain, defenses, foolers, results, records, table, qualities)


def judge(
    num_classes: int,
    defenses: Mapping[str, study.Defense],
    foolers: Mapping[str, study.Fooler],
    results: study.Results,
) -> Iterator[study.Record]:
    """Yield a record for each network on clean images, and on each kind of others."""
    for cell, shown in results.found:
        if "shown_to" not in cell:
            continue
        one = Judge(shown["clean"], shown["labels"], num_classes)
        about = {"defense": cell["shown_to"], "trial": cell["trial"]}
        yield {**about, "generator": None, "adversary": None, **one.qualities}
        for generator, fooler in foolers.items():
            for adversary in ADVERSARIES:
                own = adversary == "adaptive" and fooler.looks
                made_for = cell["shown_to"] if own else PLAIN
                made = results.one(trial=cell["trial"], made=generator, made_for=made_for)
                logits = made["logits"] if own else shown[generator]
                numbers = one.measure(logits, made["cost"])
                yield {**about, "generator": generator, "adversary": adversary, **numbers}


class Judge:
    """What one network says of clean images, and by it of others."""

    def __init__(self, clean: np.ndarray, labels: np.ndarray, num_classes: int) -> None:
        self._k = num_classes
        held = certainty(clean[HELD], num_classes)
        self._thresholds = {
            share: fj.metrics.acceptance_threshold(held, share) for share in (0.95, 0.99)
        }
        clean, labels = clean[COMPARED], labels[COMPARED]
        self._known, given = certainty(clean, num_classes), answered(clean, num_classes)
        sure = confidence(self._known)
        right = given & (clean.argmax(axis=1) == labels)
        self.qualities = {
            "clean_accuracy": float(right.mean()),
            "clean_rejected": float(np.mean(~given)),
            "ece": fj.metrics.expected_calibration_error(sure[given], right[given])
            if given.any()
            else math.nan,
            "clean_mean_confidence": float(sure.mean()),
        }

    def measure(self, logits: np.ndarray, cost: np.ndarray) -> dict[str, float]:
        """Measure what it makes of images that show nothing, and what they cost."""
        score, given = certainty(logits, self._k), answered(logits, self._k)
        sure = confidence(score)
        reached = np.isfinite(cost)
        looked = not np.isnan(cost).all()
        return {
            "accepted_95": float(np.mean(given & (score >= self._thresholds[0.95]))),
            "accepted_99": float(np.mean(given & (score >= self._thresholds[0.99]))),
            "sure_99": float(np.mean(given & (sure >= study.SURE))),
            "mean_confidence": float(sure.mean()),
            "auroc": fj.metrics.auroc(self._known, score),
            "aupr_id_pos": fj.metrics.aupr_id_pos(self._known, score),
            "aupr_ood_pos": fj.metrics.aupr_ood_pos(self._known, score),
            "fpr95_id_pos": fj.metrics.fpr95_id_pos(self._known, score),
            "fpr95_ood_pos": fj.metrics.fpr95_ood_pos(self._known, score),
            "reached_99": float(reached.mean()) if looked else math.nan,
            "evaluations_to_99": float(np.median(cost)) if looked else math.nan,
        }


def confidence(log_odds: np.ndarray) -> np.ndarray:
    """Return probabilities of log-odds."""
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds.astype(np.float64), -500.0, 500.0)))


def certainty(logits: np.ndarray, num_classes: int) -> np.ndarray:
    """Return the log-odds of the likeliest real class among all answers; NaN as -infinity.

    This is the score of the benchmark: how much the network takes an image for
    something it knows. A column that rejects lowers it.
    """
    import jax.numpy as jnp

    odds = np.asarray(fj.metrics.log_odds(jnp.asarray(logits)))[:, :num_classes].max(axis=1)
    return np.where(np.isnan(odds), -np.inf, odds)


def answered(logits: np.ndarray, num_classes: int) -> np.ndarray:
    """Mark the images that are given a real class rather than rejected."""
    broken = np.isnan(logits).any(axis=1)
    return ~broken & (logits.argmax(axis=1) < num_classes)


class Ranked(NamedTuple):
    """A defense, and the kind of images that it keeps out worst, the adversary knowing it."""

    defense: str
    worst_generator: str
    worst_accepted_95: float
    mean_accepted_95: float
    clean_accuracy: float


def rank(found: Found) -> list[Ranked]:
    """Order the defenses by the worst kind of images for them, the adversary knowing them."""
    ranked = []
    for defense in found.defenses:
        shares = found.table.column(
            "generator", "accepted_95", defense=defense, adversary="adaptive"
        )
        means = {name: one.mean for name, one in shares.items()}
        worst = max(means, key=means.__getitem__)
        right = found.qualities.value("clean_accuracy", defense=defense).mean
        mean = float(np.mean(list(means.values())))
        ranked.append(Ranked(defense, worst, means[worst], mean, right))
    return sorted(ranked, key=lambda one: (one.worst_accepted_95, one.mean_accepted_95))


class Masked(NamedTuple):
    """A network that evolution gets far more past than gradients do, and how much."""

    defense: str
    generator: str
    evolved_accepted_95: float
    by_gradient_accepted_95: float


def masked(found: Found) -> Iterator[Masked]:
    """Find networks that evolution, without any gradient, gets far more past than gradients do.

    The search by gradient is then what fails, and what it does not get past the network
    is no evidence that nothing would (Carlini et al., 2019, arXiv:1902.06705, section 4).
    """
    for defense in found.defenses:
        passed = {name: found.accepted(defense, name, "adaptive").mean for name in found.looking}
        evolved = {name: share for name, share in passed.items() if name in study.EVOLVED}
        climbed = [share for name, share in passed.items() if name not in study.EVOLVED]
        if evolved and climbed:
            best = max(evolved, key=evolved.__getitem__)
            if evolved[best] > max(climbed) + _MASKED:
                yield Masked(defense, best, evolved[best], max(climbed))


def to_csv(found: Found) -> str:
    """Write the whole table, a line for each defense, generator and adversary."""
    number = lambda value: "" if math.isnan(value) else f"{value:.6g}"
    lines = [
        {
            **row.keys,
            **{
                f"{name}_{part}": number(value)
                for name in MEASURES
                for part, value in row.values[name]._asdict().items()
            },
        }
        for row in found.table.rows
    ]
    return study.to_csv(lines).decode()


def to_markdown(found: Found) -> str:
    """Write the table that a paper cites: what is accepted, naive and adaptive, in percent."""
    victim = found.config.victim
    lines = [
        f"**{NAME} {VERSION}**: {victim.dataset}, {victim.model}, {found.config.seeds} seeds, "
        f"fooljax {fj.__version__}. Share of fooling images accepted where 95 % of clean images "
        "are, in percent, naive / adaptive adversary.",
        "",
    ]
    header = ["defense", "clean accuracy", *found.foolers]
    rows = [header, ["---"] * len(header)]
    for defense in found.defenses:
        right = found.qualities.value("clean_accuracy", defense=defense).mean
        cells = [defense, f"{100 * right:.1f}"]
        for generator, fooler in found.foolers.items():
            means = [found.accepted(defense, generator, one).mean for one in ADVERSARIES]
            shares = [f"{100 * mean:.0f}" for mean in means]
            cells.append(" / ".join(shares) if fooler.looks else shares[0])
        rows.append(cells)
    lines += [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join(lines) + "\n"
