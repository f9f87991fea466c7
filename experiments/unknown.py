"""Let a network say "I do not know this", and try to be answered all the same.

Run:    python -m experiments.unknown
        python -m experiments.unknown --methods energy mahalanobis --outliers photographs
        python -m experiments.unknown --preset mnist --data-dir DIR
Cost:   several minutes on two laptop cores, training included (embedded digits, three
        networks, six methods).
Expect: most methods reject noise and photographs; images made against the bare
        network are rejected more often than those made against the method itself.
Source: Hendrycks and Gimpel, 2017, arXiv:1610.02136 (probability); Hendrycks et al.,
        2022, arXiv:1911.11132 (logit); Liu et al., 2020, arXiv:2010.03759 (energy); Lee
        et al., 2018, arXiv:1807.03888 (Mahalanobis); Sun et al., 2022, arXiv:2204.06507
        (nearest neighbor); Bendale and Boult, 2016, arXiv:1511.06233 (OpenMax).
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Batch, Count, Pieces, Seed, Share, Within
from fooljax.runtime.victim import Prepared, Victim, prepare


@dataclass(frozen=True)
class Config:
    """Let a network say "I do not know this", and try to be answered all the same.

    Attributes:
        victim: the data, the network, and how it is trained.
        network_seeds: networks, from other starting weights; intervals are over them.
        methods: what an image must have to be accepted: a high probability, logit or
            energy, or features near a class's mean (mahalanobis) or near a training
            image (neighbor), or usual logits (openmax).
        outliers: images that show none of the classes: photographs (they come with
            scikit-learn), inverted, quarter-turn, scrambled or mosaic test images, a
            data set by name, a folder of pictures or an .npz.
        images: of each kind of outliers and noise, at most.
        known: training images that the methods learn from, at most.
        evolutions: of each encoding, against each network and method.
        generations: of an evolution after the random population.
        children: images made in a generation.
        attacked: images that gradients work on, of each kind.
        steps: of a gradient attack.
        queries: candidates of the attack without gradients, for each image.
        epsilon: most that a pixel of a real image may change, in units of [0, 1].
        seed: decides everything but the training.
        out: run directory; runs/unknown-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds), mnist.
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=Victim)
    network_seeds: Pieces = 3
    methods: tuple[
        Literal["probability", "logit", "energy", "mahalanobis", "neighbor", "openmax"], ...
    ] = ("probability", "logit", "energy", "mahalanobis", "neighbor", "openmax")
    outliers: tuple[str, ...] = (
        "photographs",
        "inverted",
        "quarter-turn",
        "scrambled",
        "mosaic",
    )
    images: Annotated[int, Within(2, 100_000, why="they are in memory at once; ask for fewer")] = (
        150
    )
    known: Count = 5000
    evolutions: Batch = 1
    generations: Count = 150
    children: Batch = 100
    attacked: Count = 40
    steps: Count = 60
    queries: Count = 200
    epsilon: Share = 0.1
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
        victim=Victim(model="mlp", train_steps=80),
        network_seeds=2,
        methods=("neighbor",),
        outliers=("photographs", "mosaic"),
        images=60,
        known=300,
        generations=6,
        children=12,
        attacked=10,
        steps=6,
        queries=6,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist"),
        outliers=("photographs", "cifar10", "quarter-turn", "scrambled", "mosaic"),
        images=1000,
        attacked=100,
        epsilon=0.2,
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
    from experiments import unknown_results, unknown_units
    from experiments.unknown_images import ALTERED
    from fooljax.runtime import devices, inputs, units

    _check(config)
    devices.set_up()
    with directory.opened(config, "experiments.unknown", NEUTRAL) as folder:
        networks = _prepare(config, folder)
        classifiers = {name: one.classifier for name, one in networks.items()}
        print("learning what is known ...", file=sys.stderr)
        splits = next(iter(networks.values())).splits
        scene = unknown_units.set_scene(config, classifiers, splits)
        others = {name: scene.families[name] for name in config.outliers if name not in ALTERED}
        inputs.same_images(folder, {f"--outliers {name}": one for name, one in others.items()})
        made = units.compute_all(folder, unknown_units.plan(config, scene), "making images")
        print("drawing ...", file=sys.stderr)
        return unknown_results.write(folder, config, networks, scene, made)


def _check(config: Config) -> None:
    """Refuse settings that are impossible whatever the networks.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    limits.check(config)
    for flag in ("methods", "outliers"):
        values = getattr(config, flag)
        if not values or len(set(values)) < len(values):
            raise ValueError(f"--{flag}: give at least one, each once, got {' '.join(values)}")
    if config.victim.dataset == "none":
        raise ValueError("--dataset: thresholds are set on real images; name a data set")
    one_only = config.victim.weights or (":" in config.victim.model and config.victim.model)
    flag = "--weights" if config.victim.weights else "--model"
    if one_only and config.network_seeds > 1:
        raise ValueError(
            f"--network-seeds {config.network_seeds}: {flag} {one_only} is but one set of weights; "
            "give --network-seeds 1"
        )


def _prepare(config: Config, folder: Path) -> dict[str, Prepared]:
    from fooljax.runtime import memory, several

    victim = config.victim
    if config.network_seeds == 1:
        networks = {victim.model: prepare(victim, folder, lambda shape, num_classes: None)}
    else:
        networks = several.prepare_several(victim, folder, (victim.model,), config.network_seeds)
    for name, network in networks.items():
        print(f"{name}: {100 * (network.accuracy or 0.0):.2f} % right", file=sys.stderr)
    shape = tuple(next(iter(networks.values())).classifier.input_shape)
    memory.afford(shape, evolutions=config.evolutions, children=config.children)
    channels = shape[2]
    if channels not in (1, 3):
        raise ValueError(f"--dataset: images need 1 or 3 channels to be evolved, got {channels}")
    return networks


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.unknown", description=__doc__)


if __name__ == "__main__":
    cli()
