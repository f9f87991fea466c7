"""Fool several networks that answer as one: how much dearer is it the more there are?

Run:    python -m experiments.ensemble
        python -m experiments.ensemble --models mlp resnet --members 1 2 4
        python -m experiments.ensemble --preset mnist --data-dir DIR
Cost:   ten to fifteen minutes on two laptop cores, most of it compiling (embedded digits,
        three disjoint sets of eight networks, ensembles of up to eight, two groups).
Expect: more networks are a little dearer to fool, yet whoever knows all of them still
        makes them certain of every class.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897, supplement (evolving against the mean of three networks);
        Tramer et al., 2020, arXiv:2002.08347 (how to attack an ensemble).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from fooljax import study

from . import measure, numbers, page
from .measure import PRESETS, Config

__all__ = ["PRESETS", "Config", "main"]

PAPERS = {
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, "
    "CVPR 2015: evolving against three networks at once",
    "2002.08347": "F. Tramèr et al., “On adaptive attacks to adversarial example defenses”, "
    "NeurIPS 2020",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        ensembles, joint = config.ensembles, config.joint
        joint.check(config.rounds)
        networks = study.train_sets(run, ensembles, joint)
        sets = study.make_sets(networks, ensembles, joint.images, config.run.seed)
        results = measure.attack(run, sets)
        test = study.splits_of(next(iter(networks.values()))).test
        labels, names = np.asarray(test.labels), test.class_names
        records = list(numbers.judge(config, labels, len(names), results))
        found = numbers.gather(config, names, results, records)
        conclusion = {name: numbers.conclude(config, one) for name, one in found.groups.items()}
        print("\n".join(f"{name}: {words}" for name, words in conclusion.items()), file=sys.stderr)
        by = ("group", "alone", "attack", "members")
        means = study.summarize(records, by, study.JOINT_MEASURES, "set", study.unbounded)
        return study.publish(
            run,
            page.report(found),
            networks,
            results,
            records,
            PAPERS,
            keep=("images",),
            conclusion=conclusion,
            means=means.plain(),
            growth={
                name: {attack: grown._asdict() for attack, grown in one.growth.items()}
                for name, one in found.groups.items()
            },
            intervals="95 %, Student's t over disjoint sets of networks",
        )
