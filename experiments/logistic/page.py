"""The page of a finished ``experiments.logistic`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import Found, Worked, exponent, middle, name_of, worked_example


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    config, worked, (size, epsilon) = found.config, worked_example(), middle(found)
    row = found.means.where(model=config.models[-1], size=size, epsilon=epsilon).rows[0]
    gain, predicted, random = (row.values[name].mean for name in ("gain", "predicted", "random"))
    before, after = fj.reporting.percent(worked.before), fj.reporting.percent(worked.after)
    pixels = f"{row.keys['inputs']} pixels ({config.models[-1]})"
    yield study.Opening(
        "Many small steps add up",
        "A change that is small in every number is not small in what it does: a network adds up "
        "thousands of numbers, and all of them can be moved the same way.",
        [
            (f"{before} to {after}", "ten numbers, each moved by 0.5"),
            (f"{gain:.2f}", f"log-odds gained by a step of {epsilon:g} in {pixels}"),
            (f"{predicted:.2f}", "predicted from the gradient alone"),
            (f"{random:.3f}", "changed by a step of equal size, random signs"),
        ],
    )
    yield study.Heading("Ten numbers")
    yield from ten_numbers(worked)
    yield study.Heading("The same step in real networks")
    yield (
        f"Networks of the kinds {', '.join(config.models)} were trained on {config.victim.dataset} "
        f"with the pictures resized to several sizes, {config.repeats} of each. At each of "
        f"{len(found.results.found[0][1]['labels'])} test images the gradient says in which "
        "direction each pixel makes the true class less likely. Every pixel then moves by the same "
        "small epsilon in that direction. If the network were linear, the log-odds against the "
        "true class would grow by epsilon times the sum of the sizes of the gradient's entries. "
        "The steps may leave the range of pixels; the last table says what remains when they may "
        "not."
    )
    yield study.Heading("Is the gain what the gradient predicts?")
    yield from linearity(found, size)
    yield study.Heading("Do more inputs mean more gain?")
    yield from dimension(found, epsilon)
    yield study.Heading("What it looks like")
    yield pictures(found, size, epsilon)


def ten_numbers(worked: Worked) -> Iterator[study.Block]:
    """Work the ten-dimensional example out."""
    yield (
        "A logistic unit multiplies each input by a weight, adds up, and turns the sum s into a "
        "probability 1 / (1 + exp(-s)). Here are ten inputs and weights. Each input is moved by "
        "0.5 in the direction of its weight: up where the weight is positive, down where it is "
        "negative."
    )
    number = lambda value: f"{value:g}".replace("-", "\N{MINUS SIGN}")
    columns = (worked.inputs, worked.weights, worked.inputs * worked.weights, worked.moved)
    rows = [
        (f"input {i + 1}", *map(number, values), number(values[3] * values[1]))
        for i, values in enumerate(zip(*columns, strict=True))
    ]
    before, after = worked.weights @ worked.inputs, worked.weights @ worked.moved
    rows.append(("sum", "", "", number(before), "", number(after)))
    rows.append(("probability", "", "", f"{worked.before:.4f}", "", f"{worked.after:.4f}"))
    header = ("", "Value", "Weight", "Product", "Moved by 0.5", "New product")
    yield fj.reporting.table(header, rows)
    yield (
        f"No input moved by more than 0.5, yet the sum rose by 10 times 0.5, that is 5, from "
        f"{number(before)} to {number(after)}, and the probability from {worked.before:.3f} to "
        f"{worked.after:.3f}. With a hundred inputs, 0.05 each would have done. Had the signs "
        "been drawn at random, the ten changes of 0.5 would mostly have cancelled: their sum has "
        "mean 0 and standard deviation 1.6 (0.5 times the root of 10)."
    )


def as_lines(records: Sequence[study.Record], x: str, names: Mapping[str, str]) -> study.Table:
    """Turn measures into lines: ``model``, ``model, predicted``, ...; bands are all networks."""
    long = [
        {"repeat": one["repeat"], x: one[x], "line": f"{one['model']}{after}", "odds": one[name]}
        for one in records
        for name, after in names.items()
    ]
    return study.summarize(long, ("line", x), ["odds"], over=study.span)


def linearity(found: Found, size: int) -> Iterator[study.Block]:
    """Compare gains with what the gradient predicts."""
    lines = {"gain": "", "predicted": ", predicted", "random": ", random signs"}
    table = as_lines(study.where(found.records, size=size), "epsilon", lines)
    yield study.lines(
        "linearity",
        table,
        "epsilon",
        "odds",
        "line",
        "Log-odds gained against the length of the step, with predictions and random signs. Both "
        "axes are logarithmic. Where a solid line lies on its dashed prediction the network is as "
        "good as linear; where it bends away it is not. Random signs of the same size are the "
        "control.",
        x_label="length of the step (1 is from black to white)",
        y_label="log-odds gained",
        log_x=True,
        log_y=True,
        dashed=[name for name in table.names("line") if "," in name],
        note=f"{size} x {size} pixels. Medians. Of random signs: the size of what changed. Bands: "
        "lowest to highest network.",
    )
    said = lambda row: (
        f"{row.values['ratio'].mean:.2f} ({fj.reporting.percent(row.values['near'].mean)})"
    )
    rows = [
        (f"{model}, {size} x {size}", *map(said, found.means.where(model=model, size=size).rows))
        for size in found.means.names("size")
        for model in found.means.where(size=size).names("model")
    ]
    yield fj.reporting.table(
        ("Network", *(f"{epsilon:g}" for epsilon in found.means.names("epsilon"))),
        rows,
        "Gain divided by the prediction, median over images, for each length of the step; in "
        "brackets the share of images within 10 % of the prediction.",
    )


def dimension(found: Found, epsilon: float) -> Iterator[study.Block]:
    """Compare gains in pictures of several sizes."""
    table = as_lines(
        study.where(found.records, epsilon=epsilon),
        "inputs",
        {"gain": "", "random": ", random signs"},
    )
    yield study.lines(
        "dimension",
        table,
        "inputs",
        "odds",
        "line",
        "Log-odds gained by one length of step against the number of inputs. Solid: along the "
        "gradient's signs. Dashed: random signs, the size of the change. The distance between them "
        "is what a direction is worth.",
        x_label="number of inputs",
        y_label="log-odds gained",
        log_x=True,
        log_y=True,
        dashed=[name for name in table.names("line") if "," in name],
        note=f"A step of {epsilon:g}. Bands: lowest to highest network.",
    )
    powers = {model: exponent(found.means, model) for model in found.config.models}
    said = [f"{model} with power {one:.2f}" for model, one in powers.items() if one is not None]
    if said:
        yield (
            "How fast the sum of the gradient's sizes grows with the number of inputs n, as a "
            f"power of n: {', '.join(said)}. Power 1 would be n inputs that each matter as much as "
            "before, as in the ten numbers above. But a larger version of the same picture holds "
            "hardly more information: neighbors share what one pixel did. If each pixel of a "
            "picture twice as large in both directions mattered a quarter as much, the power would "
            "be 0."
        )
    titles = {
        "accuracy": ("Test accuracy", fj.reporting.percent),
        "l1": ("Sum of the gradient's sizes", "{:.1f}".format),
        "gain": ("Gain", "{:.2f}".format),
        "predicted": ("Predicted", "{:.2f}".format),
        "random": ("Random signs, size", "{:.3f}".format),
        "inside": ("Gain inside [0, 1]", "{:.2f}".format),
        "doubted_before": ("Doubted before", fj.reporting.percent),
        "doubted": ("After", fj.reporting.percent),
        "doubted_random": ("After random signs", fj.reporting.percent),
        "doubted_inside": ("After, inside [0, 1]", fj.reporting.percent),
    }
    rows = [
        (
            f"{row.keys['model']}, {row.keys['size']} x {row.keys['size']}",
            f"{row.keys['inputs']:,}",
            *(study.spell(row.values[name], write) for name, (_, write) in titles.items()),
        )
        for row in found.means.where(epsilon=epsilon).rows
    ]
    yield fj.reporting.table(
        ("Network", "Inputs", *(title for title, _ in titles.values())),
        rows,
        f"A step of {epsilon:g}. Log-odds, medians over images, then over networks (lowest to "
        "highest network). An image is doubted when the network gives its true class less than an "
        "even chance.",
    )


def pictures(found: Found, size: int, epsilon: float) -> study.Figure:
    """Show the first test images, before and after steps that stay inside [0, 1]."""
    model = found.config.models[-1]
    unit = found.results.one(model=model, size=size, repeat=0)
    network = found.networks[name_of(model, size, 0)]
    images, labels = unit["images"], unit["labels"][: len(unit["images"])]
    moved = [np.clip(images + epsilon * unit[part], 0.0, 1.0) for part in ("uphill", "signs")]

    def confidences(images: np.ndarray) -> list[str]:
        says = study.logits(network.classifier, np.float32(images))
        own = np.asarray(fj.metrics.probabilities(says))[np.arange(len(labels)), labels]
        return [study.sure(float(one)) for one in own]

    rows = [images, *moved]
    return study.images(
        "steps",
        rows,
        [confidences(row) for row in rows],
        "Test images, the same after a step along the gradient's signs, and with random signs. "
        f"These are the first test images at {size} x {size} pixels ({model}), every pixel moved "
        f"by {epsilon:g} and kept inside [0, 1]. Below each stands the confidence in the true "
        "class, which is named above.",
        row_names=["test image", "gradient's signs", "random signs"],
        column_names=[network.class_names[label] for label in labels],
    )
