"""What ``experiments.evolve`` computes: from settings to a search, and its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import fooljax as fj
from fooljax import study
from fooljax.runtime.hosts import Hosts
from fooljax.runtime.limits import Devices, Gigabytes
from fooljax.study import Batch, Capacity, Count, Natural, Rate, RunFlags, Victim

if TYPE_CHECKING:
    from jax.sharding import Mesh

    from fooljax.evolution import Cells
    from fooljax.media import Medium
    from fooljax.study.memory import Plan
    from fooljax.types import Classifier, Encoding, RandomKey, Search

MICRO_BATCH = 25
_LARGE = 10_000  # pixels from which on a CPU is fastest with few images at a time


@dataclass(frozen=True)
class Config:
    """Evolve images that a trained network is certain about.

    Attributes:
        victim: the network and its data.
        encoding: direct (every pixel a gene, irregular images), cppn (a small
            network paints the image, regular images), or FILE.py:NAME for a function of
            your own, shape -> Encoding. Of sounds also waveform (samples) and partials (a few
            tones), of videos voxels and flicker, of texts characters and tokens (words).
        alphabet: of texts by their characters: latin (a to z and the space), all, or the
            characters themselves.
        length: of texts, in characters or words; as the network takes them unless given.
        shown_to: architectures that the finished images are shown to, as in --model,
            for the same data; with published ones --weights is a folder.
        search: map_elites (every child competes for every class), own_niche (a
            child competes for its top class only), dominated (images compete by how far
            those are that are surer and look alike), cma_me (distributions that move toward
            what the archive gains), cma_mega and omg_mega (along gradients of confidence and
            of --descriptors), or the name of an evosax strategy, one for each class: snes,
            open_es, sep_cma_es, pgpe, ...
        descriptors: what images may look like, as NAME or NAME:LOW:HIGH, from brightness,
            contrast, variation, fineness, symmetry, nearest (distance from the nearest
            training image). Every class then keeps the best image of each look; none of
            them, and so one image a class, unless given.
        archive: how the looks are divided: grid (equal steps of each descriptor) or cvt (cells
            of about equal size, whose number does not grow with that of the descriptors: a
            centroidal Voronoi tessellation).
        grid: steps of each descriptor in a grid.
        cells: of a cvt, for each class.
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
    encoding: str = "direct"
    alphabet: str = "latin"
    length: Count | None = None
    shown_to: tuple[str, ...] = ()
    search: str = "map_elites"
    descriptors: tuple[str, ...] = ()
    archive: Literal["grid", "cvt"] = "grid"
    grid: Count = 8
    cells: Count = 64
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
    "paper-mnist-direct": Config(victim=_PAPER, variation="original"),
    "paper-mnist-cppn": Config(victim=_PAPER, encoding="cppn"),
}


def check(config: Config) -> None:
    """Refuse settings that are impossible whatever the network.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    fj.runtime.limits.check(config)
    chosen(config)
    if config.devices is not None and config.devices > config.children:
        raise ValueError(
            f"--devices must not exceed --children, got {config.devices} and {config.children}"
        )
    own = {"variation": "polynomial", "halve_rate_every": 0, "genes": "float32"}
    if config.encoding != "direct" and any(getattr(config, flag) != own[flag] for flag in own):
        raise ValueError("--variation, --halve-rate-every and --genes belong to --encoding direct")
    if config.memory_limit is not None and config.deterministic:
        raise ValueError(
            f"--memory-limit chooses how many images the network sees at a time, which with "
            f"--deterministic are {MICRO_BATCH}; leave one of the two out"
        )
    known = {*fj.models.NETWORKS, *fj.models.PRETRAINED}
    unknown = [name for name in config.shown_to if ":" not in name and name not in known]
    if unknown or len(set(config.shown_to)) < len(config.shown_to):
        raise ValueError(
            "--shown-to: architectures as in --model, each once; got "
            f"{' '.join(config.shown_to) or 'none'}"
        )
    if config.alphabet != Config().alphabet and config.encoding != "characters":
        raise ValueError("--alphabet belongs to --encoding characters; leave it out")
    if config.descriptors and config.search not in study.SEARCHES:
        raise ValueError(
            f"--descriptors need --search {' or '.join(study.SEARCHES)}; "
            f"{config.search} searches for each class by itself"
        )
    if config.search == "dominated" and not config.descriptors:
        raise ValueError(
            "--search dominated compares images by what --descriptors measure; give some"
        )
    _check_cells(config)
    build_grid(config)
    if config.precision != "float32" and config.search not in ("map_elites", "own_niche"):
        raise ValueError(
            f"--precision {config.precision} sorts out images that beat no champion; --search "
            f"{config.search} learns from all of them; leave one of the two out"
        )
    if config.tensorboard:
        try:
            import tensorboardX  # noqa: F401
        except ImportError as error:
            raise ValueError('--tensorboard needs: pip install "fooljax[tensorboard]"') from error


def chosen(config: Config) -> fj.encodings.Entry:
    """Return the encoding that was asked for.

    Raises:
        ValueError: if there is none of the name, or the user's file cannot be run.
    """
    name, own = config.encoding, fj.encodings.own_encoding
    return study.choose("--encoding", [name], fj.encodings.CATALOG, own)[name]


def build_encoding(config: Config, shape: tuple[int, ...], medium: Medium) -> Encoding:
    """Return the search space of inputs of this shape.

    Raises:
        ValueError: if there is none, naming the flag.
    """
    build = {"direct": _direct, "cppn": _cppn, "characters": _characters}.get(config.encoding)
    entry, kind = chosen(config), fj.media.kind(medium)
    try:
        if kind not in entry.takes:
            fit = [name for name, one in fj.encodings.CATALOG.items() if kind in one.takes]
            raise ValueError(
                f"the network takes {kind}, and this makes {' or '.join(entry.takes)}; give "
                f"{' or '.join(fit)}"
            )
        if kind == "pictures" and shape[2] not in (1, 3):
            raise ValueError(f"images of 1 or 3 channels are needed, got {shape}")
        usual = entry.build(shape, medium)  # refuses what the encoding cannot make
        return usual if build is None else build(config, shape)
    except ValueError as error:
        raise ValueError(f"--encoding {config.encoding}: {error}") from error


def _direct(config: Config, shape: tuple[int, ...]) -> Encoding:
    import optax

    rate: float | optax.Schedule = config.mutation_rate
    if config.halve_rate_every:
        rate = optax.exponential_decay(rate, config.halve_rate_every, 0.5, staircase=True)
    if config.variation == "iso_line":
        vary = fj.encodings.iso_line_dd()
    else:
        crossover = "none" if config.variation == "polynomial" else config.variation
        # draws of 16 bits are too coarse for rates that keep halving
        coarse = config.genes == "uint8" and not config.halve_rate_every
        vary = fj.encodings.polynomial(rate, crossover=crossover, coarse=coarse)
    levels = None if config.search in study.SMOOTH_SEARCHES else 256  # steps have no gradient
    return fj.encodings.direct(shape, vary, config.color, levels, storage=config.genes)


def _cppn(config: Config, shape: tuple[int, ...]) -> Encoding:
    rates = fj.encodings.Rates(weight=config.mutation_rate, function=config.mutation_rate)
    sizes, looks = (config.nodes, config.edges), (config.coordinates, config.color)
    try:
        return fj.encodings.cppn(shape, *sizes, rates, *looks)
    except ValueError as error:
        raise ValueError(f"--nodes, --edges: {error}") from error


def _characters(config: Config, shape: tuple[int, ...]) -> Encoding:
    (length,) = shape
    return fj.encodings.characters(length, config.alphabet)


def _check_cells(config: Config) -> None:
    usual = Config()
    if config.archive != usual.archive and not config.descriptors:
        raise ValueError(f"--archive {config.archive} divides what --descriptors name; give some")
    if config.grid != usual.grid and not config.descriptors:
        raise ValueError("--grid is the number of steps of --descriptors; give some, or leave it")
    if config.grid != usual.grid and config.archive != "grid":
        raise ValueError(f"--grid is of --archive grid; --archive {config.archive} has --cells")
    if config.cells != usual.cells and config.archive != "cvt":
        raise ValueError(
            "--cells are those of --archive cvt, with --descriptors; a grid has --grid"
        )


def build_grid(config: Config, num_classes: int = 1) -> Cells | None:
    """Return the cells that every class has, None without descriptors.

    Raises:
        ValueError: if there are too many, naming the flag.
    """
    count = config.grid if config.archive == "grid" else config.cells
    return study.read_grid("--descriptors", config.descriptors, count, num_classes, config.archive)


def mesh(config: Config) -> Mesh:
    """Return the devices that share the children.

    Raises:
        ValueError: if there are fewer, naming the flag.
    """
    import jax

    from fooljax import backend

    one_each = backend.on_cpu() and config.devices is None
    return fj.runtime.devices.mesh(jax.process_count() if one_each else config.devices)


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
    over = mesh(config) if over is None else over
    options: dict[str, Any] = {
        "fitness": config.fitness,
        "micro_batch": _micro_batch(config, shape, over.size, most),
        "axis_name": fj.runtime.devices.AXIS if over.size > 1 else None,
    }
    if config.precision == "bfloat16":
        options["screen"] = fj.models.in_bfloat16
    grid = build_grid(config, num_classes)
    search = study.make_search(
        "--search", config.search, encoding, config.children, num_classes, grid, options
    )
    search = fj.evolution.repeat(search)
    return fj.runtime.devices.spread(search, over) if over.size > 1 else search


def _micro_batch(
    config: Config, shape: tuple[int, ...], devices: int, most: int | None = None
) -> int | None:
    """Return how many children a device shows to the network at a time, None for all."""
    from fooljax import backend

    if config.deterministic:
        return MICRO_BATCH
    share = -(-config.children // devices)
    # SqueezeNet at 224 x 224 on two cores, images/s: 122 by 16, 107 by 25, 84 by 400
    large = backend.on_cpu() and len(shape) == 3 and shape[0] * shape[1] >= _LARGE
    count = min(share, most or share, MICRO_BATCH if large else share)
    return None if count == share else count


def evaluations(config: Config, generation: int) -> int:
    """Return how many images all repeats have shown to the network up to a generation."""
    return config.repeats * config.children * (generation + 1)


def plan(
    run: study.Run[Config],
    keys: RandomKey,
    build: Callable[[int], Search],
    classifier: Classifier,
) -> Plan:
    """Find how many children at a time keep the evolution within ``--memory-limit``."""
    import jax

    from fooljax import backend
    from fooljax.study import memory, search_run

    config, shape, over = run.config, classifier.input_shape, mesh(run.config)
    free = _micro_batch(config, shape, over.size) or -(-config.children // over.size)
    # simulated devices share one memory
    sharing = jax.local_device_count() if backend.on_cpu() else 1
    capacity = config.chunk or search_run.LONGEST_CHUNK
    need = lambda count: (
        sharing * fj.evolution.memory_needed(keys, build(count), classifier, capacity)
    )
    grid = build_grid(config, classifier.num_classes)
    niches = classifier.num_classes * (1 if grid is None else grid.size)
    numbers = config.repeats * niches * math.prod(shape)
    limit = config.memory_limit or math.inf
    return memory.plan_once(run.folder, limit, free, need, numbers)
