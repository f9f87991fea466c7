"""The page of ``experiments.parts``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from scipy.special import expit

import fooljax as fj
from fooljax import study

from .measure import Config, Scene
from .numbers import MIDDLE, public_number

COLUMNS = 8  # images side by side
PAPER = ("99.94 %, 99.90 % and 99.91 %", "99.80 %, 99.40 % and 99.89 %")  # Figure 10
_BANDS = "Shaded: 95 % intervals over the repeats."

#: Columns of a table by title: name of the number, at what, and how to write it.
Titles: TypeAlias = Mapping[str, tuple[str, str | float, Callable[[float], str]]]


class Found(NamedTuple):
    """All that the page is about."""

    config: Config
    scene: Scene
    made: study.Results
    seen: study.Results
    means: study.Table

    def first(self, kind: str) -> study.Arrays:
        """The images of a kind, of the first repeat."""
        return self.made.one(images=kind, repeat=0)

    def look(self, look: str, kind: str) -> study.Arrays:
        """What was found on them."""
        return self.seen.one(look=look, images=kind, repeat=0)


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    yield opening(found)
    yield study.Heading("What was done")
    yield from story(found)
    for look, (title, write) in SECTIONS.items():
        if look in found.config.looks:
            yield study.Heading(title)
            yield from write(found)


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
        ("additivity", plain, "correlation of summed and joint losses of two parts, {} images"),
    )
    shown = []
    for public, write, words in tiles:
        column = public_number(found.config, found.means, public)
        kinds = [kind for kind in found.scene.makers if kind in column]
        for kind in [kind for kind in kinds if kind == "cppn" or "without" not in words][:1]:
            shown.append((write(column[kind].mean), words.format(kind)))
    return study.Opening(
        "Which part of an image is the network certain of?",
        "Real and fooling images were shown to a network again and again, each time with other "
        "parts hidden.",
        shown,
    )


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config, rows = found.config, []
    for kind in found.scene.kinds:
        maker = found.scene.makers.get(kind)
        words = f"images {maker.words}" if maker else "test images that the network recognizes"
        of = found.means.where(look="whole", images=kind)
        numbers = [
            study.spell(of.value("value", name=name), write)
            for name, write in (("confidence", study.sure), ("certain", study.share))
        ]
        rows.append((kind, words, str(len(found.first(kind)["labels"])), *numbers))
    header = ("Images", "What they are", "How many, each time", "Median confidence", "Certain")
    yield fj.reporting.table(header, rows)
    first, *others = (fj.analysis.fills.FILLS[name].words for name in config.fills)
    yield (
        "The network is certain of an image if its confidence in the class in question is at least "
        f"{study.sure(config.tau)}: for real images the class that they show, for fooling images "
        "the one that they were made for. Where an image is hidden, something else is shown: "
        f"{first}; and, to see whether this matters, {', '.join(others)}. Everything was made and "
        f"asked {config.repeats} times from other random numbers, for the same network. Numbers "
        "are medians or shares over the images of a repeat; printed is their mean over the "
        "repeats with its 95 % interval (Student's t)."
    )


def pixels(found: Found) -> Iterator[study.Block]:
    """Few pixels are enough; what the controls say."""
    config = found.config
    yield (
        "Pixels were taken away until none was left, by the gradient of the log-odds those first "
        "that the class needs least. The sufficient subset is the smallest on this way of which "
        "the network is certain. It says something about the image only if it is more than the "
        "pattern of its own ragged edge; so it was also shown grown by a few pixels to all sides, "
        "in front of something else, and replaced by as many pixels at random."
    )
    titles: dict[str, Any] = {
        "Images with a subset": ("reached", "", study.share),
        "Pixels enough (median)": ("share", "", study.share),
        "Confidence": ("confidence", "subset", study.sure),
        **{f"Grown by {n}": ("confidence", f"dilated {n}", study.sure) for n in (1, 2, 4)},
        "Random pixels": ("confidence", "random", study.sure),
    }
    yield table(found, "pixels", titles, "Medians over the images that have such a subset.")
    titles = {
        f"In front of {fj.analysis.fills.FILLS[name].words}": (
            "confidence",
            f"on {name}",
            study.sure,
        )
        for name in config.fills[1:]
    }
    caption = "Confidence in the same subsets with something else around them."
    yield table(found, "pixels", titles, caption)
    for kind in found.scene.kinds:
        yield subsets(found, kind)
    caption = (
        "Confidence in the class while pixels are taken away. How to read it: from right to left "
        "fewer and fewer pixels are shown; each line is the median over images. Where it stays "
        f"high far to the left, few pixels are enough. {_BANDS}"
    )
    looks = {"x_label": "share of pixels shown", "y_label": "median confidence", "log_x": True}
    yield lines(found, "path", "pixels", "path", caption, **looks)
    if "wrong" in config.looks:
        titles = {
            "Images with a subset": ("reached", "", study.share),
            "Pixels enough (median)": ("share", "", study.share),
        }
        caption = (
            "Control: the same search for another class, drawn at random. Where it succeeds, the "
            "same image holds pixels that make the network certain of something else."
        )
        yield table(found, "wrong", titles, caption)
    if "blocks" in config.looks:
        titles = {}
        for name in config.fills[:2]:
            words = fj.analysis.fills.FILLS[name].words
            titles[f"Area enough, in front of {words}"] = ("share", name, study.share)
            titles[f"Images with such a subset, in front of {words}"] = (
                "reached",
                name,
                study.share,
            )
        caption = (
            "The same in blocks, every candidate tried at every step. Blocks leave no ragged edge, "
            "so this is the honest size of what is enough; it still depends on the fill: what a "
            "faint blur hides is still to be seen."
        )
        yield table(found, "blocks", titles, caption)


def subsets(found: Found, kind: str) -> study.Figure:
    """Show sufficient subsets, grown and as they are."""
    arrays, seen = found.first(kind), found.look("pixels", kind)
    pictures, masks = arrays["images"][:COLUMNS], seen["masks"][:COLUMNS]
    ground = np.full_like(pictures, 0.5)
    grown = fj.analysis.masks.dilate(masks, 1)
    shown = [np.where(mask[..., None], pictures, ground) for mask in (masks, grown)]
    words = confident(*(odds[:COLUMNS] for odds in (arrays["odds"], seen["subset"])))
    words += confident(seen["dilated 1"][:COLUMNS])
    words[0] = name_all(found, arrays, words[0])
    caption = (
        f"Sufficient pixels of {kind} images, the first ones of the first repeat. First line: the "
        "image, its class and the confidence in it. Second line: nothing but the pixels that are "
        "enough (all, where none are), hidden ones drawn grey. Third line: these and the pixels "
        "around them. Where the confidence falls from the second line to the third, the network "
        "had read the edge."
    )
    names = ["image", "subset", "grown by 1"]
    return grid(f"subsets_{kind}", [pictures, *shown], words, caption, names)


def center(found: Found) -> Iterator[study.Block]:
    """Nothing but the middle."""
    caption = (
        "Share of images that stay certain with nothing but a window in their middle. How to read "
        "it: the further to the left, the smaller the window; 43 % of the side are 18 % of the "
        "area, 12 x 12 of 28 x 28 pixels. Only images of which the network is certain count. "
        f"{_BANDS}"
    )
    looks = {"x_label": "side of the window, as a share of the image's"}
    looks["y_label"] = "images that stay certain"
    yield lines(found, "center", "center", "keeps", caption, **looks)
    titles: Titles = {
        "Stay certain": ("keeps", MIDDLE, study.share),
        "Median confidence": ("confidence", MIDDLE, study.sure),
    }
    yield table(found, "center", titles, f"With a window of {study.share(MIDDLE)} of the side.")


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
        "Parts (median)": ("parts", "", plain),
        "Confidence": ("confidence", "whole", study.sure),
        "Without one part": ("confidence", "without one", study.sure),
        "Stay certain": ("keeps", "without one", study.share),
        "Without the part missed most": ("confidence", "without the worst", study.sure),
        "The best part alone": ("confidence", "best alone", study.sure),
    }
    yield table(found, "components", titles, "Medians over all removals, or over all images.")
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
        yield grid(f"components_{kind}", rows, words, caption)


def together(found: Found) -> Iterator[study.Block]:
    """Do losses add up?"""
    yield (
        "Images were cut into 4 x 4 blocks; every block, and every two of them, were hidden. A "
        "network that sees only patches loses by two what it loses by each, added up: the "
        "correlation of the sum with the joint loss is 1. The interaction is the difference "
        "between both, as a multiple of what one block does. All is measured in the logit of the "
        "class, by hiding: the second derivatives of a network of rectifiers are 0."
    )
    for name in found.config.fills[:2]:
        titles: Titles = {
            "Correlation": ("additivity", name, plain),
            "Within an image": ("within", name, plain),
            "Interaction": ("strength", name, plain),
        }
        words = fj.analysis.fills.FILLS[name].words
        yield table(found, "together", titles, f"All pairs of blocks, in front of {words}.")


def shuffled(found: Found) -> Iterator[study.Block]:
    """Patches in another order."""
    what = {
        "named": ("images named by their class", ""),
        "certain": ("images that the network is certain of", ", whatever it takes them for"),
    }
    for name, (words, whatever) in what.items():
        caption = (
            f"Share of {words} after their patches were put in another order{whatever}. How to "
            "read it: 1 patch a side is the image as it is; the further to the right, the smaller "
            "the patches. Who looks at textures only does not mind another order of large ones. "
            f"{_BANDS}"
        )
        looks = {"x_label": "patches along each side", "y_label": words, "log_x": True}
        yield lines(found, f"shuffled_{name}", "shuffled", name, caption, **looks)


def occlusion(found: Found) -> Iterator[study.Block]:
    """Maps of what is lost where a window is hidden."""
    for kind in found.scene.kinds:
        arrays, maps = found.first(kind), found.look("occlusion", kind)["maps"][:COLUMNS]
        pictures = arrays["images"][:COLUMNS]
        drawn, most = fj.reporting.overlay(pictures, maps), np.abs(maps).max(axis=(1, 2))
        words = name_all(found, arrays, [f"{one:.3g}" for one in most])
        caption = (
            f"What {kind} images lose where a window of a seventh of the side is hidden. Red: the "
            "log-odds of the class fall, it was seen there. Blue: they rise, something there spoke "
            "against it. Each map has its own scale: the number is its largest change of log-odds."
        )
        lines_of = [words, [""] * len(words)]
        yield grid(f"occlusion_{kind}", [pictures, drawn], lines_of, caption, ["image", "loss"])


SECTIONS: dict[str, tuple[str, Callable[[Found], Iterator[study.Block]]]] = {
    "pixels": ("How few pixels are enough?", pixels),
    "center": ("Is the middle enough?", center),
    "components": ("One part painted away", components),
    "together": ("Do parts add up?", together),
    "shuffled": ("Patches instead of shape", shuffled),
    "occlusion": ("Where the class is seen", occlusion),
}


def table(found: Found, look: str, titles: Titles, caption: str) -> study.Block:
    """Write some numbers of a look, a line for each kind of images."""
    of = found.means.where(look=look)
    rows = []
    for kind in found.scene.kinds:
        values = [
            study.spell(of.value("value", images=kind, name=name, at=at), write)
            for name, at, write in titles.values()
        ]
        rows.append((kind, *values))
    return fj.reporting.table(("Images", *titles), rows, caption)


def lines(
    found: Found, name: str, look: str, number: str, caption: str, **looks: Any
) -> study.Figure:
    """Draw a number of a look over what it was measured at, a line for each kind of images."""
    of = found.means.where(look=look, name=number)
    return study.lines(name, of, "at", "value", "images", caption, shares=True, **looks)


def grid(
    name: str,
    rows: Sequence[np.ndarray],
    words: Sequence[Sequence[str]],
    caption: str,
    names: Sequence[str] | None = None,
) -> study.Figure:
    """Show rows of images, in color, large ones reduced."""
    from fooljax.data.resize import shrink

    shown = shrink(np.stack([fj.reporting.in_color(row) for row in rows]), study.SIDE)
    return study.images(name, shown, words, caption, row_names=names, columns=COLUMNS)


def confident(*rows: np.ndarray) -> list[list[str]]:
    """Write rows of log-odds as confidences; nothing where there are none."""
    return [["" if np.isnan(one) else study.sure(float(expit(one))) for one in row] for row in rows]


def name_all(found: Found, arrays: study.Arrays, words: Sequence[str]) -> list[str]:
    """Put the names of their classes before words on the first images."""
    names = study.short_names(found.scene.networks.class_names)
    labels = arrays["labels"][: len(words)]
    return [f"{names[label]}\n{one}" for label, one in zip(labels, words, strict=True)]


def plain(number: float) -> str:
    """Write a number that is no share."""
    return "not measured" if np.isnan(number) else f"{number:.3f}".removesuffix(".000")
