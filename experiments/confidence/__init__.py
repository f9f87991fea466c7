"""How sure are networks, of what, how far away, and is it true?

Run:    python -m experiments.confidence
        python -m experiments.confidence --dataset mnist --weights lenet.safetensors
        python -m experiments.confidence --dataset imagenet --model squeezenet1_1 --weights DIR \
--compared mobilenet_v2 --generators noise near_noise --images 20 --runs 2 --slice-pixels 25
Cost:   a few minutes on two laptop cores (embedded digits, two networks); the ImageNet
        command a quarter of an hour, half of it near_noise: it starts from noise and goes
        where the network leans. To evolve or climb to a thousand classes takes hours there.
Expect: networks are less sure of their mistakes than of what they get right, and surest of
        what was made for them. Far away on a ray a network of rectifiers becomes certain;
        one whose rectifiers have a ceiling (MobileNet's end at 6) does not. A temperature
        makes confidences on real images truer, and stops nothing from fooling.
Source: Hein, Andriushchenko and Bitterwolf, 2019, arXiv:1812.05720 (rays); Guo et al., 2017,
        arXiv:1706.04599 (calibration, temperature); Goodfellow, Shlens and Szegedy, 2015,
        arXiv:1412.6572 (linear extrapolation).
"""

from __future__ import annotations

from typing import Any

from fooljax import study

from . import measure, page
from .measure import LINES, PRESETS, Config, Victim

__all__ = ["PRESETS", "Config", "Victim", "main"]

PAPERS = {
    "1812.05720": "M. Hein, M. Andriushchenko and J. Bitterwolf, “Why ReLU networks yield "
    "high-confidence predictions far away from the training data”, CVPR 2019",
    "1706.04599": "C. Guo, G. Pleiss, Y. Sun and K. Weinberger, “On calibration of modern neural "
    "networks”, ICML 2017",
    "1412.6572": "I. Goodfellow, J. Shlens and C. Szegedy, “Explaining and harnessing adversarial "
    "examples”, ICLR 2015: fooling as linear extrapolation",
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, "
    "CVPR 2015",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        measure.check(config)
        makers = study.choose("--generators", config.generators, study.FOOLING)
        networks = study.network_and_others(run, "--compared", config.compared)
        study.refuse_no_gradient(networks.each.values(), "--model: tangents")
        measured = measure.measure(run, networks, makers)
        found = page.find(config, networks, makers, measured)
        certain = {line: found.certain_at(line) for line in LINES}
        return study.publish(
            run,
            page.report(found),
            networks.each,
            measured.everything,
            found.records,
            PAPERS,
            keep=("images", "odds", "answers", "confidence", "corners"),
            level=config.level,
            certain_at=certain["noise"],
            certain_at_real=certain["real"],
            median_confidence=found.confidence.plain(),
            calibration=found.calibration.plain(),
            tangent_r2=found.reach.plain(),
            intervals="medians: bootstrap of 95 % over images or runs; calibration, tangent and "
            "certain_at: lowest to highest of the runs",
        )
