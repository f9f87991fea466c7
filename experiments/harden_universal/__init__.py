"""Train on with universal perturbations added to the images, then make new ones.

Run:    python -m experiments.harden_universal
        python -m experiments.harden_universal --model lenet --rounds 2
        python -m experiments.harden_universal --preset mnist --data-dir DIR
Cost:   about two minutes on two laptop cores, training included (embedded digits, a
        perceptron, 4 rounds; 10 perturbations to train on and 6 to test in each).
Expect: the perturbations that were trained on soon fool next to nothing, new ones fool
        less than before and still far more than random changes do.
Source: Moosavi-Dezfooli, Fawzi, Fawzi and Frossard, 2017, Universal adversarial
        perturbations, arXiv:1610.08401, section 4 (VGG-F on ImageNet: 93.7 % of images
        fooled before, 76.2 % after one round, 80.0 % after two).
"""

from __future__ import annotations

import sys
from typing import Any

from fooljax import study
from fooljax.study import Victim as Victim

from . import measure, page
from .measure import PRESETS as PRESETS
from .measure import Config, Found

PAPERS = {
    "1610.08401": "S.-M. Moosavi-Dezfooli, A. Fawzi, O. Fawzi and P. Frossard, “Universal "
    "adversarial perturbations”, CVPR 2017, section 4: a network for photographs, fooled about "
    "93.7 % of images, was trained on with perturbed images; a new perturbation fooled it about "
    "76.2 %, and 80.0 % after another round. Further rounds were no better",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        network = study.network(run)
        scene = measure.set_scene(config, network)
        results = measure.harden(run, scene)
        records = list(measure.judge(results))
        shares = study.summarize(records, ("rounds", "kind"), ["share"])
        worst = [measure.strongest(config, shares, rounds) for rounds in range(config.rounds + 1)]
        random = [shares.value("share", rounds=i, kind="random") for i in range(len(worst))]
        verdict = measure.decide(worst, random)
        conclusion = page.conclude(config, shares, verdict)
        print(conclusion, file=sys.stderr)
        count = len(scene.test)
        return study.publish(
            run,
            page.report(
                Found(config, network.origin, count, results, records, shares, verdict, conclusion)
            ),
            {config.victim.model: network},
            results,
            records,
            PAPERS,
            keep=["perturbation"],
            shares=shares.plain(),
            verdict=verdict,
            conclusion=conclusion,
            intervals="95 %, Student's t over the perturbations; there is one network only",
        )
