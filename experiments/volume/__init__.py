"""How much of image space fools: which share of all images is the network sure of?

Run:    python -m experiments.volume
        python -m experiments.volume --measures uniform binary smooth=4 --confidences 0.9 0.99
        python -m experiments.volume --defenses blur=1 jpeg=30 reject_energy
        python -m experiments.volume --dataset mnist --weights lenet.safetensors --data-dir DIR
Cost:   about two minutes on two laptop cores, training included (embedded digits, ten
        classes, four measures, three repeats). A share of 1 in 10^d costs a class 3.3 d x
        particles x moves images in each repeat: of ImageNet take some classes, as --classes
        1 207 980 --particles 100 --repeats 2, about 10,000 images for d = 6.
Expect: certain images are a tiny share of uniform noise, and yet nearly all of them lie far
        from every training image; how tiny depends on the way of drawing images more than
        on the network.
Source: Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897 (the question); Cerou and Guyader,
        2007, and Tit, Furon and Rousset, 2021 (the method); Webb et al., 2019,
        arXiv:1811.07209 (the same around one image).
"""

from __future__ import annotations

from typing import Any

from fooljax import study

from . import measure, page
from .measure import PRESETS, Config

__all__ = ["PRESETS", "Config", "main"]

PAPERS = {
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, "
    "CVPR 2015; it does not say which volume such images take of the space of all images",
    "1811.07209": "S. Webb, T. Rainforth, Y. W. Teh and M. P. Kumar, “A statistical approach to "
    "assessing neural network robustness”, ICLR 2019: splitting in a box around one image",
    "https://github.com/karimtito/efficient-statistical": "K. Tit, T. Furon and M. Rousset, "
    "“Efficient statistical assessment of neural network corruption robustness”, NeurIPS 2021: "
    "the move that leaves normal numbers normal",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config, ("devices",), config.devices) as run:
        scene = measure.set_scene(run)
        results = measure.compute(run, scene)
        records = list(measure.judge(config, scene, results))
        found = measure.sum_up(config, scene, results, records)
        return study.publish(
            run,
            page.report(found),
            {config.victim.model: scene.plain},
            results,
            records,
            PAPERS,
            keep=("images", "curve_score", "curve_log10_p"),
            shares=found.rows,
            any_class=found.wholes,
            balls=measure.balls(config, scene),
            intervals="95 %, Student's t of the logarithms over the repeats, one network",
        )
