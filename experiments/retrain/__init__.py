"""Put the fooling images into a class of their own, train again, and fool the new network.

Run:    python -m experiments.retrain
        python -m experiments.retrain --encoding both --networks 8
        python -m experiments.retrain --preset mnist --data-dir DIR
        python -m experiments.retrain --preset paper --data-dir DIR
Cost:   about five minutes on two laptop cores (embedded digits, 5 networks, each
        attacked anew in 5 runs of three kinds); the preset mnist about half an hour.
Expect: images that fooled earlier networks are called fooling by later ones, and yet
        evolution that begins anew against each network finds others it is sure of:
        the paper's medians on MNIST stay near 99 % in round after round.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897, sections 3.6 to 3.8 and figure 11.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from fooljax import study

from . import measure, page
from .measure import CONTROL, PRESETS, SURE, TEST, UNSURE, Config, Scene, fresh, judge
from .page import Anew, Found, measure_anew

__all__ = ["PRESETS", "Config", "main"]

PAPERS = {
    "1412.1897": "A. Nguyen, J. Yosinski, J. Clune, “Deep neural networks are easily fooled”, CVPR "
    "2015, sections 3.6 to 3.8 and figure 11. There, networks for digits were fooled in round "
    "after round, while one for photographs, retrained once, was not fooled as easily: its median "
    "confidence fell from 88.1 % to 11.7 %"
}


OPENINGS = {
    "untested": "These runs say nothing about retraining, for they do not even make the first "
    "network sure",
    "no": "Retraining did not help against an adversary who evolves anew",
    "yes": "Retraining helped, also against an adversary who evolves anew",
    "partly": "Retraining helped some of the networks against an adversary who evolves anew",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    recipe = measure.check(config)
    with study.opened(main, config) as run:
        scene = measure.set_scene(run, recipe)
        results = measure.retrain(run, scene)
        found = gather(config, scene, results)
        print(found.conclusion, file=sys.stderr)
        return study.publish(
            run,
            page.report(found),
            networks(scene, results),
            results,
            found.records,
            PAPERS,
            keep=("images", "trace", "called", "confidence"),
            verdict=found.verdict,
            conclusion=found.conclusion,
            train_images=len(scene.train.labels),
            trained_on=scene.trained_on,
            fooling_images=[scene.fooling_images(name) for name in scene.names],
            attacks={
                maker: {name: one._asdict() for name, one in of.items()}
                for maker, of in found.anew.items()
            },
            paper_median=measure.PAPER,
            shares=found.shares.plain(),
            trend=found.trend,
            intervals=page.INTERVALS,
        )


def gather(config: Config, scene: Scene, results: study.Results) -> Found:
    """Derive from what the networks said all that the page is about."""
    records = list(judge(scene, results))
    by = ("shown_to", "kind", "made_for")
    whole = [{"wrong": None, "fooled": None, "median": None, **one} for one in records]
    shares = study.summarize(whole, by, ("called", "fooled", "wrong", "median"), "run")
    anew: dict[str, dict[str, Anew]] = {maker: {} for maker in config.attacks}
    for maker, of in anew.items():
        for name in (*scene.names, *([CONTROL] if maker in scene.trained_on else [])):
            of[name] = measure_anew(scene, results, name, maker)
    medians = [anew[scene.trained_on[0]][name].median for name in scene.names]
    found = Found(
        config, scene, results, records, shares, anew, decide(medians), "", trend(medians)
    )
    return found._replace(conclusion=conclude(found))


def conclude(found: Found) -> str:
    """Say in words what the numbers say."""
    *_, last = names = found.scene.names
    of = [found.anew[found.headline][name] for name in names]
    first, later, end = of[0], [one.median for one in of[1:]], of[-1]
    sure, unsure = sum(m >= SURE for m in later), sum(m <= UNSURE for m in later)
    opening = OPENINGS[found.verdict]
    if found.verdict == "untested":
        opening += f" (median {study.sure(first.median)})"
    effort = [one.effort or "never" for one in (first, end)]
    return (
        f"{opening} (runs of {found.config.generations} generations): of {len(later)} retrained "
        f"networks, {sure} are again made at least {100 * SURE:.0f} % sure of half of the new "
        f"images, {unsure} at most {100 * UNSURE:.0f} %. The last one, {last}: median "
        f"{study.sure(end.median)}, {100 * end.fooled:.0f} % of the new images called what they "
        "were made to be; of images made for earlier networks it calls "
        f"{100 * found.older('called'):.0f} % fooling. The generation in which the median first "
        f"exceeds 99 %: {effort[0]} against DNN 1, {effort[1]} against {last}."
    )


def networks(scene: Scene, results: study.Results) -> dict[str, study.Prepared]:
    """Describe all networks, by name."""
    labels, described = np.asarray(scene.test.labels), {}
    for name in (*scene.names, CONTROL):
        answers = results.one(shown_to=name, kind=TEST)["answers"]
        origin = f"{scene.config.victim.model} trained from scratch, with "
        origin += f"{scene.fooling_images(name):,} fooling images"
        right, classes = float(np.mean(answers == labels)), scene.train.class_names
        described[name] = study.Prepared(fresh(scene, name), classes, right, origin)
    return described


def trend(medians: Sequence[float]) -> dict[str, float] | None:
    """Return Spearman's correlation of round and median among retrained networks.

    None below four networks, or where all are equal.
    """
    import scipy.stats

    later = medians[1:]
    if len(later) < 4 or len(set(later)) < 2:
        return None
    found = scipy.stats.spearmanr(np.arange(len(later)), later)
    return {"rho": float(found.statistic), "p": float(found.pvalue)}


def decide(medians: Sequence[float]) -> str:
    """Say whether retraining helped against images made anew.

    Returns:
        ``untested`` unless the first network's median is at least ``SURE``: a search
        that does not fool it says nothing about the others. Otherwise ``no`` if every
        retrained network's median is at least ``SURE``, ``yes`` if each is at most
        ``UNSURE``, and else ``partly``.
    """
    first, *later = medians
    if first < SURE:
        return "untested"
    if min(later) >= SURE:
        return "no"
    return "yes" if max(later) <= UNSURE else "partly"
