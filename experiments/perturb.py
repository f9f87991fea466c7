"""Perturb real images until a network errs: every attack side by side.

Run:    python -m experiments.perturb
        python -m experiments.perturb --attacks fgsm pgd deepfool --images 500
        python -m experiments.perturb --dataset mnist --weights lenet.safetensors
Cost:   two or three minutes on two laptop cores, training included (embedded
        digits, 100 images, every attack).
Expect: changes that people hardly notice fool the network on nearly every image;
        random noise of the same size almost never does.
Source: Szegedy et al., 2014, arXiv:1312.6199; Goodfellow et al., 2015,
        arXiv:1412.6572; Moosavi-Dezfooli et al., 2016, arXiv:1511.04599; Carlini
        et al., 2019, arXiv:1902.06705 (how to evaluate, and what to distrust).
"""

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Batch, Count, NotNegative, Seed
from fooljax.runtime.victim import Prepared, Victim, prepare
from fooljax.study import choose

if TYPE_CHECKING:
    from fooljax import attacks

AIMED = (
    "pgd-targeted",
    "pgd-l2-targeted",
    "lbfgs-targeted",
)  # unless others are asked for


@dataclass(frozen=True)
class Config:
    """Perturb real images until a network errs.

    Distances are in units of pixels in [0, 1].

    Attributes:
        victim: the network and its data.
        attacks: which attacks run, by name; all unless given. An unknown name
            lists them. With -targeted at the end of a name the goal is a random
            other class instead of any.
        images: how many test images are attacked, drawn at random from those that
            the network gets right.
        epsilon: largest change of a pixel (Linf) in the table.
        epsilon_l2: Euclidean length of the change in the table.
        epsilon_l1: sum of all changes in the table.
        epsilons: Linf radii of the robustness curve.
        epsilons_l2: Euclidean radii of the robustness curve.
        steps: gradient steps of the attacks that take many.
        queries: how often attacks without gradients may ask the network.
        diagnose: also ask whether attacks fail for other reasons than robustness.
        shown: how many images appear in the pictures.
        batch_size: images attacked together; each batch of an attack is kept, so
            a killed run loses at most one.
        seed: decides which images are drawn, the targets and the random starts.
        out: run directory; runs/perturb-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds).
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=Victim)
    attacks: tuple[str, ...] = ()
    images: Count = 100
    epsilon: NotNegative = 0.1
    epsilon_l2: NotNegative = 1.5
    epsilon_l1: NotNegative = 10.0
    epsilons: tuple[NotNegative, ...] = (0.05, 0.1, 0.15, 0.2, 0.3)
    epsilons_l2: tuple[NotNegative, ...] = (0.5, 1.0, 1.5, 2.0, 3.0)
    steps: Count = 40
    queries: Count = 500
    diagnose: bool = True
    shown: Count = 8
    batch_size: Batch = 50
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
        victim=Victim(model="softmax", train_steps=100),
        attacks=("fgsm", "pgd", "deepfool", "pgd-l2-targeted"),
        images=20,
        epsilons=(0.1, 0.3),
        epsilons_l2=(1.0, 3.0),
        steps=5,
        queries=20,
        diagnose=False,
        shown=3,
        batch_size=10,
    ),
}


def main(config: Config, prepared: Prepared | None = None) -> dict[str, Any]:
    """Run the experiment.

    Args:
        config: the settings.
        prepared: a network, its accuracy and its data, instead of those the settings name.

    Returns:
        The summary, as written to ``summary.json``.

    Raises:
        ValueError, OSError: for anything wrong with settings or files.
        Interrupted: if stopped before the end; what is done is kept.
    """
    from fooljax.runtime import devices, inputs

    devices.set_up()
    methods = _check(config)
    with directory.opened(config, "experiments.perturb", NEUTRAL) as folder:
        from experiments import perturb_results, perturb_run
        from fooljax import models

        if prepared is None:
            prepared = prepare(config.victim, folder, lambda shape, num_classes: None)
        else:
            inputs.same_data(folder, "data given from Python", prepared.splits)
            inputs.same_networks(folder, {"network given from Python": prepared.classifier})
            models.validate(prepared.classifier)
        print(f"network: {prepared.origin}, {100 * prepared.accuracy:.2f} % right", file=sys.stderr)
        chosen = perturb_run.choose_images(prepared, config.images, config.seed)
        found = perturb_run.attack_all(folder, config, prepared.classifier, chosen, methods)
        diagnosis = None
        if config.diagnose:
            diagnosis = perturb_run.diagnose(folder, config, prepared.classifier, chosen)
        print("drawing ...", file=sys.stderr)
        return perturb_results.write(folder, config, prepared, chosen, methods, found, diagnosis)


def _check(config: Config) -> "dict[str, attacks.Entry]":
    """Refuse settings that are impossible, and return the attacks by name.

    The controls always take part.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    from fooljax import attacks

    limits.check(config)
    if config.victim.dataset == "none":
        raise ValueError("--dataset none has no images to perturb; name a data set")
    for flag, radii in (("--epsilons", config.epsilons), ("--epsilons-l2", config.epsilons_l2)):
        if not radii:
            raise ValueError(f"{flag} must name at least one radius")
    known = attacks.CATALOG | attacks.aimed(attacks.CATALOG)
    wanted = choose("--attacks", config.attacks or (*attacks.CATALOG, *AIMED), known)
    return {
        name: entry for name, entry in known.items() if name in wanted or entry.kind == "control"
    }


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.perturb", description=__doc__)


if __name__ == "__main__":
    cli()
