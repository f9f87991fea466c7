"""The page of a finished ``experiments.evolve`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import fooljax as fj
from fooljax import study

from . import measure
from .measure import Config, evaluations

if TYPE_CHECKING:
    from fooljax.study.search_run import Finished

MANY = 40  # more classes get the pictures that sum them up
BEST, LEVEL = 40, 0.99  # of the diverse images
_THINGS = {"pictures": "images", "sounds": "sounds", "videos": "videos", "texts": "texts"}
_A = {"image": "an", "sound": "a", "video": "a", "text": "a"}
_MOST_PLAYED = 120  # a sound of a second takes 43 kB of the page
_HOW_SHOWN = {
    "sounds": "A sound is shown by its spectrogram, time from left to right, pitch from bottom to "
    "top. Here are those of the first run to listen to, made as loud as is safe:",
    "videos": "A video is shown by frames at even distances. Here are those of the first run, "
    "moving:",
    "texts": "Here are those of the first run in full:",
}
ENCODINGS = {
    "direct": "gives every pixel a number of its own, so the images tend to look like static",
    "cppn": "paints each image with a small evolving network of functions of the position (a "
    "compositional pattern-producing network), so the images tend to show regular patterns",
}


@dataclass(frozen=True)
class Found:
    """All that the page is about.

    Attributes:
        config: the settings.
        network: that the images were evolved for.
        finished: the run.
        images: the best of each class, ``[repeats, k, ...]`` in [0, 1], or uint8; texts' ids.
        controls: how sure the network is of images that nobody evolved.
        shown: what other networks say, by name.
        diverse: the best images that differ, where the classes are many.
        illuminated: the champions by class and look, if that was asked for.
        variety: how different the runs are.
    """

    config: Config
    network: study.Prepared
    finished: Finished
    images: np.ndarray
    controls: Mapping[str, study.Record]
    shown: Mapping[str, study.Record]
    diverse: study.Diverse | None
    illuminated: study.Illuminated | None = None
    variety: Mapping[str, study.Variety] = field(default_factory=dict)

    @property
    def confidence(self) -> np.ndarray:
        """In the best image of each class, ``[generations + 1, repeats, k]``."""
        of_niches = self.finished.history["confidence"]
        return of_niches.reshape(*of_niches.shape[:2], len(self.names), -1).max(axis=3)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.network.class_names

    @property
    def niches(self) -> tuple[np.ndarray, list[str]]:
        """Pictures of the champions of all niches, ``[repeats, niches, h, w, c]``, and classes."""
        names = study.short_names(self.names)
        if self.illuminated is None:
            return self.pictures, names
        return self.illuminated.flat, [name for name in names for _ in self.illuminated.labels]

    @cached_property
    def pictures(self) -> np.ndarray:
        """The best of each class as pictures, ``[repeats, k, h, w, c]``."""
        return study.as_pictures(self.network.medium, self.images)

    @property
    def things(self) -> str:
        """What was evolved, in one word."""
        return _THINGS[fj.media.kind(self.network.medium)]

    @property
    def thing(self) -> str:
        """One of them."""
        return self.things.removesuffix("s")

    @property
    def pace(self) -> float | None:
        """Images a second once compiled; None in runs too short to tell."""
        return self.finished.clock.pace(self.config.repeats * self.config.children)

    @property
    def published(self) -> study.Published | None:
        """What the paper found with this encoding, if the classes are ImageNet's."""
        return study.published_for(self.network.class_names, self.config.encoding)


def judge(found: Found) -> Iterator[study.Record]:
    """Yield a record for each repeat and niche."""
    archive = found.finished.state.archive
    cells = archive.born.shape[1] // len(found.names)
    for repeat, niche in np.ndindex(archive.born.shape):
        yield {
            "repeat": repeat,
            "class": found.names[niche // cells],
            **study.place_in_grid(found.illuminated, niche),
            "confidence": float(archive.confidence[repeat, niche]),
            "birth_generation": int(archive.born[repeat, niche]),
            "parent_niche": int(archive.parent[repeat, niche]),
        }


def summarize(found: Found) -> dict[str, Any]:
    """Return the numbers the claim is about; see docs/evolve.md for the names."""
    config, confidence, history = found.config, found.confidence, found.finished.history
    medians, lowest = np.median(confidence, axis=2), np.min(confidence, axis=2)
    traits = {name: rows for name, rows in history.items() if name.startswith("trait_")}
    refused = traits.pop("trait_refused", None)
    means = {
        f"mean_{name.removeprefix('trait_')}": float(np.mean(rows[-1]) / config.children)
        for name, rows in traits.items()
    }
    return {
        "clean_accuracy": found.network.accuracy,
        "network": found.network.origin,
        "median_confidence": np.median(medians[-1]),
        "min_confidence": np.min(lowest[-1]),
        "per_class_confidence": confidence[-1],
        "class_names": list(found.network.class_names),
        "median_confidence_by_generation": np.median(medians, axis=1),
        "median_confidence_by_generation_per_repeat": medians.T,
        "min_confidence_by_generation_per_repeat": lowest.T,
        **{
            f"share_above_{level}_by_generation": shares
            for level, shares in study.shares_above(confidence).items()
        },
        **(study.medians_of_band(confidence[-1], found.published) or {}),
        "first_generation_all_above": study.first_above(lowest),
        "random_image_median_confidence": found.controls["random_images"]["median_top1_confidence"],
        "controls": found.controls,
        "shown_to": found.shown,
        "diversity": study.plain_variety(found.variety),
        "illumination": found.illuminated and study.sum_up_grid(found.illuminated),
        "diverse": found.diverse and found.diverse._asdict(),
        "jumps": np.sum(history["jumps"], axis=0),
        "traits": means | ({} if refused is None else {"refused_mutations": int(np.sum(refused))}),
        "evaluations": evaluations(config, config.generations),
        "evaluations_per_second": found.pace,
        "generations": config.generations,
        "repeats": config.repeats,
    }


def report(found: Found, browse: Path) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block, and write the page of all niches beside it."""
    last, clock, config = found.confidence[-1], found.finished.clock, found.config
    count = evaluations(config, config.generations)
    yield study.Opening(
        f"{found.things.capitalize()} that fool a neural network",
        "What nonsense is a neural network certain of? These "
        f"{found.things} were evolved to find out.",
        [
            (study.sure(np.median(np.median(last, axis=1))), "median confidence over the classes"),
            (study.sure(last.min()), "confidence in the least certain class"),
            (
                study.share(found.network.accuracy),
                f"of real test {found.things} recognized correctly by the network",
            ),
            (f"{count:,}", f"{found.things} shown to the network during the search"),
            (study.duration(clock.seconds), "of searching"),
        ],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield from pictures(found, browse)
    if found.illuminated is not None:
        yield study.Heading("How many looks fool")
        yield from study.show_grid(found.illuminated, study.short_names(found.names))
    if found.variety:
        yield study.Heading("How different are the runs?")
        names = study.short_names(found.names)
        yield from study.show_variety(found.variety, config.repeats, names)
    yield study.Heading("Is it the search, or would any noise do?")
    yield from controls(found)
    if found.shown:
        yield study.Heading("Do other networks see the same?")
        yield (
            f"The final {found.things}, made for another network; shares are over all classes and "
            "runs."
        )
        yield study.table_of_others(found.shown)
    yield study.Heading("All numbers")
    yield from numbers(found)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, count = found.config, len(found.network.class_names)
    runs = f"{config.repeats} independent runs" if config.repeats > 1 else "one run"
    yield (
        f"An evolutionary search started from random {found.things} and changed them a little at "
        f"a time, in {runs} of {config.generations:,} generations. For each of the {count} classes "
        f"that the network knows, it kept the one that the network was most confident about; "
        f"nothing asked for {found.things} that people would take for the class."
    )
    known = ENCODINGS.get(config.encoding) if found.things == "images" else None
    words = known or f"evolves {found.things} {measure.chosen(config).words}"
    strong = fj.reporting.strong(config.encoding)
    yield fj.reporting.paragraph("The encoding, ", strong, f", {words}.")
    yield (
        "Confidence means the network's softmax output for the class, in single precision. The "
        f"share of real test {found.things} that it recognizes says how well it does on what it "
        "was made for."
    )


def pictures(found: Found, browse: Path) -> Iterator[study.Block]:
    """Show the images, how the search went, and what descended from what."""
    confidence, finished, reporting = found.confidence, found.finished, fj.reporting
    images, names, published = found.pictures, study.short_names(found.names), found.published
    generations, middle = np.arange(len(confidence)), np.median(confidence, axis=1)
    niches, of_niches = found.niches
    cells = [""] if found.illuminated is None else found.illuminated.labels
    study.browse(browse, niches, [name + cell for name in found.names for cell in cells], finished)
    small = fj.data.resize.shrink(images, study.SIDE)
    yield study.Heading(f"The {found.things}")
    yield study.Figure(
        "gallery",
        lambda path: reporting.gallery(path, small, confidence[-1], names),
        f"Evolved {found.things}, one column for each class. How to read it: above each column "
        f"stands a class, below each {found.thing} how sure the network is that it is of that "
        "class. Each row is an independent run from another random start. Ask yourself whether you "
        "would have named the class.",
    )
    if medium_note := _HOW_SHOWN.get(found.things):
        yield medium_note
        surest = np.argsort(-confidence[-1, 0], kind="stable")[:_MOST_PLAYED]
        sure = [study.sure(confidence[-1, 0, niche]) for niche in surest]
        played, words = found.images[0, surest], [names[niche] for niche in surest]
        yield study.experience(found.network.medium, played, words, sure)
    link = reporting.link("All classes of the first run", browse.name)
    yield reporting.paragraph(link, ", to search, to sort, and with their ancestors.")
    if found.diverse is not None:
        yield study.Heading(f"The best {found.things} that differ")
        yield study.diverse(niches, of_niches, finished, found.diverse)
        yield study.tell_diverse(found.diverse)
    points = published and study.until(published.medians, finished.generation)
    yield study.Heading("How fast it went")
    yield study.Figure(
        "curves",
        lambda path: reporting.curves(
            path,
            np.moveaxis(confidence, 0, 1),
            generations,
            published={published.name: points} if published and points else None,
        ),
        f"Confidence of the evolved {found.things} over the generations. How to read it: the upper "
        "a line, the surer the network; every further nine (99 %, 99.9 %, 99.99 %) is the same "
        f"step up. Generation 0 is the best of the random {found.things}, and generations are "
        "spaced logarithmically because most happens early.",
    )
    if len(names) > MANY:
        yield study.Heading("How many classes were reached")
        yield from study.show_reached(confidence, published)
    yield study.Heading("Class by class")
    marked = (*study.BAND, study.BAND_NAME) if published else None
    yield study.Figure(
        "heatmap",
        lambda path: reporting.heatmap(path, middle, generations, names, band=marked),
        "Confidence of each class over the generations, as a map of colors. How to read it: each "
        "line across is a class, time runs to the right, and bright means sure. Lines that stay "
        "dark are classes the network is hard to fool about.",
    )
    if medians := study.medians_of_band(confidence[-1], published):
        yield study.compare_band(*medians.values())
    known = study.is_imagenet(found.names) and found.illuminated is None
    groups = study.RELATED if known else {}
    kin = study.related(niches, of_niches, finished, groups) if len(names) > MANY else None
    if kin is not None:
        yield study.Heading("Related classes")
        yield kin
    line = study.ancestors(niches, of_niches, finished)
    if line is not None:
        yield study.Heading(f"Where {_A[found.thing]} {found.thing} came from")
        yield line


def controls(found: Found) -> Iterator[study.Block]:
    """Compare with images that nobody evolved."""
    yield (
        "A network might be confident of anything unusual. To tell, it was also shown "
        f"{found.things} that nobody evolved. If those already received high confidence, the "
        f"evolved {found.things} would prove little; the gap between the rows is what the search "
        "found."
    )
    first, last = (np.median(found.confidence[at]) for at in (0, -1))
    yield study.table_of_controls(found.controls, first, last, found.things)


def numbers(found: Found) -> Iterator[study.Block]:
    """Say when all classes were reached, and how sure the network is of each."""
    first = study.first_above(np.min(found.confidence, axis=2))
    when = lambda at: "never" if at is None else f"{at:,}"
    yield fj.reporting.table(
        ("Confidence", "Generation, for each run"),
        [
            (fj.reporting.percent(float(level)), ", ".join(map(when, runs)))
            for level, runs in first.items()
        ],
        "First generation at which every class was above a confidence",
    )
    last = found.confidence[-1].T
    rows = [
        (name, *(study.sure(of(runs)) for of in (np.median, np.min, np.max)))
        for name, runs in zip(found.names, last, strict=True)
    ]
    titles = ("Class", "Median of the runs", "Lowest run", "Highest run")
    table = fj.reporting.table(titles, rows, sortable=True)
    yield study.Folded(f"Confidence of all {len(rows)} classes", [table])
    if (rate := found.pace) is not None:
        yield f"The search looked at {rate:,.0f} {found.things} per second."
