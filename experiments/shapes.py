"""Hide two parts of an image, or shuffle its patches: does a network see shapes?

Run:    python -m experiments.shapes
        python -m experiments.shapes --dataset mnist --weights lenet.safetensors
        python -m experiments.shapes --preset imagenet --weights DIR --data-dir DATA
Cost:   some minutes on two laptop cores (28 x 28 pixels, LeNet, four kinds of images, three
        repeats), most of it for evolving images. Two parts at a time take 137 forward passes
        an image.
Expect: what two parts of an image take away nearly adds up, as in a network that sees nothing
        but patches: of pixels evolved for LeNet still more (a correlation of 0.998) than of
        digits (0.987).
Source: Brendel and Bethge, 2019, arXiv:1904.00760 (effects of patches add up); Zhang and Zhu,
        2019, arXiv:1905.09797 (patches shuffled).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

import fooljax as fj
from fooljax import study
from fooljax.study import Hiding, RunFlags, Several, Victim

if TYPE_CHECKING:
    from fooljax.study.hidden import Found, Number, Titles
    from fooljax.study.units import Arrays

PAPERS = {
    "1904.00760": "W. Brendel and M. Bethge, “Approximating CNNs with bag-of-local-features "
    "models”, ICLR 2019: effects of patches add up",
    "1905.09797": "T. Zhang and Z. Zhu, “Interpreting adversarially trained convolutional neural "
    "networks”, ICML 2019: patches in another order",
}
FINEST = 28  # patches a side
BLOCKS = 4  # a side, of which two are hidden at a time
#: Between what numbers lie that are no shares.
BOUNDS = {"additivity": (-1.0, 1.0), "within": (-1.0, 1.0), "strength": (0.0, float("inf"))}


@dataclass(frozen=True)
class Config:
    """Hide two parts of images, or shuffle their patches, and ask what the network still says.

    Attributes:
        victim: the network and its data.
        hiding: the images, and what they are hidden behind: the first two fills.
        looks: what is asked: together (do two parts add up?), shuffled (patches in another
            order).
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    hiding: Hiding = field(default_factory=lambda: Hiding(fills=("median", "noise")))
    looks: Several[str] = ("together", "shuffled")
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=60),
        hiding=Hiding(
            generators=("ascent",),
            images=4,
            ascent_steps=20,
            repeats=2,
            tau=0.5,
            fills=("median", "white"),
        ),
    ),
    "imagenet": Config(
        victim=Victim(dataset="imagenet", model="squeezenet1_1"),
        hiding=Hiding(generators=("ascent",), images=5, repeats=1, tau=0.9, fills=("grey", "blur")),
    ),
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        looks = study.choose("--looks", config.looks, LOOKS)
        scene = study.hidden.set_scene(run)
        made = study.hidden.make(run, scene)
        seen = study.hidden.look(run, scene, made, looks)
        records = list(study.hidden.judge(config.hiding, made, seen, READ))
        means = study.hidden.average(records, BOUNDS)
        found = study.hidden.Found(config.hiding, scene, made, seen, means)
        wanted = {"additivity": ("together", "additivity", config.hiding.fills[0])}
        return study.publish(
            run,
            report(config, found),
            scene.networks.each,
            study.gather(made, seen),
            records,
            PAPERS,
            keep=("images", "labels", "odds", "sums", "joint"),
            **found.summary(wanted),
            intervals="medians and shares over the images of a repeat; of them the mean over the "
            "repeats and its 95 % interval, Student's t",
        )


def _together(shown: study.hidden.Shown) -> dict[str, np.ndarray]:
    blocks = fj.analysis.masks.grid(shown.classifier.input_shape, BLOCKS)
    fills = list(shown.fills.values())[:2]
    found = [fj.analysis.interactions(*shown.of, blocks, fill) for fill in fills]
    numbers = [(one.additivity(), one.additivity(within=True), one.strength) for one in found]
    sums, joint = (np.stack([getattr(one, name) for one in found]) for name in ("sums", "joint"))
    return {"sums": sums, "joint": joint, "numbers": np.array(numbers)}


def _shuffled(shown: study.hidden.Shown) -> dict[str, np.ndarray]:
    import jax
    import jax.numpy as jnp

    shape = shown.classifier.input_shape
    grids = [one for one in fj.analysis.patches.grids(shape) if one <= FINEST]
    whole, every = np.ones((1, *shape[:2]), bool), []
    for grid in grids:
        mixed = fj.analysis.shuffled(jax.random.fold_in(shown.key, grid), shown.images, grid)
        every.append(fj.analysis.answers_to(shown.classifier, mixed, whole, shown.fill))
    odds = np.asarray(fj.metrics.log_odds(jnp.asarray(np.concatenate(every, axis=1))))
    odds = odds[..., : shown.classifier.num_classes]
    named = odds.argmax(axis=2) == shown.labels[:, None]
    return {"grids": np.array(grids), "named": named, "top": odds.max(axis=2)}


def _read_together(hiding: Hiding, odds: np.ndarray, found: Arrays) -> Iterator[Number]:
    for fill, values in zip(hiding.fills, found["numbers"].tolist(), strict=False):
        for name, value in zip(BOUNDS, values, strict=True):
            yield name, fill, value


def _read_shuffled(hiding: Hiding, odds: np.ndarray, found: Arrays) -> Iterator[Number]:
    for place, grid in enumerate(found["grids"].tolist()):
        yield "named", grid, float(np.mean(found["named"][:, place]))
        yield "certain", grid, float(np.mean(expit(found["top"][:, place]) >= hiding.tau))


LOOKS: Mapping[str, study.hidden.Look] = {"together": _together, "shuffled": _shuffled}
READ: Mapping[str, study.hidden.Read] = {"together": _read_together, "shuffled": _read_shuffled}


def report(config: Config, found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    number = "together", "additivity", config.hiding.fills[0]
    words = "correlation of summed and joint losses of two parts, {} images"
    mixed = "of {} images are named by their class with four patches in another order"
    yield study.Opening(
        "Does a network see shapes, or patches?",
        "Real and fooling images were shown to a network with two parts hidden, and with their "
        "patches in another order.",
        found.tile(number, study.hidden.plain, words)
        + found.tile(("shuffled", "named", 2), study.share, mixed),
    )
    yield study.Heading("What was done")
    yield from found.story()
    if "together" in config.looks:
        yield study.Heading("Do parts add up?")
        yield from together(found)
    if "shuffled" in config.looks:
        yield study.Heading("Patches instead of shape")
        yield from shuffled(found)


def together(found: Found) -> Iterator[study.Block]:
    """Do losses add up?"""
    yield (
        "Images were cut into 4 x 4 blocks; every block, and every two of them, were hidden. A "
        "network that sees only patches loses by two what it loses by each, added up: the "
        "correlation of the sum with the joint loss is 1. The interaction is the difference "
        "between both, as a multiple of what one block does. All is measured in the logit of the "
        "class, by hiding: the second derivatives of a network of rectifiers are 0."
    )
    for name in found.hiding.fills[:2]:
        titles: Titles = {
            "Correlation": ("additivity", name, study.hidden.plain),
            "Within an image": ("within", name, study.hidden.plain),
            "Interaction": ("strength", name, study.hidden.plain),
        }
        words = fj.analysis.fills.FILLS[name].words
        yield found.table("together", titles, f"All pairs of blocks, in front of {words}.")


def shuffled(found: Found) -> Iterator[study.Block]:
    """Patches in another order."""
    what = {
        "named": ("images named by their class", ""),
        "certain": ("images that the network is certain of", ", whatever it takes them for"),
    }
    for name, (words, whatever) in what.items():
        caption = (
            f"Share of {words} after their patches were put in another order{whatever}. How to "
            "read it: 1 patch a side is the image as it is; the further to the right, the smaller "
            "the patches. Who looks at textures only does not mind another order of large ones."
        )
        looks = {"x_label": "patches along each side", "y_label": words, "log_x": True}
        yield found.lines(f"shuffled_{name}", "shuffled", name, caption, **looks)


if __name__ == "__main__":
    study.launch(main, PRESETS, __doc__)
