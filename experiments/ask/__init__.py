"""Ask networks about pictures: do they listen, do they look, and what fools them?

Run:    python -m experiments.ask
        python -m experiments.ask --dataset easy_vqa --data-dir DIR
        python -m experiments.ask --models pooled --questions "what color is the circle?"
Cost:   up to an hour on two laptop cores (six networks, two and a half CPU-minutes each; then
        pictures for three questions). --network-seeds 1 --models pooled is a sixth of it.
Expect: networks that keep places are right on 84 to 89 %, others on nearly all questions. After
        half of the words both answer half to three quarters of the questions as after all,
        less than the words allow: they do not jump to conclusions. They are certain about
        noise, and of a pattern for every answer that suits the question; one word is left of
        most questions.
Source: Agrawal, Batra and Parikh, 2016, arXiv:1606.07356 (jumping to conclusions, stubborn);
        Feng et al., 2018, arXiv:1804.07781 (input reduction); Nguyen, Yosinski and Clune,
        2015, arXiv:1412.1897 (fooling pictures).
"""

from __future__ import annotations

from typing import Any

from fooljax import study

from . import measure, numbers, page
from .measure import PRESETS, Config, Victim

__all__ = ["PRESETS", "Config", "Victim", "main"]

PAPERS = {
    "1606.07356": "A. Agrawal, D. Batra and D. Parikh, “Analyzing the behavior of visual question "
    "answering models”, EMNLP 2016: myopic, jumping to conclusions, stubborn",
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
        measure.check(config)
        makers = study.choose("--generators", config.generators, study.FOOLING)
        asked = measure.load(run)
        networks = measure.train(run, asked)
        measured = measure.measure(run, asked, networks, makers)
        records = list(numbers.judge(asked, networks, measured))
        found = page.find(config, asked, networks, makers, measured, records)
        tables = {name: table.plain() for name, table in found.tables.items()}
        return study.publish(
            run,
            page.report(found),
            {name: one.prepared for name, one in networks.items()},
            measured.everything,
            records,
            PAPERS,
            keep=("images", "labels", "logits", "text"),
            **page.finite(tables),
            intervals="95 %, Student's t over networks of other starting weights; medians: from "
            "the lowest to the highest network",
        )
