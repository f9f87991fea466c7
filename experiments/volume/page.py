"""The page of a finished ``experiments.volume`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.metrics import Interval

from .measure import LEAST_HITS, PLAIN, Found, balls, levels

LESS = "\N{MINUS SIGN}"
MEAN = "The share is the mean over the repeats, its interval Student's t of their logarithms. "
RANGE = " Shaded: from the lowest to the highest repeat."
OFF = "Below each number: how far it may be off (95 % interval over the repeats). "
_KEYS = ("Images", "Defense", "Class", "Confidence")
_SHOWN = 10  # classes in a picture
_BLUR = 0.05  # of the height of an image: 1.4 of 28 pixels


def ends(row: Mapping[str, Any]) -> Interval:
    """Return the logarithm of a share with its interval."""
    return Interval(row["log10_p"], row["low"], row["high"])


def exponent(found: Interval) -> str:
    """Write a logarithm with its interval."""
    return study.spell(found, lambda one: "none found" if np.isinf(one) else number(one))


def number(value: float) -> str:
    """Write a logarithm, or a spread of such."""
    return "\N{EN DASH}" if np.isnan(value) else f"{value:.2f}".replace("-", LESS)


def about(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Write what a share is of, in the order of `_KEYS`."""
    return row["measure"], row["defense"], row["class"], study.sure(row["confidence"])


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    yield study.Opening(
        "How much of image space fools?",
        "Which share of all images does a network give a class with certainty? There is no such "
        "share without saying how images are drawn. Here it is estimated for several ways, "
        "however small it is.",
        list(tiles(found)),
    )
    yield from study.sections(
        {
            "What was done": story(found),
            "What came out": outcome(found),
            "What a defense leaves": left(found),
            "Can that be trusted?": controls(found),
            "From any confidence to the highest": curves(found),
            "What such images look like": galleries(found),
            "All numbers": [everything(found)],
        },
    )


def tiles(found: Found) -> Iterator[tuple[str, str]]:
    """Yield the key numbers."""
    for name in list(found.scene.measures)[:3]:
        rows = found.known(name, whole=True) or sorted(
            found.known(name), key=lambda row: -row["log10_p"]
        )
        for row in rows[:1]:
            words = f"of {name} images are {row.get('class', 'some class')} to the network, with "
            yield study.power(row["log10_p"]), f"{words}{study.sure(found.top)} or more"
    for near in balls(found.config, found.scene)[:1]:
        words = f"of all images lie within {near['radius']:g} of a training image, at most"
        yield study.power(near["log10_p"]), words


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, scene = found.config, found.scene
    yield from study.note(scene.plain.medium, scene.plain.classifier.input_shape)
    done = f"All was done {study.anew(config.repeats)}."
    if config.repeats == 1:
        done = "All was done once, so that nobody knows by how much chance moves the numbers."
    yield (
        f"The network: {scene.plain.origin}. Images were drawn in the ways below. A crowd of "
        f"{config.particles:,} of them was drawn for each of {len(scene.labels)} classes. The half "
        "that is least like the class by the network's own log-odds was replaced by copies of the "
        f"others, and all moved a little, {study.often(config.moves)}, without falling below the "
        "level left behind. Each such level is about half as probable as the one before, so that "
        "their number tells the share (adaptive multilevel splitting). No class ever borrows from "
        f"another. {done}"
    )
    rows = [(name, f"drawn {one.words}") for name, one in scene.measures.items()]
    yield fj.reporting.table(("Images", "How they are drawn"), rows)
    if len(scene.networks) > 1:
        rows = [(name, one.words) for name, one in scene.defenses.items()]
        yield fj.reporting.table(("Defense", "What it is"), rows)


def outcome(found: Found) -> Iterator[study.Block]:
    """Say in words what the numbers say and no more, and show it."""
    for name in found.scene.measures:
        rows = sorted(found.known(name), key=lambda row: row["log10_p"])
        said = [
            f"{study.spell(ends(row), study.power)} are called {row['class']}"
            for row in rows[:1] + rows[1:][-1:]
        ]
        words = ", the fewest, and ".join(said) or "none was found for any class"
        words += ", the most of all classes" if len(rows) > 1 else ""
        words += "".join(
            f". All classes together: {study.spell(ends(row), study.power)}"
            for row in found.known(name, whole=True)
        )
        strong = fj.reporting.strong(f"{name} images")
        yield fj.reporting.paragraph(strong, f" with {study.sure(found.top)} or more: {words}.")
    shares = [row["log10_p"] for row in found.known("uniform")]
    for near in balls(found.config, found.scene) if shares else ():
        gap = max(shares) - near["log10_p"]
        if gap > 1.0:
            yield (
                f"Balls of radius {near['radius']:.3g} around all training images fill "
                f"{study.power(near['log10_p'])} of the space at most. Of the uniform images that "
                f"are most often certain, all but {study.power(-gap)} are farther than that from "
                "everything that the network has learned from."
            )
    yield overview(found)
    if shares:
        yield ruler(found)


def overview(found: Found) -> study.Figure:
    """Show the highest confidence, by measure and class."""
    top = study.where(found.rows, confidence=found.top, defense=PLAIN)
    share = lambda row: ends(row) if np.isfinite(row["log10_p"]) else study.exactly(np.nan)
    table = study.Table(tuple(study.Row(row, {"log10_p": share(row)}) for row in top))
    caption = (
        "Logarithm to base 10 of the share of images, by the way of drawing them and by class. How "
        f"to read it: {LESS}6 is one image in a million. They are given the class with "
        f"{study.sure(found.top)} or more. {study.of_several(found.config.repeats, OFF)}A dash: "
        f"none was found in {found.config.decades:g} powers of ten."
    )
    looks = {"label": "log10 of the share", "row_label": "images", "shares": False}
    return study.matrix("overview", table, "measure", "class", "log10_p", caption, **looks)


def ruler(found: Found) -> study.Figure:
    """Show shares of the space beside each other."""
    rows = sorted(found.known("uniform"), key=lambda row: row["log10_p"])
    words = (f"radius {found.config.radius:g}", f"as near as test images, {found.scene.near:.3g}")
    near = [one["log10_p"] for one in balls(found.config, found.scene)]
    groups = {
        "balls around all training images": {
            name: study.exactly(share) for name, share in zip(words, near, strict=False)
        },
        f"uniform images with {study.sure(found.top)} or more": {
            row["class"]: ends(row) for row in rows[-_SHOWN:]
        },
    }
    caption = (
        "How much of the space of all images it is, in powers of ten. How to read it: every step "
        "to the left is a tenth of the space. Above, all images near a training image: within the "
        "radius given, and within the distance that a test image typically has to the nearest "
        "one. Below, the images that are given a class"
        f"{study.of_several(found.config.repeats, '; lines are 95 % intervals over the repeats')}."
    )
    kept = {name: marks for name, marks in groups.items() if marks}
    draw = lambda path: fj.reporting.ruler(path, kept, x_label="log10 of the share of all images")
    return study.Figure("ruler", draw, caption)


def left(found: Found) -> Iterator[study.Block]:
    """Say by how much each defense shrinks the share."""
    if len(found.scene.networks) > 1:
        top = study.where(found.records, confidence=found.top)
        smaller = study.shrinkage(top, ("measure", "defense"), PLAIN)
        yield study.table_of_shrinkage(smaller, ("Images", "Defense"), found.top)


def controls(found: Found) -> Iterator[study.Block]:
    """Compare with counting, and with what independent particles would scatter."""
    seen = [row for row in found.rows if row["agrees"] is not None]
    told = [row for row in found.rows if row["sd"] >= 0.0 and row["ideal_sd"] > 0.0]
    agree = f"agree within chance in {sum(row['agrees'] for row in seen)} of {len(seen)} cases"
    agree += "; 95 % would be expected"
    if not seen:
        agree = "cannot be compared, for nowhere did so many"
    taken = float(np.mean([record["acceptance"] for record in found.records]))
    yield (
        f"Counting: {found.config.random_images * found.config.repeats:,} plain random images were "
        f"drawn in each way. Where at least {LEAST_HITS} of them reached the confidence, splitting "
        f"and counting {agree}. Rarer ones nobody can count."
    )
    if told:
        ratio = np.sqrt(np.mean([(row["sd"] / row["ideal_sd"]) ** 2 for row in told]))
        many = sum(row["scattered"] for row in told)
        yield (
            f"Scatter: the logarithms of the repeats scatter {ratio:.2f} times as much as if the "
            f"particles were independent, which is 1. For {many} of {len(told)} shares it is more "
            "than twice as much; where that is often so, moves are too few, or there are regions "
            "between which particles do not travel: give more --moves or --particles."
        )
    none = sum(np.isinf(row["log10_p"]) for row in found.rows)
    missed = f"For {none} of {study.plural(len(found.rows), 'share')} no image was found."
    if not none:
        missed = "Images were found for every share."
    yield (
        f"Of the moves {study.share(taken)} were taken; their length is chosen class by class for "
        f"30 %. {missed}"
    )
    if seen:
        count = lambda r: Interval(*(r[f"random_{part}"] for part in Interval._fields))
        both = lambda r: (exponent(ends(r)), exponent(count(r)))
        lines = [(*about(r), *both(r), "yes" if r["agrees"] else "no") for r in seen]
        titles = (*_KEYS, "log10, splitting", "log10, counting")
        table = fj.reporting.table((*titles, "Agree"), lines, sortable=True)
        yield study.Folded("Splitting and counting, side by side", [table])


def place(found: Found, measure: str) -> list[int]:
    """Return the classes of which images were drawn in the first repeat, some of them."""
    arrays = found.results.one(measure=measure, defense=PLAIN, repeat=0)
    held = np.flatnonzero(arrays["held"][-1])
    return [int(k) for k in held[:_SHOWN]]


def curves(found: Found) -> Iterator[study.Block]:
    """Show the share of images over the score, a line for each class, for each measure."""
    yield (
        "The way to the highest confidence passes all lower ones, so each run gives the whole "
        "curve: which share of images is at least so certain."
    )
    for measure in found.scene.measures:
        yield from curve(found, measure)


def curve(found: Found, measure: str) -> Iterator[study.Figure]:
    """Show the share of a measure's images over the score, if any class has two points."""
    cells = [one for _, one in found.results.where(measure=measure, defense=PLAIN).found]
    series, bands = {}, {}
    for k, name in list(enumerate(found.scene.names))[:_SHOWN]:
        runs = []
        for one in cells:
            x = np.append(one["curve_score"][k], levels(found.config))
            y = np.append(one["curve_log10_p"][k], one["log10_p"][:, k])
            known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
            order = known[np.lexsort((-y[known], x[known]))]
            runs.append((x[order], y[order]))
        if min(len(x) for x, _ in runs) < 2:
            continue
        grid = np.linspace(max(x[0] for x, _ in runs), min(x[-1] for x, _ in runs), 60)
        lines = np.array([np.interp(grid, x, y) for x, y in runs])
        series[name] = (grid, lines.mean(axis=0))
        bands[name] = (lines.min(axis=0), lines.max(axis=0))
    caption = (
        f"Share of {measure} images, over how certain of a class the network is of them. How to "
        "read it: a line falls by one where there are ten times fewer such images. Log-odds of 0 "
        f"are a confidence of 50 %, 2.2 of 90 %, 4.6 of 99 %; the runs end at "
        f"{study.sure(found.top)}.{study.of_several(found.config.repeats, RANGE)}"
    )
    x_label, y_label = "log-odds of the class", "log10 of the share of images"
    if series:
        draw = lambda path: fj.reporting.lines(
            path, series, bands=bands, x_label=x_label, y_label=y_label
        )
        yield study.Figure(f"curve_{measure.replace(' ', '_')}", draw, caption)


def galleries(found: Found) -> Iterator[study.Block]:
    """Show images drawn by each measure, if they can be seen, and let the reader hear them."""
    plain = found.scene.plain
    pictures = [one for one in found.scene.measures if place(found, one)]
    if not (pictures and study.is_shown(plain.medium, plain.classifier.input_shape)):
        return
    yield (
        "The particles at the end are fair draws from the images that reach the confidence: what a "
        "typical one looks like, and not the best that a search can find. Below each what the "
        "network says of it" + ("; and of the same image blurred." if found.is_pictures else ".")
    )
    for one in pictures:
        yield from drawn(found, one)


def drawn(found: Found, measure: str) -> Iterator[study.Block]:
    """Show a draw for each class with what the network says; pictures blurred, too."""
    from scipy.ndimage import gaussian_filter

    scene, classes = found.scene, place(found, measure)
    raw = found.results.one(measure=measure, defense=PLAIN, repeat=0)["images"][-1, classes, 0]
    rows, blurred = [raw], ""
    if found.is_pictures:
        sigma = max(_BLUR * raw.shape[1], 0.5)
        rows.append(gaussian_filter(raw, (0, sigma, sigma, 0)).astype(np.float32))
        blurred = f"Above as they are, below blurred by {sigma:.1f} pixels, as if one squints. "
    said = [answers(found, images) for images in rows]
    yield study.images(
        f"drawn_{measure.replace(' ', '_')}",
        [study.as_pictures(scene.plain.medium, images) for images in rows],
        [["\n".join(one) for one in row] for row in said],
        f"Fair draws from the {measure} images that are given a class with "
        f"{study.sure(found.top)} or more, one for each class. {blurred}Below each image: the "
        "network's answer, and its confidence.",
        row_names=["drawn", "blurred"][: len(rows)],
        column_names=[scene.names[k] for k in classes],
    )
    captions = [f"{measure}: {', '.join(one)}" for one in said[0]]
    yield study.experience(scene.plain.medium, raw, captions)


def answers(found: Found, images: np.ndarray) -> list[tuple[str, str]]:
    """Return what the network says of images, and how sure it is."""
    network = found.scene.networks[PLAIN]
    said = np.asarray(fj.metrics.probabilities(study.logits(network, images)))
    names = [*study.short_names(found.scene.plain.class_names), *["none"] * said.shape[1]]
    return [(names[row.argmax()], study.sure(row.max())) for row in said]


def everything(found: Found) -> study.Block:
    """Show all estimates."""
    scatter = lambda r: (number(r["sd"]), number(r["ideal_sd"]), f"{r['evaluations']:,}")
    lines = [(*about(r), exponent(ends(r)), *scatter(r)) for r in found.rows]
    titles = (*_KEYS, "log10 of the share", "SD", "Ideal SD")
    repeats = found.config.repeats
    caption = (
        f"{study.of_several(repeats, MEAN)}SD: of one repeat's logarithm; ideal: were its "
        "particles independent. Evaluations: images shown to the network"
        f"{study.of_several(repeats, ', all repeats together')}; lower confidences are passed on "
        "the way."
    )
    return fj.reporting.table((*titles, "Evaluations"), lines, caption, sortable=True)
