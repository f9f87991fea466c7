"""Put the fooling images into a class of their own, train again, and fool the new network.

Run:    python -m experiments.retrain
        python -m experiments.retrain --encoding both --networks 8
        python -m experiments.retrain --preset mnist --data-dir DIR
        python -m experiments.retrain --preset paper --data-dir DIR
Cost:   about five minutes on two laptop cores (embedded digits, 5 networks, each
        attacked anew in 5 runs of three kinds); the preset mnist about half an hour.
Expect: images that fooled earlier networks are called fooling by later ones, and yet
        evolution that begins anew against each network finds others it is sure of:
        the paper's medians on MNIST stay near 99 % in round after round.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897, sections 3.6 to 3.8 and figure 11.
"""

import sys
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Batch, Count, Seed, Within
from fooljax.runtime.victim import Victim, build_recipe
from fooljax.runtime.victim_data import find_data, tested


@dataclass(frozen=True)
class Config:
    """Retrain with fooling images as one more class, round after round.

    Attributes:
        victim: the data, and how each network is trained from scratch.
        networks: how many are trained one after the other; each but the first also
            learns from images that were evolved against those before it.
        encoding: images that the fooling class consists of: cppn (patterns painted by
            small networks), direct (every pixel a gene), or both, half and half.
        first_images: fooling images that the second network learns from; as many as
            a class of the data has unless given.
        added_images: how many more each further network learns from; a sixth of
            first_images (as in the paper) unless given.
        attacks: how images are made anew against each network to measure it: cppn,
            direct, ascent (gradient ascent from noise); what the fooling class
            consists of among them.
        runs: independent runs that measure how sure each network can be made. Their
            images are never trained on.
        generations: of each of these runs.
        collect_generations: of each run that collects images to train on, half from
            its first and half from its last generation.
        children: images made in a generation.
        ascent_steps: of gradient ascent from noise, whose images are never trained on.
        others: what every network is shown besides noise: photographs (two of
            scikit-learn's, in pieces), or data sets as for --dataset.
        seed: decides everything but the training.
        out: run directory; runs/retrain-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds), mnist (reduced),
            paper (sizes as published, hours; mnist-paper is the same).
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=Victim)
    networks: Annotated[
        int, Within(2, 1000, why="each learns from those before it; ask for fewer")
    ] = 5
    encoding: Literal["cppn", "direct", "both"] = "cppn"
    first_images: Batch | None = None
    added_images: Batch | None = None
    attacks: tuple[Literal["cppn", "direct", "ascent"], ...] = ("cppn", "direct", "ascent")
    runs: Batch = 5
    generations: Count = 200
    collect_generations: Count = 50
    children: Batch = 200
    ascent_steps: Count = 200
    others: tuple[str, ...] = ("photographs",)
    seed: Seed = 0
    out: str | None = None
    resume: str | None = None
    preset: str = "default"
    debug: bool = False


# What may differ when a run is resumed: places, and what does not change results.
NEUTRAL = ("out", "resume", "data_dir", "debug")

_PAPER = Config(
    victim=Victim(dataset="mnist", recipe="caffe_lenet"),
    networks=15,
    first_images=6000,
    added_images=1000,
    runs=30,
    collect_generations=200,
)
PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="mlp", train_steps=150),
        networks=3,
        encoding="direct",
        attacks=("direct", "ascent"),
        first_images=30,
        added_images=20,
        runs=2,
        generations=5,
        collect_generations=3,
        children=20,
        ascent_steps=5,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist", recipe="caffe_lenet", train_steps=5000),
        networks=7,
        first_images=6000,
        added_images=1000,
        runs=10,
    ),
    "paper": _PAPER,
    "mnist-paper": _PAPER,
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
    from experiments import retrain_results, retrain_units
    from fooljax.runtime import devices, inputs, units

    _check(config)
    recipe = build_recipe(config.victim)
    devices.set_up()
    with directory.opened(config, "experiments.retrain", NEUTRAL) as folder:
        train, test = find_data(config.victim, folder)
        scene = retrain_units.set_scene(config, recipe, train, tested(config.victim, test))
        others = {f"--others {name}": scene.unrelated[name] for name in config.others}
        inputs.same_images(folder, others)
        work = retrain_units.plan(config, scene, folder)
        made = units.compute_all(folder, work, "retraining")
        print("drawing ...", file=sys.stderr)
        return retrain_results.write(folder, config, scene, made)


def _check(config: Config) -> None:
    """Refuse settings that are impossible whatever the data.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    limits.check(config)
    victim = config.victim
    if ":" in victim.model:
        raise ValueError(
            f"--model: each round trains a network from scratch, so {victim.model} cannot be used; "
            "give softmax, mlp, lenet or resnet"
        )
    for flag, value in (("weights", victim.weights), ("classifier", victim.classifier)):
        if value is not None:
            raise ValueError(
                f"--{flag} {value}: each round trains its own network; leave --{flag} out"
            )
    if victim.dataset == "none":
        raise ValueError("--dataset: networks are trained here, so a data set is needed; name one")
    if victim.recipe in ("outlier_exposure", "energy_bounded", "acet"):
        raise ValueError(
            f"--recipe: {victim.recipe} teaches networks to be unsure, not to name a fooling "
            "class; give quick, caffe_lenet, adversarial or trades"
        )
    trained_on = {"cppn", "direct"} if config.encoding == "both" else {config.encoding}
    if len(set(config.attacks)) < len(config.attacks) or not trained_on <= set(config.attacks):
        raise ValueError(
            f"--attacks: each once, {' and '.join(sorted(trained_on))} of --encoding "
            f"{config.encoding} among them, got {' '.join(config.attacks)}"
        )
    if len(set(config.others)) < len(config.others) or victim.dataset in config.others:
        raise ValueError(
            f"--others: other images than --dataset {victim.dataset}, each once, "
            f"got {' '.join(config.others)}"
        )


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.retrain", description=__doc__)


if __name__ == "__main__":
    cli()
