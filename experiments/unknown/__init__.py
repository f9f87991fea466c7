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

from . import measure, numbers, page
from .measure import PRESETS, Config

__all__ = ["PRESETS", "Config", "main"]


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        networks = measure.prepare(run)
        print("learning what is known ...", file=sys.stderr)
        scene = measure.set_scene(run, networks)
        results = measure.ask(run, scene)
        found = numbers.gather(config, networks, scene, results)
        in_words = page.in_words(found)
        print("\n".join(f"{name}: {words}" for name, words in in_words.items()), file=sys.stderr)
        sources = {name: fj.defenses.SCORES[name].source for name in config.methods}
        papers = {number: f"{name}: {who}" for name, (who, number) in sources.items()}
        papers["2106.15023"] = "adaptive attacks on detectors: Bryniarski et al., 2021"
        return study.publish(
            run,
            page.report(found),
            networks.each,
            results,
            found.records,
            papers,
            keep=("images", "labels"),
            headline={name: one._asdict() for name, one in numbers.headline(found).items()},
            in_words=in_words,
            methods=found.methods.plain(),
            clean=found.clean.plain(),
            refused=found.refused.plain(),
            bare=found.bare.plain(),
            thresholds={
                name: {
                    method: [one._asdict() for one in limits]
                    for method, limits in stage.thresholds.items()
                }
                for name, stage in scene.stages.items()
            },
            calibration_images=len(scene.clean.calibration),
            clean_images=len(scene.clean.labels),
            images_of_family={name: len(images) for name, images in scene.families.items()},
            intervals=page.INTERVALS,
        )
