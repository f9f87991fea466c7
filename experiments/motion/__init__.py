"""Watch a video: does a network that is shown motion look at it?

Run:    python -m experiments.motion
        python -m experiments.motion --dataset weizmann --data-dir DIR
        python -m experiments.motion --dataset FOLDER --image-size 32 32
Cost:   about five minutes on two laptop cores (digits that move, five folds); of the filmed
        people, nine folds, about as much.
Expect: of digits that move the network must see motion, for their direction is in nothing
        else: one frame is worth as much as none, and frames in reverse order are taken for
        the opposite direction. Of filmed people one frame, or all of them in any order, is
        most of what it needs: it reads poses.
Source: Gorelick et al., 2007, Actions as Space-Time Shapes, PAMI 29(12) (the people, and the
        protocol: leave one out); Schindler and van Gool, 2008, Action Snippets, CVPR (how few
        frames do).
"""

from __future__ import annotations

import sys
from typing import Any

from fooljax import study

from . import measure, page
from .measure import PRESETS, Config

__all__ = ["PRESETS", "Config", "main"]

PAPERS = {
    "https://doi.org/10.1109/TPAMI.2007.70711": "L. Gorelick, M. Blank, E. Shechtman, M. Irani "
    "and R. Basri, “Actions as space-time shapes”, PAMI 2007: silhouettes of nine people in ten "
    "actions, and the protocol of leaving one person out",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        measure.check(config)
        scene = measure.set_scene(run)
        networks, results = measure.watch(run, scene)
        found = page.find(config, scene, networks, results)
        print(conclusion := page.conclude(found), file=sys.stderr)
        return study.publish(
            run,
            page.report(found),
            networks,
            results,
            found.records,
            PAPERS,
            keep=("probabilities",),
            verdict=page.decide(found),
            conclusion=conclusion,
            means=found.means.plain(),
            folds=list(scene.folds),
            intervals=page.INTERVALS,
        )
