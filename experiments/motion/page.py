"""The page of a finished ``experiments.motion`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import BLIND, FROZEN, ORDER, ORDERS, STILLS, VIDEOS, Config, Networks, Scene, judge

INTERVALS = "95 %, Student's t over the folds, each with networks of its own"
MOST, LEAST = 0.75, 0.1  # shares of what is known in order that words follow from
TITLES = {
    "untested": "The networks have learned too little to ask what they look at",
    "poses": "It is shown videos, and one frame would do",
    "frames": "It sees more than one frame, but hardly in which order they come",
    "motion": "It sees motion: without the order of the frames it knows less",
}
MEASURES = {
    "windows": "Windows recognized",
    "sequences": "Videos recognized",
    "same": "Answers as in order",
    "confidence": "Mean confidence",
    "commonest": "Commonest answer",
}
_SHOWN, _FRAMES = 10, 8  # classes in a picture, and frames of each


class Found(NamedTuple):
    """All that the page is about: what was measured, and means of it."""

    config: Config
    scene: Scene
    networks: Networks
    results: study.Results
    records: Sequence[study.Record]
    means: study.Table

    def windows(self, order: str, network: str = VIDEOS) -> float:
        """Return the share of windows recognized, over the folds."""
        return self.means.value("windows", network=network, order=order).mean

    def kept(self, order: str, network: str = VIDEOS) -> float:
        """Return which share of what the network knows in order it still knows.

        Both are counted from the share that is right without looking.
        """
        blind = self.windows(BLIND, BLIND)
        return (self.windows(order, network) - blind) / (self.windows(ORDER) - blind)


def find(config: Config, scene: Scene, networks: Networks, results: study.Results) -> Found:
    """Average what was measured, over the folds."""
    records = list(judge(scene, results))
    means = study.summarize(records, ("network", "order"), MEASURES, "fold")
    return Found(config, scene, networks, results, records, means)


def decide(found: Found) -> str:
    """Say in a word of `TITLES` what the networks look at."""
    if found.windows(ORDER) - found.windows(BLIND, BLIND) < 0.5 * (
        1.0 - found.windows(BLIND, BLIND)
    ):
        return "untested"
    if found.kept(FROZEN) >= 0.5:
        return "poses"
    others = [found.kept(one) for one in ("shuffled", "reversed") if one in found.config.orders]
    return "frames" if others and min(others) >= MOST else "motion"


def conclude(found: Found) -> str:
    """Say in words what the numbers of this run say."""
    spell = lambda measure, order, network=VIDEOS: study.spell(
        found.means.value(measure, network=network, order=order)
    )
    others = [
        f"{study.share(found.windows(order))} of them {order}"
        for order in found.config.orders
        if order not in (ORDER, "noise")
    ]
    return (
        f"{TITLES[decide(found)]}. Networks tested on what they have never seen recognize "
        f"{spell('windows', ORDER)} of the windows in order, {spell('sequences', ORDER)} of the "
        f"videos; {', '.join(others)}. A network that has learned from single frames recognizes "
        f"{spell('windows', FROZEN, STILLS)}, and who does not look "
        f"{study.share(found.windows(BLIND, BLIND))}."
    )


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    yield study.Opening(
        TITLES[decide(found)],
        "A network for videos is shown frames that follow each other, and names what happens. "
        "Does it look at what happens, or at how things look? Here the same frames are shown in "
        "other orders, and one of them all the time.",
        [
            (study.share(found.windows(ORDER)), "of windows recognized in order"),
            *(
                (study.share(found.windows(order)), f"of them {words}")
                for order, words in (
                    ("shuffled", "with frames in random order"),
                    ("reversed", "with frames in reverse"),
                    (FROZEN, "from the first frame alone"),
                )
                if order in found.config.orders
            ),
            (study.share(found.windows(BLIND, BLIND)), "by who does not look"),
        ],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("What came out")
    yield fj.reporting.paragraph(fj.reporting.strong("In short. "), conclude(found))
    yield overview(found)
    yield numbers(found)
    yield from findings(found)
    yield study.Heading("What it looks like")
    yield strips(found)
    yield watched(found)
    yield study.Heading("What is taken for what")
    yield from answers(found)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config, clips = found.config, found.scene.clips
    n, frames, height, width, _ = clips.windows.shape
    yield (
        f"{config.victim.dataset}: {len(np.unique(clips.sequences)):,} videos of "
        f"{len(clips.class_names)} classes ({', '.join(clips.class_names)}), cut into {n:,} "
        f"windows of {frames} frames of {width}x{height} pixels. One part after another was left "
        f"out ({', '.join(found.scene.folds)}); a network ({config.victim.model}, from starting "
        "weights of its own) learned from all others, and was tested on the windows of the part "
        "left out. A video counts as recognized if the mean of its windows' probabilities names it."
    )
    yield (
        f"A second network of each fold learned from the first frame of the same windows alone: "
        "what can be known without any motion. And who does not look always names the class that "
        f"has the most windows to learn from. Intervals are {INTERVALS}."
    )
    rows = [(name, ORDERS[name].words) for name in config.orders]
    yield fj.reporting.table(("Frames", "What was shown"), rows)
    if config.victim.dataset == "moving_digits":
        yield (
            "These videos are made so that the truth is known. A digit moves straight on and comes "
            "back on the other side where it leaves; where it begins, how fast it is and which "
            "digit it is say nothing about where it goes. From one frame nobody can know it (one "
            "in eight), from frames in no order at best the axis (one in two), and the same frames "
            "in reverse show the opposite direction: who sees motion is then always wrong."
        )


def overview(found: Found) -> study.Figure:
    """Show what is recognized, order by order and fold by fold."""
    table = study.summarize(
        [
            {**one, "shown": name(one["network"], one["order"]), "part": one["fold"]}
            for one in found.records
        ],
        ("shown", "part"),
        ["windows"],
        "fold",
    )
    caption = (
        "Share of windows recognized, by what was shown (rows) and by the part left out of "
        "training (columns). How to read it: where a row is like the first, what was changed does "
        "not matter to the network; where it is like the last, it was all the network goes by."
    )
    looks = {"label": "share recognized", "row_label": "shown", "column_label": "left out"}
    return study.matrix("overview", table, "shown", "part", "windows", caption, **looks)


def name(network: str, order: str) -> str:
    """Call a row."""
    if network == STILLS:
        return "one frame, as learned"
    return "nothing" if network == BLIND else order


def numbers(found: Found) -> fj.reporting.Html:
    """Write all means."""
    caption = (
        "Means over the parts left out, with 95 % intervals. Answers as in order: of the same "
        "network to the same windows. Commonest answer: share of the windows that it is given to."
    )
    rows = []
    for row in found.means.rows:
        said = [study.spell(row.values[measure]) for measure in MEASURES]
        rows.append((name(row.keys["network"], row.keys["order"]), *said))
    return fj.reporting.table(("Shown", *MEASURES.values()), rows, caption, sortable=True)


def findings(found: Found) -> Iterator[study.Block]:
    """Say what each order takes away, and no more."""
    if decide(found) == "untested":
        yield "Give training more --train-steps."
        return
    for order in found.config.orders:
        if order in (ORDER, "noise"):
            continue
        kept = found.kept(order)
        words = "all" if kept >= 1.0 else study.share(max(kept, 0.0))
        below = ", less than by chance" if kept < -LEAST else ""
        yield fj.reporting.paragraph(
            fj.reporting.strong(f"{order}: "),
            f"{words} of what the networks know beyond chance is left{below}.",
        )
    known, shown = found.kept(FROZEN, STILLS), found.kept(FROZEN)
    if max(known, shown) > LEAST:
        own, other = (study.share(min(max(one, 0.0), 1.0)) for one in (known, shown))
        yield (
            f"A single frame holds {own} of it to a network that has learned from such, and "
            f"{other} to one that has learned from videos."
        )
    if "noise" in found.config.orders:
        noise = found.means.value("confidence", network=VIDEOS, order="noise").mean
        most = found.means.value("commonest", network=VIDEOS, order="noise").mean
        yield (
            "Noise, the control: of windows whose numbers are exchanged at random the networks "
            f"are {study.sure(noise)} sure on average, and call {study.share(most)} the same."
        )


def chosen(found: Found) -> tuple[str, np.ndarray]:
    """Return a fold, and the first window of each class in it, some of them."""
    fold = found.scene.folds[0]
    rows = found.scene.tested(fold)
    labels = found.scene.clips.labels[rows]
    first = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)]
    return fold, np.array(first[:_SHOWN])


def strips(found: Found) -> study.Figure:
    """Show a strip of frames of each class."""
    clips, (fold, places) = found.scene.clips, chosen(found)
    rows = found.scene.tested(fold)[places]
    windows = fj.data.as_float(clips.windows[rows])
    few = np.linspace(0, windows.shape[1] - 1, min(_FRAMES, windows.shape[1])).round().astype(int)
    return study.images(
        "strips",
        np.asarray(windows[:, few]),
        [[""] * len(few)] * len(rows),
        f"Frames of one window of each class, in order. The first ones of what was left out with "
        f"{fold}, not selected; from left to right frames "
        f"{', '.join(str(one + 1) for one in few)} of {windows.shape[1]}.",
        row_names=[clips.class_names[label] for label in clips.labels[rows]],
        columns=len(few),
    )


def watched(found: Found) -> fj.reporting.Html:
    """Show the same windows as moving pictures, with what the network says in every order."""
    clips, (fold, places) = found.scene.clips, chosen(found)
    rows = found.scene.tested(fold)[places]
    captions = []
    for place, row in zip(places, rows, strict=True):
        said = []
        for order in found.config.orders:
            cell = found.results.one(network=VIDEOS, fold=fold, order=order)
            sure = cell["probabilities"][place]
            said.append(f"{order}: {clips.class_names[sure.argmax()]}, {study.sure(sure.max())}")
        captions.append(f"{clips.class_names[clips.labels[row]]}. {'; '.join(said)}")
    return study.experience(
        fj.media.Videos(clips.rate, clips.binary), clips.windows[rows], captions
    )


def answers(found: Found) -> Iterator[study.Block]:
    """Show which class is taken for which, in order and otherwise."""
    clips = found.scene.clips
    blocks = []
    for order in found.config.orders:
        counts = np.zeros((len(clips.class_names),) * 2)
        for fold in found.scene.folds:
            said = found.results.one(network=VIDEOS, fold=fold, order=order)["probabilities"]
            np.add.at(counts, (clips.labels[found.scene.tested(fold)], said.argmax(axis=1)), 1)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        draw = lambda path, shares=shares: fj.reporting.matrix(
            path,
            shares,
            clips.class_names,
            clips.class_names,
            label="share of the class's windows",
            row_label="class",
            column_label="answer",
        )
        caption = (
            f"Answers to windows of each class, shown {order}. A row says what the windows of a "
            "class are taken for, all parts left out together; the diagonal is right."
        )
        blocks.append(study.Figure(f"answers_{order.replace(' ', '_')}", draw, caption))
    shown = [one for one in (ORDER, "reversed", FROZEN) if one in found.config.orders]
    places = {order: block for order, block in zip(found.config.orders, blocks, strict=True)}
    yield from (places.pop(order) for order in shown)
    if places:
        yield study.Folded("In the other orders", list(places.values()))
