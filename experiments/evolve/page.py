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

from .measure import Config, evaluations

if TYPE_CHECKING:
    from fooljax.study.search_run import Finished

MANY = 40  # more classes get the pictures that sum them up
BEST, LEVEL = 40, 0.99  # of the diverse images
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

    def median_of_classes(self, generation: int) -> float:
        """Return the median confidence over the classes, the median of the runs."""
        return float(np.median(np.median(self.confidence[generation], axis=1)))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.network.class_names

    @property
    def short_names(self) -> list[str]:
        """The same without synonyms."""
        return study.short_names(self.names)

    @property
    def niches(self) -> tuple[np.ndarray, list[str]]:
        """Pictures of the champions of all niches, ``[repeats, niches, h, w, c]``, and classes."""
        names = self.short_names
        if self.illuminated is None:
            return self.pictures, names
        return self.illuminated.flat, [name for name in names for _ in self.illuminated.labels]

    @cached_property
    def pictures(self) -> np.ndarray:
        """The best of each class as pictures, ``[repeats, k, h, w, c]``."""
        return study.as_pictures(self.network.medium, self.images)

    @property
    def words(self) -> study.Words:
        """How to speak of what was evolved."""
        return study.words_for(self.network.medium)

    @property
    def pace(self) -> float | None:
        """Images a second once compiled; None in runs too short to tell."""
        return self.finished.clock.pace(self.config.repeats * self.config.children)

    @property
    def published(self) -> study.Published | None:
        """What the paper found with this encoding, if the classes are ImageNet's."""
        return study.published_for(self.network.class_names, self.config.genotype.encoding)


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
    config, confidence = found.config, found.confidence
    return {
        "clean_accuracy": found.network.accuracy,
        "network": found.network.origin,
        "class_names": list(found.names),
        **study.sum_up_progress(confidence),
        **(study.medians_of_band(confidence[-1], found.published) or {}),
        "random_image_median_confidence": found.controls["random_images"]["median_top1_confidence"],
        "controls": found.controls,
        "shown_to": found.shown,
        "diversity": study.plain_variety(found.variety),
        "illumination": found.illuminated and study.sum_up_grid(found.illuminated),
        "diverse": found.diverse and found.diverse._asdict(),
        "jumps": np.sum(found.finished.history["jumps"], axis=0),
        "traits": study.sum_up_traits(found.finished.history, config.children),
        "evaluations": evaluations(config, config.generations),
        "evaluations_per_second": found.pace,
        "generations": config.generations,
        "repeats": config.repeats,
    }


def report(found: Found, browse: Path) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block, and write the page of all niches beside it."""
    say, last, config = found.words.say, found.confidence[-1], found.config
    count = evaluations(config, config.generations)
    sure = found.median_of_classes(-1) >= 0.5
    title, more = ("fool", "") if sure else ("hardly fool", " More --generations may go further.")
    yield study.Opening(
        f"{found.words.many.capitalize()} that {title} a neural network",
        say("What nonsense is a neural network certain of? These {many} were evolved to find out.")
        + more,
        [
            (study.sure(found.median_of_classes(-1)), "median confidence over the classes"),
            (study.sure(last.min()), "confidence in the least certain class"),
            (
                study.share(found.network.accuracy),
                say("of real test {many} recognized correctly by the network"),
            ),
            (f"{count:,}", say("{many} shown to the network during the search")),
            (study.duration(found.finished.clock.seconds), "of searching"),
        ],
    )
    many, looks, names = len(found.names) > MANY, found.illuminated, found.short_names
    pictures = (*found.niches, found.finished)
    related = study.RELATED if study.is_imagenet(found.names) and looks is None else {}
    only = lambda figure: () if figure is None else (figure,)
    parts = {
        "What was done": story(found),
        "The {many}": gallery(found, browse),
        "The best {many} that differ": best(found),
        "How fast it went": progress(found),
        "How many classes were reached": (
            study.show_reached(found.confidence, found.published) if many else ()
        ),
        "Class by class": class_by_class(found),
        "Related classes": only(study.related(*pictures, related)) if many else (),
        "Where {a one} came from": only(study.ancestors(*pictures)),
        "How many looks fool": study.show_grid(looks, names) if looks else (),
        "How different are the runs?": (
            study.show_variety(found.variety, config.repeats, names) if found.variety else ()
        ),
        "Is it the search, or would any noise do?": controls(found),
        "Do other networks see the same?": others(found) if found.shown else (),
        "All numbers": numbers(found),
    }
    yield from study.sections({say(title): blocks for title, blocks in parts.items()})


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, count, many = found.config, len(found.names), found.words.many
    runs = f"{config.repeats} independent runs" if config.repeats > 1 else "one run"
    yield (
        f"An evolutionary search started from random {many} and changed them a little at a time, "
        f"in {runs} of {study.plural(config.generations, 'generation')}. For each of the {count} "
        "classes that the network knows, it kept the one that the network was most confident "
        f"about; nothing asked for {many} that people would take for the class."
    )
    name = config.genotype.encoding
    known = ENCODINGS.get(name) if many == "images" else None
    words = known or f"evolves {many} {study.chosen_encoding(config.genotype).words}"
    yield fj.reporting.paragraph("The encoding, ", fj.reporting.strong(name), f", {words}.")
    known_real = (
        ""
        if found.network.accuracy is None
        else f" The share of real test {many} that it recognizes says how well it does on what it "
        "was made for."
    )
    yield f"{study.confidence_of(found.network.classifier)}{known_real}"


def gallery(found: Found, browse: Path) -> Iterator[study.Block]:
    """Show the best of each class and run, and link to the page of all niches."""
    confidence, names, words = found.confidence[-1], found.short_names, found.words
    small = fj.data.resize.shrink(found.pictures, study.SIDE)
    yield study.Figure(
        "gallery",
        lambda path: fj.reporting.gallery(path, small, confidence, names),
        f"Evolved {words.many}, one column for each class. How to read it: above each column "
        f"stands a class, below each {words.one} how sure the network is that it is of that class. "
        "Each row is an independent run from another random start. Ask yourself whether you would "
        "have named the class.",
    )
    if medium_note := _HOW_SHOWN.get(words.many):
        yield medium_note
        surest = np.argsort(-confidence[0], kind="stable")[:_MOST_PLAYED]
        sure = [study.sure(confidence[0, niche]) for niche in surest]
        played, classes = found.images[0, surest], [names[niche] for niche in surest]
        yield study.experience(found.network.medium, played, classes, sure)
    cells = [""] if found.illuminated is None else found.illuminated.labels
    titles = [name + cell for name in found.names for cell in cells]
    study.browse(browse, found.niches[0], titles, found.finished)
    link = fj.reporting.link("All classes of the first run", browse.name)
    yield fj.reporting.paragraph(link, ", to search, to sort, and with their ancestors.")


def best(found: Found) -> Iterator[study.Block]:
    """Show the best that differ, where the classes are many."""
    if found.diverse is not None:
        yield study.diverse(*found.niches, found.finished, found.diverse)
        yield study.tell_diverse(found.diverse)


def progress(found: Found) -> Iterator[study.Block]:
    """Draw confidence over the generations, beside the paper's where it is known."""
    published, many = found.published, found.words.many
    last = found.finished.generation
    points = [point for point in published.medians if point[0] <= last] if published else []
    yield study.Figure(
        "curves",
        lambda path: fj.reporting.curves(
            path,
            np.moveaxis(found.confidence, 0, 1),
            np.arange(len(found.confidence)),
            published={published.name: points} if published and points else None,
        ),
        f"Confidence of the evolved {many} over the generations. How to read it: the higher a "
        "line, the surer the network; every further nine (99 %, 99.9 %, 99.99 %) is the same step "
        f"up. Generation 0 is the best of the random {many}, and generations are spaced "
        "logarithmically because most happens early.",
    )


def class_by_class(found: Found) -> Iterator[study.Block]:
    """Show the confidence of each class over the generations as a map."""
    confidence, published = found.confidence, found.published
    generations, middle = np.arange(len(confidence)), np.median(confidence, axis=1)
    marked = (*study.BAND, study.BAND_NAME) if published else None
    yield study.Figure(
        "heatmap",
        lambda path: fj.reporting.heatmap(
            path, middle, generations, found.short_names, band=marked
        ),
        "Confidence of each class over the generations, as a map of colors. How to read it: each "
        "line across is a class, time runs to the right, and bright means sure. Lines that stay "
        "dark are classes the network is hard to fool about.",
    )
    if medians := study.medians_of_band(confidence[-1], published):
        yield study.compare_band(*medians.values())


def controls(found: Found) -> Iterator[study.Block]:
    """Compare with images that nobody evolved."""
    yield found.words.say(
        "A network might be confident of anything unusual. To tell, it was also shown {many} that "
        "nobody evolved. If those already received high confidence, the evolved {many} would prove "
        "little; the gap between the rows is what the search found."
    )
    first, last = map(found.median_of_classes, (0, -1))
    yield study.table_of_controls(found.controls, first, last, found.words.many)


def others(found: Found) -> Iterator[study.Block]:
    """Say what other networks take the images for."""
    yield found.words.say(
        "The final {many}, made for another network; shares are over all classes and runs."
    )
    yield study.table_of_others(found.shown)


def numbers(found: Found) -> Iterator[study.Block]:
    """Say when all classes were reached, and how sure the network is of each."""
    yield study.table_of_first(found.confidence)
    last = found.confidence[-1].T
    rows = [
        (name, *(study.sure(of(runs)) for of in (np.median, np.min, np.max)))
        for name, runs in zip(found.names, last, strict=True)
    ]
    titles = ("Class", "Median of the runs", "Lowest run", "Highest run")
    table = fj.reporting.table(titles, rows, sortable=True)
    yield study.Folded(f"Confidence of all {len(rows)} classes", [table])
    if (rate := found.pace) is not None:
        yield f"Once compiled, the search looked at {rate:,.0f} {found.words.many} per second."
