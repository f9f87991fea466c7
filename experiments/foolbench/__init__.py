"""How well do networks and defenses resist fooling images? One table, by one command.

Run:    python -m experiments.foolbench
        python -m experiments.foolbench --model my_network.py:make --dataset digits
        python -m experiments.foolbench --preset mnist --data-dir DIR
Cost:   about twenty minutes on two laptop cores, training included (embedded digits,
        twelve defenses, thirteen kinds of images, three seeds); reckoned from one seed
        of eight defenses and eight kinds, which took five.
Expect: the plain network takes nearly all fooling images for something it knows; what
        a defense gains against images made for the plain network mostly vanishes
        where they are made for the defense.
Source: the questions of Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897, asked of
        defenses as Carlini et al., 2019, arXiv:1902.06705, demand; measures as Hein
        et al., 2019, arXiv:1812.05720, and Yang et al., 2022, arXiv:2210.07242.
"""

from __future__ import annotations

from typing import Any

import fooljax as fj
from fooljax import study
from fooljax.runtime import settings

from . import measure, numbers, page
from .measure import PRESETS, Config

__all__ = ["PRESETS", "Config", "main"]

PAPERS = {
    "1412.1897": "Nguyen, Yosinski and Clune, 2015, whose questions are asked here",
    "1902.06705": "Carlini et al., 2019, on evaluating defenses",
    "1812.05720": "Hein et al., 2019, whose measures are taken",
    "2210.07242": "Yang et al., 2022, for the others",
}
#: What does not decide the numbers.
PLACES = ("out", "resume", "debug", "data_dir", "classifier", "preset")


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        defenses, foolers = measure.choose(config)
        plain, scenes = measure.prepare(run, defenses, foolers)
        results = measure.fool(run, scenes, foolers)
        found = numbers.gather(config, plain[0], defenses, foolers, results)
        tables = {"table.csv": numbers.to_csv(found), "table.md": numbers.to_markdown(found)}
        for name, text in tables.items():
            fj.runtime.files.write_text(run.folder / name, text)
        decisive = settings.flat(config).items()
        return study.publish(
            run,
            page.report(found),
            {f"plain {seed + 1}": one for seed, one in enumerate(plain)},
            results,
            found.records,
            PAPERS,
            keep=("images", "cost", "logits"),
            benchmark=numbers.NAME,
            version=numbers.VERSION,
            fooljax=fj.__version__,
            settings={name: value for name, value in decisive if name not in PLACES},
            num_classes=plain[0].classifier.num_classes,
            intervals=page.INTERVALS,
            sure=study.SURE,
            measures=numbers.MEASURES,
            qualities=numbers.QUALITIES,
            generators={name: one.words for name, one in foolers.items()},
            controls=[name for name, one in foolers.items() if not one.looks],
            defense_words={name: one.words for name, one in defenses.items()},
            defenses=found.qualities.plain(),
            rows=found.table.plain(),
            ranking=[one._asdict() for one in numbers.rank(found)],
            masked=[one._asdict() for one in numbers.masked(found)],
        )
