"""The networks of ``experiments.foolbench``, with their defenses, and the images they know."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.foolbench_defenses import DEFENSES, Bench
from experiments.foolbench_generators import Material
from experiments.foolbench_units import HELD, Scene
from fooljax import data
from fooljax.data import Dataset
from fooljax.runtime import inputs, memory, victim
from fooljax.runtime.victim import Prepared
from fooljax.types import Images


def prepare(config: Any, folder: Path) -> tuple[Prepared, dict[int, Scene]]:
    """Prepare every network with every defense, for each seed.

    Returns:
        The plain network of the first seed, and by seed what its pieces of work share.

    Raises:
        ValueError, OSError: for anything wrong with the flags or files, naming the
            flag.
    """
    benches = [_bench(config, folder, seed) for seed in range(config.seeds)]
    shape = tuple(benches[0].plain.classifier.input_shape)
    if {"direct", "cppn"} & set(config.generators) and shape[2] not in (1, 3):
        raise ValueError(
            f"--generators: direct and cppn need images of 1 or 3 channels, got {shape[2]}"
        )
    memory.afford(shape, runs=config.runs, children=config.children)
    if config.pixels > shape[0] * shape[1]:
        raise ValueError(
            f"--pixels must be at most {shape[0] * shape[1]}, those of an image of {shape[0]} x "
            f"{shape[1]}, got {config.pixels}"
        )
    others = _others(config, folder, shape)
    scenes = {}
    for seed, bench in enumerate(benches):
        networks = {}
        for name in config.defenses:
            print(f"seed {seed + 1}: {name}", file=sys.stderr)
            networks[name] = DEFENSES[name].build(bench)
        material = Material(bench.plain.splits.train, others)
        scenes[seed] = Scene(networks, material, bench.clean)
    named = {
        f"{name} {seed + 1}": one.victim
        for seed, scene in scenes.items()
        for name, one in scene.networks.items()
    }
    inputs.same_networks(folder, named)
    return benches[0].plain, scenes


def _bench(config: Any, folder: Path, seed: int) -> Bench:
    """Prepare the plain network of a seed, and the clean images to compare with."""
    start = config.victim
    place = Path(start.classifier) if start.classifier else folder / "networks"
    place = place / f"seed-{seed + 1}"
    own = dataclasses.replace(
        start, train_seed=start.train_seed + seed, classifier=str(place / "plain")
    )
    plain = victim.prepare(own, folder, lambda shape, num_classes: None)
    clean = _clean(config, plain.splits.test, seed)
    held = dataclasses.replace(clean, images=clean.images[HELD], labels=clean.labels[HELD])
    key = jax.random.fold_in(jax.random.key(config.seed), 2**31 + seed)
    return Bench(config, place, own, plain, clean, held, key)


def _clean(config: Any, test: Dataset, seed: int) -> Dataset:
    """Draw the images to compare with.

    Raises:
        ValueError: if there are too few, naming the flag.
    """
    if len(test.labels) < config.clean_images and len(test.labels) < 40:
        raise ValueError(
            f"--dataset: thresholds need at least 40 test images, {config.victim.dataset} has "
            f"{len(test.labels)}"
        )
    key = jax.random.fold_in(jax.random.key(config.seed), 2**30 + seed)
    order = np.asarray(jax.random.permutation(key, len(test.labels)))
    rows = np.sort(order[: config.clean_images])
    return dataclasses.replace(test, images=test.images[rows], labels=test.labels[rows])


def _others(config: Any, folder: Path, shape: tuple[int, ...]) -> Images:
    try:
        images = data.load_others(config.others, shape, config.victim.data_dir)
    except (ValueError, OSError) as error:
        raise ValueError(f"--others: {error}") from error
    inputs.same_images(folder, {f"--others {config.others}": images})
    return data.as_float(jnp.asarray(images))
