"""From the settings of ``experiments.evolve`` to its search; impossible ones are refused."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import jax
import optax
from jax.sharding import Mesh

from fooljax import backend, encodings, evolution, models
from fooljax.runtime import devices, files, hosts, limits, memory, search_run
from fooljax.types import Classifier, Encoding, RandomKey, Search

MICRO_BATCH = 25
_PLAN = "memory.json"
_LARGE = 10_000  # pixels from which on a CPU is fastest with few images at a time
_POPULATIONS = {"map_elites": "all", "own_niche": "own"}


def check(config: Any) -> None:
    """Refuse settings that are impossible whatever the network.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    limits.check(config)
    if config.devices is not None and config.devices > config.children:
        raise ValueError(
            f"--devices must not exceed --children, got {config.devices} and {config.children}"
        )
    own = {"variation": "polynomial", "halve_rate_every": 0, "genes": "float32"}
    if config.encoding == "cppn" and any(getattr(config, flag) != own[flag] for flag in own):
        raise ValueError("--variation, --halve-rate-every and --genes belong to --encoding direct")
    if config.memory_limit is not None and config.deterministic:
        raise ValueError(
            f"--memory-limit chooses how many images the network sees at a time, which with "
            f"--deterministic are {MICRO_BATCH}; leave one of the two out"
        )
    unknown = [name for name in config.shown_to if ":" not in name and name not in models.NETWORKS]
    if unknown or len(set(config.shown_to)) < len(config.shown_to):
        raise ValueError(
            "--shown-to: architectures as in --model, each once; got "
            f"{' '.join(config.shown_to) or 'none'}"
        )
    if config.precision != "float32" and config.search not in _POPULATIONS:
        raise ValueError(
            f"--precision {config.precision} sorts out images that beat no champion; --search "
            f"{config.search} learns from all of them; leave one of the two out"
        )
    if config.tensorboard:
        try:
            import tensorboardX  # noqa: F401
        except ImportError as error:
            raise ValueError('--tensorboard needs: pip install "fooljax[tensorboard]"') from error


def build_encoding(config: Any, shape: tuple[int, ...]) -> Encoding:
    """Return the search space of images of this shape.

    Raises:
        ValueError: if there is none, naming the flag.
    """
    height, width, channels = shape
    if channels not in (1, 3):
        raise ValueError(f"--encoding needs images of 1 or 3 channels, got {channels}")
    if config.encoding == "cppn":
        rates = encodings.Rates(weight=config.mutation_rate, function=config.mutation_rate)
        try:
            return encodings.cppn(
                (height, width, channels),
                config.nodes,
                config.edges,
                rates,
                config.coordinates,
                config.color,
            )
        except ValueError as error:
            raise ValueError(f"--nodes, --edges: {error}") from error
    rate: Any = config.mutation_rate
    if config.halve_rate_every:
        rate = optax.exponential_decay(rate, config.halve_rate_every, 0.5, staircase=True)
    if config.variation == "iso_line":
        vary = encodings.iso_line_dd()
    else:
        crossover = "none" if config.variation == "polynomial" else config.variation
        # draws of 16 bits are too coarse for rates that keep halving
        coarse = config.genes == "uint8" and not config.halve_rate_every
        vary = encodings.polynomial(rate, crossover=crossover, coarse=coarse)
    return encodings.direct((height, width, channels), vary, config.color, storage=config.genes)


def mesh(config: Any) -> Mesh:
    """Return the devices that share the children.

    Raises:
        ValueError: if there are fewer, naming the flag.
    """
    one_each = backend.on_cpu() and config.devices is None
    return devices.mesh(jax.process_count() if one_each else config.devices)


def build_search(
    config: Any,
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
        "axis_name": devices.AXIS if over.size > 1 else None,
    }
    if niches := _POPULATIONS.get(config.search):
        screen = models.in_bfloat16 if config.precision == "bfloat16" else None
        search = evolution.map_elites(
            encoding, config.children, niches=niches, screen=screen, **options
        )
    else:
        if config.children < 2 * num_classes:
            raise ValueError(
                f"--search {config.search} needs at least two --children for each of the "
                f"{num_classes} classes, got {config.children}"
            )
        search = _strategy(config, encoding, options)
    search = evolution.repeat(search)
    return devices.spread(search, over) if over.size > 1 else search


def _micro_batch(
    config: Any, shape: tuple[int, ...], devices: int, most: int | None = None
) -> int | None:
    """Return how many children a device shows to the network at a time, None for all."""
    if config.deterministic:
        return MICRO_BATCH
    share = -(-config.children // devices)
    # SqueezeNet at 224 x 224 on two cores, images/s: 122 by 16, 107 by 25, 84 by 400
    large = backend.on_cpu() and shape[0] * shape[1] >= _LARGE
    count = min(share, most or share, MICRO_BATCH if large else share)
    return None if count == share else count


def plan(
    config: Any, folder: Path, key: RandomKey, encoding: Encoding, classifier: Classifier
) -> memory.Plan:
    """Find how many children at a time keep the evolution within ``--memory-limit``.

    The plan is kept: a resumed run with the same limit goes on with the same number, on
    which the last bits depend.

    Args:
        config: the settings, with a limit.
        folder: run directory.
        key: keys ``[repeats]``.
        encoding: of the images.
        classifier: the network.

    Raises:
        ValueError: if the limit is too low, with the numbers.
    """
    over, shape = mesh(config), classifier.input_shape
    free = _micro_batch(config, shape, over.size) or -(-config.children // over.size)
    # simulated devices share one memory
    sharing = jax.local_device_count() if backend.on_cpu() else 1

    capacity = config.chunk or search_run.LONGEST_CHUNK

    def need(micro_batch: int | None) -> int:
        search = build_search(config, encoding, shape, classifier.num_classes, micro_batch)
        return sharing * evolution.memory_needed(key, search, classifier, capacity)

    kept = hosts.decide(lambda: _kept_plan(folder, config.memory_limit))
    if kept is not None:
        return memory.Plan(*kept)
    print("planning memory ...", file=sys.stderr)
    numbers = config.repeats * classifier.num_classes * math.prod(shape)
    found = memory.plan(config.memory_limit, free, need, numbers)
    if hosts.first():
        files.write_json(folder / _PLAN, {"limit": config.memory_limit, **found._asdict()})
    return found


def _kept_plan(folder: Path, limit: float) -> tuple[int, int] | None:
    if not (folder / _PLAN).exists():
        return None
    kept = json.loads((folder / _PLAN).read_text(encoding="utf-8"))
    return (kept["micro_batch"], kept["size"]) if kept["limit"] == limit else None


def _strategy(config: Any, encoding: Encoding, options: dict[str, Any]) -> Search:
    try:
        return evolution.strategy(config.search, encoding, config.children, **options)
    except ValueError as error:
        raise ValueError(
            f"--search {config.search}: {error}; or map_elites, or own_niche"
        ) from error
