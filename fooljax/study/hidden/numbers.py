"""What was found on partly hidden images: named numbers by kind of images, and blocks of a page."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from fooljax import analysis, reporting
from fooljax.metrics import Interval
from fooljax.reporting import Html
from fooljax.study import pictures
from fooljax.study.cells import Results
from fooljax.study.columns import tabulate
from fooljax.study.hidden.images import Scene
from fooljax.study.page import Block, Figure
from fooljax.study.published import short_names
from fooljax.study.settings import Hiding
from fooljax.study.tables import Record, Row, Table, summarize, where, within
from fooljax.study.units import Arrays
from fooljax.study.wording import anew, of_several, share, spell, sure

#: What was measured: its name, at what, and the number.
Number: TypeAlias = tuple[str, str | float, float]
#: ``(settings, log-odds of the whole images, what a look found) -> numbers``
Read: TypeAlias = Callable[[Hiding, Float[np.ndarray, " n"], Arrays], Iterator[Number]]
#: Columns of a table by title: name of the number, at what, and how to write it.
Titles: TypeAlias = Mapping[str, tuple[str, str | float, Callable[[float], str]]]

_PRINTED = (
    " of a repeat; printed is their mean over the repeats with its 95 % interval (Student's t)"
)


class Found(NamedTuple):
    """All that a page about partly hidden images is about.

    Attributes:
        hiding: the settings.
        scene: the network, and how images were made.
        made: the images, a cell for each kind and repeat.
        seen: what was found on them, a cell for each look, kind and repeat.
        means: over the repeats, a row for each number: its look, kind of images, name and at
            what.
    """

    hiding: Hiding
    scene: Scene
    made: Results
    seen: Results
    means: Table

    def first(self, kind: str) -> Arrays:
        """Return the images of a kind, of the first repeat."""
        return self.made.one(images=kind, repeat=0)

    def look(self, look: str, kind: str) -> Arrays:
        """Return what was found on them."""
        return self.seen.one(look=look, images=kind, repeat=0)

    def number(self, look: str, name: str, at: str | float) -> dict[str, Interval]:
        """Return a number by kind of images, those of which there is one."""
        return self.means.column("images", "value", look=look, name=name, at=at)

    def summary(
        self, wanted: Mapping[str, tuple[str, str, str | float]], left_out: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Return numbers as JSON can hold them, by kind of images, and all means.

        Args:
            wanted: what the claim is about: its look, its name, and at what, by the name that
                the public knows.
            left_out: names of numbers that are too many.
        """
        as_json = lambda each: {kind: one._asdict() for kind, one in each.items()}
        found = {public: as_json(self.number(*number)) for public, number in wanted.items()}
        rows = tuple(row for row in self.means.rows if row.keys["name"] not in left_out)
        return {**found, "means": Table(rows).plain()}

    def tile(
        self,
        number: tuple[str, str, str | float],
        write: Callable[[float], str],
        words: str,
        kinds: Sequence[str] | None = None,
    ) -> list[tuple[str, str]]:
        """Say a mean of the first kind of fooling images that has one, if any, for an opening.

        Args:
            number: its look, its name, and at what.
            write: how to write it.
            words: what it is the value of; ``{}`` stands for the kind.
            kinds: of images to choose from; all that fool unless given.
        """
        column = self.number(*number)
        known = [kind for kind in kinds or self.scene.makers if kind in column]
        return [(write(column[kind].mean), words.format(kind)) for kind in known[:1]]

    def table(self, look: str, titles: Titles, caption: str) -> Html:
        """Write some numbers of a look, a line for each kind of images."""
        of = self.means.where(look=look)
        columns = {
            title: lambda kind, name=name, at=at, write=write: spell(
                of.value("value", images=kind, name=name, at=at), write
            )
            for title, (name, at, write) in titles.items()
        }
        return tabulate(self.scene.kinds, {"Images": str, **columns}, caption)

    def lines(
        self,
        name: str,
        look: str,
        number: str,
        caption: str,
        **looks: Any,  # as reporting.lines takes them
    ) -> Figure | str:
        """Draw a number of a look over what it was measured at, a line for each kind of images."""
        of = self.means.where(look=look, name=number)
        looks |= {"shares": True, "intervals_over": "the repeats"}
        return pictures.lines(name, of, "at", "value", "images", caption, **looks)

    def named(self, kind: str, words: Sequence[str]) -> list[str]:
        """Put the names of their classes before words on the first images of a kind."""
        names = short_names(self.scene.networks.class_names)
        labels = self.first(kind)["labels"][: len(words)]
        return [f"{names[label]}\n{one}" for label, one in zip(labels, words, strict=True)]

    def story(self) -> Iterator[Block]:
        """Say what was done, for somebody who did not run it."""
        titles: Titles = {
            "Median confidence": ("confidence", "", sure),
            "Certain": ("certain", "", share),
        }
        rows = []
        for kind in self.scene.kinds:
            maker = self.scene.makers.get(kind)
            words = f"images {maker.words}" if maker else "test images that the network recognizes"
            value = lambda name, kind=kind: self.number("whole", name, "")[kind]
            told = [spell(value(name), write) for name, _, write in titles.values()]
            rows.append((kind, words, str(len(self.first(kind)["labels"])), *told))
        header = ("Images", "What they are", "How many, each time", *titles)
        yield reporting.table(header, rows)
        fills = (analysis.fills.FILLS[name].words for name in self.hiding.fills)
        first, *others = fills
        yield (
            "The network is certain of an image if its confidence in the class in question is at "
            f"least {sure(self.hiding.tau)}: for real images the class that they show, for fooling "
            "images the one that they were made for. Where an image is hidden, something else is "
            f"shown: {first}; and, to see whether this matters, {', '.join(others)}. Everything "
            f"was made and asked {anew(self.hiding.repeats)}, for the "
            "same network. Numbers are medians or shares over the images"
            f"{of_several(self.hiding.repeats, _PRINTED)}."
        )


def judge(
    hiding: Hiding, made: Results, seen: Results, read: Mapping[str, Read]
) -> Iterator[Record]:
    """Yield a record for each number: a median or share over the images of a repeat.

    Args:
        hiding: the settings.
        made: the images.
        seen: what looks found on them.
        read: what to read off each look, by its name.
    """
    for cell, arrays in seen.found:
        odds = made.one(images=cell["images"], repeat=cell["repeat"])["odds"]
        for name, at, value in read[cell["look"]](hiding, odds, arrays):
            if not math.isnan(value):
                yield {**cell, "name": name, "at": at, "value": value}
    for cell, arrays in made.found:
        of_all = {
            "confidence": median_confidence(arrays["odds"]),
            "certain": float(np.mean(expit(arrays["odds"]) >= hiding.tau)),
        }
        for name, value in of_all.items():
            yield {"look": "whole", **cell, "name": name, "at": "", "value": value}


def average(
    records: Sequence[Record], bounds: Mapping[str, tuple[float, float]] | None = None
) -> Table:
    """Average over the repeats, with intervals.

    Args:
        records: from `judge`.
        bounds: between what numbers lie that are no shares, by name.
    """
    by, bounds, rows = ("look", "images", "name", "at"), bounds or {}, list[Row]()
    for name in dict.fromkeys(record["name"] for record in records):
        over = within(*bounds.get(name, (0.0, 1.0)))
        rows += summarize(where(records, name=name), by, ["value"], over=over).rows
    return Table(tuple(rows))


def median_confidence(odds: np.ndarray) -> float:
    """Return the median confidence of log-odds; NaN without any."""
    return float(expit(np.median(odds))) if odds.size else math.nan


def plain(number: float) -> str:
    """Write a number that is no share."""
    return "not measured" if math.isnan(number) else f"{number:.3f}".removesuffix(".000")
