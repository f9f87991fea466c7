"""The page of a finished ``experiments.confidence`` run, for somebody who did not run it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from . import measure
from .measure import CALIBRATION, LINES, REAL, Config, Measured

LOWEST = -1.0  # of an R2 that is drawn
BINS = 15


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        networks: by name.
        makers: of images, by name.
        measured: what all cells found.
        records: an image, a ray, a split or a step each.
        confidence: median confidence by kind of image and network; before and after heating.
        calibration: how true confidences are, by network.
        certain: factor at which images are certain, by line and network.
        reach: R2 of the tangent, by end, network and step.
    """

    config: Config
    networks: study.Networks
    makers: study.Makers
    measured: Measured
    records: Sequence[study.Record]
    confidence: study.Table
    calibration: study.Table
    certain: study.Table
    reach: study.Table

    def certain_at(self, line: str) -> dict[str, float]:
        """Return the median factor at which a network is certain, by network."""
        found = self.certain.column("network", "certain_at", line=line)
        return {network: one.mean for network, one in found.items()}


def find(
    config: Config, networks: study.Networks, makers: study.Makers, measured: Measured
) -> Found:
    """Turn what was measured into records, and records into tables."""
    splits = list(measure.calibrate(config, measured))
    calibration = study.summarize(splits, ["network"], CALIBRATION, over=study.span)
    heat = {name: one.mean for name, one in calibration.column("network", "temperature").items()}
    shown = list(measure.judge(config, networks, measured, heat))
    by = ("kind", "network")
    medians = (study.medians(shown, by, name) for name in ("confidence", "tempered"))
    confidence = study.join(*medians, study.summarize(shown, by, ["certain"]))
    rays = list(measure.follow(config, measured))
    steps = list(measure.explain(measured))
    certain = middle(rays)
    reach = study.summarize(steps, ("to", "network", "step"), ["r2"], over=study.span)
    records = [*shown, *splits, *rays, *steps]
    return Found(
        config, networks, makers, measured, records, confidence, calibration, certain, reach
    )


def middle(rays: Sequence[study.Record]) -> study.Table:
    """Take the median factor of each run, and the median of these, from lowest to highest."""
    runs: dict[tuple[str, str, int], list[float]] = {}
    for ray in rays:
        runs.setdefault((ray["line"], ray["network"], ray["repeat"]), []).append(ray["certain_at"])
    medians = [
        {"line": line, "network": network, "repeat": repeat, "certain_at": np.median(factors)}
        for (line, network, repeat), factors in runs.items()
    ]
    return study.summarize(medians, ("line", "network"), ["certain_at"], over=study.span)


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    config, first = found.config, next(iter(found.networks.each))
    sure = lambda kind: found.confidence.value("confidence", kind=kind, network=first).mean
    kinds = {"right": f"median confidence of {first} when it is right", "wrong": "when it is wrong"}
    shown = [(study.sure(sure(kind)), words) for kind, words in kinds.items()]
    fooling = next((name for name, maker in found.makers.items() if maker.fools), None)
    if fooling:
        shown.append((study.sure(sure(fooling)), f"in {fooling} images, which show nothing"))
    certain = factor(found.certain_at("noise")[first], config.farthest)
    shown.append((certain, f"times noise is named with {study.sure(config.level)}"))
    yield study.Opening(
        "How sure, of what, and is it true?",
        "A network says how sure it is with every answer. What is that worth on images that it "
        "gets right or wrong, on images that show nothing, and far away from all images?",
        shown,
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("How sure, of what")
    yield from sureness(found)
    yield study.Heading("Is it true?")
    yield from truth(found)
    yield study.Heading("Far away")
    yield from rays(found)
    yield study.Heading("Is it linear extrapolation?")
    yield from tangents(found)
    yield study.Heading("A slice through the space of images")
    yield slice_of(found)


def factor(value: float, farthest: float) -> str:
    """Write a factor; infinity was never reached."""
    return f"{value:,.3g}" if math.isfinite(value) else f"never up to {farthest:,g}"


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, names = found.config, found.networks.each
    were = "was" if len(names) == 1 else "that know the same pictures were"
    asked = len(found.measured.tests.found[0][1]["labels"])
    yield (
        f"{study.plural(len(names), 'network')} ({', '.join(names)}; {config.victim.dataset}) "
        f"{were} asked about {asked:,} real test images, and about images of the kinds below, made "
        f"for each of them {study.anew(config.fooling.runs)}. "
        "Confidence is the probability that a network gives its own answer."
    )
    kind = lambda maker: "control" if maker.control else "fools"
    rows = [(name, kind(maker), maker.words) for name, maker in found.makers.items()]
    yield fj.reporting.table(("Images", "Kind", "These images were"), rows)


def sureness(found: Found) -> Iterator[study.Block]:
    """Show how sure networks are of every kind of images."""
    config = found.config
    rows = [
        (
            row.keys["kind"],
            row.keys["network"],
            study.spell(row.values["confidence"], study.sure),
            study.spell(row.values["certain"]),
            study.spell(row.values["tempered"], study.sure),
        )
        for row in found.confidence.rows
    ]
    certain = f"Share with {study.sure(config.level)} or more"
    header = ("Images", "Network", "Median confidence", certain, "Median after the temperature")
    caption = (
        "Right and wrong: test images that the network gets right or wrong. A name with x: those "
        "images multiplied by that factor, so far beyond white. The temperature is that of the "
        "next section; it was found on real images. In brackets 95 % intervals, over test images, "
        "or over the runs."
    )
    yield fj.reporting.table(header, rows, caption, sortable=True)


def truth(found: Found) -> Iterator[study.Block]:
    """Compare how sure networks are with how often they are right."""
    for equal, words in (("width", "equal width"), ("mass", "as many images each")):
        figure = diagram(found, equal, words)
        yield figure if equal == "width" else study.Folded("The same in other bins", [figure])
    yield (
        "A temperature divides all logits by one number. It was found on one half of the test "
        "images, as the number that makes their true classes likeliest, and judged on the other "
        "half; again and again with other halves. Above 1 the network was too sure. It changes no "
        "answer, so what fools a network fools it still, with another confidence."
    )
    plain = "{:.3f}".format
    rows = [
        (row.keys["network"], *(study.spell(row.values[name], plain) for name in CALIBRATION))
        for row in found.calibration.rows
    ]
    caption = (
        "Calibration error: mean distance between confidence and share of right answers, in "
        f"{BINS} bins. Lower is better in all columns but the first. Medians over the halves, from "
        "lowest to highest."
    )
    yield fj.reporting.table(("Network", *CALIBRATION.values()), rows, caption)


def diagram(found: Found, equal: Any, words: str) -> study.Figure:
    """Draw a reliability diagram with a line for each network."""
    series, bands = {}, {}
    for cell, arrays in found.measured.tests.found:
        sure, right = measure.surest(arrays["logits"], arrays["labels"])
        bins = fj.metrics.reliability(sure, right, BINS, equal)
        full = bins.counts > 0
        series[cell["network"]] = (bins.confidence[full], bins.accuracy[full])
        bands[cell["network"]] = (bins.low[full], bins.high[full])
    caption = (
        "Share of right answers against how sure the networks are of them, on real test images. "
        "How to read it: on the dashed line a network is right as often as it says; below it, it "
        f"is too sure. Each point is a bin of confidences ({words}), shaded its 95 % interval "
        "(Clopper and Pearson): wide where there are few images."
    )
    series["as sure as right"] = (np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    looks: dict[str, Any] = {
        "x_label": "mean confidence of the bin",
        "y_label": "share of right answers",
    }
    looks |= {"shares": True, "dashed": ["as sure as right"]}
    return curves(f"reliability_{equal}", series, bands, caption, looks)


def rays(found: Found) -> Iterator[study.Block]:
    """Show confidence on rays from black to far away."""
    config = found.config
    level = study.sure(config.level)
    for line in LINES:
        of = found.certain.column("network", "certain_at", line=line)
        write = lambda value: factor(value, config.farthest)
        said = [f"{network} {study.spell(one, write)}" for network, one in of.items()]
        yield fj.reporting.paragraph(
            fj.reporting.strong(line),
            f": factor at which half of the rays are named with a confidence of {level}: ",
            "; ".join(said),
            ".",
        )
    yield (
        "A ray goes from black through an image and on, beyond white: all pixels are multiplied by "
        "the same factor. On almost every ray a network of linear layers and rectifiers is linear "
        "in the end, so its logits, and with them its confidence, grow without limit: it is "
        "certain of images farther from all that it learned than anything (Hein et al., theorem "
        "3.1). If the rectifiers have a ceiling, so have the logits, and the theorem does not hold."
    )
    for line in LINES:
        series, bands = {}, {}
        for network in found.networks.each:
            runs = found.measured.rays.where(line=line, network=network).found
            odds = np.concatenate([arrays["odds"] for _, arrays in runs], axis=1)
            low, mid, high = study.confidence(np.quantile(odds, (0.1, 0.5, 0.9), axis=1))
            series[network], bands[network] = (config.factors, mid), (low, high)
        words = "uniform noise" if line == "noise" else "real test images"
        caption = (
            f"Confidence in the answer on rays from black through {words}. How to read it: 1 is "
            "the image itself, and the axis is logarithmic. Lines: the median over all rays. "
            "Shaded: from the lowest to the highest tenth."
        )
        looks: dict[str, Any] = {
            "x_label": "factor that all pixels are multiplied by",
            "y_label": "confidence",
        }
        looks |= {"log_x": True, "shares": True}
        yield curves(f"rays_{line}", series, bands, caption, looks)


def curves(name: str, series: Any, bands: Any, caption: str, looks: Any) -> study.Figure:
    """Draw lines with bands."""
    draw = lambda path: fj.reporting.lines(path, series, bands=bands, **looks)
    return study.Figure(name, draw, caption)


def tangents(found: Found) -> Iterator[study.Block]:
    """Show how far the tangent carries."""
    yield (
        "If fooling were linear extrapolation, the slope of the logits at a real image would "
        "foretell them on the way to other images. From real test images ways were followed to "
        "noise, to other real images and to images that fool. R2 is the share of the logits' "
        "change that the tangent explains: 1 where a network is linear, below 0 where foretelling "
        "no change at all would be better. Their mean, which no probability sees, is subtracted."
    )
    ends = found.reach.names("to")
    write = lambda value: f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")
    shown, rows = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0), []
    for network, end in itertools.product(found.networks.each, ends):
        of = found.reach.column("step", "r2", to=end, network=network)
        rows.append((network, end, *(study.spell(of[step], write) for step in shown)))
    caption = (
        "R2 of the tangent, by how much of the way is gone. Medians over the runs, from lowest to "
        "highest."
    )
    header = ("Network", "On the way to", *(f"{100 * step:g} %" for step in shown))
    yield fj.reporting.table(header, rows, caption)
    for end in ("noise", REAL):
        series, bands = {}, {}
        for network in found.networks.each:
            of = found.reach.column("step", "r2", to=end, network=network)
            table = np.maximum(np.array(list(of.values()), float).T, LOWEST)
            series[network] = (100.0 * np.array(list(of)), table[0])
            if not np.isnan(table).any():
                bands[network] = (table[1], table[2])
        words = "uniform noise" if end == "noise" else "another real image"
        caption = (
            f"How well the tangent at real images foretells the logits on the way to {words}. How "
            "to read it: at 1 the network is as good as linear; what is below "
            f"\N{MINUS SIGN}{-LOWEST:g} is drawn there. Shaded: from the lowest to the highest run."
        )
        looks = {"x_label": "part of the way, %", "y_label": "R2 of the tangent", "log_x": True}
        yield curves(f"tangent_{end.split()[-1]}", series, bands, caption, looks)


def slice_of(found: Found) -> study.Figure:
    """Draw what networks say on a plane through a real image, one that fools, and noise."""
    maps = {
        cell["network"]: (arrays["answers"], arrays["confidence"])
        for cell, arrays in found.measured.slices.found
    }
    fooling = next((name for name, maker in found.makers.items() if maker.fools), "another one")
    corners = (("real", 0.0, 0.0), (fooling, 1.0, 0.0), ("noise", 0.0, 1.0))
    size = found.config.slice_pixels
    places = np.linspace(-0.5, 1.5, size)
    caption = (
        "What the networks name, and how surely, on a plane through three images: a real test "
        f"image, one of kind {fooling} made for that network, and uniform noise. How to read it: a "
        "color is a class, the paler the less sure the network is. The plane goes on beyond the "
        "images by half their distance, and there pixels leave the range from black to white."
    )
    names = found.networks.class_names
    draw = lambda path: fj.reporting.slices(path, maps, places, corners, names)
    return study.Figure("slice", draw, caption)
