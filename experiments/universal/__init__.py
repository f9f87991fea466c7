"""Make one small change that fools a network about most images, and show it to others.

Run:    python -m experiments.universal
        python -m experiments.universal --preset mnist --data-dir DIR
        python -m experiments.universal --preset cifar10 --data-dir DIR
        python -m experiments.universal --preset imagenet --data-dir DIR --weights DIR
Cost:   several minutes on two laptop cores, training included (embedded digits, three
        networks, two methods, two norms, five sizes, three repeats).
Expect: held-out images are fooled at least three times as often as by random changes
        of the same size; other networks are fooled too, though less often.
Source: Moosavi-Dezfooli, Fawzi, Fawzi and Frossard, 2017, Universal adversarial
        perturbations, arXiv:1610.08401, sections 2 to 4; Shafahi et al., 2020,
        arXiv:1811.11304 (by gradient).
"""

from __future__ import annotations

import sys
from typing import Any

from fooljax import study
from fooljax.study import Victim as Victim

from . import measure, page
from .measure import PRESETS as PRESETS
from .measure import RANDOM, Config, Found

PAPERS = {
    "1610.08401": "S.-M. Moosavi-Dezfooli, A. Fawzi, O. Fawzi and P. Frossard, “Universal "
    "adversarial perturbations”, CVPR 2017",
    "1811.11304": "By gradient: A. Shafahi et al., “Universal adversarial training”, AAAI 2020",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        networks = study.networks(run, config.models, whole=True)
        study.refuse_no_gradient(networks.each.values(), "--models: the methods")
        classes = len(networks.class_names)
        if config.target is not None and config.target >= classes:
            raise ValueError(f"--target must be in [0, {classes}), got {config.target}")
        scene = measure.set_scene(config, networks)
        results = measure.make(run, scene)
        records = list(measure.judge(config, scene, results))
        of_all = study.where(records, images=len(scene.train))
        own = [record for record in of_all if record["made_for"] == record["shown_to"]]
        control = study.where(records, made_for=RANDOM)
        found = Found(
            config,
            scene,
            results,
            records,
            study.summarize(own, ("made_for", "method", "norm"), ("fit", "held_out")),
            study.summarize(control, ("shown_to", "norm"), ["held_out"]),
        )
        first = page.headline(found)
        print(
            f"{first.made_for}, {first.method}, {first.norm}: {study.share(first.held_out)} of "
            f"held-out images fooled, {study.share(first.random)} by random changes of that size",
            file=sys.stderr,
        )
        return study.publish(
            run,
            page.report(found, first),
            networks.each,
            results,
            records,
            PAPERS,
            keep=["perturbation"],
            headline=first._asdict(),
            own=found.own.plain(),
            control=found.control.plain(),
            train_images=len(scene.train),
            test_images=len(scene.test),
            intervals="95 %, Student's t over the repeats; the networks are the same in all",
        )
