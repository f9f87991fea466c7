"""Delete words while a network keeps its answer: by what is it convinced?

Run:    python -m experiments.reduce
        python -m experiments.reduce --dataset sst2 --data-dir DIR --train-steps 1200
        python -m experiments.reduce --dataset sst2 --data-dir DIR --model movie_review
            --weights DIR/models --networks 1
        python -m experiments.reduce --dataset my_sentences.tsv
Cost:   some minutes on two laptop cores (generated sentences, three networks, training
        included); SST-2 takes two to three times as long.
Expect: one or two words are left, and on SST-2 the network is surer of them than of the
        sentence; on generated ones, where no word tells the class, less sure. A few words
        in front of any sentence turn its answer round.
Source: Feng et al., 2018, arXiv:1804.07781; Ebrahimi et al., 2018, arXiv:1712.06751;
        Wallace et al., 2019, arXiv:1908.07125; Zou et al., 2023, arXiv:2307.15043.
"""

from __future__ import annotations

from typing import Any

from fooljax import study

from . import measure, page
from .measure import PRESETS as PRESETS
from .measure import TAUGHT, Config, Found

PAPERS = {
    "1804.07781": "S. Feng and others, “Pathologies of Neural Models Make Interpretations "
    "Difficult”, EMNLP 2018: input reduction",
    "1712.06751": "J. Ebrahimi and others, “HotFlip”, ACL 2018",
    "1908.07125": "E. Wallace and others, “Universal Adversarial Triggers for Attacking and "
    "Analyzing NLP”, EMNLP 2019",
    "2307.15043": "A. Zou and others, “Universal and Transferable Adversarial Attacks on Aligned "
    "Language Models”, 2023: coordinate search by gradients",
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        networks, known = measure.set_scene(run)
        results = measure.make(run, networks, known)
        records = list(measure.judge(results))
        left, won = measure.sum_up(records)
        return study.publish(
            run,
            page.report(Found(config, networks, results, records, left, won)),
            networks.each,
            results,
            records,
            PAPERS,
            keep=("before", "after", "trigger"),
            reductions=left.plain(),
            accuracy_once_taught=[one["accuracy"] for one in records if one["rule"] == TAUGHT],
            attacks=won.plain(),
            intervals="95 %, Student's t over networks of other starting weights",
        )
