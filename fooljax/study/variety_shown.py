"""What a page and a summary say of how different the images of several runs are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fooljax import analysis, reporting
from fooljax.study.page import Block
from fooljax.study.tables import span
from fooljax.study.variety import PERMUTATIONS, Variety
from fooljax.study.wording import share, spell

_PAIRS = 3  # of related classes that are named


def plain_variety(found: Mapping[str, Variety]) -> dict[str, Any]:
    """Return the numbers as JSON can hold them; nulls without their single values.

    Example:
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> half = fj.analysis.Explained(0.5, 0.3, 0.001, np.empty(0))
        >>> number = {"evolved": np.array([1.5, 2.0])}  # of each class
        >>> one = study.Variety("pixels", np.arange(2), number, 4, 3.0, half, half, np.eye(2))
        >>> told = study.plain_variety({"pixels": one})["pixels"]
        >>> told["effective_number"], told["explained_by_run"]
        (3.0, {'share': 0.5, 'chance': 0.3, 'p_value': 0.001})
    """
    explained = lambda one: {name: getattr(one, name) for name in ("share", "chance", "p_value")}
    return {
        name: {
            "effective_number_of_class": {kind: list(of) for kind, of in one.of_class.items()},
            "effective_number": one.whole,
            "images": one.size,
            "explained_by_class": explained(one.by_class),
            "explained_by_run": explained(one.by_run),
        }
        for name, one in found.items()
    }


def show_variety(
    found: Mapping[str, Variety], repeats: int, names: Sequence[str]
) -> Iterator[Block]:
    """Say how different the runs are, beside what chance would give.

    Args:
        found: from `measure_variety`.
        repeats: number of runs.
        names: of all classes.

    Example:
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> half = fj.analysis.Explained(0.5, 0.3, 0.001, np.empty(0))
        >>> number = {"evolved": np.array([1.5, 2.0])}  # of each class
        >>> one = study.Variety("pixels", np.arange(2), number, 4, 3.0, half, half, np.eye(2))
        >>> spaces = {"pixels": one, "features": one._replace(space="logits")}
        >>> words, *_ = study.show_variety(spaces, repeats=2, names=("cat", "dog"))
        >>> words.split("? ")[1].split(" in ")[0]
        'The 2 images that as many runs found for a class amount to 1.75 different ones'
    """
    middle = {name: np.nanmean(one.of_class["evolved"]) for name, one in found.items()}
    of = f"The {repeats} images that as many runs found for a class"
    yield (
        f"Did every run find the same image, or another one? {of} amount to "
        f"{middle['pixels']:.2f} different ones in pixels, and to {middle['features']:.2f} in "
        f"{found['features'].space} (mean over the classes). {repeats} would mean that no two of "
        "them have anything in common; 1 that all are the same."
    )
    titles = {
        "evolved": "evolved",
        "random": "random images of the encoding",
        "real": "real test images",
    }
    spaces = list(found.values())
    middle_of = lambda values: spell(span(values[~np.isnan(values)]), "{:.2f}".format)
    rows = [
        (f"Among {repeats} of a class, {title}", *(middle_of(one.of_class[kind]) for one in spaces))
        for kind, title in titles.items()
        if kind in found["pixels"].of_class
    ]
    rows += [
        (f"Among all {spaces[0].size} evolved", *(f"{one.whole:.1f}" for one in spaces)),
        ("Explained by the class", *(_spelled(one.by_class) for one in spaces)),
        ("Explained by the run", *(_spelled(one.by_run) for one in spaces)),
    ]
    yield reporting.table(
        ("Different images", *(f"In {one.space}" for one in spaces)),
        rows,
        "Effective numbers of images (median of the classes, lowest and highest class), and the "
        "share of all squared distances that lies between classes, and between runs",
    )
    yield (
        "How to read it: the effective number (Vendi score) counts images by how unlike they are: "
        "copies count once, images without anything in common count each. Random and real images "
        "say what it is where nobody evolved anything. Of pixels an image's own mean is subtracted "
        "first. Shares are compared with labels shuffled "
        f"{PERMUTATIONS} times (those of runs within each class); p is how often these explain "
        "as much."
    )
    yield from _related(found["features"], names)


def _spelled(one: analysis.Explained) -> str:
    if np.isnan(one.share):
        return share(None)
    return f"{share(one.share)} (chance {share(one.chance)}, p = {one.p_value:.3f})"


def _related(found: Variety, names: Sequence[str]) -> Iterator[Block]:
    upper = np.triu(np.ones_like(found.likeness, bool), 1) & ~np.isnan(found.likeness)
    first, second = np.nonzero(upper)
    if len(first) < _PAIRS + 1:
        return
    values = found.likeness[first, second]
    order = np.argsort(-values, kind="stable")
    of = [names[label] for label in found.classes]
    pair = lambda i: f"{of[first[i]]} and {of[second[i]]} ({values[i]:.2f})"
    yield (
        f"Related classes, by {found.space}, across runs, so that no ancestor is shared: most "
        f"alike are {', '.join(pair(i) for i in order[:_PAIRS])}, least alike {pair(order[-1])}; "
        f"the number is the cosine, whose mean is {values.mean():.2f} between different classes "
        f"and {np.nanmean(np.diagonal(found.likeness)):.2f} within one."
    )
