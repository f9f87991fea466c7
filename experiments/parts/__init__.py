"""Hide parts of an image: which one does a network need, and how few are enough?

Run:    python -m experiments.parts
        python -m experiments.parts --dataset mnist --weights lenet.safetensors
        python -m experiments.parts --preset imagenet --weights DIR --data-dir DATA
Cost:   about ten minutes on two laptop cores (28 x 28 pixels, LeNet, four kinds of images,
        three repeats), half of it for pixels, wrong and blocks. A subset of pixels takes 500 to
        784 forward and gradient passes an image, one of blocks 2,080 forward passes: for ten
        ImageNet pictures and SqueezeNet half an hour. --looks leaves out what is not asked.
Expect: few pixels, the middle alone, or what is left without any one part keep LeNet certain
        of a fooling image. On photographs a "sufficient" subset is a pattern of its own: with
        a filled edge it says nothing.
Source: Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897, Figure 10 (one part painted away);
        Carter et al., 2019, arXiv:1810.03805, and 2021, arXiv:2003.08907 (sufficient subsets);
        Zeiler and Fergus, 2014, arXiv:1311.2901 (occlusion).
"""

from __future__ import annotations

from typing import Any

from fooljax import study
from fooljax.study import Victim as Victim

from . import measure, numbers, page
from .measure import PRESETS as PRESETS
from .measure import Config

PAPERS = {
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, "
    "CVPR 2015, Figure 10: parts of fooling images painted away by hand",
    "1311.2901": "M. Zeiler and R. Fergus, “Visualizing and understanding convolutional "
    "networks”, ECCV 2014: occlusion",
    "1810.03805": "B. Carter and others, “What made you do this?”, AISTATS 2019: sufficient "
    "input subsets",
    "2003.08907": "B. Carter and others, “Overinterpretation reveals image classification model "
    "pathologies”, NeurIPS 2021: the same on ImageNet",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        scene, made, seen = measure.look(run)
        records = list(study.hidden.judge(config.hiding, made, seen, numbers.READ))
        means = study.hidden.average(records, numbers.BOUNDS)
        found = study.hidden.Found(config.hiding, scene, made, seen, means)
        return study.publish(
            run,
            page.report(config, found),
            scene.networks.each,
            study.gather(made, seen),
            records,
            PAPERS,
            keep=("images", "labels", "odds", "maps", "masks", "without"),
            **found.summary(numbers.SUMMARY, left_out=["path"]),
            intervals="medians and shares over the images of a repeat; of them the mean over the "
            "repeats and its 95 % interval, Student's t",
        )
