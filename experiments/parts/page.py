"""The page of ``experiments.parts``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

import fooljax as fj
from fooljax import study

from .measure import DILATIONS, Config
from .numbers import MIDDLE, SUMMARY, kept_by_middle

if TYPE_CHECKING:
    from fooljax.study.hidden import Found, Titles

COLUMNS = 8  # images side by side
PAPER = ("99.94 %, 99.90 % and 99.91 %", "99.80 %, 99.40 % and 99.89 %")  # Figure 10


def report(config: Config, found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    yield opening(found)
    yield study.Heading("What was done")
    yield from found.story()
    for look, (title, write) in SECTIONS.items():
        if look in config.looks:
            if title:
                yield study.Heading(title)
            yield from write(found)


def many(parts: float) -> str:
    """Write a mean of numbers of parts."""
    return "not measured" if np.isnan(parts) else f"{parts:.3g}"


def enough() -> dict[str, tuple[str, str, Callable[[float], str]]]:
    """Name the columns that say how much is enough, for `Found.table`."""
    return {
        "Images with a subset": ("reached", "", study.share),
        "Pixels enough (median)": ("share", "", study.share),
    }


def opening(found: Found) -> study.Opening:
    """Say in a few numbers what came out, of fooling images."""
    tiles = (
        ("center_keeps", study.share, "of {} images stay certain with nothing but their middle"),
        (
            "component_removed_confidence",
            study.sure,
            "median confidence in {} images without one part",
        ),
        ("sufficient_share", study.share, "of the pixels of {} images are enough (median)"),
    )
    kinds = {"component_removed_confidence": ("cppn",)}  # noise has parts that are no objects
    told = (
        found.tile(SUMMARY[public], write, words, kinds.get(public))
        for public, write, words in tiles
    )
    return study.Opening(
        "Which part of an image is the network certain of?",
        "Real and fooling images were shown to a network again and again, each time with other "
        "parts hidden.",
        [tile for some in told for tile in some],
    )


def pixels(found: Found) -> Iterator[study.Block]:
    """Few pixels are enough; what the controls say."""
    yield (
        "Pixels were taken away until none was left, by the gradient of the log-odds those first "
        "that the class needs least. The sufficient subset is the smallest on this way of which "
        "the network is certain. It says something about the image only if it is more than the "
        "pattern of its own ragged edge; so it was also shown grown by a few pixels to all sides, "
        "in front of something else, and replaced by as many pixels at random."
    )
    titles: Titles = {
        **enough(),
        "Confidence": ("confidence", "subset", study.sure),
        **{f"Grown by {n}": ("confidence", f"dilated {n}", study.sure) for n in DILATIONS},
        "Random pixels": ("confidence", "random", study.sure),
    }
    yield found.table("pixels", titles, "Medians over the images that have such a subset.")
    behind = lambda name: f"In front of {fj.analysis.fills.FILLS[name].words}"
    titles = {
        behind(name): ("confidence", f"on {name}", study.sure) for name in found.hiding.fills[1:]
    }
    caption = "Confidence in the same subsets with something else around them."
    yield found.table("pixels", titles, caption)
    for kind in found.scene.kinds:
        yield subsets(found, kind)
    caption = (
        "Confidence in the class while pixels are taken away. How to read it: from right to left "
        "fewer and fewer pixels are shown; each line is the median over images. Where it stays "
        "high far to the left, few pixels are enough."
    )
    looks = {"x_label": "share of pixels shown", "y_label": "median confidence", "log_x": True}
    yield found.lines("path", "pixels", "path", caption, **looks)


def wrong(found: Found) -> Iterator[study.Block]:
    """Pixels that are enough for another class."""
    caption = (
        "Control: the same search for another class, drawn at random. Where it succeeds, the "
        "same image holds pixels that make the network certain of something else."
    )
    yield found.table("wrong", enough(), caption)


def blocks(found: Found) -> Iterator[study.Block]:
    """The same in blocks."""
    titles: dict[str, Any] = {}
    for name in found.hiding.fills[:2]:
        there = f"in front of {fj.analysis.fills.FILLS[name].words}"
        titles[f"Area enough, {there}"] = ("share", name, study.share)
        titles[f"Images with such a subset, {there}"] = ("reached", name, study.share)
    caption = (
        "The same in blocks, every candidate tried at every step. Blocks leave no ragged edge, "
        "so this is the honest size of what is enough; it still depends on the fill: what a "
        "faint blur hides is still to be seen."
    )
    yield found.table("blocks", titles, caption)


def subsets(found: Found, kind: str) -> study.Figure:
    """Show sufficient subsets, grown and as they are."""
    arrays, seen = found.first(kind), found.look("pixels", kind)
    pictures, masks = arrays["images"][:COLUMNS], seen["masks"][:COLUMNS]
    ground = np.full_like(pictures, 0.5)
    grown = fj.analysis.masks.dilate(masks, 1)
    shown = [np.where(mask[..., None], pictures, ground) for mask in (masks, grown)]
    words = confident(*(odds[:COLUMNS] for odds in (arrays["odds"], seen["subset"])))
    words += confident(seen["dilated 1"][:COLUMNS])
    words[0] = found.named(kind, words[0])
    caption = (
        f"Sufficient pixels of {kind} images, the first ones of the first repeat. First line: the "
        "image, its class and the confidence in it. Second line: nothing but the pixels that are "
        "enough (all, where none are), hidden ones drawn grey. Third line: these and the pixels "
        "around them. Where the confidence falls from the second line to the third, the network "
        "had read the edge."
    )
    names = ["image", "subset", "grown by 1"]
    return sheet(f"subsets_{kind}", [pictures, *shown], words, caption, names)


def center(found: Found) -> Iterator[study.Block]:
    """Nothing but the middle."""
    caption = (
        "Share of images that stay certain with nothing but a window in their middle. How to read "
        "it: the further to the left, the smaller the window; 43 % of the side are 18 % of the "
        "area, 12 x 12 of 28 x 28 pixels. Only images of which the network is certain count."
    )
    looks = {"x_label": "side of the window, as a share of the image's"}
    looks["y_label"] = "images that stay certain"
    yield found.lines("center", "center", "keeps", caption, **looks)
    titles: Titles = {
        "Stay certain": ("keeps", MIDDLE, study.share),
        "Median confidence": ("confidence", MIDDLE, study.sure),
    }
    yield found.table("center", titles, f"With a window of {study.share(MIDDLE)} of the side.")
    every = {kind: kept_by_middle(found, kind) for kind in found.scene.kinds}
    yield study.tabulate(
        found.scene.kinds,
        {
            "Images": str,
            "Stay certain, of all repeats together": lambda kind: "{} of {}".format(*every[kind]),
            "Share": lambda kind: study.spell(every[kind][2]),
        },
        "The same images counted one by one, with the exact 95 % interval over images (Clopper "
        "and Pearson): how far off the share may be for want of images, taken as independent.",
    )


def components(found: Found) -> Iterator[study.Block]:
    """One connected part painted away after the other."""
    yield (
        "Every part that stands apart from the image's ground (its median color) was painted away, "
        "one after the other. The paper did this by hand to one part each of three images: the "
        f"confidence was {PAPER[0]} before, and {PAPER[1]} after. Here it is all parts of all "
        "images that have two at least, and of which the network is certain. Images without a "
        "plain ground, such as noise, have many, which are no objects."
    )
    titles: Titles = {
        "Images with 2 parts or more": ("several", "", study.share),
        "Parts (median)": ("parts", "", many),
        "Confidence": ("confidence", "whole", study.sure),
        "Without one part": ("confidence", "without one", study.sure),
        "Stay certain": ("keeps", "without one", study.share),
        "Without the part missed most": ("confidence", "without the worst", study.sure),
        "The best part alone": ("confidence", "best alone", study.sure),
    }
    yield found.table("components", titles, "Medians over all removals, or over all images.")
    for kind in found.scene.kinds:
        arrays, seen = found.first(kind), found.look("components", kind)
        several = np.flatnonzero(seen["counts"] >= 2)[:3]
        if not len(several):
            continue
        pictures, parts = arrays["images"][several][:, None], seen["parts"][several]
        ground = fj.analysis.fills.median(pictures[:, 0])[:, None]
        shown = np.where(parts[:, : COLUMNS - 1, ..., None], ground, pictures)
        odds = np.concatenate([arrays["odds"][several][:, None], seen["without"][several]], axis=1)
        caption = (
            f"Parts of {kind} images painted away, the first images with two parts. How to read "
            "it: on the left the image as it is; to the right without one of its largest parts "
            "each, and the confidence that is left. Without a number: there are no more parts."
        )
        words = confident(*odds[:, : 1 + shown.shape[1]])
        rows = list(np.concatenate([pictures, shown], axis=1))
        yield sheet(f"components_{kind}", rows, words, caption)


def occlusion(found: Found) -> Iterator[study.Block]:
    """Maps of what is lost where a window is hidden."""
    for kind in found.scene.kinds:
        maps = found.look("occlusion", kind)["maps"][:COLUMNS]
        pictures = fj.reporting.in_color(found.first(kind)["images"][:COLUMNS])
        drawn, most = fj.reporting.overlay(pictures, maps), np.abs(maps).max(axis=(1, 2))
        words = found.named(kind, [f"{one:.3g}" for one in most])
        caption = (
            f"What {kind} images lose where a window of a seventh of the side is hidden. Red: the "
            "log-odds of the class fall, it was seen there. Blue: they rise, something there spoke "
            "against it. Each map has its own scale: the number is its largest change of log-odds."
        )
        below = [words, [""] * len(words)]
        yield sheet(f"occlusion_{kind}", [pictures, drawn], below, caption, ["image", "loss"])


def sheet(
    name: str,
    rows: Sequence[np.ndarray],
    words: Sequence[Sequence[str]],
    caption: str,
    names: Sequence[str] | None = None,
) -> study.Figure:
    """Show rows of images, large ones reduced."""
    looks = {"row_names": names, "side": study.SIDE, "columns": COLUMNS}
    return study.images(name, rows, words, caption, **looks)


def confident(*rows: np.ndarray) -> list[list[str]]:
    """Write rows of log-odds as confidences; nothing where there are none."""
    return [["" if np.isnan(one) else study.sure(float(expit(one))) for one in row] for row in rows]


#: By look: the heading of its own, if it has one, and what to show.
SECTIONS: dict[str, tuple[str, Callable[[Found], Iterator[study.Block]]]] = {
    "pixels": ("How few pixels are enough?", pixels),
    "wrong": ("", wrong),
    "blocks": ("", blocks),
    "center": ("Is the middle enough?", center),
    "components": ("One part painted away", components),
    "occlusion": ("Where the class is seen", occlusion),
}
