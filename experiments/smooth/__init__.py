"""Smooth every image before a network sees it: does that stop fooling, or only hide it?

Run:    python -m experiments.smooth
        python -m experiments.smooth --defenses blur=1 median=3 noise=0.25
        python -m experiments.smooth --preset mnist --data-dir DIR
Cost:   about ten minutes on two laptop cores (embedded digits, three networks, twelve
        ways to change the image), of which random ways take most.
Expect: images made for the bare network often fail once smoothed; made against the
        smoothed one by somebody who knows about it, most of the gain is gone. What
        randomized smoothing certifies holds.
Source: Xu et al., 2018, arXiv:1704.01155 (feature squeezing); Cohen et al., 2019,
        arXiv:1902.02918 (certificates); Athalye et al., 2018, arXiv:1802.00420, and
        Tramer et al., 2020, arXiv:2002.08347 (attacks that know the defense).
"""

from __future__ import annotations

import sys
from typing import Any

from fooljax import study
from fooljax.study import Victim as Victim

from . import measure, page
from .measure import PRESETS as PRESETS
from .measure import Config

PAPERS = {
    "1704.01155": "W. Xu, D. Evans and Y. Qi, “Feature squeezing”, NDSS 2018",
    "1711.00117": "C. Guo et al., “Countering adversarial images”, ICLR 2018",
    "1711.01991": "C. Xie et al., “Mitigating adversarial effects through randomization”",
    "1902.02918": "J. Cohen, E. Rosenfeld and Z. Kolter, “Certified adversarial robustness”",
    "1802.00420": "A. Athalye, N. Carlini and D. Wagner, “Obfuscated gradients”, ICML 2018",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        filters = study.filters("--defenses", config.defenses)
        networks = measure.prepare(run, filters)
        scene = measure.set_scene(run, networks, filters)
        results = measure.make(run, scene)
        records = list(measure.judge(config, scene, results))
        attacked = [record for record in records if "against" in record]
        gains, proofs = study.gains(attacked), measure.prove(config, results)
        curve = measure.curve(config, records)
        conclusion = page.conclude(gains, proofs)
        print(conclusion, file=sys.stderr)
        return study.publish(
            run,
            page.report(page.Found(config, scene, results, records, gains, proofs, curve)),
            networks.each,
            results,
            records,
            PAPERS,
            keep=("changed", *(f"{name}-images" for name in scene.ways)),
            conclusion=conclusion,
            means=measure.average(attacked, "unchanged", "naive", "adaptive").plain(),
            gains=[gain._asdict() for gain in gains],
            rule=study.RULE,
            certificates=proofs,
            certified=curve.plain(),
            intervals="95 %, Student's t over networks trained from different seeds",
        )
