"""Numbers of a finished ``experiments.smooth`` run."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import scipy.stats
from numpy.typing import NDArray

from experiments import smooth_pictures, smooth_report, smooth_story
from experiments.smooth_units import (
    BARE,
    BEYOND,
    EVOLVED,
    Scene,
    Setting,
    certificate_name,
    settings_of,
    unit_name,
)
from fooljax import analysis, metrics
from fooljax.runtime import files, notices
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared

TAU = 0.99
LEAST_GAIN = 0.02  # a smaller naive gain is none
VANISHED, SHRUNK = 0.2, 0.75  # share of the naive gain that is left, at most
UNLIKELY = 0.01  # a certificate is unsound if so many failures were less likely
_RADII = 41


def write(
    folder: Path,
    config: Any,
    networks: Mapping[str, Prepared],
    scene: Scene,
    made: Mapping[str, Arrays],
) -> dict[str, Any]:
    """Write ``images.npz``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings, a dataclass.
        networks: by name.
        scene: networks and images.
        made: what every piece of work found, by name.

    Returns:
        The summary.
    """
    kept = ("images", "changed")
    arrays = {
        f"{name}-{part}": unit[part]
        for name, unit in made.items()
        for part in unit
        if part.endswith(kept)
    }
    files.write_npz(folder / "images.npz", arrays, compress=True)
    summary = summarize(config, networks, scene, made)
    summary = notices.summarize(folder, summary)
    pictures = smooth_pictures.draw(folder, config, scene, made, summary)
    smooth_report.write(folder / "report.html", summary, config, pictures)
    print(f"{smooth_story.conclude(summary)}\nreport: {folder / 'report.html'}", file=sys.stderr)
    return summary


def summarize(
    config: Any, networks: Mapping[str, Prepared], scene: Scene, made: Mapping[str, Arrays]
) -> dict[str, Any]:
    """Return everything that the page says, as numbers by flat names."""
    first = next(iter(networks.values()))
    settings = settings_of(config)
    of = lambda setting: [made[unit_name(setting, i)] for i in range(len(networks))]
    bare = of(settings[0])
    table = {one.name: _measured(config, scene, one, of(one), bare) for one in settings}
    gains = [
        {"setting": name, "against": against, **{key: one[key] for key in _GAIN}}
        for name, row in table.items()
        if name != BARE
        for against, one in (
            *((f"epsilon {epsilon}", one) for epsilon, one in row["perturbed"].items()),
            *row["fooling"].items(),
        )
    ]
    certified = {
        f"{sigma:g}": _certified(config, scene, sigma, made, len(networks))
        for sigma in config.sigmas
    }
    return {
        "dataset": config.victim.dataset,
        "model": config.victim.model,
        "class_names": list(first.class_names),
        "networks": {
            name: {"accuracy": one.accuracy, "origin": one.origin} for name, one in networks.items()
        },
        "settings": table,
        "gains": gains,
        "gains_seen": sum(one["verdict"] != "none" for one in gains),
        "gains_vanished": sum(one["verdict"] == "vanishes" for one in gains),
        "gains_shrunk": sum(one["verdict"] == "shrinks" for one in gains),
        "gains_stayed": sum(one["verdict"] == "stays" for one in gains),
        "rule": f"A naive gain counts if its mean is at least {LEAST_GAIN:g} and, with several "
        "networks, its 95 % interval lies above 0. It vanishes if at most "
        f"{VANISHED:.0%} of it is left against the adversary who knows the defense, shrinks if "
        f"at most {SHRUNK:.0%} is left, and stays otherwise.",
        "certified": certified,
        "certificates_attacked": sum(one["attacked"] for one in certified.values()),
        "certificates_broken": sum(one["broken"] for one in certified.values()),
        "certificates_sound": all(one["sound"] for one in certified.values()),
        "alpha": config.alpha,
        "images": len(scene.labels),
        "test_images": len(scene.test.labels),
        "tau": TAU,
        "intervals": "95 %, Student's t over networks trained from different seeds",
        "seconds": sum(float(unit["seconds"]) for unit in made.values()),
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }


_GAIN = ("naive_gain", "adaptive_gain", "gain_left", "verdict", "gain_vanishes")


def judge(naive: Sequence[float], adaptive: Sequence[float]) -> dict[str, Any]:
    """Compare what a defense seems to gain with what it gains.

    Args:
        naive: gain of each network against who does not know the defense, in [-1, 1].
        adaptive: the same against who does.

    Returns:
        Both with intervals, the share that is left (None without a naive gain), the
        ``verdict`` (none, vanishes, shrinks, stays) and whether the gain vanishes.
    """
    seen, left = _difference(naive), _difference(adaptive)
    if seen["mean"] < LEAST_GAIN or seen["low"] <= 0.0:  # NaN from a single network
        share, verdict = None, "none"
    else:
        share = left["mean"] / seen["mean"]
        verdict = "vanishes" if share <= VANISHED else "shrinks" if share <= SHRUNK else "stays"
    return {
        "naive_gain": seen,
        "adaptive_gain": left,
        "gain_left": share,
        "verdict": verdict,
        "gain_vanishes": None if verdict == "none" else verdict == "vanishes",
    }


def _over(values: Any) -> dict[str, float]:
    return analysis.over_repeats([float(value) for value in values])._asdict()


def _difference(values: Sequence[float]) -> dict[str, float]:
    """An interval of numbers in [-1, 1], not in [0, 1]."""
    halved = _over([(1.0 + value) / 2.0 for value in values])
    return {name: 2.0 * value - 1.0 for name, value in halved.items()}


def right(scene: Scene, unit: Arrays) -> dict[str, NDArray[np.bool_]]:
    """Whether each image is classified correctly whatever the attacker does, ``[e, n]``.

    ``naive``: unchanged and as changed for the bare network; ``gradient``: as changed
    for the defended one; ``adaptive``: all of this, and squares too.
    """
    labels = scene.labels
    correct = {name: unit[name] == labels for name in ("clean", "naive", "gradient", "free")}
    naive = correct["clean"][None] & correct["naive"]
    return {
        "naive": naive,
        "gradient": correct["clean"][None] & correct["gradient"],
        "adaptive": naive & correct["gradient"] & correct["free"],
    }


def _measured(
    config: Any, scene: Scene, setting: Setting, units: list[Arrays], bare: list[Arrays]
) -> dict[str, Any]:
    """Everything about one defense."""
    mine, theirs = ([right(scene, unit) for unit in some] for some in (units, bare))
    perturbed = {}
    for place, epsilon in enumerate(config.epsilons):
        share = lambda some, way, place=place: [float(one[way][place].mean()) for one in some]
        gained = lambda way, share=share: np.subtract(share(mine, way), share(theirs, way))
        perturbed[f"{epsilon:g}"] = {
            **{f"right_{way}": _over(share(mine, way)) for way in mine[0]},
            **judge(gained("naive"), gained("adaptive")),
        }
    return {
        "kind": setting.kind,
        "strength": setting.strength,
        "clean_accuracy": _over([unit["accuracy"] for unit in units]),
        "perturbed": perturbed,
        "fooling": {name: _fooled(config, name, units, bare) for name in config.generators},
    }


def _fooled(config: Any, name: str, units: list[Arrays], bare: list[Arrays]) -> dict[str, Any]:
    """How sure one defense is of images of one kind, made with and without knowing it."""
    median = lambda some, what: [float(np.median(unit[f"{name}-{what}"])) for unit in some]
    above = lambda what: [float(np.mean(unit[f"{name}-{what}"] > TAU)) for unit in units]
    before = median(bare, "confidence")
    told = {
        "naive_confidence": _over(median(units, "naive")),
        "adaptive_confidence": _over(median(units, "confidence")),
        "naive_above": _over(above("naive")),
        "adaptive_above": _over(above("confidence")),
        **judge(
            np.subtract(before, median(units, "naive")),
            np.subtract(before, median(units, "confidence")),
        ),
    }
    if name in EVOLVED:
        spent = config.children * np.arange(1, config.generations + 2)
        each = [
            np.median(metrics.evaluations_to_reach(unit[f"{name}-history"], spent, TAU))
            for unit in units
        ]
        middle = float(np.median(each))
        told["evaluations_to_reach"] = middle if np.isfinite(middle) else None
    return told


def _certified(
    config: Any, scene: Scene, sigma: float, made: Mapping[str, Arrays], networks: int
) -> dict[str, Any]:
    """The certified accuracy of every radius, and whether attacks respect the certificates."""
    units = [made[certificate_name(sigma, i)] for i in range(networks)]
    labels = scene.certified[1]
    most = float(sigma * scipy.stats.norm.ppf(config.alpha ** (1 / config.samples)))
    grid = np.linspace(0.0, most, _RADII)
    correct = [unit["answers"] == labels for unit in units]
    curves = [
        [float(np.mean(ok & (unit["radii"] > 0.0) & (unit["radii"] >= r))) for r in grid]
        for ok, unit in zip(correct, units, strict=True)
    ]
    curve = [_over(column) for column in zip(*curves, strict=True)]
    radii = np.concatenate([unit["radii"] for unit in units])
    answers = np.concatenate([unit["answers"] for unit in units])
    attacked = radii > 0.0
    after = {
        name: np.concatenate([unit[name] for unit in units])[attacked]
        for name in ("inside", "beyond")
    }
    wrong = {name: (one != answers[attacked]) & (one >= 0) for name, one in after.items()}
    count, broken = int(attacked.sum()), int(wrong["inside"].sum())
    chance = float(scipy.stats.binom.sf(broken - 1, count, config.alpha)) if count else 1.0
    share = lambda flags: float(np.mean(flags)) if count else None
    return {
        "largest_radius": most,
        "radii": grid.tolist(),
        "accuracy": [one["mean"] for one in curve],
        "accuracy_low": [one["low"] for one in curve],
        "accuracy_high": [one["high"] for one in curve],
        "abstained": float(np.mean(answers < 0)),
        "median_radius": float(np.median(radii)),
        "attacked": count,
        "broken": broken,
        "broken_share": share(wrong["inside"]),
        "chance_of_as_many": chance,
        "sound": chance >= UNLIKELY,
        "abstained_inside": share(after["inside"] < 0),
        "beyond": BEYOND,
        "broken_beyond": share(wrong["beyond"]),
    }
