"""Smooth every image before a network sees it: does that stop fooling, or only hide it?

Run:    python -m experiments.smooth
        python -m experiments.smooth --sigmas 0.25 0.5 --blur --median --jpeg --levels --resize
        python -m experiments.smooth --preset mnist --data-dir DIR
Cost:   about ten minutes on two laptop cores (embedded digits, three networks, twelve
        ways to change the image), of which random ways take most.
Expect: images made for the bare network often fail once smoothed; made against the
        smoothed one by somebody who knows about it, most of the gain is gone. What
        randomized smoothing certifies holds.
Source: Xu et al., 2018, arXiv:1704.01155 (feature squeezing); Cohen et al., 2019,
        arXiv:1902.02918 (certificates); Athalye et al., 2018, arXiv:1802.00420, and
        Tramer et al., 2020, arXiv:2002.08347 (attacks that know the defense).
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Batch, Count, Pieces, Positive, Seed
from fooljax.runtime.victim import Prepared, Victim
from fooljax.runtime.victim_data import find_data


@dataclass(frozen=True)
class Config:
    """Smooth images before a network sees them, and attack with and without knowing it.

    Attributes:
        victim: the data, and how each network is trained.
        networks: how many are trained, from seeds that count up; intervals are over
            them.
        blur: standard deviations of a Gaussian blur, in pixels; none to leave it out,
            as for all that follow.
        median: sides of the median's window, in pixels, odd.
        levels: numbers of values that each pixel is rounded to.
        jpeg: qualities of JPEG's quantization, in [1, 100].
        resize: smallest shares, in (0, 1), that the image is shrunk to at random
            before it is put at a random place.
        sigmas: standard deviations of the noise of randomized smoothing, in units of
            [0, 1].
        epsilons: largest changes of a number of a test image, in units of [0, 1].
        images: test images that are changed.
        steps: of the gradient attack.
        queries: of the attack without gradients, on images that resist the gradient.
        draws: random draws that the adversary of a random defense averages over.
        judge_draws: other draws, whose mean is the defended network's answer.
        generators: how images that show nothing are made: direct (evolved pixel by
            pixel), cppn (evolved as patterns), ascent (climbed from noise by gradient).
        children: fooling images made in a generation.
        generations: of their evolution.
        ascent_steps: of gradient ascent from noise.
        certified: test images that randomized smoothing certifies.
        selection: noisy copies that select an answer to certify.
        samples: noisy copies that a certificate, and every answer of the smoothed
            network, is computed from.
        alpha: probability, in (0, 1), with which a certificate may be wrong.
        test_images: test images that accuracy is measured on, at most.
        seed: decides everything but the training.
        out: run directory; runs/smooth-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds), mnist.
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=Victim)
    networks: Pieces = 3
    blur: tuple[Positive, ...] = (0.5, 1.0, 2.0)
    median: tuple[int, ...] = (3, 5)
    levels: tuple[int, ...] = (8, 2)
    jpeg: tuple[float, ...] = (50.0, 10.0)
    resize: tuple[float, ...] = (0.8,)
    sigmas: tuple[Positive, ...] = (0.25, 0.5)
    epsilons: tuple[float, ...] = (0.1,)
    images: Batch = 40
    steps: Count = 30
    queries: Count = 1000
    draws: Batch = 16
    judge_draws: Batch = 32
    generators: tuple[Literal["direct", "cppn", "ascent"], ...] = ("direct", "cppn", "ascent")
    children: Batch = 100
    generations: Count = 60
    ascent_steps: Count = 100
    certified: Count = 50
    selection: Batch = 100
    samples: Batch = 1000
    alpha: float = 0.001
    test_images: Count = 500
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
        victim=Victim(model="mlp", train_steps=60),
        networks=2,
        blur=(1.0,),
        median=(),
        levels=(),
        jpeg=(),
        resize=(),
        sigmas=(0.25,),
        images=12,
        steps=5,
        queries=10,
        draws=4,
        judge_draws=8,
        generators=("direct",),
        children=20,
        generations=4,
        ascent_steps=5,
        certified=10,
        selection=20,
        samples=100,
        alpha=0.01,
        test_images=60,
    ),
    "mnist": Config(victim=Victim(dataset="mnist"), epsilons=(0.1, 0.2), images=60, certified=100),
}

_RANGES = {
    "blur": ("positive", lambda value: 0.0 < value < float("inf")),
    "median": ("odd and at least 3", lambda value: value >= 3 and value % 2 == 1),
    "levels": ("at least 2", lambda value: value >= 2),
    "jpeg": ("in [1, 100]", lambda value: 1 <= value <= 100),
    "resize": ("in (0, 1)", lambda value: 0.0 < value < 1.0),
    "sigmas": ("positive", lambda value: 0.0 < value < float("inf")),
    "epsilons": ("in (0, 1]", lambda value: 0.0 < value <= 1.0),
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
    from experiments import smooth_results, smooth_units
    from fooljax.runtime import devices, units

    _check(config)
    devices.set_up()
    with directory.opened(config, "experiments.smooth", NEUTRAL) as folder:
        networks = _prepare(config, folder)
        classifiers = {name: one.classifier for name, one in networks.items()}
        splits = next(iter(networks.values())).splits
        scene = smooth_units.set_scene(config, list(classifiers.values()), splits.test, folder)
        work = smooth_units.plan(config, scene)
        made = units.compute_all(folder, work, "attacking")
        print("drawing ...", file=sys.stderr)
        return smooth_results.write(folder, config, networks, scene, made)


def _check(config: Config) -> None:
    """Refuse settings that are impossible whatever the networks.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    limits.check(config)
    for flag, (words, allowed) in _RANGES.items():
        values = getattr(config, flag)
        told = " ".join(f"{value:g}" for value in values)
        if not all(allowed(value) for value in values):
            raise ValueError(f"--{flag} must be {words}, got {told}")
        if len(set(values)) < len(values):
            raise ValueError(f"--{flag}: give each once, got {told}")
    for flag in ("epsilons", "generators"):
        values = getattr(config, flag)
        if not values or len(set(values)) < len(values):
            told = " ".join(map(str, values))
            raise ValueError(f"--{flag}: give at least one, each once, got {told}")
    if not any(getattr(config, flag) for flag in _RANGES if flag != "epsilons"):
        raise ValueError(
            "--blur, --median, --levels, --jpeg, --resize, --sigmas: give at least one"
        )
    if not 0.0 < config.alpha < 0.5:
        raise ValueError(f"--alpha must be in (0, 0.5), got {config.alpha}")
    if config.victim.dataset == "none":
        raise ValueError("--dataset: real images are needed to perturb; name a data set")


def _prepare(config: Config, folder: Path) -> dict[str, Prepared]:
    from fooljax.runtime import several

    if config.median:
        side = min(find_data(config.victim, folder).train.input_shape[:2])
        if max(config.median) > side:
            raise ValueError(
                f"--median must be at most {side} for images of that size, got {max(config.median)}"
            )
    networks = several.prepare_several(
        config.victim, folder, (config.victim.model,), config.networks
    )
    for name, network in networks.items():
        print(f"{name}: {100 * (network.accuracy or 0.0):.2f} % right", file=sys.stderr)
    return networks


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.smooth", description=__doc__)


if __name__ == "__main__":
    cli()
