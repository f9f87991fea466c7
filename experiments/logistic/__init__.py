"""Why many steps too small to see add up: one step along the sign of the gradient.

Run:    python -m experiments.logistic
        python -m experiments.logistic --dataset mnist --train-steps 800
Cost:   some minutes on two laptop cores, most of it training.
Expect: ten coordinates moved by 0.5 take a logistic unit from 5 % to 88 %; in
        networks a small step gains close to epsilon times the sum of the
        gradient's sizes, and a step of equal size with random signs next to
        nothing.
Source: Goodfellow, Shlens and Szegedy, 2015, Explaining and harnessing
        adversarial examples, arXiv:1412.6572, section 3 (the linear
        explanation); the ten-dimensional example is a common lecture example.
"""

from __future__ import annotations

from typing import Any

from fooljax import study
from fooljax.study import Victim as Victim

from . import measure, page
from .measure import BY, MEASURES, Config, Found, worked_example
from .measure import PRESETS as PRESETS

PAPERS = {
    "1412.6572": "Goodfellow, Shlens and Szegedy, 2015, “Explaining and harnessing adversarial "
    "examples”, section 3"
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        measure.check(config)
        networks = measure.train(run)
        results = measure.step(run, networks)
        records = list(measure.judge(config, networks, results))
        means = study.summarize(records, BY, MEASURES, over=study.span)
        worked = worked_example()
        return study.publish(
            run,
            page.report(Found(config, networks, results, records, means)),
            networks,
            results,
            records,
            PAPERS,
            keep=("start", "l1", "gain", "random", "inside"),
            worked=worked._asdict(),
            networks_measured=means.plain(),
            l1_exponent={model: measure.exponent(means, model) for model in config.models},
        )
