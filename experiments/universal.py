"""Make one small change that fools a network about most images, and show it to others.

Run:    python -m experiments.universal
        python -m experiments.universal --preset mnist --data-dir DIR
        python -m experiments.universal --preset cifar10 --data-dir DIR
        python -m experiments.universal --preset imagenet --data-dir DIR --weights DIR
Cost:   several minutes on two laptop cores, training included (embedded digits, three
        networks, two methods, two norms, five sizes, three repeats).
Expect: held-out images are fooled at least three times as often as by random changes
        of the same size; other networks are fooled too, though less often.
Source: Moosavi-Dezfooli, Fawzi, Fawzi and Frossard, 2017, Universal adversarial
        perturbations, arXiv:1610.08401, sections 2 to 4; Shafahi et al., 2020,
        arXiv:1811.11304 (by gradient).
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Batch, Count, Label, Pieces, Positive, Seed, Share
from fooljax.runtime.victim import Prepared, Victim


@dataclass(frozen=True)
class Config:
    """Make one small change that fools a network about most images.

    Attributes:
        victim: the data, and how each network is trained.
        models: architectures: softmax, mlp, lenet, resnet, or FILE.py:NAME for
            your own. The first is the one that sizes are compared for.
        methods: sgd (gradient of a batch's mean loss) and deepfool (steps to the
            nearest boundaries, the published method, in batches).
        norms: in which the change is small: linf (largest change of a number) and
            l2 (Euclidean length).
        epsilon: largest change of a number under linf, in units of [0, 1]; the
            paper's is 10/255 = 0.039, for photographs.
        epsilon_l2: longest change under l2, in units of [0, 1].
        target: class that every image is to be taken for; any wrong one unless
            given.
        sizes: shares of the training images that the first network's change is
            learned from, in (0, 1]; the others learn from all.
        steps: batches that sgd learns from.
        deepfool_steps: batches that deepfool learns from.
        batch_size: images in a batch.
        test_images: held-out images that every change is tried on, at most.
        repeats: independent changes of each kind, from other images in another
            order, with the same networks.
        seed: decides everything but the training.
        out: run directory; runs/universal-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds), mnist, cifar10, imagenet
            (three published networks at the paper's 10/255).
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=Victim)
    models: tuple[str, ...] = ("lenet", "mlp", "softmax")
    methods: tuple[Literal["sgd", "deepfool"], ...] = ("sgd", "deepfool")
    norms: tuple[Literal["linf", "l2"], ...] = ("linf", "l2")
    epsilon: Positive = 0.2
    epsilon_l2: Positive = 2.5
    target: Label | None = None
    sizes: tuple[Share, ...] = (0.01, 0.03, 0.1, 0.3, 1.0)
    steps: Count = 200
    deepfool_steps: Count = 50
    batch_size: Batch = 50
    test_images: Count = 2000
    repeats: Pieces = 3
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
        victim=Victim(train_steps=60),
        models=("softmax", "mlp"),
        norms=("linf",),
        sizes=(0.1, 1.0),
        steps=15,
        deepfool_steps=12,
        test_images=100,
        repeats=2,
    ),
    "mnist": Config(victim=Victim(dataset="mnist"), sizes=(0.001, 0.003, 0.01, 0.1, 1.0)),
    "cifar10": Config(
        victim=Victim(dataset="cifar10", train_steps=3000),
        models=("resnet", "mlp", "softmax"),
        epsilon=10 / 255,
        epsilon_l2=1.0,
        sizes=(0.001, 0.003, 0.01, 0.1, 1.0),
    ),
    "imagenet": Config(
        victim=Victim(dataset="imagenet"),
        models=("squeezenet1_1", "mobilenet_v1", "mobilenet_v2"),
        methods=("sgd",),
        norms=("linf",),
        epsilon=10 / 255,
        sizes=(1.0,),
        steps=150,
        batch_size=32,
        repeats=1,
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
    from experiments import universal_results, universal_units
    from fooljax.runtime import devices, units

    _check(config)
    devices.set_up()
    with directory.opened(config, "experiments.universal", NEUTRAL) as folder:
        networks = _prepare(config, folder)
        classifiers = {name: one.classifier for name, one in networks.items()}
        first = next(iter(networks.values()))
        scene = universal_units.set_scene(config, classifiers, *(first.streams or first.splits))
        work = universal_units.plan(config, scene)
        made = units.compute_all(folder, work, "making perturbations")
        print("drawing ...", file=sys.stderr)
        return universal_results.write(folder, config, networks, scene, made)


def _check(config: Config) -> None:
    """Refuse settings that are impossible whatever the networks.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    limits.check(config)
    for flag in ("models", "methods", "norms", "sizes"):
        values = getattr(config, flag)
        if not values or len(set(values)) < len(values):
            raise ValueError(
                f"--{flag}: give at least one, each once, got {' '.join(map(str, values))}"
            )
    if config.victim.model != Victim().model:
        raise ValueError(f"--model: give --models {config.victim.model} another ..., not --model")
    if config.victim.dataset == "none":
        raise ValueError("--dataset: real images are needed to perturb; name a data set")


def _prepare(config: Config, folder: Path) -> dict[str, Prepared]:
    from fooljax.runtime import several

    networks = several.prepare_several(config.victim, folder, config.models, whole=True)
    for name, network in networks.items():
        print(f"{name}: {100 * (network.accuracy or 0.0):.2f} % right", file=sys.stderr)
    classes = next(iter(networks.values())).classifier.num_classes
    if config.target is not None and not 0 <= config.target < classes:
        raise ValueError(f"--target must be in [0, {classes}), got {config.target}")
    return networks


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.universal", description=__doc__)


if __name__ == "__main__":
    cli()
