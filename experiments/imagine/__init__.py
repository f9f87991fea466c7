"""Take a network for a density of images, and draw from it: what do the same weights imagine?

Run:    python -m experiments.imagine
        python -m experiments.imagine --dataset mnist --weights lenet.safetensors
        python -m experiments.imagine --dataset mnist --networks plain adversarial
Cost:   about ten minutes on two laptop cores (embedded digits, one network, four tilts,
        three repeats), half of them for log Z (--depth 0 leaves it out). A step of a
        chain is a forward and a backward pass: ImageNet networks take --classes 5 --chains 4
        --steps 200 --depth 0, and an accelerator.
Expect: at tilt 1, the weights read literally, noise that the network is unsure of; at 10
        noise that it is certain of; at 30 its class can be seen in the noise.
Source: Dai, Lu and Wu, 2015, arXiv:1412.6296 (the density); Nguyen, Yosinski and Clune,
        2015, arXiv:1412.1897, section 4 (a density might tell fooling images).
"""

from __future__ import annotations

from typing import Any

from fooljax import study

from . import measure, page
from .measure import PRESETS as PRESETS
from .measure import Config, Found

PAPERS = {
    "1412.6296": "J. Dai, Y. Lu and Y. N. Wu, “Generative modeling of convolutional neural "
    "networks”, ICLR 2015: a network as a density of images, and draws from it",
    "1202.0709": "S. Cotter, G. Roberts, A. Stuart and D. White, “MCMC methods for functions”, "
    "Statistical Science 2013, section 4.3: the step of the chains",
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, "
    "CVPR 2015, section 4: a network that knew p(x) might see that a fooling image is none",
    "1912.03263": "W. Grathwohl and others, “Your classifier is secretly an energy based model”, "
    "ICLR 2020: such a density must be trained",
    "1906.09453": "S. Santurkar and others, “Image synthesis with a single (robust) classifier”, "
    "2019: adversarially trained networks give images that people can read",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        scene = measure.set_scene(run)
        results = study.gather(
            measure.draw(run, scene), measure.climb(run, scene), measure.show(run, scene)
        )
        records = list(measure.judge(config, scene, results))
        found = Found(config, scene, results, records)
        tables = found.tables()
        return study.publish(
            run,
            page.report(found, tables),
            scene.networks.each,
            results,
            records,
            PAPERS,
            keep=("images", "scores", "logits", "draws", "levels", "log_p"),
            chains=tables.chains.plain(),
            median_confidence=tables.confidence.plain(),
            densities=tables.densities.plain(),
            normalizers=tables.normalizers.plain(),
            intervals="95 %: of medians by bootstrap, else by Student's t, over the repeats; the "
            "networks are the same in all",
        )
