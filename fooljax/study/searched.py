"""Pictures of a finished search: the best that differ, kin, ancestors, a page of all niches."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fooljax import analysis, reporting
from fooljax.data.resize import shrink
from fooljax.evolution import lineage
from fooljax.study.page import Figure
from fooljax.study.painting import THUMBNAIL, as_8_bit
from fooljax.study.search_run import Finished
from fooljax.study.wording import share, sure

SIDE = 128  # most pixels of a picture on a sheet
_FEATURE_SIDE = 8  # pixels of what tells images apart
_FAMILIES, _FAMILY = 4, 3  # of related classes, classes in each


class Diverse(NamedTuple):
    """The best images that differ from each other.

    Attributes:
        wanted: how many were asked for.
        shown: how many there are.
        level: confidence that they should reach.
        above_level: images of all that reach it.
        unrelated: of those shown, how many have no common ancestor in the second half of
            the run.
        mean_confidence: of those shown.
        classes: of each.
        repeats: of each.
    """

    wanted: int
    shown: int
    level: float
    above_level: int
    unrelated: int
    mean_confidence: float
    classes: list[int]
    repeats: list[int]


def choose_diverse(images: np.ndarray, finished: Finished, count: int, level: float) -> Diverse:
    """Choose the best images that differ, relatives last.

    Args:
        images: the champions, ``[repeats, k, h, w, c]``.
        finished: the run.
        count: how many to choose.
        level: confidence that they should reach.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> from fooljax.study.search_run import Clock, Finished
        >>> images = np.random.default_rng(0).random((1, 3, 8, 8, 1))  # of 3 classes, in one run
        >>> history = {"parent": np.full((2, 1, 3), -1), "taken": np.ones((2, 1, 3), bool)}
        >>> history["confidence"] = np.array([[[0.1, 0.2, 0.3]], [[0.9, 0.99, 0.5]]])
        >>> done = Finished(None, history, {}, generation=1, clock=Clock())
        >>> chosen = study.choose_diverse(images, done, count=2, level=0.8)
        >>> chosen.shown, chosen.classes, chosen.above_level
        (2, [1, 2], 2)
    """
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
        colors[filled], confidence[filled], families.ravel()[filled], count, level
    )
    best = filled[places]
    return Diverse(
        count,
        len(best),
        level,
        int(np.sum(confidence >= level)),
        unrelated,
        float(np.mean(confidence[best])),
        [int(i % num_classes) for i in best],
        [int(i // num_classes) for i in best],
    )


def diverse(
    images: np.ndarray, names: Sequence[str], finished: Finished, chosen: Diverse
) -> Figure:
    """Show the images chosen by `choose_diverse`.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> from fooljax.study.search_run import Clock, Finished
        >>> images = np.random.default_rng(0).random((1, 3, 8, 8, 1))  # of 3 classes, in one run
        >>> done = Finished(None, {"confidence": np.full((1, 1, 3), 0.9)}, {}, 0, Clock())
        >>> chosen = study.Diverse(2, 2, 0.8, 3, 2, 0.9, classes=[0, 2], repeats=[0, 0])
        >>> block = study.diverse(images, ("cat", "dog", "bird"), done, chosen)
        >>> block.draw("diverse.png").name
        'diverse.png'
    """
    confidence = finished.history["confidence"][-1]
    places = list(zip(chosen.repeats, chosen.classes, strict=True))
    captions = [f"{names[niche]}\n{sure(confidence[repeat, niche])}" for repeat, niche in places]
    shown = shrink(images, SIDE)[chosen.repeats, chosen.classes][None]
    return Figure(
        "diverse",
        lambda path: reporting.grid(path, shown, [captions], columns=8),
        "The most certain evolved images that differ from each other, with class and confidence. "
        "How to read it: each image stands for another class, run or kind of pattern. They were "
        "chosen by rule, not by hand: the most certain one first, then always the image farthest "
        "from all chosen ones (in the colors of 8 x 8 fields), relatives last.",
    )


def tell_diverse(chosen: Diverse) -> str:
    """Say how good the images are that differ.

    Example:
        >>> from fooljax import study
        >>> chosen = study.Diverse(2, 2, 0.8, 3, 2, 0.9, classes=[0, 2], repeats=[0, 0])
        >>> study.tell_diverse(chosen).split(". ")[0]
        '3 images reach 80 %; the most certain ones were chosen among'
    """
    few = chosen.above_level < 2 * chosen.wanted
    among = "the most certain ones were chosen among" if few else "those were chosen among"
    return (
        f"{chosen.above_level:,} images reach {share(chosen.level)}; {among}. The "
        f"{chosen.shown} shown have a mean confidence of {sure(chosen.mean_confidence)}, "
        f"and {chosen.unrelated} of them no common ancestor in the second half of the run."
    )


def related(
    images: np.ndarray,
    names: Sequence[str],
    finished: Finished,
    groups: Mapping[str, tuple[int, ...]],
) -> Figure | None:
    """Show groups of related classes, a row for each repeat; None if there are none.

    Args:
        images: the champions, ``[repeats, k, h, w, c]``.
        names: of the classes.
        finished: the run.
        groups: of classes, by name, beside those that the first repeat's lineage shows.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> from fooljax.study.search_run import Clock, Finished
        >>> images = np.random.default_rng(0).random((1, 3, 8, 8, 1))  # of 3 classes, in one run
        >>> history = {"parent": np.full((2, 1, 3), -1), "taken": np.ones((2, 1, 3), bool)}
        >>> history["confidence"] = np.full((2, 1, 3), 0.9)
        >>> done = Finished(None, history, {}, generation=1, clock=Clock())
        >>> block = study.related(images, ("cat", "dog", "car"), done, {"animals": (0, 1)})
        >>> block.draw("related.png").name
        'related.png'
        >>> study.related(images, ("cat", "dog", "car"), done, {}) is None  # no kin either
        True
    """
    parent, taken = finished.history["parent"][:, 0], finished.history["taken"][:, 0]
    kin = lineage.close_relatives(parent, taken, _FAMILY, _FAMILIES)
    every = {**groups, **{f"kin {i + 1}": tuple(group) for i, group in enumerate(kin)}}
    columns = [(title, niche) for title, group in every.items() for niche in group]
    if not columns:
        return None
    repeats, confidence = len(images), finished.history["confidence"][-1]
    shown = shrink(images, SIDE)[:, [niche for _, niche in columns]]
    captions = [[sure(one[niche]) for _, niche in columns] for one in confidence]
    draw = lambda path: reporting.grid(
        path,
        shown,
        captions,
        row_names=[f"run {repeat + 1}" for repeat in range(repeats)] if repeats > 1 else None,
        column_names=[f"{title}: {names[niche]}" for title, niche in columns],
        columns=2 * _FAMILY,
    )
    return Figure(
        "related",
        draw,
        "Images of related classes side by side, one column for each class. How to read it: "
        "compare along a row whether related classes got related images, and down a column whether "
        "other runs found other ones. Kin are classes whose images, in the first run, grew out of "
        "one image most recently.",
    )


def ancestors(images: np.ndarray, names: Sequence[str], finished: Finished) -> Figure | None:
    """Show the line of the champion of repeat 0 that switched class most often.

    None if no generation was kept in which it had changed.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> from fooljax.study.search_run import Clock, Finished
        >>> parent = np.array([[[-1, -1]], [[1, 0]]])  # then each grew out of the other
        >>> history = {"parent": parent, "taken": np.ones((2, 1, 2), bool)}
        >>> history["confidence"] = np.array([[[0.1, 0.2]], [[0.8, 0.9]]])
        >>> kept = {0: np.zeros((2, 8, 8, 1), np.uint8)}  # images of generation 0
        >>> done = Finished(None, history, kept, generation=1, clock=Clock())
        >>> block = study.ancestors(np.ones((1, 2, 8, 8, 1)), ("cat", "dog"), done)
        >>> block.draw("lineage.png").name
        'lineage.png'
    """
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
    pictures.append(shrink(as_8_bit(images[0, line[-1]]), THUMBNAIL))
    when = [*shown, finished.generation]
    confidence = np.array([history["confidence"][g, 0, line[g]] for g in when])
    niches = [names[line[g]] for g in when]
    return Figure(
        "lineage",
        lambda path: reporting.lineage(
            path, np.stack(pictures), np.array(when), confidence, niches
        ),
        "The ancestors of one evolved image, from the oldest to the newest. How to read it: the "
        "last image descends from all those before it. Above each stands the class it was the best "
        "image of; in color where the line of descent moved on to another class, as an image "
        "evolved for one class became the starting point for another.",
    )


def browse(path: Path, images: np.ndarray, names: Sequence[str], finished: Finished) -> None:
    """Write the page of all niches of repeat 0, to search, to sort, with their ancestors.

    Example:
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from fooljax import study
        >>> from fooljax.study.search_run import Clock, Finished
        >>> parent = np.array([[[-1, -1]], [[1, 0]]])  # then each grew out of the other
        >>> history = {"parent": parent, "taken": np.ones((2, 1, 2), bool)}
        >>> history["confidence"] = np.array([[[0.1, 0.2]], [[0.8, 0.9]]])
        >>> done = Finished(None, history, {}, generation=1, clock=Clock())
        >>> study.browse(Path("all.html"), np.ones((1, 2, 8, 8, 1)), ("cat", "dog"), done)
        >>> "dog" in Path("all.html").read_text(encoding="utf-8")
        True
    """
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
