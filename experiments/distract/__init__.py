"""Add a sentence that has nothing to do with the question: does the answer change?

Run:    python -m experiments.distract
        python -m experiments.distract --preset squad --data-dir DIR
        python -m experiments.distract --preset squad --readers matcher --data-dir DIR
Cost:   some minutes on two laptop cores (made-up facts, five small networks). With --preset
        squad about a quarter of an hour: MiniLM places 7,600 texts, and searches words against
        50 questions, AddCommon by far the longest; on busy cores three times as long.
Expect: a sentence with the question's words about something else draws the answer to itself;
        a sentence from elsewhere does not. Words without grammar, searched for, do worse.
Source: Jia and Liang, 2017, arXiv:1707.07328.
"""

from __future__ import annotations

import sys
from typing import Any

from fooljax import study

from . import measure, numbers, page
from .measure import PRESETS as PRESETS
from .measure import Config

PAPERS = {
    "1707.07328": "R. Jia and P. Liang, “Adversarial examples for evaluating reading "
    "comprehension systems”, EMNLP 2017",
    "1606.05250": "P. Rajpurkar and others, “SQuAD: 100,000+ questions for machine "
    "comprehension of text”, EMNLP 2016",
    "1908.10084": "N. Reimers and I. Gurevych, “Sentence-BERT”, EMNLP 2019: sentences as points",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        task = study.load_paragraphs(config.reading, config.run.seed)
        made = measure.make(run, task)
        records = list(numbers.judge(config, task, made))
        found = numbers.Found(config, task, made, records)
        conclusion = page.conclude(found)
        print(conclusion, file=sys.stderr)
        return study.publish(
            run,
            page.report(found),
            {},
            made.results,
            records,
            PAPERS,
            conclusion=conclusion,
            **numbers.summarize(found),
        )
