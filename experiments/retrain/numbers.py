"""The numbers of a finished ``experiments.retrain`` run: records, means of them, a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import Config, Scene

SHARES = ("fooled", "fooling")
SURE, UNSURE = 0.9, 0.5  # medians from which on, and up to which, a verdict follows


class Found(NamedTuple):
    """All that the page is about: what was measured, and means of it."""

    config: Config
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]
    shares: study.Table  # fooled and fooling, by images, made_for and network
    sure: study.Table  # median confidence in images made anew, by attack and network
    course: study.Table  # median of it over the runs, by attack, network and generation
    tenth: study.Table  # confidence that a tenth of a run's images exceed, by attack and network

    @property
    def verdict(self) -> str:
        """A word of ``page.TITLES``: whether retraining helped."""
        name, later = self.config.encoding[0], range(2, self.config.networks + 1)
        tests = (self.against(name, one, of) for one in later for of in (1, study.CONTROL))
        harder = all(one.statistic > 0.5 and one.p_value < 0.05 for one in tests)
        return decide(self.medians, harder)

    @property
    def paper(self) -> study.Table:
        """Medians of the paper's networks, of as many as there are here, as rows of ``sure``."""
        count = self.config.networks if "cppn" in self.config.encoding else 0
        return study.retrained_table(self.scene.rounds.train.class_names, count)

    @property
    def names(self) -> list[str]:
        """Names of the classes that images are made for."""
        names = study.short_names(self.scene.rounds.train.class_names)
        return [names[label] for label in self.scene.rounds.classes]

    @property
    def medians(self) -> list[float]:
        """Median confidences in the images that the claim is about, from DNN 1 on."""
        found = self.sure.column("network", "confidence", attack=self.config.encoding[0])
        return [median.mean for network, median in found.items() if network != study.CONTROL]

    def anew(self, attack: str) -> study.Table:
        """Return the shares of images made anew against each network."""
        rows = self.shares.where(images=attack).rows
        own = (row for row in rows if row.keys["made_for"] == row.keys["network"])
        return study.Table(tuple(own))

    def old_and_new(self, measure: str) -> tuple[float, float]:
        """Return a share of images made for earlier networks and for the last, shown to that."""
        last = self.config.networks
        shares = self.shares.where(images=self.config.encoding[0], network=last)
        *old, new = (shares.value(measure, made_for=one).mean for one in range(1, last + 1))
        return float(np.mean(old)), new

    def effort(self, attack: str, network: int) -> int | str:
        """Return the first generation whose median confidence exceeds 99 %, if any does."""
        course = self.course.where(attack=attack, network=network).column("generation", "median")
        above = (generation for generation, median in course.items() if median.mean > 0.99)
        return next(above, "never" if course else "")

    def against(self, attack: str, network: int, of: int = 1) -> fj.metrics.Comparison:
        """Say how often an image of another network is the surer one, and p by Mann-Whitney's U."""
        sure = lambda one: self.results.stacked("confidence", attack=attack, network=one).ravel()
        return fj.metrics.superiority(sure(of), sure(network))


def find(config: Config, scene: Scene, results: study.Results) -> Found:
    """Average what was measured, over the runs."""
    records = list(judge(results))
    have = lambda name: [one for one in records if name in one]
    by, at = ("images", "made_for", "network"), ("attack", "network")
    shares = study.summarize(have("fooled"), by, SHARES, "run")
    sure = study.medians(have("confidence"), at, "confidence", "run", config.run.seed)
    steps = (*at, "name", "generation")
    course = study.summarize(have("median"), steps, ["median"], "run", study.span)
    tenth = study.summarize(have("surest_tenth"), at, ["surest_tenth"], "run")
    return Found(config, scene, results, records, shares, sure, course, tenth)


def trend(medians: Sequence[float]) -> dict[str, float] | None:
    """Correlate round and median of the retrained networks, by Spearman; None below four."""
    later = medians[1:]
    if len(later) < 4 or len(set(later)) < 2:
        return None
    rho, p = fj.metrics.spearman(range(len(later)), later)
    return {"rho": rho, "p": p}


def decide(medians: Sequence[float], harder: bool = False) -> str:
    """Say in a word whether retraining helped.

    If DNN 1 was not fooled, that is unknown, or as much as the search was ``harder``.
    """
    first, *later = medians
    if first < SURE:
        return "harder" if harder else "untested"
    return "no" if min(later) >= SURE else "yes" if max(later) <= UNSURE else "partly"


def judge(results: study.Results) -> Iterator[study.Record]:
    """Yield shares of each run's images, confidences in those made anew, medians of these."""
    for cell, arrays in results.found:
        part = lambda name: arrays.get(name, np.empty(0)).tolist()  # noqa: B023
        for run, shares in enumerate(zip(part("fooled"), part("fooling"), strict=True)):
            yield {**cell, "run": run, **dict(zip(SHARES, shares, strict=True))}
        for label, confidence in zip(part("labels"), part("confidence"), strict=True):
            yield {**cell, "label": label, "confidence": confidence}
        if part("confidence"):
            yield {**cell, "surest_tenth": float(np.quantile(part("confidence"), 0.9))}
        for generation, confidences in enumerate(part("history")[1:], 1):  # random ones aside
            name, median = f"DNN {cell['network']}", float(np.median(confidences))
            yield {**cell, "name": name, "generation": generation, "median": median}
