"""The page of ``experiments.logistic``, for somebody who did not run it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments import logistic, logistic_results
from fooljax import reporting
from fooljax.reporting import Html
from fooljax.runtime.settings import command_of, flat


def write(
    path: Path, summary: Mapping[str, Any], config: Any, pictures: Mapping[str, Path]
) -> Path:
    """Write the page.

    Args:
        path: the HTML file to write.
        summary: as in ``summary.json``.
        config: the experiment's settings.
        pictures: files by name.
    """
    worked = summary["worked"]
    at = logistic_results.middle_epsilon(summary["epsilons"])
    size = logistic_results.middle_size(config)
    row = next(
        row
        for row in summary["networks"]
        if row["model"] == config.models[-1] and row["size"] == size
    )
    epsilon = summary["epsilons"][at]
    return reporting.page(
        path,
        "Many small steps add up",
        reporting.tiles(
            (
                f"{reporting.percent(worked['before'])} to {reporting.percent(worked['after'])}",
                "ten numbers, each moved by 0.5",
            ),
            (
                f"{row['gain'][at]:.2f}",
                f"log-odds gained by a step of {epsilon:g} in {row['inputs']} pixels "
                f"({row['model']})",
            ),
            (f"{row['predicted'][at]:.2f}", "predicted from the gradient alone"),
            (f"{row['random_size'][at]:.3f}", "changed by a step of equal size, random signs"),
        ),
        reporting.section("Ten numbers", *_worked()),
        reporting.section("The same step in real networks", *_story(summary, config)),
        reporting.section(
            "Is the gain what the gradient predicts?", *_linearity(summary, pictures)
        ),
        reporting.section("Do more inputs mean more gain?", *_dimension(summary, pictures, at)),
        reporting.section("What it looks like", *_steps(pictures, epsilon, row)),
        reporting.section("How to repeat this", *_repeat(summary, config)),
        reporting.section("Where the idea comes from", *_source()),
        lead="A change that is small in every number is not small in what it does: a network adds "
        "up thousands of numbers, and all of them can be moved the same way.",
        warnings=summary["warnings"],
    )


def _worked() -> Iterator[Html]:
    example = logistic.worked_example()
    yield reporting.paragraph(
        "A logistic unit multiplies each input by a weight, adds up, and turns the sum s into a "
        "probability 1 / (1 + exp(-s)). Here are ten inputs and weights. Each input is moved by "
        "0.5 in the direction of its weight: up where the weight is positive, down where it is "
        "negative."
    )
    number = lambda value: f"{value:g}".replace("-", "\u2212")
    columns = (example.inputs, example.weights, example.inputs * example.weights, example.moved)
    rows = [
        (f"input {i + 1}", *map(number, values), number(values[3] * values[1]))
        for i, values in enumerate(zip(*columns, strict=True))
    ]
    before, after = example.weights @ example.inputs, example.weights @ example.moved
    rows.append(("sum", "", "", number(before), "", number(after)))
    rows.append(("probability", "", "", f"{example.before:.4f}", "", f"{example.after:.4f}"))
    yield reporting.table(("", "Value", "Weight", "Product", "Moved by 0.5", "New product"), rows)
    yield reporting.paragraph(
        f"No input moved by more than 0.5, yet the sum rose by 10 times 0.5, that is 5, from "
        f"{number(before)} to {number(after)}, and the probability from {example.before:.3f} to "
        f"{example.after:.3f}. With a hundred inputs, 0.05 each would have done. Had the signs "
        "been drawn at random, the ten changes of 0.5 would mostly have cancelled: their sum has "
        "mean 0 and standard deviation 1.6 (0.5 times the root of 10)."
    )


def _story(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield reporting.paragraph(
        f"Networks of the kinds {', '.join(config.models)} were trained on {config.victim.dataset} "
        f"with the pictures resized to several sizes, {summary['repeats']} of each. At each of "
        f"{summary['images']} test images the gradient says in which direction each pixel makes "
        "the true class less likely. Every pixel then moves by the same small epsilon in that "
        "direction. If the network were linear, the log-odds against the true class would grow by "
        "epsilon times the sum of the sizes of the gradient's entries. The steps may leave the "
        "range of pixels; the last table says what remains when they may not."
    )


def _linearity(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield reporting.figure(
        pictures["linearity"],
        "Log-odds gained against the length of the step, with predictions and random signs.",
        "Both axes are logarithmic. Where a solid line lies on its dashed prediction the network "
        "is as good as linear; where it bends away it is not. Random signs of the same size are "
        "the control.",
    )
    epsilons = summary["epsilons"]
    yield reporting.table(
        ("Network", *(f"{epsilon:g}" for epsilon in epsilons)),
        [
            (
                f"{row['model']}, {row['size']} x {row['size']}",
                *(
                    f"{ratio:.2f} ({reporting.percent(float(near))})"
                    for ratio, near in zip(row["ratio"], row["share_as_predicted"], strict=True)
                ),
            )
            for row in summary["networks"]
        ],
        "Gain divided by the prediction, median over images, for each length of the step; in "
        "brackets the share of images within 10 % of the prediction.",
    )


def _dimension(summary: Mapping[str, Any], pictures: Mapping[str, Path], at: int) -> Iterator[Html]:
    epsilon = summary["epsilons"][at]
    yield reporting.figure(
        pictures["dimension"],
        "Log-odds gained by one length of step against the number of inputs.",
        "Solid: along the gradient's signs. Dashed: random signs, the size of the change. The "
        "distance between them is what a direction is worth.",
    )
    powers = [
        f"{model} with power {power:.2f}"
        for model, power in summary["l1_exponent"].items()
        if power is not None
    ]
    if powers:
        yield reporting.paragraph(
            "How fast the sum of the gradient's sizes grows with the number of inputs n, as a "
            f"power of n: {', '.join(powers)}. Power 1 would be n inputs that each matter as much "
            "as before, as in the ten numbers above. But a larger version of the same picture "
            "holds hardly more information: neighbors share what one pixel did. If each pixel of "
            "a picture twice as large in both directions mattered a quarter as much, the power "
            "would be 0."
        )
    yield reporting.table(
        (
            "Network",
            "Inputs",
            "Test accuracy",
            "Sum of the gradient's sizes",
            "Gain",
            "Predicted",
            "Random signs, size",
            "Gain inside [0, 1]",
            "Doubted before",
            "After",
            "After random signs",
            "After, inside [0, 1]",
        ),
        [
            (
                f"{row['model']}, {row['size']} x {row['size']}",
                f"{row['inputs']:,}",
                ", ".join(reporting.percent(one) for one in row["accuracy"]),
                f"{row['gradient_l1']:.1f}",
                f"{row['gain'][at]:.2f}",
                f"{row['predicted'][at]:.2f}",
                f"{row['random_size'][at]:.3f}",
                f"{row['inside'][at]:.2f}",
                reporting.percent(float(row["doubted_at_start"])),
                reporting.percent(float(row["doubted"][at])),
                reporting.percent(float(row["doubted_random"][at])),
                reporting.percent(float(row["doubted_inside"][at])),
            )
            for row in summary["networks"]
        ],
        f"A step of {epsilon:g}. Log-odds, medians over images, then networks. An image is "
        "doubted when the network gives its true class less than an even chance.",
    )


def _steps(pictures: Mapping[str, Path], epsilon: float, row: Mapping[str, Any]) -> Iterator[Html]:
    yield reporting.figure(
        pictures["steps"],
        "Test images, the same after a step along the gradient's signs, and with random signs.",
        f"The first test images at {row['size']} x {row['size']} pixels ({row['model']}), every "
        f"pixel moved by {epsilon:g} and kept inside [0, 1]. Below each stands the confidence in "
        "the true class, which is named above.",
    )


def _repeat(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield reporting.code(command_of("experiments.logistic", config))
    versions = ", ".join(f"{name} {version}" for name, version in summary["versions"].items())
    yield reporting.paragraph(f"On {summary['device']}, {versions}.")
    rows = [(name, str(value)) for name, value in flat(config).items()]
    yield reporting.details("Settings of this run", reporting.table(("Setting", "Value"), rows))


def _source() -> Iterator[Html]:
    yield reporting.paragraph(
        "Goodfellow, Shlens and Szegedy, 2015, ",
        reporting.link(
            "Explaining and harnessing adversarial examples", "https://arxiv.org/abs/1412.6572"
        ),
        ", section 3.",
    )
