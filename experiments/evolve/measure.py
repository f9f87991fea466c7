"""What ``experiments.evolve`` computes: from settings to a finished search."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import fooljax as fj
from fooljax import study
from fooljax.runtime import hosts
from fooljax.runtime.hosts import Hosts
from fooljax.runtime.limits import Devices, Gigabytes
from fooljax.study import Batch, Count, Genotype, Looks, RunFlags, Victim

if TYPE_CHECKING:
    from jax.sharding import Mesh

    from fooljax.media import Medium
    from fooljax.study.memory import Plan
    from fooljax.study.search_run import Finished
    from fooljax.types import Classifier, Encoding, RandomKey, Search


@dataclass(frozen=True)
class Config:
    """Evolve images that a trained network is certain about.

    Attributes:
        victim: the network and its data.
        genotype: how an image is encoded, and how its children differ.
        length: of texts, in characters or words; as the network takes them unless given.
        shown_to: architectures that the finished images are shown to, as in --model,
            for the same data; with published ones --weights is a folder.
        search: map_elites (every child competes for every class), own_niche (a
            child competes for its top class only), dominated (images compete by how far
            those are that are surer and look alike), cma_me (distributions that move toward
            what the archive gains), cma_mega and omg_mega (along gradients of confidence and
            of --descriptors), or the name of an evosax strategy, one for each class: snes,
            open_es, sep_cma_es, pgpe, ...
        looks: of which every class keeps an image, instead of one in all.
        fitness: what a class maximizes. logprob and margin go on improving
            where float32 probabilities are already exactly 1.
        generations: how many after the random population.
        children: images made in a generation, for each repeat.
        repeats: independent runs from other random starts, at once.
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
        tensorboard: write TensorBoard logs too (needs fooljax[tensorboard]).
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    genotype: Genotype = field(default_factory=Genotype)
    length: Count | None = None
    shown_to: tuple[str, ...] = ()
    search: str = "map_elites"
    looks: Looks = field(default_factory=Looks)
    fitness: Literal["logprob", "margin", "prob"] = "logprob"
    generations: Count = 200
    children: Batch = 200
    repeats: Batch = 5
    deterministic: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    memory_limit: Gigabytes | None = None
    hosts: Hosts = field(default_factory=Hosts)
    devices: Devices | None = None
    chunk: Count | None = None
    tensorboard: bool = False
    run: RunFlags = field(default_factory=RunFlags)


#: What may differ when a run is resumed, too: none of it changes results.
NEUTRAL = ("chunk", "devices", "shown_to", "memory_limit", "tensorboard")

_PAPER = Victim(dataset="mnist", recipe="caffe_lenet")
PRESETS = {
    "default": Config(),
    "smoke": Config(victim=Victim(train_steps=100), generations=10, children=40, repeats=2),
    "paper-mnist-direct": Config(victim=_PAPER, genotype=Genotype(variation="original")),
    "paper-mnist-cppn": Config(victim=_PAPER, genotype=Genotype(encoding="cppn")),
}


def check(config: Config) -> None:
    """Refuse settings that are impossible whatever the network.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    fj.runtime.limits.check(config)
    study.chosen_encoding(config.genotype)
    study.cells_of(config.looks)
    if config.devices is not None and config.devices > config.children:
        raise ValueError(
            f"--devices must not exceed --children, got {config.devices} and {config.children}"
        )
    if config.memory_limit is not None and config.deterministic:
        raise ValueError(
            f"--memory-limit chooses how many images the network sees at a time, which with "
            f"--deterministic are {study.MICRO_BATCH}; leave one of the two out"
        )
    known = {*fj.models.NETWORKS, *fj.models.PRETRAINED}
    unknown = [name for name in config.shown_to if ":" not in name and name not in known]
    if unknown or len(set(config.shown_to)) < len(config.shown_to):
        raise ValueError(
            "--shown-to: architectures as in --model, each once; got "
            f"{' '.join(config.shown_to) or 'none'}"
        )
    if config.looks.descriptors and config.search not in study.SEARCHES:
        raise ValueError(
            f"--descriptors need --search {' or '.join(study.SEARCHES)}; "
            f"{config.search} searches for each class by itself"
        )
    if config.search == "dominated" and not config.looks.descriptors:
        raise ValueError(
            "--search dominated compares images by what --descriptors measure; give some"
        )
    if config.precision != "float32" and config.search not in ("map_elites", "own_niche"):
        raise ValueError(
            f"--precision {config.precision} sorts out images that beat no champion; --search "
            f"{config.search} learns from all of them; leave one of the two out"
        )
    varies = ("map_elites", "own_niche", "dominated")
    flags = ("variation", "mutation_rate", "halve_rate_every")
    if config.search not in varies and any(
        getattr(config.genotype, flag) != getattr(Genotype(), flag) for flag in flags
    ):
        raise ValueError(
            f"--variation, --mutation-rate and --halve-rate-every are for --search "
            f"{' or '.join(varies)}; {config.search} draws children from distributions"
        )
    if config.tensorboard:
        try:
            import tensorboardX  # noqa: F401
        except ImportError as error:
            raise ValueError('--tensorboard needs: pip install "fooljax[tensorboard]"') from error


def build_encoding(config: Config, shape: tuple[int, ...], medium: Medium) -> Encoding:
    """Return the search space of inputs of this shape.

    Raises:
        ValueError: if there is none, naming the flag.
    """
    smooth = config.search in study.SMOOTH_SEARCHES
    return study.build_encoding(config.genotype, shape, medium, smooth)


def build_search(
    config: Config,
    encoding: Encoding,
    shape: tuple[int, ...],
    num_classes: int,
    most: int | None = None,
    over: Mesh | None = None,
) -> Search:
    """Return the search, repeated and spread over devices.

    Args:
        config: the settings.
        encoding: of the images.
        shape: of an image.
        num_classes: of the network.
        most: children that a device may show to the network at a time; as many as is
            best for its speed unless given.
        over: the devices; those of the settings unless given.

    Raises:
        ValueError: if the classes cannot be searched like this, naming the flag.
    """
    if num_classes < 2:
        raise ValueError(f"--model: a network needs two classes to be fooled, got {num_classes}")
    over = study.sharing(config.devices) if over is None else over
    options: dict[str, Any] = {
        "fitness": config.fitness,
        "micro_batch": study.at_once(shape, config.children, over, most, config.deterministic),
        "axis_name": fj.runtime.devices.AXIS if over.size > 1 else None,
    }
    if config.precision == "bfloat16":
        options["screen"] = fj.models.in_bfloat16
    cells = study.cells_of(config.looks, num_classes)
    search = study.make_search(
        "--search", config.search, encoding, config.children, num_classes, cells, options
    )
    search = fj.evolution.repeat(search)
    return fj.runtime.devices.spread(search, over) if over.size > 1 else search


def evaluations(config: Config, generation: int) -> int:
    """Return how many images all repeats have shown to the network up to a generation."""
    return config.repeats * config.children * (generation + 1)


def evolve(
    run: study.Run[Config], encoding: Encoding, classifier: Classifier, medium: Medium
) -> tuple[Finished, Plan | None, RandomKey]:
    """Evolve to the last generation, from the newest checkpoint if there is one.

    Returns:
        The finished run; how it kept to its memory limit, if it had one; a key for what
        comes after it.
    """
    import jax

    from fooljax.study import search_run

    config, shape, planned = run.config, classifier.input_shape, None
    keys = jax.random.split(jax.random.key(config.run.seed), config.repeats + 1)
    begin, after, over = keys[:-1], keys[-1], study.sharing(config.devices)
    build = functools.partial(build_search, config, encoding, shape, classifier.num_classes)
    if config.memory_limit is not None:
        amounts = config.children, over, config.chunk
        planned = study.plan_search(
            run.folder, config.memory_limit, begin, build, classifier, *amounts
        )
        print(f"memory: {planned.describe()}", file=sys.stderr)
    watched = config.tensorboard and hosts.first()
    shared, begin = fj.runtime.devices.everywhere((classifier, begin), over)
    finished = search_run.run(
        run.folder,
        begin,
        build(planned and planned.micro_batch),
        shared,
        encoding,
        config.generations,
        functools.partial(evaluations, config),
        chunk=config.chunk,
        on_chunk=fj.runtime.tensorboard.log(run.folder) if watched else None,
        medium=medium,
    )
    return finished, planned, after
