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

import dataclasses
import sys
from dataclasses import dataclass, field
from typing import Annotated, Any

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Batch, Count, Pieces, Seed, Share, Within
from fooljax.runtime.victim import Victim


@dataclass(frozen=True)
class Config:
    """How well do networks and defenses resist fooling images? One table, by one command.

    Attributes:
        victim: the data, the architecture, and how the plain network is trained; or a
            network of your own, which is then defended in every way that needs no
            training.
        defenses: rows of the table; all that apply unless given. plain is always
            among them: images for the naive adversary are made for it.
        generators: kinds of fooling images; all unless given.
        others: data set of another kind, to be taken for nothing: a name, a folder or
            an .npz as with --dataset; or photographs, pieces of the two pictures that
            come with scikit-learn.
        seeds: networks trained, and images made, from so many random starts. A
            network of your own has but one set of weights; then only the images
            differ.
        runs: images for each class that an adversary makes, each time.
        images: images of each control, each time.
        generations: of every evolution.
        children: of every generation.
        ascent_steps: steps of every ascent and of the climb by signs.
        pixels: most pixels that a sparse image may set.
        pgd_steps: steps of PGD near noise.
        universal_steps: batches of real images that a universal perturbation learns
            from.
        epsilon: largest change of a number, near noise and universally, in units of
            [0, 1].
        clean_images: test images to compare with, at most; every other one sets the
            thresholds.
        seed: decides everything but the training.
        out: run directory; runs/foolbench-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds), mnist.
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=600))
    defenses: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
    others: str = "photographs"
    seeds: Pieces = 3
    runs: Batch = 1
    images: Batch = 100
    generations: Count = 60
    children: Batch = 100
    ascent_steps: Count = 100
    pixels: Count = 60
    pgd_steps: Count = 20
    universal_steps: Count = 20
    epsilon: Share = 0.2
    clean_images: Annotated[int, Within(40, 10**9, why="ask for fewer")] = 1000
    seed: Seed = 0
    out: str | None = None
    resume: str | None = None
    preset: str = "default"
    debug: bool = False


# What may differ when a run is resumed: places, and what does not change results.
NEUTRAL = ("out", "resume", "data_dir", "classifier", "debug")

PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=60),
        defenses=("plain", "ensemble"),
        generators=("direct", "ascent", "uniform"),
        seeds=2,
        runs=1,
        images=20,
        generations=3,
        children=20,
        ascent_steps=5,
        clean_images=100,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist"),
        runs=2,
        generations=100,
        universal_steps=40,
        clean_images=2000,
    ),
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment.

    Args:
        config: the settings.

    Returns:
        The summary, as written to ``summary.json``.

    Raises:
        ValueError, OSError: for anything wrong with settings or files.
        Interrupted: if stopped before the end; what is done is saved.
    """
    from experiments import foolbench_networks, foolbench_report, foolbench_results, foolbench_units
    from fooljax.runtime import devices, notices, units

    config = _check(config)
    devices.set_up()
    with directory.opened(config, "experiments.foolbench", NEUTRAL) as folder:
        prepared, scenes = foolbench_networks.prepare(config, folder)
        compute = lambda name, unit: units.compute(folder, name, unit)
        work = foolbench_units.plan(config, scenes, compute)
        made = units.compute_all(folder, work, "fooling")
        print("drawing ...", file=sys.stderr)
        summary = foolbench_results.summarize(config, prepared, made)
        summary = notices.summarize(folder, summary)
        foolbench_results.save_tables(folder, summary)
        foolbench_report.write(folder, config, summary, prepared, made)
        return summary


def _check(config: Config) -> Config:
    """Refuse settings that are impossible whatever the networks, and fill in what was left open.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    from experiments.foolbench_defenses import DEFENSES
    from experiments.foolbench_generators import GENERATORS
    from experiments.foolbench_units import PLAIN

    limits.check(config)
    victim = config.victim
    if victim.dataset == "none":
        raise ValueError(
            "--dataset: thresholds are set on clean images; name the data set that the network "
            "was trained on, or a folder or .npz of your own"
        )
    own = ":" in victim.model or victim.weights is not None
    possible = [name for name, one in DEFENSES.items() if not (own and one.trains)]
    chosen = {"defenses": config.defenses or possible, "generators": config.generators}
    chosen["generators"] = chosen["generators"] or list(GENERATORS)
    for flag, known in (("defenses", DEFENSES), ("generators", GENERATORS)):
        unknown = sorted(set(chosen[flag]) - set(known))
        if unknown or len(set(chosen[flag])) < len(chosen[flag]):
            raise ValueError(
                f"--{flag} must be some of {' '.join(known)}, each once, got "
                f"{' '.join(chosen[flag])}"
            )
    trained = [name for name in chosen["defenses"] if name not in possible]
    if trained:
        raise ValueError(
            f"--defenses {' '.join(trained)}: needs other networks to be trained; a network that "
            f"comes with its weights (--model {victim.model}, --weights {victim.weights}) can have "
            f"{' '.join(possible)}"
        )
    defenses = dict.fromkeys([PLAIN, *chosen["defenses"]])
    return dataclasses.replace(
        config, defenses=tuple(defenses), generators=tuple(chosen["generators"])
    )


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.foolbench", description=__doc__)


if __name__ == "__main__":
    cli()
