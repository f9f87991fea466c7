"""Put the fooling images into a class of their own, train again, and fool the new network.

Run:    python -m experiments.retrain
        python -m experiments.retrain --encoding cppn direct --networks 8
        python -m experiments.retrain --preset mnist --data-dir DIR
        python -m experiments.retrain --preset paper --data-dir DIR
        python -m experiments.retrain --preset imagenet --weights DIR --data-dir DIR
Cost:   about seven minutes on two laptop cores (embedded digits, 5 networks and a control,
        each attacked anew in 5 runs of three kinds); the presets mnist and imagenet about
        half an hour.
Expect: images that fooled earlier networks are called fooling by later ones, and yet
        evolution that begins anew against each network finds others it is sure of:
        the paper's medians on MNIST stay near 99 % in round after round.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897, sections 3.6 to 3.8 and figure 11.
"""

from __future__ import annotations

import sys
from typing import Any

from fooljax import study

from . import measure, numbers, page
from .measure import PRESETS, Config

__all__ = ["PRESETS", "Config", "main"]

PAPERS = {
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, "
    "CVPR 2015, sections 3.6 to 3.8. There, networks for handwritten digits were fooled in round "
    "after round, while one for photographs, retrained once, was not fooled as easily: its median "
    "confidence fell from 88.1 % to 11.7 %",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        measure.check(config)
        scene = measure.set_scene(run)
        networks, made = study.retrain(run, scene.rounds, config.runs)
        results = study.gather(made, measure.show(run, scene, networks, made))
        found = numbers.find(config, scene, results)
        print(conclusion := page.conclude(found), file=sys.stderr)
        return study.publish(
            run,
            page.report(found),
            {f"DNN {number}": network for number, network in networks.items()},
            results,
            found.records,
            PAPERS,
            keep=("images", "confidence"),
            verdict=found.verdict,
            conclusion=conclusion,
            medians=found.sure.plain(),
            surest_tenth=found.tenth.plain(),
            shares=found.shares.plain(),
            trend=numbers.trend(found.medians),
            fooling_images=[scene.rounds.learned(network) for network in networks],
            train_images=len(scene.rounds.train.labels),
            made_for=found.names,
            intervals=page.INTERVALS,
        )
