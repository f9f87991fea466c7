"""How well do networks and defenses resist fooling images? One table, by one command.

Run:    python -m experiments.foolbench
        python -m experiments.foolbench --model my_network.py:make --dataset digits
        python -m experiments.foolbench --preset mnist --data-dir DIR
        python -m experiments.foolbench --preset leaderboard, then fooljax entry RUN NAME
Cost:   about twenty minutes on two laptop cores, training included (embedded digits,
        twelve defenses, thirteen kinds of images, three seeds).
Expect: the plain network takes nearly all fooling images for something it knows; what
        a defense gains against images made for the plain network mostly vanishes
        where they are made for the defense.
Source: the questions of Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897, asked of
        defenses as Carlini et al., 2019, arXiv:1902.06705, demand; measures as Hein
        et al., 2019, arXiv:1812.05720, and Yang et al., 2022, arXiv:2210.07242.
"""

from __future__ import annotations

import sys
from typing import Any

import fooljax as fj
from fooljax import study
from fooljax.runtime import entries, settings

from . import measure, numbers, page
from .measure import PRESETS, Config

__all__ = ["PRESETS", "TERMS", "Config", "main"]

PAPERS = {
    "1412.1897": "Nguyen, Yosinski and Clune, 2015, whose questions are asked here",
    "1902.06705": "Carlini et al., 2019, on evaluating defenses",
    "1812.05720": "Hein et al., 2019, whose measures are taken",
    "2210.07242": "Yang et al., 2022, for the others",
}
#: What does not decide the numbers.
PLACES = ("out", "resume", "debug", "data_dir", "classifier", "preset")


def decisive(config: Config) -> dict[str, Any]:
    """Return the settings that decide the numbers, by name."""
    return {name: value for name, value in settings.flat(config).items() if name not in PLACES}


#: What an entry of the leaderboard keeps to.
TERMS = entries.Terms(
    numbers.NAME,
    numbers.VERSION,
    "leaderboard",
    decisive(PRESETS["leaderboard"]),
    same=("seed", "others", "epsilon"),
    split=("dataset", "image_size", "sample_rate", "seconds"),
    free=(
        *("model", "weights", "view", "recipe", "train_steps", "train_epsilon", "train_seed"),
        *("accuracy_images", "defenses", "volume_particles"),
    ),
)


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        scene = measure.set_scene(run)
        results = measure.fool(run, scene)
        print("comparing what passes ...", file=sys.stderr)
        records = list(measure.judge(scene, results))
        victims = {at: one.victim for at, one in scene.networks.items()}
        measured = study.measure_volumes(run, victims, config.volume_particles)
        volumes = study.compare_volumes(measured)
        found = numbers.average(config, scene, results, records, volumes)
        write = lambda name, text: fj.runtime.files.write_text(run.folder / name, text)
        write("table.csv", study.to_csv(study.wide(found.table)).decode())
        write("table.md", numbers.markdown(found))
        summary = study.publish(
            run,
            page.report(found),
            {name: bench.plain for name, bench in scene.benches.items()},
            study.gather(results, measured),
            records,
            PAPERS,
            keep=("images", "cost", "own"),
            benchmark=numbers.NAME,
            version=numbers.VERSION,
            fooljax=fj.__version__,
            settings=decisive(config),
            intervals=found.intervals,
            sure=study.SURE,
            measures=study.MEASURES,
            qualities=study.QUALITIES,
            generators={name: maker.words for name, maker in scene.makers.items()},
            controls=[name for name, maker in scene.makers.items() if maker.control],
            defense_words={name: one.words for name, one in scene.defenses.items()},
            defenses=found.qualities.plain(),
            rows=found.table.plain(),
            gains=[gain._asdict() for gain in (*found.overall, *found.gains)],
            rule=study.RULE,
            ranking=numbers.rank(found),
            masked=numbers.masked(found),
            volumes=volumes,
        )
        entries.write(
            run.folder,
            run.module,
            config,
            PLACES,
            study.digests(scene.benches, scene.networks),
            benchmark=numbers.NAME,
            version=numbers.VERSION,
            rows=numbers.rows(found),
        )
        return summary
