"""Make images by gradient that a trained network is certain about, and compare with evolved ones.

Run:    python -m experiments.ascend
        python -m experiments.ascend --dataset mnist --weights lenet.safetensors
        python -m experiments.ascend --dataset cifar10 --model resnet
        python -m experiments.ascend --preset imagenet --data-dir DIR --weights DIR
Cost:   a few minutes on two laptop cores, training included.
Expect: without a regularizer every class above 99.99 % within some hundred
        steps, from noise as from grey; regularizers trade confidence for
        smoothness; evolution gets there too, for many times the passes.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897, section 3.9, Figures 13 and S3 to S7; Olah, Mordvintsev
        and Schubert, 2017, Feature Visualization (Fourier coefficients).
"""

from __future__ import annotations

from typing import Any

from fooljax import study
from fooljax.study import Victim as Victim

from . import measure, page
from .measure import BY, MEASURES, Config, Found
from .measure import PRESETS as PRESETS

PAPERS = {
    "1412.1897": "Nguyen, Yosinski and Clune, 2015, “Deep Neural Networks are Easily Fooled”, "
    "section 3.9 and Figure 13",
    "https://distill.pub/2017/feature-visualization": "Olah et al., 2017, “Feature Visualization”",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        suited, network, classes = measure.prepare(run)
        results = measure.make(run, suited, network, classes)
        records = list(measure.judge(results))
        measured = [name for name in MEASURES if name in records[0]]
        table = study.summarize(records, BY, measured, over=study.span)
        found = Found(suited, network, classes, results, records, table)
        return study.publish(
            run,
            page.report(found),
            {config.victim.model: network},
            results,
            records,
            PAPERS,
            keep=("images", "confidence"),
            rows=found.table.plain(),
            class_names=found.class_names,
            controls=list(measure.controls(found)),
        )
