"""The numbers of a finished ``experiments.foolbench`` run: the frozen table, and its files."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

import fooljax
from experiments.foolbench_defenses import DEFENSES
from experiments.foolbench_generators import EVOLVED, GENERATORS, SURE
from experiments.foolbench_units import (
    COMPARED,
    HELD,
    PLAIN,
    answered,
    certainty,
    made_name,
    shown_name,
)
from fooljax import analysis, metrics
from fooljax.runtime import files, settings
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared

NAME, VERSION = "Fooling benchmark", "v1"
ADVERSARIES = ("naive", "adaptive")
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


def summarize(config: Any, plain: Prepared, made: Mapping[str, Arrays]) -> dict[str, Any]:
    """Measure every network with every defense on every kind of images.

    Args:
        config: the settings.
        plain: the plain network of the first seed.
        made: all pieces of work by name.
    """
    seeds, num_classes = range(config.seeds), plain.classifier.num_classes
    qualities, rows = {}, []
    for defense in config.defenses:
        shown = [made[shown_name(defense, seed)] for seed in seeds]
        judges = [_Judge(one["clean"], one["labels"], num_classes) for one in shown]
        qualities[defense] = {
            name: _over(name, [judge.qualities[name] for judge in judges]) for name in QUALITIES
        }
        for generator in config.generators:
            for adversary in ADVERSARIES:
                each = []
                for seed, judge, one in zip(seeds, judges, shown, strict=True):
                    own = adversary == "adaptive" and GENERATORS[generator].looks
                    unit = made[made_name(defense if own else PLAIN, generator, seed)]
                    logits = unit["logits"] if own else one[generator]
                    each.append(judge.measure(logits, unit["cost"]))
                rows.append(
                    {
                        "defense": defense,
                        "generator": generator,
                        "adversary": adversary,
                        **{name: _over(name, [one[name] for one in each]) for name in MEASURES},
                    }
                )
    return {
        "benchmark": NAME,
        "version": VERSION,
        "settings": _settings(config),
        "network": plain.origin,
        "num_classes": num_classes,
        "seeds": config.seeds,
        "intervals": "95 %, Student's t over the seeds, cut off where a share ends",
        "sure": SURE,
        "measures": MEASURES,
        "qualities": QUALITIES,
        "generators": {name: GENERATORS[name].words for name in config.generators},
        "controls": [name for name in config.generators if not GENERATORS[name].looks],
        "defenses": qualities,
        "defense_words": {name: DEFENSES[name].words for name in config.defenses},
        "rows": rows,
        "ranking": _rank(rows, qualities),
        "masked": _masked(rows, qualities),
        "seconds": sum(float(one["seconds"]) for one in made.values()),
        "device": jax.devices()[0].device_kind,
        "versions": {
            "fooljax": fooljax.__version__,
            "jax": jax.__version__,
            "numpy": np.__version__,
        },
    }


def find(summary: Mapping[str, Any], defense: str, generator: str, adversary: str) -> Any:
    """Return one row of the table."""
    wanted = (defense, generator, adversary)
    return next(
        row
        for row in summary["rows"]
        if (row["defense"], row["generator"], row["adversary"]) == wanted
    )


def to_csv(summary: Mapping[str, Any]) -> str:
    """The whole table, a line for each defense, generator and adversary."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n")
    keys = ("defense", "generator", "adversary")
    parts = ("mean", "low", "high")
    write.writerow([*keys, *(f"{name}_{part}" for name in MEASURES for part in parts)])
    for row in summary["rows"]:
        cells = [_number(row[name][part]) for name in MEASURES for part in parts]
        write.writerow([*(row[key] for key in keys), *cells])
    return text.getvalue()


def to_markdown(summary: Mapping[str, Any]) -> str:
    """The table that a paper cites: what is accepted, naive and adaptive, in percent."""
    settings = summary["settings"]
    lines = [
        f"**{summary['benchmark']} {summary['version']}**: {settings['dataset']}, "
        f"{settings['model']}, {summary['seeds']} seeds, fooljax "
        f"{summary['versions']['fooljax']}. Share of fooling images accepted where 95 % of clean "
        "images are, in percent, naive / adaptive adversary.",
        "",
    ]
    header = ["defense", "clean accuracy", *summary["generators"]]
    lines += [_line(header), _line(["---"] * len(header))]
    for defense, qualities in summary["defenses"].items():
        cells = [defense, f"{100 * qualities['clean_accuracy']['mean']:.1f}"]
        for generator in summary["generators"]:
            shares = [
                f"{100 * find(summary, defense, generator, one)['accepted_95']['mean']:.0f}"
                for one in ADVERSARIES
            ]
            cells.append(shares[0] if generator in summary["controls"] else " / ".join(shares))
        lines.append(_line(cells))
    return "\n".join(lines) + "\n"


class _Judge:
    """What one network says of clean images, and by it of others."""

    def __init__(self, clean: np.ndarray, labels: np.ndarray, num_classes: int) -> None:
        self._k = num_classes
        held = certainty(clean[HELD], num_classes)
        self._thresholds = {
            share: metrics.acceptance_threshold(held, share) for share in (0.95, 0.99)
        }
        clean, labels = clean[COMPARED], labels[COMPARED]
        self._known, given = certainty(clean, num_classes), answered(clean, num_classes)
        confidence = _confidence(self._known)
        right = given & (clean.argmax(axis=1) == labels)
        self.qualities = {
            "clean_accuracy": float(right.mean()),
            "clean_rejected": float(np.mean(~given)),
            "ece": metrics.expected_calibration_error(confidence[given], right[given])
            if given.any()
            else math.nan,
            "clean_mean_confidence": float(confidence.mean()),
        }

    def measure(self, logits: np.ndarray, cost: np.ndarray) -> dict[str, float]:
        score, given = certainty(logits, self._k), answered(logits, self._k)
        confidence = _confidence(score)
        reached = np.isfinite(cost)
        looked = not np.isnan(cost).all()
        return {
            "accepted_95": float(np.mean(given & (score >= self._thresholds[0.95]))),
            "accepted_99": float(np.mean(given & (score >= self._thresholds[0.99]))),
            "sure_99": float(np.mean(given & (confidence >= SURE))),
            "mean_confidence": float(confidence.mean()),
            "auroc": metrics.auroc(self._known, score),
            "aupr_id_pos": metrics.aupr_id_pos(self._known, score),
            "aupr_ood_pos": metrics.aupr_ood_pos(self._known, score),
            "fpr95_id_pos": metrics.fpr95_id_pos(self._known, score),
            "fpr95_ood_pos": metrics.fpr95_ood_pos(self._known, score),
            "reached_99": float(reached.mean()) if looked else math.nan,
            "evaluations_to_99": float(np.median(cost)) if looked else math.nan,
        }


def _confidence(log_odds: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds.astype(np.float64), -500.0, 500.0)))


def _over(name: str, values: Sequence[float]) -> dict[str, Any]:
    """Mean and interval over the seeds, and each of them; of passes the median and the range."""
    row = np.asarray(values, np.float64)
    if name == "evaluations_to_99":
        middle = float("nan") if np.isnan(row).any() else float(np.median(row))
        interval = {"mean": middle, "low": float(row.min()), "high": float(row.max())}
    else:
        interval = analysis.over_repeats(row)._asdict()
    return {**interval, "per_seed": row.tolist()}


def _settings(config: Any) -> dict[str, Any]:
    """Everything that decides the numbers, without places and switches."""
    left_out = ("out", "resume", "debug", "data_dir", "classifier", "preset")
    return {name: value for name, value in settings.flat(config).items() if name not in left_out}


def _rank(rows: Sequence[Mapping[str, Any]], qualities: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Order the defenses by the worst kind of images for them, the adversary knowing them."""

    def of(defense: str) -> Iterator[Mapping[str, Any]]:
        return (row for row in rows if row["defense"] == defense and row["adversary"] == "adaptive")

    ranked = []
    for defense in qualities:
        worst = max(of(defense), key=lambda row: row["accepted_95"]["mean"])
        each = [row["accepted_95"]["mean"] for row in of(defense)]
        ranked.append(
            {
                "defense": defense,
                "worst_generator": worst["generator"],
                "worst_accepted_95": worst["accepted_95"]["mean"],
                "mean_accepted_95": float(np.mean(each)),
                "clean_accuracy": qualities[defense]["clean_accuracy"]["mean"],
            }
        )
    return sorted(ranked, key=lambda one: (one["worst_accepted_95"], one["mean_accepted_95"]))


def _masked(rows: Sequence[Mapping[str, Any]], defenses: Iterable[str]) -> list[dict[str, Any]]:
    """Find networks that evolution, without any gradient, gets far more past than gradients do.

    The search by gradient is then what fails, and what it does not get past the network
    is no evidence that nothing would (Carlini et al., 2019, arXiv:1902.06705, section 4).
    """
    found = []
    for defense in defenses:
        passed = {
            row["generator"]: row["accepted_95"]["mean"]
            for row in rows
            if row["defense"] == defense
            and row["adversary"] == "adaptive"
            and GENERATORS[row["generator"]].looks
        }
        evolved = {name: share for name, share in passed.items() if name in EVOLVED}
        climbed = {name: share for name, share in passed.items() if name not in EVOLVED}
        if not evolved or not climbed:
            continue
        best, next_best = max(evolved, key=evolved.__getitem__), max(climbed.values())
        if evolved[best] > next_best + _MASKED:
            found.append(
                {
                    "defense": defense,
                    "generator": best,
                    "evolved_accepted_95": evolved[best],
                    "by_gradient_accepted_95": next_best,
                }
            )
    return found


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def save_tables(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write ``table.csv`` and ``table.md``."""
    for name, text in (("table.csv", to_csv(summary)), ("table.md", to_markdown(summary))):
        content = text.encode()
        files.write(folder / name, lambda stream, content=content: stream.write(content))
