"""Fool several networks that answer as one: how much dearer is it the more there are?

Run:    python -m experiments.ensemble
        python -m experiments.ensemble --models mlp resnet --members 1 2 4 --rule-sizes 4
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
from collections.abc import Mapping
from typing import Any

import numpy as np

import fooljax as fj
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
        measure.check(config)
        networks = train(run)
        scenes = set_scenes(config, networks)
        results = measure.attack(run, scenes)
        test = study.splits_of(next(iter(networks.values()))).test
        records = list(numbers.judge(config, scenes, np.asarray(test.labels), results))
        found = numbers.gather(config, test.class_names, results, records)
        told = {group: numbers.conclude(config, one) for group, one in found.groups.items()}
        print("\n".join(f"{group}: {words}" for group, words in told.items()), file=sys.stderr)
        by = ("group", "alone", "rule", "attack", "members")
        means = study.summarize(records, by, numbers.MEASURES, "set", numbers.interval)
        return study.publish(
            run,
            page.report(found),
            networks,
            results,
            records,
            PAPERS,
            keep=("images",),
            conclusion={
                group: numbers.conclude(config, one) for group, one in found.groups.items()
            },
            means=means.plain(),
            growth={
                group: {name: grown and grown._asdict() for name, grown in one.growth.items()}
                for group, one in found.groups.items()
            },
            alignment={group: one.cosines for group, one in found.groups.items()},
            intervals="95 %, Student's t over disjoint sets of networks",
        )


def train(run: study.Run[Config]) -> dict[str, study.Prepared]:
    """Train, load or fetch as many networks of every architecture as the sets take.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    config, networks = run.config, dict[str, study.Prepared]()

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        study.afford(shape, children=config.children)
        with study.blame("--encodings"):
            for name in config.encodings:
                fj.encodings.CATALOG[name].build(shape, fj.media.Pictures())

    for model, count in measure.needed(config).items():
        found = study.networks(run, (model,), count, fits=fits).each.values()
        networks |= {f"{model} {i + 1}": one for i, one in enumerate(found)}
    return networks


def set_scenes(
    config: Config, networks: Mapping[str, study.Prepared]
) -> dict[tuple[str, int], measure.Scene]:
    """Put the ensembles together and choose the images, by group and number of the set.

    Raises:
        ValueError: if too few test images are right on all networks of a set.
    """
    import jax
    import jax.numpy as jnp

    test = study.splits_of(next(iter(networks.values()))).test
    labels = np.asarray(test.labels)
    right = {
        name: fj.training.predict(one.classifier, test.images) == labels
        for name, one in networks.items()
    }
    key = study.key_of(config.run.seed, images="right")
    order, scenes = np.asarray(jax.random.permutation(key, len(labels))), {}
    for group in measure.groups(config):
        for place in range(config.sets):
            names = measure.names_of(config, group, place)
            rows = order[np.all([right[name] for name in names], axis=0)[order]][: config.images]
            if len(rows) < config.images:
                raise ValueError(
                    f"--images: {', '.join(names)} are all right about {len(rows)} test images "
                    f"only, got {config.images}; ask for fewer, or train longer (--train-steps)"
                )
            members = tuple(networks[name].classifier for name in names)
            chosen, truth = fj.data.as_float(test.images[rows]), jnp.asarray(labels[rows])
            scenes[group, place] = measure.Scene(names, members, chosen, truth, test.images)
    return scenes
