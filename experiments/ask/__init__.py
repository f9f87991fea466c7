"""Ask networks about pictures: do they listen to the end, and do they look?

Run:    python -m experiments.ask
        python -m experiments.ask --dataset easy_vqa --data-dir DIR
        python -m experiments.ask --models pooled --network-seeds 1
Cost:   some twenty minutes on two laptop cores (six networks, two and a half CPU-minutes
        each). --network-seeds 1 --models pooled is a sixth of it.
Expect: networks that keep places are right on 84 to 89 %, others on nearly all questions. After
        half of the words both answer half to three quarters of the questions as after all,
        less than the words allow: they do not jump to conclusions.
Source: Agrawal, Batra and Parikh, 2016, arXiv:1606.07356 (jumping to conclusions, stubborn).
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
        asked = study.load_asked(run)
        networks = study.train_answerers(run, asked, config.models, config.network_seeds)
        answers = measure.measure(run, asked, networks)
        records = list(numbers.judge(asked, networks, answers))
        tables = numbers.tables(records)
        means: dict[str, Any] = {name: table.plain() for name, table in tables.items()}
        return study.publish(
            run,
            page.report(page.Found(config, asked, answers, tables)),
            {name: one.prepared for name, one in networks.items()},
            answers,
            records,
            PAPERS,
            **means,
            intervals="95 %, Student's t over networks of other starting weights",
        )
