"""Make images for one network and show them to others: what do those say?

Run:    python -m experiments.transfer
        python -m experiments.transfer --models lenet mlp softmax --network-seeds 2
        python -m experiments.transfer --dataset mnist --generators cppn direct noise
Cost:   a few minutes on two laptop cores, training included (embedded digits, six
        networks, eight kinds of images, three repeats).
Expect: evolved images fool some other networks too, those of the same architecture
        more often, and none as often as the network that they were made for.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897, section 3.5 (evolved images); Szegedy et al., 2014,
        arXiv:1312.6199, section 4 (perturbations).
"""

import functools
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Batch, Confidence, Count, Pieces, Rate, Seed
from fooljax.runtime.victim import Prepared, Victim

if TYPE_CHECKING:
    from experiments.transfer_results import Outcome

_GENERATORS = (
    "direct",
    "cppn",
    "ascent",
    "noise",
    "pgd",
    "deepfool",
    "universal",
    "random_signs",
)


@dataclass(frozen=True)
class Config:
    """Make images for one network and show them to others.

    Attributes:
        victim: the data, and how each network is trained.
        models: architectures: softmax, mlp, lenet, resnet, or FILE.py:NAME for
            your own.
        network_seeds: networks of each architecture, from other starting weights.
        generators: how images are made: direct and cppn (evolved), ascent
            (gradient), noise (a control: nobody looks at the network); and test
            images changed by pgd, deepfool, universal (one change for all of them)
            or random_signs (a control).
        repeats: how often everything is made anew from other random numbers, with
            the same networks.
        generations: of an evolution after the random population.
        children: images made in a generation.
        ascent_steps: steps of the gradient ascent.
        images: test images that are perturbed, and images of noise, in each repeat.
        epsilon: most that pgd, universal and random_signs may change a pixel, in
            units of [0, 1].
        pgd_steps: steps of pgd.
        universal_steps: batches that a universal perturbation learns from.
        tau: confidence from which on a network counts as sure.
        seed: decides everything but the training.
        out: run directory; runs/transfer-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds).
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=Victim)
    models: tuple[str, ...] = ("lenet", "mlp")
    network_seeds: Pieces = 3
    generators: tuple[str, ...] = _GENERATORS
    repeats: Pieces = 3
    generations: Count = 200
    children: Batch = 100
    ascent_steps: Count = 100
    images: Batch = 100
    epsilon: Rate = 0.1
    pgd_steps: Count = 20
    universal_steps: Count = 60
    tau: Confidence = 0.99
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
        network_seeds=2,
        generators=("noise", "pgd", "random_signs"),
        repeats=2,
        generations=3,
        children=12,
        ascent_steps=3,
        images=20,
        pgd_steps=3,
        universal_steps=3,
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
    from experiments import transfer_results
    from fooljax.runtime import devices

    _check(config)
    devices.set_up()
    with directory.opened(config, "experiments.transfer", NEUTRAL) as folder:
        networks = _prepare(config, folder)
        outcomes = _make(config, folder, networks)
        print("drawing ...", file=sys.stderr)
        return transfer_results.write(folder, config, networks, outcomes)


def _check(config: Config) -> None:
    """Refuse settings that are impossible whatever the networks.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    limits.check(config)
    unknown = sorted(set(config.generators) - set(_GENERATORS))
    if unknown or not config.generators or len(set(config.generators)) < len(config.generators):
        raise ValueError(
            f"--generators must be some of {' '.join(_GENERATORS)}, each once, got "
            f"{' '.join(config.generators) or 'none'}"
        )
    if config.victim.model != Victim().model:
        raise ValueError(f"--model: give --models {config.victim.model} another ..., not --model")
    if config.victim.dataset == "none":
        raise ValueError("--dataset: real images are needed to perturb; name a data set")
    if len(config.models) * config.network_seeds < 2:
        raise ValueError("--models, --network-seeds: it takes two networks at least")
    own = [model for model in config.models if ":" in model]
    if own and config.network_seeds > 1:
        raise ValueError(
            f"--models: {own[0]} has but one set of weights; add --network-seeds 1, or give "
            "several functions that return other ones"
        )


def _prepare(config: Config, folder: Path) -> dict[str, Prepared]:
    from fooljax.runtime import memory, several

    networks = several.prepare_several(config.victim, folder, config.models, config.network_seeds)
    for name, network in networks.items():
        print(f"{name}: {100 * (network.accuracy or 0.0):.2f} % right", file=sys.stderr)
    shape = tuple(next(iter(networks.values())).classifier.input_shape)
    memory.afford(shape, children=config.children)
    memory.afford(shape, repeats=config.repeats, images=config.images)
    channels = shape[2]
    if {"direct", "cppn"} & set(config.generators) and channels not in (1, 3):
        raise ValueError(
            f"--generators: direct and cppn need images of 1 or 3 channels, got {channels}"
        )
    return networks


def _make(config: Config, folder: Path, networks: dict[str, Prepared]) -> "Outcome":
    """Make all images and show them to all networks, a unit for each set of images."""
    import jax

    from experiments import transfer_generators, transfer_results
    from fooljax.runtime import units

    key_examples, key_make = jax.random.split(jax.random.key(config.seed))
    classifiers = [one.classifier for one in networks.values()]
    splits = next(iter(networks.values())).splits
    examples = [
        transfer_generators.choose_examples(
            jax.random.fold_in(key_examples, repeat),
            classifiers,
            splits.test,
            splits.train,
            config.images,
        )
        for repeat in range(config.repeats)
    ]
    work = {}
    for name in config.generators:
        place = list(transfer_generators.GENERATORS).index(name)
        key_name = jax.random.fold_in(key_make, place)
        for index in range(len(networks)):
            key_network = jax.random.fold_in(key_name, index)
            for repeat in range(config.repeats):
                key = jax.random.fold_in(key_network, repeat)
                work[transfer_results.unit_name(name, index, repeat)] = functools.partial(
                    transfer_generators.build,
                    name,
                    config,
                    key,
                    index,
                    classifiers,
                    examples[repeat],
                )
    return units.compute_all(folder, work, "making images")


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.transfer", description=__doc__)


if __name__ == "__main__":
    cli()
