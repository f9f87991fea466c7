"""Fool several networks that answer as one: how much dearer is it the more there are?

Run:    python -m experiments.ensemble
        python -m experiments.ensemble --models mlp resnet --members 1 2 4 --rule-sizes 4
        python -m experiments.ensemble --preset mnist --data-dir DIR
Cost:   ten to fifteen minutes on two laptop cores, most of it compiling (embedded digits,
        three disjoint sets of eight networks, ensembles of up to eight, two groups).
Expect: more networks are a little dearer to fool, yet whoever knows all of them still
        makes them certain of every class.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897, supplement (evolving against the mean of three networks);
        Tramer et al., 2020, arXiv:2002.08347 (how to attack an ensemble).
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Batch, Confidence, Count, Pieces, Seed, Share
from fooljax.runtime.victim import Prepared, Victim

Rule = Literal["logits", "majority_vote", "unanimous"]
Objective = Literal["log_probabilities", "margins"]


@dataclass(frozen=True)
class Config:
    """Fool several networks that answer as one.

    Attributes:
        victim: the data, and how each network is trained.
        models: architectures: softmax, mlp, lenet, resnet, or FILE.py:NAME for your
            own. Ensembles are made of the first one with other starting weights, and
            of all of them in turn (mixed).
        members: numbers of networks in an ensemble.
        sets: disjoint sets of networks on which everything is repeated; intervals
            come from them.
        rules: how members answer as one besides the mean of their probabilities:
            logits (their mean), majority_vote, unanimous (or reject).
        objectives: what a joint attack may follow besides the answer of the whole: the
            mean of the members' log_probabilities (always; it has the same gradient as
            that of their logits) or margins.
        rule_sizes: numbers of networks at which rules (in ensembles of the first
            architecture) and objectives are compared.
        encodings: what evolves: direct (pixels), cppn (patterns).
        generations: of an evolution after the random population.
        children: images made in a generation.
        steps: of the joint gradient attacks from noise; and for each member of the
            attack that takes one member after the other.
        rounds: turns that each member has in the latter.
        step_size: of both, in units of [0, 1] for each pixel.
        images: test images that are perturbed.
        epsilon: most that pgd may change a pixel, in units of [0, 1].
        pgd_steps: steps of pgd.
        ddn_steps: steps of the search for the nearest misjudged image (DDN).
        tau: confidence from which on the ensemble counts as fooled for certain.
        seed: decides everything but the training.
        out: run directory; runs/ensemble-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds), mnist.
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=300))
    models: tuple[str, ...] = ("lenet", "mlp", "softmax")
    members: tuple[Pieces, ...] = (1, 2, 3, 5, 8)
    sets: Pieces = 3
    rules: tuple[Rule, ...] = ("logits", "majority_vote", "unanimous")
    objectives: tuple[Objective, ...] = ("log_probabilities", "margins")
    rule_sizes: tuple[Pieces, ...] = (3,)
    encodings: tuple[Literal["direct", "cppn"], ...] = ("direct",)
    generations: Count = 100
    children: Batch = 100
    steps: Count = 100
    rounds: Count = 5
    step_size: Share = 0.01
    images: Batch = 40
    epsilon: Share = 0.1
    pgd_steps: Count = 20
    ddn_steps: Count = 50
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
        models=("softmax",),
        members=(1, 2),
        sets=2,
        rule_sizes=(),
        encodings=("direct",),
        generations=10,
        children=20,
        steps=20,
        rounds=4,
        step_size=0.03,
        images=10,
        pgd_steps=4,
        ddn_steps=10,
        tau=0.5,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist", train_steps=600),
        encodings=("direct", "cppn"),
        generations=250,
        images=60,
        epsilon=0.15,
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
    from experiments import ensemble_results, ensemble_units
    from fooljax.runtime import devices, units

    _check(config)
    devices.set_up()
    with directory.opened(config, "experiments.ensemble", NEUTRAL) as folder:
        networks = _prepare(config, folder)
        classifiers = {name: one.classifier for name, one in networks.items()}
        splits = next(iter(networks.values())).splits
        scenes = ensemble_units.set_scenes(config, classifiers, splits)
        work = ensemble_units.plan(config, scenes)
        made = units.compute_all(folder, work, "attacking")
        print("drawing ...", file=sys.stderr)
        return ensemble_results.write(folder, config, networks, scenes, made)


def _check(config: Config) -> None:
    """Refuse settings that are impossible whatever the networks.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    limits.check(config)
    for flag in ("models", "members", "encodings"):
        _each_once(flag, getattr(config, flag), at_least=1)
    for flag in ("rules", "objectives", "rule_sizes"):
        _each_once(flag, getattr(config, flag), at_least=0)
    if list(config.members) != sorted(config.members):
        raise ValueError(f"--members must ascend, got {' '.join(map(str, config.members))}")
    absent = sorted(set(config.rule_sizes) - set(config.members))
    if absent:
        raise ValueError(f"--rule-sizes must be among --members, got {absent[0]}")
    if config.rounds > config.steps:
        raise ValueError(f"--rounds must be at most --steps {config.steps}, got {config.rounds}")
    if config.victim.model != Victim().model:
        raise ValueError(f"--model: give --models {config.victim.model} another ..., not --model")
    if config.victim.dataset == "none":
        raise ValueError("--dataset: real images are needed to perturb; name a data set")
    own = [model for model in config.models if ":" in model]
    if own and config.sets > 1:
        raise ValueError(
            f"--models: {own[0]} has but one set of weights, so add --sets 1; there are then no "
            "intervals"
        )
    if own and max(config.members) > len(config.models):
        raise ValueError(
            f"--members: {max(config.members)} members, but --models names {len(config.models)}: "
            "networks of your own have one set of weights each; name more, or ask for fewer"
        )


def _each_once(flag: str, values: tuple[Any, ...], at_least: int) -> None:
    if len(values) < at_least or len(set(values)) < len(values):
        raise ValueError(
            f"--{flag.replace('_', '-')}: give {'at least one, ' if at_least else ''}each once, "
            f"got {' '.join(map(str, values)) or 'none'}"
        )


def _prepare(config: Config, folder: Path) -> dict[str, Prepared]:
    """Prepare as many networks of every architecture as the sets take."""
    from experiments import ensemble_units
    from fooljax.runtime import memory, several

    networks: dict[str, Prepared] = {}
    for model, count in ensemble_units.networks_needed(config).items():
        found = several.prepare_several(config.victim, folder, (model,), count)
        networks |= {f"{model} {i + 1}": one for i, one in enumerate(found.values())}
        right = [one.accuracy or 0.0 for one in found.values()]
        print(
            f"{count} x {model}: {100 * min(right):.1f} to {100 * max(right):.1f} % right",
            file=sys.stderr,
        )
    shape = tuple(next(iter(networks.values())).classifier.input_shape)
    memory.afford(shape, children=config.children)
    channels = shape[2]
    if channels not in (1, 3):
        raise ValueError(f"--encodings need images of 1 or 3 channels, got {channels}")
    return networks


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.ensemble", description=__doc__)


if __name__ == "__main__":
    cli()
