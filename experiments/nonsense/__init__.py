"""Show and ask networks nonsense: what do they answer, and how surely?

Run:    python -m experiments.nonsense
        python -m experiments.nonsense --dataset easy_vqa --data-dir DIR
        python -m experiments.nonsense --models pooled --questions "what color is the circle?"
Cost:   up to an hour on two laptop cores (six networks, two and a half CPU-minutes each; then
        pictures for three questions). --network-seeds 1 --models pooled is a sixth of it, and
        --classifier takes the networks that experiments.ask trained.
Expect: networks are certain about noise, and of a pattern for every answer that suits the
        question; one word is left of most questions.
Source: Feng et al., 2018, arXiv:1804.07781 (input reduction); Nguyen, Yosinski and Clune,
        2015, arXiv:1412.1897 (fooling pictures).
"""

from __future__ import annotations

from typing import Any

from fooljax import study

from . import measure, page
from .measure import PRESETS, Config, Victim

__all__ = ["PRESETS", "Config", "Victim", "main"]

PAPERS = {
    "1804.07781": "S. Feng and others, “Pathologies of neural models make interpretations "
    "difficult”, EMNLP 2018: questions reduced to nonsense",
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, "
    "CVPR 2015",
    "https://pypi.org/project/easy-vqa/": "V. Zhou, easy-VQA, 2019: the questions, and how often "
    "they are asked",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        study.check_answerers(config.victim, config.models)
        for name in ("epsilon_l2", "epsilon_l1", "epsilon_l0", "queries"):
            if (given := getattr(config.making, name)) != getattr(study.Making(), name):
                flag = f"--{name.replace('_', '-')} {given}"
                raise ValueError(f"{flag}: no kind of picture here is made by it; leave it out")
        makers = study.choose("--generators", config.generators, study.FOOLING)
        asked = study.load_asked(run)
        measure.check_questions(config, asked)
        networks = study.train_answerers(run, asked, config.models, config.network_seeds)
        measured = measure.measure(run, asked, networks, makers)
        records = list(measure.judge(asked, networks, measured))
        tables = measure.tables(records)
        return study.publish(
            run,
            page.report(page.Found(config, asked, makers, measured, records, tables)),
            {name: one.prepared for name, one in networks.items()},
            measured.everything,
            records,
            PAPERS,
            keep=("images", "labels", "logits", "text"),
            **{name: table.plain() for name, table in tables.items()},
            intervals="95 %, Student's t over networks of other starting weights; medians: from "
            "the lowest to the highest network",
        )
