"""What does a neuron look for, and can the picture be trusted?

Run:    python -m experiments.neurons
        python -m experiments.neurons --dataset mnist --layers conv1 conv2 --units 12
        python -m experiments.neurons --dataset imagenet --model squeezenet1_1 --weights FILE
            --image-size 128 128 --layers relu11 --units 6 --repeats 1 --jitter 8
Cost:   two minutes on two laptop cores, training included (embedded digits, LeNet, 8 units of
        one layer, three repeats); 64 units of SqueezeNet at 64 x 64 pixels take minutes.
Expect: images made by plain ascent fire a unit most, and lose a third to a half when shifted;
        images made under jitter keep it. Guided pictures hardly change when weights near the
        answer are shuffled, so they say little about it.
Source: Zeiler and Fergus, 2014, arXiv:1311.2901 (deconvnet); Springenberg et al., 2015,
        arXiv:1412.6806 (guided); Olah, Mordvintsev and Schubert, 2017, Feature Visualization;
        Fel et al., 2023, arXiv:2306.06805 (phases); Adebayo et al., 2018, arXiv:1810.03292.
"""

from __future__ import annotations

import functools
from typing import Any

import fooljax as fj
from fooljax import study
from fooljax.study import Victim as Victim

from . import measure, page
from .measure import PRESETS as PRESETS
from .measure import Config, Found

PAPERS = {
    "1311.2901": "M. Zeiler and R. Fergus, “Visualizing and understanding convolutional networks”, "
    "ECCV 2014: the strongest real pictures of a unit, and what the deconvnet makes of them",
    "1412.6806": "J. Springenberg and others, “Striving for simplicity”, 2015: guided "
    "backpropagation",
    "https://distill.pub/2017/feature-visualization": "C. Olah, A. Mordvintsev and L. Schubert, "
    "“Feature Visualization”, 2017: ascent in waves, through random changes",
    "2306.06805": "T. Fel and others, “Unlocking feature visualization for deeper networks with "
    "magnitude constrained optimization”, 2023: ascent in phases",
    "1810.03292": "J. Adebayo and others, “Sanity checks for saliency maps”, 2018: the check that "
    "shuffles weights",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        study.choose("--kinds", config.kinds, measure.KINDS)
        prepared = study.network(run, fits=functools.partial(measure.fits, config))
        with study.blame("--layers"):
            chosen = config.layers or (measure.usual(prepared.classifier),)
            layers = {name: fj.models.units(prepared.classifier, name) for name in chosen}
        real = study.compute(
            run, study.grid(layer=layers), measure.watch(config, prepared, layers), "real pictures"
        )
        made = measure.make(run, prepared, layers, real)
        maps = measure.shuffle(run, prepared)
        records = list(measure.judge(real, made))
        means = list(measure.medians(records))
        by = ("layer", "kind")
        numbers = study.summarize(means, by, [], unbounded=["deviations"])
        keeping = [one for one in means if "kept" in one]
        kept = study.summarize(keeping, by, [], unbounded=["kept"])
        sanity = list(measure.sane(maps))
        found = Found(config, prepared, real, made, maps, numbers, kept)
        return study.publish(
            run,
            page.report(found, sanity),
            {config.victim.model: prepared},
            study.cells.gather(real, made, maps),
            records,
            PAPERS,
            keep=("images", "units", "places", "activation"),
            deviations=numbers.plain(),
            kept=kept.plain(),
            sanity=study.summarize(sanity, ("rule", "depth", "down_to"), ["alike"]).plain(),
            intervals="95 %, Student's t over the repeats; network and units are the same in all",
        )
