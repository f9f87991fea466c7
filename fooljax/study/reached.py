"""How many of many classes were reached, and those that the paper speaks of."""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from fooljax import reporting
from fooljax.reporting import Html
from fooljax.study.page import Block, Figure
from fooljax.study.published import BAND, Published
from fooljax.study.wording import share, sure

_LEVELS = ("0.5", "0.9", "0.99")
_HIGH = ("0.99", "0.999", "0.9999")


def shares_above(confidence: Float[np.ndarray, "g r k"]) -> dict[str, list[float]]:
    """Return the share of classes whose median over the repeats is at least a level.

    Args:
        confidence: by generation, repeat and class.

    Returns:
        By level, a share for each generation.
    """
    middle = np.median(confidence, axis=1)
    return {level: np.mean(middle >= float(level), axis=1).tolist() for level in _LEVELS}


def first_above(confidence: Float[np.ndarray, "g r k"]) -> dict[str, list[int | None]]:
    """Return the first generation in which every class was above a level, for each repeat."""
    lowest = np.min(confidence, axis=2)
    first = lambda above: int(np.argmax(above)) if above.any() else None
    return {level: [first(one >= float(level)) for one in lowest.T] for level in _HIGH}


def table_of_first(confidence: Float[np.ndarray, "g r k"]) -> Html:
    """Write in which generation of each run every class was above a level for the first time.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> sure = np.array([[[0.5, 0.9]], [[0.995, 0.992]]])  # [generations, runs, classes]
        >>> block = study.table_of_first(sure)
        >>> block.markup.count("never")  # above 99 % in the last one, and nowhere above more
        2
    """
    when = lambda at: "never" if at is None else f"{at:,}"
    return reporting.table(
        ("Confidence", "Generation, for each run"),
        [
            (reporting.percent(float(level)), ", ".join(map(when, runs)))
            for level, runs in first_above(confidence).items()
        ],
        "First generation at which every class was above a confidence",
    )


def sum_up_progress(confidence: Float[np.ndarray, "g r k"]) -> dict[str, Any]:
    """Return what ``summary.json`` says of the confidence, at the end and by generation.

    Args:
        confidence: in the best image of each class, by generation, repeat and class.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> sure = np.array([[[0.5, 0.9]], [[0.995, 0.992]]])  # [generations, runs, classes]
        >>> told = study.sum_up_progress(sure)
        >>> told["share_above_0.9_by_generation"], told["first_generation_all_above"]["0.99"]
        ([0.5, 1.0], [1])
    """
    medians, lowest = np.median(confidence, axis=2), np.min(confidence, axis=2)
    return {
        "median_confidence": np.median(medians[-1]),
        "min_confidence": np.min(lowest[-1]),
        "per_class_confidence": confidence[-1],
        "median_confidence_by_generation": np.median(medians, axis=1),
        "median_confidence_by_generation_per_repeat": medians.T,
        "min_confidence_by_generation_per_repeat": lowest.T,
        **{
            f"share_above_{level}_by_generation": shares
            for level, shares in shares_above(confidence).items()
        },
        "first_generation_all_above": first_above(confidence),
    }


def show_reached(
    confidence: Float[np.ndarray, "g r k"], published: Published | None
) -> Iterator[Block]:
    """Show the share of classes above each level by generation, beside the paper's if known.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> sure = np.array([[[0.5, 0.9]], [[0.995, 0.992]]])  # [generations, runs, classes]
        >>> figure, words = study.show_reached(sure, None)
        >>> figure.name, words[:10]
        ('shares', 'At the end')
    """
    last = len(confidence) - 1
    at = np.unique(np.linspace(0, last, min(last + 1, 400)).round().astype(int))
    series: dict[str, tuple[Any, Any]] = {}  # whatever numpy makes arrays of
    dashed, shares = [], shares_above(confidence)
    for level, above in shares.items():
        words = share(float(level))
        series[f"above {words}"] = (at, np.array(above)[at])
        points = (
            [point for point in published.shares.get(level, ()) if point[0] <= last]
            if published
            else []
        )
        if points:
            dashed.append(f"paper, above {words}")
            series[dashed[-1]] = tuple(np.array(points, float).T)
    draw = functools.partial(
        reporting.lines,
        series=series,
        x_label="generation",
        y_label="share of classes",
        shares=True,
        dashed=dashed,
    )
    yield Figure(
        "shares",
        draw,
        "Share of the classes above three confidences, over the generations. How to read it: each "
        "line is a confidence; its height is the share of classes whose image (the median of the "
        "runs) has at least that much. Open marks and dashed lines, if any, are the paper's.",
    )
    ends = [f"{share(one[-1])} of the classes reach {share(float(level))}"
            for level, one in shares.items()]  # fmt: skip
    yield f"At the end {', '.join(ends)}."


def medians_of_band(
    last: Float[np.ndarray, "r k"], published: Published | None
) -> dict[str, Any] | None:
    """Return medians over dogs and cats, and over the others, if the classes are ImageNet's.

    Args:
        last: confidence at the end.
        published: what the paper found; None with other classes.

    Example:
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> sure = np.full((1, 1000), 0.9)  # of one run
        >>> sure[:, 157:287] = 0.5  # dogs and cats
        >>> paper = study.published_for(fj.data.imagenet_names(), "cppn")
        >>> told = study.medians_of_band(sure, paper)
        >>> float(told["median_confidence_dogs_and_cats"]), study.medians_of_band(sure, None)
        (0.5, None)
    """
    if published is None:
        return None
    middle = np.median(last, axis=0)
    inside = np.zeros(len(middle), bool)
    inside[BAND[0] : BAND[1] + 1] = True
    return {
        "median_confidence_dogs_and_cats": np.median(middle[inside]),
        "median_confidence_other_classes": np.median(middle[~inside]),
        "published_medians_dogs_and_cats_and_others": [published.inside, published.outside],
    }


def compare_band(inside: float, outside: float, known: tuple[float, float]) -> str:
    """Compare dogs and cats with all other classes; arguments as `medians_of_band` returns.

    Example:
        >>> from fooljax import study
        >>> words = study.compare_band(inside=0.5, outside=0.9, known=(0.49, 0.92))
        >>> "lower than that of all others" in words
        True
    """
    order = "lower than" if inside < outside else "not lower than"
    paper = " and ".join(share(value) for value in known)
    return (
        f"The marked classes, dogs and cats, end at a median of {sure(inside)}, {order} that "
        f"of all others, {sure(outside)} (in the paper, at its end, {paper})."
    )
