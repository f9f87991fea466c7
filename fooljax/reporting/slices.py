"""What networks say on a plane through three images: a map of classes and confidence."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fooljax.reporting.axes import empty_chart, save_chart
from fooljax.reporting.checks import as_numbers, as_probabilities
from fooljax.reporting.drawing import FAINT, INK
from fooljax.reporting.wording import drawable

# a class more than there are colors is drawn in grey
_COLORS = (
    *("0072b2", "d55e00", "009e73", "cc79a7", "e69f00", "56b4e9", "7f3c8d", "a5aa20"),
    *("b3303a", "3f51b5"),
)
_REST = "707070"
_SIDE = 3.4  # inches of a map


def slices(
    path: str | os.PathLike[str],
    maps: Mapping[str, tuple[ArrayLike, ArrayLike]],
    places: ArrayLike,
    corners: Sequence[tuple[str, float, float]],
    class_names: Sequence[str],
) -> Path:
    """Draw maps side by side, a color for each class, the paler the less sure a network is.

    The classes with the largest areas have colors of their own; others are grey.

    Args:
        path: the file to write; its ending (png, pdf, svg) sets the format.
        maps: by the name of a network, answers ``[s, s]`` and confidences ``[s, s]``, the
            first row lowest.
        places: where the points stand on either axis, ``[s]``, evenly ascending.
        corners: name and place of each image that the plane goes through.
        class_names: of all classes.

    Returns:
        The path written.

    Raises:
        ValueError: if there is no map, shapes disagree, or a confidence is outside [0, 1].

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> answers, sure = np.array([[0, 0], [1, 1]]), np.full((2, 2), 0.9)
        >>> corners = [("image", 0.0, 0.0)]
        >>> maps, names = {"lenet": (answers, sure)}, ["cat", "dog"]
        >>> reporting.slices("s.png", maps, [0.0, 1.0], corners, names).name
        's.png'
    """
    if not maps:
        raise ValueError("slices needs at least one map")
    axis = as_numbers(places, "places").astype(np.float64)
    side = len(axis)
    figure, first = empty_chart(_SIDE * len(maps) + 0.2, _SIDE + 0.9)
    first.remove()
    panels = figure.subplots(1, len(maps), squeeze=False)[0]
    answers = {name: np.asarray(both[0]) for name, both in maps.items()}
    for name, answer in answers.items():
        if answer.shape != (side, side):
            raise ValueError(f"answers of {name!r} must be {(side, side)}, got {answer.shape}")
    sizes = np.bincount(np.concatenate([one.ravel() for one in answers.values()]))
    shown = [int(label) for label in np.argsort(-sizes, kind="stable")[: len(_COLORS)]]
    shown = [label for label in shown if sizes[label]]
    palette = np.tile(_color(_REST), (max(len(class_names), len(sizes)), 1))
    for label, color in zip(shown, _COLORS, strict=False):
        palette[label] = _color(color)
    ends = (axis[0], axis[-1], axis[0], axis[-1])
    for panel, (name, (_, confidence)) in zip(panels, maps.items(), strict=True):
        sure = as_probabilities(confidence, ("s", "s"))[..., None]
        pixels = 1.0 - sure * (1.0 - palette[answers[name]])
        panel.imshow(pixels, origin="lower", extent=ends, interpolation="nearest")
        for text, x, y in corners:
            panel.plot(x, y, "o", color="white", markeredgecolor=INK, markersize=6)
            panel.annotate(
                drawable(text, "image"),
                (x, y),
                (4, 6),
                textcoords="offset points",
                fontsize=8,
                color=INK,
                parse_math=False,
                bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1.0},
            )
        panel.set_title(drawable(name, "network"), fontsize=10, color=INK, parse_math=False)
        panel.tick_params(colors=INK, labelsize=8)
        panel.locator_params(nbins=5)
        panel.spines[:].set_color(FAINT)
    for label in shown:
        text = drawable(str(class_names[label]), f"class {label}").split(",")[0]
        panels[0].plot([], [], "s", color=palette[label], label=text)
    if np.sum(sizes > 0) > len(shown):
        panels[0].plot([], [], "s", color=_color(_REST), label="others")
    figure.legend(
        loc="outside lower center",
        ncols=min(len(shown) + 1, 4 * len(maps)),
        frameon=False,
        fontsize=8,
        labelcolor=INK,
    )
    return save_chart(figure, path)


def _color(code: str) -> NDArray[np.float64]:
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)]) / 255.0
