"""From a flag that names a search to the search: populations, emitters, strategies of evosax."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from fooljax import evolution
from fooljax.evolution import Cells
from fooljax.types import Encoding, Search

#: Searches for all classes together, whose niches may be cells of looks, by name.
SEARCHES: dict[str, Callable[..., Search]] = {
    "map_elites": evolution.map_elites,
    "own_niche": functools.partial(evolution.map_elites, niches="own"),
    "dominated": evolution.dominated_novelty,
    "cma_me": evolution.cma_me,
    "cma_mega": evolution.cma_mega,
    "omg_mega": evolution.omg_mega,
}

#: Those that take gradients of what an encoding paints, which must not have steps.
SMOOTH_SEARCHES = ("cma_mega", "omg_mega")


def make_search(
    flag: str,
    name: str,
    encoding: Encoding,
    children: int,
    num_classes: int,
    grid: Cells | None,
    options: Mapping[str, Any],  # whatever the search takes
) -> Search:
    """Make the search of a name: of ``SEARCHES``, or a strategy of evosax for each class.

    Args:
        flag: that names it, with its dashes.
        name: what it says.
        encoding: of the images.
        children: in a generation.
        num_classes: of the network.
        grid: the niches of each class.
        options: what else the search takes.

    Raises:
        ValueError: if it cannot search like this, naming the flag.

    Example:
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> encoding = fj.encodings.direct((8, 8, 1))
        >>> about = {"children": 20, "num_classes": 3, "grid": None, "options": {}}
        >>> search = study.make_search("--search", "map_elites", encoding, **about)
        >>> type(search).__name__
        'Search'
        >>> try:
        ...     study.make_search("--search", "CMA_ES", encoding, **{**about, "children": 5})
        ... except ValueError as error:
        ...     print(error)
        --search CMA_ES needs at least two --children for each of the 3 classes, got 5
    """
    if name not in SEARCHES and children < 2 * num_classes:
        raise ValueError(
            f"{flag} {name} needs at least two --children for each of the {num_classes} classes, "
            f"got {children}"
        )
    try:
        if name in SEARCHES:
            return SEARCHES[name](encoding, children, grid=grid, **options)
        return evolution.strategy(name, encoding, children, **options)
    except ValueError as error:
        message = str(error).removeprefix("children: ")
        raise ValueError(f"{flag} {name}: {message}; or map_elites, or own_niche") from error
