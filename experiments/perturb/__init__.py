"""Perturb real images until a network errs: every attack side by side.

Run:    python -m experiments.perturb
        python -m experiments.perturb --attacks fgsm pgd deepfool --images 500
        python -m experiments.perturb --dataset mnist --weights lenet.safetensors
Cost:   two or three minutes on two laptop cores, training included (embedded
        digits, 100 images, some twenty attacks).
Expect: changes that people hardly notice fool the network on nearly every image;
        random noise of the same size almost never does.
Source: Szegedy et al., 2014, arXiv:1312.6199; Goodfellow et al., 2015,
        arXiv:1412.6572; Moosavi-Dezfooli et al., 2016, arXiv:1511.04599; Carlini
        et al., 2019, arXiv:1902.06705 (how to evaluate, and what to distrust).
"""

from __future__ import annotations

import sys
from typing import Any

import fooljax as fj
from fooljax import study

from . import measure, page
from .measure import PRESETS, Config

__all__ = ["PRESETS", "Config", "main"]

PAPERS = {
    "1312.6199": "Szegedy et al., 2014, Intriguing properties of neural networks",
    "1412.6572": "Goodfellow et al., 2015, Explaining and harnessing adversarial examples",
    "1511.04599": "Moosavi-Dezfooli et al., 2016, DeepFool",
    "1608.04644": "Carlini and Wagner, 2017, Towards evaluating the robustness of neural networks",
    "1706.06083": "Madry et al., 2018, Towards deep learning models resistant to adversarial "
    "attacks",
    "1811.09600": "Rony et al., 2019, Decoupling direction and norm",
    "2102.12827": "Pintor et al., 2021, Fast minimum-norm attacks (FMN)",
    "1709.04114": "Chen et al., 2018, EAD: elastic-net attacks",
    "1902.06705": "Carlini et al., 2019, On evaluating adversarial robustness",
    "2003.01690": "Croce and Hein, 2020, Reliable evaluation (APGD, the cascade)",
    "1912.00049": "Andriushchenko et al., 2020, Square attack",
    "1904.02144": "Chen et al., 2020, HopSkipJump",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        suited, scene = measure.prepare(run)
        results = measure.attack(run, suited, scene)
        found = measure.gather(suited, scene, results)
        for norm, worst in found.worst.items():
            print(
                f"{fj.attacks.NORM_NAMES[norm]} {worst.epsilon:g}: all attacks together fool "
                f"{study.share(worst.fooled)}, noise {study.share(worst.noise)}",
                file=sys.stderr,
            )
        return study.publish(
            run,
            page.report(found),
            {config.victim.model: scene.network},
            results,
            found.records,
            PAPERS,
            keep=study.ATTACKED,
            images=len(scene.real.labels),
            worst_case={norm: worst._asdict() for norm, worst in found.worst.items()},
            curves={
                norm: {name: {"epsilon": x, "accuracy": y} for name, (x, y) in series.items()}
                for norm, series in found.curves.items()
            },
            published=[line._asdict() for line in found.printed],
            doubts=[one._asdict() for one in found.doubts],
            seconds_per_image={name: one.seconds for name, one in found.outcomes.items()},
        )
