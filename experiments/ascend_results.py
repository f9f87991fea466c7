"""Numbers and pictures of a finished ``experiments.ascend`` run."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import ascend_report
from experiments.ascend_units import STARTS, chosen
from fooljax import reporting
from fooljax.runtime import files, notices
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared

LEVEL = 0.9999
_FAINT = 4.0  # from here on a change from grey is hard to see


def write(
    folder: Path, config: Any, prepared: Prepared, results: Mapping[str, Arrays]
) -> dict[str, Any]:
    """Write ``images.npz``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings, a dataclass.
        prepared: the network.
        results: arrays of every unit.

    Returns:
        The summary.
    """
    made = {name: unit for name, unit in results.items() if "images" in unit}
    files.write_npz(
        folder / "images.npz",
        {
            f"{name}.{part}": unit[part]
            for name, unit in made.items()
            for part in ("images", "confidence")
        },
    )
    summary = summarize(config, prepared, results)
    summary = notices.summarize(folder, summary)
    pictures = draw(folder, config, prepared, results)
    ascend_report.write(folder / "report.html", summary, config, pictures)
    none = summary["rows"]["ascent-none"]
    print(
        f"no regularizer: median confidence {reporting.percent(none['median_confidence'])}, "
        f"lowest {reporting.percent(none['min_confidence'])}\n"
        f"report: {folder / 'report.html'}",
        file=sys.stderr,
    )
    return summary


def summarize(config: Any, prepared: Prepared, results: Mapping[str, Arrays]) -> dict[str, Any]:
    """Return the numbers the claims are about.

    ``rows`` has an entry for each way of making images and ``starts`` one for
    each starting point; intervals are those of the repeats' medians over classes,
    lowest and highest.
    """
    controls = {}
    names = _names(config, prepared)
    targets = chosen(config, len(prepared.class_names))
    for kind in STARTS:
        confidence = results["controls"][kind]
        top = confidence.max(axis=1)
        controls[kind] = {
            "images": len(confidence),
            "median_top1_confidence": np.median(top),
            "share_above_0.99": np.mean(top > 0.99),
            "median_best_per_class": np.median(confidence.max(axis=0)[targets]),
        }
    return {
        "network": prepared.origin,
        "clean_accuracy": prepared.accuracy,
        "class_names": names,
        "repeats": config.repeats,
        "rows": {name: _row(name, results[name], config) for name in rows_of(config)},
        "starts": {
            kind: _row(name, results[name], config) for kind, name in _start_rows(config).items()
        },
        "controls": controls,
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }


def _names(config: Any, prepared: Prepared) -> list[str]:
    """Return the names of the classes that images were made for."""
    return [prepared.class_names[i] for i in chosen(config, len(prepared.class_names))]


def _start_rows(config: Any) -> dict[str, str]:
    """Return the unit of every starting point."""
    rows = {kind: f"start-{kind}" for kind in STARTS if kind in config.starts}
    return rows | {"near_grey": "ascent-none"}


def rows_of(config: Any) -> list[str]:
    """Return the units that make images, in the order of tables and pictures."""
    return [f"ascent-{name}" for name in config.ascents] + [
        f"evolved-{name}" for name in config.evolved
    ]


def curve(name: str, unit: Arrays, config: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return passes so far for one repeat's classes, and the best log-odds so far ``[r, k, t]``."""
    classes = unit["confidence"].shape[1]
    trace = np.asarray(unit["trace"], np.float64)
    if name.startswith("evolved"):
        inside = np.clip(trace, 1e-30, 1.0 - 2.0**-24)
        odds = np.log(inside) - np.log1p(-inside)
        return config.children * (1.0 + np.arange(trace.shape[2])), odds
    odds = np.fmax.accumulate(np.where(np.isnan(trace), -np.inf, trace), axis=2)
    # point i has cost i + 1 forward and i gradient passes
    passes = classes * (2.0 * np.arange(trace.shape[2]) + 1.0)
    return passes + float(unit["searched"]), odds


def _row(name: str, unit: Arrays, config: Any) -> dict[str, Any]:
    confidence = unit["confidence"]
    passes, odds = curve(name, unit, config)
    medians = np.median(confidence, axis=1)
    if name.startswith("evolved"):
        forwards, gradients = config.children * (config.generations + 1), 0
    else:
        # a whole repeat: all classes, and the random images it chose from
        forwards = int(unit["forwards"][0].sum() + unit["searched"])
        gradients = int(unit["gradients"][0].sum())
    certain = (odds > np.log(LEVEL / (1.0 - LEVEL))).all(axis=1)
    first = [passes[row.argmax()] if row.any() else None for row in certain]
    half = np.median(odds[:, :, -1], axis=1)
    return {
        "median_confidence": np.median(confidence),
        "median_confidence_per_repeat": medians,
        "min_confidence": confidence.min(),
        "median_log_odds": np.median(odds[:, :, -1]),
        "median_log_odds_per_repeat": half,
        "share_above_0.9999": np.mean(confidence >= LEVEL),
        "per_class_confidence": confidence,
        "total_variation": np.median(unit["smoothness"]),
        "total_variation_per_repeat": np.median(unit["smoothness"], axis=1),
        "high_frequency_share": np.median(unit["fine"]),
        "forwards": forwards,
        "gradients": gradients,
        "passes_until_all_above_0.9999": first,
        "seconds": unit["seconds"],
    }


def draw(
    folder: Path, config: Any, prepared: Prepared, results: Mapping[str, Arrays]
) -> dict[str, Path]:
    """Draw all pictures; return their places by name."""
    places = {
        name: folder / f"{name}.png" for name in ("gallery", "repeats", "starts", "curves", "trade")
    }
    names = _names(config, prepared)

    def show(place: Path, units: list[Arrays], row_names: list[str]) -> None:
        images, captions, titles = [], [], []
        for unit, title in zip(units, row_names, strict=True):
            images.append(unit["images"][0])
            captions.append([reporting.percent(_below_1(p)) for p in unit["confidence"][0]])
            titles.append(title)
            stretched, factors = _stretch(images[-1])
            if np.median(factors) > _FAINT:
                images.append(stretched)
                captions.append([f"x {factor:.0f}" for factor in factors])
                titles.append(f"{title}, change from grey enlarged")
        reporting.grid(place, np.stack(images), captions, row_names=titles, column_names=names)

    show(
        places["gallery"],
        [results[name] for name in rows_of(config)],
        [TITLES[name] for name in rows_of(config)],
    )
    show(
        places["starts"],
        [results[name] for name in _start_rows(config).values()],
        [kind.replace("_", " ") for kind in _start_rows(config)],
    )
    none = results["ascent-none"]
    reporting.gallery(places["repeats"], none["images"], none["confidence"], names)
    series, bands = {}, {}
    for name in rows_of(config):
        passes, odds = curve(name, results[name], config)
        nines = np.median(odds, axis=1) / np.log(10.0)
        series[TITLES[name]] = (passes, np.median(nines, axis=0))
        bands[TITLES[name]] = (nines.min(axis=0), nines.max(axis=0))
    reporting.lines(
        places["curves"],
        series,
        x_label="passes through the network, for all classes together",
        y_label="log10 of the odds: 2 is 99 %, 4 is 99.99 %",
        log_x=True,
        bands=bands,
        dashed=[TITLES[name] for name in rows_of(config) if name.startswith("evolved")],
        note="Lines: median over classes, then repeats. Bands: lowest to highest repeat.",
    )
    _draw_trade(places["trade"], results, config)
    return places


def _draw_trade(place: Path, results: Mapping[str, Arrays], config: Any) -> None:
    """Confidence against smoothness, a point for each way of making images."""
    series, bands = {}, {}
    for name in rows_of(config):
        _, odds = curve(name, results[name], config)
        nines = np.median(odds[:, :, -1], axis=1) / np.log(10.0)
        smooth = np.median(results[name]["smoothness"], axis=1)
        series[TITLES[name]] = ([np.median(smooth)], [np.median(nines)])
        bands[TITLES[name]] = ([nines.min()], [nines.max()])
    reporting.lines(
        place,
        series,
        x_label="total variation: mean difference of neighboring pixels",
        y_label="log10 of the odds",
        log_x=True,
        bands=bands,
        note="Points: median over classes, then repeats. Bars: lowest to highest repeat.",
    )


def _stretch(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Enlarge each image's change from grey so that 99 % fit the range; also by how much."""
    change = np.quantile(np.abs(images - 0.5), 0.99, axis=(1, 2, 3))
    factors = 0.5 / np.maximum(change, 1e-3)
    return np.clip(0.5 + (images - 0.5) * factors[:, None, None, None], 0.0, 1.0), factors


def _below_1(confidence: float) -> float:
    """A softmax is never exactly 1; float32 rounds it."""
    return min(float(confidence), float(np.nextafter(1.0, 0.0)))


TITLES = {
    "ascent-none": "no regularizer",
    "ascent-decay": "decay",
    "ascent-blur": "decay and blur",
    "ascent-sparse": "decay, blur, sparsity",
    "ascent-tv": "total variation",
    "ascent-fourier": "Fourier",
    "ascent-cppn": "CPPN weights",
    "evolved-direct": "evolved, direct",
    "evolved-cppn": "evolved, CPPN",
}
