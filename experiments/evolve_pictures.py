"""The pictures of a finished ``experiments.evolve`` run, and the page of all its niches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments import evolve_published
from fooljax import analysis, reporting
from fooljax.data.resize import shrink
from fooljax.evolution import lineage
from fooljax.runtime.painting import THUMBNAIL, as_8_bit
from fooljax.runtime.search_run import Finished

MANY = 40  # more classes get the pictures that sum them up
BEST, LEVEL = 40, 0.99  # of the diverse images
_SIDE, _FEATURE_SIDE = 128, 8  # pixels of pictures on sheets, of what tells images apart
_FAMILIES, _FAMILY = 4, 3  # of related classes, classes in each


def draw(
    folder: Path, images: np.ndarray, encoding: str, names: Sequence[str], finished: Finished
) -> tuple[dict[str, Path], dict[str, Any]]:
    """Draw all pictures and the page of all niches.

    Args:
        folder: run directory.
        images: the champions, ``[repeats, k, h, w, c]``.
        encoding: name of the search space.
        names: of the classes.
        finished: the run.

    Returns:
        The pictures' places by name, and what the summary says of those chosen.
    """
    confidence = finished.history["confidence"]
    generations, num_classes = np.arange(len(confidence)), confidence.shape[2]
    published = evolve_published.published_for(names, encoding)
    small = shrink(images, _SIDE)
    short = short_names(names)
    places = {name: folder / f"{name}.png" for name in ("gallery", "heatmap", "curves")}
    reporting.gallery(places["gallery"], small, confidence[-1], short)
    band = (*evolve_published.BAND, evolve_published.BAND_NAME) if published else None
    middle = np.median(confidence, axis=1)
    reporting.heatmap(places["heatmap"], middle, generations, short, band=band)
    points = published and evolve_published.until(published.medians, finished.generation)
    reporting.curves(
        places["curves"],
        np.moveaxis(confidence, 0, 1),
        generations,
        published={published.name: points} if published and points else None,
    )
    chosen: dict[str, Any] = {}
    if num_classes > MANY:
        places |= {name: folder / f"{name}.png" for name in ("shares", "diverse")}
        _shares(places["shares"], middle, published)
        chosen["diverse"] = _diverse(places["diverse"], images, small, short, finished)
        if related := _related(folder / "related.png", small, short, names, finished):
            places["related"] = related
    ancestors = _ancestors(images, finished)
    if ancestors is not None:
        pictures, when, sure, niches = ancestors
        places["lineage"] = folder / "lineage.png"
        reporting.lineage(places["lineage"], pictures, when, sure, [short[i] for i in niches])
    _browse(folder / "gallery.html", images, names, finished)
    return places, chosen


def short_names(names: Sequence[str]) -> list[str]:
    """Leave out ImageNet's synonyms; other names stay as they are."""
    if not evolve_published.is_imagenet(names):
        return list(names)
    return [name.split(",")[0] for name in names]


def _shares(path: Path, middle: np.ndarray, published: evolve_published.Published | None) -> None:
    """Draw the share of classes above each level by generation, ``middle [g, k]``."""
    last = len(middle) - 1
    shown = np.unique(np.linspace(0, last, min(last + 1, 400)).round().astype(int))
    series, dashed = {}, []
    for level in ("0.5", "0.9", "0.99"):
        label = reporting.percent(float(level))
        series[f"above {label}"] = (shown, np.mean(middle[shown] >= float(level), axis=1))
        points = evolve_published.until(published.shares.get(level, ()), last) if published else []
        if points:
            dashed.append(f"paper, above {label}")
            series[dashed[-1]] = tuple(np.array(points, float).T)
    reporting.lines(
        path,
        series,
        x_label="generation",
        y_label="share of classes",
        shares=True,
        dashed=dashed,
    )


def _diverse(
    path: Path, images: np.ndarray, small: np.ndarray, names: Sequence[str], finished: Finished
) -> dict[str, Any]:
    """Draw the best images that differ; say how they were chosen."""
    history = finished.history
    repeats, num_classes = images.shape[:2]
    families = np.empty((repeats, num_classes), int)
    for repeat in range(repeats):
        found = lineage.relatives(
            history["parent"][:, repeat], history["taken"][:, repeat], finished.generation // 2
        )
        alone = num_classes + np.arange(num_classes)  # lines that began later: each its own
        families[repeat] = 2 * num_classes * repeat + np.where(found >= 0, found, alone)
    confidence = history["confidence"][-1].ravel()
    filled = np.flatnonzero(np.any(history["taken"], axis=0).ravel())
    colors = as_8_bit(shrink(images, _FEATURE_SIDE)).reshape(repeats * num_classes, -1) / 255.0
    places, unrelated = analysis.choose_diverse(
        colors[filled], confidence[filled], families.ravel()[filled], BEST, LEVEL
    )
    best = filled[places]
    captions = [f"{names[i % num_classes]}\n{_sure(confidence[i])}" for i in best]
    flat = small.reshape(-1, *small.shape[2:])
    reporting.grid(path, flat[best][None], [captions], columns=8)
    return {
        "wanted": BEST,
        "shown": len(best),
        "level": LEVEL,
        "above_level": int(np.sum(confidence >= LEVEL)),
        "unrelated": unrelated,
        "mean_confidence": float(np.mean(confidence[best])),
        "classes": [int(i % num_classes) for i in best],
        "repeats": [int(i // num_classes) for i in best],
    }


def _related(
    path: Path, small: np.ndarray, short: Sequence[str], names: Sequence[str], finished: Finished
) -> Path | None:
    """Draw groups of related classes, a row for each repeat; None if there are none."""
    parent, taken = finished.history["parent"][:, 0], finished.history["taken"][:, 0]
    found = lineage.close_relatives(parent, taken, _FAMILY, _FAMILIES)
    groups = {f"kin {i + 1}": tuple(group) for i, group in enumerate(found)}
    if evolve_published.is_imagenet(names):
        groups = evolve_published.RELATED | groups
    columns = [(title, niche) for title, group in groups.items() for niche in group]
    if not columns:
        return None
    repeats = len(small)
    sure = finished.history["confidence"][-1]
    return reporting.grid(
        path,
        small[:, [niche for _, niche in columns]],
        [[_sure(sure[repeat, niche]) for _, niche in columns] for repeat in range(repeats)],
        row_names=[f"run {repeat + 1}" for repeat in range(repeats)] if repeats > 1 else None,
        column_names=[f"{title}: {short[niche]}" for title, niche in columns],
        columns=2 * _FAMILY,
    )


def _sure(confidence: float) -> str:
    return reporting.percent(min(float(confidence), np.nextafter(1.0, 0.0)))


def _browse(path: Path, images: np.ndarray, names: Sequence[str], finished: Finished) -> None:
    """Write the page of all niches of repeat 0."""
    history = finished.history
    tree = lineage.family_tree(history["parent"][:, 0], history["taken"][:, 0])
    repeats = len(images)
    of = f"the first of {repeats} runs" if repeats > 1 else "the run"
    reporting.niche_page(
        path,
        images[0],
        history["confidence"][-1, 0],
        names,
        tree,
        history["confidence"][tree.generation, 0, tree.niche],
        finished.snapshots,
        lead=f"The most certain image that {of} found for each class. Choose one to see it large, "
        "and what it descends from.",
    )


def _ancestors(images: np.ndarray, finished: Finished) -> tuple[np.ndarray, ...] | None:
    """Collect the line of the champion of repeat 0 that switched class most often."""
    history = finished.history
    parent, taken = history["parent"][:, 0], history["taken"][:, 0]
    line = lineage.ancestry(parent, taken, lineage.widest(parent, taken))
    shown = [g for g in sorted(finished.snapshots) if line[g] >= 0 and g < finished.generation]
    members = lineage.changes(line, taken)
    # a picture for each kept generation in which the line had changed since the last one
    born = [int(members[members <= g].max()) for g in shown]
    shown = [g for i, g in enumerate(shown) if i == 0 or born[i] != born[i - 1]]
    if not shown:
        return None
    pictures = [finished.snapshots[g][line[g]] for g in shown]
    when = [*shown, finished.generation]
    sure = [history["confidence"][g, 0, line[g]] for g in when]
    return (
        np.stack([*pictures, shrink(as_8_bit(images[0, line[-1]]), THUMBNAIL)]),
        np.array(when),
        np.array(sure),
        np.array([line[g] for g in when]),
    )
