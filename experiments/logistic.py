"""Why many steps too small to see add up: one step along the sign of the gradient.

Run:    python -m experiments.logistic
        python -m experiments.logistic --dataset mnist --train-steps 800
Cost:   some minutes on two laptop cores, most of it training.
Expect: ten coordinates moved by 0.5 take a logistic unit from 5 % to 88 %; in
        networks a small step gains close to epsilon times the sum of the
        gradient's sizes, and a step of equal size with random signs next to
        nothing.
Source: Goodfellow, Shlens and Szegedy, 2015, Explaining and harnessing
        adversarial examples, arXiv:1412.6572, section 3 (the linear
        explanation); the ten-dimensional example is a common lecture example.
"""

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Count, NotNegative, Pieces, Pixels, Seed
from fooljax.runtime.victim import Prepared, Victim, prepare
from fooljax.runtime.victim_data import renamed


@dataclass(frozen=True)
class Config:
    """Measure what one step along the sign of the gradient gains.

    Attributes:
        victim: the networks' data and training; their architectures and sizes
            are set below.
        models: architectures, as for --model.
        sizes: heights and widths that pictures are resized to, in pixels. Sizes
            below 13 are left out for lenet.
        epsilons: lengths of the step, in units of [0, 1].
        images: test images looked at.
        repeats: independently trained networks of each architecture and size.
        seed: decides the random signs.
        out: run directory; runs/logistic-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds).
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=400))
    models: tuple[str, ...] = ("softmax", "mlp", "lenet")
    sizes: tuple[Pixels, ...] = (8, 14, 20, 28, 40, 56)
    epsilons: tuple[NotNegative, ...] = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    images: Count = 200
    repeats: Pieces = 2
    seed: Seed = 0
    out: str | None = None
    resume: str | None = None
    preset: str = "default"
    debug: bool = False


NEUTRAL = ("out", "resume", "data_dir", "classifier", "debug")

PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=40),
        models=("softmax", "mlp"),
        sizes=(8, 14),
        epsilons=(0.01, 0.1),
        images=30,
        repeats=1,
    ),
}

_LEAST_LENET = 13  # pixels


class Worked(NamedTuple):
    """A logistic unit of ten inputs, and a step.

    Attributes:
        weights: of the unit.
        inputs: before the step.
        moved: after it.
        before: probability, in [0, 1].
        after: the same after the step.
    """

    weights: np.ndarray
    inputs: np.ndarray
    moved: np.ndarray
    before: float
    after: float


def worked_example(step: float = 0.5) -> Worked:
    """Move every input of the ten-dimensional example along the sign of its weight.

    Args:
        step: by how much.
    """
    weights = np.array([-1, -1, 1, -1, 1, -1, 1, 1, -1, 1], np.float64)
    inputs = np.array([2, -1, 3, -2, 2, 2, 1, -4, 5, 1], np.float64)
    moved = inputs + step * np.sign(weights)
    answer = lambda x: float(1.0 / (1.0 + np.exp(-(weights @ x))))
    return Worked(weights, inputs, moved, answer(inputs), answer(moved))


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
    import functools

    from experiments import logistic_results, logistic_units
    from fooljax.runtime import devices, units

    check(config)
    devices.set_up()
    with directory.opened(config, "experiments.logistic", NEUTRAL) as folder:
        networks = _prepare(config, folder)
        work = {
            name: functools.partial(logistic_units.measure, config, index, prepared)
            for index, (name, prepared) in enumerate(networks.items())
        }
        results = units.compute_all(folder, work, "stepping")
        print("drawing ...", file=sys.stderr)
        return logistic_results.write(folder, config, networks, results)


def check(config: Config) -> None:
    """Refuse impossible settings.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    limits.check(config)
    for name in ("models", "sizes", "epsilons"):
        values = getattr(config, name)
        if not values or len(set(values)) < len(values):
            raise ValueError(
                f"--{name}: at least one, and each once; got {' '.join(map(str, values))}"
            )
    if config.victim.weights is not None or config.victim.image_size is not None:
        raise ValueError(
            f"--weights {config.victim.weights}, --image-size {config.victim.image_size}: networks "
            "of several sizes are trained here; leave them out, and give --sizes"
        )
    if config.victim.model != Victim().model:
        raise ValueError(f"--model: give --models {config.victim.model} another ..., not --model")
    if any(":" in model for model in config.models):
        raise ValueError("--models: networks of your own have one size; give softmax, mlp, ...")
    if config.victim.dataset == "none":
        raise ValueError("--dataset none: the networks are trained here; give a data set")
    if not cases(config):
        raise ValueError("--sizes: lenet needs at least 13 pixels; give larger ones")


def cases(config: Config) -> list[tuple[str, int, int]]:
    """Return model, size and repeat of every network."""
    return [
        (model, size, repeat)
        for size in sorted(config.sizes)
        for model in config.models
        if model != "lenet" or size >= _LEAST_LENET
        for repeat in range(config.repeats)
    ]


def name_of(model: str, size: int, repeat: int) -> str:
    """Return a network's name, which is also that of its files."""
    return f"{model}-{size}-{repeat + 1}"


def _prepare(config: Config, folder: Path) -> dict[str, Prepared]:
    place = Path(config.victim.classifier) if config.victim.classifier else folder / "networks"
    networks = {}
    for model, size, repeat in cases(config):
        name = name_of(model, size, repeat)
        victim = dataclasses.replace(
            config.victim,
            model=model,
            image_size=(size, size),
            train_seed=config.victim.train_seed + repeat,
            classifier=str(place / name),
        )
        with renamed("--model", "--models"):
            networks[name] = prepare(victim, folder, lambda shape, num_classes: None)
    return networks


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.logistic", description=__doc__)


if __name__ == "__main__":
    cli()
