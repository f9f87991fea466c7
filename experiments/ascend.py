"""Make images by gradient that a trained network is certain about, and compare with evolved ones.

Run:    python -m experiments.ascend
        python -m experiments.ascend --dataset mnist --weights lenet.safetensors
        python -m experiments.ascend --dataset cifar10 --model resnet
        python -m experiments.ascend --preset imagenet --data-dir DIR --weights DIR
Cost:   a few minutes on two laptop cores, training included.
Expect: without a regularizer every class above 99.99 % within some hundred
        steps, from noise as from grey; regularizers trade confidence for
        smoothness; evolution gets there too, for many times the passes.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897, section 3.9, Figures 13 and S3 to S7; Olah, Mordvintsev
        and Schubert, 2017, Feature Visualization (Fourier coefficients).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fooljax.runtime import command, directory, limits
from fooljax.runtime.limits import Batch, Count, Label, NotNegative, Seed
from fooljax.runtime.victim import Prepared, Victim, prepare


@dataclass(frozen=True)
class Config:
    """Make images by gradient that a trained network is certain about.

    Attributes:
        victim: the network and its data.
        ascents: none, decay, blur, sparse (the published settings), tv (total
            variation), fourier (coefficients of waves), cppn (weights of small
            networks that paint).
        starts: where the ascent without a regularizer begins: near_grey (with noise of
            one level, as published; the other ascents begin there too), grey,
            uniform_noise, gaussian_noise.
        classes: numbers of the classes to make images for, from 0; all unless given.
        evolved: encodings to evolve images with for comparison: direct, cppn; or nothing.
        steps: of every ascent; the published 500 to 1,500, and 500 for the
            others, unless given.
        repeats: independent starts.
        total_variation: log-probability that the setting tv pays for a total
            variation of 1.
        candidates: random CPPNs of which the best for each class is where the
            setting cppn starts.
        generations: of the evolutions to compare with.
        children: images made in a generation.
        seed: decides everything but the training.
        out: run directory; runs/ascend-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds), imagenet (the paper's
            20 classes and four settings; minutes on a GPU, hours on a laptop).
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=Victim)
    ascents: tuple[str, ...] = ("none", "decay", "blur", "sparse", "tv", "fourier", "cppn")
    starts: tuple[str, ...] = ("near_grey", "grey", "uniform_noise", "gaussian_noise")
    classes: tuple[Label, ...] = ()
    evolved: tuple[str, ...] = ("direct", "cppn")
    steps: Count | None = None
    repeats: Batch = 3
    total_variation: NotNegative = 3.0
    candidates: Batch = 200
    generations: Count = 100
    children: Batch = 200
    seed: Seed = 0
    out: str | None = None
    resume: str | None = None
    preset: str = "default"
    debug: bool = False


# What may differ when a run is resumed: places, and what does not change results.
NEUTRAL = ("out", "resume", "data_dir", "classifier", "debug")

# fmt: off
_PAPER_CLASSES = (  # those of Figures 13 and S3 to S7
    200, 207, 215, 279, 366, 367, 390, 414, 445, 500,
    509, 580, 643, 657, 704, 713, 782, 805, 826, 906,
)
# fmt: on

PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=50),
        ascents=("none", "tv"),
        evolved=("direct",),
        steps=6,
        repeats=2,
        candidates=20,
        generations=2,
        children=20,
    ),
    "imagenet": Config(
        victim=Victim(dataset="imagenet", model="squeezenet1_1"),
        ascents=("none", "decay", "blur", "sparse"),
        starts=("near_grey",),
        classes=_PAPER_CLASSES,
        evolved=(),
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
    from experiments import ascend_results, ascend_units
    from fooljax.runtime import devices, units

    limits.check(config)
    _check_names("ascents", config.ascents, ascend_units.SETTINGS)
    _check_names("starts", config.starts, ascend_units.STARTS)
    if config.evolved:
        _check_names("evolved", config.evolved, ascend_units.EVOLVED)
    for flag, name in (("ascents", "none"), ("starts", "near_grey")):
        if name not in getattr(config, flag):
            raise ValueError(
                f"--{flag}: {name} must be among them, the others are compared with it"
            )
    devices.set_up()
    with directory.opened(config, "experiments.ascend", NEUTRAL) as folder:
        prepared = _prepare(config, folder)
        work = ascend_units.units(config, prepared.classifier)
        results = units.compute_all(folder, work, "ascending")
        print("drawing ...", file=sys.stderr)
        return ascend_results.write(folder, config, prepared, results)


def _check_names(flag: str, given: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown or not given or len(set(given)) < len(given):
        raise ValueError(
            f"--{flag}: at least one of {', '.join(known)}, each once; got "
            f"{' '.join(given) or 'none'}"
        )


def _prepare(config: Config, folder: Path) -> Prepared:
    from fooljax.runtime import memory

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        if shape[2] not in (1, 3) or num_classes < 2:
            raise ValueError(
                "--dataset, --model: images of 1 or 3 channels and at least 2 classes are needed, "
                f"got {shape[2]} channels and {num_classes} classes"
            )
        memory.afford(shape, repeats=config.repeats, children=config.children)
        wrong = [number for number in config.classes if not 0 <= number < num_classes]
        if wrong or len(set(config.classes)) < len(config.classes):
            raise ValueError(
                f"--classes: numbers from 0 to {num_classes - 1}, each once; got "
                f"{' '.join(map(str, config.classes))}"
            )

    return prepare(config.victim, folder, fits, whole=True)


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.ascend", description=__doc__)


if __name__ == "__main__":
    cli()
