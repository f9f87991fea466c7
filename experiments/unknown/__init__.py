"""Let a network say "I do not know this", and try to be answered all the same.

Run:    python -m experiments.unknown
        python -m experiments.unknown --methods energy mahalanobis --outliers photographs
        python -m experiments.unknown --preset mnist --data-dir DIR
Cost:   several minutes on two laptop cores, training included (embedded digits, three
        networks, six methods).
Expect: most methods reject noise and photographs; images made against the bare
        network are rejected more often than those made against the method itself.
Source: Hendrycks and Gimpel, 2017, arXiv:1610.02136 (probability); Hendrycks et al.,
        2022, arXiv:1911.11132 (logit); Liu et al., 2020, arXiv:2010.03759 (energy); Lee
        et al., 2018, arXiv:1807.03888 (Mahalanobis); Sun et al., 2022, arXiv:2204.06507
        (nearest neighbor); Bendale and Boult, 2016, arXiv:1511.06233 (OpenMax).
"""

from __future__ import annotations

import sys
from typing import Any

import fooljax as fj
from fooljax import study

from . import measure, page
from .measure import PRESETS, Config

__all__ = ["PRESETS", "Config", "main"]


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        scene = measure.set_scene(run)
        results = measure.ask(run, scene)
        records = list(measure.judge(scene, results))
        compared = list(measure.compare(scene, records))
        family, by = study.where(records, part="family"), ("method", "images", "how")
        methods = study.summarize(family, by, study.DETECTION, "network")
        gains = study.gains(compared)
        print(study.sum_up(gains), file=sys.stderr)
        sources = {name: fj.defenses.SCORES[name].source for name in config.methods}
        papers = {number: f"{name}: {who}" for name, (who, number) in sources.items()}
        papers["2106.15023"] = "adaptive attacks on detectors: Bryniarski et al., 2021"
        return study.publish(
            run,
            page.report(page.Found(config, scene, results, records, methods, compared, gains)),
            scene.networks.each,
            results,
            records,
            papers,
            keep=("images", "labels"),
            headline=[page.headline(methods, how).keys for how in ("naive", "adaptive")],
            methods=methods.plain(),
            gains=[gain._asdict() for gain in gains],
            rule=study.RULE,
            clean_images=len(scene.clean.labels),
            images_of_family={name: len(images) for name, images in scene.families.items()},
            intervals=page.INTERVALS,
        )
