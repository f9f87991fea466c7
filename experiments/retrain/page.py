"""The page of a finished ``experiments.retrain`` run, for somebody who did not run it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import CONTROL, MAKERS, PAPER, TEST, Config, Scene

if TYPE_CHECKING:
    from fooljax.metrics import Interval

INTERVALS = "95 %, bootstrap over the runs; there is one network for each round"
TITLES = {
    "untested": "Runs too short to tell whether learning fooling images helps",
    "no": "Learning what fooling images look like does not keep a network from being fooled",
    "yes": "Learning what fooling images look like makes networks harder to fool",
    "partly": "Learning what fooling images look like helps some networks, not all",
}
ANEW = (
    *("Median confidence", "Interval", "Called what they show", "Called fooling"),
    "Test against DNN 1",
)
_LEVEL = 0.05
_CURVES = 5


class Anew(NamedTuple):
    """What images made anew against a network reach, over runs and classes."""

    median: float
    low: float
    high: float
    above_99: float  # share of images that it is so sure of
    called: float  # share called fooling
    fooled: float  # share called what they are to show
    p: float  # of Mann and Whitney's test against the first network, over all images
    p_runs: float  # the same over the medians of the runs
    first_higher: float  # how often an image made for the first network is the surer one
    effort: int | None  # first generation whose median is above 99 %


def measure_anew(scene: Scene, results: study.Results, name: str, maker: str) -> Anew:
    """Sum up what was made anew against a network by one maker."""
    told = results.one(shown_to=name, made_for=name, kind=maker)
    start = results.one(shown_to=scene.names[0], made_for=scene.names[0], kind=maker)
    trace = results.one(against=name, made=maker).get("trace")
    sure, column, seed = told["confidence"], scene.train.num_classes, scene.config.run.seed
    return Anew(
        *interval(seed, sure),
        float(np.mean(sure > 0.99)),
        float(np.mean(told["answers"] == column)),
        float(np.mean(told["answers"] == np.arange(column))),
        *test(start["confidence"], sure),
        None if trace is None else generations_to(trace, 0.99),
    )


def generations_to(trace: np.ndarray, level: float) -> int | None:
    """Return the first generation whose median over runs and classes is above a level."""
    above = np.flatnonzero(np.median(trace, axis=(1, 2)) > level)
    return int(above[0]) + 1 if above.size else None


def interval(seed: int, values: np.ndarray) -> Interval:
    """Return the median over runs and classes, its interval by resampling whole runs.

    Args:
        seed: of the resampling.
        values: ``[runs, k]``.
    """
    median = lambda rows, axis: np.median(values[rows.astype(int)], axis=(-2, -1))
    return fj.metrics.bootstrap(np.arange(len(values)), median, seed=seed)


def test(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Apply Mann and Whitney's test, two-sided, to the confidences in two networks' images.

    Returns:
        p of all images, p of the medians of the runs, and how often an image of the first
        is the surer one, ties counting half.
    """
    both = fj.metrics.mann_whitney(before.ravel(), after.ravel())
    runs = fj.metrics.mann_whitney(np.median(before, axis=1), np.median(after, axis=1))
    return both.p_value, runs.p_value, both.statistic / (before.size * after.size)


class Found(NamedTuple):
    """All that the page is about; what was made anew by maker and network."""

    config: Config
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]
    shares: study.Table
    anew: Mapping[str, Mapping[str, Anew]]
    verdict: str
    conclusion: str
    trend: Mapping[str, float] | None

    @property
    def headline(self) -> str:
        """The way of making images that the fooling class consists of."""
        return self.scene.trained_on[0]

    def called(self, name: str, kind: str, made_for: str | None = None) -> str:
        """Say which share of images a network calls fooling."""
        at = {"shown_to": name, "kind": kind, "made_for": made_for}
        return study.share(self.shares.value("called", **at).mean)

    def wrong(self, name: str) -> str:
        """Say which share of a network's answers to real images are wrong."""
        at = {"shown_to": name, "kind": TEST, "made_for": None}
        return study.share(self.shares.value("wrong", **at).mean)

    def older(self, measure: str) -> float:
        """Return a mean over all earlier networks' images, shown to the last one."""
        *before, last = self.scene.names
        at = {"shown_to": last, "kind": self.headline}
        each = [self.shares.value(measure, made_for=name, **at).mean for name in before]
        return float(np.mean(each))


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    last, of = found.scene.names[-1], found.anew[found.headline]
    medians = [study.sure(of[name].median) for name in (found.scene.names[0], last)]
    yield study.Opening(
        TITLES[found.verdict],
        "Images that mean nothing to people fool networks. An obvious remedy: teach the network to "
        "call them “fooling”. Then whoever wants to fool it begins again, knowing it.",
        [
            (medians[0], "median confidence in images evolved against the first network"),
            (medians[1], "in images evolved anew against the last one"),
            (study.share(found.older("called")), "of older images it calls fooling"),
            (found.wrong(last), "of its answers to real images are wrong"),
            (study.duration(found.results.seconds), "of computing"),
        ],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("Does it help?")
    yield from answer(found)
    yield study.Heading("What the images look like")
    yield looks(found)
    yield study.Heading("What does the fooling class recognize?")
    yield from recognized(found)
    yield study.Heading("How hard is the search?")
    yield from effort(found)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, scene = found.config, found.scene
    kinds = " and ".join(MAKERS[one] for one in scene.trained_on)
    more = f"{scene.added_images:,} more joined the class, and so on up to {scene.names[-1]}"
    yield (
        f"DNN 1 ({config.victim.model}) was trained on the {len(scene.train.labels):,} training "
        f"images of {config.victim.dataset}. Against it, images were made in many short "
        f"independent runs, {kinds}, and those of the first and of the last generation were put "
        f"into one further class, “fooling”: {scene.first_images:,} images. DNN 2 was trained from "
        f"scratch on everything, images were made against it in the same way, {more}."
    )
    yield (
        f"How easily a network is fooled was measured by {config.runs} further runs, "
        f"{config.generations} generations of {config.children} images, begun anew against that "
        "very network. Their images were never trained on. The confidence is the probability that "
        "the network gives to the class that an image is to show, the fooling class being among "
        "the answers: whoever makes the images knows about it and must avoid it. “Not retrained” "
        "is one more network trained like DNN 1, from other starting weights: what lies between "
        "these two is chance."
    )
    yield (
        f"Intervals: {INTERVALS}, so differences between networks hold chance in the training as "
        "well. The runs count as too short if the first network's median is below 90 %. Otherwise "
        "retraining counts as no help if the median of every retrained network is at least 90 %, "
        "as help if each is at most 50 %, else as help in part."
    )


def answer(found: Found) -> Iterator[study.Block]:
    """Say whether it helps, and show what images made anew reach."""
    yield fj.reporting.paragraph(fj.reporting.strong("In short. "), found.conclusion)
    yield old_and_new(found)
    if found.trend is not None:
        words = "there is a trend" if found.trend["p"] < _LEVEL else "no trend is to be seen"
        yield (
            f"Over the retrained networks {words} (Spearman's correlation of round and median "
            f"{found.trend['rho']:+.2f}, p = {found.trend['p']:.2g})."
        )
    yield medians(found)
    scene, of = found.scene, found.anew[found.headline]
    rows = []
    for place, name in enumerate((*scene.names, CONTROL)):
        paper = study.sure(PAPER[place]) if name != CONTROL and place < len(PAPER) else ""
        learned, called = f"{scene.fooling_images(name):,}", found.called(name, TEST)
        rows.append((name, learned, found.wrong(name), called, paper, *row(of[name])))
    titles = ("Network", "Fooling images learned", "Errors on real images")
    yield fj.reporting.table(
        (*titles, "Real images called fooling", "The paper's median", *ANEW),
        rows,
        f"Images made anew: {MAKERS[found.headline]}. Test: Mann-Whitney's U, two-sided, of the "
        "confidences in all images; in brackets how often an image made for DNN 1 is the surer "
        "of two",
    )
    tables = [
        fj.reporting.table(
            ("Network", *ANEW),
            [(name, *row(one)) for name, one in others.items()],
            f"Images made anew: {MAKERS[maker]}"
            + ("" if maker in scene.trained_on else "; never trained on"),
        )
        for maker, others in found.anew.items()
        if maker != found.headline
    ]
    yield study.Folded("The same for the other ways of making images", tables)


def row(one: Anew) -> tuple[str, ...]:
    """Write what images made anew reach."""
    sure = lambda value: study.sure(round(value, 3) if 0.001 < value < 0.999 else value)
    alone = np.isnan(one.low)
    between = "one run only" if alone else f"{sure(one.low)} to {sure(one.high)}"
    test = f"p = {one.p:.2g} ({study.share(one.first_higher)})"
    return sure(one.median), between, study.share(one.fooled), study.share(one.called), test


def old_and_new(found: Found) -> str:
    """Compare what images of earlier networks reach with those made anew."""
    if found.verdict == "untested":
        return "Give evolution more --generations or --children."
    last = found.scene.names[-1]
    naive, anew = found.older("fooled"), found.anew[found.headline][last].fooled
    start = (
        f"Judged by images made for earlier networks, {study.share(naive)} of which still fool "
        f"{last}, "
    )
    if naive < 0.5 <= anew:
        return start + (
            "the defense looks good. That is no measure of it: of images made for this network "
            f"{study.share(anew)} do. What it has learned are the old images."
        )
    if anew < 0.5:
        return start + (
            f"and by images made for it, {study.share(anew)} of which do, the defense holds "
            "against evolution of this length. A longer search, or another, may still succeed."
        )
    return (
        f"{start}the defense does not even look good; of images made for it {study.share(anew)} do."
    )


def medians(found: Found) -> study.Figure:
    """Draw the median confidence in images made anew, network after network."""
    names, dashed = found.scene.names, "the paper's, MNIST"
    lines = {
        MAKERS[maker]: [fj.metrics.Interval(*of[name][:3]) for name in names]
        for maker, of in found.anew.items()
    }
    if "cppn" in found.scene.trained_on:
        lines[dashed] = [study.exactly(median) for median in PAPER[: len(names)]]
    return study.lines(
        "medians",
        study.tabulate("images", "network", lines, "median", first=1),
        "network",
        "median",
        "images",
        "Median confidence in images made anew, network after network. How to read it: a line that "
        f"stays at the top means that retraining does not help. Shaded: {INTERVALS}. Dashed: "
        "medians of the paper's figure 11, where that many networks are shown.",
        x_label="network: 1 has seen no fooling images, each later one more of them",
        y_label="median confidence in new images",
        shares=True,
        dashed=[dashed],
    )


def looks(found: Found) -> study.Figure:
    """Show images evolved against each network."""
    scene, maker = found.scene, found.headline
    columns = scene.train.num_classes
    images = [found.results.one(against=name, made=maker)["images"][0] for name in scene.names]
    told = [
        found.results.one(shown_to=name, made_for=name, kind=maker)["confidence"][0]
        for name in scene.names
    ]
    draw = functools.partial(
        fj.reporting.gallery,
        images=np.stack(images) / 255.0,
        confidences=np.stack(told),
        class_names=scene.train.class_names,
        row_names=scene.names,
        max_pictures=max(100, min(columns, 10) * len(scene.names)),
    )
    return study.Figure(
        "gallery",
        draw,
        "Images evolved against each network, one column for each class. The first run against "
        "each network, not selected; below each image how sure that network is of the class. Do "
        "later rows look more like what they are to show?",
    )


def recognized(found: Found) -> Iterator[study.Block]:
    """Show what the fooling class recognizes."""
    scene, shares = found.scene, found.shares
    first, last = scene.names[0], scene.names[-1]
    parts = []
    for maker in found.anew:
        known = "learned from such" if maker in scene.trained_on else "never learned from such"
        parts.append(
            f"{MAKERS[maker]} ({known}) {found.called(last, maker, first)} of those made for DNN 1 "
            f"and {found.called(last, maker, last)} of those made for itself"
        )
    unrelated = ", ".join(f"{kind} {found.called(last, kind)}" for kind in scene.unrelated)
    yield (
        f"{last} calls fooling: of {'; of '.join(parts)}. Of images that nobody has made against a "
        f"network: {unrelated}. Of real test images: {found.called(last, TEST)}."
    )
    kinds = "; ".join(f"{maker}: {MAKERS[maker]}" for maker in found.anew)
    ways = [(f"{maker}, made for DNN 1", maker, first) for maker in found.anew]
    ways += [(f"{maker}, made anew", maker, "itself") for maker in found.anew]
    others = [(kind, kind, None) for kind in (TEST, *scene.unrelated)]
    rows = []
    for words, kind, of in [*others[:1], *sorted(ways), *others[1:]]:
        for name in scene.names:
            made_for = name if of == "itself" else of
            (one,) = shares.where(shown_to=name, kind=kind, made_for=made_for).rows
            rows.append(study.Row({"images": words, "shown to": name}, one.values))
    yield study.matrix(
        "unrelated",
        study.Table(tuple(rows)),
        "images",
        "shown to",
        "called",
        "Share called fooling, by kind of image and network. Share of images that each network "
        "puts into the fooling class. “Made for DNN 1”: the same images for all networks; “made "
        "anew”: made against the network of that column. Below each share: its 95 % interval over "
        f"the runs, where there are several. {kinds[0].upper()}{kinds[1:]}.",
        label="share called fooling",
    )
    alone = [one for one in shares.rows if CONTROL not in one.keys.values()]
    pairs = [
        study.matrix(
            f"pairs_{maker}",
            study.Table(tuple(one for one in alone if one.keys["made_for"])).where(kind=maker),
            "made_for",
            "shown_to",
            "called",
            f"Share called fooling of {MAKERS[maker]}: rows made for, columns shown to. Below the "
            "diagonal are networks older than the images, above it those trained after such images "
            "had joined the class.",
            label="share called fooling",
        )
        for maker in found.anew
    ]
    yield study.Folded("Images of every network, shown to every network", pairs)


def effort(found: Found) -> Iterator[study.Block]:
    """Show how long evolution has to search."""
    names, maker = found.scene.names, found.headline
    places = np.linspace(0, len(names) - 1, min(_CURVES, len(names))).astype(int)
    lines = {}
    for name in (*(names[place] for place in np.unique(places)), CONTROL):
        trace = found.results.one(against=name, made=maker)["trace"]
        lines[name] = [study.exactly(median) for median in np.median(trace, axis=(1, 2))]
    yield study.lines(
        "curves",
        study.tabulate("network", "generation", lines, "median", first=1),
        "generation",
        "median",
        "network",
        "Median confidence by generation, for several networks. How to read it: the further right "
        "a line rises, the longer evolution has to search. A defense may be worth that much even "
        "where it fails in the end.",
        x_label="generation",
        y_label="median confidence",
        log_x=True,
        shares=True,
        dashed=[CONTROL],
    )
    rows = [
        (MAKERS[maker], *(str(of[name].effort or "never") for name in names))
        for maker, of in found.anew.items()
        if maker != "ascent"
    ]
    caption = "Generation in which the median confidence first exceeds 99 %"
    yield fj.reporting.table(("Images", *names), rows, caption)
