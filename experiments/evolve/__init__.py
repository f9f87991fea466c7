"""Evolve images that a trained network is certain about and a person cannot recognize.

Run:    python -m experiments.evolve
        python -m experiments.evolve --encoding cppn --dataset mnist
        python -m experiments.evolve --encoding cppn --descriptors brightness symmetry
        python -m experiments.evolve --preset paper-mnist-direct --data-dir DIR
Cost:   one to two minutes on two laptop cores, training included (embedded digits,
        5 runs of 200 generations of 200 images).
Expect: every class above 99 % confidence within 200 generations, half of them
        above 99.99 % by generation 100; random images stay far below. Five runs of a class
        are nearly five images in pixels, and fewer than two in what the network sees.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897, sections 2.2, 3.1 and 3.2.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.runtime import hosts

from . import measure, page
from .measure import PRESETS, Config

if TYPE_CHECKING:
    from fooljax.types import Classifier

__all__ = ["PRESETS", "Config", "main"]

PAPERS = {
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled: "
    "high confidence predictions for unrecognizable images”, CVPR 2015"
}


def main(config: Config, classifier: Classifier | None = None) -> dict[str, Any]:
    """Run the experiment.

    Args:
        config: the settings.
        classifier: a network of your own, instead of the one the settings name.

    Returns:
        The summary, as written to ``summary.json``; nothing on hosts but the first.

    Raises:
        ValueError, OSError: for anything wrong with settings or files; a
            ``ConnectionError`` if another host ended.
        Interrupted: if stopped before the end; what is done is saved.
    """
    measure.check(config)
    with hosts.joined(config.hosts):
        # the run itself is the same on any number of hosts, so its settings are too
        return _run(dataclasses.replace(config, hosts=hosts.Hosts()), classifier)


def _run(config: Config, classifier: Classifier | None) -> dict[str, Any]:
    from fooljax.study import memory, search_run

    with study.opened(main, config, measure.NEUTRAL, config.devices) as run:
        network = prepare(run, classifier)
        others = study.prepare_others(run, "--shown-to", config.shown_to, network.classifier)
        shape, medium = network.classifier.input_shape, network.medium
        encoding = measure.build_encoding(config, shape, medium)
        searched = study.carry_references("--descriptors", config.looks.descriptors, network)
        finished, planned, key = measure.evolve(run, encoding, searched, medium)
        if not hosts.first():
            return {}
        niches = study.paint(encoding, finished.state.archive)
        search_run.save(run.folder, finished, niches, medium)
        images, looks = study.sort_niches(config.looks, finished, niches, network, config.children)
        controls = study.controls(key, network.classifier, encoding)
        shown, diverse = study.show_others(images, others), None
        if images.shape[1] > page.MANY and not isinstance(medium, fj.media.Texts):
            pictures = study.as_pictures(medium, niches)
            diverse = study.choose_diverse(pictures, finished, page.BEST, page.LEVEL)
        variety = {}
        if fj.media.kind(medium) == "pictures":
            variety = study.measure_variety(config.run.seed, network, encoding, images, finished)
        found = page.Found(
            config, network, finished, images, controls, shown, diverse, looks, variety
        )
        held = memory.taken(config.memory_limit, planned)
        numbers = page.summarize(found) | {"memory": held}
        median, lowest = (numbers[f"{which}_confidence"] for which in ("median", "min"))
        print(
            f"median confidence {study.sure(median)}, lowest {study.sure(lowest)}", file=sys.stderr
        )
        return study.publish(
            run,
            page.report(found, run.folder / "gallery.html"),
            {config.victim.model: network}
            | {f"{name} (shown to)": other for name, other in others.items()},
            study.Results((({}, {"seconds": np.asarray(finished.clock.seconds)}),)),
            list(page.judge(found)),
            PAPERS,
            **numbers,
        )


def prepare(run: study.Run[Config], classifier: Classifier | None) -> study.Prepared:
    """Train, load or fetch the network, or take the one given; refuse what does not suit it.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    config = run.config

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        medium = fj.media.medium_of(shape)
        if config.length is not None and len(shape) > 1:
            raise ValueError(
                f"--length {config.length} is that of texts, which this network does not read; "
                "leave it out"
            )
        if fj.media.kind(medium) != "texts":
            study.afford(shape, repeats=config.repeats, children=config.children)
        encoding = measure.build_encoding(config, shape, medium)
        measure.build_search(config, encoding, shape, num_classes)

    if classifier is None:
        network = study.network(run, whole=True, real=False, fits=fits)
    else:
        network = study.given(classifier, fits)
    if config.search in study.SMOOTH_SEARCHES:
        study.refuse_no_gradient([network], f"--search {config.search}", "map_elites can")
    if config.length is not None:
        longer = dataclasses.replace(network.classifier, input_shape=(config.length,))
        fj.checks.classifier(longer)
        network = network._replace(classifier=longer)
    tested = "" if network.accuracy is None else f", {100 * network.accuracy:.2f} % right"
    print(f"network: {network.origin}{tested}", file=sys.stderr)
    return network
