"""Evolve images that a trained network is certain about and a person cannot recognize.

Run:    python -m experiments.evolve
        python -m experiments.evolve --encoding cppn --dataset mnist
        python -m experiments.evolve --preset paper-mnist-direct --data-dir DIR
Cost:   about a minute on two laptop cores, training included (embedded digits,
        5 runs of 200 generations of 200 images).
Expect: every class above 99 % confidence within 200 generations, half of them
        above 99.99 % by generation 100; random images stay far below.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897, sections 2.2, 3.1 and 3.2.
"""

import dataclasses
import functools
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fooljax.runtime import command, directory, hosts
from fooljax.runtime.hosts import Hosts
from fooljax.runtime.limits import Batch, Capacity, Count, Devices, Gigabytes, Natural, Rate, Seed
from fooljax.runtime.victim import Prepared, Victim, prepare

if TYPE_CHECKING:
    from fooljax.types import Classifier, Encoding, Search


@dataclass(frozen=True)
class Config:
    """Evolve images that a trained network is certain about.

    Attributes:
        victim: the network and its data.
        encoding: direct (every pixel a gene, irregular images) or cppn (a small
            network paints the image, regular images).
        shown_to: architectures that the finished images are shown to, as in --model,
            for the same data; with published ones --weights is a folder.
        search: map_elites (every child competes for every class), own_niche (a
            child competes for its top class only), or the name of an evosax
            strategy, one for each class: snes, open_es, sep_cma_es, pgpe, ...
        variation: how children of the direct encoding are made: polynomial
            mutation, the same after SBX crossover (inherit, or original with its
            resetting of genes the parents share), or iso_line (Iso+LineDD).
        mutation_rate: probability that a gene, a CPPN's weight or its function
            mutates.
        halve_rate_every: generations after which the mutation rate of the
            direct encoding halves; never if 0.
        genes: what a gene of the direct encoding is kept as: float32, or uint8, which
            takes a quarter of the memory and of the checkpoints.
        coordinates: of the CPPN: raw pixel counts (the paper's, fine stripes) or
            normalized to [-1, 1] (broad shapes).
        color: meaning of three channels: hls (the paper's code), hsv, rgb.
        nodes: capacity of a CPPN in nodes.
        edges: capacity of a CPPN in edges.
        fitness: what a class maximizes. logprob and margin go on improving
            where float32 probabilities are already exactly 1.
        generations: how many after the random population.
        children: images made in a generation, for each repeat.
        repeats: independent runs from other random starts, at once.
        seed: decides everything but the training.
        deterministic: show images to the network in batches of 25, so that any
            number of devices gives the same bits (otherwise 1 and 4 can differ in
            the last ones). Costs about 10 % of the time on a CPU, and more where
            only large batches are fast.
        precision: of the network's first look at an image. bfloat16 is faster on
            accelerators; what it places above a champion is then scored in float32.
        memory_limit: most memory to evolve with, in GB: of the process on a CPU, of each
            device otherwise. The network is then shown as many children at a time as
            fit; all of them, or on a CPU 25 of large images, unless given. A resumed run
            may have another limit, and then differ in the last bits.
        hosts: several processes that compute one run.
        devices: how many devices of all hosts share the children; all accelerators,
            or one CPU of each process, unless given. On a CPU they are simulated.
        chunk: generations between checkpoints; about a second's worth unless
            given.
        out: run directory; runs/evolve-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from: default, smoke (seconds),
            paper-mnist-direct, paper-mnist-cppn.
        tensorboard: write TensorBoard logs too (needs fooljax[tensorboard]).
        debug: show the traceback of an error.
    """

    victim: Victim = field(default_factory=Victim)
    encoding: Literal["direct", "cppn"] = "direct"
    shown_to: tuple[str, ...] = ()
    search: str = "map_elites"
    variation: Literal["polynomial", "inherit", "original", "iso_line"] = "polynomial"
    mutation_rate: Rate = 0.1
    halve_rate_every: Natural = 0
    genes: Literal["float32", "uint8"] = "float32"
    coordinates: Literal["raw", "normalized"] = "raw"
    color: Literal["hls", "hsv", "rgb"] = "hls"
    nodes: Capacity = 64
    edges: Capacity = 128
    fitness: Literal["logprob", "margin", "prob"] = "logprob"
    generations: Count = 200
    children: Batch = 200
    repeats: Batch = 5
    seed: Seed = 0
    deterministic: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    memory_limit: Gigabytes | None = None
    hosts: Hosts = field(default_factory=Hosts)
    devices: Devices | None = None
    chunk: Count | None = None
    out: str | None = None
    resume: str | None = None
    preset: str = "default"
    tensorboard: bool = False
    debug: bool = False


# What may differ when a run is resumed: places, and what does not change results.
NEUTRAL = (
    *("out", "resume", "data_dir", "classifier", "chunk", "devices", "shown_to"),
    *("memory_limit", "tensorboard", "debug"),
)

_PAPER = Victim(dataset="mnist", recipe="caffe_lenet")
PRESETS = {
    "default": Config(),
    "smoke": Config(victim=Victim(train_steps=100), generations=10, children=40, repeats=2),
    "paper-mnist-direct": Config(victim=_PAPER, variation="original"),
    "paper-mnist-cppn": Config(victim=_PAPER, encoding="cppn"),
}


def main(config: Config, classifier: "Classifier | None" = None) -> dict[str, Any]:
    """Run the experiment.

    Args:
        config: the settings.
        classifier: a network of your own, instead of the one the settings name.

    Returns:
        The summary, as written to ``summary.json``; nothing on hosts but the first.

    Raises:
        ValueError, OSError: for anything wrong with settings or files; a
            ``ConnectionError`` if another host ended.
        Interrupted: if stopped before the end; what is done is saved.
    """
    from experiments import evolve_search

    evolve_search.check(config)
    with hosts.joined(config.hosts):
        # the run itself is the same on any number of hosts, so its settings are too
        return _run(dataclasses.replace(config, hosts=Hosts()), classifier)


def _run(config: Config, classifier: "Classifier | None") -> dict[str, Any]:
    import jax

    from experiments import evolve_results, evolve_search, evolve_transfer
    from fooljax.runtime import devices, search_run

    devices.set_up(config.devices)
    with directory.opened(config, "experiments.evolve", NEUTRAL) as folder:
        prepared = _prepare(config, folder, classifier)
        network = prepared.classifier
        others = evolve_transfer.others(config, folder, network)
        encoding, search = _build(config, network.input_shape, network.num_classes)
        keys = jax.random.split(jax.random.key(config.seed), config.repeats + 1)
        begin, planned = keys[:-1], None
        if config.memory_limit is not None:
            planned = evolve_search.plan(config, folder, begin, encoding, network)
            search = evolve_search.build_search(
                config, encoding, network.input_shape, network.num_classes, planned.micro_batch
            )
            print(f"memory: {planned.describe()}", file=sys.stderr)
        log = config.tensorboard and hosts.first()
        images = lambda generation: config.repeats * config.children * (generation + 1)
        shared, begin = devices.everywhere((network, begin), evolve_search.mesh(config))
        finished = search_run.run(
            folder,
            begin,
            search,
            shared,
            encoding,
            config.generations,
            images,
            chunk=config.chunk,
            on_chunk=evolve_results.tensorboard(folder) if log else None,
        )
        if not hosts.first():
            return {}
        print("drawing ...", file=sys.stderr)
        return evolve_results.write(
            folder, config, prepared, encoding, finished, keys[-1], images, planned, others
        )


def _build(config: Config, shape: tuple[int, ...], num_classes: int) -> "tuple[Encoding, Search]":
    from experiments import evolve_search
    from fooljax.runtime import memory

    memory.afford(shape, repeats=config.repeats, children=config.children)
    encoding = evolve_search.build_encoding(config, shape)
    return encoding, evolve_search.build_search(config, encoding, shape, num_classes)


def _prepare(config: Config, folder: Path, classifier: "Classifier | None") -> Prepared:
    fits = functools.partial(_build, config)
    if classifier is None:
        prepared = prepare(config.victim, folder, fits, whole=True)
    else:
        from fooljax import models

        models.validate(classifier)
        names = tuple(str(label) for label in range(classifier.num_classes))
        prepared = Prepared(classifier, names, None, "a network given from Python")
    tested = "" if prepared.accuracy is None else f", {100 * prepared.accuracy:.2f} % right"
    print(f"network: {prepared.origin}{tested}", file=sys.stderr)
    return prepared


def cli() -> None:
    """Parse flags and run."""
    command.launch(main, PRESETS, prog="python -m experiments.evolve", description=__doc__)


if __name__ == "__main__":
    cli()
