"""Train on with universal perturbations added to the images, then make new ones.

Run:    python -m experiments.harden_universal
        python -m experiments.harden_universal --model lenet --rounds 2
        python -m experiments.harden_universal --preset mnist --data-dir DIR
Cost:   about two minutes on two laptop cores, training included (embedded digits, a
        perceptron, 4 rounds; 10 perturbations to train on and 6 to test in each).
Expect: the perturbations that were trained on soon fool next to nothing, new ones fool
        less than before and still far more than random changes do.
Source: Moosavi-Dezfooli, Fawzi, Fawzi and Frossard, 2017, Universal adversarial
        perturbations, arXiv:1610.08401, section 4 (VGG-F on ImageNet: 93.7 % of images
        fooled before, 76.2 % after one round, 80.0 % after two).
"""

import sys
from dataclasses import dataclass, field
from typing import Any, Literal

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Batch, Count, Pieces, Positive, Seed, Share
from fooljax.runtime.victim import Victim, prepare


@dataclass(frozen=True)
class Config:
    """Fine-tune on universal perturbations, round after round.

    Attributes:
        victim: the network and its data.
        rounds: how often the network is trained on, each time with perturbations
            made for it as it then is.
        pool: perturbations in the pool that a round trains on.
        pool_method: how they are made: sgd (gradient of a batch's mean loss) or
            deepfool (steps to the nearest boundaries).
        share: probability that a training image is perturbed, in (0, 1].
        methods: how the new perturbations that test a network are made: sgd, deepfool.
        tests: new perturbations of each kind against each network, from other seeds
            than the pool's.
        epsilon: largest change of a number, in units of [0, 1].
        steps: batches that sgd learns from.
        deepfool_steps: batches that deepfool learns from.
        batch_size: images in a batch.
        tune_steps: training steps of a round.
        tune_learning_rate: of Adam in them.
        test_images: held-out images that every change is tried on, at most.
        pgd_images: of them, images that PGD changes one by one.
        pgd_epsilon: its largest change of a number, in units of [0, 1].
        seed: decides everything but the first training.
        out: run directory; runs/harden_universal-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds), mnist.
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=lambda: Victim(model="mlp"))
    rounds: Pieces = 4
    pool: Pieces = 10
    pool_method: Literal["sgd", "deepfool"] = "sgd"
    share: Share = 0.5
    methods: tuple[Literal["sgd", "deepfool"], ...] = ("sgd", "deepfool")
    tests: Pieces = 3
    epsilon: Positive = 0.2
    steps: Count = 100
    deepfool_steps: Count = 50
    batch_size: Batch = 50
    tune_steps: Count = 500
    tune_learning_rate: Positive = 1e-3
    test_images: Count = 2000
    pgd_images: Count = 200
    pgd_epsilon: Positive = 0.05
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
        rounds=2,
        pool=2,
        methods=("sgd",),
        tests=2,
        steps=10,
        tune_steps=60,
        test_images=100,
        pgd_images=20,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist", model="mlp"), steps=200, deepfool_steps=100, tune_steps=3000
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
    from experiments import harden_universal_results, harden_universal_units
    from fooljax.runtime import devices, units

    _check(config)
    devices.set_up()
    with directory.opened(config, "experiments.harden_universal", NEUTRAL) as folder:
        network = prepare(config.victim, folder, lambda shape, num_classes: None)
        scene = harden_universal_units.set_scene(config, network)
        work = harden_universal_units.plan(config, scene, folder)
        made = units.compute_all(folder, work, "hardening")
        print("drawing ...", file=sys.stderr)
        return harden_universal_results.write(folder, config, network, scene, made)


def _check(config: Config) -> None:
    """Refuse settings that are impossible whatever the network.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    limits.check(config)
    if not config.methods or len(set(config.methods)) < len(config.methods):
        raise ValueError(f"--methods: give at least one, each once, got {' '.join(config.methods)}")
    if config.victim.dataset == "none":
        raise ValueError("--dataset: real images are needed to perturb; name a data set")


def cli() -> None:
    """Parse flags and run."""
    command.launch(
        main, PRESETS, prog="python -m experiments.harden_universal", description=__doc__
    )


if __name__ == "__main__":
    cli()
