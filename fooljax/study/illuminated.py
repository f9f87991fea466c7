"""What a search over cells of descriptors found: looks that fool, class by class."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from fooljax import metrics
from fooljax.evolution import Cells, Grid
from fooljax.study.look_cells import Looks, cells_of
from fooljax.study.prepared import Prepared
from fooljax.study.search_run import Finished
from fooljax.study.variety import effective_numbers

SURE = 0.99  # confidence from which on a look fools


_ENDS = ("low", "high")  # of a descriptor


class Illuminated(NamedTuple):
    """What the niches of every class hold.

    Letters: ``g`` generations and the random population, ``r`` runs, ``k`` classes, ``m``
    cells.

    Attributes:
        grid: the cells.
        names: of the descriptors.
        confidence: of each niche's image, ``[g, r, k, m]``.
        filled: which niches hold one.
        images: at the end, ``[r, k, m, h, w, c]``.
        different: effective number of the images of each class that are sure, ``[r, k]``, in
            pixels and in features, by what these are in words.
        children: images that the network was shown in a generation of a run.
    """

    grid: Cells
    names: tuple[str, ...]
    confidence: Float[np.ndarray, "g r k m"]
    filled: Bool[np.ndarray, "g r k m"]
    images: np.ndarray
    different: Mapping[str, Float[np.ndarray, "r k"]]
    children: int

    @property
    def evaluations(self) -> Int[np.ndarray, " g"]:
        """Images that the network was shown in a run up to each generation."""
        return self.children * np.arange(1, len(self.confidence) + 1)

    @property
    def flat(self) -> np.ndarray:
        """The images niche after niche, ``[r, k * m, h, w, c]``."""
        return self.images.reshape(len(self.images), -1, *self.images.shape[3:])

    @property
    def labels(self) -> list[str]:
        """The middle of every cell in words, to follow the name of a class."""
        places = (place_in_grid(self, cell) for cell in range(self.grid.size))
        return ["".join(f", {name} {at:g}" for name, at in place.items()) for place in places]

    @property
    def centers(self) -> Float[np.ndarray, "m d"]:
        """The middle of every cell, in the descriptors' own units."""
        low, high = (np.array([getattr(o, end) for o in self.grid.descriptors]) for end in _ENDS)
        return low + (high - low) * self.grid.centers

    @property
    def division(self) -> str:
        """How the looks are divided, in words."""
        words = " and of ".join(one.words for one in self.grid.descriptors)
        if isinstance(self.grid, Grid):
            return f"{self.grid.cells} equal steps of {words}"
        return (
            f"cells of about equal size (a centroidal Voronoi tessellation) over what there is of "
            f"{words}"
        )


def sort_niches(
    looks: Looks,
    finished: Finished,
    niches: np.ndarray,
    network: Prepared,
    children: int,
) -> tuple[np.ndarray, Illuminated | None]:
    """Return the best image of each class, and all of them by look if there are cells.

    Args:
        looks: that every class keeps an image of.
        finished: the run.
        niches: images of all niches, ``[r, k * m, h, w, c]``.
        network: that they were made for.
        children: images that it was shown in a generation of a run.

    Example:
        >>> from types import SimpleNamespace
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> looks = study.Looks(descriptors=("brightness",), grid=2)
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> prepared = study.given(network, lambda shape, num_classes: None)
        >>> niches = np.random.default_rng(0).random((1, 6, 8, 8, 1))  # 2 looks of 3 classes
        >>> sure = np.array([[[0.9, 0.1, 0.2, 0.8, 0.3, 0.7]]])  # in one generation of one run
        >>> state = SimpleNamespace(archive=SimpleNamespace(fitness=sure[0]))
        >>> done = SimpleNamespace(state=state, history={"confidence": sure, "taken": sure > 0})
        >>> best, found = study.sort_niches(looks, done, niches, prepared, children=8)
        >>> bool((best[0] == niches[0, [0, 3, 5]]).all()), found.confidence.shape
        (True, (1, 1, 3, 2))
    """
    grid = cells_of(looks)
    if grid is None:
        return niches, None
    num_classes = network.classifier.num_classes
    split = lambda rows: rows.reshape(*rows.shape[:2], num_classes, grid.size)
    images = niches.reshape(len(niches), num_classes, grid.size, *niches.shape[2:])
    fitness = np.asarray(finished.state.archive.fitness)
    best = np.argmax(fitness.reshape(images.shape[:3]), axis=2)
    confidence = split(finished.history["confidence"])
    filled = split(np.logical_or.accumulate(finished.history["taken"], axis=0))
    found = Illuminated(
        grid,
        tuple(word.split(":")[0] for word in looks.descriptors),
        confidence,
        filled,
        images,
        effective_numbers(network, images, filled[-1] & (confidence[-1] >= SURE)),
        children,
    )
    runs, classes = np.indices(best.shape)
    return images[runs, classes, best], found


def place_in_grid(found: Illuminated | None, niche: int) -> dict[str, float]:
    """Return the middle of a niche's cell along each descriptor, by its name.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> cells = study.cells_of(study.Looks(descriptors=("brightness",), grid=4))
        >>> sure, images = np.full((1, 1, 2, 4), 0.9), np.zeros((1, 2, 4, 8, 8, 1))  # of 2 classes
        >>> found = study.Illuminated(cells, ("brightness",), sure, sure > 0, images, {}, 8)
        >>> study.place_in_grid(found, 0), study.place_in_grid(found, 7)
        ({'brightness': 0.125}, {'brightness': 0.875})
    """
    if found is None:
        return {}
    at = found.centers[niche % found.grid.size]
    return {name: round(float(value), 6) for name, value in zip(found.names, at, strict=True)}


def curves(found: Illuminated) -> dict[str, Float[np.ndarray, "r g"]]:
    """Return the mean over the classes of what fills the cells, by run and generation."""
    sums = metrics.illumination(found.confidence, found.filled)
    fooled = np.mean(found.filled & (found.confidence >= SURE), axis=3)
    parts = {
        "coverage": sums.coverage,
        "norm_qd_score": sums.norm_qd_score,
        "best": np.nan_to_num(sums.best),
        "sure_share": fooled,
    }
    return {name: np.mean(of, axis=2).T for name, of in parts.items()}


def sum_up_grid(found: Illuminated) -> dict[str, Any]:
    """Return the numbers for ``summary.json``; scores as pyribs defines them.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> cells = study.cells_of(study.Looks(descriptors=("brightness",), grid=4))
        >>> sure, images = np.full((1, 1, 2, 4), 0.9), np.zeros((1, 2, 4, 8, 8, 1))  # of 2 classes
        >>> sure[..., 0], one = 0.995, np.ones((1, 2))
        >>> different = {"pixels": one, "features": one}
        >>> found = study.Illuminated(cells, ("brightness",), sure, sure > 0, images, different, 8)
        >>> told = study.sum_up_grid(found)
        >>> float(told["coverage"]), float(told["sure_share"])
        (1.0, 0.25)
    """
    last = metrics.illumination(found.confidence[-1], found.filled[-1])
    return {
        "descriptors": [
            {"name": name, "low": one.low, "high": one.high}
            for name, one in zip(found.names, found.grid.descriptors, strict=True)
        ],
        "archive": "grid" if isinstance(found.grid, Grid) else "cvt",
        "cells": found.grid.cells if isinstance(found.grid, Grid) else found.grid.size,
        "coverage": np.mean(last.coverage),
        "qd_score": np.mean(last.qd_score),
        "norm_qd_score": np.mean(last.norm_qd_score),
        "best": np.mean(np.nan_to_num(last.best)),
        "sure_share": np.mean(found.filled[-1] & (found.confidence[-1] >= SURE)),
        "qd_score_per_class": last.qd_score,
        "effective_number_of_sure": {
            name: np.nanmean(of) if np.any(of > 0) else None
            for name, of in zip(("pixels", "features"), found.different.values(), strict=True)
        },
        "evaluations_by_generation": found.evaluations,
        **{f"{name}_by_generation": curve for name, curve in curves(found).items()},
    }
